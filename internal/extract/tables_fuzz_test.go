package extract_test

import (
	"testing"

	"github.com/wardline/wardline/internal/extract"
	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

func FuzzSQL(f *testing.F) {
	fuzzTable(f, "CREATE TABLE `u` (`id` int, `email` text, `pass` text, `salt` text);\nINSERT INTO `u` VALUES ", []string{
		"(1,'jdoe@lab.example','a''b\\'c','s'),(2,N'x',E'\\\\',_binary 0x41),(3,NULL,X'41'||'b','\\x41'::bytea);\n",
		"(1,'jdoe@lab.example',CAST('x' AS y),0x);\n\nINSERT INTO v (email, pass)\nVALUES\n('svc-meridian','x');COPY u (id) FROM stdin;\n\\.\n",
		"(1,NULL,'',0);\nINSERT INTO u SET email='jdoe@lab.example',\n pass = 'a''b', n=NOW() ON DUPLICATE KEY UPDATE x=1;\nREPLACE u SET pass=0x41, a.email=\"svc-meridian\"\n",
		"('a, (1,''jdoe@lab.example'',2)','x'),(((,',(\"lab.example',(",
	})
}

func FuzzCSV(f *testing.F) {
	fuzzTable(f, "sep=;\nid;E-Mail;Kennwort;url\n", []string{
		"1;jdoe@lab.example;\"a;b\n\"\"c\";https://vpn.hospital.example/\n2;\"x\n;jdoe@lab.example\";y;\n",
		"1\tjdoe@lab.example\tx\n| 1 | jdoe@lab.example | x | y |\n\"\"\"\n\"jdoe@lab.example\";;;\n",
	})
}

func FuzzJSON(f *testing.F) {
	fuzzTable(f, "", []string{
		`{"user":{"email":"jdoe@lab.example"},"credentials":[{"password":"\u00e9\ud83d\ude00\/"}],"x":[1,[2,{"a":{}}]]}` + "\n",
		`{'email': 'jdoe@lab.example', u'password': "it's", "n": {"$numberLong": "1"}, "_id" : ObjectId("x"),}`,
		`{"a":{"b":{"email":"jdoe@lab.example"},"c":[{"password":"x"},{}]},"url":"https:\/\/vpn.hospital.example\/"`,
	})
}

// fuzzTable reads what stands behind the beginning of a document, and wants the same read when it is cut anywhere.
func fuzzTable(f *testing.F, head string, seeds []string) {
	for _, seed := range seeds {
		f.Add([]byte(seed), uint16(40))
	}
	s := scanner(f)
	f.Fuzz(func(t *testing.T, rest []byte, border uint16) {
		data := append(append([]byte(head), rest...), '\n') // a line without an end may go on behind a trail
		whole := risk.Block{Place: risk.Place{Line: 7}, Source: risk.SourceDrop, Data: data}
		found := read(s, whole)
		for _, in := range found {
			checkIndicator(t, s, whole, in)
		}
		cut := min(int(border), len(data))
		first, second := whole, whole
		first.Trail, second.Lead = len(data)-cut, cut
		second.Context = extract.Context(first)
		if parts := credentials(s, first) + credentials(s, second); parts != credentials(s, whole) {
			t.Fatalf("cut at %d: %q\nwhole: %q", cut, parts, credentials(s, whole))
		}
	})
}

// credentials are those of a block, in a line each.
func credentials(s *match.Scanner, b risk.Block) (all string) {
	for _, in := range read(s, b) {
		if in.Kind == risk.KindCredential {
			all += brief(in) + "\n"
		}
	}
	return all
}
