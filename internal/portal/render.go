package portal

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wardline/wardline/internal/risk"
)

// page is what the layout draws around every page; each view embeds it.
type page struct {
	Title     string
	Here      string // this page's address, for forms that come back to it
	Theme     string // "light", "dark" or "" = as the system
	Keys      bool   // single-key shortcuts
	Nav       []navItem
	SignedIn  bool
	Who       string
	Role      string
	Ends      string // when the session ends
	CanSearch bool
	Query     string
	Flash     *flash
	Coverage  coverage
	Printed   string
}

type navItem struct {
	Key, Label, Icon, Href string
	Count                  string // "" = none, or not known
	CountSays              string // what the count counts
	Current                bool
}

// coverage says when a page was computed and what Wardline cannot see now.
type coverage struct {
	Computed string
	Sources  int
	Blind    []blindSource
	More     int // blind ones that are not named
}

// blindNamed is how many blind sources a page names; when all are blind, the names are no news.
const blindNamed = 5

// Named are the blind sources that a page names.
func (v coverage) Named() []blindSource { return v.Blind[:len(v.Blind)-v.More] }

type blindSource struct {
	Name, Why string
}

// parsePages parses every page of its own with the layout and the shared parts, once.
func parsePages(files fs.FS, static staticFiles) (map[string]*template.Template, error) {
	funcs := template.FuncMap{"asset": static.address, "title": title, "number": number}
	base, err := template.New("").Funcs(funcs).Option("missingkey=error").ParseFS(files, "templates/_*.html")
	if err != nil {
		return nil, fmt.Errorf("parse shared templates: %w", err)
	}
	names, err := fs.Glob(files, "templates/[a-z]*.html")
	if err != nil {
		return nil, fmt.Errorf("list templates: %w", err)
	}
	pages := map[string]*template.Template{}
	for _, name := range names {
		t, err := base.Clone()
		if err == nil {
			t, err = t.ParseFS(files, name)
		}
		if err != nil {
			return nil, fmt.Errorf("parse %s: %w", name, err)
		}
		pages[strings.TrimSuffix(path.Base(name), ".html")] = t
	}
	return pages, nil
}

// draw executes a page into memory, so that a page that fails half-way is never sent.
func (p *portal) draw(name string, view any) ([]byte, error) {
	t, ok := p.pages[name]
	if !ok {
		return nil, fmt.Errorf("draw %s: no such template", name)
	}
	var buf bytes.Buffer
	if err := t.ExecuteTemplate(&buf, "layout", view); err != nil {
		return nil, fmt.Errorf("draw %s: %w", name, err)
	}
	return buf.Bytes(), nil
}

func (p *portal) render(c *gin.Context, status int, name string, view any) error {
	body, err := p.draw(name, view)
	if err != nil {
		return err
	}
	c.Data(status, "text/html; charset=utf-8", body)
	return nil
}

// bare is a page's frame without anything that needs a session or the database.
func (p *portal) bare(r *http.Request, title string) page {
	v := page{Title: title, Here: "/", Keys: true}
	if r.Method == http.MethodGet {
		v.Here = r.URL.RequestURI()
	}
	if cookie, err := r.Cookie(cookieTheme); err == nil && (cookie.Value == "light" || cookie.Value == "dark") {
		v.Theme = cookie.Value
	}
	if cookie, err := r.Cookie(cookieKeys); err == nil {
		v.Keys = cookie.Value != "off"
	}
	v.Printed = p.stamp(p.Now())
	return v
}

// chrome is a page's frame for who is asking. Counts that cannot be read are left off; the page's own content says why.
func (p *portal) chrome(c *gin.Context, title, current string) page {
	v := p.bare(c.Request, title)
	user := currentUser(c)
	if user.ID == 0 {
		return v
	}
	ctx := c.Request.Context()
	a := actor(c)
	v.SignedIn, v.Who, v.Role = true, user.Name, roleName(user.Role)
	v.Ends = p.sessions.Deadline(ctx).In(p.Now().Location()).Format("15:04")
	v.CanSearch = risk.Can(a, risk.ActViewSuppliers) || risk.Can(a, risk.ActViewExposures)
	v.Flash = p.takeFlash(ctx)
	if statuses, err := p.Store.FindSources(ctx, p.Now()); err == nil {
		v.Coverage = p.coverage(statuses)
	}
	v.Nav = p.nav(c, a, current, len(v.Coverage.Blind))
	return v
}

