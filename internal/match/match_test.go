package match_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

func term(t testing.TB, kind risk.TermKind, value string) risk.WatchTerm {
	t.Helper()
	w, err := risk.NewWatchTerm(kind, value)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func compile(t testing.TB, terms ...risk.WatchTerm) *match.Scanner {
	t.Helper()
	s, err := match.Compile(terms)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// hits writes every hit as "kind text=term".
func hits(s *match.Scanner, text string) []string {
	out := []string{}
	s.Scan([]byte(text), func(h match.Hit) {
		out = append(out, fmt.Sprintf("%s %s=%s", h.Kind, text[h.Start:h.End], s.Term(h.Term).Value))
	})
	return out
}

type scanCase struct {
	name, text string
	want       []string
}

func check(t *testing.T, s *match.Scanner, cases []scanCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for _, pad := range []int{0, 1, 7, 40, 57, 63, 64, 100} { // every place relative to a block's border
				text := strings.Repeat(" ", pad) + c.text
				if got := hits(s, text); !slices.Equal(got, c.want) {
					t.Fatalf("after %d spaces, %q\n got %q\nwant %q", pad, c.text, got, c.want)
				}
			}
		})
	}
}

func TestDomains(t *testing.T) {
	s := compile(t,
		term(t, risk.TermDomain, "hospital.example"),
		term(t, risk.TermDomain, "lab.co.test"),
		term(t, risk.TermHost, "vpn.base.test"),
		term(t, risk.TermDomain, "a.xx"),
		term(t, risk.TermDomain, "münchen-klinik.example"),
	)
	check(t, s, []scanCase{
		{"alone", "hospital.example", []string{"exact hospital.example=hospital.example"}},
		{"subdomain", "https://vpn.hospital.example/login:jdoe:pw", []string{"subdomain vpn.hospital.example=hospital.example"}},
		{"mixed case", "HosPital.EXAMPLE:443", []string{"exact HosPital.EXAMPLE=hospital.example"}},
		{"address", "j.doe@hospital.example:pw", []string{"exact hospital.example=hospital.example"}},
		{"cookie domain", ".hospital.example\tTRUE", []string{"exact hospital.example=hospital.example"}},
		{"end of sentence", "see hospital.example.", []string{"exact hospital.example=hospital.example"}},
		{"dots after", "vpn.hospital.example...", []string{"subdomain vpn.hospital.example=hospital.example"}},
		{"dots alone", ".. ... a.. .", []string{}},
		{"glued before", "nothospital.example", []string{}},
		{"hyphen before", "x-hospital.example", []string{}},
		{"underscore before", "x_hospital.example", []string{}},
		{"goes on", "hospital.example.evil.test", []string{}},
		{"longer top-level domain", "hospital.examplea", []string{}},
		{"hyphen after", "hospital.example-x", []string{}},
		{"local part", "hospital.example@evil.test", []string{}},
		{"local part with dot", "vpn.hospital.example.@evil.test", []string{}},
		{"letter beyond ASCII before", "éhospital.example", []string{}},
		{"letter beyond ASCII after", "hospital.exampleé", []string{}},
		{"Latin-1 byte is a border", "\xe9hospital.example\xff", []string{"exact hospital.example=hospital.example"}},
		{"byte-order mark", "\ufeffhospital.example:x", []string{"exact hospital.example=hospital.example"}},
		{"quotation marks", "„hospital.example“", []string{"exact hospital.example=hospital.example"}},
		{"three labels", "www.lab.co.test lab.co.test co.test xlab.co.test", []string{"subdomain www.lab.co.test=lab.co.test", "exact lab.co.test=lab.co.test"}},
		{"host", "vpn.base.test base.test mail.base.test x.vpn.base.test", []string{"exact vpn.base.test=vpn.base.test", "subdomain x.vpn.base.test=vpn.base.test"}},
		{"short", "x@a.xx b.a.xx ba.xx a.xxx", []string{"exact a.xx=a.xx", "subdomain b.a.xx=a.xx"}},
		{"two in a line", "hospital.example:a@hospital.example:p", []string{"exact hospital.example=hospital.example", "exact hospital.example=hospital.example"}},
		{"punycode", "www.xn--mnchen-klinik-wob.example", []string{"subdomain www.xn--mnchen-klinik-wob.example=xn--mnchen-klinik-wob.example"}},
		{"Unicode form", "MÜNCHEN-Klinik.example", []string{"exact MÜNCHEN-Klinik.example=xn--mnchen-klinik-wob.example"}},
		{"decomposed", "mu\u0308nchen-klinik.example", []string{"exact mu\u0308nchen-klinik.example=xn--mnchen-klinik-wob.example"}},
		{"long s and Kelvin sign", "hoſpital.example münchen-\u212alinik.example", []string{"exact hoſpital.example=hospital.example", "exact münchen-\u212alinik.example=xn--mnchen-klinik-wob.example"}},
		{"very long label", strings.Repeat("a", 300) + ".hospital.example", []string{"subdomain " + strings.Repeat("a", 300) + ".hospital.example=hospital.example"}},
		{"very long word glued", strings.Repeat("a", 300) + "hospital.example", []string{}},
	})
}

