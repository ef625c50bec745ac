package collect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"

	"github.com/wardline/wardline/internal/risk"
)

// entry is one line of a list: a paste, a thread, a victim.
type entry struct {
	link   *url.URL // nil = it leads nowhere that we may go
	title  string
	marker string
	author string
	posted time.Time
	text   string
}

// place is where in a list a run is, or an earlier one ended.
type place struct {
	depth  int
	at     *url.URL
	entry  string // begin at this one; "" = the page's first
	behind bool   // begin behind it: it ended the run, and would end the next one
}

// list walks the pages of a list. It reads every page up to the depth: stopping at the first page without news would
// miss what a run that was killed had left behind. Only the first page's failure is the list's.
//
// A run that ends early leaves a mark, and the next one goes on there: at once when an entry ended it, else after the
// front of the list, which holds what is new and may use half of the pages.
func (r *run) list(ctx context.Context, from *url.URL, each func(context.Context, *page, []entry) error) error {
	left, err := r.leftOff(ctx, from)
	if err != nil {
		return err
	}
	here, jump := place{at: from}, false
	switch {
	case left.at != nil && left.behind:
		here = left
	case left.at != nil:
		jump = true
		r.most = r.report.Pages + (r.src.Limits.Pages-r.report.Pages+1)/2
		defer func() { r.most = r.src.Limits.Pages }()
	}
	var p *page         // the last that could be read
	var entries []entry // on it
	var at *url.URL     // its address
	for here.depth < r.src.Limits.Depth {
		if r.again("list "+here.at.String()) && here.entry == "" {
			break
		}
		got, err := p, error(nil)
		if p == nil || here.at != at {
			at = here.at
			got, entries, err = r.listPage(ctx, at)
		}
		switch {
		case err == nil:
			p = got
		case p == nil && here.at == left.at: // the page is no more: begin anew
			if err := r.skip(err); err != nil {
				return err
			}
			here = place{at: from}
			continue
		case p == nil:
			return err
		}
		before := r.report.New
		if err == nil {
			r.reading = ""
			err = each(ctx, p, entriesFrom(entries, here))
			here.entry, here.behind = r.reading, !errors.Is(err, errEnough)
		}
		if jump && here.depth < left.depth+1 && (errors.Is(err, errEnough) || err == nil && here.depth < left.depth && r.report.New == before) {
			jump, r.most = false, r.src.Limits.Pages
			delete(r.seen, r.reading) // it was only begun
			if at.String() == left.at.String() {
				left.at = at // the page is at hand
			}
			here = left
			continue
		}
		if err != nil && p != got {
			here.entry, here.behind, err = "", false, r.skip(err)
			if err == nil {
				break
			}
		}
		if err != nil {
			return r.leave(ctx, p, from, here, err)
		}
		next, more := r.next(p)
		if !more {
			break
		}
		here = place{depth: here.depth + 1, at: next}
		if here.depth > left.depth {
			jump, r.most = false, r.src.Limits.Pages
		}
		if here.depth == r.src.Limits.Depth && r.report.New > before {
			r.note("%s: the limit of %d list pages was reached, and the last one still held news", from, r.src.Limits.Depth)
		}
	}
	if left.at == nil {
		return nil
	}
	return r.hand(ctx, p, nil, []risk.Mark{{Key: leftKey(from)}})
}

func leftKey(from *url.URL) string { return "left:" + from.String() }

// leave remembers where a run ended early, and gives back why. The end of ctx leaves nothing: nothing can be kept then.
func (r *run) leave(ctx context.Context, p *page, from *url.URL, here place, why error) error {
	var fetch *risk.FetchError
	if ctx.Err() != nil || !errors.Is(why, errEnough) && !errors.As(why, &fetch) {
		return why
	}
	mark := risk.Mark{Key: leftKey(from), Marker: fmt.Sprintf("%d %t %s\n%s", here.depth, here.behind, here.at, here.entry)}
	if err := r.hand(ctx, p, nil, []risk.Mark{mark}); err != nil {
		return err
	}
	return why
}

// leftOff is where an earlier run ended early; at is nil when none did.
func (r *run) leftOff(ctx context.Context, from *url.URL) (place, error) {
	m, found, err := r.known(ctx, leftKey(from))
	if err != nil {
		return place{}, fmt.Errorf("look up what is known of %s: %w", r.src.Key, err)
	}
	var p place
	head, entry, _ := strings.Cut(m.Marker, "\n")
	var at string
	if _, err := fmt.Sscanf(head, "%d %t %s", &p.depth, &p.behind, &at); !found || err != nil {
		return place{}, nil
	}
	if p.at, err = url.Parse(at); err != nil || p.depth >= r.src.Limits.Depth {
		return place{}, nil
	}
	p.entry = entry
	return p, nil
}

// entriesFrom are the entries of a page from a place on; all of them when the one that it names has moved away.
func entriesFrom(entries []entry, from place) []entry {
	at := slices.IndexFunc(entries, func(e entry) bool { return from.entry != "" && e.key() == from.entry })
	switch {
	case at < 0:
		return entries
	case from.behind:
		return entries[at+1:]
	}
	return entries[at:]
}

// key names an entry in marks.
func (e entry) key() string {
	switch {
	case e.link != nil:
		return e.link.String()
	case e.title != "":
		return "entry:" + digestOf(e.title)
	}
	return "entry:" + digestOf(e.text)
}

