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

// engine reads the pages of one board software. Its methods get any page that the site sends, and say what is wrong
// with one that is not what was asked for; they never call such a page empty.
type engine interface {
	name() string
	// shows reports that a page is this software's.
	shows(p *page) bool
	// start is where the reading of a site begins: its index, or what the software's API has in place of one.
	start(home *url.URL) *url.URL
	// boards are the boards that a page leads to, sub-forums among them.
	boards(p *page) []board
	// threads are those that a board's page lists. A board may be empty only where the page says so.
	threads(p *page) ([]entry, error)
	posts(p *page, dates calendar) ([]risk.Item, error)
	// next is the following page of a board or a thread.
	next(p *page) (*url.URL, bool)
}

// engines are all that are known, each under the name that a definition gives. Where two names are one software's
// generations, both stand under its name.
var engines = []engine{
	prosilver, subsilver2, myBB, smf21, smf20, vBulletin3, vBulletin4, vBulletin5, fluxBB, punBB,
	xenForo2, xenForo1, invision5, invision4, discourse, nodeBB, flarum,
}

// auto is the name under which the page itself decides.
const auto = "auto"

// recognise finds the software whose page this is; wanted names one, or is auto. The generic reader gets what none of
// them claims.
func recognise(p *page, wanted string) (engine, error) {
	for _, e := range engines {
		if e.shows(p) && (wanted == auto || wanted == e.name()) {
			return e, nil
		}
	}
	if g := new(genericBoard); p.doc != nil && (wanted == generic || wanted == auto && g.shows(p)) {
		return g, nil
	}
	return nil, p.strange(wanted, "the forum's index")
}

// forumIndex reads the page at the source's address by its engine: boards, or a board, or a board that holds others.
func (r *run) forumIndex(ctx context.Context) (index *page, boards []board, err error) {
	p, err := r.indexPage(ctx)
	if err != nil {
		return nil, nil, err
	}
	err = p.guard(func() error {
		boards, err = r.boardsOf(p)
		return err
	})
	return p, boards, err
}

// indexPage fetches the page at the source's address, or what the software's API has in its place. Where the API is
// closed, a board is read by its pages.
func (r *run) indexPage(ctx context.Context) (*page, error) {
	at := r.gate.home
	if e, ok := apiOf(r.src.Read.Engine); ok {
		p, err := r.fetch(ctx, e.start(at))
		if err == nil {
			return p, p.guard(func() error { return r.useEngine(p) })
		}
		if !isClosed(err) {
			return nil, err
		}
	}
	p, err := r.fetch(ctx, at)
	if err != nil {
		return nil, err
	}
	if err := p.guard(func() error { return r.useEngine(p) }); err != nil {
		return nil, err
	}
	start := r.engine.start(at)
	if _, asked := apiOf(r.src.Read.Engine); asked || start.String() == at.String() {
		return p, nil
	}
	api, err := r.fetch(ctx, start)
	if isClosed(err) {
		return p, nil
	}
	return api, err
}

// isClosed reports that an address is not there for us, though its server answers others.
func isClosed(err error) bool {
	var fetch *risk.FetchError
	return errors.As(err, &fetch) && (fetch.Kind == risk.FailLogin ||
		fetch.Kind == risk.FailStatus && slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}, fetch.Status))
}

// useEngine settles which engine reads this source.
func (r *run) useEngine(p *page) (err error) {
	if r.engine, err = recognise(p, r.src.Read.Engine); err != nil {
		return err
	}
	r.report.Engine = r.engine.name()
	return nil
}

// boardsOf are the boards behind the address, the page itself among them when it lists threads.
func (r *run) boardsOf(p *page) ([]board, error) {
	threads, err := r.engine.threads(p)
	boards, left := r.newBoards(p, len(threads) > 0)
	switch {
	case len(threads) > 0:
		r.again("board " + p.url.String())
		r.atHand = p
		return slices.Concat([]board{{at: p.url}}, boards), nil
	case len(boards) == 0 && left > 0:
		return nil, p.noneWanted(left)
	case len(boards) == 0 && err != nil:
		return nil, err
	case len(boards) == 0:
		return nil, p.strange(r.engine.name(), "a list of boards or threads")
	}
	return boards, nil
}

// newBoards are the boards on a page that this run has not met and that are wanted, and how many the definition leaves
// out; within says that it is the page of a board that is read.
func (r *run) newBoards(p *page, within bool) (fresh []board, left int) {
	for _, b := range r.engine.boards(p) {
		switch {
		case r.gate.check("GET", b.at) != nil:
		case !isWanted(r.src.Read, b, within):
			left++
		case !r.again("board " + b.at.String()):
			fresh = append(fresh, b)
		}
	}
	return fresh, left
}

