package catalog

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// mostCookies is more than any site sets; a browser's whole jar has some thousands.
const mostCookies = 20_000

// ParseCookies reads the cookies that a person took from a browser, and keeps those of the source's own hosts: a Netscape
// cookies.txt (curl's format), the JSON of a browser extension, or the text of a Cookie header. Cookies that have ended
// by now, and those of other hosts, are counted in left. An error is a risk.ErrInvalid and never quotes a value.
func ParseCookies(src risk.Source, text string, now time.Time) (kept []risk.Cookie, left int, err error) {
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	var all []risk.Cookie
	switch {
	case text == "":
		return nil, 0, risk.Invalid("cookies", "There are no cookies in it.")
	case strings.HasPrefix(text, "["), strings.HasPrefix(text, "{"):
		all, err = jsonCookies(text)
	case strings.Contains(text, "\t"):
		all, err = netscapeCookies(text)
	default:
		all, err = headerCookies(src, text)
	}
	if err != nil {
		return nil, 0, err
	}
	if len(all) > mostCookies {
		return nil, 0, risk.Invalid("cookies", "%d cookies are more than a browser has; at most %d are read.", len(all), mostCookies)
	}
	for _, c := range all {
		c = atHome(src, c)
		if !src.KeepsCookie(c) || !c.Expires.IsZero() && !c.Expires.After(now) {
			left++
			continue
		}
		kept = append(kept, c)
	}
	if len(kept) == 0 {
		return nil, left, risk.Invalid("cookies", "None of the %d cookies is of %s and still valid.", len(all), strings.Join(src.Hosts(), ", "))
	}
	return kept, left, nil
}

// atHome gives a cookie of a twin to the address's host, which is read in its place. Over onion services https is not
// what makes a connection safe: Tor Browser sends such cookies too.
func atHome(src risk.Source, c risk.Cookie) risk.Cookie {
	home := src.Hosts()[0]
	for _, twin := range src.Read.Twins {
		if c.Host == strings.ToLower(twin) {
			c.Host, c.Below = home, false
		}
	}
	if isOnion(c.Host) {
		c.Secure = false
	}
	return c
}

func newCookie(domain, path, name, value string) (risk.Cookie, error) {
	host, below := strings.CutPrefix(strings.ToLower(strings.TrimSpace(domain)), ".")
	if host == "" || name == "" {
		return risk.Cookie{}, fmt.Errorf("no host or no name: %w", risk.ErrInvalid)
	}
	if err := (&http.Cookie{Name: name, Value: value, Quoted: strings.ContainsAny(value, " ,")}).Valid(); err != nil {
		return risk.Cookie{}, fmt.Errorf("not a name and a value that a browser sends: %w", risk.ErrInvalid)
	}
	if path == "" {
		path = "/"
	}
	return risk.Cookie{Host: host, Below: below, Path: path, Name: name, Value: risk.NewSecret(risk.SecretCookieValue, value)}, nil
}

// netscapeCookies reads host, below, path, secure, expiry in seconds since 1970, name and value, parted by tabs.
func netscapeCookies(text string) ([]risk.Cookie, error) {
	var all []risk.Cookie
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\r\n")
		line = strings.TrimPrefix(line, "#HttpOnly_")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.SplitN(line, "\t", 7)
		if len(f) == 6 {
			f = append(f, "") // an empty value, whose tab an editor took away
		}
		if len(f) != 7 {
			return nil, risk.Invalid("cookies", "Line %d has %d fields; a cookies.txt has 7, parted by tabs.", number, len(f))
		}
		c, err := newCookie(f[0], f[2], f[5], f[6])
		if err != nil {
			return nil, risk.Invalid("cookies", "Line %d holds no cookie that a browser would send.", number)
		}
		c.Below = c.Below || strings.EqualFold(f[1], "TRUE")
		c.Secure = strings.EqualFold(f[3], "TRUE")
		seconds, err := strconv.ParseFloat(strings.TrimSpace(f[4]), 64)
		if err != nil {
			return nil, risk.Invalid("cookies", "Line %d: the time at which the cookie ends is not a number.", number)
		}
		c.Expires = cookieEnd(seconds)
		all = append(all, c)
	}
	return all, nil
}

// cookieEnd is zero for a cookie that ends with the browser's session.
func cookieEnd(seconds float64) time.Time {
	if !(seconds > 0) {
		return time.Time{}
	}
	if seconds > 1e11 { // milliseconds, as some extensions write
		seconds /= 1000
	}
	return time.Unix(int64(math.Min(seconds, 1<<35)), 0).UTC()
}

// jsonCookies reads what extensions such as Cookie-Editor and EditThisCookie export: a list of cookies, bare or under
// "cookies".
func jsonCookies(text string) ([]risk.Cookie, error) {
	type shape struct {
		Domain   string  `json:"domain"`
		Host     string  `json:"host"`
		HostOnly *bool   `json:"hostOnly"`
		Path     string  `json:"path"`
		Name     string  `json:"name"`
		Value    string  `json:"value"`
		Secure   bool    `json:"secure"`
		Ends     float64 `json:"expirationDate"`
		Expires  any     `json:"expires"`
	}
	var list []shape
	err := json.Unmarshal([]byte(text), &list)
	if err != nil {
		var whole struct{ Cookies []shape }
		if json.Unmarshal([]byte(text), &whole) != nil || whole.Cookies == nil {
			return nil, risk.Invalid("cookies", "It begins as JSON, but is no list of cookies.")
		}
		list = whole.Cookies
	}
	var all []risk.Cookie
	for i, one := range list {
		domain := one.Domain
		if domain == "" {
			domain = one.Host
		}
		c, err := newCookie(domain, one.Path, one.Name, one.Value)
		if err != nil {
			return nil, risk.Invalid("cookies", "Entry %d holds no cookie that a browser would send.", i+1)
		}
		if one.HostOnly != nil {
			c.Below = !*one.HostOnly
		}
		if seconds, ok := one.Expires.(float64); ok && one.Ends == 0 {
			one.Ends = seconds
		}
		c.Secure, c.Expires = one.Secure, cookieEnd(one.Ends)
		all = append(all, c)
	}
	return all, nil
}

// headerCookies reads "name=value; name=value", with or without "Cookie:" in front, as cookies of the address's host.
func headerCookies(src risk.Source, text string) ([]risk.Cookie, error) {
	if name, rest, ok := strings.Cut(text, ":"); ok && strings.EqualFold(strings.TrimSpace(name), "cookie") {
		text = rest
	}
	home, err := url.Parse(src.Address)
	if err != nil {
		return nil, risk.Invalid("cookies", "The source has no address to which they could belong.")
	}
	var all []risk.Cookie
	for part := range strings.SplitSeq(text, ";") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if name == "" && !ok {
			continue
		}
		c, err := newCookie(home.Hostname(), "/", name, value)
		if !ok || err != nil {
			return nil, risk.Invalid("cookies", "It is neither a cookies.txt, nor a list in JSON, nor name=value pairs parted by semicolons.")
		}
		c.Secure = home.Scheme == "https"
		all = append(all, c)
	}
	return all, nil
}
