package extract_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/extract"
	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

var update = flag.Bool("update", false, "write what is read from the golden samples as what is expected")

// golden holds a folder for each format:
//
//	read.txt     a sample that must be read (the ending is free)
//	read.json    the records in it, one JSON object a line
//	refuse.txt   a sample that looks like the format and holds no record of a watched organisation
//	any other    the system file of the same stealer log, under the name that it has there; its facts are in read.json
const golden = "testdata/golden"

// TestGolden reads every sample as one block and cut into small ones, and counts over all of them what was read of what
// is there. One wrong or missing record fails.
func TestGolden(t *testing.T) {
	folders, err := os.ReadDir(golden)
	if err != nil {
		t.Fatal(err)
	}
	s := scanner(t)
	table := []string{fmt.Sprintf("%-24s %9s %9s %9s", "format", "records", "precision", "recall")}
	for _, folder := range folders {
		t.Run(folder.Name(), func(t *testing.T) {
			var sum tally
			sample := loadSample(t, filepath.Join(golden, folder.Name()))
			if *update {
				sample.write(t, s)
			}
			sum.count(t, s, sample.read, sample.expected, sample.facts)
			sum.count(t, s, sample.refuse, nil, sample.facts)
			table = append(table, fmt.Sprintf("%-24s %9d %9.2f %9.2f", folder.Name(), len(sample.expected), sum.precision(), sum.recall()))
			if len(sample.expected) == 0 {
				t.Error("the sample to be read holds no record")
			}
		})
	}
	t.Log("\n" + strings.Join(table, "\n"))
}

// sample is one folder of the golden corpus.
type sample struct {
	folder       string
	read, refuse document
	facts        []risk.Fact
	expected     []string // lines of read.json
}

type document struct {
	name string
	text []byte
}

func loadSample(t *testing.T, folder string) sample {
	t.Helper()
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	sample := sample{folder: folder}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(folder, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := strings.Cut(f.Name(), ".")
		switch d := (document{f.Name(), text}); {
		case f.Name() == "read.json":
			sample.expected = strings.FieldsFunc(string(text), func(c rune) bool { return c == '\n' })
		case kind == "read":
			sample.read = d
		case kind == "refuse":
			sample.refuse = d
		default:
			if sample.facts = extract.Machine(d.name, d.text); len(sample.facts) == 0 {
				t.Errorf("%s tells nothing of the machine", d.name)
			}
		}
	}
	if sample.read.text == nil || sample.refuse.text == nil {
		t.Fatalf("%s needs a sample to read and one to refuse", folder)
	}
	return sample
}

