package extract_test

import (
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/extract"
	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

// Long stretches of what looks like the records of stealer logs. To look around each hit anew would take minutes.
func TestHostileLogsCostWhatTheyAreLong(t *testing.T) {
	s := scanner(t)
	for name, part := range map[string]string{
		"objects of cookies, not closed": `{"a":{"domain":"lab.example"`,
		"cookies, not closed":            `{"domain":"lab.example",`,
		"labels":                         "URL: lab.example Login: Password: lab.example ",
		"passwords":                      "Password: lab.example\n",
		"nul bytes":                      "URL: https://lab.example/\x00\nUsername: a@lab.example\x00\nPassword: \x00\x00\n",
		"separators":                     "=====\nlab.example\n",
		"one host a line":                "lab.example\n",
		"escapes":                        "%40lab.example\n",
	} {
		t.Run(name, func(t *testing.T) {
			b := fromFile(strings.Repeat(part, hostileBytes/len(part)))
			var hits []match.Hit
			s.Scan(b.Data, func(h match.Hit) { hits = append(hits, h) })
			if len(hits) == 0 {
				t.Fatal("no hit")
			}
			extract.Indicators(s, b, hits, func(risk.Indicator) {})
		})
	}
}
