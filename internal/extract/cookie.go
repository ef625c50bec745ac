package extract

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

// cookie is a cookie as a line or an object says it.
type cookie struct {
	host        span // its domain, without the dot
	name, value []byte
	expires     time.Time
}

// readCookie reads a line of a Netscape cookie file. What is a cookie, but none that opens a session, is known for one
// and makes no record.
func (r *reader) readCookie(line span) (rec record, known, ok bool) {
	c, known, ok := r.parseCookie(line)
	if !ok || !c.matters() {
		return record{}, known, false
	}
	return r.cookieRecord(c, line, string(c.value)), true, true
}

func (r *reader) cookieRecord(c cookie, whole span, value string) record {
	r.factScratch = append(r.factScratch[:0], risk.Fact{Name: risk.FactCookie, Value: r.intern(c.name)})
	return record{
		kind: risk.KindCookie, format: risk.FormatStealerLog, whole: whole, host: c.host, usableUntil: c.expires,
		secret: risk.NewSecret(risk.SecretCookieValue, value), facts: r.factScratch,
	}
}

// cookieFields are domain, includeSubdomains, path, secure, expires, name, value.
const cookieFields = 7

// parseCookie reads a line of seven fields, separated by TABs, or by blanks where a tool has put these in their place.
// "#HttpOnly_" before the domain is a flag; any other # begins a comment. known says that a line is one of such a file.
func (r *reader) parseCookie(line span) (c cookie, known, ok bool) {
	s := line
	for !s.empty() && (r.data[s.end-1] == '\r' || r.data[s.end-1] == '\n') {
		s.end--
	}
	at, ok := cutFields(r.data, s, '\t')
	if !ok {
		if at, ok = cutFields(r.data, s, ' '); !ok {
			return cookie{}, false, false
		}
	}
	expires, ok := readExpiry(at[4].of(r.data))
	if !ok || !isBool(at[3].of(r.data)) {
		return cookie{}, true, false
	}
	domain := at[0]
	if httpOnly := []byte("#HttpOnly_"); bytes.HasPrefix(domain.of(r.data), httpOnly) {
		domain.start += len(httpOnly)
	}
	domain = trimDots(r.data, domain)
	if domain.empty() || r.data[domain.start] == '#' {
		return cookie{}, true, false
	}
	return cookie{name: at[5].of(r.data), value: at[6].of(r.data), host: domain, expires: expires}, true, true
}

func trimDots(b []byte, s span) span {
	for !s.empty() && b[s.start] == '.' {
		s.start++
	}
	return s
}

// cutFields cuts a line at the first six signs of a kind; blanks may stand several in a row.
func cutFields(b []byte, s span, sep byte) (at [cookieFields]span, ok bool) {
	for n := range cookieFields - 1 {
		i := bytes.IndexByte(s.of(b), sep)
		if i < 0 {
			return at, false
		}
		at[n] = span{s.start, s.start + i}
		if n == 1 && !isBool(at[n].of(b)) {
			return at, false
		}
		for s.start += i + 1; sep == ' ' && !s.empty() && b[s.start] == ' '; s.start++ {
		}
	}
	at[cookieFields-1] = s
	return at, true
}

const (
	year10000  = 253402300800    // seconds since 1970
	sinceWebKt = 11644473600     // seconds from 1601, where WebKit begins to count
	inMillis   = 100_000_000_000 // a larger number counts milliseconds,
	inMicros   = inMillis * 1000 // microseconds,
	inWebKit   = inMillis * 1e5  // microseconds since 1601
)

// readExpiry reads seconds since 1970, whose fraction some browsers' exports add, or what other browsers count in. The
// zero time is the end of the session, or a time that no cookie lives to see.
func readExpiry(b []byte) (time.Time, bool) {
	whole, fraction, _ := bytes.Cut(b, []byte{'.'})
	n, err := strconv.ParseInt(string(whole), 10, 64)
	if err != nil || len(bytes.Trim(fraction, "0123456789")) > 0 {
		return time.Time{}, false
	}
	switch {
	case n >= inWebKit:
		n = n/1_000_000 - sinceWebKt
	case n >= inMicros:
		n /= 1_000_000
	case n >= inMillis:
		n /= 1000
	}
	if n <= 0 || n >= year10000 {
		return time.Time{}, true
	}
	return time.Unix(n, 0).UTC(), true
}

func isBool(b []byte) bool {
	return bytes.EqualFold(b, []byte("TRUE")) || bytes.EqualFold(b, []byte("FALSE"))
}

