package risk

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Login is a declared log-in form: what is sent to its address is the only thing that a source is ever sent.
type Login struct {
	Address  string // where the form is sent, and nowhere else
	Page     string // where the form stands; "" = Address
	User     string // the form's field for the account; "" = the text field in front of the password's
	Password string // the form's field for the password; "" = the only one of that type
	Expect   string // selector that is there for those who are logged in; "" = the page holds no log-in form any more
}

// Declared reports whether the source has one.
func (l Login) Declared() bool { return l.Address != "" }

// Account is with what a declared log-in form is filled in.
type Account struct {
	User     string
	Password Secret
}

// ErrAccountRefused is why a log-in failed that a person must look at.
var ErrAccountRefused = errors.New("the account was refused; it is not tried again until it is changed")

// Cookie is one cookie of the account with which a source is read.
type Cookie struct {
	Host    string // without port; whose it is, and that of the hosts below it when Below is set
	Below   bool
	Path    string
	Name    string
	Value   Secret
	Expires time.Time // zero = not said
	Secure  bool      // over https only
}

// SourceSession is the account with which a source is read, as far as it is remembered between runs. It is kept
// encrypted.
type SourceSession struct {
	Cookies []Cookie
	Refused string // digest of the account that the log-in form refused: it is not tried again
}

// Empty reports that nothing is remembered.
func (s SourceSession) Empty() bool { return len(s.Cookies) == 0 && s.Refused == "" }

// Ends is when the last cookie that says so expires; zero when none does.
func (s SourceSession) Ends() time.Time {
	var last time.Time
	for _, c := range s.Cookies {
		if c.Expires.After(last) {
			last = c.Expires
		}
	}
	return last
}

// SealedSession is a SourceSession as it rests, with what may be shown of it.
type SealedSession struct {
	SourceID int64
	Sealed   []byte
	KeyID    string
	Cookies  int
	Ends     time.Time // zero = not said
	By       string    // who gave the cookies; "" = a log-in by the declared form
	Given    time.Time
	Changed  time.Time
}

// MayHaveSession reports whether a source of its kind can be read with an account.
func (s Source) MayHaveSession() bool {
	return s.Kind == SourceForum || s.Kind == SourcePaste || s.Kind == SourceLeakSite
}

// Hosts are the hosts that a source's requests may go to, its address's own first; lower case.
func (s Source) Hosts() []string {
	var hosts []string
	if u, err := url.Parse(s.Address); err == nil {
		hosts = append(hosts, strings.ToLower(u.Hostname()))
	}
	for _, h := range s.Allowed {
		hosts = append(hosts, strings.ToLower(h))
	}
	return hosts
}

// KeepsCookie reports whether a cookie may ever be sent to one of the source's hosts.
func (s Source) KeepsCookie(c Cookie) bool {
	return slices.ContainsFunc(s.Hosts(), func(host string) bool {
		return c.Host == host || c.Below && strings.HasSuffix(host, "."+c.Host)
	})
}