func (p *portal) nav(c *gin.Context, a risk.Actor, current string, blind int) []navItem {
	ctx := c.Request.Context()
	items := []navItem{{Key: "overview", Label: "Overview", Icon: "overview", Href: "/"}}
	if risk.Can(a, risk.ActViewExposures) {
		item := navItem{Key: "exposures", Label: "Exposures", Icon: "inbox", Href: "/inbox", CountSays: inboxViews[0].says}
		if counts, err := p.exposureCounts(c); err == nil {
			item.Count = number(inboxViews[0].count(counts, a))
		}
		items = append(items, item)
	}
	if risk.Can(a, risk.ActViewSuppliers) {
		item := navItem{Key: "suppliers", Label: "Suppliers", Icon: "supplier", Href: "/suppliers", CountSays: "in all"}
		if n, err := p.Store.CountSuppliers(ctx, risk.SupplierFilter{}); err == nil {
			item.Count = number(n)
		}
		items = append(items, item)
	}
	if risk.Can(a, risk.ActViewSources) {
		item := navItem{Key: "sources", Label: "Sources", Icon: "source", Href: "/sources", CountSays: "cannot be seen now"}
		if blind > 0 {
			item.Count = number(blind)
		}
		items = append(items, item, navItem{Key: "dumps", Label: "Dumps", Icon: "file", Href: "/dumps"})
	}
	if p.Mailbox != nil {
		items = append(items, navItem{Key: "mailbox", Label: "Mailbox", Icon: "mail", Href: "/demo/mailbox", CountSays: "mails", Count: number(len(p.Mailbox()))})
	}
	if !risk.Can(a, risk.ActViewOverview) {
		items = items[1:]
	}
	for i := range items {
		items[i].Current = items[i].Key == current
	}
	return items
}

func (p *portal) coverage(statuses []risk.SourceStatus) coverage {
	now := p.Now()
	v := coverage{Computed: p.stamp(now), Sources: len(statuses)}
	for _, s := range statuses {
		if word, ok := blindWords[s.Health.State]; ok {
			why := word
			if since := s.Health.Since; !since.IsZero() {
				why += " for " + span(now.Sub(since))
			}
			v.Blind = append(v.Blind, blindSource{Name: visible(s.Source.Name), Why: why})
		}
	}
	v.More = max(len(v.Blind)-blindNamed, 0)
	return v
}

// form reads a posted form and refuses fields that it does not have.
func (p *portal) form(c *gin.Context, fields ...string) (url.Values, error) {
	return readForm(c, formBytes, fields)
}

const formBytes = 256 << 10

func readForm(c *gin.Context, limit int64, fields []string) (url.Values, error) {
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, limit)
	var err error
	if strings.HasPrefix(c.ContentType(), "multipart/") {
		err = c.Request.ParseMultipartForm(limit)
	} else {
		err = c.Request.ParseForm()
	}
	if err != nil {
		return nil, risk.Invalid("", "The form could not be read; it may be larger than %d KiB.", limit>>10)
	}
	for name := range c.Request.PostForm {
		if !slices.Contains(fields, name) {
			return nil, risk.Invalid("", "The form has a field that this page does not know.")
		}
	}
	return c.Request.PostForm, nil
}

// pager leads through a long list; From, To and Total say what is shown.
type pager struct {
	From, To, Total int
	Prev, Next      string
}

func newPager(u *url.URL, pageNo, size, shown, total int) pager {
	v := pager{Total: total}
	if shown > 0 {
		v.From = (pageNo-1)*size + 1
		v.To = v.From + shown - 1
	}
	if pageNo > 1 {
		v.Prev = with(u, "page", fmt.Sprint(pageNo-1), "id", "")
	}
	if pageNo*size < total {
		v.Next = with(u, "page", fmt.Sprint(pageNo+1), "id", "")
	}
	return v
}

// with is the same address with some of its query replaced; an empty value takes the name away.
func with(u *url.URL, pairs ...string) string {
	q := u.Query()
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Del(pairs[i])
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return u.Path
	}
	return u.Path + "?" + q.Encode()
}

// stamp writes a time with its zone.
func (p *portal) stamp(t time.Time) string {
	return t.In(p.Now().Location()).Format("2 Jan 2006, 15:04 MST")
}

// day writes a date.
func (p *portal) day(t time.Time) string {
	return t.In(p.Now().Location()).Format("2 Jan 2006")
}
