package mail

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"mime"
	"net"
	"net/http/httptest"
	netmail "net/mail"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/wardline/wardline/internal/risk"
)

var update = os.Getenv("UPDATE_GOLDEN") != ""

func exposureMessage() risk.Message {
	return risk.Message{
		ID:      7,
		Key:     "new_exposure:6f1d:duty@hospital.example",
		To:      risk.Person{Name: "Watch duty", Email: "duty@hospital.example"},
		Created: time.Date(2026, 11, 24, 12, 6, 1, 0, time.UTC),
		Notice: risk.Notice{
			Ref:       "EX-2041",
			Severity:  risk.SeverityHigh,
			Title:     "password of l•••••@meridian-lab.example seen",
			Supplier:  "Meridian Lab Services",
			Tier:      1,
			Account:   "l•••••@meridian-lab.example",
			Where:     "Nightmarket forum (forum)",
			FirstSeen: time.Date(2026, 11, 24, 13, 5, 59, 0, time.FixedZone("CET", 3600)),
			Due:       time.Date(2026, 11, 24, 16, 5, 59, 0, time.UTC),
			Steps: []string{
				"Tell Meridian Lab Services' contact and ask for a reset of the account.",
				"Look for sign-ins by the account in your own logs since 20 Nov 2026.",
			},
			Path: "/exposures/2041",
		},
	}
}

func digestMessage() risk.Message {
	m := exposureMessage()
	m.Key = "new_exposures:12:9c4e:duty@hospital.example"
	m.Notice.Ref, m.Notice.Account = "47 exposures", ""
	m.Notice.Title = "47 new exposures of Meridian Lab Services: 40 critical, 7 high"
	m.Notice.Where = "Drop folder (dump file), Nightmarket forum (forum)"
	m.Notice.Path = "/inbox?supplier=12"
	return m
}

func silentMessage() risk.Message {
	m := exposureMessage()
	m.Key = "source_silent:3:duty@hospital.example"
	m.Notice = risk.Notice{
		Severity:  risk.SeverityMedium,
		Title:     "Source Nightmarket forum is silent: what appears there is not seen",
		Where:     "Nightmarket forum (forum)",
		FirstSeen: time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC),
		Steps:     []string{"Check the route to the source.", "Until it answers, do not read \"nothing found\" as safe."},
		Path:      "/sources/forum-f07",
	}
	return m
}

func TestSendDeliversBothPartsToOneRecipient(t *testing.T) {
	server := startServer(t, nil)
	if err := server.sender(t).Send(t.Context(), exposureMessage()); err != nil {
		t.Fatal(err)
	}
	got := server.only(t)
	if got.from != "alerts@hospital.example" || !slices.Equal(got.to, []string{"duty@hospital.example"}) {
		t.Errorf("envelope: from %q to %q", got.from, got.to)
	}
	want := map[string]string{
		"From":                     `"Wardline" <alerts@hospital.example>`,
		"To":                       `"Watch duty" <duty@hospital.example>`,
		"Subject":                  "[Wardline] High: password of l•••••@meridian-lab.example seen (Meridian Lab Services) EX-2041",
		"Date":                     "Tue, 24 Nov 2026 12:06:01 +0000",
		"Message-Id":               "<8cad264ff1cd2832578334c1e619feac@wardline.hospital.example>",
		"List-Id":                  "Wardline alerts <alerts.wardline.hospital.example>",
		"Auto-Submitted":           "auto-generated",
		"X-Auto-Response-Suppress": "All",
		"Mime-Version":             "1.0",
	}
	for name, value := range want {
		if g := got.header(t, name); g != value {
			t.Errorf("%s: %q, want %q", name, g, value)
		}
	}
	if n := len(got.headers(t)); n != len(want)+1 { // and Content-Type
		t.Errorf("%d headers: %v", n, got.headers(t))
	}
	text, html := got.parts(t)
	if !strings.Contains(text, "Whose:       Meridian Lab Services (tier 1)") {
		t.Errorf("text part: %s", text)
	}
	if !strings.Contains(html, "<h1>password of l•••••@meridian-lab.example seen</h1>") {
		t.Errorf("HTML part: %s", html)
	}
}

