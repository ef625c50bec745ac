package dump_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/dump"
	"github.com/wardline/wardline/internal/risk"
)

// passed is a block as its visitor sees it.
func passed(b risk.Block) string {
	return fmt.Sprintf("%s %s %d %d lead %d trail %d head %d %.20q context %q wide %v at %+v\n%s",
		filepath.Base(b.Place.Path), b.Place.Entry, b.Place.Offset, b.Place.Line, b.Lead, b.Trail, len(b.Head), b.Head, b.Context, b.Wide, b.At, b.Data)
}

// manyLines is text with lines of all lengths, among them one longer than blocks, and a stretch of UTF-16.
func manyLines(seed uint64, n int) []byte {
	random := rand.New(rand.NewPCG(seed, 1))
	var text bytes.Buffer
	for text.Len() < n {
		length := random.IntN(120)
		if random.IntN(60) == 0 {
			length = random.IntN(20000)
		}
		for range length {
			text.WriteByte(byte('a' + random.IntN(26)))
		}
		text.WriteByte('\n')
	}
	return text.Bytes()
}

func wideText(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		b.WriteByte(c)
		b.WriteByte(0)
	}
	return b.String()
}

// What is read from any block's end on is what an undisturbed reading gives behind that block: the same blocks, of the
// same bytes, with the same surroundings.
func TestReadingGoesOnFromAnyBlock(t *testing.T) {
	text := string(manyLines(1, 60000))
	stored := func(name, text string) []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for i, method := range []uint16{zip.Store, zip.Deflate, zip.Store} {
			w, err := z.CreateHeader(&zip.FileHeader{Name: fmt.Sprint(i, name), Method: method})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	tarball := tarred(t,
		tar.Header{Name: "1.txt", Typeflag: tar.TypeReg, Linkname: text}, tar.Header{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "/etc"},
		tar.Header{Name: "2.zip", Typeflag: tar.TypeReg, Linkname: string(stored("inner", text[:30000]))},
		tar.Header{Name: "3.txt", Typeflag: tar.TypeReg, Linkname: "short\n"}, tar.Header{Name: "4.txt", Typeflag: tar.TypeReg, Linkname: text[10000:]})
	for name, content := range map[string]string{
		"plain.txt": text, "marked.txt": "\xef\xbb\xbf" + text, "wide.txt": "\xff\xfe" + wideText(text[:30000]),
		"mixed.txt": text[:20000] + wideText(text[20000:30000]) + text[30000:], "old.txt": strings.ReplaceAll(text, "\n", "\r"),
		"x.gz": string(gzipped(t, []byte(text))), "x.zst": string(zstded(t, []byte(text))), "x.zip": string(stored("x.txt", text)),
		"x.tar": string(tarball), "x.tar.gz": string(gzipped(t, tarball)),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			o := dump.Options{BlockBytes: 4096, Overlap: 256, Context: func(b risk.Block) []byte {
				return fmt.Append(nil, b.Place.Line, string(b.Context[:min(3, len(b.Context))]))
			}}
			var whole []string
			var ends []risk.Position
			calm, err := dump.Blocks(t.Context(), path, o, func(b risk.Block) error {
				whole, ends = append(whole, passed(b)), append(ends, b.At)
				return nil
			})
			if err != nil || len(whole) < 2 {
				t.Fatalf("%d blocks, %v", len(whole), err)
			}
			for i, at := range ends {
				rest := whole[i+1:]
				o := o
				o.From = at
				arrived := 0
				o.Arrived = func() { arrived++ }
				skipped, err := dump.Blocks(t.Context(), path, o, func(b risk.Block) error {
					if len(rest) == 0 || passed(b) != rest[0] {
						t.Fatalf("from %+v: got\n%.600s\nwant\n%.600s", at, passed(b), append(rest, "nothing")[0])
					}
					rest = rest[1:]
					return nil
				})
				if err != nil || len(rest) > 0 || arrived != 1 || len(skipped) > len(calm) {
					t.Fatalf("from %+v: %d blocks missing, arrived %d times, skipped %v, %v", at, len(rest), arrived, skipped, err)
				}
			}
		})
	}
}

func TestWhatWasSkippedIsNamedOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.tar")
	content := tarred(t, tar.Header{Name: "a", Typeflag: tar.TypeSymlink, Linkname: "/etc"}, tar.Header{Name: "b.txt", Typeflag: tar.TypeReg, Linkname: "b\n"},
		tar.Header{Name: "c", Typeflag: tar.TypeSymlink, Linkname: "/etc"}, tar.Header{Name: "d.txt", Typeflag: tar.TypeReg, Linkname: "d\n"}, tar.Header{Name: "e", Typeflag: tar.TypeSymlink, Linkname: "/etc"})
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for document, want := range [][]string{{"c", "e"}, {"e"}} {
		skipped, err := dump.Blocks(t.Context(), path, dump.Options{From: risk.Position{Document: document, Offset: 2}}, func(risk.Block) error { return nil })
		var names []string
		for _, s := range skipped {
			names = append(names, s.Entry)
		}
		if err != nil || strings.Join(names, " ") != strings.Join(want, " ") {
			t.Errorf("from document %d: %v %v, want %v", document, names, err, want)
		}
	}
}

func TestAFileThatIsShorterThanItsPlaceIsNamed(t *testing.T) {
	for name, content := range map[string]string{"x.txt": "short\n", "x.gz": string(gzipped(t, []byte("short\n")))} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, from := range []risk.Position{{Offset: 100, Line: 9}, {Document: 3, Offset: 4}} {
			skipped, err := dump.Blocks(t.Context(), path, dump.Options{From: from}, func(risk.Block) error { return errors.New("visited") })
			if err != nil || len(skipped) != 1 || !strings.Contains(skipped[0].Why, "in front of the place") {
				t.Errorf("%s from %+v: %v %v", name, from, skipped, err)
			}
		}
	}
}
