package collect

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// find is the first element that stands at a spot.
func (s *structure) find(in *html.Node, wanted spot) *html.Node {
	if wanted == 0 {
		return nil
	}
	return s.findFrom(in, 1, wanted)
}

func (s *structure) findFrom(in *html.Node, at, wanted spot) *html.Node {
	for c := in.FirstChild; c != nil; c = c.NextSibling {
		kind, ok := s.kind[c]
		if !ok {
			continue
		}
		if at.then(kind) == wanted {
			return c
		}
		if found := s.findFrom(c, at.then(kind), wanted); found != nil {
			return found
		}
	}
	return nil
}

// tally counts places over a group, and what speaks for each.
type tally struct {
	order []spot
	count map[spot]int
	sum   map[spot]int64
}

func newTally() *tally { return &tally{count: map[spot]int{}, sum: map[spot]int64{}} }

func (t *tally) add(at spot, value int64) {
	if t.count[at] == 0 {
		t.order = append(t.order, at)
	}
	t.count[at]++
	t.sum[at] += value
}

// best is the spot, in at least so many of ten elements, for which most speaks; 0 = none.
func (t *tally) best(of, tenths int) spot {
	best := spot(0)
	for _, at := range t.order {
		if 10*t.count[at] >= tenths*of && (best == 0 || t.sum[at] > t.sum[best]) {
			best = at
		}
	}
	return best
}

var notWhen = wordSet("edit edited editdate lastedit join joined registered signature sig quote")

// datePlace is where the date of a post stands: of those in most posts, the latest on the whole, as that on which a
// member joined is older.
func (s *structure) datePlace(group []*html.Node, dated map[*html.Node]time.Time) spot {
	t := newTally()
	for _, post := range group {
		met := map[spot]bool{}
		s.each(post, func(n *html.Node, at spot) {
			if when, ok := dated[n]; ok && !met[at] && !s.hasWord(n, post, notWhen) {
				met[at] = true
				t.add(at, when.Unix()/3600)
			}
		})
	}
	return t.best(len(group), 4)
}

// date is the element with a post's date; nil = none.
func (s *structure) date(post *html.Node, usual spot, dated map[*html.Node]time.Time) *html.Node {
	if n := s.find(post, usual); n != nil {
		if _, ok := dated[n]; ok {
			return n
		}
	}
	var found *html.Node
	s.below(post, func(n *html.Node) {
		if _, ok := dated[n]; ok && found == nil && !s.hasWord(n, post, notWhen) {
			found = n
		}
	})
	return found
}

// hasWord reports that an element, or one around it inside of another, is of a class with one of the words.
func (s *structure) hasWord(n, in *html.Node, words map[string]bool) bool {
	for ; n != nil && n != in; n = n.Parent {
		if slices.ContainsFunc(wordsOfClass(n), func(w string) bool { return words[w] }) {
			return true
		}
	}
	return false
}

var authorWords = wordSet("author username user poster nick nickname postername creator usernick member name postauthor bigusername largetext")

const mostName = 60

// authorPlace is where the names of the posts' authors stand: what is marked as such, or links to members.
func (s *structure) authorPlace(group []*html.Node) spot {
	t := newTally()
	for _, post := range group {
		met := map[spot]bool{}
		s.each(post, func(n *html.Node, at spot) {
			if weight := s.authorWeight(n, post); weight > 0 && !met[at] {
				met[at] = true
				t.add(at, weight)
			}
		})
	}
	return t.best(len(group), 4)
}

// author is the element with the name of a post's author; nil = none.
func (s *structure) author(post *html.Node, usual spot) *html.Node {
	if n := s.find(post, usual); n != nil && s.authorWeight(n, post) > 0 {
		return n
	}
	best, found := int64(0), (*html.Node)(nil)
	s.below(post, func(n *html.Node) {
		if weight := s.authorWeight(n, post); weight > best {
			best, found = weight, n
		}
	})
	return found
}

// authorWeight is what speaks for an element's being the author's name; the shorter of those in one another counts more.
func (s *structure) authorWeight(n, post *html.Node) int64 {
	if s.text[n] == 0 || s.text[n] > mostName {
		return 0
	}
	weight := int64(0)
	if slices.ContainsFunc(wordsOfClass(n), func(w string) bool { return authorWords[w] }) {
		weight += 60
	}
	if strings.Contains(attr(n, "itemprop"), "author") || attr(n, "itemprop") == "name" || attr(n, "rel") == "author" || attr(n, "data-username") != "" {
		weight += 60
	}
	if n.DataAtom == atom.A {
		if l, ok := s.linkOf(n); ok && l.leads == toPeople {
			weight += 60
		}
	}
	if weight == 0 || s.hasWord(n, post, notWhen) || !s.outOfQuotes(n, post) {
		return 0
	}
	if text := nodeText(n); strings.ContainsAny(text, ":\n") || isNumber(text) || len(strings.Fields(text)) > 3 {
		return 0
	}
	return max(weight-int64(s.text[n]), 1)
}

func (s *structure) linkOf(n *html.Node) (link, bool) {
	to, ok := s.p.resolve(attr(n, "href"))
	if !ok {
		return link{}, false
	}
	return link{node: n, to: to, leads: leadsOf(to)}, true
}