func TestLookalikesAreNeverExact(t *testing.T) {
	s := compile(t, term(t, risk.TermDomain, "hospital.example"), term(t, risk.TermDomain, "münchen.example"))
	check(t, s, []scanCase{
		{"Cyrillic letters", "hоspitаl.example", []string{"lookalike hоspitаl.example=hospital.example"}},
		{"below it", "vpn.hоspital.example", []string{"lookalike vpn.hоspital.example=hospital.example"}},
		{"accent", "hospitál.example", []string{"lookalike hospitál.example=hospital.example"}},
		{"punycode", "login@xn--hspital-9ig.example", []string{"lookalike xn--hspital-9ig.example=hospital.example"}},
		{"zero width inside", "hos\u200bpital.example", []string{"lookalike hos\u200bpital.example=hospital.example"}},
		{"soft hyphen inside", "hospi\u00adtal.example", []string{"lookalike hospi\u00adtal.example=hospital.example"}},
		{"zero width hides a name before", "evil\u200bhospital.example", []string{}},
		{"zero width hides a name after", "hospital.example\u200b.evil.test", []string{}},
		{"accent left out", "munchen.example", []string{"lookalike munchen.example=xn--mnchen-3ya.example"}},
		{"real domain, foreign subdomain", "pоrtal.hospital.example", []string{"subdomain pоrtal.hospital.example=hospital.example"}},
		{"lookalike as local part", "hоspital.example@evil.test", []string{}},
	})
}

func TestNames(t *testing.T) {
	s := compile(t,
		term(t, risk.TermBrand, "Acme Cloud"),
		term(t, risk.TermBrand, "Klinikübo"),
		term(t, risk.TermBrand, "St. Mary's Lab"),
		term(t, risk.TermProduct, "MedBill"),
		term(t, risk.TermBrand, "AT&T"),
		term(t, risk.TermBrand, "SAP"),
	)
	check(t, s, []scanCase{
		{"as written", "by Acme Cloud, Inc", []string{"brand Acme Cloud=Acme Cloud"}},
		{"other separators", "ACME-cloud acme_cloud acme \t- cloud", []string{"brand ACME-cloud=Acme Cloud", "brand acme_cloud=Acme Cloud", "brand acme \t- cloud=Acme Cloud"}},
		{"glued", "acmecloud acme clouds xacme cloud acme.cloud acme cloud9", []string{}},
		{"line between", "acme\ncloud", []string{}},
		{"product", "medbill MEDBILL_v2 medbills premedbill", []string{"brand medbill=MedBill", "brand MEDBILL=MedBill"}},
		{"beyond ASCII", "KLINIKÜBO klinikübo klinikubo Klinikübox", []string{"brand KLINIKÜBO=Klinikübo", "brand klinikübo=Klinikübo"}},
		{"touched beyond ASCII", "émedbill medbillé ümedbill", []string{}},
		{"Kelvin sign", "acme cloud \u212alinikübo", []string{"brand acme cloud=Acme Cloud", "brand \u212alinikübo=Klinikübo"}},
		{"long s", "ſap", []string{"brand ſap=SAP"}},
		{"punctuation", "St Mary's Lab; st. mary’s-lab; St.Marys Lab", []string{"brand St Mary's Lab=St. Mary's Lab", "brand st. mary’s-lab=St. Mary's Lab"}},
		{"ampersand", "at&t AT T att", []string{"brand at&t=AT&T"}},
		{"three letters", "sap SAPx xsap s a p", []string{"brand sap=SAP"}},
		{"Latin-1 neighbours", "\xe9medbill\xfc", []string{"brand medbill=MedBill"}},
	})
}

