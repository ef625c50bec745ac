package collect

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/wardline/wardline/internal/risk"
)

// genericBoard reads boards whose software is not known by what their pages are made of: elements that repeat, what
// schema.org's marks say, and where links lead. What is not clear it does not guess at.
type genericBoard struct{ last *structure }

const generic = "generic"

func (*genericBoard) name() string { return generic }

func (*genericBoard) start(home *url.URL) *url.URL { return home }

// survey keeps what it found on the page that it was asked for last: one page is asked about several things.
func (g *genericBoard) survey(p *page) *structure {
	if g.last == nil || g.last.p != p {
		g.last = survey(p)
	}
	return g.last
}

// shows asks for more than a list of links, which most pages have: one whose addresses are those of boards or threads,
// or posts.
func (g *genericBoard) shows(p *page) bool {
	if p.doc == nil {
		return false
	}
	s := g.survey(p)
	for _, l := range s.lists() {
		if l.leads == toBoards || l.leads == toThreads {
			return true
		}
	}
	return len(s.postings(calendar{})) > 0
}

func (g *genericBoard) boards(p *page) []board {
	if p.doc == nil {
		return nil
	}
	s := g.survey(p)
	var boards []board
	for _, l := range s.lists() {
		if l.leads != toBoards {
			continue
		}
		for _, row := range l.rows {
			boards = append(boards, s.boardsIn(row)...)
		}
	}
	return boards
}

// boardsIn are the board that a row is about, and its sub-forums.
func (s *structure) boardsIn(row *html.Node) []board {
	var boards []board
	for _, a := range s.links(row) {
		if a.leads == toBoards && !isNumber(a.text) && !s.isSelf(a) {
			boards = append(boards, board{name: a.text, at: a.to})
		}
	}
	return boards
}

func (g *genericBoard) threads(p *page) ([]entry, error) {
	if p.doc == nil {
		return nil, g.unclear(p, "a list of threads")
	}
	s := g.survey(p)
	if entries := s.entriesOf(toThreads); len(entries) > 0 {
		return entries, nil
	}
	if slices.ContainsFunc(s.lists(), func(l list) bool { return l.leads == toBoards }) || s.saysEmpty() {
		return nil, nil
	}
	if entries := s.entriesOf(toAnything); len(entries) > 0 {
		return entries, nil
	}
	return nil, g.unclear(p, "a list of threads")
}

func (g *genericBoard) posts(p *page, dates calendar) ([]risk.Item, error) {
	if p.doc == nil {
		return nil, g.unclear(p, "a thread")
	}
	s := g.survey(p)
	if items := s.postings(dates); len(items) > 0 {
		return items, nil
	}
	return nil, g.unclear(p, "a thread")
}

// unclear is what a page is called whose structure does not say what it is.
func (g *genericBoard) unclear(p *page, what string) error {
	err := p.strange(g.name(), what)
	var fetch *risk.FetchError
	if asFailure(err, &fetch) && fetch.Kind == risk.FailLayout {
		return p.failure(risk.FailLayout, fmt.Errorf("the layout is not understood: its structure does not say where %s is", what))
	}
	return err
}

// structure is what one pass over a page finds.
type structure struct {
	p       *page
	text    map[*html.Node]int    // letters in it
	linked  map[*html.Node]int    // those of them that are in links
	off     map[*html.Node]bool   // navigation and the like, with all that is in it
	kind    map[*html.Node]uint32 // the number of its shape
	shapes  map[string]uint32
	all     []*html.Node // elements, in order
	resolve map[*html.Node]link
	found   []list // nil = not looked for yet
}

func newStructure(p *page) *structure {
	return &structure{p: p, text: map[*html.Node]int{}, linked: map[*html.Node]int{}, off: map[*html.Node]bool{}, kind: map[*html.Node]uint32{},
		shapes: map[string]uint32{}, resolve: map[*html.Node]link{}}
}

func survey(p *page) *structure {
	s := newStructure(p)
	for _, n := range p.doc.Find("body").Nodes {
		s.visit(n, false, false)
	}
	for _, n := range p.doc.Find("body noscript").Nodes {
		s.visitInstead(n)
	}
	return s
}

// visitInstead takes what a page shows without a script for the page, where that is more than the rest of it.
func (s *structure) visitInstead(noscript *html.Node) {
	root := fragmentRoot(goquery.NewDocumentFromNode(noscript).Text())
	instead := newStructure(s.p)
	if root.Type != html.ElementNode {
		return
	}
	instead.visit(root, false, false)
	if instead.text[root] > s.text[s.all[0]] {
		*s = *instead
	}
}