func TestTexts(t *testing.T) {
	sender := newSender(t, Config{PublicURL: "https://wardline.hospital.example/portal/"})
	for name, m := range map[string]risk.Message{"exposure": exposureMessage(), "digest": digestMessage(), "silent": silentMessage()} {
		t.Run(name, func(t *testing.T) {
			msg, err := sender.compose(m)
			if err != nil {
				t.Fatal(err)
			}
			var raw bytes.Buffer
			if _, err := msg.WriteTo(&raw); err != nil {
				t.Fatal(err)
			}
			got := received{data: raw.Bytes()}
			text, html := got.parts(t)
			golden(t, name+".txt", "Subject: "+got.header(t, "Subject")+"\n\n"+text)
			golden(t, name+".html", html)
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	got = strings.ReplaceAll(got, "\r\n", "\n")
	if update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (UPDATE_GOLDEN=1 rewrites it):\n%s", file, got)
	}
}

func TestHTMLReachesNothingOutside(t *testing.T) {
	msg, err := newSender(t, Config{}).compose(exposureMessage())
	if err != nil {
		t.Fatal(err)
	}
	var raw bytes.Buffer
	if _, err := msg.WriteTo(&raw); err != nil {
		t.Fatal(err)
	}
	_, html := received{data: raw.Bytes()}.parts(t)
	for _, tag := range []string{"<img", "<script", "<link", "<iframe", "src=", "url(", "@import", "background="} {
		if strings.Contains(strings.ToLower(html), tag) {
			t.Errorf("HTML part holds %q", tag)
		}
	}
	if n := strings.Count(html, "href="); n != 1 {
		t.Errorf("%d links, want the portal's alone", n)
	}
}

// T11: whatever stands in a field, the mail keeps its headers, its one recipient and its two parts.
func TestHostileFieldsChangeNoHeader(t *testing.T) {
	payloads := []string{
		"x\r\nBcc: thief@evil.example",
		"x\nX-Injected: 1",
		"x\rX-Injected: 1",
		"x\r\n\r\n<script>alert(1)</script>",
		"x\x00y",
		"=?utf-8?q?x=0D=0ABcc:_thief@evil.example?=",
		"=?utf-8?B?eA0KQmNjOiB0aGllZkBldmlsLmV4YW1wbGU=?=",
		"x\u2028Bcc: thief@evil.example\u2029y\u0085z",
		"x\" <thief@evil.example>, \"y",
		"\xff\xfe\x0d\x0aBcc: thief@evil.example",
		"\u202Egnp.exe\u2066\u200B",
		"{{.Portal}} %0d%0aBcc:thief@evil.example",
		"\r\n.\r\nMAIL FROM:<thief@evil.example>\r\n",
		strings.Repeat("long ", 5000),
		strings.Repeat("é", 3000),
	}
	fields := map[string]func(*risk.Message, string){
		"key":      func(m *risk.Message, s string) { m.Key = s },
		"to name":  func(m *risk.Message, s string) { m.To.Name = s },
		"ref":      func(m *risk.Message, s string) { m.Notice.Ref = s },
		"title":    func(m *risk.Message, s string) { m.Notice.Title = s },
		"supplier": func(m *risk.Message, s string) { m.Notice.Supplier = s },
		"account":  func(m *risk.Message, s string) { m.Notice.Account = s },
		"where":    func(m *risk.Message, s string) { m.Notice.Where = s },
		"step":     func(m *risk.Message, s string) { m.Notice.Steps = []string{s, "b"} },
		"path":     func(m *risk.Message, s string) { m.Notice.Path = s },
		"path end": func(m *risk.Message, s string) { m.Notice.Path = "/exposures/" + s },
		"all": func(m *risk.Message, s string) {
			m.To.Name = s
			m.Notice.Ref, m.Notice.Title, m.Notice.Supplier, m.Notice.Account, m.Notice.Where = s, s, s, s, s
		},
	}
	server := startServer(t, nil)
	sender := server.sender(t)
	if err := sender.Send(t.Context(), exposureMessage()); err != nil {
		t.Fatal(err)
	}
	want := server.only(t).headers(t)
	for name, set := range fields {
		for i, payload := range payloads {
			t.Run(fmt.Sprintf("%s %d", name, i), func(t *testing.T) {
				m := exposureMessage()
				set(&m, payload)
				if err := sender.Send(t.Context(), m); err != nil {
					t.Fatal(err)
				}
				got := server.only(t)
				if !slices.Equal(got.to, []string{"duty@hospital.example"}) || got.from != "alerts@hospital.example" {
					t.Errorf("envelope: from %q to %q", got.from, got.to)
				}
				if names := got.headers(t); !slices.Equal(names, want) {
					t.Errorf("headers %v, want %v", names, want)
				}
				for _, header := range []string{"Subject", "To", "Message-Id"} {
					if v := got.header(t, header); strings.ContainsAny(v, "\r\n\x00\u0085\u2028\u202e") {
						t.Errorf("%s: %q", header, v)
					}
				}
				if to, err := netmail.ParseAddressList(got.raw(t, "To")); err != nil || len(to) != 1 || to[0].Address != "duty@hospital.example" {
					t.Errorf("To: %v %v", to, err)
				}
				text, html := got.parts(t)
				if strings.Contains(html, "<script") || strings.ContainsAny(text+html, "\x00\u202e") {
					t.Errorf("parts hold hostile text")
				}
				if !strings.Contains(text, "https://wardline.hospital.example/") {
					t.Errorf("link lost: %s", text)
				}
			})
		}
	}
}

func TestHostileRecipientIsRefusedForGood(t *testing.T) {
	server := startServer(t, nil)
	sender := server.sender(t)
	for _, address := range []string{
		"", "duty", "@hospital.example", "duty@", "a@b@c", "duty@hospital.example\r\nBcc: thief@evil.example",
		"duty@hospital.example, thief@evil.example", "<duty@hospital.example>", `"a b"@hospital.example`,
		"=?utf-8?q?thief=40evil.example?=@hospital.example", "duty@hospital.example\x00", "duty @hospital.example",
		"thief@evil.example(duty@hospital.example", "ſ@hospital.example",
	} {
		m := exposureMessage()
		m.To.Email = address
		err := sender.Send(t.Context(), m)
		if err == nil || Retryable(err) {
			t.Errorf("%q: %v, retryable %t", address, err, Retryable(err))
		}
		if Why(err) != "The recipient is not an e-mail address." {
			t.Errorf("%q: %s", address, Why(err))
		}
	}
	if n := len(server.take()); n != 0 {
		t.Errorf("%d mails left", n)
	}
}

func TestWholeAccountsAreWithheld(t *testing.T) {
	server := startServer(t, nil)
	m := exposureMessage()
	m.Notice.Title = "password of lena.ortiz@meridian-lab.example seen"
	m.Notice.Account = "lena.ortiz@meridian-lab.example"
	if err := server.sender(t).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := server.only(t)
	text, html := got.parts(t)
	if all := got.header(t, "Subject") + text + html; strings.Contains(all, "lena") || strings.Contains(all, "ortiz") {
		t.Errorf("whole account in the mail: %s", all)
	}
	if s := got.header(t, "Subject"); s != "[Wardline] High: password of •••••@meridian-lab.example seen (Meridian Lab Services) EX-2041" {
		t.Errorf("Subject: %s", s)
	}
}

func TestMessageID(t *testing.T) {
	for _, tc := range []struct{ url, want string }{
		{"https://wardline.hospital.example:8443/x", "8cad264ff1cd2832578334c1e619feac@wardline.hospital.example"},
		{"http://127.0.0.1:8080", "8cad264ff1cd2832578334c1e619feac@[127.0.0.1]"},
		{"http://localhost:8080", "8cad264ff1cd2832578334c1e619feac@localhost"},
	} {
		if got := newSender(t, Config{PublicURL: tc.url}).messageID(exposureMessage().Key); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.url, got, tc.want)
		}
	}
}

