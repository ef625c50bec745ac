package dump_test

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/wardline/wardline/internal/dump"
	"github.com/wardline/wardline/internal/risk"
)

var marker = regexp.MustCompile(`@[0-9]+\.example`)

// readText reads a document and gives its text. Every marker in it must stand, in one encoding or another, at the offset
// in the document that its block gives, on the line that is given too, and in the body of one block alone.
func readText(t rapid.TB, folder, raw string, o dump.Options) string {
	path := filepath.Join(folder, "document")
	if err := os.WriteFile(path, []byte(raw), 0o600); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	_, err := dump.Blocks(context.Background(), path, o, func(b risk.Block) error {
		for _, loc := range marker.FindAllIndex(b.Data, -1) {
			if loc[0] < b.Lead || loc[0] >= len(b.Data)-b.Trail {
				continue
			}
			name := string(b.Data[loc[0]:loc[1]])
			there := raw[b.OffsetOf(loc[0]):]
			if !strings.HasPrefix(there, name) && !strings.HasPrefix(there, encode(binary.LittleEndian, name)) && !strings.HasPrefix(there, encode(binary.BigEndian, name)) {
				t.Fatalf("%s: at %d stands %q", name, b.OffsetOf(loc[0]), there[:min(len(there), 40)])
			}
			line := b.Place.Line + strings.Count(string(b.Data[:loc[0]]), "\n")
			if want := 1 + strings.Count(text.String(), "\n") + strings.Count(string(b.Data[b.Lead:loc[0]]), "\n"); line != want {
				t.Fatalf("%s: line %d, want %d", name, line, want)
			}
		}
		text.Write(b.Body())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func lines(from, n int) string {
	var b strings.Builder
	for i := from; i < from+n; i++ {
		b.WriteString("https://portal.test/login:user" + strconv.Itoa(i) + "@" + strconv.Itoa(i) + ".example:Größe" + strconv.Itoa(i) + "\r\n")
	}
	return b.String()
}

func TestStretchesOfUTF16BecomeUTF8(t *testing.T) {
	le, be := binary.LittleEndian, binary.BigEndian
	narrow, wide, after := lines(0, 50), lines(50, 300), lines(350, 20)
	const cyrillic = "Продам базу, свежую; пишите в личку user@7.example\nи ещё одна строка без чего-либо\n"
	tests := map[string]struct{ raw, want string }{
		"little-endian":          {narrow + encode(le, wide) + after, narrow + wide + after},
		"big-endian":             {narrow + encode(be, wide) + after, narrow + wide + after},
		"with marks":             {narrow + encode(le, "\ufeff"+wide) + encode(be, "\ufeff"+wide) + after, narrow + wide + wide + after},
		"odd alignment":          {"x" + narrow + encode(le, wide) + "x" + after + encode(be, wide), "x" + narrow + wide + "x" + after + wide},
		"little-endian at first": {encode(le, wide) + after, wide + after},
		"big-endian at first":    {encode(be, "\ufeff"+wide) + after, wide + after},
		"one line":               {after + encode(le, "jdoe@1.example:secret\r\n") + after + encode(be, "jdoe@2.example:secret\r\n"), after + "jdoe@1.example:secret\r\n" + after + "jdoe@2.example:secret\r\n"},
		"border inside a line":   {"https://portal.test/:jdoe@1.example:" + encode(le, "secret of@2.example\n") + after, "https://portal.test/:jdoe@1.example:secret of@2.example\n" + after},
		"other alphabets":        {after + encode(le, cyrillic) + after + encode(be, "\ufeff"+cyrillic), after + cyrillic + after + cyrillic},
		"a document in Chinese":  {encode(le, "\ufeff"+strings.Repeat("數據庫泄露 user@3.example\n", 50)), strings.Repeat("數據庫泄露 user@3.example\n", 50)},
		"a NUL inside":           {after + encode(le, wide+"a\x00b@4.example\n"+wide) + after, after + wide + "a\x00b@4.example\n" + wide + after},
		"half a surrogate":       {after + encode(le, wide) + "\x00\xd8" + encode(le, wide), after + wide + "\ufffd" + wide},
		"half a character":       {encode(le, wide) + "x", wide + "x"},
		"many small ones":        {strings.Repeat("user@1.example:pw\n"+encode(le, "jdoe@hospital.test:secret\n"), 500), strings.Repeat("user@1.example:pw\njdoe@hospital.test:secret\n", 500)},
		"numbers of two bytes":   {narrow + strings.Repeat("\x01\x00\x02\x00\x03\x01", 50) + narrow, narrow + strings.Repeat("\x01\x00\x02\x00\x03\x01", 50) + narrow},
		"NULs":                   {narrow + strings.Repeat("\x00", 300) + narrow, narrow + strings.Repeat("\x00", 300) + narrow},
		"NULs between lines":     {strings.ReplaceAll(narrow, "\r\n", "\x00"), strings.ReplaceAll(narrow, "\r\n", "\x00")},
		"letters between NULs":   {narrow + "A\x00B\x00C\x00\x00\x00\x00" + narrow, narrow + "A\x00B\x00C\x00\x00\x00\x00" + narrow},
		"noise":                  {noise(5000), noise(5000)},
		"carriage returns alone": {"user@1.example:a\ruser@2.example:b\r", "user@1.example:a\nuser@2.example:b\n"},
		"the same in UTF-16":     {encode(le, "user@1.example:a\ruser@2.example:b\r"), "user@1.example:a\nuser@2.example:b\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, o := range []dump.Options{{}, {BlockBytes: 1000, Overlap: 200}, {BlockBytes: 37, Overlap: 11}} {
				if got := readText(t, t.TempDir(), test.raw, o); got != test.want {
					t.Fatalf("blocks of %d: got %q\nwant %q", o.BlockBytes, got, test.want)
				}
			}
		})
	}
}

func TestTextIsTheSameHoweverItsPartsAreEncoded(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		var raw, want strings.Builder
		next := 0
		for range rapid.IntRange(1, 12).Draw(t, "parts") {
			n := rapid.IntRange(1, 40).Draw(t, "lines")
			text := lines(next, n)
			next += n
			switch rapid.IntRange(0, 4).Draw(t, "encoding") {
			case 0:
				raw.WriteString(encode(binary.LittleEndian, text))
			case 1:
				raw.WriteString(encode(binary.BigEndian, text))
			case 2:
				raw.WriteString(encode(binary.LittleEndian, "\ufeff"+text))
			default:
				raw.WriteString(text)
			}
			want.WriteString(text)
		}
		o := dump.Options{BlockBytes: rapid.IntRange(1, 5000).Draw(t, "block"), Overlap: rapid.IntRange(1, 300).Draw(t, "overlap")}
		if got := readText(t, dir, raw.String(), o); got != want.String() {
			t.Fatalf("got %q\nwant %q", got, want.String())
		}
	})
}

