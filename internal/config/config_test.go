package config

import (
	"fmt"
	"os"
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
	if fromExample != defaults {
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
	})
	for _, want := range []string{
		"WARDLINE_PUBLIC_URL", "WARDLINE_ADDR: 0.0.0.0:80 listens beyond", "WARDLINE_SMTP_FROM", "WARDLINE_SMTP_TLS: none",
		"WARDLINE_LOG_FORMAT", "WARDLINE_ADRR: no such setting",
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