func TestLinkStaysInPortal(t *testing.T) {
	sender := newSender(t, Config{PublicURL: "https://wardline.hospital.example/portal/"})
	for path, want := range map[string]string{
		"/exposures/2041":      "https://wardline.hospital.example/portal/exposures/2041",
		"/inbox?supplier=12":   "https://wardline.hospital.example/portal/inbox?supplier=12",
		"":                     "https://wardline.hospital.example/portal/",
		"//evil.example/":      "https://wardline.hospital.example/portal/",
		"https://evil.example": "https://wardline.hospital.example/portal/",
		"@evil.example/":       "https://wardline.hospital.example/portal/",
		`/\evil.example`:       "https://wardline.hospital.example/portal/",
	} {
		if got := sender.link(path); got != want {
			t.Errorf("%q: %s, want %s", path, got, want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	good := Config{Host: "127.0.0.1", Port: 25, From: "a@hospital.example", TLS: "none", PublicURL: "http://localhost:8080"}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	notPEM := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(notPEM, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Config){
		"no host":               func(c *Config) { c.Host = "" },
		"no port":               func(c *Config) { c.Port = 0 },
		"plain to elsewhere":    func(c *Config) { c.Host = "mail.hospital.example" },
		"plain to a lookalike":  func(c *Config) { c.Host = "localhost.hospital.example" },
		"unknown TLS":           func(c *Config) { c.TLS = "opportunistic" },
		"no TLS named":          func(c *Config) { c.TLS = "" },
		"sender not an address": func(c *Config) { c.From = "wardline" },
		"sender with line end":  func(c *Config) { c.From = "a@hospital.example\r\nBcc: thief@evil.example" },
		"portal without scheme": func(c *Config) { c.PublicURL = "wardline.hospital.example" },
		"portal with script":    func(c *Config) { c.PublicURL = "javascript://wardline.hospital.example" },
		"CA file without PEM":   func(c *Config) { c.CAFile = notPEM },
	} {
		c := good
		change(&c)
		if _, err := New(c); !errors.Is(err, risk.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, tc := range []struct {
		name  string
		at    string
		code  int
		ext   smtp.EnhancedCode
		retry bool
		why   string
	}{
		{"greylisted", "rcpt", 451, smtp.EnhancedCode{4, 7, 1}, true, "The mail server put the recipient off for now (451 4.7.1)."},
		{"busy", "mail", 421, smtp.EnhancedCode{4, 3, 2}, true, "The mail server put the sender off for now (421 4.3.2)."},
		{"after data", "data", 452, smtp.EnhancedCode{4, 3, 1}, true, "The mail server put the mail off for now (452 4.3.1)."},
		{"no such recipient", "rcpt", 550, smtp.EnhancedCode{5, 1, 1}, false, "The mail server refused the recipient (550 5.1.1)."},
		{"recipient disabled", "rcpt", 550, smtp.EnhancedCode{5, 2, 1}, false, "The mail server refused the recipient (550 5.2.1)."},
		{"mailbox full", "rcpt", 552, smtp.EnhancedCode{5, 2, 2}, true, "The mail server refused the recipient (552 5.2.2)."},
		{"relaying denied", "rcpt", 554, smtp.EnhancedCode{5, 7, 1}, true, "The mail server refused the recipient (554 5.7.1)."},
		{"no detail", "rcpt", 550, smtp.NoEnhancedCode, false, "The mail server refused the recipient (550)."},
		{"sender refused", "mail", 550, smtp.EnhancedCode{5, 7, 1}, true, "The mail server refused the sender (550 5.7.1)."},
		{"content refused", "data", 554, smtp.EnhancedCode{5, 7, 1}, true, "The mail server refused the mail (554 5.7.1)."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := startServer(t, func(at string) error {
				if at == tc.at {
					return &smtp.SMTPError{Code: tc.code, EnhancedCode: tc.ext, Message: "no, duty@hospital.example"}
				}
				return nil
			})
			err := server.sender(t).Send(t.Context(), exposureMessage())
			if err == nil {
				t.Fatal("sent")
			}
			if Retryable(err) != tc.retry {
				t.Errorf("retryable %t, want %t: %v", !tc.retry, tc.retry, err)
			}
			if Why(err) != tc.why {
				t.Errorf("why: %s", Why(err))
			}
		})
	}
}

func TestUnreachableIsRetryable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	err = newSender(t, Config{Port: port}).Send(t.Context(), exposureMessage())
	if !Retryable(err) || Why(err) != "The mail server could not be reached." {
		t.Errorf("%v: %s", err, Why(err))
	}
}

func TestSTARTTLSIsRequired(t *testing.T) {
	server := startServer(t, nil)
	sender := newSender(t, Config{Port: server.port, TLS: "starttls"})
	err := sender.Send(t.Context(), exposureMessage())
	if !Retryable(err) || Why(err) != "The mail server does not offer encryption (STARTTLS)." {
		t.Errorf("%v: %s", err, Why(err))
	}
	if n := len(server.take()); n != 0 {
		t.Errorf("%d mails went in clear", n)
	}
}

func TestTLSFromTheFirstByte(t *testing.T) {
	lender := httptest.NewTLSServer(nil) // its certificate is for 127.0.0.1
	defer lender.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	pemCert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: lender.Certificate().Raw})
	if err := os.WriteFile(ca, pemCert, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: lender.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	server := serve(t, l, nil)
	sender := newSender(t, Config{Port: server.port, TLS: "tls", CAFile: ca, User: "wardline", Password: "only-for-tests"})
	if err := sender.Send(t.Context(), exposureMessage()); err != nil {
		t.Fatal(err)
	}
	if got := server.only(t); got.user != "wardline" {
		t.Errorf("signed in as %q", got.user)
	}
	distrusting := newSender(t, Config{Port: server.port, TLS: "tls"})
	if err := distrusting.Send(t.Context(), exposureMessage()); !Retryable(err) || Why(err) != "The mail server's certificate is not trusted." {
		t.Errorf("%v: %s", err, Why(err))
	}
}

// A server that goes silent holds a worker no longer than its context allows, at whichever step it does so.
func TestContextEndsAStuckSession(t *testing.T) {
	for _, answers := range [][]string{
		nil,
		{"220 mail.hospital.example"},
		{"220 mail.hospital.example", "250 mail.hospital.example"},
		{"220 mail.hospital.example", "250 mail.hospital.example", "250 ok", "250 ok"},
	} {
		t.Run(strconv.Itoa(len(answers)), func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			port := scripted(t, answers, cancel)
			err := newSender(t, Config{Port: port}).Send(ctx, exposureMessage())
			if !errors.Is(err, context.Canceled) || !Retryable(err) {
				t.Errorf("%v", err)
			}
		})
	}
}

// A server that takes the mail and then drops the line has taken it: a retry would tell somebody twice.
func TestTakenMailIsNotSentAgain(t *testing.T) {
	port := scripted(t, []string{
		"220 mail.hospital.example", "250 mail.hospital.example", "250 noop", "250 from", "250 to", "354 go on", "250 taken",
	}, nil)
	if err := newSender(t, Config{Port: port}).Send(t.Context(), exposureMessage()); err != nil {
		t.Error(err)
	}
}

func TestBackoff(t *testing.T) {
	want := []string{"10s", "10s", "30s", "1m0s", "2m0s", "5m0s", "10m0s", "15m0s", "30m0s", "30m0s", "30m0s"}
	for attempts, w := range want {
		if got := Backoff(attempts).String(); got != w {
			t.Errorf("after %d attempts: %s, want %s", attempts, got, w)
		}
	}
}

func TestRetryableOfNothing(t *testing.T) {
	if Retryable(nil) || Why(nil) != "" {
		t.Error("nil is no failure")
	}
}

// server is an SMTP server in this process that keeps what it gets.
type server struct {
	port   int
	refuse func(at string) error
	mu     sync.Mutex
	mails  []received
}

func startServer(t *testing.T, refuse func(at string) error) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, l, refuse)
}