// mostElements is more than a page of a board has. What is larger is not looked into: it would take seconds.
const mostElements = 50_000

func (s *structure) isLarge() bool { return len(s.all) >= mostElements }

func (s *structure) visit(n *html.Node, off, linked bool) {
	if s.isLarge() {
		return
	}
	off = off || isOff(n)
	if off {
		s.off[n] = true
	}
	s.kind[n] = s.kindOf(n)
	s.all = append(s.all, n)
	linked = linked || n.DataAtom == atom.A
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		switch {
		case c.Type == html.TextNode:
			letters := len(strings.TrimSpace(c.Data))
			s.text[n] += letters
			if linked {
				s.linked[n] += letters
			}
		case c.Type == html.ElementNode && !dropped[c.DataAtom] && c.Namespace == "":
			s.visit(c, off, linked)
			s.text[n] += s.text[c]
			s.linked[n] += s.linked[c]
		}
	}
}

func (s *structure) kindOf(n *html.Node) uint32 {
	shape := shapeOf(n)
	kind, met := s.shapes[shape]
	if !met {
		kind = uint32(len(s.shapes) + 1)
		s.shapes[shape] = kind
	}
	return kind
}

// words of an element's classes and id tell what it is for.
func wordsOfClass(n *html.Node) []string {
	return strings.FieldsFunc(strings.ToLower(attr(n, "class")+" "+attr(n, "id")), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

var offWords = wordSet("nav navbar navigation menu breadcrumb breadcrumbs pagination pager sidebar footer copyright jumpbox whosonline")

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}

func isOff(n *html.Node) bool {
	return n.DataAtom == atom.Nav || n.DataAtom == atom.Form && hasPassword(n) || n.DataAtom != atom.Body && n.DataAtom != atom.Html && slices.ContainsFunc(wordsOfClass(n), func(w string) bool { return offWords[w] })
}

func hasPassword(n *html.Node) bool {
	return goquery.NewDocumentFromNode(n).FindMatcher(passwordField).Length() > 0
}

// passing are classes that only some of the elements of one kind have.
var passing = wordSet("odd even first last alt new unread read hot sticky pinned locked closed moved active current selected visible hidden deleted online offline highlight highlighted")

// shapeOf is an element with the classes that others of its kind share: those with digits in them, and those that tell a
// passing state, are left out.
func shapeOf(n *html.Node) string {
	var kept []string
	for _, class := range strings.Fields(strings.ToLower(attr(n, "class"))) {
		if !strings.ContainsAny(class, "0123456789") && !passing[class] {
			kept = append(kept, class)
		}
	}
	slices.Sort(kept)
	return n.Data + "." + strings.Join(slices.Compact(kept), ".")
}

// kin is the same for elements of one kind that stand in the same way in elements of one kind.
func (s *structure) kin(n *html.Node) [3]uint32 {
	key := [3]uint32{}
	for i := range key {
		if n == nil {
			break
		}
		key[i], n = s.kind[n], n.Parent
	}
	return key
}

// spot is where an element stands in another one: the kinds of the elements on the way to it.
type spot uint64

// then is the spot of an element of a kind that stands at a spot.
func (at spot) then(shape uint32) spot {
	return (at ^ spot(shape)) * 0x9E3779B97F4A7C15 >> 1 // well mixed: two places of one page do not fall together
}

func (s *structure) placeOf(n, in *html.Node) spot {
	if n == nil || n == in {
		return 1
	}
	return s.placeOf(n.Parent, in).then(s.kind[n])
}

// each gives the elements below one, with their places in it.
func (s *structure) each(in *html.Node, yield func(n *html.Node, at spot)) { s.eachFrom(in, 1, yield) }

func (s *structure) eachFrom(in *html.Node, at spot, yield func(*html.Node, spot)) {
	for c := in.FirstChild; c != nil; c = c.NextSibling {
		if kind, ok := s.kind[c]; ok {
			yield(c, at.then(kind))
			s.eachFrom(c, at.then(kind), yield)
		}
	}
}

// below gives the elements below one, in order.
func (s *structure) below(n *html.Node, yield func(*html.Node)) {
	s.each(n, func(c *html.Node, _ spot) { yield(c) })
}
