package collect

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/PuerkitoBio/goquery"

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

// list walks the pages of a list. It always reads every page up to the depth: stopping at the first page without news
// would miss what a run that was killed had left behind. Only the first page's failure is the list's.
func (r *run) list(ctx context.Context, from *url.URL, each func(context.Context, *page, []entry) error) error {
	at := from
	for depth := range r.src.Limits.Depth {
		if r.again("list " + at.String()) {
			return nil
		}
		p, entries, err := r.listPage(ctx, at)
		if err != nil && depth > 0 {
			return r.skip(err)
		}
		if err != nil {
			return err
		}
		before := r.report.New
		if err := each(ctx, p, entries); err != nil {
			return err
		}
		next, ok := r.next(p)
		if !ok {
			return nil
		}
		if depth+1 == r.src.Limits.Depth && r.report.New > before {
			r.note("%s: the limit of %d list pages was reached, and the last one still held news", from, r.src.Limits.Depth)
		}
		at = next
	}
	return nil
}

func (r *run) listPage(ctx context.Context, at *url.URL) (*page, []entry, error) {
	p, err := r.fetch(ctx, at)
	if err != nil {
		return nil, nil, err
	}
	entries, err := r.entries(p)
	return p, entries, err
}

// entries reads a list page. A page without its expected mark, or with the mark and nothing under it, has changed its
// layout or hides its content: it is never "empty, fine".
func (r *run) entries(p *page) ([]entry, error) {
	read := r.src.Read
	if !p.has(read.Expect) {
		return nil, p.unexpected("read.expect")
	}
	var entries []entry
	astray := 0
	p.doc.Find(read.List).Each(func(_ int, s *goquery.Selection) {
		e := r.entry(p, s)
		if e.link == nil && r.src.Kind != risk.SourceLeakSite {
			astray++
			return
		}
		entries = append(entries, e)
	})
	if astray > 0 {
		r.note("%s: %d entries without a link that may be followed (read.link)", p.url, astray)
	}
	if len(entries) == 0 {
		return nil, p.unexpected("an entry (read.list)")
	}
	return entries, nil
}

func (r *run) entry(p *page, s *goquery.Selection) entry {
	read := r.src.Read
	e := entry{title: pick(s, read.Title), marker: pick(s, read.Marker), author: pick(s, read.Author), text: nodeText(s.Nodes[0])}
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

func (r *run) next(p *page) (*url.URL, bool) {
	if r.src.Read.Next == "" || p.doc == nil {
		return nil, false
	}
	return p.resolve(href(p.doc.Selection, r.src.Read.Next))
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
	r := &run{src: src, gate: g, seen: map[string]bool{}}
	p, err := parsePage(g.home, contentType, body)
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

// missingEntry says that an entry's page is gone or empty; it stays unmarked, so that the next run looks again.
func (r *run) missingEntry(p *page, what string) {
	r.note("%s: %s", p.url, what)
}
