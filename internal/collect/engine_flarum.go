package collect

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"github.com/wardline/wardline/internal/risk"
)

// flarumBoard is Flarum, which is drawn by a script from JSON:API documents. They are read from its API, or, where that is
// closed, as each page carries them. Its boards are tags.
type flarumBoard struct{}

var flarum engine = flarumBoard{}

func (flarumBoard) name() string { return "flarum" }

func (f flarumBoard) shows(p *page) bool {
	if p.doc != nil {
		return find(p.doc.Selection, `script#flarum-json-payload, noscript#flarum-content, #flarum-loading`).Length() > 0
	}
	if !bytes.Contains(p.body, []byte(`"attributes"`)) {
		return false
	}
	doc, ok := f.read(p)
	return ok && (doc.about() != nil || doc.has("discussions") || doc.has("posts") || doc.has("tags"))
}

// flarumDoc is a JSON:API document. Pages carry beside it what their script needs everywhere, as resources.
type flarumDoc struct {
	Data     json.RawMessage  `json:"data"`
	Included []flarumResource `json:"included"`
	Links    struct {
		Next string `json:"next"`
	} `json:"links"`

	data      []flarumResource
	resources []flarumResource
}

type flarumResource struct {
	Type       string `json:"type"`
	ID         label  `json:"id"`
	Attributes struct {
		Name     string  `json:"name"`
		Slug     string  `json:"slug"`
		Title    string  `json:"title"`
		CanView  *truth  `json:"canViewForum"`
		Comments int64   `json:"commentCount"`
		Last     string  `json:"lastPostedAt"`
		Number   int64   `json:"number"`
		Content  string  `json:"contentType"`
		HTML     string  `json:"contentHtml"`
		Created  instant `json:"createdAt"`
		Edited   instant `json:"editedAt"`
		Hidden   truth   `json:"isHidden"`
		Display  string  `json:"displayName"`
		Username string  `json:"username"`
	} `json:"attributes"`
	Relationships map[string]struct {
		Data json.RawMessage `json:"data"`
	} `json:"relationships"`
}

