package collect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// service is what an API asks of those who read it, and says by its status.
type service struct {
	key    keyUse
	header string                             // that carries the key
	scheme string                             // in front of the key, such as "Bearer "
	none   func(status int, body []byte) bool // such an answer says that there is nothing; nil = none does
}

// keyUse says whether a service wants a key.
type keyUse int

const (
	keyNone     keyUse = iota
	keyOptional        // more may be asked with one
	keyRequired
)

// services are those that are known, by the engine that a definition names.
var services = map[string]service{
	"gists":               {key: keyOptional, header: "Authorization", scheme: "Bearer "},
	"pastebin":            {},
	"lenpaste":            {},
	"opengist":            {},
	"haste":               {},
	"ransomware.live":     {none: saysNoVictims},
	"ransomware.live-pro": {key: keyRequired, header: "X-API-KEY", none: saysNoVictims},
	"ransomlook":          {},
	"ransomwatch":         {},
	"hibp":                {key: keyRequired, header: "hibp-api-key"},
	"hudsonrock":          {},
}

// saysNoVictims knows ransomware.live's way to say that a list is empty: an error of its server.
func saysNoVictims(status int, body []byte) bool {
	return status == http.StatusInternalServerError && bytes.Contains(bytes.ToLower(body), []byte("no victims found"))
}

// errNone is an answer that says that there is nothing, in the service's own way. It is not silence.
var errNone = errors.New("the service says that it holds nothing")

// apiTerms are a service's terms with the key that it is asked with. The zero value asks nothing and says nothing.
type apiTerms struct {
	service
	known  bool
	value  string // of the header
	isJSON bool
}

// useService sets a run up for the service that its source names.
func (r *run) useService(key func(string) string) error {
	name := r.src.Read.Engine
	r.shelf = shelves[name]
	if r.shelf != nil {
		r.plain, r.report.Engine = r.shelf.plain, name
	}
	if r.src.Kind == risk.SourceAccount {
		r.plain, r.report.Engine = true, name
	}
	s, known := services[name]
	if !known {
		return nil
	}
	terms := apiTerms{service: s, known: true, isJSON: r.plain}
	if s.key != keyNone {
		terms.value = strings.TrimSpace(key(name))
	}
	switch {
	case s.key == keyRequired && terms.value == "":
		return r.denied("no key is set for it: see .env.example")
	case terms.value != "" && !keepsKeys(r.gate.home):
		return r.denied("its key is not sent without https")
	case strings.ContainsAny(terms.value, "\r\n"):
		return r.denied("its key holds a line break")
	case terms.value != "":
		terms.value = s.scheme + terms.value
	}
	r.transport.terms = terms
	return nil
}

func (r *run) denied(why string) error {
	return &risk.FetchError{Kind: risk.FailDenied, URL: r.src.Address, Err: errors.New(why)}
}

// keepsKeys says that nobody on the way to an address can read a key that is sent there.
func keepsKeys(home *url.URL) bool {
	at, err := netip.ParseAddr(home.Hostname())
	return home.Scheme == "https" || err == nil && at.IsLoopback() || isOnion(home.Hostname())
}

// dress adds what the service asks for. The key goes to the source's own host, whatever else its answers lead to.
func (t apiTerms) dress(req *http.Request, home *url.URL) {
	if t.isJSON {
		req.Header.Set("Accept", "application/json, */*;q=0.8")
	}
	if t.value != "" && req.URL.Scheme == home.Scheme && req.URL.Host == home.Host {
		req.Header.Set(t.header, t.value)
	}
}

func (t apiTerms) says(status int, body []byte) bool { return t.none != nil && t.none(status, body) }

// quotaBack is when a service that counts requests takes further ones: GitHub says so beside a plain 403.
func quotaBack(h http.Header, now time.Time) time.Duration {
	if h.Get("X-RateLimit-Remaining") != "0" {
		return 0
	}
	at, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	if err != nil {
		return 0
	}
	return min(max(time.Unix(at, 0).Sub(now), 0), mostRetryAfter)
}

// denials are what services answer with status 200 to those who may not read them.
var denials = [][]byte{
	[]byte("does not have access"), []byte("access denied"), []byte("not authorized"), []byte("not authorised"), []byte("unauthorized"), []byte("invalid api key"),
	[]byte("missing api key"), []byte("subscription required"), []byte("not whitelisted"), []byte("forbidden"),
}

// mostDenial is longer than a refusal is: a paste may hold its words.
const mostDenial = 1024

// refuses says what a text is that came in place of an answer: a challenge, a refusal, or something that is not known.
func (p *page) refuses(what string) error {
	lower := bytes.ToLower(p.body)
	switch {
	case looksLikeCaptcha(p.body):
		return p.failure(risk.FailCaptcha, fmt.Errorf("a captcha or block page instead of %s", what))
	case len(lower) <= mostDenial && slices.ContainsFunc(denials, func(d []byte) bool { return bytes.Contains(lower, d) }):
		return p.failure(risk.FailDenied, fmt.Errorf("an answer that refuses us, with status 200, instead of %s", what))
	case len(bytes.TrimSpace(lower)) == 0:
		return p.failure(risk.FailLayout, fmt.Errorf("an empty answer instead of %s", what))
	}
	return p.failure(risk.FailLayout, fmt.Errorf("something else instead of %s", what))
}

// answer reads a JSON answer into a value of the shape that what names.
func (p *page) answer(to any, what string) error {
	if !json.Valid(p.body) {
		return p.refuses(what)
	}
	if err := json.Unmarshal(p.body, to); err != nil {
		return p.refuses(what)
	}
	return nil
}