func serve(t *testing.T, l net.Listener, refuse func(at string) error) *server {
	t.Helper()
	s := &server{refuse: refuse, port: l.Addr().(*net.TCPAddr).Port}
	srv := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{server: s}, nil }))
	srv.ErrorLog = log.New(io.Discard, "", 0)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l)
	}()
	t.Cleanup(func() {
		_ = srv.Close()
		_ = l.Close() // Close knows the listener only once Serve has begun
		<-done
	})
	return s
}

func (s *server) sender(t *testing.T) *Sender { return newSender(t, Config{Port: s.port}) }

func newSender(t *testing.T, c Config) *Sender {
	t.Helper()
	c.Host, c.From = "127.0.0.1", "Wardline <alerts@hospital.example>"
	if c.Port == 0 {
		c.Port = 25
	}
	if c.TLS == "" {
		c.TLS = "none"
	}
	if c.PublicURL == "" {
		c.PublicURL = "https://wardline.hospital.example"
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *server) take() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	mails := s.mails
	s.mails = nil
	return mails
}

func (s *server) only(t *testing.T) received {
	t.Helper()
	mails := s.take()
	if len(mails) != 1 {
		t.Fatalf("%d mails, want 1", len(mails))
	}
	return mails[0]
}

func (s *server) ask(at string) error {
	if s.refuse == nil {
		return nil
	}
	return s.refuse(at)
}

