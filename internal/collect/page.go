package collect

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"

	"github.com/wardline/wardline/internal/risk"
)

// page is one fetched page, parsed when it is HTML.
type page struct {
	url     *url.URL // after redirects
	capture risk.Capture
	body    []byte            // UTF-8
	doc     *goquery.Document // nil when it is not HTML
	home    *url.URL          // the source's address
	twins   []string          // other names of home's host
	plain   bool              // it is not HTML, whatever it says it is
	raw     []byte            // as it came, uncompressed
	refresh string            // the header by which it has a browser ask again
	base    *url.URL          // what its relative links are relative to, when not its own address
}

// guard turns a panic over hostile bytes into the failure of this page.
func (p *page) guard(read func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = p.failure(risk.FailLayout, fmt.Errorf("reading the page panicked (%T)", v))
		}
	}()
	return read()
}

// parse decodes and, for HTML, parses a body. The stated content type decides, as the transport has held it against
// the bytes.
func (p *page) parse(contentType string, body []byte) error {
	p.body = toUTF8(body, contentType)
	if p.plain {
		return nil
	}
	switch m := mediaType(contentType); {
	case m == "text/html", m == "application/xhtml+xml":
	case m == "" && strings.HasPrefix(sniff(body), "text/html"):
	default:
		return nil
	}
	if err := checkMarkup(p.body); err != nil {
		kind := risk.FailLayout
		if errors.Is(err, errCutMarkup) {
			kind = risk.FailCut
		}
		return p.failure(kind, err)
	}
	root, err := parseHTML(bytes.NewReader(p.body))
	if err != nil {
		return p.failure(risk.FailLayout, fmt.Errorf("parse page: %w", err))
	}
	p.doc = goquery.NewDocumentFromNode(root)
	if base, err := p.url.Parse(p.doc.Children().ChildrenFiltered("head").ChildrenFiltered("base[href]").First().AttrOr("href", "")); err == nil && p.atHome(base).Host == p.url.Host {
		p.base = base // one that leads to another host would lead every link there
	}
	return nil
}

// parseHTML is a variable so that a test can make it panic.
var parseHTML = html.Parse

func (p *page) failure(kind risk.FailureKind, err error) error {
	return &risk.FetchError{Kind: kind, URL: p.url.String(), Err: err}
}

// has reports that a selector matches; an empty selector never does.
func (p *page) has(selector string) bool {
	return p.doc != nil && selector != "" && p.doc.Find(selector).Length() > 0
}

// mostAddress is longer than any address that a browser or a server of this kind takes.
const mostAddress = 4096

// breaks are dropped from links, as browsers do.
var breaks = strings.NewReplacer("\n", "", "\r", "", "\t", "")

// resolve makes a link absolute against the page, without its fragment and without session ids, which would make
// every run see new addresses.
func (p *page) resolve(href string) (*url.URL, bool) {
	href = breaks.Replace(strings.TrimSpace(href))
	if href == "" || strings.HasPrefix(href, "#") || len(href) > mostAddress {
		return nil, false
	}
	base := p.url
	if p.base != nil {
		base = p.base
	}
	u, err := base.Parse(href)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return nil, false
	}
	u.Fragment, u.RawFragment = "", ""
	if at := pathSession.FindStringIndex(u.Path); at != nil {
		u.Path, u.RawPath = u.Path[:at[0]]+u.Path[at[1]:], ""
	}
	if u.RawQuery != "" {
		u.RawQuery = withoutSession(u.RawQuery)
	}
	return p.atHome(u), true
}

// atHome leads an address under which the site's own pages know it back to the one that the definition gives: to the
// onion from its clearnet twin, and to https from http.
func (p *page) atHome(u *url.URL) *url.URL {
	switch host := hostname(u.Hostname()); {
	case slices.ContainsFunc(p.twins, func(t string) bool { return hostname(t) == host }):
		u.Scheme, u.Host = p.home.Scheme, p.home.Host
	case p.home != nil && p.home.Scheme == "https" && p.home.Port() == "" && u.Scheme == "http" && u.Port() == "" && host == hostname(p.home.Hostname()):
		u.Scheme = "https"
	}
	return u
}

// pathSession is how Java and PHP servers put a session into the path: /thread;jsessionid=1f3a.
var pathSession = regexp.MustCompile(`(?i);(jsessionid|phpsessid|sid)=[^/;]*`)

