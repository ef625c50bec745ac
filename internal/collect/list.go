package collect

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
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

	id     string   // in the service that lists it; "" = its address, or what it says, tells it from others
	raw    *url.URL // where its text is; nil = as read.raw says
	parts  []part   // what it is made of, where the list tells
	sealed bool     // only its readers can open it
	once   bool     // it can be read only once
	claim  risk.Claim
	place  string // what a service gives as its address; it is not followed
}

// part is one text of an entry.
type part struct {
	id, title string
	text      string
	rest      *url.URL // where the whole text is; nil = text is all of it
}

// key names an entry in marks.
func (e entry) key() string {
	switch {
	case e.id != "":
		return "entry:" + e.id
	case e.link != nil:
		return e.link.String()
	case e.title != "":
		return "entry:" + digestOf(e.title)
	}
	return "entry:" + digestOf(e.text)
}

// Entries may hold one another, as threaded posts do. Each is read with all that is in it, so what they may add up to
// is limited: two hundred in one another would be two hundred copies of a page.
const (
	mostInOneAnother = 32
	mostCopies       = 4
)

// elements finds a selector's elements, unless too many lie in one another.
func (p *page) elements(selector string) (*goquery.Selection, error) {
	return p.among(p.doc.Find(selector))
}

func (p *page) among(found *goquery.Selection) (*goquery.Selection, error) {
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
	switch {
	case r.engine != nil:
		return r.engine.threads(p)
	case r.shelf != nil:
		return r.shelf.entries(r, p)
	}
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
		e.claim = r.claim(s, e.title)
	}
	e.once = read.Once != "" && (s.Is(read.Once) || s.Find(read.Once).Length() > 0)
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
	if e.posted.IsZero() && (r.src.Read.Date != "" || r.shelf != nil && r.shelf.dated) {
		r.undated++
	}
	return risk.Item{PostID: id, URL: url, Author: e.author, Posted: e.posted, Title: e.title, Text: text, Claim: e.claim}
}

// Inspection is what a definition reads on one page that is at hand.
type Inspection struct {
	Engine  string               // board software that was recognised
	Boards  []string             // names of the boards, and sub-forums, that the page leads to
	Entries int                  // of a list page
	Items   []risk.Item          // posts of a thread page; what stands on the list of a leak site or feed
	Counted int                  // of the entries, those that are never opened: encrypted, or to be read once
	Leaked  []risk.LeakedAccount // in the answer of an account service about the definition's first domain
	Next    string               // address of the following page
}

// Inspect reads one page by a source's definition without fetching anything: a list page, or a page of a thread. The
// error is the *risk.FetchError that a crawl would have met.
func Inspect(src risk.Source, contentType string, body []byte) (Inspection, error) {
	g, err := newGate(src)
	if err != nil {
		return Inspection{}, err
	}
	r := &run{src: src, gate: g, now: time.Now, seen: map[string]bool{}, used: map[string]*use{}}
	r.shelf = shelves[src.Read.Engine]
	r.plain = src.Kind == risk.SourceAccount || r.shelf != nil && r.shelf.plain
	p := &page{url: g.home, home: g.home, twins: src.Read.Twins, plain: r.plain, raw: body}
	err = p.guard(func() error { return p.parse(contentType, body) })
	switch {
	case err != nil:
		return Inspection{}, err
	case p.has(src.Read.Captcha):
		return Inspection{}, p.failure(risk.FailCaptcha, errors.New("the definition's captcha selector matches"))
	case src.Kind == risk.SourceAccount:
		leaked, err := r.inspectAccounts(p)
		return Inspection{Engine: src.Read.Engine, Leaked: leaked}, err
	case r.shelf != nil:
		var in Inspection
		err := p.guard(func() (err error) {
			in, err = r.inspectShelf(p)
			return err
		})
		return in, err
	case src.Read.Engine != "":
		var in Inspection
		err := p.guard(func() (err error) {
			in, err = r.inspectForum(p)
			return err
		})
		return in, err
	case src.Kind == risk.SourceForum && p.has(src.Read.Post):
		posts, err := r.posts(p)
		return Inspection{Items: items(posts, "", p, entry{})}, err
	}
	entries, err := r.entries(p)
	return Inspection{Entries: len(entries)}, err
}

// inspectShelf reads a page as a list of the source's software or service.
func (r *run) inspectShelf(p *page) (Inspection, error) {
	entries, err := r.entries(p)
	in := Inspection{Engine: r.src.Read.Engine, Entries: len(entries)}
	for _, e := range entries {
		switch {
		case e.sealed || e.once:
			in.Counted++
		case r.src.Kind != risk.SourcePaste:
			in.Items = append(in.Items, r.document(e, entryID(e), firstOf(e.place, p.url.String()), e.text))
		}
	}
	return in, err
}

// inspectForum reads a page of whatever type by its engine: a thread, or a list of boards or threads.
func (r *run) inspectForum(p *page) (Inspection, error) {
	if err := r.useEngine(p); err != nil {
		return Inspection{}, err
	}
	in := Inspection{Engine: r.engine.name()}
	if next, ok := r.next(p); ok {
		in.Next = next.String()
	}
	posts, err := r.posts(p)
	if err == nil {
		in.Items = items(posts, "", p, entry{})
		return in, nil
	}
	boards, _ := r.newBoards(p, false)
	for _, b := range boards {
		in.Boards = append(in.Boards, b.name)
	}
	threads, listErr := r.entries(p)
	in.Entries = len(threads)
	if len(in.Boards)+in.Entries == 0 && listErr == nil {
		return in, nil // the page says that the board is empty
	}
	if len(in.Boards)+in.Entries > 0 {
		listErr = nil
	}
	return in, listErr
}
