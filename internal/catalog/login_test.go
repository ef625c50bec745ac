package catalog_test

import (
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/catalog"
	"github.com/wardline/wardline/internal/risk"
)

func TestALoginFormStaysAtTheSource(t *testing.T) {
	const head = "key: b\nname: B\nkind: forum\nroute: direct\naddress: https://board.example/forum/\nevery: 1h\nowner: o\nlegal_basis: l\nreview_by: 2030-01-01\nread:\n  engine: auto\n"
	const form = "approval: SEC-2026-014\nlogin:\n  address: https://board.example/forum/ucp.php?mode=login\n  page: https://board.example/forum/\n  user: username\n  password: password\n  expect: a.logout\n"
	src, err := catalog.ParseSource("b.yaml", []byte(head+form))
	want := risk.Login{Address: "https://board.example/forum/ucp.php?mode=login", Page: "https://board.example/forum/", User: "username", Password: "password", Expect: "a.logout"}
	if err != nil || src.Login != want || src.Approval != "SEC-2026-014" {
		t.Errorf("%+v, %q, %v", src.Login, src.Approval, err)
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"no approval":     {"approval: SEC-2026-014\n", "", `b.yaml:12: An account at a source needs the id of its written approval: "approval".`},
		"no address":      {"  address: https://board.example/forum/ucp.php?mode=login\n", "", `The key "login.address" is required`},
		"another host":    {"address: https://board.example/forum/ucp", "address: https://evil.example/ucp", `b.yaml:14: login.address leads to evil.example, which is not one of the source's hosts.`},
		"in clear":        {"address: https://board.example/forum/ucp", "address: http://board.example/forum/ucp", `b.yaml:14: login.address would send the account in clear`},
		"a wrong page":    {"page: https://board.example/forum/", "page: /forum/", `b.yaml:15: login.page must be a whole http or https address.`},
		"an unknown key":  {"  expect: a.logout\n", "  submit: yes\n", `b.yaml:18:`},
		"a broken expect": {"expect: a.logout", "expect: 'a['", `b.yaml:18:`},
	} {
		_, err := catalog.ParseSource("b.yaml", []byte(head+strings.Replace(form, c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	clear := strings.ReplaceAll(head+form, "https://", "http://")
	if _, err := catalog.ParseSource("b.yaml", []byte(clear)); err == nil || !strings.Contains(err.Error(), "would send the account in clear; use https or an onion address") {
		t.Errorf("a form on plain http: %v", err)
	}
}

func TestHoursOfASource(t *testing.T) {
	const head = "key: b\nname: B\nkind: forum\nroute: direct\naddress: https://board.example/\nevery: 1h\nowner: o\nlegal_basis: l\nreview_by: 2030-01-01\nread:\n  engine: auto\npoliteness:\n"
	src, err := catalog.ParseSource("b.yaml", []byte(head+"  hours: 22:00-06:30\n  zone: Europe/Berlin\n"))
	if want := (risk.Hours{From: 22 * 60, To: 6*60 + 30, Zone: "Europe/Berlin"}); err != nil || src.Politeness.Hours != want {
		t.Errorf("%+v, %v", src.Politeness.Hours, err)
	}
	for text, want := range map[string]string{
		"  hours: 22-6\n":          `b.yaml:13: "22-6" are not hours of the day such as 22:00-06:00.`,
		"  hours: 08:00-08:00\n":   `b.yaml:13: "08:00-08:00" are not hours of the day`,
		"  hours: 08:00-25:00\n":   `b.yaml:13: "08:00-25:00" are not hours of the day`,
		"  zone: Europe/Nowhere\n": `b.yaml:13: "Europe/Nowhere" is not a time zone`,
	} {
		if _, err := catalog.ParseSource("b.yaml", []byte(head+text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
