package collect

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/PuerkitoBio/goquery"

	"github.com/wardline/wardline/internal/risk"
)

// markup is a board software that is read from the HTML of its default themes. All fields are CSS selectors but where
// it is said; "" = it has no such thing.
type markup struct {
	key   string // its name in definitions
	signs string // any of them stands only on this software's pages

	boardLinks string // links to boards, on the index and, as sub-forums, on a board's page

	list    string // one for each thread on a board's page
	link    string // in it: the link to the thread, whose text is the title
	replies string // in it: how many
	last    string // in it: the link to the last post, or its time
	empty   string // what a board without threads shows in their place
	message string // what the software puts its messages into: closed, banned, no such board

	post       string // one for each post on a thread's page
	body       string // in it: its text
	id         string // in it: "@attribute", or "selector @attribute", whose digits are the post's id
	anchor     string // what stands before the id in links to the post; no selector
	author     string
	date       string
	edited     string // the mark of an edited post, which may hold when
	attachment string // in it, outside its text: names of files
	hidden     string // posts that are shown without their text: deleted, or of somebody who is ignored
	anatomy    anatomy

	nextPage   string
	monthFirst bool // 11-03-2026 is in November, by the software's default
	same       func(u *url.URL)
}

func (m *markup) name() string { return m.key }

func (m *markup) shows(p *page) bool {
	return p.doc != nil && find(p.doc.Selection, m.signs).Length() > 0
}

func (m *markup) start(home *url.URL) *url.URL { return home }

func (m *markup) boards(p *page) []board {
	if p.doc == nil {
		return nil
	}
	var boards []board
	for _, a := range find(p.doc.Selection, m.boardLinks).EachIter() {
		if at, ok := m.resolve(p, a.AttrOr("href", "")); ok {
			boards = append(boards, board{name: oneLine(a), at: at})
		}
	}
	return boards
}

// resolve makes a link absolute and gives one page one address.
func (m *markup) resolve(p *page, href string) (*url.URL, bool) {
	at, ok := p.resolve(href)
	if ok && m.same != nil {
		m.same(at)
	}
	return at, ok
}

func (m *markup) threads(p *page) ([]entry, error) {
	if !m.shows(p) {
		return nil, p.strange(m.key, "a list of threads")
	}
	list, err := p.among(find(p.doc.Selection, m.list))
	if err != nil {
		return nil, err
	}
	var entries []entry
	for _, s := range list.EachIter() {
		if e, ok := m.thread(p, s); ok {
			entries = append(entries, e)
		}
	}
	switch {
	case len(entries) > 0:
		return entries, nil
	case list.Length() > 0:
		return nil, p.failure(risk.FailLayout, fmt.Errorf("%d threads of %s, but no link of theirs was found", list.Length(), m.key))
	case len(m.boards(p)) > 0:
		return nil, nil
	case find(p.doc.Selection, m.empty).Length() > 0:
		return nil, m.mayBeEmpty(p)
	}
	return nil, p.strange(m.key, "a list of threads")
}

// mayBeEmpty asks that a board which shows no threads does not say why: where one may not read, softwares write that
// into the place of "no threads".
func (m *markup) mayBeEmpty(p *page) error {
	said := lowered(oneLine(find(p.doc.Selection, m.empty).First()))
	if containsAny(said, loginWords) || p.asksForLogin() {
		return p.failure(risk.FailLogin, errors.New("a notice that one may not read, instead of a list of threads"))
	}
	return nil
}

// thread reads one entry. Its marker is made of what a reply changes; a relative date would change by itself.
func (m *markup) thread(p *page, s *goquery.Selection) (entry, bool) {
	a := find(s, m.link).First()
	link, ok := m.resolve(p, a.AttrOr("href", ""))
	if !ok {
		return entry{}, false
	}
	e := entry{link: link, title: oneLine(a)}
	last := find(s, m.last).First()
	when := firstOf(last.AttrOr("data-timestamp", ""), last.AttrOr("data-time", ""), last.AttrOr("datetime", ""))
	if to, ok := p.resolve(last.AttrOr("href", "")); ok && when == "" {
		when = to.RequestURI() + fragmentOf(last.AttrOr("href", ""))
	}
	if when != "" {
		e.marker = when + " " + oneLine(find(s, m.replies).First())
	}
	return e, true
}

func fragmentOf(href string) string {
	_, fragment, _ := strings.Cut(href, "#")
	return "#" + fragment
}

