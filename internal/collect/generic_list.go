package collect

import (
	"cmp"
	"errors"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/wardline/wardline/internal/risk"
)

// leads is what an address is of, by the names that board software gives to its pages.
type leads int

const (
	toAnything leads = iota
	toBoards
	toThreads
	toPeople
	toActions
)

var (
	threadWords = wordSet("thread threads topic topics showthread viewtopic viewthread discussion discussions t d tid question questions")
	boardWords  = wordSet("forum forums board boards viewforum forumdisplay category categories c f fid section sections subforum channel")
	actionWords = wordSet("posting newthread newtopic newreply reply mode action sort order sortby orderby sk sd st misc markread mark-read rss feed print prefix_id filter login register search help faq rules tags tag")
	peopleWords = wordSet("u user users member members memberlist profile profiles people author authors")
)

// leadsOf reads an address by whole parts of its path and the names in its query: words in titles say nothing. A
// thread's address often names its board too.
func leadsOf(u *url.URL) leads {
	var names []string
	for _, part := range strings.Split(strings.ToLower(u.Path), "/") {
		names = append(names, strings.TrimSuffix(part, path.Ext(part)))
	}
	for _, pair := range strings.FieldsFunc(strings.ToLower(u.RawQuery), func(r rune) bool { return r == '&' || r == ';' }) {
		name, _, _ := strings.Cut(pair, "=")
		before, _, isRoute := strings.Cut(strings.Trim(name, "/"), "/")
		if isRoute { // index.php?threads/title.11/
			name = before
		}
		names = append(names, name)
	}
	for _, is := range []struct {
		leads leads
		words map[string]bool
	}{{toPeople, peopleWords}, {toActions, actionWords}, {toThreads, threadWords}, {toBoards, boardWords}} {
		if slices.ContainsFunc(names, func(n string) bool { return is.words[n] }) {
			return is.leads
		}
	}
	return toAnything
}

// link is one that leads to another page of the site.
type link struct {
	node  *html.Node
	to    *url.URL
	text  string
	leads leads
}

// mostTitle is longer than titles are.
const mostTitle = 300

func (s *structure) links(in *html.Node) []link {
	var links []link
	s.below(in, func(n *html.Node) {
		if n.DataAtom != atom.A || s.text[n] == 0 || s.text[n] > mostTitle {
			return
		}
		l, met := s.resolve[n]
		if !met {
			to, ok := s.p.resolve(attr(n, "href"))
			if ok && to.Host == s.p.url.Host {
				l = link{node: n, to: to, text: strings.Join(strings.Fields(nodeText(n)), " "), leads: leadsOf(to)}
			}
			s.resolve[n] = l
		}
		if l.to != nil && l.text != "" {
			links = append(links, l)
		}
	})
	return links
}

// list is a group of elements of one kind, each of which is about the page that one of its links leads to.
type list struct {
	rows  []*html.Node
	main  []link // one for each row
	leads leads
	told  bool // rows say more than the link: a date, or who
	score int
}

// mostLists bounds how many groups of one page are looked into, mostCompared how many lists, and of each how many rows,
// are held against one another.
const (
	mostLists    = 60
	mostCompared = 16
	mostRows     = 400
)

// lists are the page's, the best first. What is a part of a row, or holds several rows, is not a list of its own.
func (s *structure) lists() []list {
	if s.found != nil {
		return s.found
	}
	var found []list
	if s.isLarge() {
		return nil
	}
	for _, rows := range s.groups() {
		if l, ok := s.list(rows); ok {
			found = append(found, l)
		}
	}
	slices.SortStableFunc(found, func(a, b list) int { return cmp.Or(b.score-a.score, len(b.rows)-len(a.rows)) })
	found = found[:min(len(found), mostCompared)]
	containers := slices.Clone(found)
	found = slices.DeleteFunc(found, func(l list) bool {
		return slices.ContainsFunc(containers, func(inner list) bool { return inner.leads != toAnything && spread(inner.rows, l.rows) > 1 })
	})
	s.found = []list{}
	for _, l := range found {
		if !slices.ContainsFunc(s.found, func(better list) bool { return overlap(better.rows, l.rows) }) {
			s.found = append(s.found, l)
		}
	}
	return s.found
}

// overlap reports that elements of one list lie in those of the other.
func overlap(a, b []*html.Node) bool { return spread(a, b) > 0 || spread(b, a) > 0 }

