package match_test

import (
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

func escapeScanner(t testing.TB) *match.Scanner {
	return compile(t,
		term(t, risk.TermDomain, "hospital.example"),
		term(t, risk.TermBrand, "Acme Cloud"),
		term(t, risk.TermBrand, "Universitätsklinik"),
		term(t, risk.TermBrand, "AT&T"),
		term(t, risk.TermAccount, "j.doe@mail.test"),
		term(t, risk.TermADDomain, "STMARY"),
		term(t, risk.TermDomain, "münchen-klinik.example"),
		term(t, risk.TermIP, "192.0.2.0/24"),
	)
}

func TestEscapedTextIsReadAsItDecodes(t *testing.T) {
	const exact = "exact hospital.example=hospital.example"
	check(t, escapeScanner(t), []scanCase{
		{"URL, at sign", "user=jdoe%40hospital.example&x=1", []string{exact}},
		{"URL, dot", "hospital%2Eexample hospital%2eexample", []string{"exact hospital%2Eexample=hospital.example", "exact hospital%2eexample=hospital.example"}},
		{"URL inside a URL", "?next=https%3A%2F%2Fvpn.hospital.example%2Flogin", []string{"subdomain vpn.hospital.example=hospital.example"}},
		{"twice", "jdoe%2540hospital%25252Eexample", []string{"exact hospital%25252Eexample=hospital.example"}},
		{"letters", "%68ospita%6c.example", []string{"exact %68ospita%6c.example=hospital.example"}},
		{"all of it", "%68%6f%73%70%69%74%61%6c%2e%65%78%61%6d%70%6c%65", []string{"exact %68%6f%73%70%69%74%61%6c%2e%65%78%61%6d%70%6c%65=hospital.example"}},
		{"of a script", "%u0068ospital%u002eexample", []string{"exact %u0068ospital%u002eexample=hospital.example"}},
		{"goes on behind", "hospital.example%2Eevil.test hospital.example%2dx", []string{}},
		{"goes on in front", "not%2Dhospital.example", []string{}},
		{"local part", "hospital.example%40evil.test", []string{}},
		{"ends behind", "hospital.example%20x hospital.example%0A", []string{exact, exact}},
		{"no escape", "hospital.example%zz 100%hospital.example %4", []string{exact, exact}},
		{"name", "Acme%20Cloud acme+cloud Acme%2DCloud", []string{"brand Acme%20Cloud=Acme Cloud", "brand Acme%2DCloud=Acme Cloud"}},
		{"name in UTF-8", "Universit%C3%A4tsklinik", []string{"brand Universit%C3%A4tsklinik=Universitätsklinik"}},
		{"name in Latin-1", "Universit%E4tsklinik", []string{"brand Universit%E4tsklinik=Universitätsklinik"}},
		{"login", "STMARY%5Cjdoe:pw", []string{`account STMARY%5Cjdoe=STMARY`}},
		{"account", "user=j.doe%40mail.test&", []string{"account j.doe%40mail.test=j.doe@mail.test"}},
		{"other account", "user=xj.doe%40mail.test& j.doe%40mail.test%2Eevil", []string{}},
		{"address", "http%3A%2F%2F192.0.2.7%3A8080", []string{"ip 192.0.2.7=192.0.2.0/24"}},
		{"domain in Unicode", "m%C3%BCnchen-klinik.example", []string{"exact m%C3%BCnchen-klinik.example=xn--mnchen-klinik-wob.example"}},

		{"HTML, numbers", "jdoe&#64;hospital&#46;example jdoe&#x40;hospital&#x2E;example", []string{"exact hospital&#46;example=hospital.example", "exact hospital&#x2E;example=hospital.example"}},
		{"HTML, names", "jdoe&commat;hospital&period;example", []string{"exact hospital&period;example=hospital.example"}},
		{"HTML, all of it", "&#104;&#111;&#115;&#112;&#105;&#116;&#97;&#108;&#46;&#101;&#120;&#97;&#109;&#112;&#108;&#101;", []string{"exact &#104;&#111;&#115;&#112;&#105;&#116;&#97;&#108;&#46;&#101;&#120;&#97;&#109;&#112;&#108;&#101;=hospital.example"}},
		{"HTML, twice", "jdoe&amp;#64;hospital&amp;amp;#46;example", []string{"exact hospital&amp;amp;#46;example=hospital.example"}},
		{"HTML, no end", "jdoe&#64hospital.example", []string{exact}},
		{"HTML, name", "Universit&auml;tsklinik AT&amp;T Acme&nbsp;Cloud", []string{"brand Universit&auml;tsklinik=Universitätsklinik", "brand AT&amp;T=AT&T", "brand Acme&nbsp;Cloud=Acme Cloud"}},
		{"HTML, beside", "&lt;hospital.example&gt;", []string{exact}},
		{"HTML, none", "&unknown;hospital.example &#;hospital.example &", []string{exact, exact}},

		{"JSON", `"jdoe\u0040hospital\u002Eexample"`, []string{`exact hospital\u002Eexample=hospital.example`}},
		{"JSON in JSON", `"jdoe\\u0040hospital.example"`, []string{exact}},
		{"JSON, slashes", `"https:\/\/vpn.hospital.example\/login"`, []string{"subdomain vpn.hospital.example=hospital.example"}},
		{"JSON, line end", `"first\nhospital.example\r\nvpn.hospital.example\t"`, []string{exact, "subdomain vpn.hospital.example=hospital.example"}},
		{"JSON, name", `Universit\u00e4tsklinik Universit\xe4tsklinik`, []string{`brand Universit\u00e4tsklinik=Universitätsklinik`, `brand Universit\xe4tsklinik=Universitätsklinik`}},
		{"JSON, beyond 16 bits", `\ud83d\ude00hospital.example`, []string{exact}},
		{"JavaScript", `jdoe\x40hospital\x2eexample`, []string{`exact hospital\x2eexample=hospital.example`}},
		{"pattern", `hospital\.example`, []string{`exact hospital\.example=hospital.example`}},
		{"login that looks like an escape", `STMARY\nurse:pw STMARY\xavier:pw STMARY\xadmin STMARY\\nurse`, []string{`account STMARY\nurse=STMARY`, `account STMARY\xavier=STMARY`, `account STMARY\xadmin=STMARY`, `account STMARY\\nurse=STMARY`}},

		{"mail", "=C3=BC To: jdoe=40hospital=2Eexample", []string{"exact hospital=2Eexample=hospital.example"}},
		{"mail, soft line end", "=20 hospital.exa=\nmple hospital.=\r\nexample", []string{"exact hospital.exa=\nmple=hospital.example", "exact hospital.=\r\nexample=hospital.example"}},
		{"no mail", "id=40hospital.example x=\nhospital.example", []string{exact}},

		{"nobody shall click", "jdoe[at]hospital[.]example hxxps://vpn[.]hospital[.]example/ hospital(.)example", []string{"exact hospital[.]example=hospital.example", "subdomain vpn[.]hospital[.]example=hospital.example", "exact hospital(.)example=hospital.example"}},
		{"nor gather", "jdoe [at] hospital [dot] example, JDOE(AT)HOSPITAL(DOT)EXAMPLE", []string{"exact hospital [dot] example=hospital.example", "exact HOSPITAL(DOT)EXAMPLE=hospital.example"}},
		{"goes on in brackets", "hospital.example[.]evil.test not[-]hospital.example", []string{exact}},
		{"a meeting", "hospital.example (at) noon", []string{exact}},
		{"no brackets", "[hospital.example] (hospital.example) (att)hospital.example", []string{exact, exact, exact}},

		{"mixed", "https%3A%2F%2Fx.test?u=jdoe&#37;40", []string{}},
		{"escapes alone", "%40%2E%2E&#64;[.][at](dot)\\u0040=40", []string{}},
		{"far apart", "%40" + strings.Repeat("x ", 400) + "hospital.example" + strings.Repeat(" x", 400) + "%2E", []string{exact}},
		{"long label", strings.Repeat("a", 600) + "%2Ehospital.example", []string{"subdomain " + strings.Repeat("a", 600) + "%2Ehospital.example=hospital.example"}},
		{"very long label glued", strings.Repeat("a", 3000) + "hospital%2Eexample", []string{}},
	})
}

func TestOneByteText(t *testing.T) {
	check(t, escapeScanner(t), []scanCase{
		{"name", "Universit\xe4tsklinik UNIVERSIT\xc4TSKLINIK", []string{"brand Universit\xe4tsklinik=Universitätsklinik", "brand UNIVERSIT\xc4TSKLINIK=Universitätsklinik"}},
		{"glued", "Universit\xe4tsklinike \xe4Universit\xe4tsklinik", []string{}},
		{"domain", "jdoe@m\xfcnchen-klinik.example:pw", []string{"exact m\xfcnchen-klinik.example=xn--mnchen-klinik-wob.example"}},
		{"blank", "Acme\xa0Cloud Acme\x96Cloud", []string{"brand Acme\xa0Cloud=Acme Cloud", "brand Acme\x96Cloud=Acme Cloud"}},
		{"beside", "\xe9hospital.example\xff", []string{"exact hospital.example=hospital.example"}},
		{"two characters", "Universita\u0308tsklinik", []string{"brand Universita\u0308tsklinik=Universitätsklinik"}},
	})
}

// TestT08Disguises: characters that show nothing and letters that look like others never make an exact domain or an
// account, and are never missed. In a name they change nothing for its reader: soft hyphens belong to typesetting.
func TestT08Disguises(t *testing.T) {
	check(t, escapeScanner(t), []scanCase{
		{"hidden in a domain", "jdoe@hos\u200bpital.example hospi\u00adtal.exam\u2060ple", []string{"lookalike hos\u200bpital.example=hospital.example", "lookalike hospi\u00adtal.exam\u2060ple=hospital.example"}},
		{"written backwards", "\u202ehospital.example\u202c hospital\u202e.example", []string{"exact hospital.example=hospital.example", "lookalike hospital\u202e.example=hospital.example"}},
		{"hidden and escaped", "hos\u200bpital%2Eexample hos&#8203;pital.example hos%E2%80%8Bpital.example", []string{"lookalike hos\u200bpital%2Eexample=hospital.example", "lookalike hos&#8203;pital.example=hospital.example", "lookalike hos%E2%80%8Bpital.example=hospital.example"}},
		{"hidden in a name", "Universi\u00adtäts\u00adklinik Acme\u200b Cloud Ac\u200dme Cloud", []string{"brand Universi\u00adtäts\u00adklinik=Universitätsklinik", "brand Acme\u200b Cloud=Acme Cloud", "brand Ac\u200dme Cloud=Acme Cloud"}},
		{"hidden in an account", "j.d\u200boe@mail.test ST\u00adMARY\\jdoe", []string{"lookalike j.d\u200boe@mail.test=j.doe@mail.test", "lookalike ST\u00adMARY\\jdoe=STMARY"}},
		{"another script in a name", "Асme Сloud", []string{"lookalike Асme Сloud=Acme Cloud"}},
		{"another script in an account", "j.dоe@mail.test", []string{"lookalike j.dоe@mail.test=j.doe@mail.test"}},
		{"another script below a real domain", "pоrtal.hospital.example", []string{"subdomain pоrtal.hospital.example=hospital.example"}},
		{"another script, escaped", "h%D0%BEspital.example h\\u043espital.example", []string{"lookalike h%D0%BEspital.example=hospital.example", "lookalike h\\u043espital.example=hospital.example"}},
		{"full width", "ｈｏｓｐｉｔａｌ．example hospital。example hospital．example", []string{}},
	})
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{
		"jdoe%40hospital.example":                "jdoe@hospital.example",
		"jdoe [at] hospital[.]example":           "jdoe@hospital.example",
		"hxxps[:]//vpn[.]hospital[.]example/a":   "https://vpn.hospital.example/a",
		`https:\/\/hospital.example\/login`:      "https://hospital.example/login",
		"https%3A%2F%2Fhospital.example%2Flogin": "https://hospital.example/login",
		"jdoe&#64;hospital&period;example":       "jdoe@hospital.example",
		`STMARY\jdoe`:                            `STMARY\jdoe`,
		"100% (sure) [a] {b} = & %zz \\":         "100% (sure) [a] {b} = & %zz \\",
		"":                                       "",
		`Gr\u00f6\u00dfe \ud83d\ude00 \ud83d`:    "Größe 😀 \\ud83d",
		"a=40b":                                  "a=40b",
		"M%FCller":                               "Müller",
	} {
		if got := string(match.Unescape(nil, []byte(in))); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
