package collect

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// pastebinEntries reads the answer of Pastebin's scraping API.
func pastebinEntries(r *run, p *page) ([]entry, error) {
	var list []struct {
		ScrapeURL string      `json:"scrape_url"`
		FullURL   string      `json:"full_url"`
		Date      string      `json:"date"`
		Key       string      `json:"key"`
		Size      json.Number `json:"size"`
		Expire    json.Number `json:"expire"`
		Title     string      `json:"title"`
		User      string      `json:"user"`
	}
	if err := p.answer(&list, "a list of pastes"); err != nil {
		return nil, err
	}
	var entries []entry
	for _, l := range list {
		raw := r.follow(p, l.ScrapeURL)
		if l.Key == "" || raw == nil {
			r.note("%s: a paste without an address that may be followed", p.url)
			continue
		}
		posted, _ := unixTime(l.Date)
		link, _ := url.Parse(l.FullURL)
		entries = append(entries, entry{id: l.Key, link: link, raw: raw, title: tidy(l.Title), author: tidy(l.User), posted: posted,
			marker: fmt.Sprintf("%s %s %s", l.Date, l.Size, l.Expire)})
	}
	if len(entries) == 0 && len(list) > 0 {
		return nil, p.refuses("a list of pastes")
	}
	return entries, nil
}

// pastebinText tells a paste from what the service says in its place, with status 200.
func pastebinText(_ *run, p *page) ([]part, error) {
	text := cleanText(string(p.body))
	switch said := strings.ToLower(strings.TrimSpace(text)); {
	case strings.HasPrefix(said, "error, we cannot find this paste"), strings.HasPrefix(said, "error, paste key is not valid"):
		return nil, errGone
	case strings.HasPrefix(said, "file is not ready for scraping yet"):
		return nil, errLater
	case len(said) < mostDenial && strings.Contains(said, "does not have access"):
		return nil, p.refuses("a paste")
	}
	return []part{{text: text}}, nil
}

// gist is one of GitHub's public list.
type gist struct {
	ID          string `json:"id"`
	HTMLURL     string `json:"html_url"`
	Description string `json:"description"`
	Created     string `json:"created_at"`
	Updated     string `json:"updated_at"`
	Owner       *struct {
		Login string `json:"login"`
	} `json:"owner"`
	Files     map[string]gistFile `json:"files"`
	Truncated bool                `json:"truncated"`
}

type gistFile struct {
	Filename string `json:"filename"`
	Type     string `json:"type"`
	RawURL   string `json:"raw_url"`
	Size     int64  `json:"size"`
}

// gistEntries reads GitHub's list of public gists. A gist is as many texts as it has files.
func gistEntries(r *run, p *page) ([]entry, error) {
	var list []gist
	if err := p.answer(&list, "a list of gists"); err != nil {
		return nil, err
	}
	var entries []entry
	for _, g := range list {
		e := entry{id: g.ID, title: tidy(g.Description), marker: g.Updated}
		e.posted, _ = time.Parse(time.RFC3339, g.Created)
		e.link, _ = url.Parse(g.HTMLURL)
		if g.Owner != nil {
			e.author = tidy(g.Owner.Login)
		}
		for _, name := range slices.Sorted(maps.Keys(g.Files)) {
			if f := g.Files[name]; r.reads(g, f) {
				if raw := r.follow(p, f.RawURL); raw != nil {
					e.parts = append(e.parts, part{id: g.ID + "/" + f.Filename, title: tidy(f.Filename), rest: raw})
				} else {
					r.note("%s: a file of gist %s has no address that may be followed (allowed)", p.url, g.ID)
				}
			}
		}
		if g.Truncated {
			r.note("%s: gist %s has more files than are listed", p.url, g.ID)
		}
		if g.ID != "" && len(e.parts) > 0 {
			entries = append(entries, e)
		}
	}
	if len(list) > 0 && list[0].ID == "" {
		return nil, p.refuses("a list of gists")
	}
	return entries, nil
}

// reads says whether a file of a gist is text of a size that we take: no media is ever fetched.
func (r *run) reads(g gist, f gistFile) bool {
	kind, _, _ := strings.Cut(f.Type, "/")
	switch {
	case slices.Contains([]string{"image", "video", "audio", "font"}, kind), f.Type == "application/pdf", f.Type == "application/zip":
		return false
	case f.Size > r.src.Limits.BodyBytes:
		r.note("gist %s: a file of %d bytes is over the limit", g.ID, f.Size)
		return false
	}
	return f.Size > 0
}

// mostGists is how many gists the service gives of its list, however far one asks.
const mostGists = 3000

// nextGists counts on: a full page has another one behind it, as far as the service goes.
func nextGists(p *page) (*url.URL, bool) {
	var list []json.RawMessage
	if json.Unmarshal(p.body, &list) != nil {
		return nil, false
	}
	query := p.url.Query()
	size, number := atoi(query.Get("per_page"), 30), atoi(query.Get("page"), 1)
	if len(list) < size || (number+1)*size > mostGists {
		return nil, false
	}
	query.Set("page", strconv.Itoa(number+1))
	next := *p.url
	next.RawQuery = query.Encode()
	return &next, true
}

func atoi(s string, otherwise int) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 1_000_000 {
		return otherwise
	}
	return n
}

var (
	lenpasteID = regexp.MustCompile(`^[A-Za-z0-9]{8}$`)
	hasteID    = regexp.MustCompile(`^[A-Za-z0-9]{8,64}$`)
	privateID  = regexp.MustCompile(`^(pasteid=)?([0-9a-f]{16})$`)
)

