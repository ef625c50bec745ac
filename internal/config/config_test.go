package config

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/joho/godotenv"
)

func TestExampleIsComplete(t *testing.T) {
	file, err := os.ReadFile("../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for line := range strings.Lines(string(file)) {
		if name, _, found := strings.Cut(line, "="); found && !strings.HasPrefix(line, "#") {
			listed = append(listed, name)
		}
	}
	want := Names()
	slices.Sort(listed)
	slices.Sort(want)
	if !slices.Equal(listed, want) {
		t.Errorf(".env.example lists\n%v\nthe settings are\n%v", listed, want)
	}
}

func TestExampleHoldsTheDefaults(t *testing.T) {
	example, err := godotenv.Read("../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	fromExample, err := FromEnvironment(example)
	if err != nil {
		t.Fatal(err)
	}
	defaults, err := FromEnvironment(nil)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(fromExample, defaults) {
		t.Errorf("read from .env.example: %+v\ndefaults: %+v", fromExample, defaults)
	}
}

func TestEveryProblemIsNamedAtOnce(t *testing.T) {
	_, err := FromEnvironment(map[string]string{
		"WARDLINE_ADDR":       "0.0.0.0:80",
		"WARDLINE_SMTP_HOST":  "mail.hospital.example",
		"WARDLINE_SMTP_TLS":   "none",
		"WARDLINE_LOG_FORMAT": "xml",
		"WARDLINE_ADRR":       "typo",
		"WARDLINE_SMTP_PORT":  "abc",
	})
	for _, want := range []string{
		"WARDLINE_ADDR: 0.0.0.0:80 listens beyond", "WARDLINE_SMTP_FROM", "WARDLINE_SMTP_TLS: none",
		"WARDLINE_LOG_FORMAT", "WARDLINE_ADRR: no such setting", "WARDLINE_SMTP_PORT: \"abc\" is not",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("problems do not name %q:\n%v", want, err)
		}
	}
}

func TestNothingPrintsThePassword(t *testing.T) {
	s, err := FromEnvironment(map[string]string{"WARDLINE_SMTP_PASSWORD": "invented-secret"})
	if err != nil {
		t.Fatal(err)
	}
	if s.SMTPPassword.Reveal() != "invented-secret" {
		t.Fatal("the password was not read")
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if out := fmt.Sprintf(format, s); strings.Contains(out, "invented") {
			t.Errorf("%s prints the password", format)
		}
	}
	if strings.Contains(s.LogValue().String(), "invented") {
		t.Error("the log line prints the password")
	}
}

func TestProblemsNameTheSettingAndWhatItTakes(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"WARDLINE_SMTP_PORT":    {"abc", `WARDLINE_SMTP_PORT: "abc" is not a whole number`},
		"WARDLINE_RESCUE_AFTER": {"20", `WARDLINE_RESCUE_AFTER: "20" is not a duration such as 20s or 15m`},
		"WARDLINE_LOG_LEVEL":    {"loud", `WARDLINE_LOG_LEVEL: "loud" is not debug, info, warn or error`},
		"WARDLINE_ADDR":         {"127.0.0.1:99999", `WARDLINE_ADDR: "127.0.0.1:99999" is not HOST:PORT, such as 127.0.0.1:8080`},
		"WARDLINE_PUBLIC_URL":   {"http://portal.hospital.example", `WARDLINE_PUBLIC_URL: http://portal.hospital.example would send sessions in clear: use https for anything but this machine`},
		"WARDLINE_TOR_PROXY":    {"9050", `WARDLINE_TOR_PROXY: "9050" is not HOST:PORT or unix:/PATH, such as 127.0.0.1:9050`},
		"WARDLINE_FLOOD_AFTER":  {"0", `WARDLINE_FLOOD_AFTER: 0 is not a number from 1`},
		"WARDLINE_TLS_KEY":      {"key.pem", `WARDLINE_TLS_CERT: give the certificate and WARDLINE_TLS_KEY together, or neither`},
	} {
		if _, err := FromEnvironment(map[string]string{name: c.text}); err == nil || err.Error() != c.want {
			t.Errorf("%s=%s: %v\nwant %s", name, c.text, err, c.want)
		}
	}
	if _, err := FromEnvironment(map[string]string{"WARDLINE_SMTP_PORT": "70000"}); err == nil || err.Error() != "WARDLINE_SMTP_PORT: 70000 is not a port" {
		t.Errorf("a port that is none: %v", err)
	}
	missing := map[string]string{"WARDLINE_TLS_CERT": "none.pem", "WARDLINE_TLS_KEY": "none.key"}
	if _, err := FromEnvironment(missing); err == nil || !strings.Contains(err.Error(), "none.pem: no such file") {
		t.Errorf("a certificate that is not there is found when people connect: %v", err)
	}
}

func TestBrokenFileIsNamedByLineAndNotQuoted(t *testing.T) {
	t.Chdir(t.TempDir())
	text := "WARDLINE_LOG_LEVEL=info\nwhat is this\nWARDLINE_SMTP_PASSWORD=invented-secret\n"
	if err := os.WriteFile(".env", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Read()
	if err == nil || err.Error() != ".env:2: a line must be NAME=value, with quotes closed, or begin with #" {
		t.Errorf("got %v", err)
	}
}

func TestAccountsForLoginForms(t *testing.T) {
	s, err := FromEnvironment(map[string]string{"WARDLINE_LOGIN_FORUM_F07_USER": "reader", "WARDLINE_LOGIN_FORUM_F07_PASSWORD": "canary-password"})
	if err != nil {
		t.Fatal(err)
	}
	a, ok := s.Account("forum-f07")
	if !ok || a.User != "reader" || a.Password.Reveal() != "canary-password" {
		t.Errorf("account %q, %v", a.User, ok)
	}
	if _, ok := s.Account("forum-f08"); ok {
		t.Error("another source has an account")
	}
	if printed := fmt.Sprintf("%v %+v %#v", s, s, a); strings.Contains(printed, "canary-password") {
		t.Error("the password is printed")
	}
	for name, want := range map[string]string{
		"WARDLINE_LOGIN_FORUM_F07_USER": "WARDLINE_LOGIN_FORUM_F07_USER: give the account and WARDLINE_LOGIN_FORUM_F07_PASSWORD together",
		"WARDLINE_LOGIN_FORUM_F07":      "WARDLINE_LOGIN_FORUM_F07: no such setting; see .env.example",
		"WARDLINE_LOGIN_forum_USER":     "WARDLINE_LOGIN_forum_USER: no such setting; see .env.example",
	} {
		if _, err := FromEnvironment(map[string]string{name: "x"}); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}
