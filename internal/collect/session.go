package collect

import (
	"cmp"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/wardline/wardline/internal/risk"
)

// session is the account with which one source is read: the cookies of its own hosts, in one run. A guest's are taken
// but never sent, so that a source cannot follow us from page to page, unless it makes us wait in a queue that needs them.
type session struct {
	jar     *cookiejar.Jar
	kept    map[cookieID]risk.Cookie // the jar's content: it tells nobody what it holds
	refused string
	sends   bool // the source is read with an account, or waits for us with a number
	account bool // what the run leaves is to be remembered
	changed bool
	now     func() time.Time
}

type cookieID struct{ host, path, name string }

func newSession(src risk.Source, now func() time.Time) *session {
	jar, _ := cookiejar.New(&cookiejar.Options{PublicSuffixList: publicsuffix.List}) // never an error
	s := &session{jar: jar, kept: map[cookieID]risk.Cookie{}, refused: src.Session.Refused, now: now}
	s.account = src.Login.Declared() || len(src.Session.Cookies) > 0
	s.sends = s.account
	for _, c := range src.Session.Cookies {
		if src.KeepsCookie(c) {
			s.add(c)
		}
	}
	return s
}

func (s *session) add(c risk.Cookie) {
	at := &url.URL{Scheme: "https", Host: c.Host, Path: c.Path}
	cookie := &http.Cookie{Name: c.Name, Value: c.Value.Reveal(), Path: c.Path, Expires: c.Expires, Secure: c.Secure}
	if c.Below {
		cookie.Domain = c.Host
	}
	s.jar.SetCookies(at, []*http.Cookie{cookie})
	s.kept[cookieID{c.Host, c.Path, c.Name}] = c
}

// header is what a request to an address carries; "" = nothing.
func (s *session) header(u *url.URL) string {
	if s == nil || !s.sends {
		return ""
	}
	var pairs []string
	for _, c := range s.jar.Cookies(u) {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	return strings.Join(pairs, "; ")
}

// mostKeptCookies is more than any site needs; a hostile one sets a new one with every answer.
const mostKeptCookies = 200

// take keeps what an answer sets. Over onion services https is not what makes a connection safe.
func (s *session) take(u *url.URL, set []*http.Cookie) {
	if s == nil {
		return
	}
	for _, c := range set {
		if len(c.Name)+len(c.Value) > 4096 {
			continue
		}
		if isOnion(u.Hostname()) {
			c.Secure = false
		}
		kept := s.read(u, c)
		id := cookieID{kept.Host, kept.Path, kept.Name}
		old, known := s.kept[id]
		ended := c.MaxAge < 0 || !kept.Expires.IsZero() && !kept.Expires.After(s.now())
		switch {
		case ended && !known, !known && len(s.kept) >= mostKeptCookies:
			continue
		case ended:
			delete(s.kept, id)
		default:
			s.kept[id] = kept
		}
		s.jar.SetCookies(u, []*http.Cookie{c})
		s.changed = s.changed || ended || old.Value.Reveal() != kept.Value.Reveal() || !old.Expires.Equal(kept.Expires)
	}
}

// read says whose a cookie is, as RFC 6265 does; whether that host may have it is the jar's to decide.
func (s *session) read(u *url.URL, c *http.Cookie) risk.Cookie {
	kept := risk.Cookie{Host: hostname(u.Hostname()), Path: c.Path, Name: c.Name, Value: risk.NewSecret(risk.SecretCookieValue, c.Value), Secure: c.Secure}
	if domain := hostname(strings.TrimPrefix(c.Domain, ".")); domain != "" {
		kept.Host, kept.Below = domain, true
	}
	if !strings.HasPrefix(kept.Path, "/") {
		kept.Path = "/"
		if at := strings.LastIndexByte(u.Path, '/'); at > 0 {
			kept.Path = u.Path[:at]
		}
	}
	switch {
	case c.MaxAge > 0:
		kept.Expires = s.now().Add(time.Duration(min(c.MaxAge, 10*365*24*3600)) * time.Second).UTC().Truncate(time.Second)
	case !c.Expires.IsZero():
		kept.Expires = c.Expires.UTC()
	}
	return kept
}

// left is what is to be remembered of it; nil when nothing changed, or a guest's.
func (s *session) left() *risk.SourceSession {
	if s == nil || !s.account || !s.changed {
		return nil
	}
	out := risk.SourceSession{Refused: s.refused}
	order := func(a, b cookieID) int {
		return cmp.Or(cmp.Compare(a.host, b.host), cmp.Compare(a.path, b.path), cmp.Compare(a.name, b.name))
	}
	for _, id := range slices.SortedFunc(maps.Keys(s.kept), order) {
		out.Cookies = append(out.Cookies, s.kept[id])
	}
	return &out
}
