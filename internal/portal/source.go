package portal

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/wardline/wardline/internal/risk"
)

type sourceView struct {
	page
	S         sourceRow
	Address   string
	Owner     string
	Reads     string // with what its pages are read
	Hours     string // "" = all day
	Approval  string // "" = none
	LoginForm string // "" = none is declared
	MayLogIn  bool
	Session   *sessionRow // nil = it is read as a guest
	CanManage bool
	SeesEx    bool
	Wrong     string // with the cookies that were given
}

// sessionRow is what may be shown of the account with which a source is read.
type sessionRow struct {
	Cookies int
	By      string // "" = the declared log-in form
	Given   string
	Changed string
	Ends    string // "" = not said
	Ended   bool
}

func (p *portal) sourcePage(c *gin.Context) error {
	return p.showSource(c, http.StatusOK, "")
}

func (p *portal) showSource(c *gin.Context, status int, wrong string) error {
	ctx, a, now := c.Request.Context(), actor(c), p.Now()
	s, err := p.Store.FindSource(ctx, c.Param("key"))
	if err != nil {
		return fmt.Errorf("find source: %w", err)
	}
	kept, err := p.Store.FindSourceSession(ctx, s.Source.ID)
	if err != nil {
		return fmt.Errorf("find session of source %s: %w", s.Source.Key, err)
	}
	v := sourceView{page: p.chrome(c, visible(s.Source.Name), "sources"), S: p.sourceRow(s, now), Address: visible(s.Source.Address), Owner: visible(s.Source.Owner),
		Reads: "the selectors of its definition", Approval: visible(s.Source.Approval), LoginForm: visible(s.Source.Login.Address), MayLogIn: s.Source.MayHaveSession(),
		CanManage: risk.Can(a, risk.ActManageSources), SeesEx: risk.Can(a, risk.ActViewExposures), Wrong: wrong}
	if s.Source.Read.Engine != "" {
		v.Reads = "the engine " + visible(s.Source.Read.Engine)
	}
	if h := s.Source.Politeness.Hours; !h.Always() {
		v.Hours = fmt.Sprintf("%02d:%02d to %02d:%02d %s", h.From/60, h.From%60, h.To/60, h.To%60, cmp.Or(h.Zone, "UTC"))
	}
	if kept.Cookies > 0 {
		v.Session = &sessionRow{Cookies: kept.Cookies, By: visible(kept.By), Given: p.stamp(kept.Given), Changed: p.stamp(kept.Changed)}
		if !kept.Ends.IsZero() {
			v.Session.Ends, v.Session.Ended = p.stamp(kept.Ends), !kept.Ends.After(now)
		}
	}
	return p.render(c, status, "source", v)
}

// giveCookies takes them from a file or from the text field; what was wrong with them stands above the form again.
func (p *portal) giveCookies(c *gin.Context) error {
	form, err := p.form(c, "cookies")
	if err != nil {
		return err
	}
	text := form.Get("cookies")
	if strings.TrimSpace(text) == "" {
		if text, _, _ = uploaded(c); strings.TrimSpace(text) == "" {
			return p.showSource(c, http.StatusUnprocessableEntity, "Choose a file with cookies, or paste them.")
		}
	}
	key := c.Param("key")
	kept, left, err := p.GiveCookies(c.Request.Context(), key, text, actor(c).Name)
	var wrong risk.Problem
	if errors.As(err, &wrong) {
		return p.showSource(c, http.StatusUnprocessableEntity, visible(wrong.Say))
	}
	if err != nil {
		return fmt.Errorf("give cookies to source %s: %w", key, err)
	}
	if err := p.Enqueue(c.Request.Context(), risk.Job{Kind: risk.JobCollect, SourceKey: key}); err != nil {
		return fmt.Errorf("queue a run of source %s: %w", key, err)
	}
	say := plural(kept, "cookie is", "cookies are") + " kept; it is read with them next."
	if left > 0 {
		say += " " + plural(left, "other was", "others were") + " of other hosts or had ended."
	}
	return p.backToSource(c, key, say)
}

func (p *portal) forgetCookies(c *gin.Context) error {
	s, err := p.sourceOf(c)
	if err != nil {
		return err
	}
	if err := p.Store.GiveSession(c.Request.Context(), risk.SealedSession{SourceID: s.Source.ID}); err != nil {
		return fmt.Errorf("forget the session of source %s: %w", s.Source.Key, err)
	}
	return p.backToSource(c, s.Source.Key, "The account is forgotten; the source is read as a guest.")
}

func (p *portal) backToSource(c *gin.Context, key, say string) error {
	p.say(c, flash{Say: say})
	c.Redirect(http.StatusSeeOther, "/sources/"+key)
	return nil
}
