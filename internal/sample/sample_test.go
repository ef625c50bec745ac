package sample_test

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/sample"
)

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.t }

func (c *clock) add(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.t = c.t.Add(d) }

func start(t *testing.T) (*sample.Web, *clock) {
	t.Helper()
	c := &clock{t: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	w, err := sample.Start(t.Context(), sample.Options{Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w, c
}

func get(t *testing.T, address string) string {
	t.Helper()
	res, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %v, status %d", address, err, res.StatusCode)
	}
	return string(body)
}

func TestPostsAppearOverTime(t *testing.T) {
	w, c := start(t)
	archive := "http://" + w.Address(sample.SitePaste).String() + "/archive"
	const title = "fresh 11/24 stealer mix"
	before := get(t, archive)
	if strings.Contains(before, title) {
		t.Error("the first drip is there at the start")
	}
	c.add(19 * time.Second)
	if got := get(t, archive); got != before {
		t.Error("the page changed before its time")
	}
	c.add(time.Second)
	if got := get(t, archive); strings.Count(got, title) != 1 {
		t.Error("the first drip did not appear after 20 s")
	}
	leaks := "http://" + w.Address(sample.SiteLeaks).String() + "/"
	if strings.Contains(get(t, leaks), "Larkspur Imaging") {
		t.Error("the last claim is there too early")
	}
	c.add(100 * time.Second)
	if !strings.Contains(get(t, leaks), "Larkspur Imaging") {
		t.Error("the last claim did not appear after two minutes")
	}
}

func TestEveryRunIsTheSame(t *testing.T) {
	a, _ := start(t)
	b, _ := start(t)
	for site, path := range map[sample.Site]string{sample.SitePaste: "/archive", sample.SiteForum: "/viewforum.php?f=1", sample.SiteLeaks: "/"} {
		one, two := get(t, "http://"+a.Address(site).String()+path), get(t, "http://"+b.Address(site).String()+path)
		if one != two {
			t.Errorf("%s differs between two runs", site)
		}
	}
}

func TestSourcesPointAtTheStartedSites(t *testing.T) {
	w, _ := start(t)
	got := map[string]string{}
	for _, s := range w.Sources() {
		got[s.Key] = s.Address
		if !s.Enabled {
			t.Errorf("%s is off", s.Key)
		}
	}
	want := map[string]string{
		"sample-paste": "http://" + w.Address(sample.SitePaste).String() + "/archive",
		"sample-forum": "http://" + w.Address(sample.SiteForum).String() + "/",
		"sample-leaks": "http://" + w.Address(sample.SiteLeaks).String() + "/",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("sources %v, want %v", got, want)
	}
	if a := w.Addresses(); len(a) != 3 || !slices.Contains(a, w.Address(sample.SiteForum)) {
		t.Errorf("addresses %v", a)
	}
}

func TestSameAddressesAgain(t *testing.T) {
	first, _ := start(t)
	taken := first.Listening()
	other, err := sample.Start(t.Context(), sample.Options{Addresses: taken})
	if err != nil {
		t.Fatal(err)
	}
	if other.Listening() == taken || len(other.Addresses()) != 3 {
		t.Errorf("addresses %s while %s is taken", other.Listening(), taken)
	}
	free := other.Listening()
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := sample.Start(t.Context(), sample.Options{Addresses: free})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if again.Listening() != free {
		t.Errorf("addresses %s, want %s again", again.Listening(), free)
	}
}

func TestPublish(t *testing.T) {
	w, _ := start(t)
	cases := []sample.Post{
		{Site: sample.SitePaste, Title: "planted", Author: "tester", Text: "anna@meridian-lab.example:Invented-1"},
		{Site: sample.SiteForum, Board: "New board", Thread: "New thread", Author: "tester", Text: "anna@meridian-lab.example:Invented-1"},
		{Site: sample.SiteLeaks, Title: "New Victim", Text: "anna@meridian-lab.example:Invented-1"},
	}
	for _, p := range cases {
		address, err := w.Publish(p)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(get(t, address), "anna@meridian-lab.example:Invented-1") {
			t.Errorf("%s does not show what was published", address)
		}
	}
	if !strings.Contains(get(t, "http://"+w.Address(sample.SiteForum).String()+"/"), "New board") {
		t.Error("the index does not show the new board")
	}
	if _, err := w.Publish(sample.Post{Site: "market"}); err == nil {
		t.Error("an unknown site was accepted")
	}
}

func TestOnlyLoopback(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", "192.0.2.1:80", "localhost:0", ":8080"} {
		if w, err := sample.Start(t.Context(), sample.Options{Addresses: addr + "," + addr + "," + addr}); err == nil {
			w.Close()
			t.Errorf("sites on %s", addr)
		}
		if m, err := sample.StartMailbox(t.Context(), addr); err == nil {
			m.Close()
			t.Errorf("mailbox on %s", addr)
		}
	}
}

func TestSuppliers(t *testing.T) {
	suppliers, err := sample.Suppliers()
	if err != nil {
		t.Fatal(err)
	}
	if len(suppliers) != 14 || suppliers[0].Name != "St. Aldhelm Hospital" || suppliers[0].Relation != risk.FirstParty {
		t.Errorf("%d suppliers, the first is %q", len(suppliers), suppliers[0].Name)
	}
	names := map[string]bool{}
	for _, s := range suppliers {
		if problems := s.Validate(); len(problems) > 0 {
			t.Errorf("%s: %v", s.Name, problems)
		}
		if names[strings.ToLower(s.Name)] {
			t.Errorf("%s is there twice", s.Name)
		}
		names[strings.ToLower(s.Name)] = true
		if !strings.HasSuffix(s.Owner.Email, "@st-aldhelm.example") || !strings.HasSuffix(s.Contact.Email, ".example") {
			t.Errorf("%s: owner %s, contact %s", s.Name, s.Owner.Email, s.Contact.Email)
		}
	}
	lab := suppliers[1]
	if lab.BAASigned.Format(time.DateOnly) != "2024-02-12" || lab.ContractEnd.Format(time.DateOnly) != "2027-06-30" || lab.PatientData != risk.Yes || lab.Employees != 640 {
		t.Errorf("lab %+v", lab)
	}
	if want := (risk.WatchTerm{Kind: risk.TermDomain, Value: "meridian-lab.example"}); lab.Terms[0] != want {
		t.Errorf("term %+v, want %+v", lab.Terms[0], want)
	}
}

func send(m *sample.Mailbox, from string, to []string, letter io.Reader) error {
	c, err := smtp.Dial(m.Addr())
	if err != nil {
		return err
	}
	defer c.Close()
	return c.SendMail(from, to, letter)
}

func TestMailbox(t *testing.T) {
	m, err := sample.StartMailbox(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}()
	const letter = "From: Wardline <w@st-aldhelm.example>\r\nTo: duty@st-aldhelm.example\r\nSubject: =?utf-8?q?Exposure_=E2=80=93_high?=\r\n" +
		"MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nplain\r\n" +
		"--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>rich=20text</p>\r\n--b--\r\n"
	if err := send(m, "w@st-aldhelm.example", []string{"duty@st-aldhelm.example", "lead@st-aldhelm.example"}, strings.NewReader(letter)); err != nil {
		t.Fatal(err)
	}
	got := m.Messages()
	if len(got) != 2 {
		t.Fatalf("%d mails, want one for each recipient", len(got))
	}
	if got[0].At.IsZero() {
		t.Error("no time")
	}
	for i := range got {
		got[i].At = time.Time{}
	}
	want := sample.Mail{ID: "1", From: "w@st-aldhelm.example", To: "duty@st-aldhelm.example", Subject: "Exposure – high", Text: "plain", HTML: "<p>rich text</p>"}
	if got[1] != want || got[0].To != "lead@st-aldhelm.example" {
		t.Errorf("mails %+v, want %+v last", got, want)
	}
}

func TestMailboxClosesHoweverEarly(t *testing.T) {
	for range 200 {
		m, err := sample.StartMailbox(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		closed := make(chan error, 1)
		go func() { closed <- m.Close() }()
		select {
		case err := <-closed:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the mailbox does not close")
		}
	}
}

func TestMailboxKeepsTheLast200(t *testing.T) {
	m, err := sample.StartMailbox(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var to []string
	for i := range 41 {
		to = append(to, "p"+string(rune('A'+i%26))+"@st-aldhelm.example")
	}
	for range 5 {
		if err := send(m, "w@st-aldhelm.example", to, strings.NewReader("Subject: x\r\n\r\ny\r\n")); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(m.Messages()); n != 200 {
		t.Errorf("%d mails kept, want 200 of 205", n)
	}
}

func TestWriteDrop(t *testing.T) {
	one, two := t.TempDir(), filepath.Join(t.TempDir(), "made")
	for _, dir := range []string{one, two} {
		if err := sample.WriteDrop(dir); err != nil {
			t.Fatal(err)
		}
	}
	for name, holds := range map[string]string{
		"ulp-mix-november.txt": "\nhttps://vpn.oxlade-it.example/global-protect:p.lindgren@oxlade-it.example:Torque-Wrench-8\n",
		"combo-health-eu.txt":  "\nsecurity@ardlow-devices.example:Infusion-Delta-2\n",
	} {
		a, err := os.ReadFile(filepath.Join(one, name))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(two, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) || !bytes.Contains(a, []byte(holds)) || bytes.Count(a, []byte("\n")) < 20_000 {
			t.Errorf("%s differs, is short, or does not hold %q", name, holds)
		}
	}
	z, err := zip.OpenReader(filepath.Join(one, "log-[XX]4471.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	f, err := z.Open("XX[4471AB] [2026-11-21T08_12_44]/Passwords.txt")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(f)
	if err != nil || !strings.Contains(string(text), "Username: STALDHELM\\s.ibarra\nPassword: Monsoon~Ladder4\n") {
		t.Errorf("%v in the log: %q", err, text)
	}
}
