package collect

import (
	"bytes"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/PuerkitoBio/goquery"

	"github.com/wardline/wardline/internal/risk"
)

// discourseBoard is Discourse, which is drawn by a script. Without one it is read from the JSON behind its addresses,
// or, where that is closed, from what its pages hold for crawlers. A post's id is its topic's and its number in it,
// which both forms tell.
type discourseBoard struct{}

var discourse engine = discourseBoard{}

func (discourseBoard) name() string { return "discourse" }

func (d discourseBoard) shows(p *page) bool {
	if p.doc != nil {
		return find(p.doc.Selection, `meta[name="generator"][content^="Discourse"], meta#data-discourse-setup, noscript[data-path] + section#main`).Length() > 0
	}
	for _, sign := range []string{`"category_list":`, `"topic_list":`, `"post_stream":`, `"error_type":`} {
		if bytes.Contains(p.body, []byte(sign)) {
			doc, ok := d.read(p)
			return ok && (doc.Categories != nil || doc.Topics != nil || doc.Posts != nil || doc.Error != "")
		}
	}
	return false
}

type discourseDoc struct {
	Categories *struct {
		Categories []discourseCategory `json:"categories"`
	} `json:"category_list"`
	Topics *struct {
		More   string           `json:"more_topics_url"`
		Topics []discourseTopic `json:"topics"`
	} `json:"topic_list"`
	Posts *struct {
		Posts  []discoursePost `json:"posts"`
		Stream []int64         `json:"stream"`
		Last   int64           `json:"lastId"` // in place of a stream that would be very long
	} `json:"post_stream"`
	Slug  string `json:"slug"`
	Error string `json:"error_type"`
}

type discourseCategory struct {
	ID       int64               `json:"id"`
	Name     string              `json:"name"`
	Slug     string              `json:"slug"`
	Children []discourseCategory `json:"subcategory_list"`
}

type discourseTopic struct {
	ID     int64  `json:"id"`
	Title  string `json:"title"`
	Posts  int64  `json:"posts_count"`
	Last   string `json:"last_posted_at"`
	Bumped string `json:"bumped_at"`
}

type discoursePost struct {
	ID      int64   `json:"id"`
	Topic   int64   `json:"topic_id"`
	Number  int64   `json:"post_number"`
	Type    int     `json:"post_type"`
	Author  string  `json:"username"`
	Created instant `json:"created_at"`
	Updated instant `json:"updated_at"`
	Version int     `json:"version"`
	Cooked  string  `json:"cooked"`
	Deleted truth   `json:"user_deleted"`
	Removed string  `json:"deleted_at"`
}

func (discourseBoard) read(p *page) (*discourseDoc, bool) { return jsonPage[discourseDoc](p) }

var discourseRoutes = []string{"c", "t", "categories", "latest", "top", "new", "tag", "tags"}

func (discourseBoard) start(home *url.URL) *url.URL {
	root, rest := splitAt(home, discourseRoutes...)
	at := *home
	at.RawPath, at.RawQuery = "", ""
	switch {
	case strings.HasPrefix(rest, "c/"), strings.HasPrefix(rest, "tag/"), strings.HasPrefix(rest, "latest"):
		at.Path = root + strings.TrimSuffix(rest, ".json") + ".json"
	default:
		at.Path, at.RawQuery = root+"categories.json", "include_subcategories=true"
	}
	return &at
}

func (d discourseBoard) boards(p *page) []board {
	if p.doc != nil {
		return discoursePages.boards(crawlerView(p))
	}
	doc, ok := d.read(p)
	if !ok || doc.Categories == nil {
		return nil
	}
	return discourseBoards(p, doc.Categories.Categories, "")
}

func discourseBoards(p *page, categories []discourseCategory, above string) []board {
	root, _ := splitAt(p.url, discourseRoutes...)
	var boards []board
	for _, c := range categories {
		slug := c.Slug
		if slug == "" {
			slug = fmt.Sprintf("%d-category", c.ID)
		}
		boards = append(boards, board{name: strings.TrimSpace(cleanText(c.Name)), at: p.at(fmt.Sprintf("%sc/%s%s/%d.json", root, above, slug, c.ID), "")})
		if above == "" { // no deeper than the software allows by default
			boards = append(boards, discourseBoards(p, c.Children, slug+"/")...)
		}
	}
	return boards
}

func (d discourseBoard) threads(p *page) ([]entry, error) {
	if p.doc != nil {
		return d.crawlerThreads(p)
	}
	doc, ok := d.read(p)
	if !ok || doc.Topics == nil {
		return nil, p.strangeJSON(d, "a list of topics")
	}
	root, _ := splitAt(p.url, discourseRoutes...)
	var entries []entry
	for _, t := range doc.Topics.Topics {
		entries = append(entries, entry{link: p.at(fmt.Sprintf("%st/%d.json", root, t.ID), ""), title: strings.TrimSpace(cleanText(t.Title)),
			marker: fmt.Sprintf("%d %s %s", t.Posts, t.Last, t.Bumped)})
	}
	return entries, nil
}

var discourseAnatomy = anatomy{quote: `aside.quote, blockquote`, quoteAuthor: `@data-username`, quoteHead: `.title`, code: `pre`,
	attachment: `a.attachment, .lightbox .filename`, noise: `.lightbox .meta`}