// to are the ids of the resources that another one names.
func (r flarumResource) to(name string) []label {
	var one struct {
		ID label `json:"id"`
	}
	var many []struct {
		ID label `json:"id"`
	}
	data := r.Relationships[name].Data
	if json.Unmarshal(data, &one) == nil && one.ID != "" {
		return []label{one.ID}
	}
	var ids []label
	if json.Unmarshal(data, &many) == nil {
		for _, m := range many {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

func (flarumBoard) read(p *page) (*flarumDoc, bool) {
	if p.doc == nil {
		doc, ok := jsonPage[flarumDoc](p)
		return doc, ok && doc.take()
	}
	text := find(p.doc.Selection, `script#flarum-json-payload`).First().Text()
	var payload struct {
		Document  flarumDoc        `json:"apiDocument"`
		Resources []flarumResource `json:"resources"`
	}
	if !isReadJSON(json.Unmarshal([]byte(text), &payload)) {
		return nil, false
	}
	payload.Document.resources = payload.Resources
	return &payload.Document, payload.Document.Data == nil || payload.Document.take()
}

// take reads the document's data, which is one resource or several.
func (d *flarumDoc) take() bool {
	if bytes.HasPrefix(d.Data, []byte("[")) {
		return isReadJSON(json.Unmarshal(d.Data, &d.data))
	}
	d.data = make([]flarumResource, 1)
	return isReadJSON(json.Unmarshal(d.Data, &d.data[0]))
}

func (d *flarumDoc) each(kind string, yield func(flarumResource)) {
	for _, list := range [][]flarumResource{d.data, d.Included, d.resources} {
		for _, r := range list {
			if r.Type == kind {
				yield(r)
			}
		}
	}
}

func (d *flarumDoc) has(kind string) bool {
	return len(d.data) > 0 && d.data[0].Type == kind
}

// about is the resource that describes the whole board.
func (d *flarumDoc) about() *flarumResource {
	var about *flarumResource
	d.each("forums", func(r flarumResource) { about = &r })
	return about
}

// closed reports a board that guests may not see: its lists are empty for them, and say nothing more.
func (d *flarumDoc) closed() bool {
	a := d.about()
	return a != nil && a.Attributes.CanView != nil && !bool(*a.Attributes.CanView)
}

var flarumRoutes = []string{"api", "d", "t", "tags", "all"}

// What is asked of the API; the API's own default is twenty at once.
const flarumPage = "page%5Blimit%5D=50"

func (flarumBoard) start(home *url.URL) *url.URL {
	root, rest := splitAt(home, flarumRoutes...)
	at := *home
	at.RawPath, at.RawQuery = "", ""
	switch {
	case strings.HasPrefix(rest, "api/"):
		at.Path, at.RawQuery = root+rest, home.RawQuery
	case strings.HasPrefix(rest, "t/"):
		at.Path, at.RawQuery = root+"api/discussions", flarumTag(strings.TrimPrefix(rest, "t/"))
	default:
		at.Path = root + "api"
	}
	return &at
}

func flarumTag(slug string) string {
	return "filter%5Btag%5D=" + url.QueryEscape(slug) + "&" + flarumPage
}

// boards are the tags, and last the list of all discussions, for those that have none.
func (f flarumBoard) boards(p *page) []board {
	doc, ok := f.read(p)
	if !ok || doc.closed() || p.doc == nil && doc.about() == nil {
		return nil
	}
	root, rest := splitAt(p.url, flarumRoutes...)
	if p.doc != nil && rest != "" && rest != "tags" && rest != "all" {
		return nil
	}
	var boards []board
	doc.each("tags", func(t flarumResource) {
		at := p.at(root+"api/discussions", flarumTag(t.Attributes.Slug))
		if p.doc != nil {
			at = p.at(root+"t/"+t.Attributes.Slug, "")
		}
		if t.Attributes.Slug != "" {
			boards = append(boards, board{name: strings.TrimSpace(cleanText(t.Attributes.Name)), at: at})
		}
	})
	if p.doc == nil {
		boards = append(boards, board{at: p.at(root+"api/discussions", flarumPage)})
	}
	return boards
}

func (f flarumBoard) threads(p *page) ([]entry, error) {
	doc, ok := f.read(p)
	switch {
	case !ok:
		return nil, p.strangeJSON(f, "a list of discussions")
	case doc.closed():
		return nil, p.failure(risk.FailLogin, errMembersOnly)
	case len(doc.data) > 0 && !doc.has("discussions"), !bytes.HasPrefix(doc.Data, []byte("[")):
		return nil, p.strangeJSON(f, "a list of discussions")
	}
	root, _ := splitAt(p.url, flarumRoutes...)
	var entries []entry
	for _, d := range doc.data {
		a := d.Attributes
		e := entry{title: strings.TrimSpace(cleanText(a.Title)), marker: strconv.FormatInt(a.Comments, 10) + " " + a.Last,
			link: p.at(root+"api/posts", "filter%5Bdiscussion%5D="+url.QueryEscape(string(d.ID))+"&sort=createdAt&"+flarumPage)}
		if p.doc != nil {
			e.link = p.at(root+"d/"+pathOr(a.Slug, string(d.ID)), "")
		}
		entries = append(entries, e)
	}
	return entries, nil
}

var flarumAnatomy = anatomy{quote: `blockquote`, quoteAuthor: `a.PostMention`, quoteHead: `a.PostMention`, code: `pre`,
	attachment: `[data-fof-upload-download-uuid] .Button:nth-child(2), a[href*="/assets/files/"]`, noise: `[data-fof-upload-download-uuid]`}

func (f flarumBoard) posts(p *page, _ calendar) ([]risk.Item, error) {
	doc, ok := f.read(p)
	if !ok || !doc.has("posts") && !(doc.has("discussions") && len(doc.data) == 1 && doc.data[0].to("posts") != nil) {
		return nil, p.strangeJSON(f, "a discussion")
	}
	users := map[label]string{}
	doc.each("users", func(u flarumResource) { users[u.ID] = firstOf(u.Attributes.Display, u.Attributes.Username) })
	root, _ := splitAt(p.url, flarumRoutes...)
	items := []risk.Item{}
	doc.each("posts", func(r flarumResource) {
		a := r.Attributes
		if a.Content != "comment" || bool(a.Hidden) {
			return
		}
		item := risk.Item{PostID: cleanText(string(r.ID)), Posted: a.Created.Time, Edited: !a.Edited.IsZero(), EditedAt: a.Edited.Time}
		for _, id := range r.to("user") {
			item.Author = cleanText(users[id])
		}
		for _, d := range r.to("discussion") {
			item.URL = p.at(root+"d/"+string(d)+"/"+strconv.FormatInt(a.Number, 10), "").String()
		}
		if flarumAnatomy.readFragment(a.HTML, &item) {
			items = append(items, item)
		}
	})
	return items, nil
}

func (f flarumBoard) next(p *page) (*url.URL, bool) {
	doc, ok := f.read(p)
	switch {
	case !ok:
		return nil, false
	case p.doc == nil:
		return p.resolve(doc.Links.Next)
	case doc.Links.Next != "" || doc.postsAhead():
		return p.at(p.url.Path, "page="+strconv.Itoa(pageNumber(p.url)+1)), true
	}
	return nil, false
}

// postsAhead reports that a discussion has posts behind the last one that its page carries.
func (d *flarumDoc) postsAhead() bool {
	if len(d.data) != 1 || d.data[0].Type != "discussions" {
		return false
	}
	all := d.data[0].to("posts")
	var last label
	d.each("posts", func(r flarumResource) { last = r.ID })
	return len(all) > 0 && last != "" && all[len(all)-1] != last
}
