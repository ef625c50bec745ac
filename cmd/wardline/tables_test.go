package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/dump"
	"github.com/wardline/wardline/internal/extract"
	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

// clinicScanner watches clinic.example.
func clinicScanner(t testing.TB) *match.Scanner {
	t.Helper()
	term, err := risk.NewWatchTerm(risk.TermDomain, "clinic.example")
	if err != nil {
		t.Fatal(err)
	}
	s, err := match.Compile([]risk.WatchTerm{term})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// credentialsIn reads a file as scan does, in blocks of a size, and writes down where each credential stands and what
// it is.
func credentialsIn(t testing.TB, s *match.Scanner, path string, blockBytes int) (found []string) {
	t.Helper()
	o := dump.Options{BlockBytes: blockBytes, Source: risk.SourceDrop, Context: extract.Context}
	skipped, err := dump.Blocks(context.Background(), path, o, func(b risk.Block) error {
		var hits []match.Hit
		s.Scan(b.Data, func(h match.Hit) { hits = append(hits, h) })
		extract.Indicators(s, b, hits, func(in risk.Indicator) {
			if in.Kind == risk.KindCredential {
				found = append(found, fmt.Sprintf("%s %d %d %s %s %s", in.Place.Entry, in.Place.Line, in.Place.Offset, in.Format, in.Account, in.Secret.Reveal()))
			}
		})
		return nil
	})
	if err != nil || len(skipped) > 0 {
		t.Fatal(err, skipped)
	}
	return found
}

// Wherever a table is cut into blocks, and however far in front of them its columns are named, the same is read of it.
func TestTablesAreReadTheSameHoweverTheyAreCut(t *testing.T) {
	s := clinicScanner(t)
	picture := strings.Repeat("iVBORw0KGgo+/AAA", 600)
	for _, c := range []struct {
		name, head, row, last string
		pictures              bool
	}{
		{"INSERT with a list", "-- MySQL dump\nINSERT INTO `u` (`id`,`mail`,`pic`,`pwd`) VALUES ", "(%d,'user%[1]d@clinic.example','%[2]s','pa''ss, (%[1]d)'),", "(0,NULL,NULL,NULL);\n", true},
		{"CREATE TABLE", "CREATE TABLE `u` (\n  `id` int,\n  `mail` text,\n  `pic` blob,\n  `pwd` text,\n  PRIMARY KEY (`id`)\n);\nINSERT INTO `u` VALUES\n", "(%d,'user%[1]d@clinic.example','%[2]s','secret%[1]d'),\n", "(0,NULL,NULL,NULL);\n", true},
		{"many tables", "CREATE TABLE public.u (id int, mail text, pic text, pwd text);\nCREATE TABLE public.v (id int, mail text, pic text, job text);\n",
			"INSERT INTO public.v VALUES (%d, 'v%[1]d@clinic.example', NULL, 'Nurse');\nINSERT INTO public.u VALUES (%[1]d, 'user%[1]d@clinic.example', '%[2]s', 'secret%[1]d');\n", "\n", true},
		{"COPY", "--\n-- PostgreSQL database dump\n--\nCOPY public.u (id, mail, pic, pwd) FROM stdin;\n", "%d\tuser%[1]d@clinic.example\t%[2]s\tsecret%[1]d\n", "\\.\n", false},
		{"CSV", "id;E-Mail;Bild;Kennwort\r\n", "%d;user%[1]d@clinic.example;%[2]s;secret%[1]d\r\n", "", false},
		{"JSON array", "[", `{"id":%d,"profile":{"mail":"user%[1]d@clinic.example","pic":"%[2]s"},"password":"secret%[1]d"},`, "{}]", true},
		{"JSON lines", "", `{"_id":{"$oid":"%d"},"pic":"%[2]s","mail":"user%[1]d@clinic.example","password":"secret%[1]d"}` + "\n", "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var text strings.Builder
			text.WriteString(c.head)
			rows := 0
			for ; text.Len() < 128<<10; rows++ {
				pic := "x"
				if c.pictures && rows%100 == 0 {
					pic = picture
				}
				fmt.Fprintf(&text, c.row, rows, pic)
			}
			text.WriteString(c.last)
			path := filepath.Join(t.TempDir(), "dump")
			if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			want := credentialsIn(t, s, path, 8<<20)
			if len(want) != rows {
				t.Fatalf("in one block %d of %d rows are read", len(want), rows)
			}
			// Some eighty borders, each at another place of a row.
			for size := 16 << 10; size < 32<<10; size += 1031 {
				if got := credentialsIn(t, s, path, size); !slices.Equal(got, want) {
					t.Fatalf("%d records in one block, %d in blocks of %d", len(want), len(got), size)
				}
			}
		})
	}
}

// A workbook with a sheet that must be read and one that must be refused: what is read names the sheet.
func TestWorkbookFromEndToEnd(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, part := range [][2]string{
		{"[Content_Types].xml", "<Types/>"},
		{"xl/workbook.xml", `<workbook><sheets><sheet name="Usuarios" r:id="rId1"/><sheet name="Pacientes" r:id="rId2"/></sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Target="worksheets/sheet2.xml"/></Relationships>`},
		{"xl/sharedStrings.xml", `<sst><si><t>Usuario</t></si><si><t>Correo electrónico</t></si><si><t>Contraseña</t></si><si><t>Notas</t></si><si><t>jdoe@clinic.example</t></si><si><t>Nombre</t></si><si><t>a &quot;quoted&quot;	pass</t></si></sst>`},
		{"xl/worksheets/sheet1.xml", `<worksheet><sheetData>` +
			`<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="s"><v>2</v></c><c r="D1" t="s"><v>3</v></c></row>` +
			`<row r="2"><c r="A2" t="inlineStr"><is><t>jdoe</t></is></c><c r="B2" t="s"><v>4</v></c><c r="C2" t="s"><v>6</v></c></row>` +
			`<row r="3"><c r="B3" t="inlineStr"><is><t>roe@clinic.example</t></is></c><c r="C3"><v>20240101</v></c><c r="D3" t="inlineStr"><is><t>two` + "\n" + `lines</t></is></c></row>` +
			`<row r="4"><c r="B4" t="inlineStr"><is><t>none@clinic.example</t></is></c><c r="D4" t="s"><v>3</v></c></row></sheetData></worksheet>`},
		{"xl/worksheets/sheet2.xml", `<worksheet><sheetData>` +
			`<row><c t="s"><v>5</v></c><c t="s"><v>1</v></c><c t="s"><v>3</v></c></row><row><c t="s"><v>5</v></c><c t="s"><v>4</v></c><c t="inlineStr"><is><t>5f4dcc3b5aa765d61d8327deb882cf99</t></is></c></row></sheetData></worksheet>`},
	} {
		w, err := z.Create(part[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(part[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "users.xlsx")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`Usuarios 2 56 csv jdoe@clinic.example a "quoted"	pass`,
		"Usuarios 3 97 csv roe@clinic.example 20240101",
	}
	if got := credentialsIn(t, clinicScanner(t), path, 1<<20); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
