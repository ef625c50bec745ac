package collect

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/mmcdole/gofeed"
	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"

	"github.com/wardline/wardline/internal/risk"
)

// What a feed may be made of. The reader behind us calls itself for every element within another.
const (
	mostFeedDepth    = 64
	mostFeedElements = 200_000
	mostFeedEntries  = 5000
)

// feedEntries reads RSS, Atom and JSON feeds. What their entries lead to is not fetched.
func feedEntries(r *run, p *page) ([]entry, error) {
	if err := checkFeed(p.raw); err != nil {
		if p.mayBeFeed() {
			return nil, p.failure(risk.FailLayout, fmt.Errorf("read the feed: %w", err))
		}
		return nil, p.refuses("a feed")
	}
	feed, err := gofeed.NewParser().Parse(bytes.NewReader(p.raw))
	if err != nil {
		return nil, p.refuses("a feed")
	}
	if len(feed.Items) == 0 {
		r.say("%s: the feed holds no entries", p.url)
	}
	var entries []entry
	for _, item := range feed.Items[:min(len(feed.Items), mostFeedEntries)] {
		if e, ok := r.feedEntry(item); ok {
			entries = append(entries, e)
		}
	}
	if len(feed.Items) > 0 && len(entries) == 0 {
		return nil, p.failure(risk.FailLayout, errors.New("the feed's entries hold neither a title nor a text"))
	}
	return entries, nil
}

// mayBeFeed tells a broken feed from a page in its place.
func (p *page) mayBeFeed() bool {
	head := bytes.ToLower(p.raw[:min(len(p.raw), 1024)])
	return bytes.Contains(head, []byte("<rss")) || bytes.Contains(head, []byte("<feed")) || bytes.Contains(head, []byte("<rdf"))
}

func (r *run) feedEntry(item *gofeed.Item) (entry, bool) {
	about := htmlText(item.Description)
	if whole := htmlText(item.Content); len(whole) > len(about) {
		about = whole
	}
	e := entry{title: tidy(htmlText(item.Title)), text: about, place: tidy(item.Link)}
	if len(item.Authors) > 0 && item.Authors[0] != nil {
		e.author = tidy(item.Authors[0].Name)
	}
	for _, date := range []string{item.Published, item.Updated} {
		if t, ok := r.whenever(date); ok {
			e.posted = t
			break
		}
	}
	e.id = "entry " + digestOf(firstOf(item.GUID, item.Link, item.Title))
	e.marker = digestOf(e.title, e.text)
	if r.src.Kind == risk.SourceLeakSite {
		e.claim = claimInTitle(e.title, about)
		e.title = e.claim.Victim
	}
	return e, e.title != "" || strings.TrimSpace(e.text) != ""
}

// Titles of the feeds that watch leak sites.
var (
	victimByGroup = regexp.MustCompile(`^(.+)\s+[Bb]y\s+([^\s].{0,60})$`)
	groupVictim   = regexp.MustCompile(`^(?:⟦U\+[0-9A-F]+⟧|[^\pL\pN])*(.{1,60}?) has (?:just )?published a new victim\s*:\s*(.+)$`)
)

// claimInTitle takes the victim and the group from the title of a feed that watches leak sites.
func claimInTitle(title, about string) risk.Claim {
	c := risk.Claim{Victim: title, Volume: volumeIn(about)}
	if m := groupVictim.FindStringSubmatch(title); m != nil {
		c.Group, c.Victim = m[1], m[2]
	} else if m := victimByGroup.FindStringSubmatch(title); m != nil {
		c.Victim, c.Group = m[1], m[2]
	}
	return c
}

// checkFeed goes through a feed's elements before anything is built of them.
func checkFeed(body []byte) error {
	if trimmed := bytes.TrimSpace(body); len(trimmed) > 0 && trimmed[0] == '{' {
		return nil // a JSON feed; its reader limits depth itself
	}
	d := xml.NewDecoder(bytes.NewReader(body))
	d.Strict, d.CharsetReader = false, charset.NewReaderLabel
	d.Entity = xml.HTMLEntity
	depth, elements := 0, 0
	for {
		t, err := d.RawToken()
		switch {
		case errors.Is(err, io.EOF) && elements == 0:
			return errors.New("it is no XML")
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return errors.New("it is not well-formed XML")
		}
		switch t.(type) {
		case xml.StartElement:
			depth++
			elements++
		case xml.EndElement:
			depth--
		}
		if depth > mostFeedDepth || elements > mostFeedElements {
			return fmt.Errorf("more than %d elements lie in one another, or there are more than %d", mostFeedDepth, mostFeedElements)
		}
	}
}

// htmlText is the text of a stretch of HTML, as services put it into a field.
func htmlText(s string) string {
	if !strings.ContainsAny(s, "<&") {
		return strings.TrimSpace(cleanText(s))
	}
	if checkMarkup([]byte(s)) != nil {
		return strings.TrimSpace(cleanText(s))
	}
	root, err := html.Parse(strings.NewReader(s))
	if err != nil {
		return strings.TrimSpace(cleanText(s))
	}
	return strings.TrimSpace(nodeText(root))
}