// spread is the most elements of a list that lie in one of another; 0 = in none.
func spread(inner, outer []*html.Node) int {
	set := map[*html.Node]bool{}
	for _, n := range outer {
		set[n] = true
	}
	count, most := map[*html.Node]int{}, 0
	for _, n := range inner[:min(len(inner), mostRows)] {
		for up := n; up != nil; up = up.Parent {
			if set[up] {
				count[up]++
				most = max(most, count[up])
			}
		}
	}
	return most
}

// groups are elements of one kind outside of navigation that hold links, the largest groups first. A table's rows are
// one kind, however its body is parted.
func (s *structure) groups() [][]*html.Node {
	byKin := map[[3]uint32][]*html.Node{}
	var order [][3]uint32
	for _, n := range s.all {
		if s.off[n] || s.linked[n] == 0 || n.DataAtom == atom.A || n.DataAtom == atom.Body {
			continue
		}
		key := s.kin(n)
		if byKin[key] == nil {
			order = append(order, key)
		}
		byKin[key] = append(byKin[key], n)
	}
	var groups [][]*html.Node
	for _, key := range order {
		if g := byKin[key]; !inOneAnother(g) {
			groups = append(groups, g)
		}
	}
	weight := func(g []*html.Node) (sum int) {
		for _, n := range g {
			sum += s.text[n]
		}
		return sum
	}
	slices.SortStableFunc(groups, func(a, b []*html.Node) int { return weight(b) - weight(a) })
	return groups[:min(len(groups), mostLists)]
}

func inOneAnother(group []*html.Node) bool {
	set := map[*html.Node]bool{}
	for _, n := range group {
		set[n] = true
	}
	return slices.ContainsFunc(group, func(n *html.Node) bool { return within(n.Parent, set) })
}

// list finds the link that the rows are about: one that stands in the same spot in most of them, leads to a page of
// its own in each, and has the longest text.
func (s *structure) list(rows []*html.Node) (list, bool) {
	places := map[spot][]link{}
	var order []spot
	linking := 0
	for _, row := range rows {
		met := map[spot]bool{}
		id := s.idAround(row)
		for _, l := range s.links(row) {
			if id != "" && slices.Contains(digits.FindAllString(attr(l.node, "href"), -1), id) {
				continue // a post's link to itself
			}
			at := s.placeOf(l.node, row)
			if l.leads == toPeople || l.leads == toActions || isNumber(l.text) || s.isSelf(l) || met[at] {
				continue
			}
			met[at] = true
			if places[at] == nil {
				order = append(order, at)
			}
			places[at] = append(places[at], l)
		}
		if len(met) > 0 {
			linking++
		}
	}
	best, l := 0, list{}
	for i, at := range order {
		if score := s.placeScore(places[at], linking, i); score > best {
			best, l.main = score, places[at]
		}
	}
	if l.main == nil {
		return list{}, false
	}
	l.rows = rowsOf(l.main, rows)
	l.leads = mostly(l.main)
	l.told = s.tellsMore(l)
	if l.leads == toAnything && (len(l.main) < 3 || !l.told) { // a menu, for all that is known
		return list{}, false
	}
	l.score = best
	return l, true
}

// placeScore is how well the links of one spot serve as what rows are about; 0 = not at all.
func (s *structure) placeScore(links []link, rows, order int) int {
	if 10*len(links) < 7*rows {
		return 0
	}
	distinct, letters, known := map[string]bool{}, 0, 0
	for _, l := range links {
		distinct[l.to.String()] = true
		letters += min(utf8.RuneCountInString(l.text), 60)
		if l.leads != toAnything {
			known++
		}
	}
	if 10*len(distinct) < 6*len(links) || distinct[s.p.url.String()] {
		return 0
	}
	score := letters + 10*len(links) + 20*known
	return score / (1 + min(order, 3)) * len(links) / rows
}

// isSelf reports a link to another part of what the page is a part of, or to the same in another order: it has the same
// number in its address.
func (s *structure) isSelf(l link) bool {
	own := numbersOf(s.p.url)
	switch here := leadsOf(s.p.url); {
	case here != toAnything && l.leads != here:
		return false
	case len(own) == 0 || here == toAnything:
		return l.to.Path == s.p.url.Path && (l.to.RawQuery == "" || slices.ContainsFunc([]string{"page", "start", "offset"}, l.to.Query().Has))
	}
	return slices.ContainsFunc(numbersOf(l.to), func(n string) bool { return slices.Contains(own, n) })
}

