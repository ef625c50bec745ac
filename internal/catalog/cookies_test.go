package catalog_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/catalog"
	"github.com/wardline/wardline/internal/risk"
)

func TestCookiesOfAPerson(t *testing.T) {
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	src := risk.Source{Address: "https://forum.example/board/", Allowed: []string{"login.example"}, Read: risk.Reading{Twins: []string{"twin.example"}}}
	for _, c := range []struct {
		name, text string
		want       string // host below path name=value expires secure
		left       int
	}{
		{"cookies.txt", "# Netscape HTTP Cookie File\r\n.forum.example\tTRUE\t/\tTRUE\t1800000000\tsid\tab=c d\r\n" +
			"#HttpOnly_forum.example\tFALSE\t/board\tFALSE\t0\tphpbb3_u\t42\n.other.example\tTRUE\t/\tFALSE\t0\tx\ty\nforum.example\tFALSE\t/\tFALSE\t1700000000\told\tz\n",
			"forum.example true / sid=ab=c d 2027-01-15 true|forum.example false /board phpbb3_u=42 - false", 2},
		{"below a host above", ".example\tTRUE\t/\tFALSE\t0\tsso\t1\nforum.example\tFALSE\t/\tFALSE\t0\tempty\t", "example true / sso=1 - false|forum.example false / empty= - false", 0},
		{"an extension's JSON", `[{"domain":".login.example","hostOnly":false,"path":"/","name":"s","value":"v","secure":true,"expirationDate":1800000000.25},
			{"domain":"forum.example","hostOnly":true,"name":"t","value":"w","session":true},{"domain":"ads.example","name":"a","value":"b"}]`,
			"login.example true / s=v 2027-01-15 true|forum.example false / t=w - false", 1},
		{"JSON in an envelope, milliseconds", `{"cookies":[{"domain":"forum.example","name":"t","value":"w","expires":1800000000000}]}`, "forum.example false / t=w 2027-01-15 false", 0},
		{"a header", "Cookie: sid=abc; theme=dark;", "forum.example false / sid=abc - true|forum.example false / theme=dark - true", 0},
		{"a twin's", "twin.example\tFALSE\t/\tFALSE\t0\tsid\tq", "forum.example false / sid=q - false", 0},
	} {
		kept, left, err := catalog.ParseCookies(src, c.text, now)
		var got []string
		for _, k := range kept {
			ends := "-"
			if !k.Expires.IsZero() {
				ends = k.Expires.Format(time.DateOnly)
			}
			got = append(got, fmt.Sprintf("%s %v %s %s=%s %s %v", k.Host, k.Below, k.Path, k.Name, k.Value.Reveal(), ends, k.Secure))
		}
		if err != nil || strings.Join(got, "|") != c.want || left != c.left {
			t.Errorf("%s:\n got %s, %d left, %v\nwant %s, %d left", c.name, strings.Join(got, "|"), left, err, c.want, c.left)
		}
	}
	for name, text := range map[string]string{
		"nothing": " \n", "prose": "please log in with canary-value", "half a line": "forum.example\tTRUE\tcanary-value", "JSON of something else": `{"canary-value":1}`,
		"a time that is none": "forum.example\tTRUE\t/\tFALSE\tsoon\tsid\tcanary-value", "another site's": "other.example\tTRUE\t/\tFALSE\t0\tsid\tcanary-value",
		"a break in a value": `[{"domain":"forum.example","name":"sid","value":"canary-value\r\nX: y"}]`,
	} {
		if _, _, err := catalog.ParseCookies(src, text, now); !errors.Is(err, risk.ErrInvalid) || strings.Contains(err.Error(), "canary-value") {
			t.Errorf("%s: %v", name, err)
		}
	}
	onion := risk.Source{Address: "http://" + strings.Repeat("a", 56) + ".onion/"}
	kept, _, err := catalog.ParseCookies(onion, strings.Repeat("a", 56)+".onion\tFALSE\t/\tTRUE\t0\tsid\tq", now)
	if err != nil || kept[0].Secure {
		t.Errorf("an onion's cookie would never be sent: %+v, %v", kept, err)
	}
}
