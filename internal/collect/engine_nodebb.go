package collect

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// nodeBBBoard is NodeBB. Every page of it has a twin under /api that holds the same as JSON, in any theme; where that is
// closed, the pages of its themes Harmony and Persona are read.
type nodeBBBoard struct{}

var nodeBB engine = nodeBBBoard{}

func (nodeBBBoard) name() string { return "nodebb" }

func (n nodeBBBoard) shows(p *page) bool {
	if p.doc != nil {
		return nodeBBPages.shows(p)
	}
	if !bytes.Contains(p.body, []byte(`"template":`)) && !bytes.Contains(p.body, []byte(`"status":`)) {
		return false
	}
	doc, ok := n.read(p)
	return ok && (doc.Template.Name != "" && doc.Relative != nil || doc.Status.Code != "")
}

type nodeBBDoc struct {
	Template struct {
		Name string `json:"name"`
	} `json:"template"`
	Relative   *string          `json:"relative_path"`
	Categories []nodeBBCategory `json:"categories"`
	Children   []nodeBBCategory `json:"children"`
	Topics     []nodeBBTopic    `json:"topics"`
	Posts      []nodeBBPost     `json:"posts"`
	Pagination struct {
		Next struct {
			Page   int   `json:"page"`
			Active truth `json:"active"`
		} `json:"next"`
	} `json:"pagination"`
	Status struct {
		Code string `json:"code"`
	} `json:"status"`
}

type nodeBBCategory struct {
	Name     string           `json:"name"`
	Slug     string           `json:"slug"`
	Link     string           `json:"link"` // leads elsewhere
	Children []nodeBBCategory `json:"children"`
}

type nodeBBTopic struct {
	Title   string  `json:"title"`
	Slug    string  `json:"slug"`
	Posts   int64   `json:"postcount"`
	Last    float64 `json:"lastposttime"`
	Deleted truth   `json:"deleted"`
}

type nodeBBPost struct {
	ID      label   `json:"pid"`
	Content string  `json:"content"`
	Posted  instant `json:"timestampISO"`
	Edited  float64 `json:"edited"` // milliseconds; 0 = never
	Deleted truth   `json:"deleted"`
	User    struct {
		Name string `json:"username"`
	} `json:"user"`
}

func (nodeBBBoard) read(p *page) (*nodeBBDoc, bool) { return jsonPage[nodeBBDoc](p) }

var nodeBBRoutes = []string{"api", "category", "categories", "topic", "recent", "popular"}

func (nodeBBBoard) start(home *url.URL) *url.URL {
	root, rest := splitAt(home, nodeBBRoutes...)
	at := *home
	at.RawPath, at.RawQuery = "", ""
	switch rest = strings.TrimPrefix(rest, "api/"); {
	case strings.HasPrefix(rest, "category/"), strings.HasPrefix(rest, "recent"):
		at.Path = root + "api/" + rest
	default:
		at.Path = root + "api/categories"
	}
	return &at
}

func (n nodeBBBoard) boards(p *page) []board {
	if p.doc != nil {
		return nodeBBPages.boards(p)
	}
	doc, ok := n.read(p)
	if !ok {
		return nil
	}
	return append(nodeBBBoards(p, doc.Categories), nodeBBBoards(p, doc.Children)...)
}

// mostNested is deeper than any board's sub-forums.
const mostNested = 16

func nodeBBBoards(p *page, categories []nodeBBCategory) []board {
	root, _ := splitAt(p.url, nodeBBRoutes...)
	var boards []board
	level := categories
	for depth := 0; len(level) > 0 && depth < mostNested; depth++ {
		var below []nodeBBCategory
		for _, c := range level {
			if c.Slug != "" && c.Link == "" {
				boards = append(boards, board{name: strings.TrimSpace(nodeText(fragmentRoot(c.Name))), at: p.at(root+"api/category/"+c.Slug, "")})
			}
			below = append(below, c.Children...)
		}
		level = below
	}
	return boards
}

