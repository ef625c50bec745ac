package catalog_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/wardline/wardline/internal/catalog"
	"github.com/wardline/wardline/internal/risk"
)

func TestParseWatchlistReadsWhatIsGoodAndNamesTheRest(t *testing.T) {
	suppliers, problems := catalog.ParseWatchlist("w.csv", strings.NewReader("\ufeffValue,Kind,Supplier\r\n"+
		"Lab.Example,domain,Acme Lab\r\n"+
		"\r\n"+
		"\"Acme, Lab\",brand,acme lab\r\n"+
		"not a domain,domain,Acme Lab\r\n"+
		"\"open,brand,X\r\n"+
		"x.example,domain,\r\n"+
		"x.example,domain\r\n"+
		"x.example,colour,X\r\n"+
		"caf\xe9,brand,X\r\n"+
		"lab.example,domain,ACME LAB\r\n"+
		"192.0.2.0/24,ip,Other"))
	want := []risk.Supplier{
		{Name: "Acme Lab", Relation: risk.ThirdParty, Terms: []risk.WatchTerm{
			{Supplier: "Acme Lab", Kind: risk.TermDomain, Value: "lab.example"},
			{Supplier: "Acme Lab", Kind: risk.TermBrand, Value: "Acme, Lab"},
		}},
		{Name: "Other", Relation: risk.ThirdParty, Terms: []risk.WatchTerm{{Supplier: "Other", Kind: risk.TermIP, Value: "192.0.2.0/24"}}},
	}
	if len(suppliers) != len(want) {
		t.Fatalf("got %+v", suppliers)
	}
	for i, s := range suppliers {
		if s.Name != want[i].Name || s.Relation != want[i].Relation || len(s.Terms) != len(want[i].Terms) {
			t.Fatalf("supplier %d: got %+v, want %+v", i, s, want[i])
		}
		for j := range s.Terms {
			if s.Terms[j] != want[i].Terms[j] {
				t.Errorf("supplier %d, term %d: got %+v, want %+v", i, j, s.Terms[j], want[i].Terms[j])
			}
		}
	}
	wantProblems := []string{
		`w.csv:5: value: "not a domain" is not a domain name; write it as hospital.example, without https:// or a path.`,
		`w.csv:6: The line is not CSV: extraneous or missing " in quoted-field.`,
		`w.csv:7: The line names no supplier.`,
		`w.csv:8: The line has 2 fields where the header has 3.`,
		`w.csv:9: kind: "colour" is not a kind of watch term; the kinds are domain, host, brand, product, account, ad_domain and ip.`,
		`w.csv:10: The line is not UTF-8: save the file as CSV UTF-8.`,
	}
	for i, p := range problems {
		if i >= len(wantProblems) || p.Error() != wantProblems[i] {
			t.Errorf("problem %d: %v", i, p)
		}
	}
	if len(problems) != len(wantProblems) {
		t.Errorf("%d problems, want %d", len(problems), len(wantProblems))
	}
}

// Spreadsheets write empty columns behind the table.
func TestParseWatchlistWithEmptyColumns(t *testing.T) {
	suppliers, problems := catalog.ParseWatchlist("w.csv", strings.NewReader("supplier,kind,value,,\nAcme Lab,domain,lab.example,,\n"))
	if len(problems) > 0 || len(suppliers) != 1 || len(suppliers[0].Terms) != 1 {
		t.Errorf("%+v %v", suppliers, problems)
	}
}

func TestParseWatchlistNeedsItsHeader(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "w.csv:1: The file is empty; its first line must be supplier,kind,value.",
		"Acme,domain,lab.example\n": "w.csv:1: The header has no column supplier; it must be supplier,kind,value.",
	} {
		suppliers, problems := catalog.ParseWatchlist("w.csv", strings.NewReader(text))
		if len(suppliers) > 0 || len(problems) != 1 || problems[0].Error() != want {
			t.Errorf("%q: %v %v", text, suppliers, problems)
		}
	}
}

func TestReadWatchlistAnswersLineByLine(t *testing.T) {
	rows, err := catalog.ReadWatchlist(strings.NewReader("supplier,kind,value\nAcme Lab,DOMAIN, Lab.Example \n\nacme lab,domain,lab.example\n" +
		"Ac\x00me,brand,Acme\n" + strings.Repeat("x", 201) + ",brand,Acme\nAcme,colour,blue\n"))
	want := []risk.ImportRow{
		{Line: 2, Supplier: "Acme Lab", Kind: risk.TermDomain, Value: "lab.example"},
		{Line: 4, Supplier: "acme lab", Kind: risk.TermDomain, Value: "lab.example"},
		{Line: 5, Outcome: "rejected", Why: "The line holds a control character."},
		{Line: 6, Outcome: "rejected", Why: "name: The name is longer than 200 characters."},
		{Line: 7, Outcome: "rejected", Why: `kind: "colour" is not a kind of watch term; the kinds are domain, host, brand, product, account, ad_domain and ip.`},
	}
	if err != nil || !slices.Equal(rows, want) {
		t.Errorf("%v\n got %+v\nwant %+v", err, rows, want)
	}
}

func TestReadWatchlistKeepsWhatWasReadBeforeAFailure(t *testing.T) {
	broken := errors.New("connection lost")
	rows, err := catalog.ReadWatchlist(io.MultiReader(strings.NewReader("supplier,kind,value\nAcme,domain,lab.example\n"), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) || len(rows) != 1 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	suppliers, problems := catalog.ParseWatchlist("w.csv", iotest.ErrReader(broken))
	if len(suppliers) != 0 || len(problems) != 1 || problems[0].Error() != "read w.csv: connection lost" {
		t.Errorf("%v %v", suppliers, problems)
	}
}

func FuzzParseWatchlist(f *testing.F) {
	f.Add("supplier,kind,value\nAcme,domain,lab.example\n")
	f.Add("\ufeffvalue;kind\r\n\"x\"\"y\",,,\x00")
	f.Fuzz(func(t *testing.T, text string) {
		suppliers, _ := catalog.ParseWatchlist("w.csv", strings.NewReader(text))
		for _, s := range suppliers {
			if problems := s.Validate(); len(problems) > 0 {
				t.Fatalf("%q gave a supplier with %v", text, problems)
			}
		}
	})
}

func TestWatchlistAsSpreadsheetsWriteIt(t *testing.T) {
	text := "\ufeffsupplier;kind;value\r\n\"Klein; Söhne\";brand;\"Labor, Nord\"\r\nNord Labor;domain;nord.example\r\n"
	suppliers, problems := catalog.ParseWatchlist("w.csv", strings.NewReader(text))
	if len(problems) > 0 || len(suppliers) != 2 || suppliers[0].Name != "Klein; Söhne" || suppliers[0].Terms[0].Value != "Labor, Nord" || suppliers[1].Terms[0].Value != "nord.example" {
		t.Errorf("got %+v, %v", suppliers, problems)
	}
	for _, text := range []string{"\xff\xfes\x00u\x00p\x00", "supplier,kind,value\nM\xfcller,domain,mueller.example\n"} {
		_, problems := catalog.ParseWatchlist("w.csv", strings.NewReader(text))
		if len(problems) != 1 || !strings.Contains(problems[0].Error(), "save the file as CSV UTF-8") {
			t.Errorf("%q: %v", text, problems)
		}
	}
}