// lenpasteEntries reads a page with links to pastes of the source's own Lenpaste, which lists nothing itself.
func lenpasteEntries(r *run, p *page) ([]entry, error) {
	return r.linked(p, "pastes of Lenpaste", func(u *url.URL) (entry, bool) {
		parts := segments(u)
		if len(parts) == 0 || len(parts) > 2 || !lenpasteID.MatchString(parts[len(parts)-1]) || !r.atHome(u) {
			return entry{}, false
		}
		id := parts[len(parts)-1]
		query := url.Values{"id": {id}}
		if r.src.Read.Burn {
			query.Set("openOneUse", "true")
		}
		return entry{id: id, link: at(u, "/"+id, ""), raw: at(r.gate.home, "/api/v1/get", query.Encode())}, true
	})
}

// lenpasteText reads a paste by the API, which gives one that can be read only once without its text.
func lenpasteText(r *run, p *page) ([]part, error) {
	var paste struct {
		ID     string  `json:"id"`
		Title  string  `json:"title"`
		Body   *string `json:"body"`
		OneUse bool    `json:"oneUse"`
		Author string  `json:"author"`
	}
	if err := p.answer(&paste, "a paste of Lenpaste"); err != nil {
		return nil, err
	}
	switch {
	case paste.OneUse && (paste.Body == nil || *paste.Body == ""):
		return nil, errOnce
	case paste.ID == "" || paste.Body == nil:
		return nil, p.refuses("a paste of Lenpaste")
	}
	return []part{{title: tidy(paste.Title), text: cleanText(*paste.Body)}}, nil
}

// hasteEntries reads a page with links to documents of the source's own haste server, which lists nothing itself.
func hasteEntries(r *run, p *page) ([]entry, error) {
	return r.linked(p, "documents of a haste server", func(u *url.URL) (entry, bool) {
		parts := segments(u)
		switch {
		case len(parts) == 2 && slices.Contains([]string{"raw", "documents", "share"}, parts[0]):
			parts = parts[1:]
		case len(parts) != 1:
			return entry{}, false
		}
		id := strings.TrimSuffix(parts[0], path.Ext(parts[0]))
		if !hasteID.MatchString(id) || !r.atHome(u) {
			return entry{}, false
		}
		return entry{id: id, link: at(u, "/"+id, ""), raw: at(r.gate.home, "/raw/"+id, "")}, true
	})
}

func (r *run) atHome(u *url.URL) bool { return u.Host == r.gate.home.Host }

// privatebinEntries counts the pastes that a page links to. Only who has the key behind the # can read them, and asking
// for one may already destroy it: none is ever asked for.
func privatebinEntries(r *run, p *page) ([]entry, error) {
	return r.linked(p, "pastes of PrivateBin", func(u *url.URL) (entry, bool) {
		found := privateID.FindStringSubmatch(u.RawQuery)
		if found == nil {
			return entry{}, false
		}
		return entry{id: u.Host + "/" + found[2], sealed: true, once: strings.HasPrefix(u.Fragment, "-")}, true
	})
}

// opengistEntries reads Opengist's lists of gists, which are pages in any language: by what a gist's heading is made of.
func opengistEntries(r *run, p *page) ([]entry, error) {
	if p.doc == nil {
		return nil, p.refuses("a list of Opengist")
	}
	var entries []entry
	for _, a := range p.doc.Find("h4 a.font-bold[href]").EachIter() {
		link := r.follow(p, a.AttrOr("href", ""))
		if link == nil || len(segments(link)) < 2 {
			continue
		}
		parts := segments(link)
		stamp := a
		for range 6 {
			if stamp = stamp.Parent(); stamp.Find(".moment-timestamp").Length() > 0 {
				break
			}
		}
		when := tidy(stamp.Find(".moment-timestamp").First().Text())
		posted, _ := unixTime(when)
		raw := *link
		raw.Path, raw.RawPath = link.Path+".json", ""
		entries = append(entries, entry{link: link, raw: &raw, title: tidy(a.Text()), author: tidy(parts[len(parts)-2]), marker: when, posted: posted})
	}
	if len(entries) == 0 {
		return nil, p.unexpected("a list of Opengist", "h4 a.font-bold")
	}
	return entries, nil
}

// nextOpengists finds the link to the page whose number follows: its words are in the site's language.
func nextOpengists(p *page) (*url.URL, bool) {
	number := strconv.Itoa(atoi(p.url.Query().Get("page"), 1) + 1)
	for _, a := range p.doc.Find("a[href]").EachIter() {
		if u, ok := p.resolve(a.AttrOr("href", "")); ok && u.Query().Get("page") == number && u.Path == p.url.Path {
			return u, true
		}
	}
	return nil, false
}

// opengistFiles reads a gist's files. One that is long comes cut, and is fetched whole.
func opengistFiles(r *run, p *page) ([]part, error) {
	var g struct {
		ID    string `json:"id"`
		UUID  string `json:"uuid"`
		Files []struct {
			Filename  string `json:"filename"`
			Content   string `json:"content"`
			Truncated bool   `json:"truncated"`
		} `json:"files"`
	}
	if err := p.answer(&g, "a gist of Opengist"); err != nil {
		return nil, err
	}
	id := cmp.Or(g.UUID, g.ID)
	if id == "" || len(g.Files) == 0 {
		return nil, p.refuses("a gist of Opengist")
	}
	var parts []part
	for _, f := range g.Files {
		one := part{id: id + "/" + f.Filename, title: tidy(f.Filename), text: cleanText(f.Content)}
		if f.Truncated {
			raw := *p.url
			raw.RawPath, raw.Path = "", strings.TrimSuffix(p.url.Path, ".json")+"/raw/HEAD/"+f.Filename
			one.rest = &raw
		}
		parts = append(parts, one)
	}
	return parts, nil
}