func (n nodeBBBoard) threads(p *page) ([]entry, error) {
	if p.doc != nil {
		return nodeBBPages.threads(p)
	}
	doc, ok := n.read(p)
	if !ok || doc.Topics == nil {
		if ok && doc.Template.Name == "categories" && len(doc.Categories) > 0 {
			return nil, nil
		}
		return nil, p.strangeJSON(n, "a list of topics")
	}
	root, _ := splitAt(p.url, nodeBBRoutes...)
	var entries []entry
	for _, t := range doc.Topics {
		if t.Slug == "" || bool(t.Deleted) {
			continue
		}
		entries = append(entries, entry{link: p.at(root+"api/topic/"+t.Slug, ""), title: strings.TrimSpace(nodeText(fragmentRoot(t.Title))),
			marker: fmt.Sprintf("%d %.0f", t.Posts, t.Last)})
	}
	return entries, nil
}

var nodeBBAnatomy = anatomy{quote: `blockquote`, code: `pre`, attachment: `a[href*="/assets/uploads/files/"], img[src*="/assets/uploads/files/"]`}

func (n nodeBBBoard) posts(p *page, dates calendar) ([]risk.Item, error) {
	if p.doc != nil {
		return nodeBBPages.posts(p, dates)
	}
	doc, ok := n.read(p)
	if !ok || doc.Posts == nil {
		return nil, p.strangeJSON(n, "a topic")
	}
	root, _ := splitAt(p.url, nodeBBRoutes...)
	items := []risk.Item{}
	for _, post := range doc.Posts {
		if post.Deleted {
			continue
		}
		item := risk.Item{PostID: cleanText(string(post.ID)), Author: cleanText(post.User.Name), Posted: post.Posted.Time, Edited: post.Edited > 0,
			URL: p.at(root+"post/"+string(post.ID), "").String()}
		if item.Edited {
			item.EditedAt = time.UnixMilli(int64(post.Edited)).UTC()
		}
		if nodeBBAnatomy.readFragment(post.Content, &item) {
			items = append(items, item)
		}
	}
	return items, nil
}

func (n nodeBBBoard) next(p *page) (*url.URL, bool) {
	if p.doc != nil {
		return nodeBBPages.next(p)
	}
	doc, ok := n.read(p)
	if !ok || !bool(doc.Pagination.Next.Active) {
		return nil, false
	}
	return p.at(p.url.Path, fmt.Sprintf("page=%d", doc.Pagination.Next.Page)), true
}

// nodeBBPages reads NodeBB's pages in its themes Harmony and Persona.
var nodeBBPages = &markup{
	key:   "nodebb",
	signs: `[component="categories/category"], [component="category"], [component="category/subcategory"], [component="topic"], [component="post"], [component="brand/wrapper"], [component="navbar/title"], #category-no-topics, form[component="login/local"], body[class*="page-status-code-"]`,

	boardLinks: `[component="categories/category"] .title a, [component="categories/category"] .category-children-item a, [component="category/subcategory"] .title a`,

	list:    `[component="category/topic"]`,
	link:    `[component="topic/header"] a`,
	replies: `.stats-postcount .human-readable-number`,
	last:    `[component="topic/teaser"] a.permalink, [component="topic/teaser"] a.background-link`,
	empty:   `#category-no-topics, [component="category"]:not(:has([component="category/topic"]))`,

	post:    `[component="post"]:not(.deleted)`,
	body:    `[component="post/content"]`,
	id:      `@data-pid`,
	author:  `a[data-username]`,
	date:    `meta[itemprop="datePublished"], .timeago`,
	edited:  `[component="post/editor"]:not([data-editor=""])`,
	anatomy: nodeBBAnatomy,

	nextPage: `head link[rel="next"], [component="pagination"] li.next:not(.disabled) > a`,
	same:     func(u *url.URL) { onlyQuery(u, "page") },
}