func (r *run) listPage(ctx context.Context, at *url.URL) (*page, []entry, error) {
	p, err := r.fetch(ctx, at)
	if err != nil {
		return nil, nil, err
	}
	var entries []entry
	err = p.guard(func() error {
		entries, err = r.entries(p)
		return err
	})
	return p, entries, err
}

// Entries may hold one another, as threaded posts do. Each is read with all that is in it, so what they may add up to
// is limited: two hundred in one another would be two hundred copies of a page.
const (
	mostInOneAnother = 32
	mostCopies       = 4
)

// elements finds a selector's elements, unless too many lie in one another.
func (p *page) elements(selector string) (*goquery.Selection, error) {
	found := p.doc.Find(selector)
	set := make(map[*html.Node]bool, len(found.Nodes))
	for _, n := range found.Nodes {
		set[n] = true
		around := 0
		for up := n.Parent; up != nil; up = up.Parent {
			if set[up] {
				around++
			}
		}
		if around >= mostInOneAnother {
			return nil, p.failure(risk.FailLayout, fmt.Errorf("more than %d entries lie in one another", mostInOneAnother))
		}
	}
	return found, nil
}

func (p *page) tooMuch(text int) bool { return text > mostCopies*len(p.body)+4096 }

var errTooMuch = errors.New("the entries hold one another's text")

// entries reads a list page. A page without its expected mark, or with the mark and nothing under it, has changed its
// layout or hides its content: it is never "empty, fine".
func (r *run) entries(p *page) ([]entry, error) {
	read := r.src.Read
	if !p.has(read.Expect) {
		return nil, p.unexpected("read.expect", read.Expect)
	}
	list, err := p.elements(read.List)
	if err != nil {
		return nil, err
	}
	var entries []entry
	astray, text := 0, 0
	for _, s := range list.EachIter() {
		e := r.entry(p, s)
		if text += len(e.text); p.tooMuch(text) {
			return nil, p.failure(risk.FailLayout, errTooMuch)
		}
		if e.link == nil && r.src.Kind != risk.SourceLeakSite {
			astray++
			continue
		}
		entries = append(entries, e)
	}
	switch {
	case len(entries) == 0 && astray > 0:
		return nil, p.failure(risk.FailLayout, fmt.Errorf("read.link (%s) finds no address that may be followed in any of %d entries", read.Link, astray))
	case len(entries) == 0:
		return nil, p.unexpected("read.list", read.List)
	case astray > 0:
		r.note("%s: %d entries without a link that may be followed (read.link)", p.url, astray)
	}
	return entries, nil
}

func (r *run) entry(p *page, s *goquery.Selection) entry {
	read := r.src.Read
	e := entry{title: r.pick(s, "read.title", read.Title), marker: r.pick(s, "read.marker", read.Marker)}
	if r.src.Kind != risk.SourceForum { // a thread's author is its posts'
		e.author = r.pick(s, "read.author", read.Author)
	}
	if r.src.Kind == risk.SourceLeakSite {
		e.text = nodeText(s.Nodes[0])
	}
	e.posted, _ = parseDate(pick(s, read.Date), read)
	if read.Link == "" {
		return e
	}
	link, ok := p.resolve(href(s, read.Link))
	if !ok && s.Is(read.Link) {
		link, ok = p.resolve(s.AttrOr("href", ""))
	}
	if ok && r.gate.check(http.MethodGet, link) == nil {
		e.link = link
	}
	return e
}

// document is what was read at an entry, counted.
func (r *run) document(e entry, id, url, text string) risk.Item {
	r.report.Items++
	if e.posted.IsZero() && r.src.Read.Date != "" {
		r.undated++
	}
	return risk.Item{PostID: id, URL: url, Author: e.author, Posted: e.posted, Title: e.title, Text: text}
}

func (r *run) next(p *page) (*url.URL, bool) {
	if r.src.Read.Next == "" || p.doc == nil {
		return nil, false
	}
	next, ok := p.resolve(href(p.doc.Selection, r.src.Read.Next))
	r.count("read.next", r.src.Read.Next, ok)
	return next, ok
}

// Inspection is what a definition reads on one page that is at hand.
type Inspection struct {
	Entries int         // of a list page
	Items   []risk.Item // posts of a thread page
}

// Inspect reads one page by a source's definition without fetching anything: a list page, or a page of a thread. The
// error is the *risk.FetchError that a crawl would have met.
func Inspect(src risk.Source, contentType string, body []byte) (Inspection, error) {
	g, err := newGate(src)
	if err != nil {
		return Inspection{}, err
	}
	r := &run{src: src, gate: g, seen: map[string]bool{}, used: map[string]*use{}}
	p := &page{url: g.home, home: g.home, twins: src.Read.Twins}
	err = p.guard(func() error { return p.parse(contentType, body) })
	switch {
	case err != nil:
		return Inspection{}, err
	case p.has(src.Read.Captcha):
		return Inspection{}, p.failure(risk.FailCaptcha, errors.New("the definition's captcha selector matches"))
	case src.Kind == risk.SourceForum && p.has(src.Read.Post):
		posts, err := r.posts(p)
		return Inspection{Items: items(posts, "", p, entry{})}, err
	}
	entries, err := r.entries(p)
	return Inspection{Entries: len(entries)}, err
}