func (s *structure) outOfQuotes(n, in *html.Node) bool {
	for ; n != nil && n != in; n = n.Parent {
		if n.DataAtom == atom.Blockquote {
			return false
		}
	}
	return true
}

var (
	bodyWords = wordSet("content body text posttext postbody messagetext messagebody postcontent postmessage cooked markdown commenttext richtext postmsg postcontent entrycontent")
	weakWords = wordSet("message msg entry inner post comment")
	sideWords = wordSet("sig signature profile avatar userinfo userdetails usertitle title stats meta header head footer foot controls buttons tools attachments attachment rank subject postprofile poster author user group info menu")
)

// bodies are the elements with the posts' texts: of the largest ones that hold neither date nor author, that for which most
// speaks, in the post itself and in the others on the page.
func (s *structure) bodies(g postGroup, dated map[*html.Node]time.Time) map[*html.Node]*html.Node {
	t := newTally()
	candidates := map[*html.Node][]*html.Node{}
	for _, post := range g.posts {
		met := map[spot]bool{}
		s.largest(post, s.about(post, g, dated), func(n *html.Node) {
			if s.text[n] == 0 || s.off[n] || inQuote(n, post) || 2*s.linked[n] > s.text[n] && s.text[n] > 40 || s.linked[n] == s.text[n] {
				return
			}
			candidates[post] = append(candidates[post], n)
			if at := s.placeOf(n, post); !met[at] {
				met[at] = true
				t.add(at, s.bodyWeight(n, post))
			}
		})
	}
	bodies := map[*html.Node]*html.Node{}
	for _, post := range g.posts {
		best := int64(0)
		for _, n := range candidates[post] {
			if weight := s.bodyWeight(n, post) + t.sum[s.placeOf(n, post)]/int64(len(g.posts)); weight > best {
				best, bodies[post] = weight, n
			}
		}
	}
	return bodies
}

// inQuote reports an element in somebody else's words. Some software puts the post's own into a blockquote too, and says
// so by its class.
func inQuote(n, in *html.Node) bool {
	isBody := func(w string) bool { return bodyWords[w] }
	for n = n.Parent; n != nil && n != in; n = n.Parent {
		words := wordsOfClass(n)
		if (n.DataAtom == atom.Blockquote || slices.Contains(words, "quote")) && !slices.ContainsFunc(words, isBody) {
			return true
		}
	}
	return false
}

// about are the elements that hold what a post says of itself: its date, wherever it stands again, and its author.
func (s *structure) about(post *html.Node, g postGroup, dated map[*html.Node]time.Time) map[*html.Node]bool {
	about := map[*html.Node]bool{}
	mark := func(n *html.Node) {
		for ; n != nil && n != post; n = n.Parent {
			about[n] = true
		}
	}
	mark(s.author(post, g.author))
	date := s.date(post, g.date, dated)
	mark(date)
	s.below(post, func(n *html.Node) {
		if when, ok := dated[n]; ok && date != nil && when.Equal(dated[date]) {
			mark(n)
		}
	})
	return about
}

// largest gives the outermost elements that hold none of others, and inside of those the ones whose class says that
// they are a text.
func (s *structure) largest(in *html.Node, without map[*html.Node]bool, yield func(*html.Node)) {
	for c := in.FirstChild; c != nil; c = c.NextSibling {
		if _, ok := s.kind[c]; !ok {
			continue
		}
		if without[c] {
			s.largest(c, without, yield)
			continue
		}
		yield(c)
		s.below(c, func(n *html.Node) {
			if isText(n) {
				yield(n)
			}
		})
	}
}

func isText(n *html.Node) bool {
	prop := attr(n, "itemprop")
	return prop == "text" || prop == "articleBody" || slices.ContainsFunc(wordsOfClass(n), func(w string) bool { return bodyWords[w] || weakWords[w] })
}

// ownWords are the letters in an element that are in no link and in no quote.
func (s *structure) ownWords(n *html.Node) int {
	letters := s.text[n] - s.linked[n]
	for _, q := range outermost(goquery.NewDocumentFromNode(n).Find("blockquote")) {
		if q.Nodes[0] != n {
			letters -= s.text[q.Nodes[0]]
		}
	}
	return max(letters, 0)
}

// saysOfMember begins what boards tell of the author beside a post.
var saysOfMember = regexp.MustCompile(`(?i)^(?:registered|joined|join date|member since|posts|messages|location|reputation|beiträge|registriert|dabei seit|inscrit|registrado|mensajes|сообщени[яй]|регистрация|zarejestrowany|kayıt)\b`)

func (s *structure) bodyWeight(n, post *html.Node) int64 {
	weight := int64(min(s.ownWords(n), 2000) + 10)
	prop := attr(n, "itemprop")
	switch {
	case prop == "text" || prop == "articleBody":
		weight *= 30
	case slices.ContainsFunc(wordsOfClass(n), func(w string) bool { return bodyWords[w] }):
		weight *= 6
	case isText(n):
		weight *= 2
	}
	if s.hasWord(n, post, sideWords) || saysOfMember.MatchString(strings.TrimSpace(nodeText(n))) {
		weight /= 10
	}
	return weight
}