type session struct {
	server *server
	mail   received
}

func (s *session) Reset()                   { s.mail = received{user: s.mail.user} }
func (s *session) Logout() error            { return nil }
func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if password != "only-for-tests" {
			return smtp.ErrAuthFailed
		}
		s.mail.user = user
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.mail.from = from
	return s.server.ask("mail")
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.to = append(s.mail.to, to)
	return s.server.ask("rcpt")
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.server.ask("data"); err != nil {
		return err
	}
	s.mail.data = data
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.mails = append(s.server.mails, s.mail)
	return nil
}

// received is a mail as the server got it.
type received struct {
	user string // who signed in
	from string
	to   []string
	data []byte
}

func (r received) mime(t *testing.T) textproto.MIMEHeader {
	t.Helper()
	h, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(r.data))).ReadMIMEHeader()
	if err != nil {
		t.Fatalf("header: %v\n%s", err, r.data)
	}
	return h
}

// headers names every header line, sorted; one that stands twice is named twice.
func (r received) headers(t *testing.T) []string {
	t.Helper()
	var names []string
	for name, values := range r.mime(t) {
		for range values {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (r received) raw(t *testing.T, name string) string {
	t.Helper()
	return r.mime(t).Get(name)
}

func (r received) header(t *testing.T, name string) string {
	t.Helper()
	decoded, err := new(mime.WordDecoder).DecodeHeader(r.raw(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}

func (r received) parts(t *testing.T) (text, html string) {
	t.Helper()
	entity, err := message.Read(bytes.NewReader(r.data))
	if err != nil {
		t.Fatal(err)
	}
	kind, _, err := entity.Header.ContentType()
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("content type %s: %v", kind, err)
	}
	var kinds, bodies []string
	parts := entity.MultipartReader()
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		kind, params, err := part.Header.ContentType()
		if err != nil || params["charset"] != "UTF-8" {
			t.Fatalf("part %s in %s: %v", kind, params["charset"], err)
		}
		body, err := io.ReadAll(part.Body)
		if err != nil {
			t.Fatal(err)
		}
		kinds, bodies = append(kinds, kind), append(bodies, string(body))
	}
	if !slices.Equal(kinds, []string{"text/plain", "text/html"}) {
		t.Fatalf("parts %v, want text before HTML", kinds)
	}
	return bodies[0], bodies[1]
}

// scripted answers one line for each command and then falls silent until stuck is called, or, without stuck, hangs up.
func scripted(t *testing.T, answers []string, stuck func()) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		in := bufio.NewReader(conn)
		for i, answer := range answers {
			if i > 0 && !readCommand(in, answers[i-1]) {
				return
			}
			_, _ = fmt.Fprintf(conn, "%s\r\n", answer)
		}
		if stuck != nil {
			if len(answers) > 0 {
				readCommand(in, answers[len(answers)-1])
			}
			stuck()
			_, _ = io.Copy(io.Discard, in) // ends when the client hangs up
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().(*net.TCPAddr).Port
}

// readCommand reads a command, or after "354" a whole mail.
func readCommand(in *bufio.Reader, last string) bool {
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return false
		}
		if !strings.HasPrefix(last, "354") || line == ".\r\n" {
			return true
		}
	}
}