func TestAccounts(t *testing.T) {
	s := compile(t,
		term(t, risk.TermAccount, "j.doe@mail.test"),
		term(t, risk.TermAccount, "svc-backup"),
		term(t, risk.TermAccount, `OTHER\adm`),
		term(t, risk.TermADDomain, "STMARY"),
		term(t, risk.TermADDomain, "LAB-01"),
		term(t, risk.TermAccount, "ab"),
	)
	check(t, s, []scanCase{
		{"address", "J.Doe@Mail.test:pw", []string{"account J.Doe@Mail.test=j.doe@mail.test"}},
		{"other address", "xj.doe@mail.test +j.doe@mail.test j.doe@mail.testx j.doe@mail.test.evil.test", []string{}},
		{"end of sentence", "write to j.doe@mail.test.", []string{"account j.doe@mail.test=j.doe@mail.test"}},
		{"login", "host/svc-backup:pw SVC-BACKUP;pw", []string{"account svc-backup=svc-backup", "account SVC-BACKUP=svc-backup"}},
		{"part of a longer login", "svc-backup2 xsvc-backup svc-backup@x.test my.svc-backup", []string{}},
		{"AD login", `stmary\jdoe:pw`, []string{`account stmary\jdoe=STMARY`}},
		{"escaped", `"STMARY\\j.doe."`, []string{`account STMARY\\j.doe=STMARY`}},
		{"AD name alone", `STMARY STMARY\ xstmary\jdoe STMARY/jdoe`, []string{}},
		{"AD name with digits", `LAB-01\adm xlab-01\adm`, []string{`account LAB-01\adm=LAB-01`}},
		{"named AD login", `other\adm other\admin`, []string{`account other\adm=other\adm`}},
		{"two letters", "ab abc .ab ab.", []string{"account ab=ab", "account ab=ab"}},
	})
}

func TestAddresses(t *testing.T) {
	s := compile(t,
		term(t, risk.TermIP, "192.0.2.0/24"),
		term(t, risk.TermIP, "192.0.2.7"),
		term(t, risk.TermIP, "2001:db8::1"),
		term(t, risk.TermIP, "2001:db8:7::/48"),
	)
	check(t, s, []scanCase{
		{"in range", "http://192.0.2.200:8080/x", []string{"ip 192.0.2.200=192.0.2.0/24"}},
		{"narrowest", "192.0.2.7", []string{"ip 192.0.2.7=192.0.2.7"}},
		{"outside", "192.0.3.1 1192.0.2.1 192.0.2.1.5 192.0.2.256 192.0.2.07 192.0.2", []string{}},
		{"end of sentence", "from 192.0.2.9.", []string{"ip 192.0.2.9=192.0.2.0/24"}},
		{"part of a name", "x192.0.2.9 192.0.2.9.evil.test 192.0.2.9-x", []string{}},
		{"IPv6", "https://[2001:DB8::1]:443/", []string{"ip 2001:DB8::1=2001:db8::1"}},
		{"IPv6 written out", "2001:0db8:0:0:0:0:0:0001", []string{"ip 2001:0db8:0:0:0:0:0:0001=2001:db8::1"}},
		{"IPv6 before a login", "2001:db8::1:user:pw", []string{"ip 2001:db8::1=2001:db8::1"}},
		{"IPv6 range", "2001:db8:7:1::5", []string{"ip 2001:db8:7:1::5=2001:db8:7::/48"}},
		{"other IPv6", "2001:db8::2 12001:db8::1 a:2001:db8::1", []string{}},
	})
}

func TestSameTokenForSeveralTerms(t *testing.T) {
	a := term(t, risk.TermDomain, "hospital.example")
	b := term(t, risk.TermHost, "hospital.example")
	s := compile(t, a, b, term(t, risk.TermDomain, "vpn.hospital.example"), term(t, risk.TermBrand, "hospital"))
	want := []string{"exact hospital.example=hospital.example", "exact hospital.example=hospital.example"}
	got := hits(s, "hospital.example")
	if len(got) != 3 || got[0] != "brand hospital=hospital" || !slices.Equal(got[1:], want) {
		t.Errorf("got %q", got)
	}
	if got := hits(s, "vpn.hospital.example"); len(got) != 2 || got[0] != "exact vpn.hospital.example=vpn.hospital.example" {
		t.Errorf("the longest suffix alone: got %q", got)
	}
}