// TestT06HostileEncodings: what is no text comes out as it is or as text of about its size, never as more.
func TestT06HostileEncodings(t *testing.T) {
	long := strings.Repeat("x", 10<<20)
	for name, raw := range map[string]string{
		"UTF-7":           "+ADw-script+AD4- user+AEA-hospital.test\n",
		"UTF-16":          encode(binary.LittleEndian, strings.Repeat("user@1.example\n", 1000)),
		"UTF-32":          "\xff\xfe\x00\x00" + strings.Repeat("a\x00\x00\x00", 100),
		"overlong UTF-8":  "user@1.example\xc0\xae\xe0\x80\xae\xf0\x80\x80\xae\n",
		"NULs":            strings.Repeat("\x00", 1<<16) + "user@1.example",
		"surrogates":      strings.Repeat("\x00\xd8", 1000),
		"line of 10 MB":   long + "@1.example",
		"UTF-16 of 10 MB": encode(binary.BigEndian, "\ufeff"+long+"@1.example"),
		"marks alone":     strings.Repeat("\xff\xfe", 1000),
	} {
		t.Run(name, func(t *testing.T) {
			if got := readText(t, t.TempDir(), raw, dump.Options{}); len(got) > len(raw)*3/2 {
				t.Errorf("%d bytes became %d", len(raw), len(got))
			}
		})
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte("line\n"+encode(binary.LittleEndian, "a line in UTF-16 user@1.example\n")+"line\n"), 16)
	f.Add([]byte(encode(binary.BigEndian, "\ufeffuser@1.example\r數據")+"\x00\xd8"), 7)
	f.Fuzz(func(t *testing.T, raw []byte, block int) {
		last := int64(-1)
		path := filepath.Join(t.TempDir(), "document")
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := dump.Blocks(t.Context(), path, dump.Options{BlockBytes: max(1, block%5000), Overlap: 64}, func(b risk.Block) error {
			if b.Place.Entry != "" {
				return nil
			}
			for i := b.Lead; i < len(b.Data)-b.Trail; i++ {
				at := b.OffsetOf(i)
				if at < last || at > int64(len(raw)) {
					t.Fatalf("byte %d of a block stands at %d of %d, after one at %d", i, at, len(raw), last)
				}
				last = at
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
