package extract_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

func FuzzIndicators(f *testing.F) {
	for _, seed := range []string{
		"https://vpn.hospital.example/login:jdoe:pa:ss\njdoe@lab.example:secret1 | Plan = x\n",
		"SOFT: Chrome\nURL: https://portal.lab.example/\nUSER: jdoe\nPASS: line\nline\n=====\n",
		"#HttpOnly_.portal.lab.example\tTRUE\t/\tTRUE\t1790000000\tSESSION\tabc123\r\n",
		"Meridian Lab\npassword: x lab.example joe@rival.test 192.0.2.7\n",
		"android://a/b+c==@lab.example/:u:p\n;:|\t lab.example",
		"\xff\xfe\x00STMARY\\jdoe:\u00e9\ufeff[\"a\" = \"lab.example\"]",
		"INSERT INTO `u` (`id`,`email`,`pass`) VALUES (1,'o\\'neil@lab.example','a''b'),(2,NULL,_binary 0x41),(3,N'jdoe@lab.example',CAST('x' AS y));\n",
		"INSERT INTO u VALUES(1,'svc-meridian','5f4dcc3b5aa765d61d8327deb882cf99'),(2,\"lab.example, ('x\",'');",
		"CREATE TABLE u (id int, email varchar(9) DEFAULT 'a,b)', pass text, KEY (id, pass));\nINSERT IGNORE INTO u VALUES (1,'jdoe@lab.example','x');\n",
		"COPY u (id, login, password) FROM stdin;\n1\tSTMARY\\\\jdoe\t\\N\n2\tjdoe@lab.example\tsecret1\n\\.\n",
		"id;email;password;salt\r\n1;\"jdoe@lab.example\";\"a\"\"b\";\n2;x@lab.example,5f4dcc3b5aa765d61d8327deb882cf99,y\n",
		`[{"_id":{"$oid":"1"},"email":"jdoe@lab.example","auth":{"password":"a\"\u0041","salt":1}},{"user":{"login":"svc-meridian"},"pwd":{"$numberLong":"1"},"x":[{}]}]`,
	} {
		f.Add([]byte(seed), uint16(0), uint16(0), uint8(0))
		f.Add([]byte(seed), uint16(9), uint16(5), uint8(6))
	}
	s := scanner(f)
	kinds := []risk.SourceKind{risk.SourceDrop, risk.SourcePaste, risk.SourceForum, risk.SourceLeakSite}
	f.Fuzz(func(t *testing.T, data []byte, lead, trail uint16, kind uint8) {
		// From the middle of a document, or from its beginning, where a table has its header.
		b := risk.Block{Place: risk.Place{Line: 7, Offset: 100 * int64(kind>>2&1)}, Source: kinds[int(kind)%len(kinds)], Data: data}
		b.Lead = min(int(lead), len(data))
		b.Trail = min(int(trail), len(data)-b.Lead)
		for _, in := range read(s, b) {
			checkIndicator(t, s, b, in)
		}
	})
}

// checkIndicator holds what must be true of whatever is read from whatever bytes.
func checkIndicator(t *testing.T, s *match.Scanner, b risk.Block, in risk.Indicator) {
	t.Helper()
	at := int(in.Place.Offset - b.Place.Offset)
	if at < b.Lead || at >= len(b.Data)-b.Trail {
		t.Fatalf("offset %d is outside the body %d…%d", at, b.Lead, len(b.Data)-b.Trail)
	}
	if want := 7 + bytes.Count(b.Data[:at], []byte("\n")); in.Place.Line != want {
		t.Fatalf("line %d, want %d", in.Place.Line, want)
	}
	for _, text := range []string{in.URL, in.Host, in.Account, in.Excerpt} {
		if !utf8.ValidString(text) {
			t.Fatalf("not UTF-8: %q", text)
		}
	}
	switch in.Kind {
	case risk.KindMention, risk.KindVictimClaim:
		if strings.Contains(in.Excerpt, "@") || utf8.RuneCountInString(in.Excerpt) > 400 || strings.Count(in.Excerpt, "\n") > 2 {
			t.Fatalf("excerpt %q", in.Excerpt)
		}
		if in.Account != "" || !in.Secret.Empty() {
			t.Fatalf("a mention with an account or a secret")
		}
	case risk.KindCredential:
		if strings.ContainsRune(in.Account+in.Host, utf8.RuneError) { // Latin-1, which the scanner reads and its questions do not
			break
		}
		_, _, byAccount := s.MatchAccount(in.Account)
		if realm, name, _ := strings.Cut(in.Account, `\`); !byAccount && name != "" { // lab.example\jdoe
			_, _, byAccount = s.MatchHost(realm)
		}
		_, _, byHost := s.MatchHost(in.Host)
		if in.Class == risk.ClassNone || !byAccount && !byHost {
			t.Fatalf("class %q, account %q and host %q: neither is watched", in.Class, in.Account, in.Host)
		}
	}
}