// enginePosts are a thread page's posts with their marks.
func (r *run) enginePosts(p *page) ([]post, error) {
	read, err := r.engine.posts(p, r.calendar())
	if err != nil {
		return nil, err
	}
	if m, ok := r.engine.(*markup); ok {
		if n := m.mute(p); n > 0 {
			r.note("%s: %d posts without their text", p.url, n)
		}
	}
	posts := []post{}
	length := 0
	for _, item := range read {
		length += len(item.Text)
		parts := []string{item.Text}
		for _, q := range item.Quotes {
			length += len(q.Text)
			parts = append(parts, q.Text)
		}
		parts = append(parts, item.Attachments...)
		if p.tooMuch(length) {
			return nil, p.failure(risk.FailLayout, errTooMuch)
		}
		if item.Posted.IsZero() {
			r.undated++
		}
		mark := risk.Mark{Key: "post:" + item.PostID, Marker: digestOf(parts...)}
		if item.PostID == "" {
			mark.Key = "post:" + digestOf(p.url.Path, item.Author, item.Text)
		}
		posts = append(posts, post{item: item, mark: mark})
	}
	return posts, nil
}

func (r *run) calendar() calendar {
	zone, err := time.LoadLocation(r.src.Read.Zone)
	if err != nil {
		zone = time.UTC
	}
	return calendar{now: r.now(), zone: zone, layouts: r.src.Read}
}

// strange says what a page is that is not what was looked for: a challenge, a log-in form, a waiting page, another
// software's, or one of a type that is not known.
func (p *page) strange(wanted, what string) error {
	switch {
	case looksLikeCaptcha(p.body) && !p.isForum():
		return p.failure(risk.FailCaptcha, fmt.Errorf("a captcha or block page instead of %s", what))
	case p.doc != nil && p.doc.FindMatcher(refreshMeta).Length() > 0:
		return p.failure(risk.FailLayout, fmt.Errorf("a page that refreshes itself, as waiting pages do, instead of %s", what))
	}
	if said := p.notice(); said != nil {
		return instead(said, what)
	}
	for _, e := range engines {
		if !e.shows(p) {
			continue
		}
		if e.name() != wanted && wanted != auto {
			return p.failure(risk.FailLayout, fmt.Errorf("the page is of %s, not of %s", e.name(), wanted))
		}
		return p.failure(risk.FailLayout, fmt.Errorf("a page of %s of a type that is not known, instead of %s", e.name(), what))
	}
	if wanted == auto {
		return p.failure(risk.FailLayout, errors.New("no forum software that is known was recognised on the page"))
	}
	return p.failure(risk.FailLayout, fmt.Errorf("the page is not one of %s", wanted))
}

// isForum reports that some engine takes the page for its own and finds content on it: a forum may talk about captchas.
func (p *page) isForum() bool {
	return slices.ContainsFunc(engines, func(e engine) bool { return e.shows(p) && len(e.boards(p)) > 0 })
}

// mostLoginLinks is less than any page has that lists something: a form among fewer is what the page is about.
const mostLoginLinks = 40

// asksForLogin reports a page whose subject is a log-in form. Boards also have a small one on every page for guests;
// that one stands among much else, or says by its software's own name that it is the quick one.
func (p *page) asksForLogin() bool {
	if p.doc == nil {
		return false
	}
	fields := p.doc.FindMatcher(passwordField)
	main := fields.FilterFunction(func(_ int, s *goquery.Selection) bool {
		return s.Closest("#quick_login, #guest_form, .quick-login, form.headerspace, form#navbar_loginform, #elUserSignIn_menu, #loginBar, #hidden-login-form").Length() == 0
	})
	return main.Length() > 0 && p.doc.Find("body a[href]").Length() < mostLoginLinks
}

// apiOf gives the engine of that name when it reads an API, whose address is known without looking at a page.
func apiOf(name string) (engine, bool) {
	for _, e := range engines {
		if _, isMarkup := e.(*markup); !isMarkup && e.name() == name {
			return e, true
		}
	}
	return nil, false
}

// dateOf reads the date that an element shows, from what is written for programs first: its own and its descendants'
// attributes, then its text. A part of the text that has a fuller date as its title is read by that.
func (c calendar) dateOf(s *goquery.Selection, skip map[*html.Node]bool) time.Time {
	for _, one := range s.EachIter() {
		for _, at := range []*goquery.Selection{one, find(one, "[data-time], [data-timestamp], [datetime]")} {
			for _, name := range []string{"data-timestamp", "data-time", "datetime", "content"} {
				if t, ok := c.stamp(at.AttrOr(name, "")); ok {
					return t
				}
			}
		}
		if t, ok := c.byLayouts(nodeText(one.Nodes[0])); ok {
			return t
		}
		text := textWithout(one.Nodes[0], skip)
		for _, titled := range find(one, "[title]").EachIter() {
			title := titled.AttrOr("title", "")
			if _, ok := c.read(title); ok && !within(titled.Nodes[0], skip) {
				text = strings.Replace(text, textWithout(titled.Nodes[0], skip), " "+title+" ", 1)
				break
			}
		}
		title := one.AttrOr("title", "")
		if strings.Contains(title, ":") && !strings.Contains(text, ":") { // the title has the time of day
			text, title = title, text
		}
		if t, ok := c.read(text); ok {
			return t
		}
		if t, ok := c.read(title); ok {
			return t
		}
	}
	return time.Time{}
}

// byLayouts reads a date by the definition's own layouts, where it gives some.
func (c calendar) byLayouts(text string) (time.Time, bool) {
	if len(c.layouts.Dates) == 0 {
		return time.Time{}, false
	}
	return parseDate(strings.Join(strings.Fields(text), " "), c.layouts)
}
