package extract_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/extract"
	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

// watched is the watchlist of these tests: a hospital, its laboratory, and a billing company.
var watched = []risk.WatchTerm{
	{SupplierID: 1, Supplier: "St. Mary", Kind: risk.TermDomain, Value: "hospital.example"},
	{SupplierID: 1, Supplier: "St. Mary", Kind: risk.TermDomain, Value: "stmary.hospital"},
	{SupplierID: 1, Supplier: "St. Mary", Kind: risk.TermADDomain, Value: "STMARY"},
	{SupplierID: 2, Supplier: "Meridian Lab", Kind: risk.TermDomain, Value: "lab.example"},
	{SupplierID: 2, Supplier: "Meridian Lab", Kind: risk.TermDomain, Value: "meridian.healthcare"},
	{SupplierID: 2, Supplier: "Meridian Lab", Kind: risk.TermBrand, Value: "Meridian Lab"},
	{SupplierID: 2, Supplier: "Meridian Lab", Kind: risk.TermAccount, Value: "svc-meridian"},
	{SupplierID: 3, Supplier: "Billing Inc", Kind: risk.TermDomain, Value: "billing.test"},
	{SupplierID: 3, Supplier: "Billing Inc", Kind: risk.TermIP, Value: "192.0.2.0/24"},
	{SupplierID: 3, Supplier: "Billing Inc", Kind: risk.TermIP, Value: "2001:db8::/32"},
}

