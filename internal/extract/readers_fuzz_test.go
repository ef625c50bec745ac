package extract_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

// isField tells text that a record can hold whole: one line, nothing that is trimmed off its ends, and no placeholder.
func isField(s string) bool {
	return s != "" && len(s) < 200 && utf8.ValidString(s) && strings.TrimSpace(s) == s && !strings.ContainsAny(s, "\r\n\x00\ufeff\u00a0\u0085") &&
		!strings.ContainsAny(s[:1], "[<(") && !strings.ContainsAny(s, "%&\\=\"'@") && !strings.HasPrefix(strings.ToLower(s), "un") &&
		!strings.EqualFold(s, "null") && s != "None" && s != "N/A" && s != "NOT_SAVED" && strings.Trim(s, "*•") != ""
}

func isWord(s string) bool { return isField(s) && !strings.ContainsAny(s, ":|;,\t /") }

// A password is all the rest of the line, whatever it holds.
func FuzzULP(f *testing.F) {
	f.Add("/login", "jdoe", "pa:ss")
	f.Add("", "5550100", "a|b;c d")
	f.Add("/a?b=c#d", "STMARY", "http://x")
	s := scanner(f)
	f.Fuzz(func(t *testing.T, path, login, password string) {
		readAll(s, path+login+password)
		if path != "" && (!isWord(strings.TrimLeft(path, "/")) || path[0] != '/') || !isWord(login) || !isField(password) || strings.Contains(password, " | ") {
			return
		}
		if strings.Trim(login, "0123456789") == "" && path == "" {
			return
		}
		if strings.Contains(password, "portal.lab.example") || strings.Contains(login+path, "lab.example") {
			return
		}
		found := read(s, fromFile("https://portal.lab.example"+path+":"+login+":"+password))
		if len(found) != 1 || found[0].Account != login || found[0].Secret.Reveal() != password || found[0].Host != "portal.lab.example" {
			t.Fatalf("path %q, login %q, password %q: got %s", path, login, password, briefs(found))
		}
	})
}

// A block keeps its own fields, whatever stands in them and around it.
func FuzzLabels(f *testing.F) {
	f.Add("jdoe", "pa:ss", "URL: https://x.test/\nUSER: a\nPASS: b\n\n", false)
	f.Add("a b", "Login: x", "Soft: y\r\n", true)
	s := scanner(f)
	f.Fuzz(func(t *testing.T, login, password, before string, crlf bool) {
		readAll(s, before+login+password)
		if !isField(login) || !isField(password) || strings.Contains(before, "lab.example") || strings.Contains(login+password, "lab.example") {
			return
		}
		end := "\n"
		if crlf {
			end = "\r\n"
		}
		block := strings.Join([]string{"URL: https://portal.lab.example/", "Username: " + login, "Password: " + password, "Application: Chrome", "", ""}, end)
		for _, text := range []string{block, strings.ToValidUTF8(before, "") + "\n===============\n" + block} {
			var found []risk.Indicator
			for _, in := range read(s, fromFile(text)) {
				if in.Kind == risk.KindCredential && in.Host == "portal.lab.example" {
					found = append(found, in)
				}
			}
			if len(found) != 1 || found[0].Account != login || found[0].Secret.Reveal() != password {
				t.Fatalf("%q: got %s", text, briefs(found))
			}
		}
	})
}

// A cookie's value is kept as it is, in a line and as JSON.
func FuzzCookie(f *testing.F) {
	f.Add("session", "abc123", int64(1790000000))
	f.Add("sid", "a|b c", int64(0))
	f.Add("token", "{\"a\":1}", int64(-1))
	s := scanner(f)
	f.Fuzz(func(t *testing.T, name, value string, expires int64) {
		readAll(s, fmt.Sprintf(".portal.lab.example\tTRUE\t/\tTRUE\t%d\t%s\t%s", expires, name, value))
		readAll(s, fmt.Sprintf(`{"domain":"portal.lab.example","name":"%s","value":"%s","expires":%d}`, name, value, expires))
		if !isWord(name) || !isField(value) || strings.Contains(value, "lab.example") {
			return
		}
		name = "session_" + name
		for _, text := range []string{
			fmt.Sprintf(".portal.lab.example\tTRUE\t/\tTRUE\t%d\t%s\t%s\n", expires, name, value),
			fmt.Sprintf("{\"domain\":\".portal.lab.example\",\"expirationDate\":%d,\"name\":\"%s\",\"value\":\"%s\"}\n", expires, name, value),
		} {
			found := read(s, fromFile(text))
			if len(found) != 1 || found[0].Kind != risk.KindCookie || found[0].Secret.Reveal() != value || found[0].Facts[0].Value != name {
				t.Fatalf("%q: got %s", text, briefs(found))
			}
			if until := found[0].UsableUntil; !until.IsZero() && (until.Year() < 1970 || until.Year() > 9999) {
				t.Fatalf("usable until %v", until)
			}
		}
	})
}

// Accounts alone are kept of what was typed into forms.
func FuzzAutofill(f *testing.F) {
	f.Add("cardnumber", "4111 1111 1111 1111")
	f.Add("email", "jdoe@lab.example")
	s := scanner(f)
	f.Fuzz(func(t *testing.T, field, value string) {
		b := fromFile(field + "\t" + value + "\nName: " + field + "\nValue: " + value + "\n===\nemail\tjdoe@lab.example\n")
		b.Place.Path = "Autofills/Chrome.txt"
		for _, in := range read(s, b) {
			for _, fact := range in.Facts {
				if fact.Name == risk.FactAutofill && (strings.Contains(fact.Value, "@") || len(fact.Value) > 64*3) {
					t.Fatalf("field %q", fact.Value)
				}
			}
		}
	})
}

// readAll reads anything as every part of a document, for what must not panic.
func readAll(s *match.Scanner, text string) {
	b := fromFile(text + " lab.example")
	read(s, b)
	b.Lead = len(text) / 2
	b.Place.Offset = 100
	read(s, b)
}
