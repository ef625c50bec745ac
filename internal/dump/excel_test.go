package dump_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/dump"
	"github.com/wardline/wardline/internal/risk"
)

type part struct{ name, text string }

// packed makes a zip of parts in their order.
func packed(t testing.TB, parts ...part) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, p := range parts {
		w, err := z.Create(p.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, p.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// workbook makes a workbook of two sheets.
func workbook(first, second, strings string) []part {
	return []part{
		{"[Content_Types].xml", `<Types/>`},
		{"xl/workbook.xml", `<?xml version="1.0" encoding="UTF-8"?><x:workbook xmlns:r="r"><x:sheets><x:sheet name="Users &amp; staff" sheetId="1" r:id="rId2"/>` +
			`<x:sheet name="Other" sheetId="2" r:id="rId1"/><x:sheet name="Again" sheetId="3" r:id="rId1"/><x:sheet name="Gone" sheetId="4" r:id="rId9"/></x:sheets></x:workbook>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships><Relationship Id="rId1" Type="t" Target="/xl/worksheets/sheet7.xml"/><Relationship Target="worksheets/Sheet1.xml" Id="rId2"/></Relationships>`},
		{"xl/worksheets/sheet1.xml", first}, {"xl/worksheets/sheet7.xml", second}, {"xl/sharedStrings.xml", strings},
	}
}

// textsIn reads a file and gives the text of each of its documents, and what was skipped.
func textsIn(t testing.TB, name string, data []byte, o dump.Options) (texts map[string]string, skipped []dump.Skip) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	texts = map[string]string{}
	skipped, err := dump.Blocks(t.Context(), path, o, func(b risk.Block) error {
		texts[b.Place.Entry] += string(b.Body())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts, skipped
}

func TestWorkbook(t *testing.T) {
	first := `<worksheet><sheetData>` +
		`<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="inlineStr"><is><t>note</t></is></c><c r="D1" t="s"><v>2</v></c></row>` +
		`<row r="2"><c r="A2"><v>7</v></c><c r="B2" t="s"><v>3</v></c><c r="D2" t="str"><f>CONCAT("a","b")</f><v>a&lt;b&#33;</v></c></row>` +
		`<row r="3"/><row r="4"><c r="A4" s="5"/></row>` +
		`<row r="5"><c r="A5"><v>8</v></c><c r="C5" t="inlineStr"><is><r><t xml:space="preserve">two "</t></r><r><t>lines"` + "\n" + `here</t></r><rPh><t>spoken</t></rPh></is></c></row>` +
		`</sheetData></worksheet>`
	strings := `<sst><si><t>id</t></si><si><t>email</t></si><si><r><rPr><b/></rPr><t>pass</t></r><r><t>word</t></r><rPh sb="0"><t>x</t></rPh></si><si><t><![CDATA[jdoe@lab.example]]></t></si></sst>`
	second := `<worksheet><!-- a <row> --><sheetData><row><c><v>1</v></c><c><v>2</v></c></row></sheetData></worksheet>`
	texts, skipped := textsIn(t, "users.bin", packed(t, workbook(first, second, strings)...), dump.Options{})
	want := map[string]string{
		"Users & staff": "id\temail\tnote\tpassword\n7\tjdoe@lab.example\t\ta<b!\n8\t\t\"two \"\"lines\"\"\nhere\"\t\n",
		"Other":         "1\t2\n",
	}
	if fmt.Sprint(texts) != fmt.Sprint(want) || len(skipped) > 0 {
		t.Errorf("got  %q\nwant %q\nskipped %v", texts, want, skipped)
	}
}

func TestWorkbookOfLibreOffice(t *testing.T) {
	content := `<?xml version="1.0"?><office:document-content><office:body><office:spreadsheet><table:table table:name="Users">` +
		`<table:table-row><table:table-cell office:value-type="string"><text:p>email</text:p></table:table-cell><table:table-cell table:number-columns-repeated="2"/><table:table-cell><text:p>password</text:p></table:table-cell><table:table-cell table:number-columns-repeated="16380"/></table:table-row>` +
		`<table:table-row><table:table-cell><text:p><text:a>jdoe@lab.example</text:a></text:p></table:table-cell><table:table-cell table:number-columns-repeated="2"><text:p>x</text:p></table:table-cell><table:table-cell><text:p>se<text:s/>cret</text:p></table:table-cell></table:table-row>` +
		`</table:table><table:table table:name="Two"><table:table-row><table:table-cell><text:p>1</text:p></table:table-cell></table:table-row></table:table></office:spreadsheet></office:body></office:document-content>`
	texts, skipped := textsIn(t, "x.ods", packed(t, part{"mimetype", "application/vnd.oasis.opendocument.spreadsheet"}, part{"content.xml", content}), dump.Options{})
	want := map[string]string{"Users": "email\t\t\tpassword\njdoe@lab.example\tx\tx\tse cret\n", "Two": "1\n"}
	if fmt.Sprint(texts) != fmt.Sprint(want) || len(skipped) > 0 {
		t.Errorf("got  %q\nwant %q\nskipped %v", texts, want, skipped)
	}
}

func TestOldWorkbookIsNamed(t *testing.T) {
	texts, skipped := textsIn(t, "x.xls", []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 jdoe@lab.example"), dump.Options{})
	if !strings.Contains(texts[""], "jdoe@lab.example") || len(skipped) != 1 || !strings.Contains(skipped[0].Why, ".xls") {
		t.Errorf("read %q, skipped %v", texts, skipped)
	}
}

// What is no workbook after all is a zip like any other.
func TestBrokenWorkbooksAreZips(t *testing.T) {
	parts := workbook("<worksheet/>", "<worksheet/>", "<sst/>")
	for name, change := range map[string]func(p *part){
		"entities":        func(p *part) { p.text = `<!DOCTYPE x [<!ENTITY a "&b;&b;">]>` + p.text },
		"no list of them": func(p *part) { p.name = strings.Replace(p.name, "workbook.xml.rels", "x.rels", 1) },
	} {
		changed := append([]part{{"docProps/jdoe@lab.example", "hidden"}}, parts...)
		change(&changed[3])
		texts, skipped := textsIn(t, "x.xlsx", packed(t, changed...), dump.Options{})
		if texts["docProps/jdoe@lab.example"] != "hidden" || len(skipped) != 1 || !strings.HasPrefix(skipped[0].Why, "read it as a workbook: ") {
			t.Errorf("%s: read %d, skipped %v", name, len(texts), skipped)
		}
	}
}

// The rows in front of a broken place are read, and the other sheets.
func TestWorkbookBreaksOff(t *testing.T) {
	row := `<row><c t="inlineStr"><is><t>jdoe@lab.example</t></is></c></row>`
	for name, text := range map[string]string{
		"in a tag":     "<worksheet>" + row + "<row><c",
		"doctype":      "<worksheet>" + row + "<!DOCTYPE x>" + row,
		"a huge tag":   "<worksheet>" + row + "<row " + strings.Repeat("x", 1<<20) + ">",
		"a binary one": "<worksheet>" + row + "\x00\x01",
	} {
		texts, skipped := textsIn(t, "x.xlsx", packed(t, workbook(text, "<worksheet>"+row+"</worksheet>", "<sst/>")...), dump.Options{})
		if texts["Users & staff"] != "jdoe@lab.example\n" || texts["Other"] != "jdoe@lab.example\n" {
			t.Errorf("%s: read %q", name, texts)
		}
		if fine := name == "in a tag"; fine != (len(skipped) == 0) {
			t.Errorf("%s: skipped %v", name, skipped)
		}
	}
}

// A small workbook that unpacks to gigabytes is left, and costs little memory. A row may claim thousands of columns, and
// a table of strings the memory of the machine.
func TestWorkbookBombs(t *testing.T) {
	for name, parts := range map[string][]part{
		"rows":    workbook("<worksheet>"+strings.Repeat(`<row><c r="XFD1"><v>1</v></c></row>`, 1<<18)+"</worksheet>", "<worksheet/>", "<sst/>"),
		"strings": workbook("<worksheet/>", "<worksheet/>", "<sst>"+strings.Repeat(`<si><t>`+strings.Repeat("x", 1000)+`</t></si>`, 20<<10)+"</sst>"),
		"text":    workbook("<worksheet><row><c><v>"+strings.Repeat("7", 24<<20)+"</v></c></row></worksheet>", "<worksheet/>", "<sst/>"),
	} {
		data := packed(t, parts...)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		path := filepath.Join(t.TempDir(), "x.xlsx")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		highest := uint64(0)
		skipped, err := dump.Blocks(t.Context(), path, dump.Options{MaxMemory: 8 << 20}, func(risk.Block) error {
			runtime.ReadMemStats(&after)
			highest = max(highest, after.HeapInuse)
			return nil
		})
		if err != nil || len(skipped) == 0 && name != "text" {
			t.Errorf("%s: skipped %v, %v", name, skipped, err)
		}
		if grown := int64(highest) - int64(before.HeapInuse); grown > 32<<20 {
			t.Errorf("%s: %d MiB of memory", name, grown>>20)
		}
	}
}

// A cell is a few bytes and stands for a text of a megabyte; a row of them is never held.
func TestARowOfLongTextsTakesNoMemory(t *testing.T) {
	text := strings.Repeat("logins of the clinic ", 50_000)
	sheet := "<worksheet><sheetData><row>" + strings.Repeat(`<c t="s"><v>0</v></c>`, 150) + "</row></sheetData></worksheet>"
	pages := `<office:table name="p"><table-row><table-cell number-columns-repeated="100"><p>` + text + `</p></table-cell></table-row></office:table>`
	dir := folder(t, map[string]string{
		"a.xlsx": string(packed(t, workbook(sheet, "<worksheet/>", "<sst><si><t>"+text+"</t></si></sst>")...)),
		"b.ods":  string(packed(t, part{"mimetype", "application/vnd.oasis.opendocument.spreadsheet"}, part{"content.xml", pages})),
	})
	got := measure(t, dir, dump.Options{MaxRatio: 1 << 30})
	if most := int64(180 << 20); got.out > most || got.out < 150<<20 || got.memory > 64<<20 || len(got.skipped) > 0 {
		t.Errorf("%d MiB came out, %d MiB taken, skipped %.300q", got.out>>20, got.memory>>20, got.skipped)
	}
}

// More parts than a workbook has are not held, whatever number the zip says.
func TestAZipOfManyPartsIsNoWorkbook(t *testing.T) {
	parts := workbook("<worksheet/>", "<worksheet/>", "<sst/>")
	for i := range 5000 {
		parts = append(parts, part{fmt.Sprint("xl/media/", i), "x"})
	}
	data := packed(t, parts...)
	data[len(data)-12] = 1 // of entries in all
	data[len(data)-11] = 0
	texts, _ := textsIn(t, "x.xlsx", data, dump.Options{})
	if len(texts) != len(parts) || texts["xl/media/4999"] != "x" {
		t.Errorf("%d of %d entries were read", len(texts), len(parts))
	}
}

func FuzzExcel(f *testing.F) {
	f.Add([]byte(`<worksheet><row><c r="B2" t="s"><v>0</v></c><c><is><t>x&amp;</t></is></c></row></worksheet>`), []byte(`<sst><si><t>a</t></si></sst>`))
	f.Add([]byte("<a b='>'><![CDATA[]]]]><!-- - --><row>\x00"), []byte("<si/><rPh></t></rPh>"))
	f.Fuzz(func(t *testing.T, sheet, strings []byte) {
		texts, _ := textsIn(t, "x.xlsx", packed(t, workbook(string(sheet), string(sheet), string(strings))...), dump.Options{})
		for name, text := range texts {
			if len(text) > 1<<24 {
				t.Fatalf("%s: %d bytes of %d", name, len(text), len(sheet))
			}
		}
		content := part{"content.xml", string(sheet)}
		textsIn(t, "x.ods", packed(t, part{"mimetype", ""}, content), dump.Options{})
	})
}
