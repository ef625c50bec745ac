package dump_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"

	"github.com/wardline/wardline/internal/dump"
	"github.com/wardline/wardline/internal/risk"
)

const (
	xzText    = "/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQAFaW4geHoKAAAAG/aWG2qLKpUAAR4GwS+kHR+2830BAAAAAARZWg==" // "in xz\n"
	bzip2Text = "QlpoOTFBWSZTWVKTY1wAAAJZgAAQQAAQABAhQBAgACIGR6EMCN72wogu5IpwoSClJsa4"                     // "in bzip2\n"
)

// doc is one document as it came out: its bodies together, and where they began.
type doc struct{ path, entry, text string }

// read puts the bodies together and checks every block's promises on the way.
func read(t *testing.T, path string, o dump.Options) (docs []doc, skipped []string) {
	t.Helper()
	var whole []byte // of the present document, from its first block on
	var first int64
	skips, err := dump.Blocks(t.Context(), path, o, func(b risk.Block) error {
		if b.Lead == 0 {
			rel, err := filepath.Rel(path, b.Place.Path)
			if err != nil {
				t.Fatal(err)
			}
			docs = append(docs, doc{path: rel, entry: b.Place.Entry})
			whole, first = nil, b.Place.Offset
		}
		at := b.Place.Offset - first
		if want := int64(len(whole)) - int64(b.Lead); at != want {
			t.Fatalf("%s %s: block at %d with lead %d, want it at %d", b.Place.Path, b.Place.Entry, at, b.Lead, want)
		}
		if string(whole[at:]) != string(b.Data[:b.Lead]) {
			t.Fatalf("lead %q is not what came before", b.Data[:b.Lead])
		}
		if line := 1 + bytes.Count(whole[:at], []byte("\n")); line != b.Place.Line {
			t.Fatalf("line %d, want %d", b.Place.Line, line)
		}
		whole = append(whole, b.Body()...)
		docs[len(docs)-1].text = string(whole)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range skips {
		rel, err := filepath.Rel(path, s.Path)
		if err != nil {
			t.Fatal(err)
		}
		skipped = append(skipped, strings.Trim(rel+":"+s.Entry, ":")+": "+s.Why)
	}
	return docs, skipped
}

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func unbase64(t *testing.T, s string) string {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEveryFormatIsToldByItsContent(t *testing.T) {
	inner := zipped(t, member{"b/c.txt", "in zip in tar\n"})
	dir := folder(t, map[string]string{
		"1.txt":      "plain\n",
		"2/x.pdf":    string(zipped(t, member{"a.txt", "in zip\n"}, member{`..\evil\x.txt`, "named badly\n"})),
		"3":          string(gzipped(t, tarred(t, tar.Header{Name: "a.txt", Typeflag: tar.TypeReg, Linkname: "in tar\n"}, tar.Header{Name: "n.zip", Typeflag: tar.TypeReg, Linkname: string(inner)}))),
		"4.txt":      unbase64(t, xzText),
		"5.txt":      unbase64(t, bzip2Text),
		"6.txt":      string(zstded(t, []byte("in zstd\n"))),
		"7.txt":      string(sevenZipped(member{"a.txt", "in 7z\n"})),
		"8.txt":      string(rarred(member{"a.txt", "in rar\n"})),
		"9.txt":      "",
		"really.zip": "no zip at all\n",
	})
	docs, skipped := read(t, dir, dump.Options{})
	want := []doc{
		{"1.txt", "", "plain\n"},
		{"2/x.pdf", "a.txt", "in zip\n"},
		{"2/x.pdf", "../evil/x.txt", "named badly\n"},
		{"3", "a.txt", "in tar\n"},
		{"3", "n.zip/b/c.txt", "in zip in tar\n"},
		{"4.txt", "", "in xz\n"},
		{"5.txt", "", "in bzip2\n"},
		{"6.txt", "", "in zstd\n"},
		{"7.txt", "a.txt", "in 7z\n"},
		{"8.txt", "a.txt", "in rar\n"},
		{"really.zip", "", "no zip at all\n"},
	}
	if !slices.Equal(docs, want) || len(skipped) > 0 {
		t.Errorf("got %q\nwant %q\nskipped %q", docs, want, skipped)
	}
}

func TestWhatCannotBeReadIsNamedAndTheRestIsRead(t *testing.T) {
	cut := gzipped(t, []byte(strings.Repeat("line\n", 10000)))
	dir := folder(t, map[string]string{
		"a.tar": string(tarred(t,
			tar.Header{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"},
			tar.Header{Name: "hard", Typeflag: tar.TypeLink, Linkname: "../x"},
			tar.Header{Name: "dev", Typeflag: tar.TypeChar},
			tar.Header{Name: "good.txt", Typeflag: tar.TypeReg, Linkname: "good\n"})),
		"b.zip":      "PK\x03\x04 and nothing that belongs there",
		"c.gz":       string(cut[:len(cut)-12]),
		"d/good.txt": "also good\n",
	})
	if err := os.Symlink(filepath.Join(dir, "d"), filepath.Join(dir, "e")); err != nil {
		t.Fatal(err)
	}
	docs, skipped := read(t, dir, dump.Options{})
	wantDocs := []string{"a.tar:good.txt", "c.gz:", "d/good.txt:"}
	var got []string
	for _, d := range docs {
		got = append(got, d.path+":"+d.entry)
	}
	if !slices.Equal(got, wantDocs) {
		t.Errorf("read %q, want %q", got, wantDocs)
	}
	wantSkipped := []string{
		"a.tar:link: it is a link or a device",
		"a.tar:hard: it is a link or a device",
		"a.tar:dev: it is a link or a device",
		"b.zip: zip: not a valid zip file",
		"c.gz: it was read up to byte 50000: unexpected EOF",
		"e: it is a symbolic link",
	}
	if !slices.Equal(skipped, wantSkipped) {
		t.Errorf("skipped %q\nwant %q", skipped, wantSkipped)
	}
}

func TestDepthEntriesAndMemoryAreLimited(t *testing.T) {
	nested := []byte("deep\n")
	for range 4 {
		nested = zipped(t, member{"n", string(nested)})
	}
	dir := folder(t, map[string]string{
		"deep.zip": string(nested),
		"many.zip": string(zipped(t, member{"1", "1\n"}, member{"2", "2\n"}, member{"3", "3\n"}, member{"4", "4\n"})),
		"big.gz":   string(gzipped(t, zipped(t, member{"noise", noise(2 << 20)}))),
	})
	docs, skipped := read(t, dir, dump.Options{MaxDepth: 3, MaxEntries: 3, MaxMemory: 1 << 20})
	if len(docs) != 3 {
		t.Errorf("read %d documents, want the three first of many.zip", len(docs))
	}
	want := []string{
		"big.gz: it is an archive inside an archive that takes more than 1 MiB of memory",
		"deep.zip:n/n/n: it is an archive more than 3 deep",
		"many.zip: it holds more than 3 entries; the others were not read",
	}
	if !slices.Equal(skipped, want) {
		t.Errorf("skipped %q\nwant %q", skipped, want)
	}
}

func noise(n int) string {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return string(b)
}

func TestBombsEndEarlyAndTheRestIsRead(t *testing.T) {
	bomb := zstded(t, make([]byte, 80<<20))
	dir := folder(t, map[string]string{
		"a.tar": string(tarred(t, tar.Header{Name: "bomb", Typeflag: tar.TypeReg, Linkname: string(bomb)}, tar.Header{Name: "good", Typeflag: tar.TypeReg, Linkname: "good\n"})),
	})
	var bytes int64
	var last string
	skipped, err := dump.Blocks(t.Context(), dir, dump.Options{}, func(b risk.Block) error {
		bytes += int64(len(b.Body()))
		last = b.Place.Entry
		return nil
	})
	if err != nil || len(skipped) != 1 || skipped[0].Entry != "bomb" || !strings.Contains(skipped[0].Why, "unpacks to more than 1000 times its size") {
		t.Errorf("skipped %+v, error %v", skipped, err)
	}
	if bytes > 66<<20 || last != "good" {
		t.Errorf("%d bytes were read, last entry %q", bytes, last)
	}
}

func TestOverlappingEntriesAreReadOnce(t *testing.T) {
	data := zipped(t, member{"a", "first\n"}, member{"b", "secnd\n"})
	// The second directory record is made to point at the first entry.
	second := bytes.LastIndex(data, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(data[second+42:], 0)
	docs, skipped := read(t, folder(t, map[string]string{"x.zip": string(data)}), dump.Options{})
	if len(docs) != 1 || docs[0].text != "first\n" || !slices.Equal(skipped, []string{"x.zip:b: it overlaps another entry"}) {
		t.Errorf("got %q, skipped %q", docs, skipped)
	}
}

func TestWhatAZipSaysOfItsEntriesIsNotBelieved(t *testing.T) {
	text := strings.Repeat("https://hospital.example/login:jdoe:secret1\n", 5)
	lie := func(field int, value uint32) string {
		data := zipped(t, member{"a", text}, member{"b", "good\n"})
		binary.LittleEndian.PutUint32(data[bytes.Index(data, []byte("PK\x01\x02"))+field:], value)
		return string(data)
	}
	const crc, size = 16, 24
	dir := folder(t, map[string]string{"less.zip": lie(size, 10), "more.zip": lie(size, 1<<31-1), "other.zip": lie(crc, 4711)})
	docs, skipped := read(t, dir, dump.Options{})
	var want, wantSkipped []string
	for _, name := range []string{"less.zip", "more.zip", "other.zip"} {
		want = append(want, name+":a:"+text, name+":b:good\n")
		wantSkipped = append(wantSkipped, name+fmt.Sprintf(":a: it was read up to byte %d: it was read to its end, which is not what the archive says of it", len(text)))
	}
	var got []string
	for _, d := range docs {
		got = append(got, d.path+":"+d.entry+":"+d.text)
	}
	if !slices.Equal(got, want) || !slices.Equal(skipped, wantSkipped) {
		t.Errorf("got %q\nskipped %q", got, skipped)
	}
}

func TestZipPackedByOtherMethods(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i, c := range []struct {
		method       uint16
		packed, text string
	}{{12, unbase64(t, bzip2Text), "in bzip2\n"}, {93, string(zstded(t, []byte("in zstd\n"))), "in zstd\n"}, {95, unbase64(t, xzText), "in xz\n"}, {14, "?", ""}, {16, "?", ""}, {6, "?", ""}} {
		f, err := w.CreateRaw(&zip.FileHeader{Name: fmt.Sprint(i), Method: c.method, CRC32: crc32.ChecksumIEEE([]byte(c.text)),
			CompressedSize64: uint64(len(c.packed)), UncompressedSize64: uint64(len(c.text))})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(c.packed)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	docs, skipped := read(t, folder(t, map[string]string{"x": b.String()}), dump.Options{})
	want := []doc{{"x", "0", "in bzip2\n"}, {"x", "1", "in zstd\n"}, {"x", "2", "in xz\n"}}
	if !slices.Equal(docs, want) || !slices.Equal(skipped, []string{
		"x:3: read how it is packed: unexpected EOF", "x:4: it is packed by method 16, which is not known here", "x:5: it is packed by implode, of 1989, which is not read here",
	}) {
		t.Errorf("got %q, skipped %q", docs, skipped)
	}
}

func TestAZipWithoutItsDirectoryIsReadByItsHeaders(t *testing.T) {
	streamed := zipped(t, member{"a", "first\n"}, member{"b/", ""}, member{"b/c", "second\n"}, member{"d", strings.Repeat("third\n", 9999)})
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, text := range []string{"one\n", "two\n"} {
		f, err := w.CreateRaw(&zip.FileHeader{Name: text[:3], CRC32: crc32.ChecksumIEEE([]byte(text)), CompressedSize64: 4, UncompressedSize64: 4})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	sized := b.String()
	dir := folder(t, map[string]string{
		"directory.zip": string(streamed[:len(streamed)-40]),
		"entry.zip":     string(streamed[:bytes.Index(streamed, []byte("PK\x01\x02"))-40]),
		"sized.zip":     sized[:strings.Index(sized, "PK\x01\x02")-1],
	})
	docs, skipped := read(t, dir, dump.Options{})
	var got []string
	for _, d := range docs {
		got = append(got, fmt.Sprintf("%s:%s:%.10q", d.path, d.entry, d.text))
	}
	want := []string{
		`directory.zip:a:"first\n"`, `directory.zip:b/c:"second\n"`, `directory.zip:d:"third\nthir"`,
		`entry.zip:a:"first\n"`, `entry.zip:b/c:"second\n"`, `entry.zip:d:"third\nthir"`,
		`sized.zip:one:"one\n"`, `sized.zip:two:"two"`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if len(docs[2].text) != 6*9999 {
		t.Errorf("%d bytes of an entry that is whole", len(docs[2].text))
	}
	if len(skipped) != 5 || skipped[3] != "sized.zip:two: it was read up to byte 3: it was read to its end, which is not what the archive says of it" || skipped[0] != "directory.zip: zip: not a valid zip file" || !strings.HasPrefix(skipped[1], "entry.zip:d: it was read up to byte ") {
		t.Errorf("skipped %q", skipped)
	}
}

func TestWhatComesBeforeABreakIsRead(t *testing.T) {
	dir := folder(t, map[string]string{"x.gz": string(gzipped(t, []byte("short\n"))) + "and something else"})
	docs, skipped := read(t, dir, dump.Options{})
	if want := []doc{{"x.gz", "", "short\n"}}; !slices.Equal(docs, want) || !slices.Equal(skipped, []string{"x.gz: it was read up to byte 6: what stands behind its end is not packed so, and was not read"}) {
		t.Errorf("got %q, skipped %q", docs, skipped)
	}
}

func encode(order binary.AppendByteOrder, s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

func TestUTF16InOtherAlphabets(t *testing.T) {
	const text = "Продам базу, свежую; пишите в личку\r\nhttps://hospital.example:jdoe:secret1\r\n"
	noText := strings.Repeat("\x01\x00\x02\x00\x03\x01", 50)
	docs, _ := read(t, folder(t, map[string]string{"1": encode(binary.LittleEndian, text), "2": encode(binary.BigEndian, text), "3": text, "4": noText}), dump.Options{})
	if want := []doc{{"1", "", text}, {"2", "", text}, {"3", "", text}, {"4", "", noText}}; !slices.Equal(docs, want) {
		t.Errorf("got %q", docs)
	}
}

func TestUTF16BecomesUTF8(t *testing.T) {
	const text = "https://hospital.example:jdoe:Größe\nzweite Zeile 數據\n"
	dir := folder(t, map[string]string{
		"1": encode(binary.LittleEndian, "\ufeff"+text),
		"2": encode(binary.BigEndian, "\ufeff"+text),
		"3": encode(binary.LittleEndian, text),
		"4": encode(binary.BigEndian, text),
		"5": "\ufeff" + text,
		"6": string(zipped(t, member{"x", encode(binary.LittleEndian, text)})),
	})
	docs, _ := read(t, dir, dump.Options{})
	if len(docs) != 6 {
		t.Fatalf("%d documents", len(docs))
	}
	for _, d := range docs {
		if d.text != text {
			t.Errorf("%s: %q", d.path, d.text)
		}
	}
}

func TestBlocksAreCutAtLineEnds(t *testing.T) {
	var text strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&text, "line %d %s\n", i, strings.Repeat("x", i%37))
	}
	text.WriteString(strings.Repeat("y", 5000) + "\nlast without end")
	dir := folder(t, map[string]string{"a": text.String()})
	blocks := 0
	_, err := dump.Blocks(t.Context(), dir, dump.Options{BlockBytes: 1024, Overlap: 128}, func(b risk.Block) error {
		blocks++
		if len(b.Body()) > 1024 || b.Lead > 128 || b.Trail > 128 {
			t.Fatalf("body %d, lead %d, trail %d", len(b.Body()), b.Lead, b.Trail)
		}
		cut := bytes.Contains(b.Data, []byte("yyy"))
		if !cut && (b.Data[len(b.Data)-1] != '\n' || b.Body()[len(b.Body())-1] != '\n' || !bytes.HasPrefix(b.Data, []byte("line "))) {
			t.Fatalf("block %q is not of whole lines", b.Data)
		}
		return nil
	})
	if err != nil || blocks < 60 {
		t.Errorf("%d blocks, error %v", blocks, err)
	}
	docs, _ := read(t, dir, dump.Options{BlockBytes: 1024, Overlap: 128})
	if len(docs) != 1 || docs[0].text != text.String() {
		t.Error("the bodies together are not the document")
	}
}

func TestBodiesTogetherAreTheDocument(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	rapid.Check(t, func(r *rapid.T) {
		text := strings.Join(rapid.SliceOf(rapid.SampledFrom([]string{"\n", "a", "\r\n", strings.Repeat("b", 100), "ü", "\xff"})).Draw(r, "text"), "")
		text = "start " + text
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			r.Fatal(err)
		}
		o := dump.Options{BlockBytes: rapid.IntRange(1, 300).Draw(r, "block"), Overlap: rapid.IntRange(1, 100).Draw(r, "overlap")}
		docs, _ := read(t, dir, o)
		if len(docs) != 1 || docs[0].text != text {
			r.Fatalf("got %q, want %q", docs, text)
		}
	})
}

func TestErrorsOfVisitAndContextEndTheReading(t *testing.T) {
	dir := folder(t, map[string]string{"a.zip": string(zipped(t, member{"1", "1\n"}, member{"2", "2\n"})), "b": "b\n"})
	enough := errors.New("enough")
	calls := 0
	_, err := dump.Blocks(t.Context(), dir, dump.Options{}, func(risk.Block) error { calls++; return enough })
	if !errors.Is(err, enough) || calls != 1 {
		t.Errorf("error %v after %d calls", err, calls)
	}
	ctx, cancel := context.WithCancel(t.Context())
	calls = 0
	_, err = dump.Blocks(ctx, dir, dump.Options{}, func(risk.Block) error { calls++; cancel(); return nil })
	if !errors.Is(err, context.Canceled) || calls != 1 {
		t.Errorf("error %v after %d calls", err, calls)
	}
	if _, err := dump.Blocks(t.Context(), filepath.Join(dir, "none"), dump.Options{}, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func TestAPanicOfVisitIsNotTakenForADecoders(t *testing.T) {
	dir := folder(t, map[string]string{"a.zip": string(zipped(t, member{"1", "1\n"}))})
	defer func() {
		if recover() == nil {
			t.Error("the panic was swallowed")
		}
	}()
	_, _ = dump.Blocks(t.Context(), dir, dump.Options{}, func(risk.Block) error { panic("ours") })
}

func FuzzBlocks(f *testing.F) {
	f.Add(sevenZipped(member{"a", "text"}))
	f.Add(rarred(member{"a", "text"}))
	f.Add([]byte("\x1f\x8b\x08\x00\x00"))
	f.Add([]byte("Rar!\x1a\x07\x01\xc5\x1a32 and no signature"))
	f.Add([]byte("PK\x03\x04"))
	f.Add([]byte("\xff\xfea\x00\n\x00"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, fmt.Sprintf("x%d", os.Getpid()))
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		var total int
		_, err := dump.Blocks(t.Context(), path, dump.Options{BlockBytes: 4096, MaxMemory: 8 << 20}, func(b risk.Block) error {
			total += len(b.Body())
			return nil
		})
		if err != nil || total > 100<<20 {
			t.Fatalf("%d bytes, error %v", total, err)
		}
	})
}