func scanner(t testing.TB) *match.Scanner {
	t.Helper()
	var terms []risk.WatchTerm
	for _, w := range watched {
		term, err := risk.NewWatchTerm(w.Kind, w.Value)
		if err != nil {
			t.Fatal(err)
		}
		term.SupplierID, term.Supplier = w.SupplierID, w.Supplier
		terms = append(terms, term)
	}
	s, err := match.Compile(terms)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func read(s *match.Scanner, b risk.Block) []risk.Indicator {
	var hits []match.Hit
	s.Scan(b.Data, func(h match.Hit) { hits = append(hits, h) })
	var found []risk.Indicator
	extract.Indicators(s, b, hits, func(in risk.Indicator) { found = append(found, in) })
	return found
}

func fromFile(text string) risk.Block {
	return risk.Block{Place: risk.Place{Path: "list.txt", Line: 1}, Source: risk.SourceDrop, Data: []byte(text)}
}

// brief is what the tables compare: kind format class account|secret@host.
func brief(in risk.Indicator) string {
	if in.Kind == risk.KindMention || in.Kind == risk.KindVictimClaim {
		return string(in.Kind)
	}
	class := in.Class
	if class == risk.ClassNone {
		class = "-"
	}
	return fmt.Sprintf("%s %s %s|%s@%s", in.Format, class, in.Account, in.Secret.Reveal(), in.Host)
}

func briefs(found []risk.Indicator) string {
	var parts []string
	for _, in := range found {
		parts = append(parts, brief(in))
	}
	return strings.Join(parts, "; ")
}

func TestOneLine(t *testing.T) {
	s := scanner(t)
	for _, c := range []struct{ line, want string }{
		// url:login:password
		{"https://vpn.hospital.example/login:jdoe:pa:ss", "ulp customer jdoe|pa:ss@vpn.hospital.example"},
		{"https://vpn.hospital.example:8443/x:jdoe:secret1", "ulp customer jdoe|secret1@vpn.hospital.example"},
		{"https://vpn.hospital.example:8443:jdoe:secret1", "ulp customer jdoe|secret1@vpn.hospital.example"},
		{"https://vpn.hospital.example:jdoe:secret1", "ulp customer jdoe|secret1@vpn.hospital.example"},
		{"vpn.hospital.example/login:jdoe:secret1", "ulp customer jdoe|secret1@vpn.hospital.example"},
		{"vpn.hospital.example:jdoe:secret1", "ulp customer jdoe|secret1@vpn.hospital.example"},
		{"vpn.hospital.example:8443/login:jdoe:secret1", "ulp customer jdoe|secret1@vpn.hospital.example"},
		{"HTTPS://VPN.Hospital.Example/Login:JDoe:Secret1", "ulp customer JDoe|Secret1@vpn.hospital.example"},
		{"https://vpn.hospital.example/login?next=https://sso.other.test:8080/a:jdoe:secret1", "ulp customer jdoe|secret1@vpn.hospital.example"},
		{"https://vpn.hospital.example/a;jsessionid=12AB:jdoe:secret1", "ulp customer jdoe|secret1@vpn.hospital.example"},
		{"android://AbC/d+E9fgh==@com.other.app/:jdoe@lab.example:secret1", "ulp third_party jdoe@lab.example|secret1@com.other.app"},
		{"https://vpn.hospital.example/login|jdoe|pa|ss", "ulp customer jdoe|pa|ss@vpn.hospital.example"},
		{"https://vpn.hospital.example/login;jdoe;pa;ss", "ulp customer jdoe|pa;ss@vpn.hospital.example"},
		{"https://vpn.hospital.example/login\tjdoe\tpa ss", "ulp customer jdoe|pa ss@vpn.hospital.example"},
		{"https://vpn.hospital.example/login jdoe secret1", "ulp customer jdoe|secret1@vpn.hospital.example"},
		{"https://vpn.hospital.example/login jdoe:pa:ss", "ulp customer jdoe|pa:ss@vpn.hospital.example"},
		{"https://vpn.hospital.example/login:jdoe secret1", "ulp customer jdoe|secret1@vpn.hospital.example"},
		{"https://vpn.hospital.example/login|jdoe:pa|ss", "ulp customer jdoe|pa|ss@vpn.hospital.example"},
		{"https://vpn.hospital.example/login : jdoe : pa ss", "ulp customer jdoe|pa ss@vpn.hospital.example"},
		{`https://vpn.hospital.example/:STMARY\jdoe:pa:ss`, `ulp employee STMARY\jdoe|pa:ss@vpn.hospital.example`},
		{`https://mail.other.test/owa:STMARY\jdoe:secret1`, `ulp third_party STMARY\jdoe|secret1@mail.other.test`},
		{"https://shop.other.test/:a+b@lab.example:se!cret", "ulp third_party a+b@lab.example|se!cret@shop.other.test"},
		{"https://portal.lab.example/:jdoe@lab.example:secret1", "ulp employee jdoe@lab.example|secret1@portal.lab.example"},
		{"https://portal.lab.example/:patient@mail.test:secret1", "ulp customer patient@mail.test|secret1@portal.lab.example"},
		{"https://portal.lab.example/:+15550100:secret1", "ulp customer +15550100|secret1@portal.lab.example"},
		{"https://portal.lab.example/:4711:secret1", "ulp customer 4711|secret1@portal.lab.example"},
		{"https://portal.lab.example:5550100123:secret1", "ulp customer 5550100123|secret1@portal.lab.example"},
		{"https://portal.lab.example/:John Smith:secret1", "ulp customer John Smith|secret1@portal.lab.example"},
		{"https://portal.lab.example/:jdoe:", "ulp customer jdoe|@portal.lab.example"},
		{"https://portal.lab.example/:jdoe:UNKNOWN", "ulp customer jdoe|@portal.lab.example"},
		{"https://portal.lab.example/:jdoe:[NOT_SAVED]", "ulp customer jdoe|@portal.lab.example"},
		{"https://portal.lab.example/:UNKNOWN:secret1", "ulp customer |secret1@portal.lab.example"},
		{"https://portal.lab.example/::secret1", "ulp customer |secret1@portal.lab.example"},
		{"https://portal.lab.example/:jdoe@lab.example", "ulp employee jdoe@lab.example|@portal.lab.example"},
		{"https://login.stmary.hospital/:x@stmary.hospital:secret1", "ulp employee x@stmary.hospital|secret1@login.stmary.hospital"},
		{"https://other.test/:x@meridian.healthcare:secret1", "ulp third_party x@meridian.healthcare|secret1@other.test"},
		{"android://\xf3/x==@portal.lab.example/:jdoe:secret1", "ulp customer jdoe|secret1@portal.lab.example"},
		{"http://192.0.2.7/admin:root:toor", "ulp customer root|toor@192.0.2.7"},
		{"http://192.0.2.7:8080/admin:root:toor", "ulp customer root|toor@192.0.2.7"},
		{"http://[2001:db8::7]:8080/admin:root:toor", "ulp customer root|toor@2001:db8::7"},
		{"https://portal.lab.example./:jdoe@lab.example.:secret1", "ulp employee jdoe@lab.example.|secret1@portal.lab.example"},
		{"https://other.test/:lab.example:secret1", "mention"},
		{"\ufeffhttps://portal.lab.example/:jdoe:secret1\r", "ulp customer jdoe|secret1@portal.lab.example"},
		{"https://portal.lab.example/login:0170/1234567:pa:ss", "ulp customer 0170/1234567|pa:ss@portal.lab.example"},
		{"https://portal.lab.example/login: jdoe@mail.test: secret1", "ulp customer jdoe@mail.test|secret1@portal.lab.example"},
		// turned round
		{"jdoe:secret1:https://vpn.hospital.example/login", "ulp customer jdoe|secret1@vpn.hospital.example"},
		{"jdoe:pa:ss:https://vpn.hospital.example:8443/login", "ulp customer jdoe|pa:ss@vpn.hospital.example"},
		{"jdoe@lab.example|pa:ss|https://vpn.other.test", "ulp third_party jdoe@lab.example|pa:ss@vpn.other.test"},
		{"jdoe@lab.example:secret1 https://portal.lab.example/", "ulp employee jdoe@lab.example|secret1@portal.lab.example"},
		{"jdoe:secret1:vpn.hospital.example/login", "ulp customer jdoe|secret1@vpn.hospital.example"},
		{"jdoe:secret1:vpn.hospital.example", "ulp customer jdoe|secret1@vpn.hospital.example"},
		{"jdoe:pa:ss:vpn.hospital.example:8443", "ulp customer jdoe|pa:ss@vpn.hospital.example"},
		{"jdoe@mail.test|secret1|vpn.hospital.example:8443/login", "ulp customer jdoe@mail.test|secret1@vpn.hospital.example"},
		// login:password
		{"jdoe@lab.example:pa:ss", "combolist employee jdoe@lab.example|pa:ss@"},
		{"jdoe@lab.example;secret1", "combolist employee jdoe@lab.example|secret1@"},
		{"jdoe@lab.example|pa|ss", "combolist employee jdoe@lab.example|pa|ss@"},
		{"jdoe@lab.example,secret1", "combolist employee jdoe@lab.example|secret1@"},
		{"jdoe@lab.example\tsecret one", "combolist employee jdoe@lab.example|secret one@"},
		{"jdoe@lab.example secret1", "combolist employee jdoe@lab.example|secret1@"},
		{"jdoe@lab.example : secret1", "combolist employee jdoe@lab.example|secret1@"},
		{"jdoe@lab.example:secret with blanks", "combolist employee jdoe@lab.example|secret with blanks@"},
		{`"jdoe@lab.example","secret1"`, "combolist employee jdoe@lab.example|secret1@"},
		{`"jdoe@lab.example:secret1"`, "combolist employee jdoe@lab.example|secret1@"},
		{`'jdoe@lab.example':'secret1'`, "combolist employee jdoe@lab.example|secret1@"},
		{"a+b@lab.example:x!y", "combolist employee a+b@lab.example|x!y@"},
		{"x@stmary.hospital:secret1", "combolist employee x@stmary.hospital|secret1@"},
		{"x@meridian.healthcare:secret1", "combolist employee x@meridian.healthcare|secret1@"},
		{"J.Doe@Lab.Example:secret1", "combolist employee J.Doe@Lab.Example|secret1@"},
		{"jdoe@lab.example:secret1 | Plan = Premium | Country = US", "combolist employee jdoe@lab.example|secret1@"},
		{"jdoe@lab.example:pa | ss", "combolist employee jdoe@lab.example|pa | ss@"},
		{"jdoe@lab.example:null", "combolist employee jdoe@lab.example|@"},
		{"jdoe@lab.example:xxx", "combolist employee jdoe@lab.example|@"},
		{"4711:jdoe@lab.example:secret1", "combolist employee jdoe@lab.example|secret1@"},
		{`STMARY\jdoe:pa:ss`, `combolist employee STMARY\jdoe|pa:ss@`},
		{"svc-meridian:secret1", "combolist employee svc-meridian|secret1@"},
		// glued together in a text
		{"sample of it: jdoe@lab.example:Summer2024! and many more", "combolist employee jdoe@lab.example|Summer2024!@"},
		{"got (https://portal.lab.example/x:jdoe:secret1) too", "ulp customer jdoe|secret1@portal.lab.example"},
		{"https://portal.lab.example:5550100123:pa:ss", "ulp customer 5550100123|pa:ss@portal.lab.example"},
		// text
		{"https://other.test/:@lab.example:secret1", "mention"},
		{"https://portal.lab.example/login:note: hunter2x", "mention"},
		{"write to (jdoe@lab.example|asmith@lab.example) now", "mention"},
		{"contact: jdoe@lab.example for info", "mention"},
		{"Contact: Jdoe@Lab.Example", "mention"},
		{"jdoe@lab.example", "mention"},
		{"jdoe@lab.example:", "mention"},
		{"jdoe@lab.example: thanks for the quick answer", "mention"},
		{"jdoe@lab.example Manager", "mention"},
		{"jdoe@lab.example,Jane,Doe,5550100", "mention"},
		{"mailto:jdoe@lab.example", "mention"},
		{"jdoe@lab.example;asmith@lab.example", "mention"},
		{"jdoe@lab.example:jdoe@lab.example", "combolist employee jdoe@lab.example|jdoe@lab.example@"},
		{"https://portal.lab.example/login", "mention"},
		{"https://portal.lab.example/login is down", "mention"},
		{"https://portal.lab.example/login: jdoe@mail.test: wrote this", "mention"},
		{"portal.lab.example;www.other.test;mail.third.test", "mention"},
		{"https://portal.lab.example/login: Please note: it is down", "mention"},
		{"https://portal.lab.example:8443", "mention"},
		{"https://portal.lab.example/x:8443", "mention"},
		{"portal.lab.example is down", "mention"},
		{"portal.lab.example - great: call us", "mention"},
		{"Tip: see https://portal.lab.example/", "mention"},
		{"Contact: admin: https://portal.lab.example", "mention"},
		{"GET 200 https://portal.lab.example/x", "mention"},
		{"Meridian Lab: hacked", "mention"},
		{`{"email":"jdoe@lab.example","name":"Jane Doe"}`, "mention"},
		{"https://h\u043espital.example/login:jdoe:secret1", "mention"},
		{"https://other.test/:jdoe:lab.example", "mention"},
	} {
		if got := briefs(read(s, fromFile(c.line))); got != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.line, got, c.want)
		}
	}
}