// querySession are the parameters in which board software carries a session; some part them by semicolons.
var querySession = regexp.MustCompile(`(?i)(^|[&;])(sid|s|phpsessid|jsessionid|session|session_?id|sess|sessid|cfid|cftoken|oscsid|zenid)=[^&;]*`)

func withoutSession(query string) string {
	return strings.TrimLeft(querySession.ReplaceAllString(query, ""), "&;")
}

// pick reads one value by a definition's "selector", "selector @attribute" or "@attribute".
func pick(in *goquery.Selection, spec string) string {
	if spec == "" {
		return ""
	}
	css, attribute, reads := strings.Cut(spec, "@")
	at := in
	if css = strings.TrimSpace(css); css != "" {
		at = in.Find(css).First()
	}
	if at.Length() == 0 {
		return ""
	}
	if reads {
		return strings.TrimSpace(cleanText(at.AttrOr(strings.TrimSpace(attribute), "")))
	}
	return strings.Join(strings.Fields(nodeText(at.Nodes[0])), " ")
}

// content is the readable text of the first element that the selector finds.
func content(in *goquery.Selection, selector string) string {
	at := in.Find(selector).First()
	if at.Length() == 0 {
		return ""
	}
	return nodeText(at.Nodes[0])
}

// href is the address in an element, or in the first link inside it.
func href(in *goquery.Selection, selector string) string {
	at := in.Find(selector).First()
	if h, ok := at.Attr("href"); ok {
		return h
	}
	return at.Find("a[href]").First().AttrOr("href", "")
}

// parseDate tries the definition's layouts. Dates without a zone are in the definition's.
func parseDate(text string, read risk.Reading) (time.Time, bool) {
	zone, err := time.LoadLocation(read.Zone)
	if err != nil || text == "" {
		return time.Time{}, false
	}
	for _, layout := range read.Dates {
		if layout == "unix" {
			if t, ok := unixTime(text); ok {
				return t, true
			}
			continue
		}
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

func unixTime(text string) (time.Time, bool) {
	var seconds int64
	if n, err := fmt.Sscanf(text, "%d", &seconds); n != 1 || err != nil || seconds < 0 || seconds > 1<<33 {
		return time.Time{}, false
	}
	return time.Unix(seconds, 0).UTC(), true
}

// captchaSigns are in the mark-up of the common challenge and block pages. They are looked for only on a page that is
// not what was expected: a forum may well talk about captchas.
var captchaSigns = [][]byte{
	[]byte("cf-challenge"), []byte("cf-chl-"), []byte("challenge-platform"), []byte("just a moment..."), []byte("attention required! | cloudflare"),
	[]byte("g-recaptcha"), []byte("h-captcha"), []byte("hcaptcha.com"), []byte("cf-turnstile"), []byte("ddos-guard"), []byte("checking your browser"),
	[]byte("verify you are human"), []byte("are you a robot"), []byte("name=\"captcha"), []byte("id=\"captcha"), []byte("class=\"captcha"), []byte("/captcha"),
	[]byte("you have been blocked"), []byte("not a bot"),
}

func looksLikeCaptcha(body []byte) bool {
	lower := bytes.ToLower(body[:min(len(body), 256<<10)])
	for _, sign := range captchaSigns {
		if bytes.Contains(lower, sign) {
			return true
		}
	}
	return false
}

var (
	passwordField = cascadia.MustCompile(`input[type="password" i]`)
	refreshMeta   = cascadia.MustCompile(`meta[http-equiv="refresh" i]`)
)

// unexpected says why a page is not the one that the definition describes: the key whose selector finds nothing on it,
// and what else it may be. Many boards have a log-in form on every page, so that alone explains nothing.
func (p *page) unexpected(key, selector string) error {
	nothing := fmt.Sprintf("%s (%s) finds nothing", key, selector)
	switch {
	case looksLikeCaptcha(p.body):
		return p.failure(risk.FailCaptcha, errors.New("a captcha or block page"))
	case p.doc == nil:
		return p.failure(risk.FailLayout, errors.New(nothing+": this is not an HTML page"))
	case p.asksForLogin():
		return p.failure(risk.FailLogin, errors.New(nothing+"; the page is a log-in form"))
	case p.doc.FindMatcher(passwordField).Length() > 0:
		return p.failure(risk.FailLayout, errors.New(nothing+"; the page holds a log-in form"))
	case p.doc.FindMatcher(refreshMeta).Length() > 0:
		return p.failure(risk.FailLayout, errors.New(nothing+"; the page refreshes itself, as waiting pages do"))
	}
	return p.failure(risk.FailLayout, errors.New(nothing))
}
