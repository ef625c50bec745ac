package collect

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/wardline/wardline/internal/risk"
)

// postings are the posts of a page: the best group of elements of one kind that each have a date, an author or an id,
// and a text that is not mostly links. Where the markup has none, what it says for search engines is taken.
func (s *structure) postings(dates calendar) []risk.Item {
	if dates.now.IsZero() { // only whether there are posts matters
		dates.now, dates.zone = time.Now(), time.UTC
	}
	own := leadsOf(s.p.url)
	if s.isLarge() || own != toThreads && slices.ContainsFunc(s.lists(), func(l list) bool { return l.leads == toBoards || own == toBoards && l.leads == toThreads }) {
		return nil
	}
	dated := s.dated(dates)
	var best postGroup
	for _, group := range s.datedGroups(dated) {
		if g, ok := s.postGroup(group, dated); ok && g.score > best.score && (own == toThreads || !s.areRows(g)) {
			best = g
		}
	}
	var items []risk.Item
	for _, post := range best.posts {
		if item, ok := s.item(post, best, dated, dates); ok {
			items = append(items, item)
		}
	}
	if len(items) == 0 {
		items = linkedData(s.p, dates)
	}
	return items
}

const (
	mostDates  = 600
	mostDate   = 90 // letters in an element that is a date
	mostGroups = 24
	mostTries  = 4 // for one id
)

// dated are the elements that are dates, with what they say: those that tell programs, and those whose own text is one.
func (s *structure) dated(dates calendar) map[*html.Node]time.Time {
	found := map[*html.Node]time.Time{}
	for _, n := range s.all {
		if len(found) >= mostDates {
			break
		}
		if t, ok := s.dateIn(n, dates); ok && !s.off[n] {
			found[n] = t
		}
	}
	return found
}

func (s *structure) dateIn(n *html.Node, dates calendar) (time.Time, bool) {
	for _, name := range []string{"data-timestamp", "data-time", "datetime"} {
		if t, ok := dates.stamp(attr(n, name)); ok && s.text[n] < mostDate {
			return t, true
		}
	}
	if strings.HasPrefix(attr(n, "itemprop"), "date") {
		if t, ok := dates.stamp(attr(n, "content")); ok {
			return t, true
		}
	}
	own := ownText(n)
	if title := attr(n, "title"); title != "" && len(title) < mostDate && (own == "" || looksLikeDate(own)) && looksLikeDate(title) {
		if t, ok := dates.read(title); ok {
			return t, true
		}
	}
	if len(own) > mostDate || !looksLikeDate(own) {
		return time.Time{}, false
	}
	if t, ok := dates.read(nodeText(n)); ok && s.text[n] < mostDate {
		return t, true
	}
	return dates.read(own)
}