func numbersOf(u *url.URL) []string {
	return slices.DeleteFunc(digits.FindAllString(u.RequestURI(), -1), func(n string) bool { return strings.Trim(n, "0") == "" })
}

func isNumber(text string) bool { return strings.Trim(text, "0123456789.,# ") == "" }

func rowsOf(links []link, rows []*html.Node) []*html.Node {
	set := map[*html.Node]bool{}
	for _, l := range links {
		for n := l.node; n != nil; n = n.Parent {
			set[n] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(rows), func(n *html.Node) bool { return !set[n] })
}

// mostly is where at least two of three links lead.
func mostly(links []link) leads {
	count := map[leads]int{}
	for _, l := range links {
		count[l.leads]++
	}
	for _, to := range []leads{toThreads, toBoards} {
		if 3*count[to] >= 2*len(links) {
			return to
		}
	}
	return toAnything
}

// tellsMore reports rows with more to say than the text of their links, as those of menus have not.
func (s *structure) tellsMore(l list) bool {
	more := 0
	for _, row := range l.rows {
		if s.text[row]-s.linked[row] > 3 {
			more++
		}
	}
	return 3*more >= 2*len(l.rows)
}

// entriesOf are the rows of all lists that lead there; of those that may lead anywhere, the best list's.
func (s *structure) entriesOf(wanted leads) []entry {
	var entries []entry
	met := map[string]bool{}
	for _, l := range s.lists() {
		if l.leads != wanted || wanted == toAnything && len(entries) > 0 {
			continue
		}
		for _, e := range s.entries(l) {
			if !met[e.key()] {
				met[e.key()] = true
				entries = append(entries, e)
			}
		}
	}
	return entries
}

func (s *structure) entries(l list) []entry {
	var entries []entry
	for i, row := range l.rows {
		if i < len(l.main) {
			entries = append(entries, entry{link: l.main[i].to, title: cleanText(l.main[i].text), marker: s.marker(row, l.main[i]), text: nodeText(row)})
		}
	}
	return entries
}

var (
	placeInThread = regexp.MustCompile(`(?i)#[a-z_-]*\d+$|[?&;](?:p|pid|post|comment)=\d+|/post[-/]\d+|getlastcomment|latest$|lastpost`)
	withYear      = regexp.MustCompile(`[^\n\t]{0,24}\b(?:19|20)\d\d\b[^\n\t]{0,14}`)
)

// marker is what a reply changes in a row, and nothing else does: the last moment that it gives for programs, the post
// that it links to, or a date with its year. "" = none, so that it is read every time.
func (s *structure) marker(row *html.Node, main link) string {
	stamp, spot := "", ""
	s.below(row, func(n *html.Node) {
		for _, name := range []string{"data-timestamp", "data-time", "datetime"} {
			if _, ok := (calendar{zone: time.UTC}).stamp(attr(n, name)); ok {
				stamp = attr(n, name)
			}
		}
		if href := attr(n, "href"); n.DataAtom == atom.A && n != main.node && placeInThread.MatchString(href) {
			if to, ok := s.p.resolve(href); ok {
				spot = to.RequestURI() + fragmentOf(href)
			}
		}
	})
	if found := withYear.FindAllString(nodeText(row), -1); stamp == "" && spot == "" && len(found) > 0 {
		return strings.TrimSpace(found[len(found)-1])
	}
	return strings.TrimSpace(stamp + " " + spot)
}

// emptyWords say that a list has nothing in it.
var emptyWords = []string{
	"no topics", "no threads", "no posts", "no discussions", "no messages", "no entries", "no results", "nothing here", "nothing to show", "is empty", "keine themen", "keine beiträge", "keine einträge",
	"aucun sujet", "aucun message", "aucune discussion", "no hay temas", "no hay mensajes", "nenhum tópico", "sem tópicos", "nessun argomento", "nessuna discussione", "geen onderwerpen", "geen berichten",
	"brak temat", "brak wątk", "нет тем", "тем нет", "нет сообщений", "ещё нет", "пока пусто", "немає тем", "konu yok", "başlık yok", "žádná témata", "inga ämnen", "没有主题", "暂无", "没有帖子", "トピックがありません",
}

// mostEmpty is longer than the sentence that says it.
const mostEmpty = 160

// saysEmpty reports an element of its own that says that there is nothing.
func (s *structure) saysEmpty() bool {
	return slices.ContainsFunc(s.all, func(n *html.Node) bool {
		return s.text[n] > 0 && s.text[n] < mostEmpty && !s.off[n] && containsAny(strings.ToLower(nodeText(n)), emptyWords)
	})
}

// nextWords are the texts of links to the following page.
var nextWords = wordSetOf("next", "next page", "next >", "older", "older posts", "weiter", "nächste", "nächste seite", "vorwärts", "suivant", "suivante", "page suivante", "suiv", "siguiente", "página siguiente",
	"próximo", "próxima", "próxima página", "seguinte", "successivo", "successiva", "prossima", "avanti", "pagina successiva", "volgende", "volgende pagina", "następna", "następna strona", "dalej",
	"далее", "дальше", "следующая", "следующая страница", "след", "вперёд", "вперед", "наступна", "далі", "sonraki", "sonraki sayfa", "ileri", "další", "nästa", "næste", "neste", "seuraava", "următoarea",
	"következő", "следваща", "επόμενη", "الصفحة التالية", "التالي", "הבא", "下一页", "下一頁", "下页", "下一篇", "次へ", "次のページ", "次", "다음")

func wordSetOf(words ...string) map[string]bool {
	set := map[string]bool{}
	for _, w := range words {
		set[w] = true
	}
	return set
}

// next is what the page marks as the following one, or a link that says so, or the number behind the one that is no link.
func (g *genericBoard) next(p *page) (*url.URL, bool) {
	if p.doc == nil {
		return nil, false
	}
	marked := find(p.doc.Selection, `link[rel~="next"], a[rel~="next"]`).First().AttrOr("href", "")
	if to, ok := p.follows(marked); ok {
		return to, true
	}
	s := g.survey(p)
	var arrow, numbered *url.URL
	current := ""
	for _, n := range s.all {
		text := ""
		if s.text[n] < 40 {
			text = strings.ToLower(strings.Join(strings.Fields(nodeText(n)), " "))
		}
		if n.DataAtom != atom.A || attr(n, "href") == "" {
			if isPageNumber(text) && s.isPaging(n) {
				current = text
			}
			continue
		}
		to, ok := p.follows(attr(n, "href"))
		switch bare := strings.Trim(text, " >›»→.…"); {
		case !ok:
		case nextWords[bare] || nextWords[strings.ToLower(attr(n, "aria-label"))] || nextWords[strings.ToLower(attr(n, "title"))]:
			return to, true
		case text == "›" || text == ">" || text == "→" || text == "»":
			arrow = to
		case current != "" && isPageNumber(text) && isFollowing(current, text) && numbered == nil:
			numbered = to
		}
	}
	if arrow != nil && (numbered == nil || arrow.String() == numbered.String()) {
		return arrow, s.hasPaging()
	}
	return numbered, numbered != nil
}

// follows resolves a link to a page that is not this one.
func (p *page) follows(href string) (*url.URL, bool) {
	to, ok := p.resolve(href)
	return to, ok && to.String() != p.url.String() && to.Host == p.url.Host
}

var pagingWords = wordSet("pagination pager pages pagelinks pagenav pagenavigation paging paginate pagelink page multipage pagejump")

// isPaging reports an element in, or beside, a row of page numbers.
func (s *structure) isPaging(n *html.Node) bool {
	for range 4 {
		if n == nil {
			return false
		}
		if slices.ContainsFunc(wordsOfClass(n), func(w string) bool { return pagingWords[w] }) {
			return true
		}
		n = n.Parent
	}
	return false
}

func (s *structure) hasPaging() bool { return slices.ContainsFunc(s.all, s.isPaging) }

func isPageNumber(text string) bool {
	return text != "" && len(text) < 6 && digits.FindString(text) == text
}

func isFollowing(a, b string) bool {
	return len(b) >= len(a) && b == addOne(a)
}

// addOne counts on by one, in digits.
func addOne(n string) string {
	out := []byte(n)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i] != '9' {
			out[i]++
			return string(out)
		}
		out[i] = '0'
	}
	return "1" + string(out)
}

// asFailure is errors.As for the failure of a page.
func asFailure(err error, to **risk.FetchError) bool { return errors.As(err, to) }
