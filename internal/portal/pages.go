package portal

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/wardline/wardline/internal/risk"
)

const (
	cookieTheme = "wardline_theme"
	cookieKeys  = "wardline_keys"
	yearSeconds = 365 * 24 * 60 * 60
)

type profileView struct {
	page
	Email  string
	Last   string
	Themes []option
}

func (p *portal) profilePage(c *gin.Context) error {
	u := currentUser(c)
	v := profileView{page: p.chrome(c, "Profile", "profile"), Email: u.Email, Last: "never before"}
	if !u.LastSignIn.IsZero() {
		v.Last = p.stamp(u.LastSignIn)
	}
	for _, o := range []option{{"", "As the system", false}, {"light", "Light", false}, {"dark", "Dark", false}} {
		o.Selected = o.Value == v.Theme
		v.Themes = append(v.Themes, o)
	}
	return p.render(c, http.StatusOK, "profile", v)
}

func (p *portal) saveProfile(c *gin.Context) error {
	form, err := p.form(c, "theme", "keys")
	if err != nil {
		return err
	}
	if err := p.keepTheme(c, form.Get("theme")); err != nil {
		return err
	}
	keys := "off"
	if form.Get("keys") == "on" {
		keys = "on"
	}
	p.keepCookie(c, cookieKeys, keys)
	p.say(c, flash{Say: "Saved, for this browser."})
	c.Redirect(http.StatusSeeOther, "/profile")
	return nil
}

// setTheme also works before signing in: it changes nothing but a cookie.
func (p *portal) setTheme(c *gin.Context) error {
	form, err := p.form(c, "theme", "back")
	if err != nil {
		return err
	}
	if err := p.keepTheme(c, form.Get("theme")); err != nil {
		return err
	}
	back := cmp.Or(localPath(form.Get("back")), "/")
	c.Redirect(http.StatusSeeOther, back)
	return nil
}

func (p *portal) keepTheme(c *gin.Context, theme string) error {
	if theme != "" && theme != "light" && theme != "dark" {
		return risk.Invalid("theme", "The theme is light, dark or as the system.")
	}
	p.keepCookie(c, cookieTheme, theme)
	return nil
}

func (p *portal) keepCookie(c *gin.Context, name, value string) {
	cookie := &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: yearSeconds, HttpOnly: true, Secure: p.Secure, SameSite: http.SameSiteStrictMode}
	if value == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(c.Writer, cookie)
}

type searchView struct {
	page
	Suppliers []supplierRow
	Exposures []exposureRow
	SeesList  bool
	SeesEx    bool
	More      int // suppliers and exposures beyond those shown
}

const searchShown = 20

func (p *portal) searchPage(c *gin.Context) error {
	if p.dropsAddress(c) {
		return nil
	}
	q := strings.TrimSpace(c.Query("q"))
	ctx, a := c.Request.Context(), actor(c)
	v := searchView{page: p.chrome(c, "Search", ""), SeesList: risk.Can(a, risk.ActViewSuppliers), SeesEx: risk.Can(a, risk.ActViewExposures)}
	v.Query = q
	if q != "" && v.SeesList {
		found, total, err := p.Store.FindSuppliers(ctx, risk.SupplierFilter{Text: q, Limit: searchShown}, p.Now())
		if err != nil {
			return fmt.Errorf("search suppliers: %w", err)
		}
		for _, r := range found {
			v.Suppliers = append(v.Suppliers, p.supplierRow(r))
		}
		v.More += total - len(found)
	}
	if q != "" && v.SeesEx {
		found, total, err := p.Store.FindExposures(ctx, risk.ExposureFilter{Text: q, Sort: "new", Limit: searchShown})
		if err != nil {
			return fmt.Errorf("search exposures: %w", err)
		}
		v.Exposures = p.exposureRows(found, a)
		v.More += total - len(found)
	}
	return p.render(c, http.StatusOK, "search", v)
}

// dropsAddress leads away from a query that holds an e-mail address, and reports whether it did: an address does not stay
// in the browser's history and in logs. Its domain is what Wardline searches anyway.
func (p *portal) dropsAddress(c *gin.Context) bool {
	q := c.Query("q")
	i := strings.LastIndexByte(q, '@')
	if i < 0 {
		return false
	}
	p.say(c, flash{Say: "Addresses are not searched for; these are the results for the domain."})
	c.Redirect(http.StatusSeeOther, with(c.Request.URL, "q", strings.TrimSpace(q[i+1:])))
	return true
}

type mailboxView struct {
	page
	Mails []mailRow
	Open  *mailRow
}

type mailRow struct {
	Href, At, From, To, Subject, Text, HTML string
	Picked                                  bool
}

func (p *portal) mailboxPage(c *gin.Context) error {
	mails := p.Mailbox()
	v := mailboxView{page: p.chrome(c, "Demo mailbox", "mailbox")}
	id := c.Query("id")
	if id != "" && !slices.ContainsFunc(mails, func(m Mail) bool { return m.ID == id }) {
		return risk.ErrNotFound
	}
	for i, m := range mails {
		row := mailRow{Href: with(c.Request.URL, "id", m.ID), At: p.stamp(m.At), From: visible(m.From), To: visible(m.To), Subject: visible(m.Subject),
			Text: visible(strings.ReplaceAll(m.Text, "\r\n", "\n")), HTML: visible(strings.ReplaceAll(m.HTML, "\r\n", "\n")), Picked: m.ID == id || (id == "" && i == 0)}
		v.Mails = append(v.Mails, row)
		if row.Picked {
			v.Open = &row
		}
	}
	return p.render(c, http.StatusOK, "mailbox", v)
}

func (p *portal) health(c *gin.Context) error {
	c.JSON(http.StatusOK, gin.H{"status": "ok"})
	return nil
}

func (p *portal) ready(c *gin.Context) error {
	if err := p.Ready(c.Request.Context()); err != nil {
		p.Log.Error("not ready", "error", err)
		c.JSON(http.StatusServiceUnavailable, gin.H{"status": "not ready"})
		return nil
	}
	c.JSON(http.StatusOK, gin.H{"status": "ready"})
	return nil
}