// discourseRegular is a post that somebody wrote; the other types are notices of the software.
const discourseRegular = 1

func (d discourseBoard) posts(p *page, dates calendar) ([]risk.Item, error) {
	if p.doc != nil {
		return d.crawlerPosts(p, dates)
	}
	doc, ok := d.read(p)
	if !ok || doc.Posts == nil {
		return nil, p.strangeJSON(d, "a topic")
	}
	root, _ := splitAt(p.url, discourseRoutes...)
	items := []risk.Item{}
	for _, post := range doc.Posts.Posts {
		if post.Type != discourseRegular || bool(post.Deleted) || post.Removed != "" {
			continue
		}
		item := risk.Item{PostID: fmt.Sprintf("%d/%d", post.Topic, post.Number), Author: cleanText(post.Author), Posted: post.Created.Time, Edited: post.Version > 1,
			URL: p.at(fmt.Sprintf("%st/%s/%d/%d", root, pathOr(doc.Slug, "-"), post.Topic, post.Number), "").String()}
		if item.Edited {
			item.EditedAt = post.Updated.Time
		}
		if discourseAnatomy.readFragment(post.Cooked, &item) {
			items = append(items, item)
		}
	}
	return items, nil
}

func pathOr(slug, other string) string {
	if slug == "" || strings.ContainsAny(slug, "/?#") {
		return other
	}
	return slug
}

func (d discourseBoard) next(p *page) (*url.URL, bool) {
	if p.doc != nil {
		return discoursePages.next(crawlerView(p))
	}
	doc, ok := d.read(p)
	switch {
	case !ok:
		return nil, false
	case doc.Topics != nil && len(doc.Topics.Topics) > 0:
		next, ok := p.resolve(doc.Topics.More)
		if ok && !strings.HasSuffix(next.Path, ".json") {
			next.Path += ".json"
		}
		return next, ok
	case doc.Posts != nil && len(doc.Posts.Posts) > 0:
		last := doc.Posts.Last
		if s := doc.Posts.Stream; len(s) > 0 {
			last = s[len(s)-1]
		}
		if last == 0 || doc.Posts.Posts[len(doc.Posts.Posts)-1].ID == last {
			return nil, false
		}
		return p.at(p.url.Path, "page="+strconv.Itoa(pageNumber(p.url)+1)), true
	}
	return nil, false
}

// discoursePages reads what Discourse's pages hold for those that run no script.
var discoursePages = &markup{
	key:   "discourse",
	signs: `#main-outlet, .category-list, .topic-list, .crawler-post`,

	boardLinks: `.category-list td.category h3 > a, .category-list td.category .subcategories a, h1 ~ a:has([itemprop="name"])`,

	list:    `.topic-list .topic-list-item`,
	link:    `a.raw-topic-link`,
	replies: `.replies .posts`,
	last:    `td:last-child`,
	empty:   `table.topic-list`,

	post:    `.crawler-post`,
	body:    `.post`,
	id:      `@id`,
	author:  `.creator [itemprop="name"], .creator`,
	date:    `.crawler-post-infos time.post-time, .crawler-post-infos`,
	anatomy: discourseAnatomy,

	nextPage: `a[rel="next"]`,
	same:     func(u *url.URL) { onlyQuery(u, "page") },
}

// crawlerView is the page as it stands in its noscript element, where it has one: a parser takes that for text.
func crawlerView(p *page) *page {
	view := *p
	if text := find(p.doc.Selection, `noscript[data-path]`).First(); text.Length() > 0 {
		view.doc = goquery.NewDocumentFromNode(fragmentRoot(text.Text()))
	}
	return &view
}

func (d discourseBoard) crawlerThreads(p *page) ([]entry, error) {
	view := crawlerView(p)
	entries, err := discoursePages.threads(view)
	if err != nil {
		return nil, d.strange(p, view, "a list of topics")
	}
	// Their dates are days without a time, which no attribute says better; the number of replies tells the rest.
	rows := find(view.doc.Selection, discoursePages.list)
	for i := 0; i < len(entries) && len(entries) == rows.Length(); i++ {
		entries[i].marker = oneLine(find(rows.Eq(i), discoursePages.replies).First()) + " " + oneLine(find(rows.Eq(i), discoursePages.last).First())
	}
	return entries, nil
}

// strange looks for a log-in form in the noscript element too.
func (d discourseBoard) strange(p, view *page, what string) error {
	if view.asksForLogin() {
		return p.failure(risk.FailLogin, fmt.Errorf("a log-in form instead of %s", what))
	}
	return p.strange(d.name(), what)
}

func (d discourseBoard) crawlerPosts(p *page, dates calendar) ([]risk.Item, error) {
	view := crawlerView(p)
	items, err := discoursePages.posts(view, dates)
	if err != nil {
		return nil, d.strange(p, view, "a topic")
	}
	_, rest := splitAt(p.url, "t")
	topic := ""
	for _, s := range strings.Split(rest, "/") {
		if digits.FindString(s) == s && s != "" {
			topic = s
			break
		}
	}
	for i := range items {
		number := items[i].PostID
		items[i].PostID = topic + "/" + number
		items[i].URL = p.at(strings.TrimSuffix(p.url.Path, "/")+"/"+number, "").String()
	}
	return items, nil
}
