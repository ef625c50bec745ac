package dump_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/klauspost/compress/flate"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"

	"github.com/wardline/wardline/internal/dump"
	"github.com/wardline/wardline/internal/risk"
)

func lz4ed(t *testing.T, data []byte) []byte {
	t.Helper()
	return writtenBy(t, data, func(w io.Writer) (io.WriteCloser, error) { return lz4.NewWriter(w), nil })
}

func xzed(t *testing.T, data []byte) []byte {
	t.Helper()
	return writtenBy(t, data, func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) })
}

func lzmaed(t *testing.T, data []byte) []byte {
	t.Helper()
	return writtenBy(t, data, func(w io.Writer) (io.WriteCloser, error) { return lzma.NewWriter(w) })
}

func writtenBy(t *testing.T, data []byte, open func(io.Writer) (io.WriteCloser, error)) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := open(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWhatStandsBehindAnEnd(t *testing.T) {
	one, two := string(tarred(t, tarFile("a", "first\n"))), string(tarred(t, tarFile("b", "second\n")))
	three := []byte(tarred(t, tarFile("a", "first\n"), tarFile("b", "second\n"), tarFile("c", "third\n")))
	three[1024+150] ^= 1 // the sum of the second header
	zeros := strings.Repeat("\x00", 9000)
	packed := map[string]string{"gz": string(gzipped(t, []byte("first\n"))), "zst": string(zstded(t, []byte("first\n"))), "lz4": string(lz4ed(t, []byte("first\n"))), "bz2": unbase64(t, bzip2Text)}
	type sample struct {
		content string
		want    []string
		say     string
	}
	samples := map[string]sample{
		"tar tar":              {one + two, []string{"a:first\n", "b:second\n"}, ""},
		"tar zeros tar zeros":  {one + zeros[:512*7] + two + zeros, []string{"a:first\n", "b:second\n"}, ""},
		"tar text":             {one + "more\n", []string{"a:first\n", ":more\n"}, ""},
		"tar gz":               {one + packed["gz"], []string{"a:first\n", ":first\n"}, ""},
		"tar broken inside":    {string(three), []string{"a:first\n", "c:third\n"}, "a header in it is broken; it was read on at byte 2048"},
		"tar broken tar":       {string(three[:1536]) + two, []string{"a:first\n", "b:second\n"}, "a header in it is broken; it was read on at byte 1536"},
		"tar broken at an end": {string(three[:1536]), []string{"a:first\n"}, "invalid tar header"},
	}
	for name, p := range packed {
		text := map[bool]string{true: ":in bzip2\n", false: ":first\n"}[name == "bz2"]
		samples[name+" zeros"] = sample{p + zeros, []string{text}, ""}
		samples[name+" twice"] = sample{p + p, []string{text + text[1:]}, ""}
		samples[name+" text"] = sample{p + "and something else", []string{text}, "what stands behind its end is not packed so, and was not read"}
	}
	samples["gz zeros gz"] = sample{packed["gz"] + zeros + packed["gz"], []string{":first\nfirst\n"}, ""}
	for name, s := range samples {
		docs, skipped := read(t, folder(t, map[string]string{"x": s.content}), dump.Options{})
		var got []string
		for _, d := range docs {
			got = append(got, d.entry+":"+d.text)
		}
		said := s.say == "" && len(skipped) == 0 || s.say != "" && len(skipped) == 1 && strings.Contains(skipped[0], s.say)
		if !slices.Equal(got, s.want) || !said {
			t.Errorf("%s: %q, skipped %q", name, got, skipped)
		}
	}
}

// Entries that were written in one go and do not say how long they are cost one pass, not one each.
func TestSizesBehindEntriesAreFoundInOnePass(t *testing.T) {
	var zip []byte
	head := []byte("PK\x03\x04\x14\x00\x08\x00" + strings.Repeat("\x00", 18) + "\x01\x00\x00\x00a")
	for range 2000 {
		zip = append(append(zip, head...), strings.Repeat("x", 300)...)
	}
	text := "the last\n"
	zip = append(append(zip, head...), text...)
	zip = append(append(zip, "PK\x07\x08"...), le32(crc32.ChecksumIEEE([]byte(text)))...)
	zip = append(append(zip, le32(uint32(len(text)))...), le32(uint32(len(text)))...)
	taken := 0
	docs, skipped := read(t, folder(t, map[string]string{"x": string(zip)}), dump.Options{Read: func(n int) { taken += n }})
	if len(docs) != 1 || docs[0].text != text || len(skipped) != 1001 {
		t.Errorf("%.300q, %d things skipped", docs, len(skipped))
	}
	if most := 2001 * (8 << 10); taken > most { // a window of its own for each, to find it
		t.Errorf("%d bytes were read of %d, want no more than %d", taken, len(zip), most)
	}
}

// An entry in front that lies about its length hides nothing that is found by its own header.
func TestALyingEntryHidesNothingOfABrokenZip(t *testing.T) {
	entry := func(name, text string, packed uint32) string {
		h := []byte("PK\x03\x04\x14\x00\x00\x00\x08\x00" + strings.Repeat("\x00", 20) + name)
		binary.LittleEndian.PutUint32(h[18:], packed)
		binary.LittleEndian.PutUint32(h[22:], uint32(len(text)))
		binary.LittleEndian.PutUint32(h[14:], crc32.ChecksumIEEE([]byte(text)))
		binary.LittleEndian.PutUint16(h[26:], uint16(len(name)))
		return string(h) + string(deflated(t, text))
	}
	zip := entry("a", "first\n", 1<<30) + entry("b", "second\n", uint32(len(deflated(t, "second\n"))))
	docs, skipped := read(t, folder(t, map[string]string{"x": zip}), dump.Options{})
	if want := []doc{{"x", "a", "first\n"}, {"x", "b", "second\n"}}; !slices.Equal(docs, want) || !slices.Equal(skipped, []string{"x: zip: not a valid zip file"}) {
		t.Errorf("%q, skipped %q", docs, skipped)
	}
}

func deflated(t *testing.T, text string) []byte {
	t.Helper()
	return writtenBy(t, []byte(text), func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
}

func TestT02DirectoriesOf7zTakeNoMoreThanTheyMay(t *testing.T) {
	const room = 3 << 20
	number := func(n int) string { return "\xff" + string(binary.LittleEndian.AppendUint64(nil, uint64(n))) }
	folders := "\x01\x04\x07\x0b" + number(room) + "\x00" + strings.Repeat("\x01\x01\x00", room/3)
	streams := "\x01\x04\x07\x0b\x10\x00" + strings.Repeat("\x01\x01\x00", 16) + "\x0c" + strings.Repeat("\x01", 16) + "\x00\x08\x0d" + strings.Repeat(number(room), 16) + "\x0a\x00" + strings.Repeat("\x00", room)
	packed := "\x01\x04\x06\x00" + number(room) + "\x0a\x00" + strings.Repeat("\x00", room)
	for name, header := range map[string]string{"folders": folders, "streams": streams, "packed": packed} {
		dir := folder(t, map[string]string{"x.7z": string(sevenHeaded("", header))})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := measure(t, dir, dump.Options{MaxMemory: 16 << 20})
		runtime.ReadMemStats(&after)
		if taken := after.TotalAlloc - before.TotalAlloc; taken > 8<<20 || len(got.skipped) != 1 || !strings.Contains(got.skipped[0], "its directory of more than 32768 entries takes more than 16 MiB of memory") {
			t.Errorf("%s: %d KiB were taken, skipped %q", name, taken>>10, got.skipped)
		}
	}
}

// patience is a context that ends when it was asked often enough.
type patience struct {
	context.Context
	left int
}

func (p *patience) Err() error {
	if p.left--; p.left < 0 {
		return context.Canceled
	}
	return nil
}

// What is unpacked only because something behind it is wanted ends with the context, however little is read for it.
func TestUnpackingWhatNobodyReadsEndsWithTheContext(t *testing.T) {
	const size = 16 << 20
	for name, archive := range map[string][]byte{"x.7z": solidSeven(t, size, shortText), "x.rar": solidRAR(size, 9)} {
		dir := folder(t, map[string]string{name: string(archive)})
		docs, skipped := read(t, dir, dump.Options{})
		if len(docs) != 2 || len(docs[0].text) != size || len(skipped) > 0 {
			t.Fatalf("%s: %d documents, skipped %q", name, len(docs), skipped)
		}
		from := dump.Options{From: risk.Position{Document: 1}}
		left := 0
		if _, err := dump.Blocks(t.Context(), dir+"/"+name, from, func(risk.Block) error { left++; return nil }); err != nil || left != 1 {
			t.Fatalf("%s: %d blocks of the second document, %v", name, left, err)
		}
		_, err := dump.Blocks(&patience{t.Context(), 100}, dir+"/"+name, from, func(risk.Block) error { return nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// solidSeven is a 7z archive of two files in one stream: so many letters, and a text.
func solidSeven(t *testing.T, size int, text string) []byte {
	t.Helper()
	all := strings.Repeat("x", size) + text
	packed := deflated(t, all)
	number := func(n int) string { return "\xff" + string(binary.LittleEndian.AppendUint64(nil, uint64(n))) }
	header := "\x01\x04\x06\x00\x01\x09" + number(len(packed)) + "\x00\x07\x0b\x01\x00\x01\x03\x04\x01\x08\x0c" + number(len(all)) + "\x00\x08\x0d\x02\x09" + number(size) +
		"\x0a\x01" + string(le32(crc([]byte(all[:size])))) + string(le32(crc([]byte(text)))) + "\x00\x00\x05\x02\x11\x09\x00a\x00\x00\x00b\x00\x00\x00\x00\x00"
	return sevenHeaded(string(packed), header)
}

// solidRAR is a RAR 5 archive of files that are packed together, each of so many letters.
func solidRAR(sizes ...int) []byte {
	out := append([]byte("Rar!\x1a\x07\x01\x00"), rarBlock([]byte{1, 0, 4})...)
	for i, size := range sizes {
		packed := rarLetters(size)
		number := func(n int) []byte { return binary.AppendUvarint(nil, uint64(n)) }
		file := append([]byte{2, 2}, number(len(packed))...)
		file = append(append(append(file, 4), number(size)...), 0x20)
		file = append(file, le32(crc([]byte(strings.Repeat("x", size))))...)
		method := 1 << 7
		if i > 0 {
			method |= 1 << 6
		}
		file = append(append(append(file, number(method)...), 1, 1), byte('a'+i))
		out = append(append(out, rarBlock(file)...), packed...)
	}
	return append(out, rarBlock([]byte{5, 0, 0})...)
}

// rarLetters packs so many x as RAR 5 does: one by itself, copies of it, and copies as long as the one before.
func rarLetters(size int) []byte {
	var b bitWriter
	const copyAll, again = 262 + 43, 257
	lengths := make([]int, 306+64+16+44)
	lengths['x'], lengths[again], lengths[copyAll] = 2, 1, 2
	lengths[306], lengths[306+1] = 1, 1             // distances of 1, and of 2
	lengths[306+64], lengths[306+64+1] = 1, 1       // low bits of distances
	lengths[306+64+16], lengths[306+64+16+1] = 1, 1 // lengths of what is copied from an old distance
	for symbol := range 20 {
		b.write(map[bool]int{true: 2, false: 0}[symbol <= 2 || symbol == 19], 4)
	}
	// Codes of the table above: 0 is 00, 1 is 01, 2 is 10, 19 (so many zeros) is 11.
	for i := 0; i < len(lengths); {
		zeros := 0
		for i+zeros < len(lengths) && lengths[i+zeros] == 0 && zeros < 138 {
			zeros++
		}
		if zeros >= 11 {
			b.write(3, 2)
			b.write(zeros-11, 7)
			i += zeros
			continue
		}
		b.write(lengths[i], 2)
		i++
	}
	const longest = 2 + 7<<9 + 511
	letter := func() { b.write(2, 2) }
	letter()
	left := size - 1
	if left >= longest {
		b.write(3, 2)
		b.write(511, 9)
		b.write(0, 1) // at a distance of 1
		for left -= longest; left >= longest; left -= longest {
			b.write(0, 1)
		}
	}
	for range left {
		letter()
	}
	last := (b.n-1)%8 + 1
	flags := byte(last-1) | 2<<3 | 0x40 | 0x80
	length := []byte{byte(len(b.b)), byte(len(b.b) >> 8), byte(len(b.b) >> 16)}
	return append([]byte{flags, 0x5a ^ flags ^ length[0] ^ length[1] ^ length[2], length[0], length[1], length[2]}, b.b...)
}

// bitWriter writes the highest bit first.
type bitWriter struct {
	b []byte
	n int
}

func (w *bitWriter) write(v, bits int) {
	for bits--; bits >= 0; bits-- {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.n/8] |= byte(v>>bits&1) << (7 - w.n%8)
		w.n++
	}
}

func TestT08NamesShowWhatIsNotSeen(t *testing.T) {
	for name, want := range map[string]string{
		"inv\u202etxt.exe": "inv\ufffdtxt.exe", "a\u200bb": "a\ufffdb", "a\u2066b\u2069": "a\ufffdb\ufffd", "\ufeffa": "\ufffda", "a\u00adb": "a\ufffdb", "a\u2028b": "a\ufffdb",
		"a\ufe0fb": "a\ufffdb", "a\u3164b": "a\ufffdb", "a\u2800b": "a\ufffdb", "a\u034fb": "a\ufffdb", "a\U000e0041b": "a\ufffdb",
		"Größe übersicht.txt": "Größe übersicht.txt", "名前\u3000一.txt": "名前\u3000一.txt", "базы данных.txt": "базы данных.txt", "عربي.txt": "عربي.txt",
	} {
		docs, _ := read(t, folder(t, map[string]string{"x.tar": string(tarred(t, tar.Header{Name: name, Typeflag: tar.TypeReg, Linkname: shortText}))}), dump.Options{})
		if len(docs) != 1 || docs[0].entry != want {
			t.Errorf("%+q is shown as %+q, want %+q", name, docs, want)
		}
	}
}

// A panic of what the caller gave comes out, and leaves no thread behind.
func TestAPanicWhileReadingInParallelLeavesNothingBehind(t *testing.T) {
	dir := folder(t, map[string]string{"x.tar": string(tarred(t, tarFile("a", shortText), tarFile("b", shortText)))})
	synctest.Test(t, func(t *testing.T) {
		o := dump.Options{Machine: func(name string, _ []byte) []risk.Fact {
			if name == "b" {
				panic("no machine")
			}
			return nil
		}}
		defer func() {
			if p := recover(); fmt.Sprint(p) != "{no machine}" && fmt.Sprint(p) != "no machine" {
				t.Errorf("%v came out", p)
			}
		}()
		_, _ = dump.Parallel(t.Context(), dir, o, dump.Work[int]{Threads: 2, Do: func(risk.Block, *int) {}, Done: func(*int, []dump.Skip) error { return nil }})
		t.Error("nothing came out")
	})
}

// manyLogins is text that packs to about a half.
func manyLogins(size int) string {
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for b.Len() < size {
		fmt.Fprintf(&b, "user%d@clinic.example:pw%x\n", r.IntN(1_000_000), r.Uint64())
	}
	return b.String()
}

// Every format is cut at each sixteenth of its length: nothing breaks down, what came out stands in the whole, what is
// missing is told, and of what is read as a stream nearly all in front of the cut comes out.
func TestContainersThatAreCut(t *testing.T) {
	text := manyLogins(140 << 10)
	third := len(text) / 3
	entries := []member{{"a", text[:third]}, {"b", text[third : 2*third]}, {"c", text[2*third:]}}
	tarball := tarred(t, tarFile("a", entries[0].text), tarFile("b", entries[1].text), tarFile("c", entries[2].text))
	samples := map[string][]byte{
		"a zip": zipped(t, entries...), "a tar": tarball, "tar and gz": gzipped(t, tarball), "tar and zst": zstded(t, tarball), "gz": gzipped(t, []byte(text)), "an xz": xzed(t, []byte(text)),
		"an lzma": lzmaed(t, []byte(text)), "an lz4": lz4ed(t, []byte(text)), "a rar": solidRAR(70_000, 70_000, 60_000),
	}
	slow := map[string]int{"tar and zst": 128 << 10, "an lz4": 140 << 10} // what may be behind the last whole block
	whole := map[string]string{"a rar": strings.Repeat("x", 200_000)}
	for _, c := range containers(t) {
		if len(c.read) == 1 && c.read["x"] != "" && !strings.HasPrefix(c.format, "tar.") {
			samples[c.format] = []byte(c.read["x"])
			for _, d := range c.want {
				whole[c.format] += d.text
			}
		}
	}
	dir := t.TempDir()
	for name, sample := range samples {
		want, streamed := whole[name], whole[name] == ""
		if streamed {
			want = text
		}
		for part := 1; part < 16; part++ {
			cut := sample[:len(sample)*part/16]
			if err := os.WriteFile(dir+"/x", cut, 0o600); err != nil {
				t.Fatal(err)
			}
			docs, skipped := read(t, dir, dump.Options{Passwords: []string{password}})
			out := 0
			for _, d := range docs {
				if !strings.Contains(want, d.text) && !bytes.Contains(cut, []byte(d.text)) {
					t.Errorf("%s cut at %d/16: %.80q of %q is not in it", name, part, d.text, d.entry)
				}
				out += len(d.text)
			}
			if said := fmt.Sprint(skipped); len(skipped) == 0 && out < len(cut) && out < len(want) || strings.Contains(said, "broke down") {
				t.Errorf("%s cut at %d/16: %d bytes, skipped %q", name, part, out, skipped)
			}
			if least := len(text)*part/16 - max(16<<10, slow[name]); streamed && out < least {
				t.Errorf("%s cut at %d/16: %d bytes came out, want %d", name, part, out, least)
			}
		}
	}
}

func TestTenThousandZipsInAZip(t *testing.T) {
	one := string(zipped(t, member{"a", "jdoe@hospital.example:Winter-24\n"}))
	members := make([]member, 10_000)
	for i := range members {
		members[i] = member{fmt.Sprint(i, ".zip"), one}
	}
	got := measure(t, folder(t, map[string]string{"x.zip": string(zipped(t, members...))}), dump.Options{})
	got.holds(t, 320_000, "9999.zip/a")
	if got.docs != 10_000 || got.out != 320_000 || len(got.skipped) > 0 {
		t.Errorf("%d documents, %d bytes, skipped %.3q", got.docs, got.out, got.skipped)
	}
}
