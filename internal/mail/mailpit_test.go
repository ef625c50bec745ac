//go:build real

package mail

import (
	"slices"
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/testparts"
)

func mailpitSender(t *testing.T, server *testparts.MailServer, change func(*Config)) *Sender {
	t.Helper()
	c := Config{
		Host: server.Host, Port: server.Port, User: server.User, Password: server.Password, CAFile: server.CAFile,
		TLS: "starttls", From: "Wardline <alerts@hospital.example>", PublicURL: "https://wardline.hospital.example",
	}
	if change != nil {
		change(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRealServerGetsTheMail(t *testing.T) {
	server := testparts.Mailpit(t)
	if err := mailpitSender(t, server, nil).Send(t.Context(), exposureMessage()); err != nil {
		t.Fatal(err)
	}
	mails := server.Messages()
	if len(mails) != 1 {
		t.Fatalf("%d mails, want 1", len(mails))
	}
	m := mails[0]
	if m.MessageID != "8cad264ff1cd2832578334c1e619feac@wardline.hospital.example" ||
		m.From != "alerts@hospital.example" || !slices.Equal(m.To, []string{"duty@hospital.example"}) {
		t.Errorf("%+v", m)
	}
	if m.Subject != "[Wardline] High: password of l•••••@meridian-lab.example seen (Meridian Lab Services) EX-2041" {
		t.Errorf("Subject: %s", m.Subject)
	}
	if !strings.Contains(m.Text, "First seen:  24 Nov 2026, 12:05 UTC") {
		t.Errorf("text: %s", m.Text)
	}
	if !strings.Contains(m.HTML, `<a href="https://wardline.hospital.example/exposures/2041">Open EX-2041 in Wardline</a>`) {
		t.Errorf("HTML: %s", m.HTML)
	}
}

func TestRealServerRefuses(t *testing.T) {
	server := testparts.Mailpit(t)
	for _, tc := range []struct {
		name   string
		code   int
		change func(*Config)
		retry  bool
		why    string
	}{
		{"greylisted", 451, nil, true, "The mail server put the recipient off for now (451"},
		{"no such recipient", 550, nil, false, "The mail server refused the recipient (550"},
		{"wrong password", 0, func(c *Config) { c.Password = "wrong" }, true, "The mail server did not accept the user name and password."},
		{"no sign-in", 0, func(c *Config) { c.User = "" }, true, "The mail server refused the sender (530"},
		{"no encryption", 0, func(c *Config) { c.TLS, c.User = "none", "" }, true, "The mail server refused the sender (530"},
		{"unknown certificate", 0, func(c *Config) { c.CAFile = "" }, true, "The mail server's certificate is not trusted."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server.Refuse(tc.code)
			err := mailpitSender(t, server, tc.change).Send(t.Context(), exposureMessage())
			if err == nil || Retryable(err) != tc.retry || !strings.HasPrefix(Why(err), tc.why) {
				t.Errorf("%v: retryable %t, %s", err, Retryable(err), Why(err))
			}
		})
	}
	if n := len(server.Messages()); n != 0 {
		t.Fatalf("%d mails arrived", n)
	}
	server.Refuse(0)
	if err := mailpitSender(t, server, nil).Send(t.Context(), exposureMessage()); err != nil {
		t.Fatalf("after the refusals: %v", err)
	}
	if n := len(server.Messages()); n != 1 {
		t.Errorf("%d mails, want 1", n)
	}
}
