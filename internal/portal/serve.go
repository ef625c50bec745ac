package portal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wardline/wardline/internal/risk"
)

var errMethod = errors.New("method not allowed")

// serve makes a gin handler of one that returns its error: it finds out who asks, holds them to the route's policy
// and turns an error into a page. What somebody may not open does not exist for them.
func (p *portal) serve(may policy, do func(*gin.Context) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		if rec, ok := c.Request.Context().Value(recordKey{}).(*record); ok {
			rec.route = c.FullPath()
		}
		err := p.identify(c)
		if err == nil {
			err = p.admit(c, may)
		}
		if err == nil {
			err = do(c)
		}
		if err != nil {
			p.fail(c, err)
		}
	}
}

var errSignIn = errors.New("not signed in")

func (p *portal) admit(c *gin.Context, may policy) error {
	a := actor(c)
	if may.allows(a) {
		return nil
	}
	if !a.Known() {
		return errSignIn
	}
	return risk.ErrForbidden
}

// answers maps a kind of error to what the visitor is told; anything else is ours, and its text stays inside.
var answers = []struct {
	kind   error
	status int
	title  string
	say    string
}{
	{risk.ErrNotFound, http.StatusNotFound, "Not here", "There is no such page, or it is not for your role."},
	{risk.ErrForbidden, http.StatusNotFound, "Not here", "There is no such page, or it is not for your role."},
	{errMethod, http.StatusMethodNotAllowed, "Not like that", "This address is not used in that way."},
	{errDemoUsed, http.StatusGone, "This link has been used", "A demo link signs in once. Start the demo again for a new one."},
	{risk.ErrConflict, http.StatusConflict, "Changed meanwhile", "Someone changed this after you opened it. Open it again and look before you repeat your change."},
	{risk.ErrTryLater, http.StatusServiceUnavailable, "Try again soon", "Wardline is busy. Try again in a minute."},
	{risk.ErrInvalid, http.StatusBadRequest, "That was not understood", "Something in the request is missing or wrong."},
}

func (p *portal) fail(c *gin.Context, err error) {
	if isAPI(c.Request.URL.Path) {
		p.failAPI(c, err)
		return
	}
	if errors.Is(err, errSignIn) {
		c.Redirect(http.StatusSeeOther, signInAddress(c.Request))
		return
	}
	if errors.Is(err, context.Canceled) && c.Request.Context().Err() != nil {
		c.AbortWithStatus(499) // the visitor left; nobody reads an answer
		return
	}
	v := errorView{Status: http.StatusInternalServerError, Say: ourMistake}
	title := "Our mistake"
	for _, a := range answers {
		if errors.Is(err, a.kind) {
			v.Status, title, v.Say = a.status, a.title, a.say
			break
		}
	}
	var problem risk.Problem
	if errors.As(err, &problem) {
		v.Say = problem.Say
	}
	if v.Status == http.StatusInternalServerError {
		p.Log.Error("page failed", "route", c.FullPath(), "method", c.Request.Method, "error", err)
	}
	v.page = p.chrome(c, title, "")
	if err := p.render(c, v.Status, "error", v); err != nil {
		p.Log.Error("error page failed", "error", err)
		http.Error(c.Writer, v.Say, v.Status)
	}
}

type errorView struct {
	page
	Status int
	Say    string
}

const ourMistake = "Something went wrong on our side. It has been logged."

// plainError answers with an error page that needs neither a session nor the database.
func (p *portal) plainError(w http.ResponseWriter, r *http.Request, status int, title, say string) {
	if isAPI(r.URL.Path) {
		p.writeDenial(w, newDenial(status, say))
		return
	}
	body, err := p.draw("error", errorView{page: p.bare(r, title), Status: status, Say: say})
	if err != nil {
		p.Log.Error("error page failed", "error", err)
		http.Error(w, say, status)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		p.Log.Debug("error page not delivered", "error", err)
	}
}

func signInAddress(r *http.Request) string {
	if r.Method != http.MethodGet || r.URL.Path == "/" {
		return "/login"
	}
	return "/login?next=" + url.QueryEscape(r.URL.RequestURI())
}

// localPath is an address of ours to go back to, or "" when it would lead elsewhere.
func localPath(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || strings.ContainsAny(s, "\\\r\n\t") {
		return ""
	}
	return s
}

// record is what the request log says of one request, filled while it is served.
type record struct {
	route   string
	userID  int64
	tokenID int64
}

type recordKey struct{}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(code int) {
	if w.status == 0 {
		w.status = code
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// recorded logs one line a request: the route's pattern and never the address itself, which can hold a token or what
// somebody searched for. It is also where a panic ends.
func (p *portal) recorded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &record{}
		sw := &statusWriter{ResponseWriter: w}
		start := time.Now()
		defer func() {
			if cause := recover(); cause != nil {
				p.Log.Error("page panicked", "route", rec.route, "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
				if sw.status == 0 {
					p.plainError(sw, r, http.StatusInternalServerError, "Our mistake", ourMistake)
				}
			}
			level := slog.LevelInfo
			if needsNoSession(r.URL.Path) {
				level = slog.LevelDebug
			}
			p.Log.Log(r.Context(), level, "request", "method", r.Method, "route", rec.route, "status", max(sw.status, http.StatusOK),
				"ms", time.Since(start).Milliseconds(), "user", rec.userID, "token", rec.tokenID)
		}()
		next.ServeHTTP(sw, r.WithContext(context.WithValue(r.Context(), recordKey{}, rec)))
	})
}
