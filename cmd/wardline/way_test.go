//go:build real

package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/portal"
	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/sample"
	"github.com/wardline/wardline/internal/testparts"
)

// The whole way on real parts: a post on a forum that is only reachable through Tor becomes an exposure, a score and a
// mail through a real mail server, and a person signs in with a real browser and opens the finding by the mail's
// link. Then tor dies, and the source is shown as silent.
func TestRealWholeWay(t *testing.T) {
	web, err := sample.Start(t.Context(), sample.Options{Drip: 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { web.Close() })
	browser := testparts.Chromium(t)
	for name, database := range map[string]func() string{"sqlite": func() string { return "" }, "postgres": func() string { return testparts.Postgres(t) }} {
		t.Run(name, func(t *testing.T) {
			tor := testparts.Tor(t, web.Address(sample.SiteForum).String())
			mails := testparts.Mailpit(t)
			w := newWorld(t, web, database())
			base := w.through(tor, mails)
			addAnalyst(w)
			child := w.start()
			defer func() {
				_ = child.Process.Signal(syscall.SIGTERM)
				if err := child.Wait(); err != nil {
					t.Errorf("the process ended with %v", err)
				}
			}()
			await(t, "the forum has been read once", time.Minute, func() bool { return w.forum().State == risk.StateHealthy })
			before := len(mails.Messages())

			published := time.Now()
			if _, err := web.Publish(sample.Post{Site: sample.SiteForum, Board: "Exchange", Thread: "fresh " + name, Author: "wren",
				Text: "https://vpn.larkspur-imaging.example/in:n." + name + "@larkspur-imaging.example:invented:by:us"}); err != nil {
				t.Fatal(err)
			}
			var mail testparts.Mail
			await(t, "the mail arrives", time.Minute, func() bool {
				for _, m := range mails.Messages()[before:] {
					if strings.Contains(m.Subject, "vpn.larkspur-imaging.example") {
						mail = m
						return true
					}
				}
				return false
			})
			t.Logf("from post to mail: %v", time.Since(published).Round(100*time.Millisecond))
			for _, never := range []string{"invented:by:us", "n." + name + "@"} {
				if strings.Contains(mail.Text+mail.HTML+mail.Subject, never) {
					t.Errorf("the mail holds %q", never)
				}
			}
			tab := openFinding(t, browser, base, mail, "n."+name+"@larkspur-imaging.example")

			tor.KillClient()
			await(t, "the forum is shown as silent", 30*time.Second, func() bool { return w.forum().State == risk.StateSilent })
			tab.Goto(base + "/sources")
			if text := tab.Text("main"); !strings.Contains(text, "Silent") || !strings.Contains(text, "No request was sent any other way") {
				t.Errorf("the sources page does not say that the forum is silent, and why:\n%s", text)
			}
		})
	}
}

// through points the world's one source at the onion service and its mail at a real server, and gives its portal's
// address.
func (w *world) through(tor *testparts.TorNetwork, mails *testparts.MailServer) string {
	w.t.Helper()
	port := freePort(w.t)
	base := "http://localhost:" + port
	for name, value := range map[string]string{
		"WARDLINE_TOR_PROXY": tor.SocksAddr, "WARDLINE_ADDR": "127.0.0.1:" + port, "WARDLINE_PUBLIC_URL": base, "WARDLINE_SMTP_HOST": mails.Host,
		"WARDLINE_SMTP_PORT": strconv.Itoa(mails.Port), "WARDLINE_SMTP_TLS": "starttls", "WARDLINE_SMTP_USER": mails.User,
		"WARDLINE_SMTP_PASSWORD": mails.Password, "WARDLINE_SMTP_CA_FILE": mails.CAFile,
	} {
		w.order.Settings[name] = value
	}
	for _, src := range w.order.Sources {
		if src.Kind == risk.SourceForum {
			src.Route, src.Address, src.Every = risk.RouteTor, "http://"+tor.Onion+"/", 2*time.Second
			src.Limits.Timeout = 20 * time.Second
			w.order.Sources = []risk.Source{src}
			break
		}
	}
	w.order.Allow = []netip.AddrPort{} // nothing on loopback but through tor
	return base
}

const analystPassword = "invented analyst password"

func addAnalyst(w *world) {
	w.inside(func(a *app) {
		hash, err := portal.HashPassword(analystPassword)
		if err != nil {
			w.t.Fatal(err)
		}
		user := risk.User{Email: "s.quinn@st-aldhelm.example", Name: "S. Quinn", Role: risk.RoleAnalyst, PasswordHash: hash, Created: a.now()}
		if _, err := a.store.CreateUser(w.t.Context(), user); err != nil {
			w.t.Fatal(err)
		}
	})
}

func (w *world) forum() (health risk.SourceHealth) {
	w.inside(func(a *app) {
		sources, err := a.store.FindSources(w.t.Context(), a.now())
		if err != nil {
			w.t.Fatal(err)
		}
		for _, s := range sources {
			if s.Source.Kind == risk.SourceForum {
				health = s.Health
			}
		}
	})
	return health
}

var link = regexp.MustCompile(`http://localhost:\d+(/exposures/\d+)`)

// openFinding signs in as a person would who follows the mail's link.
func openFinding(t *testing.T, browser *testparts.Browser, base string, mail testparts.Mail, account string) *testparts.Browser {
	t.Helper()
	found := link.FindStringSubmatch(mail.Text)
	if found == nil {
		t.Fatalf("the mail holds no link:\n%s", mail.Text)
	}
	tab := browser.Another(t)
	tab.Goto(base + "/login")
	tab.Type("input[name=email]", "s.quinn@st-aldhelm.example")
	tab.Type("input[name=password]", analystPassword)
	tab.Follow("form[action='/login'] button")
	tab.Goto(found[0])
	if h1 := tab.Text("h1"); !strings.Contains(h1, "Password of n•••••@larkspur-imaging.example for vpn.larkspur-imaging.example") {
		t.Errorf("the finding's page is headed %q", h1)
	}
	if !strings.Contains(tab.Text("main"), account) {
		t.Error("the analyst does not see the whole account, which nobody can have reset without")
	}
	if problems := tab.Problems(); len(problems) > 0 {
		t.Errorf("the pages reported: %v", problems)
	}
	return tab
}

func await(t *testing.T, what string, within time.Duration, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !done(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for: %s", within, what)
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}