func (m *markup) posts(p *page, dates calendar) ([]risk.Item, error) {
	if !m.shows(p) {
		return nil, p.strange(m.key, "a thread")
	}
	list, err := p.among(find(p.doc.Selection, m.post))
	if err != nil {
		return nil, err
	}
	dates.monthFirst = m.isMonthFirst(p)
	var items []risk.Item
	for _, s := range list.EachIter() {
		if item, ok := m.item(p, s, dates); ok {
			items = append(items, item)
		}
	}
	switch {
	case len(items) > 0:
		return items, nil
	case list.Length() > len(nodes(find(p.doc.Selection, m.hidden))):
		return nil, p.failure(risk.FailLayout, fmt.Errorf("%d posts of %s, none with its text", list.Length(), m.key))
	case list.Length() > 0:
		return nil, nil
	}
	return nil, p.strange(m.key, "a thread")
}

// numericDate is a day and a month in either order, before a year.
var numericDate = regexp.MustCompile(`\b(\d\d?)[-/](\d\d?)[-/](?:\d\d)?\d\d\b`)

// isMonthFirst tells from the dates on the page that have only one reading how the others are to be read, as boards may
// change the software's default. Where they do not agree, that holds.
func (m *markup) isMonthFirst(p *page) bool {
	var first, second bool // which place holds what can only be a day
	for _, s := range find(p.doc.Selection, m.date).EachIter() {
		for _, d := range numericDate.FindAllStringSubmatch(oneLine(s), -1) {
			first = first || d[1] > "12" && len(d[1]) == 2
			second = second || d[2] > "12" && len(d[2]) == 2
		}
	}
	if first != second {
		return second
	}
	return m.monthFirst
}

// mute counts the posts without a text for which the software gives no reason, where its reasons are known.
func (m *markup) mute(p *page) int {
	if m.hidden == "" {
		return 0
	}
	hidden := nodes(find(p.doc.Selection, m.hidden))
	n := 0
	for _, s := range find(p.doc.Selection, m.post).EachIter() {
		if find(s, m.body).Length() == 0 && !hidden[s.Nodes[0]] {
			n++
		}
	}
	return n
}

var digits = regexp.MustCompile(`\d+`)

func (m *markup) item(p *page, s *goquery.Selection, dates calendar) (risk.Item, bool) {
	body := find(s, m.body).First()
	if body.Length() == 0 {
		return risk.Item{}, false
	}
	item := risk.Item{PostID: digits.FindString(attribute(s, m.id)), Author: oneLine(find(s, m.author).First())}
	edited := find(s, m.edited).FilterFunction(func(_ int, e *goquery.Selection) bool { return oneLine(e) != "" })
	item.Posted = dates.dateOf(find(s, m.date), nodes(edited))
	if edited.Length() > 0 {
		item.Edited, item.EditedAt = true, dates.dateOf(edited.First(), nil)
	}
	m.anatomy.read(body, &item)
	if m.attachment != "" {
		item.Attachments = append(item.Attachments, fileNames(s, m.attachment)...)
	}
	at := *p.url
	at.Fragment = m.anchor + item.PostID
	item.URL = at.String()
	return item, true
}

// attribute reads "@name" of an element, or "selector @name" of one in it.
func attribute(s *goquery.Selection, spec string) string {
	css, name, _ := strings.Cut(spec, "@")
	if css = strings.TrimSpace(css); css != "" {
		s = find(s, css).First()
	}
	return s.AttrOr(name, "")
}

func (m *markup) next(p *page) (*url.URL, bool) {
	if p.doc == nil {
		return nil, false
	}
	return m.resolve(p, find(p.doc.Selection, m.nextPage).First().AttrOr("href", ""))
}

// oneLine is an element's text in one line; "" for none.
func oneLine(s *goquery.Selection) string {
	if s.Length() == 0 {
		return ""
	}
	return strings.Join(strings.Fields(nodeText(s.Nodes[0])), " ")
}

// onlyQuery keeps of an address's query what tells pages apart, in this order.
func onlyQuery(u *url.URL, names ...string) {
	q := u.Query()
	var kept []string
	for _, n := range names {
		if v := q.Get(n); v != "" {
			kept = append(kept, n+"="+url.QueryEscape(v))
		}
	}
	u.RawQuery = strings.Join(kept, "&")
}
