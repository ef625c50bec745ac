package extract

import (
	"bytes"
	"strconv"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// readCookie reads a line of a Netscape cookie file: domain, includeSubdomains, path, secure, expires, name, value,
// separated by TABs. "#HttpOnly_" before the domain is a flag; any other # begins a comment.
func (r *reader) readCookie(line span) (record, bool) {
	s := line
	for !s.empty() && (r.data[s.end-1] == '\r' || r.data[s.end-1] == '\n') {
		s.end--
	}
	const fields = 7
	var at [fields]span
	n := 0
	for start := s.start; n < fields; n++ {
		end := s.end
		if i := bytes.IndexByte(r.data[start:s.end], '\t'); i >= 0 && n < fields-1 {
			end = start + i
		}
		at[n] = span{start, end}
		if end == s.end {
			n++
			break
		}
		start = end + 1
	}
	if n != fields || !isBool(at[1].of(r.data)) || !isBool(at[3].of(r.data)) {
		return record{}, false
	}
	expires, ok := readExpiry(at[4].of(r.data))
	if !ok {
		return record{}, false
	}
	domain := at[0]
	if httpOnly := []byte("#HttpOnly_"); bytes.HasPrefix(domain.of(r.data), httpOnly) {
		domain.start += len(httpOnly)
	}
	for !domain.empty() && r.data[domain.start] == '.' {
		domain.start++
	}
	if domain.empty() || r.data[domain.start] == '#' {
		return record{}, false
	}
	rec := record{kind: risk.KindCookie, format: risk.FormatStealerLog, whole: line, host: domain}
	rec.secret = risk.NewSecret(risk.SecretCookieValue, string(at[6].of(r.data)))
	rec.facts = []risk.Fact{{Name: "cookie", Value: clean(at[5].of(r.data))}}
	if !expires.IsZero() {
		rec.facts = append(rec.facts, risk.Fact{Name: "expires", Value: expires.Format(time.RFC3339)})
	}
	return rec, true
}

// readExpiry reads seconds since 1970, whose fraction some browsers' exports add. The zero time is the end of the
// session, or a time that no cookie lives to see.
func readExpiry(b []byte) (time.Time, bool) {
	whole, fraction, _ := bytes.Cut(b, []byte{'.'})
	seconds, err := strconv.ParseInt(string(whole), 10, 64)
	if err != nil || len(bytes.Trim(fraction, "0123456789")) > 0 {
		return time.Time{}, false
	}
	const year10000 = 253402300800
	if seconds <= 0 || seconds >= year10000 {
		return time.Time{}, true
	}
	return time.Unix(seconds, 0).UTC(), true
}

func isBool(b []byte) bool {
	return bytes.EqualFold(b, []byte("TRUE")) || bytes.EqualFold(b, []byte("FALSE"))
}