func TestSecretKinds(t *testing.T) {
	s := scanner(t)
	for secret, want := range map[string]risk.SecretKind{
		"secret1":                                                      risk.SecretPlain,
		"5f4dcc3b5aa765d61d8327deb882cf99":                             risk.SecretMD5,
		"5f4dcc3b5aa765d61d8327deb882cf99:s4lt":                        risk.SecretMD5,
		"5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8":                     risk.SecretSHA1,
		strings.Repeat("ab", 32):                                       risk.SecretSHA256,
		strings.Repeat("AB", 64):                                       risk.SecretSHA512,
		"$2y$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234": risk.SecretBcrypt,
		"$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$aGFzaA":            risk.SecretArgon2,
		"$P$BabcdefghijklmnopqrstuvwxyzABCD":                           risk.SecretPHPass,
		"$6$salt$abcdefghijklmnopqrstuvwxyz":                           risk.SecretCrypt,
		"$2y$ short":                                                   risk.SecretPlain,
		"5f4dcc3b5aa765d61d8327deb882cf9g":                             risk.SecretPlain,
	} {
		found := read(s, fromFile("jdoe@lab.example:"+secret))
		if len(found) != 1 || found[0].Secret.Kind() != want || found[0].Secret.Reveal() != secret {
			t.Errorf("%s: got %s %v, want %s", secret, briefs(found), found, want)
		}
	}
}