func ownText(n *html.Node) string {
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.TextNode && b.Len() <= mostDate {
			b.WriteString(c.Data)
			b.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

var dateForm = regexp.MustCompile(`\b(?:19|20)\d\d\b|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{1,2}:\d\d`)

// looksLikeDate is what a text must have before it is read as a date: a year, a day in numbers, a time, or a word for a day.
func looksLikeDate(text string) bool {
	if dateForm.MatchString(text) {
		return true
	}
	words := wordsOf(text)
	if len(words) > 8 {
		return false
	}
	return slices.ContainsFunc(words, func(w word) bool {
		_, isDay := dayWords[w.text]
		return isDay && len(w.text) > 2 || agoWords[w.text] && len(words) > 1
	})
}

// datedGroups are the groups of elements of one kind that hold dates, and single ones that carry a post's id.
func (s *structure) datedGroups(dated map[*html.Node]time.Time) [][]*html.Node {
	byKin := map[[3]uint32][]*html.Node{}
	met := map[*html.Node]bool{}
	var order [][3]uint32
	for _, date := range s.all {
		if _, ok := dated[date]; !ok {
			continue
		}
		for n := date.Parent; n != nil && n.DataAtom != atom.Body && !met[n]; n = n.Parent {
			met[n] = true
			key := s.kin(n)
			if byKin[key] == nil {
				order = append(order, key)
			}
			byKin[key] = append(byKin[key], n)
		}
	}
	var groups [][]*html.Node
	for _, key := range order {
		g := byKin[key]
		if !inOneAnother(g) && (len(g) > 1 || postID(g[0]) != "" || isPosting(g[0])) && !slices.ContainsFunc(g, func(n *html.Node) bool { return s.off[n] }) {
			groups = append(groups, g)
		}
	}
	slices.SortStableFunc(groups, func(a, b []*html.Node) int { return cmp.Compare(s.weight(b), s.weight(a)) })
	groups = groups[:min(len(groups), mostGroups)]
	if anchored := s.anchored(dated); len(anchored) > 0 {
		groups = append(groups, anchored)
	}
	return groups
}

// anchored are the smallest elements that hold one post's id with a date and an author. They need not be of one kind: a
// first post often differs from the others.
func (s *structure) anchored(dated map[*html.Node]time.Time) []*html.Node {
	ids, holds := map[*html.Node]string{}, map[*html.Node]bool{}
	for _, n := range s.all {
		_, isDate := dated[n]
		if isDate && !s.off[n] {
			for up := n; up != nil && !holds[up]; up = up.Parent {
				holds[up] = true
			}
		}
		if id := postID(n); id != "" && !s.off[n] && len(ids) < mostPostings {
			ids[n] = id
		}
	}
	others := map[*html.Node]map[string]bool{} // the ids in an element
	for n, id := range ids {
		for up := n; up != nil; up = up.Parent {
			if others[up] == nil {
				others[up] = map[string]bool{}
			}
			others[up][id] = true
		}
	}
	taken, tried := map[string]bool{}, map[string]int{} // a page may repeat one id thousands of times
	var group []*html.Node
	for _, n := range s.all {
		id := ids[n]
		if id == "" || tried[id] >= mostTries {
			continue
		}
		tried[id]++
		if taken[id] {
			continue
		}
		for up, climbed := n, 0; up != nil && len(others[up]) == 1 && climbed < mostNested; up, climbed = up.Parent, climbed+1 {
			if holds[up] && s.author(up, 0) != nil {
				taken[id] = true
				group = append(group, up)
				break
			}
		}
	}
	return group
}

func (s *structure) weight(group []*html.Node) (sum int) {
	for _, n := range group {
		sum += s.text[n]
	}
	return sum
}

var (
	postIDForm = regexp.MustCompile(`(?i)^(?:[a-z]+[-_])*(?:[a-z]*post|p|pid|msg|message|comment|elcomment|reply|entry|article|answer)[-_]?(\d+)(?:[-_][a-z]+)?$`)
	postingOf  = regexp.MustCompile(`(?i)schema\.org/(?:DiscussionForumPosting|SocialMediaPosting|Comment|Answer|Question)$`)
)

func isPosting(n *html.Node) bool { return postingOf.MatchString(attr(n, "itemtype")) }

// postID is the number by which an element names its post.
func postID(n *html.Node) string {
	for _, name := range []string{"data-pid", "data-post-id", "data-postid", "data-commentid", "data-comment-id"} {
		if id := attr(n, name); id != "" && digits.FindString(id) == id {
			return id
		}
	}
	for _, name := range []string{"id", "data-content", "name"} {
		if m := postIDForm.FindStringSubmatch(attr(n, name)); m != nil {
			return m[1]
		}
	}
	return ""
}

// postGroup is a group of posts, and where in each the parts of one stand.
type postGroup struct {
	posts  []*html.Node
	date   spot // where its date stands
	author spot // 0 = nowhere
	bodies map[*html.Node]*html.Node
	score  int
}

func (s *structure) postGroup(group []*html.Node, dated map[*html.Node]time.Time) (postGroup, bool) {
	g := postGroup{posts: group, date: s.datePlace(group, dated), author: s.authorPlace(group)}
	g.bodies = s.bodies(g, dated)
	if s.isList(g) {
		return g, false
	}
	whole := 0
	for _, post := range group {
		body, author := g.bodies[post], s.author(post, g.author)
		named := s.idIn(post) != "" || isPosting(post)
		if body == nil || s.date(post, g.date, dated) == nil || author == nil && !named {
			continue
		}
		whole++
		g.score += 20 + min(s.text[body], 400)
		if author != nil {
			g.score += 40
		}
		if named {
			g.score += 30
		}
	}
	return g, 10*whole >= 7*len(group)
}

// isList reports elements that are each about another page: threads in a list, not posts.
func (s *structure) isList(g postGroup) bool {
	rows := 0
	for _, post := range g.posts {
		if s.isRow(post, g.bodies[post]) {
			rows++
		}
	}
	return 2*rows > len(g.posts)
}

// areRows reports that the posts would be those of a list of threads or boards, or parts of it.
func (s *structure) areRows(g postGroup) bool {
	return slices.ContainsFunc(s.lists(), func(l list) bool {
		return l.leads != toAnything && len(l.rows) > 1 && overlap(g.posts, l.rows)
	})
}

func (s *structure) isRow(post, body *html.Node) bool {
	id := s.idIn(post)
	return slices.ContainsFunc(s.links(post), func(l link) bool {
		switch {
		case l.leads != toThreads && l.leads != toBoards, isNumber(strings.TrimLeft(l.text, "#")), s.isSelf(l):
			return false
		case id != "" && strings.Contains(attr(l.node, "href"), id):
			return false
		}
		return (body == nil || !within(l.node, map[*html.Node]bool{body: true})) && s.outOfQuotes(l.node, post)
	})
}

// idAround is the id of the post that an element is in, or is.
func (s *structure) idAround(n *html.Node) string {
	if id := s.idIn(n); id != "" {
		return id
	}
	for ; n != nil; n = n.Parent {
		if id := postID(n); id != "" {
			return id
		}
	}
	return ""
}

// idIn is the id of the post that an element is: its own, or that of an anchor in it.
func (s *structure) idIn(n *html.Node) string {
	if id := postID(n); id != "" {
		return id
	}
	found := ""
	s.below(n, func(c *html.Node) {
		if found == "" {
			found = postID(c)
		}
	})
	return found
}

var genericAnatomy = anatomy{quote: `blockquote, .quote, aside.quote, .bbc_standard_quote, .bbCodeQuote`, quoteAuthor: `cite, .quote-author, .attribution`,
	quoteHead: `cite, .quote-author, .attribution`, code: `pre, code.bbc_code`, attachment: `a[href*="attachment"], a[download]`, noise: `[data-notice-of-editing], .codebox > p, .codebox > dt, .code > .title, .bbCodeBlock-title`}

func (s *structure) item(post *html.Node, g postGroup, dated map[*html.Node]time.Time, dates calendar) (risk.Item, bool) {
	body := g.bodies[post]
	if body == nil {
		return risk.Item{}, false
	}
	item := risk.Item{PostID: s.idIn(post), Author: s.authorOf(post, g)}
	if at := s.date(post, g.date, dated); at != nil {
		item.Posted = dated[at]
	}
	if notice := s.editNotice(post); notice != nil {
		item.Edited, item.EditedAt = true, dates.dateOf(goquery.NewDocumentFromNode(notice).Selection, nil)
	}
	genericAnatomy.read(goquery.NewDocumentFromNode(body).Selection, &item)
	item.Attachments = appendNew(item.Attachments, fileNames(goquery.NewDocumentFromNode(post).Selection, genericAnatomy.attachment))
	return item, strings.TrimSpace(item.Text) != "" || len(item.Quotes) > 0
}

// editWords say that a post was changed.
var editWords = []string{
	"edited", "last edit", "modified", "zuletzt bearbeitet", "bearbeitet", "zuletzt geändert", "modifié", "dernière édition", "editado", "modificado", "modificato", "ultima modifica", "editada",
	"bewerkt", "edytowan", "ostatnio edytowane", "изменено", "отредактировано", "редактировал", "відредагован", "düzenlen", "upraven", "redigerad", "编辑", "編集",
}

// noticeMark is the attribute that notices of editing get, so that they are not read as the author's words.
const noticeMark = "data-notice-of-editing"

// editNotice is the smallest element that says that a post was edited, and when.
func (s *structure) editNotice(post *html.Node) *html.Node {
	var notice *html.Node
	s.below(post, func(n *html.Node) {
		if s.text[n] == 0 || s.text[n] > mostTitle/2 || n.DataAtom == atom.A || !s.outOfQuotes(n, post) {
			return
		}
		text := strings.ToLower(nodeText(n))
		if containsAny(text, editWords) && (looksLikeDate(text) || find(goquery.NewDocumentFromNode(n).Selection, "time").Length() > 0) {
			notice = n
		}
	})
	if notice != nil && attr(notice, noticeMark) == "" {
		notice.Attr = append(notice.Attr, html.Attribute{Key: noticeMark, Val: "1"})
	}
	return notice
}

func appendNew(names, more []string) []string {
	for _, n := range more {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

func (s *structure) authorOf(post *html.Node, g postGroup) string {
	if n := s.author(post, g.author); n != nil {
		return strings.Join(strings.Fields(nodeText(n)), " ")
	}
	return cleanText(firstOf(attr(post, "data-author"), attr(post, "data-username")))
}