// idleCookies begin the names of cookies that open nothing: they count visitors, keep consent, language and layout,
// guard a form, or bind a visitor to one of several machines. They make up most of a log.
var idleCookies = byFirstLetter([]string{
	"_ga", "_gid", "_gat", "_gcl_", "_fbp", "_fbc", "__utm", "_hjsess", "_hjid", "_hjfirst", "_hjabs", "_hjincl", "_hjtld", "_hjcach", "_hjclosed", "_hjdone", "_hjmini", "_hjlocal", "_hjshown", "_hjview", "_hjcook", "_hjuser", "_pk_", "ajs_", "mp_", "amplitude", "amp_", "optimizely", "_clck", "_clsk",
	"__hs", "hubspotutk", "_uet", "muid", "ide", "nid", "consent", "optanon", "cookieconsent", "cookie_consent", "cookie-consent", "euconsent",
	"cookielaw", "viewed_cookie", "moove_gdpr", "cookie_notice", "intercom-id", "intercom-device", "_vwo", "_vis_opt", "visitor", "__gads", "__gpi",
	"_scid", "_tt_", "_ttp", "_pin_", "_rdt_", "bcookie", "lidc", "li_gc", "amcv", "s_cc", "s_sq", "s_fid", "s_vi", "s_nr", "_mkto", "gtm", "_dc_gtm",
	"wp-settings", "lang", "language", "locale", "pll_language", "theme", "timezone", "tz", "currency", "country", "screen", "resolution",
	"__cf_bm", "_cfuvid", "cf_clearance", "awsalb", "bigip", "serverid", "routeid", "incap_ses", "visid_incap", "nlbi_", "ak_bmsc", "bm_sv", "bm_sz", "_abck",
	"xsrf", "csrf", "_csrf", "__requestverification", "has_js", "test_cookie", "cookietest", "testcookie", "wordpress_test_cookie",
	// counting, in the tools of shops, hosters and newspapers
	"_gac_", "_gaexp", "_ym_", "ym_", "yandexuid", "mtm_", "piwik", "matomo", "_sp_id", "_sp_ses", "_parsely", "_chartbeat", "_cb_", "_dd_s", "_hp2_",
	"__qca", "_qca", "__kla_", "__insp_", "_fs_uid", "fs_uid", "_derived_epik", "_ce.", "_lfa", "_rollup", "__adroll", "__ar_v4", "__atuv", "_dlt", "_tq_id", "_iub_",
	"_shopify_y", "_shopify_s", "_shopify_sa", "_tracking_consent", "_landing_page", "_orig_referrer", "sbjs_", "nmstat", "_an_uid",
	// consent
	"cookielawinfo", "cookieyes", "cookiescript", "cookiecontrol", "cookiebot", "cookiebar", "cookieaccept", "cookies_accept", "cookies-accept", "cookiepolicy",
	"cookie_policy", "cookie-policy", "cookiehub", "cookiefirst", "cookie-agreed", "cookies_consent", "cookies-consent", "acceptcookie", "accept_cookie",
	"accepted_cookie", "allow_cookie", "eu_cookie", "eu-cookie", "gdpr", "usprivacy", "didomi_", "tarteaucitron", "borlabs-cookie", "cmplz_", "complianz", "osano_",
	"axeptio", "iubenda", "klaro", "truste.", "truste_", "notice_behavior", "notice_gdpr", "notice_preferences", "uc_settings", "uc_user_interaction", "cc_cookie", "cky-",
	"hide_cookie", "dismiss_cookie", "__cmp",
})

// byFirstLetter sorts names by their first byte.
func byFirstLetter(names []string) (sorted [128][]string) {
	for _, name := range names {
		sorted[name[0]] = append(sorted[name[0]], name)
	}
	return sorted
}

// matters tells a cookie with whose value somebody may go on with a session from the rest.
func (c cookie) matters() bool {
	if len(c.value) == 0 || len(c.name) == 0 || isPlaceholder(c.value) {
		return false
	}
	first := c.name[0]
	if first-'A' < 26 {
		first |= 0x20
	}
	if first >= utf8.RuneSelf {
		return true
	}
	for _, idle := range idleCookies[first] {
		if len(c.name) >= len(idle) && bytes.EqualFold(c.name[:len(idle)], []byte(idle)) {
			// "lang" and "language_v2", but not "langsmith_session"
			if !isLetter(idle[len(idle)-1]) || len(c.name) == len(idle) || !isLetter(c.name[len(idle)]) || len(idle) > 4 {
				return false
			}
		}
	}
	return true
}

// readJSONCookie reads the cookie of a browser's extension or debugger whose domain a hit is: an object with a name, a
// value and a time of expiry in one of several writings.
func (r *reader) readJSONCookie(h match.Hit) (rec record, known, ok bool) {
	if !r.isDomainValue(h.Start) {
		return record{}, false, false
	}
	at := h.Start
	for range maxObjects {
		i := bytes.LastIndexByte(r.data[max(0, h.Start-maxLine):at], '{')
		if i < 0 {
			return record{}, false, false
		}
		at = max(0, h.Start-maxLine) + i
		c, end, closed := r.parseJSONCookie(at)
		if !r.spend(max(1, end-at)) {
			return record{}, false, false
		}
		if !closed || end <= h.Start {
			continue // what the brace begins is part of a value, or another object
		}
		if c.name == nil || c.value == nil || !c.host.has(h.Start) {
			return record{}, false, false
		}
		value, clear := unquoteJSON(c.value)
		if c.value = value; !clear || !c.matters() {
			return record{}, true, false
		}
		return r.cookieRecord(c, span{at, end}, clean(value)), true, true
	}
	return record{}, false, false
}