func TestMatchHostAndAccount(t *testing.T) {
	s := compile(t,
		term(t, risk.TermDomain, "hospital.example"),
		term(t, risk.TermIP, "192.0.2.0/24"),
		term(t, risk.TermADDomain, "STMARY"),
		term(t, risk.TermAccount, "boss@private.test"),
		term(t, risk.TermIP, "2001:db8::1"),
	)
	type answer struct {
		term int
		kind risk.MatchKind
		ok   bool
	}
	answerOf := func(term int, kind risk.MatchKind, ok bool) answer {
		if !ok {
			return answer{}
		}
		return answer{term, kind, true}
	}
	hosts := map[string]answer{
		"Hospital.example.":          {0, risk.MatchExact, true},
		"vpn.hospital.example":       {0, risk.MatchSubdomain, true},
		"nothospital.example":        {},
		"hоspital.example":           {0, risk.MatchLookalike, true},
		"xn--hspital-9ig.example":    {0, risk.MatchLookalike, true},
		"192.0.2.4":                  {1, risk.MatchIP, true},
		"[2001:db8::1]":              {4, risk.MatchIP, true},
		"":                           {},
		".":                          {},
		"hospital.example.evil.test": {},
	}
	for host, want := range hosts {
		term, kind, ok := s.MatchHost(host)
		if got := (answer{term, kind, ok}); got != want {
			t.Errorf("host %q: got %v, want %v", host, got, want)
		}
	}
	accounts := map[string]answer{
		"jdoe@hospital.example":      {0, risk.MatchExact, true},
		"jdoe@eu.hospital.example":   {0, risk.MatchSubdomain, true},
		`stmary\jdoe`:                {2, risk.MatchAccount, true},
		`stmary\`:                    {},
		"Boss@private.test":          {3, risk.MatchAccount, true},
		"other@private.test":         {},
		"hospital.example@evil.test": {},
		"hospital.example":           {},
		"":                           {},
	}
	for account, want := range accounts {
		term, kind, ok := s.MatchAccount(account)
		if got := (answer{term, kind, ok}); got != want {
			t.Errorf("account %q: got %v, want %v", account, got, want)
		}
	}

	// The same without look-alikes.
	long := strings.Repeat("x", 300)
	hosts[long+".hospital.example"] = answer{0, risk.MatchSubdomain, true}
	accounts[long+"@hospital.example"] = answer{0, risk.MatchExact, true}
	accounts["jdoe@hоspital.example"] = answer{0, risk.MatchLookalike, true}
	for host, want := range hosts {
		if want.kind == risk.MatchLookalike {
			want = answer{}
		}
		if got := answerOf(s.FindHost([]byte(host))); got != want {
			t.Errorf("host %q without look-alikes: got %v, want %v", host, got, want)
		}
	}
	for account, want := range accounts {
		if want.kind == risk.MatchLookalike {
			want = answer{}
		}
		if got := answerOf(s.FindAccount([]byte(account))); got != want {
			t.Errorf("account %q without look-alikes: got %v, want %v", account, got, want)
		}
	}
}

func TestCompileNamesWhatCannotBeWatched(t *testing.T) {
	_, err := match.Compile([]risk.WatchTerm{{Kind: risk.TermAccount, Value: "-_-"}})
	if err == nil || !strings.Contains(err.Error(), `watch term 0 (account "-_-")`) {
		t.Errorf("got %v", err)
	}
}

func TestNothingIsAllocatedForBytesThatDoNotMatch(t *testing.T) {
	s := compile(t, term(t, risk.TermDomain, "hospital.example"), term(t, risk.TermBrand, "Acme Cloud"), term(t, risk.TermIP, "192.0.2.0/24"))
	text := []byte(strings.Repeat("https://www.other.test/login:j.doe@mail.test:Pässwort 10.1.2.3 xn--mnchen-3ya.test Größe.test\n", 200))
	count := 0
	visit := func(match.Hit) { count++ }
	s.Scan(text, visit)
	// The race detector makes the pool forget its cursors now and then; a single allocation a line would be 200.
	if n := testing.AllocsPerRun(20, func() { s.Scan(text, visit) }); n > 8 || count > 0 {
		t.Errorf("%v allocations for 200 lines, %d hits", n, count)
	}
}

// A watchlist that was checked always compiles: one odd term must not blind the scanner for all others.
func TestWhatNewWatchTermTakesCompiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom(risk.TermKinds).Draw(t, "kind")
		value := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune("a1-_.@\\„\u0301é :/")))).Draw(t, "value")
		if kind == risk.TermIP {
			value = rapid.StringMatching(`[0-9a-f:.]{1,20}(/[0-9]{1,3})?`).Draw(t, "address")
		}
		w, err := risk.NewWatchTerm(kind, value)
		if err != nil {
			return
		}
		if _, err := match.Compile([]risk.WatchTerm{w}); err != nil {
			t.Fatal(err)
		}
		if err := match.Check(w); err != nil {
			t.Fatal(err)
		}
	})
}
