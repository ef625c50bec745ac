package portal

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wardline/wardline/internal/risk"
)

// Every cause of a refusal gets this text, after the same time.
const refusal = "That did not work. Check the e-mail address and the password; after several wrong tries, wait a little before the next one."

var errDemoUsed = errors.New("demo link used")

type signInView struct {
	page
	Email string
	Next  string
	Wrong string
}

func (p *portal) signInPage(c *gin.Context) error {
	if currentUser(c).ID != 0 {
		c.Redirect(http.StatusSeeOther, home(actor(c)))
		return nil
	}
	return p.render(c, http.StatusOK, "login", signInView{page: p.chrome(c, "Sign in", ""), Next: localPath(c.Query("next"))})
}

func (p *portal) signIn(c *gin.Context) error {
	start := time.Now()
	form, err := p.form(c, "email", "password", "next")
	if err != nil {
		return err
	}
	email := strings.ToLower(strings.TrimSpace(form.Get("email")))
	user, ok, err := p.authenticate(c.Request.Context(), email, form.Get("password"), c.RemoteIP())
	if err != nil {
		return err
	}
	next := localPath(form.Get("next"))
	if !ok {
		if err := waitUntil(c.Request.Context(), start.Add(p.hasher.floor)); err != nil {
			return err
		}
		v := signInView{page: p.chrome(c, "Sign in", ""), Email: form.Get("email"), Next: next, Wrong: refusal}
		return p.render(c, http.StatusUnauthorized, "login", v)
	}
	last := user.LastSignIn
	if err := p.begin(c.Request.Context(), user); err != nil {
		return err
	}
	if !last.IsZero() {
		p.say(c, flash{Say: "Signed in. Your last sign-in was on " + p.stamp(last) + "."})
	}
	if next == "" {
		next = home(risk.Actor{UserID: user.ID, Role: user.Role})
	}
	c.Redirect(http.StatusSeeOther, next)
	return nil
}

// authenticate checks the password once per allowed try. An unknown or disabled user costs the same as a known one.
func (p *portal) authenticate(ctx context.Context, email, password, ip string) (risk.User, bool, error) {
	now := p.Now()
	address := addressKey(ip)
	if !p.byAddress.try(address, now) || !p.byAccount.try(email, now) {
		return risk.User{}, false, nil
	}
	user, err := p.Store.FindUserByEmail(ctx, email)
	if err != nil && !errors.Is(err, risk.ErrNotFound) {
		return risk.User{}, false, fmt.Errorf("find user to sign in: %w", err)
	}
	if err != nil || user.Disabled || len(password) > maxPassword {
		user, password = risk.User{}, password[:min(len(password), maxPassword)]
	}
	ok, err := p.hasher.check(ctx, user.PasswordHash, password)
	if err != nil || !ok {
		return risk.User{}, false, err
	}
	p.byAccount.succeed(email)
	p.byAddress.succeed(address)
	return user, true, nil
}

func waitUntil(ctx context.Context, t time.Time) error {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *portal) signOut(c *gin.Context) error {
	if _, err := p.form(c); err != nil {
		return err
	}
	if err := p.sessions.Destroy(c.Request.Context()); err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	c.Redirect(http.StatusSeeOther, "/login")
	return nil
}

// home is the first page that a role can open.
func home(a risk.Actor) string {
	if risk.Can(a, risk.ActViewOverview) {
		return "/"
	}
	return "/profile"
}

// demoSignIn honours the demo's link once, for a browser on this machine that also named this machine: a page elsewhere
// whose name was pointed here does not pass.
func (p *portal) demoSignIn(c *gin.Context) error {
	if !risk.IsLoopback(c.RemoteIP()) || !slices.Contains(p.hosts, hostOnly(c.Request.Host)) {
		return risk.ErrNotFound
	}
	if subtle.ConstantTimeCompare([]byte(c.Param("token")), []byte(p.DemoToken)) != 1 {
		return risk.ErrNotFound
	}
	ctx := c.Request.Context()
	users, err := p.Store.FindUsers(ctx)
	if err != nil {
		return fmt.Errorf("find the demo's user: %w", err)
	}
	i := slices.IndexFunc(users, func(u risk.User) bool { return u.Role == risk.RoleAnalyst && !u.Disabled })
	if i < 0 {
		return fmt.Errorf("sign in to the demo: it has no analyst: %w", risk.ErrNotFound)
	}
	if !p.takeDemoToken() {
		return errDemoUsed
	}
	if err := p.begin(ctx, users[i]); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/")
	return nil
}

func (p *portal) takeDemoToken() bool {
	p.demoOnce.Lock()
	defer p.demoOnce.Unlock()
	used := p.demoUsed
	p.demoUsed = true
	return !used
}

func hostOnly(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		return strings.Trim(hostport, "[]")
	}
	return host
}