// isDomainValue says that a value which holds at belongs to a key that cookies have their domain under.
func (r *reader) isDomainValue(at int) bool {
	if at == 0 || r.data[at-1] != '"' && r.data[at-1] != '.' && r.data[at-1] != '/' {
		return false
	}
	b := r.data[max(0, at-64):at]
	if bytes.IndexByte(b, '"') < 0 {
		return false
	}
	b = bytes.TrimRight(b, ".:/htps") // of a dot in front, or of a whole address
	b, quoted := bytes.CutSuffix(b, []byte(`"`))
	b = bytes.TrimRight(b, " \t")
	b, named := bytes.CutSuffix(b, []byte(":"))
	b, closed := bytes.CutSuffix(bytes.TrimRight(b, " \t"), []byte(`"`))
	open := bytes.LastIndexByte(b, '"')
	return quoted && named && closed && open >= 0 && cookieKeyOf(b[open+1:]) == keyDomain
}

type cookieKey int

const (
	keyDomain cookieKey = iota + 1
	keyName
	keyValue
	keyExpires
	keySession
)

var cookieKeys = map[string]cookieKey{
	"domain": keyDomain, "host": keyDomain, "hostkey": keyDomain, "hostraw": keyDomain,
	"name": keyName, "nameraw": keyName, "value": keyValue, "contentraw": keyValue,
	"expirationdate": keyExpires, "expires": keyExpires, "expiry": keyExpires, "expiresutc": keyExpires, "expiresraw": keyExpires, "expiredate": keyExpires,
	"session": keySession,
}

// cookieKeyOf is what a key means by its letters, in any case.
func cookieKeyOf(name []byte) cookieKey {
	const longest = 14
	var letters [longest]byte
	n := 0
	for _, c := range name {
		switch {
		case c-'A' < 26:
			c |= 0x20
		case c >= utf8.RuneSelf:
			return 0
		case c-'a' >= 26 && !isDigit(c):
			continue
		}
		if n == longest {
			return 0
		}
		letters[n] = c
		n++
	}
	return cookieKeys[string(letters[:n])]
}

// parseJSONCookie reads the object at b[at] as far as it is a flat one. end is after it, or how far was looked for that.
func (r *reader) parseJSONCookie(at int) (c cookie, end int, closed bool) {
	b := r.data[:min(len(r.data), at+2*maxLine)]
	session := false
	for at = skipSpace(b, at+1); at < len(b) && b[at] == '"'; {
		keyEnd, ok := jsonStringEnd(b, at)
		if !ok {
			return c, keyEnd, false
		}
		key := b[at+1 : keyEnd-1]
		if at = skipSpace(b, keyEnd); at >= len(b) || b[at] != ':' {
			return c, at, false
		}
		value := span{start: skipSpace(b, at+1)}
		if value, ok = jsonValue(b, value.start); !ok {
			return c, max(at, value.end), false
		}
		session = c.set(cookieKeyOf(key), b, value) || session
		if at = skipSpace(b, value.end); at < len(b) && b[at] == '}' {
			if session {
				c.expires = time.Time{}
			}
			return c, at + 1, true
		}
		if at >= len(b) || b[at] != ',' {
			return c, at, false
		}
		at = skipSpace(b, at+1)
	}
	return c, at, false
}

// jsonValue is the value at b[at], with its quotes where it has some.
func jsonValue(b []byte, at int) (span, bool) {
	if at >= len(b) {
		return span{}, false
	}
	switch b[at] {
	case '"':
		end, ok := jsonStringEnd(b, at)
		return span{at, end}, ok
	case '{', '[':
		end, ok := nestedEnd(b, at)
		return span{at, end}, ok
	}
	end := at
	for end < len(b) && (isLetter(b[end]) || isDigit(b[end]) || b[end] == '-' || b[end] == '+' || b[end] == '.') {
		end++
	}
	return span{at, end}, end > at
}

// set takes a value; it is true for "session": true.
func (c *cookie) set(key cookieKey, b []byte, s span) (session bool) {
	text := s.of(b)
	if len(text) >= 2 && text[0] == '"' {
		s = span{s.start + 1, s.end - 1}
		text = s.of(b)
	}
	switch key {
	case keyDomain:
		if i := bytes.Index(text, []byte("://")); i >= 0 {
			s.start += i + 3
		}
		s = trimDots(b, s)
		c.host = span{s.start, hostEnd(b, s)}
	case keyName:
		c.name = text
	case keyValue:
		c.value = text
	case keyExpires:
		if at, ok := readExpiry(text); ok {
			c.expires = at
		} else if at, ok := parseDate(string(text), false, time.UTC); ok {
			c.expires, _ = time.Parse(time.RFC3339, at)
		}
	case keySession:
		return strings.EqualFold(string(text), "true")
	}
	return false
}