func TestWeakSeparatorsCountInAList(t *testing.T) {
	s := scanner(t)
	list := "asmith@other.test hunter2x\nbjones@other.test princess\njdoe@lab.example sunshine\n"
	if got, want := briefs(read(s, fromFile(list))), "combolist employee jdoe@lab.example|sunshine@"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	staff := "asmith@other.test Nurse\njdoe@lab.example Manager\nbjones@other.test Porter\n"
	if got := briefs(read(s, fromFile(staff))); got != "mention" {
		t.Errorf("a list of staff: got %s, want a mention", got)
	}
}

func TestRecordThatConcernsTwoSuppliers(t *testing.T) {
	found := read(scanner(t), fromFile("https://vpn.hospital.example/x:jdoe@lab.example:secret1"))
	var got []string
	for _, in := range found {
		got = append(got, fmt.Sprintf("%s %s %s %s", in.Term.Supplier, in.Class, in.Term.Value, in.Match))
	}
	slices.Sort(got)
	want := []string{"Meridian Lab third_party lab.example exact", "St. Mary customer hospital.example subdomain"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestManyHitsAreOneRecord(t *testing.T) {
	found := read(scanner(t), fromFile("https://portal.lab.example/lab.example:jdoe@lab.example:lab.example\n"))
	if len(found) != 1 || found[0].Class != risk.ClassEmployee || found[0].Term.Value != "lab.example" || found[0].Match != risk.MatchExact {
		t.Errorf("got %s", briefs(found))
	}
}

func TestPlace(t *testing.T) {
	b := fromFile("first\n\nhttps://portal.lab.example/:jdoe:secret1\nx\njdoe@lab.example:secret2\n")
	b.Place.Line, b.Place.Offset = 101, 5000
	b.Posted = time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	found := read(scanner(t), b)
	if len(found) != 2 {
		t.Fatalf("got %s", briefs(found))
	}
	want := risk.Place{Path: "list.txt", Line: 103, Offset: 5000 + 7 + 8}
	if found[0].Place != want || !found[0].Posted.Equal(b.Posted) {
		t.Errorf("got %+v posted %v, want %+v", found[0].Place, found[0].Posted, want)
	}
	if found[1].Place.Line != 105 {
		t.Errorf("second line %d, want 105", found[1].Place.Line)
	}
	if found[0].URL != "https://portal.lab.example/" {
		t.Errorf("URL %q", found[0].URL)
	}
}

// A record that lies over the border of two blocks is reported once: by the block whose body holds its first hit.
func TestBlocksShareNoRecord(t *testing.T) {
	s := scanner(t)
	text := []byte("aaaa\nhttps://portal.lab.example/:jdoe@lab.example:secret1\nbbbb\n")
	for border := 1; border < len(text); border++ {
		first := risk.Block{Place: risk.Place{Line: 1}, Source: risk.SourceDrop, Data: text, Trail: len(text) - border}
		second := risk.Block{Place: risk.Place{Line: 1}, Source: risk.SourceDrop, Data: text, Lead: border}
		found := append(read(s, first), read(s, second)...)
		if len(found) != 1 || found[0].Account != "jdoe@lab.example" {
			t.Fatalf("border at %d: %s", border, briefs(found))
		}
	}
}

// A line that the edge of a block cuts, or that is longer than any record, is no credential: half a password would
// be another one.
func TestCutLines(t *testing.T) {
	s := scanner(t)
	b := fromFile("ttps://vpn.other.test/:jdoe@lab.example:secret1\nx\n")
	b.Place.Offset, b.Lead = 900, 1
	if got := briefs(read(s, b)); got != "mention" {
		t.Errorf("cut in front: got %s", got)
	}
	b = fromFile("x\njdoe@lab.example:secret and mo")
	b.Trail = 3
	if got := briefs(read(s, b)); got != "combolist employee jdoe@lab.example|secret@" {
		t.Errorf("cut at the end: got %s", got)
	}
	b = fromFile("see jdoe@lab.example:secret1")
	b.Trail = 1
	if got := briefs(read(s, b)); got != "mention" {
		t.Errorf("cut in its password: got %s", got)
	}
	if got := briefs(read(s, fromFile("jdoe@lab.example:"+strings.Repeat("x", 5000)))); got != "mention" {
		t.Errorf("no password is so long: got %s", got)
	}
	b = fromFile("INSERT INTO t VALUES " + strings.Repeat("(1,'a@other.test','x'),", 1000) + "(2,'jdoe@lab.example','secret1');")
	found := read(s, b)
	if got := briefs(found); got != "mention" || strings.Contains(found[0].Excerpt, "secret1") || strings.Contains(found[0].Excerpt, "@") {
		t.Errorf("long line: got %s, %+v", got, found)
	}
}

func TestCookies(t *testing.T) {
	s := scanner(t)
	found := read(s, fromFile("#HttpOnly_.portal.lab.example\tTRUE\t/\tTRUE\t1790000000\tSESSION\tabc123\r\n"+
		"lab.example\tFALSE\t/\tFALSE\t0\tsid\tv\n"+
		".other.test\tTRUE\t/\tTRUE\t0\tmail\tjdoe@lab.example\n"))
	if len(found) != 3 {
		t.Fatalf("got %s", briefs(found))
	}
	c := found[0]
	if c.Kind != risk.KindCookie || c.Host != "portal.lab.example" || c.Secret.Kind() != risk.SecretCookieValue || c.Secret.Reveal() != "abc123" || c.Class != risk.ClassNone {
		t.Errorf("got %+v", c)
	}
	if want := []risk.Fact{{Name: "cookie", Value: "SESSION"}}; !slices.Equal(c.Facts, want) {
		t.Errorf("facts %v, want %v", c.Facts, want)
	}
	if want := time.Date(2026, 9, 21, 14, 13, 20, 0, time.UTC); !c.UsableUntil.Equal(want) {
		t.Errorf("usable until %v, want %v", c.UsableUntil, want)
	}
	if found[1].Kind != risk.KindCookie || !found[1].UsableUntil.IsZero() {
		t.Errorf("session cookie: %+v", found[1])
	}
	if found[2].Kind != risk.KindMention || found[2].Excerpt != "[removed]" {
		t.Errorf("somebody else's cookie: %+v", found[2])
	}
}

func TestCookieExpiry(t *testing.T) {
	s := scanner(t)
	for _, c := range []struct{ expires, want string }{
		{"1790000000", "2026-09-21T14:13:20Z"},
		{"1790000000.531", "2026-09-21T14:13:20Z"},
		{"0", ""},
		{"-1", ""},
		{"13434473600000000", "2026-09-21T14:13:20Z"}, // microseconds since 1601
		{"1790000000000", "2026-09-21T14:13:20Z"},     // milliseconds
		{"1790000000000000", "2026-09-21T14:13:20Z"},  // microseconds
		{"9223372036854775807", ""},
		{"253402300799", "1978-01-11T21:31:40Z"},
	} {
		found := read(s, fromFile("lab.example\tTRUE\t/\tFALSE\t"+c.expires+"\tsid\tv\n"))
		if len(found) != 1 || found[0].Kind != risk.KindCookie {
			t.Errorf("%s: got %s", c.expires, briefs(found))
			continue
		}
		got := ""
		if until := found[0].UsableUntil; !until.IsZero() {
			got = until.Format(time.RFC3339)
		}
		if got != c.want {
			t.Errorf("%s: expires %q, want %q", c.expires, got, c.want)
		}
	}
}

func TestSevenColumnsAreNotYetACookie(t *testing.T) {
	for _, in := range read(scanner(t), fromFile("lab.example\tTRUE\t/\tmaybe\t1\ta\tb")) {
		if in.Kind == risk.KindCookie {
			t.Errorf("got %+v", in)
		}
	}
}

func TestTheNameItselfBeforeItsLike(t *testing.T) {
	found := read(scanner(t), fromFile("first h\u043espital.example\nthen www.hospital.example"))
	if len(found) != 1 || found[0].Match != risk.MatchSubdomain || found[0].Place.Line != 2 {
		t.Errorf("got %+v", found)
	}
}

func TestGarbageDoesNotPanic(t *testing.T) {
	s := scanner(t)
	for _, line := range []string{"", "\n", "@lab.example", ":lab.example", "lab.example:", "://lab.example", "android://lab.example", "https://:lab.example", "[\"lab.example", "\x00lab.example\xff:\xfe"} {
		read(s, fromFile(line))
	}
}
