package extract_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/extract"
	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

// inBlocks reads a document in blocks of a size, with 200 bytes of their neighbours at most.
func inBlocks(s *match.Scanner, text string, size int) []risk.Indicator {
	var found []risk.Indicator
	var known []byte
	for _, b := range blocksOf(document{"dump.sql", []byte(text)}, size, 200) {
		b.Context = known
		found = append(found, read(s, b)...)
		known = extract.Context(b)
	}
	return found
}

func TestColumnsAreKnownFarBehindTheirStatement(t *testing.T) {
	s := scanner(t)
	filler := strings.Repeat("INSERT INTO `log` VALUES (1,'nothing');\n", 2500)
	const row = "(2,'jdoe@lab.example','secret1')"
	for name, text := range map[string]string{
		"CREATE TABLE":     create + filler + "INSERT INTO `users` VALUES\n" + row + ";\n",
		"several tables":   create + strings.ReplaceAll(create, "users", "others") + filler + "INSERT INTO `users` VALUES " + row + ";\n",
		"list of INSERT":   "INSERT INTO `users` (`id`,`email`,`pwd`) VALUES\n" + strings.Repeat("(1,'a@other.test','x'),\n", 4000) + row + ";\n",
		"list, many lines": "INSERT INTO `users` (\n  `id`,\n  `email`,\n  `pwd`\n)\nVALUES\n" + strings.Repeat("(1,'a@other.test','x'),\n", 4000) + row + ";\n",
		"COPY":             "COPY u (id, email, pwd) FROM stdin;\n" + strings.Repeat("1\ta@other.test\tx\n", 6000) + "2\tjdoe@lab.example\tsecret1\n\\.\n",
		"another schema":   strings.ReplaceAll(create, "`users`", "`shop`.`users`") + create + filler + "INSERT INTO users VALUES " + row + ";\n",
	} {
		for _, size := range []int{50, 1000, 64 << 10, 16 << 20} {
			if got := briefs(inBlocks(s, text, size)); got != "sql employee jdoe@lab.example|secret1@" {
				t.Errorf("%s in blocks of %d: got %s", name, size, got)
			}
		}
	}
}

func TestHeaderIsKnownFarBehindIt(t *testing.T) {
	text := "sep=;\r\nnr;E-Mail;Kennwort\r\n" + strings.Repeat("1;a@other.test;x\r\n", 20000) + "2;jdoe@lab.example;secret1\r\n"
	for _, size := range []int{100, 64 << 10, 16 << 20} {
		if got := briefs(inBlocks(scanner(t), text, size)); got != "csv employee jdoe@lab.example|secret1@" {
			t.Errorf("in blocks of %d: got %s", size, got)
		}
	}
}

// A table that is created anew has its new columns, and one that was never created has none.
func TestTheLastDeclarationCounts(t *testing.T) {
	text := "CREATE TABLE u (email text, password text);\nCREATE TABLE u (email text, job text);\n" + strings.Repeat("\n", 500) +
		"INSERT INTO u VALUES ('jdoe@lab.example','Nurse');\nINSERT INTO v VALUES ('jdoe@lab.example','Nurse');\n"
	for _, in := range inBlocks(scanner(t), text, 100) {
		if in.Kind != risk.KindMention {
			t.Errorf("got %s", brief(in))
		}
	}
}

func TestContextIsSmallAndOnlyOfDatabases(t *testing.T) {
	list := fromFile(strings.Repeat("https://vpn.hospital.example/:jdoe:pass\n", 4000))
	if got := extract.Context(list); got != nil {
		t.Errorf("of a list: %q", got)
	}
	late := fromFile("CREATE TABLE u (email text, password text);\n")
	late.Place.Offset = 1 << 20
	if got := extract.Context(late); got != nil {
		t.Errorf("of a document that was silent for a megabyte: %q", got)
	}
	var tables bytes.Buffer
	for i := range 2000 {
		fmt.Fprintf(&tables, "CREATE TABLE table_of_a_long_name_%d (id int, email text, password text, more text);\n", i)
	}
	tables.WriteString("INSERT INTO x (\n" + strings.Repeat("a_column_without_an_end,\n", 100))
	known := extract.Context(fromFile(tables.String()))
	if len(known) > 48<<10 {
		t.Errorf("%d bytes", len(known))
	}
	b := fromFile("nothing new\n")
	b.Context = known
	if next := extract.Context(b); len(next) > 64<<10 {
		t.Errorf("grows to %d bytes", len(next))
	}
}

// What a block is given for its context may be anything.
func FuzzContext(f *testing.F) {
	f.Add([]byte("INSERT INTO u (email,pass) VALUES ('jdoe@lab.example','x');\nCREATE TABLE u (\nid int, email text"), []byte("Icab\nu\tabc\n\x00CREATE TABLE v (email text,"))
	f.Add([]byte("jdoe@lab.example\tsecret1\t\\N\n\\.\n"), []byte("Cbda\n\x00"))
	f.Add([]byte("(1,'jdoe@lab.example','x')"), []byte("I\xff\xfe\n\t\n\n\x00\x00"))
	s := scanner(f)
	f.Fuzz(func(t *testing.T, data, known []byte) {
		b := risk.Block{Place: risk.Place{Line: 7}, Source: risk.SourceDrop, Data: data, Context: known}
		for _, in := range read(s, b) {
			checkIndicator(t, s, b, in)
		}
		before := bytes.Clone(known)
		if next := extract.Context(b); len(next) > 80<<10+len(known) {
			t.Fatalf("%d bytes", len(next))
		}
		if !bytes.Equal(before, known) {
			t.Fatal("the context in front was written to")
		}
	})
}