func (g *sample) write(t *testing.T, s *match.Scanner) {
	t.Helper()
	g.expected = records(t, s, g.read, len(g.read.text)+1, 0, g.facts)
	if err := os.WriteFile(filepath.Join(g.folder, "read.json"), []byte(strings.Join(g.expected, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// tally counts records over samples and cuts.
type tally struct{ right, wrong, missing int }

func (c tally) precision() float64 { return share(c.right, c.wrong) }
func (c tally) recall() float64    { return share(c.right, c.missing) }

func share(part, rest int) float64 {
	if part+rest == 0 {
		return 1
	}
	return float64(part) / float64(part+rest)
}

// count reads a document whole and cut in many ways. The overlap is what dump leaves at least to either side.
func (c *tally) count(t *testing.T, s *match.Scanner, d document, want []string, facts []risk.Fact) {
	t.Helper()
	const overlap = 4 << 10
	for _, size := range []int{len(d.text) + 1, 1000, 333, 100, 31, 5} {
		got := records(t, s, d, size, overlap, facts)
		missing := less(want, got)
		wrong := less(got, want)
		c.right += len(want) - len(missing)
		c.missing += len(missing)
		c.wrong += len(wrong)
		if len(missing)+len(wrong) > 0 {
			t.Errorf("%s in blocks of %d bytes\nnot read:\n  %s\nread but not there:\n  %s", d.name, size,
				strings.Join(missing, "\n  "), strings.Join(wrong, "\n  "))
		}
	}
}

// less gives what is in a and not in b, each as often as it is there more.
func less(a, b []string) (rest []string) {
	b = slices.Clone(b)
	for _, x := range a {
		if i := slices.Index(b, x); i >= 0 {
			b = slices.Delete(b, i, i+1)
			continue
		}
		rest = append(rest, x)
	}
	return rest
}

// records reads a document in blocks of a size and writes down what is read of it, mentions apart.
func records(t *testing.T, s *match.Scanner, d document, size, overlap int, facts []risk.Fact) []string {
	t.Helper()
	lines := []string{}
	var known []byte
	for _, b := range blocksOf(d, size, overlap) {
		b.Facts, b.Context = facts, known
		known = extract.Context(b)
		for _, in := range read(s, b) {
			if in.Kind == risk.KindMention || in.Kind == risk.KindVictimClaim {
				continue
			}
			lines = append(lines, recordLine(t, in))
		}
	}
	return lines
}

// recordLine writes an indicator down. A fact's name is written once; facts of one name follow each other.
func recordLine(t *testing.T, in risk.Indicator) string {
	t.Helper()
	facts := map[string]string{}
	for _, f := range in.Facts {
		if old, twice := facts[f.Name]; twice {
			f.Value = old + " / " + f.Value
		}
		facts[f.Name] = f.Value
	}
	var until string
	if !in.UsableUntil.IsZero() {
		until = in.UsableUntil.Format(time.RFC3339)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(struct {
		Line        int               `json:"line"`
		Kind        string            `json:"kind"`
		Format      string            `json:"format"`
		Class       string            `json:"class,omitempty"`
		Supplier    string            `json:"supplier"`
		URL         string            `json:"url,omitempty"`
		Host        string            `json:"host,omitempty"`
		Account     string            `json:"account,omitempty"`
		SecretKind  string            `json:"secret_kind,omitempty"`
		Secret      string            `json:"secret,omitempty"`
		UsableUntil string            `json:"usable_until,omitempty"`
		Facts       map[string]string `json:"facts,omitempty"`
	}{in.Place.Line, string(in.Kind), string(in.Format), string(in.Class), in.Term.Supplier, in.URL, in.Host, in.Account,
		string(in.Secret.Kind()), in.Secret.Reveal(), until, facts}); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// blocksOf lays a document out as dump does: bodies end with a line where one ends in them, whole lines stand before
// and after where there is room for them, and the document's head goes with every block that does not begin with it.
func blocksOf(d document, size, overlap int) []risk.Block {
	text := bytes.TrimPrefix(d.text, []byte("\xef\xbb\xbf"))
	mark := int64(len(d.text) - len(text))
	var blocks []risk.Block
	for at := 0; at < len(text); {
		end := min(at+size, len(text))
		if i := bytes.LastIndexByte(text[at:end], '\n'); i >= 0 && end < len(text) {
			end = at + i + 1
		}
		start := max(at-overlap, 0)
		if start > 0 && text[start-1] != '\n' {
			if i := bytes.IndexByte(text[start:at], '\n'); i >= 0 {
				start += i + 1
			}
		}
		after := min(end+overlap, len(text))
		if i := bytes.LastIndexByte(text[end:after], '\n'); i >= 0 && after < len(text) {
			after = end + i + 1
		}
		b := risk.Block{
			Place:  risk.Place{Path: d.name, Line: 1 + bytes.Count(text[:start], []byte("\n")), Offset: mark + int64(start)},
			Source: risk.SourceDrop, Data: text[start:after:after], Lead: at - start, Trail: after - end, Lines: true,
		}
		if start > 0 {
			b.Head = text[:min(len(text), 4<<10)]
		}
		blocks = append(blocks, b)
		at = end
	}
	return blocks
}

// The corpus has what the reader promises: a folder for each of these.
func TestGoldenFormats(t *testing.T) {
	folders, err := os.ReadDir(golden)
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, f := range folders {
		have[f.Name()] = true
	}
	for _, name := range goldenFormats {
		if !have[name] {
			t.Errorf("no sample of %s", name)
		}
		delete(have, name)
	}
	if len(have) > 0 {
		t.Logf("more than promised: %v", slices.Sorted(maps.Keys(have)))
	}
}

var goldenFormats = []string{
	"ulp", "combolist", "redline", "lumma", "vidar", "stealc", "raccoon", "atomic", "keychain", "stealer_unknown",
	"rhadamanthys", "risepro", "meduza", "cryptbot", "acreed", "lumma_old", "raccoon_v1", "browser_export",
	"cookies_netscape", "cookies_json", "autofill",
	"sql_mysql", "sql_insert_set", "sql_postgres_copy", "sql_postgres_inserts", "sql_mssql", "sql_sqlite", "sql_oracle",
	"csv", "csv_semicolon", "tsv", "table", "json_lines", "json_pretty", "mongoexport", "python_dicts",
}
