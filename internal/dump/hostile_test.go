package dump_test

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/dump"
	"github.com/wardline/wardline/internal/risk"
)

func crc(b []byte) uint32 { return crc32.ChecksumIEEE(b) }

// taken is what reading a folder took and brought.
type taken struct {
	out     int64 // bytes of text
	docs    int
	last    string
	skipped []string
	memory  uint64 // bytes that the process grew by
}

// measure reads a folder, and fails if a file was written anywhere below what surrounds it.
func measure(t *testing.T, dir string, o dump.Options) taken {
	t.Helper()
	before, memory := tree(t, filepath.Dir(dir)), resident()
	var got taken
	skips, err := dump.Blocks(t.Context(), dir, o, func(b risk.Block) error {
		got.out += int64(len(b.Body()))
		if b.Lead == 0 && b.Head == nil {
			got.docs++
		}
		got.last = b.Place.Entry
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if now := resident(); now > memory {
		got.memory = now - memory
	}
	for _, s := range skips {
		got.skipped = append(got.skipped, s.Entry+": "+s.Why)
	}
	if after := tree(t, filepath.Dir(dir)); !slices.Equal(before, after) {
		t.Errorf("files were written: %q, before %q", after, before)
	}
	return got
}

func tree(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		names = append(names, path+" "+d.Type().String())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func resident() uint64 {
	runtime.GC()
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() - s[1].Value.Uint64()
}

const mostMemory = 256 << 20

func (got taken) holds(t *testing.T, mostOut int64, last string, why ...string) {
	t.Helper()
	if got.out > mostOut || got.memory > mostMemory || got.last != last {
		t.Errorf("%d bytes came out, %d MiB taken, last read %q", got.out, got.memory>>20, got.last)
	}
	for _, w := range why {
		if !slices.ContainsFunc(got.skipped, func(s string) bool { return strings.Contains(s, w) }) {
			t.Errorf("%q is not said: %.500q", w, got.skipped)
		}
	}
}

// good is the entry behind a hostile one, which must be read all the same.
var good = tar.Header{Name: "good.txt", Typeflag: tar.TypeReg, Linkname: shortText}

func tarFile(name, text string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeReg, Linkname: text}
}

func TestT02NestedBombsEnd(t *testing.T) {
	bomb := string(zipped(t, member{"0", string(make([]byte, 60<<20))})) // below what one entry is let go to
	for range 2 {
		bomb = string(zipped(t, member{"0", bomb}, member{"1", bomb}, member{"2", bomb}, member{"3", bomb}, member{"4", bomb}, member{"5", bomb}))
	}
	got := measure(t, folder(t, map[string]string{"a.zip": bomb, "b.txt": shortText}), dump.Options{})
	got.holds(t, 300<<20+1000*int64(len(bomb)), "", "all in all it unpacks to more than 1000 times its size; the rest was not read")
}

func TestT02ManySmallBombsEnd(t *testing.T) {
	bomb := string(gzipped(t, make([]byte, 60<<20)))
	var headers []tar.Header
	for i := range 6 {
		headers = append(headers, tarFile(fmt.Sprint(i), bomb))
	}
	got := measure(t, folder(t, map[string]string{"a.tar.gz": string(gzipped(t, tarred(t, append(headers, good)...))), "b.txt": shortText}), dump.Options{MaxRatio: 500})
	got.holds(t, 600<<20, "", "times its size; the rest was not read")
}

// TestT02OverlappingEntries has the directory name the same bytes many times: at one place, and from inside each other.
func TestT02OverlappingEntries(t *testing.T) {
	le := binary.LittleEndian
	var members []member
	for i := range 500 {
		members = append(members, member{fmt.Sprintf("%03d", i), strings.Repeat("x", 1000)})
	}
	data := []byte(splitZip(t, nil, members...)[0])
	first := bytes.Index(data, []byte("PK\x01\x02"))
	for i, at := 0, first; i < 500; i, at = i+1, at+49 {
		switch {
		case i%2 == 1: // all the rest of the file
			le.PutUint32(data[at+20:], uint32(first-1000*i))
			le.PutUint32(data[at+24:], uint32(first-1000*i))
		case i%10 == 0: // the first entry
			le.PutUint32(data[at+42:], 4)
		}
	}
	got := measure(t, folder(t, map[string]string{"x.zip": string(data)}), dump.Options{})
	got.holds(t, int64(len(data))*2, "499", "it overlaps another entry", "which is not what the archive says of it")
	if got.docs < 450 {
		t.Errorf("%d documents, want all that begin at a place of their own", got.docs)
	}
}

func TestT02LyingSizesHideNothing(t *testing.T) {
	data := []byte(splitZip(t, nil, member{"a", "first\n"}, member{"b", "second\n"}, member{"c", "third\n"})[0])
	at := bytes.Index(data, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(data[at+20:], 1<<31)
	got := measure(t, folder(t, map[string]string{"x.zip": string(data)}), dump.Options{})
	got.holds(t, 30, "c")
	if got.docs != 3 {
		t.Errorf("%d documents, want 3", got.docs)
	}
}

// TestT02AMillionEntries is one in a tenth of its size, with a tenth of the limit and of the memory.
func TestT02AMillionEntries(t *testing.T) {
	const entries = 100_001
	var local, directory bytes.Buffer
	header := make([]byte, 30)
	copy(header, "PK\x03\x04\x14")
	header[26] = 1
	record := make([]byte, 46)
	copy(record, "PK\x01\x02\x14\x00\x14")
	record[28] = 1
	for range entries {
		binary.LittleEndian.PutUint32(record[42:], uint32(local.Len()))
		local.Write(header)
		local.WriteByte('x')
		directory.Write(record)
		directory.WriteByte('x')
	}
	end := append([]byte("PK\x05\x06\x00\x00\x00\x00\xff\xff\xff\xff"), le32(uint32(directory.Len()))...)
	end = append(append(end, le32(uint32(local.Len()))...), 0, 0)
	path := filepath.Join(t.TempDir(), "x.zip")
	if err := os.WriteFile(path, slices.Concat(local.Bytes(), directory.Bytes(), end), 0o600); err != nil {
		t.Fatal(err)
	}
	local, directory = bytes.Buffer{}, bytes.Buffer{}
	got := measure(t, filepath.Dir(path), dump.Options{MaxEntries: entries - 1})
	got.holds(t, 0, "", "it holds more than 100000 entries; the others were not read")
	if got.memory > mostMemory/10 {
		t.Errorf("%d MiB were taken", got.memory>>20)
	}
}

// TestT02ManyRefusalsAreCounted names the first of many and counts the rest.
func TestT02ManyRefusalsAreCounted(t *testing.T) {
	var headers []tar.Header
	for i := range 3000 {
		headers = append(headers, tar.Header{Name: fmt.Sprint("link", i), Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"})
	}
	got := measure(t, folder(t, map[string]string{"x.tar": string(tarred(t, append(headers, good)...))}), dump.Options{})
	got.holds(t, 100, "good.txt", "2000 more things in it were not read, or not to their end")
	if len(got.skipped) != 1001 {
		t.Errorf("%d things are named", len(got.skipped))
	}
}

func TestT02HostileSevenZips(t *testing.T) {
	m := member{"a", shortText}
	count := string(sevenHeaded("", "\x01\x05\xf0\xff\xff\xff\xff\x00\x00"))
	streams := string(sevenHeaded("", "\x01\x04\x06\x00\xf0\xff\xff\xff\xff\x09\x00\x00\x00"))
	dir := folder(t, map[string]string{
		"1.7z": string(sevenZippedBy(m, "\x21\x21\x01\x28")),                         // LZMA2 with 4 GiB
		"2.7z": string(sevenZippedBy(m, "\x23\x03\x01\x01\x05\x5d\x00\x00\x00\xc0")), // LZMA with 3 GiB
		"3.7z": string(sevenZippedBy(m, "\x23\x03\x04\x01\x05\x06\x00\x00\x00\xf0")), // PPMd with 4 GiB
		"4.7z": count, "5.7z": streams,
		"6.txt": shortText,
	})
	got := measure(t, dir, dump.Options{})
	got.holds(t, 100, "")
	want := []string{
		"a: its dictionary takes more than 256 MiB of memory", "a: its dictionary takes more than 256 MiB of memory", "a: its dictionary takes more than 256 MiB of memory",
		": its directory is broken", ": its directory is broken",
	}
	if !slices.Equal(got.skipped, want) || got.docs != 1 {
		t.Errorf("%d documents, skipped %q", got.docs, got.skipped)
	}
}

func TestT02HostileStreams(t *testing.T) {
	xzHeader := "\xfd7zXZ\x00\x00\x01\x69\x22\xde\x36"
	block := "\x02\x00\x21\x01\x28\x00\x00\x00" // LZMA2 with 4 GiB
	xz := xzHeader + block + string(le32(crc([]byte(block)))) + "\x01\x00\x00x\x00"
	lzma := "\x5d\x00\x00\x00\x80" + strings.Repeat("\xff", 8) + strings.Repeat("\x00", 40)
	zst := "\x28\xb5\x2f\xfd\x00\xb0\x01\x00\x00" // a window of 4 GiB
	file := "\x02\x02\x04\x00\x04\x20\x80\xbf\x00\x01\x01a"
	rar := "Rar!\x1a\x07\x01\x00" + string(rarBlock([]byte{1, 0, 0})) + string(rarBlock([]byte(file))) + "abcd" + string(rarBlock([]byte{5, 0, 0}))
	got := measure(t, folder(t, map[string]string{"1": xz, "2": lzma, "3": zst, "4": rar, "5": shortText}), dump.Options{})
	got.holds(t, 100, "", "dictionary size exceeds max", "exceeds configured dictionary capacity", "window size exceeded")
	if len(got.skipped) != 4 || got.docs != 1 {
		t.Errorf("%d documents, skipped %q", got.docs, got.skipped)
	}
}

func TestT02HostileTars(t *testing.T) {
	sparse := make([]byte, 512)
	copy(sparse, "sparse")
	copy(sparse[100:], "0000600\x000000000\x000000000\x0000000001000\x0000000000000\x00")
	sparse[156] = 'S'
	copy(sparse[257:], "ustar  \x00")
	copy(sparse[386:], "40000000000\x0000000001000\x00")
	copy(sparse[483:], "40000001000\x00") // 4 GiB of nothing and one block
	sum := 8 * int(' ')
	for _, b := range sparse {
		sum += int(b)
	}
	copy(sparse[148:], fmt.Sprintf("%06o\x00 ", sum))
	big := tar.Header{Name: "pax", Typeflag: tar.TypeReg, Linkname: shortText, PAXRecords: map[string]string{"WARDLINE.x": strings.Repeat("x", 900<<10)}}
	tarball := string(sparse) + strings.Repeat("s", 512) + string(tarred(t, big, tarFile(strings.Repeat("n", 65535), "named\n"), good))
	got := measure(t, folder(t, map[string]string{"x.tar": tarball}), dump.Options{})
	got.holds(t, 1100<<20, "good.txt", "sparse: it was read up to byte ")
}

func TestT02NamesAsLongAsTheyCanBe(t *testing.T) {
	long := strings.Repeat("é", 32767)
	docs, skipped := read(t, folder(t, map[string]string{"x.zip": string(zipped(t, member{long, shortText}))}), dump.Options{})
	if len(skipped) > 0 || len(docs) != 1 || len(docs[0].entry) > 1100 || docs[0].text != shortText {
		t.Errorf("read %.100q, skipped %q", docs, skipped)
	}
}

// badNames are names that would be written elsewhere by who writes files.
var badNames = map[string]string{
	"../up.txt": "../up.txt", "../../../etc/cron.d/x": "../../../etc/cron.d/x", "/abs.txt": "/abs.txt", `C:\win.txt`: "C:/win.txt", `a\..\b.txt`: "a/../b.txt",
	"nul\x00l.txt": "nul\ufffdl.txt", "esc\x1b[2J.txt": "esc\ufffd[2J.txt", "bad\xff.txt": "bad\ufffd.txt",
}

func TestT03NoNameLeadsOutside(t *testing.T) {
	files, want := map[string]string{}, map[string]int{}
	i := 0
	for name, shown := range badNames {
		i++
		want[shown]++
		files[fmt.Sprint(i, ".rar")] = string(rarred(member{name, shortText}))
		files[fmt.Sprint(i, ".zip")] = string(zipped(t, member{name, shortText}))
		if !strings.Contains(name, "\x00") {
			files[fmt.Sprint(i, ".tar")] = string(tarred(t, tarFile(name, shortText)))
			files[fmt.Sprint(i, ".7z")] = string(sevenZipped(member{strings.ToValidUTF8(name, "\ufffd"), shortText}))
		}
	}
	dir := folder(t, files)
	got := measure(t, dir, dump.Options{})
	got.holds(t, 1<<20, got.last)
	docs, skipped := read(t, dir, dump.Options{})
	if len(docs) != len(files) || len(skipped) > 0 {
		t.Errorf("%d documents of %d, skipped %q", len(docs), len(files), skipped)
	}
	for _, d := range docs {
		if want[d.entry] == 0 || strings.ContainsAny(d.entry, "\\\x00\x1b") {
			t.Errorf("%s is shown as %q", d.path, d.entry)
		}
	}
}

func TestT03LinksAndDevicesAreNotFollowed(t *testing.T) {
	special := []tar.Header{
		{Name: "symlink", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, {Name: "hardlink", Typeflag: tar.TypeLink, Linkname: "../../x"},
		{Name: "block", Typeflag: tar.TypeBlock}, {Name: "char", Typeflag: tar.TypeChar}, {Name: "fifo", Typeflag: tar.TypeFifo},
	}
	linked := []byte(splitZip(t, nil, member{"symlink", "/etc/passwd"}, member{"good.txt", shortText})[0])
	at := bytes.Index(linked, []byte("PK\x01\x02"))
	linked[at+5] = 3
	binary.LittleEndian.PutUint32(linked[at+38:], 0o120777<<16)
	rar := bytes.Replace(rar4(t, member{"symlink", "/etc/passwd"}, "", false), le32(0o100644), le32(0o120777), 1)
	head := bytes.Index(rar, []byte("\x74\x00\x80"))
	binary.LittleEndian.PutUint16(rar[head-2:], uint16(crc(rar[head:head+5+25+7])))
	got := measure(t, folder(t, map[string]string{"1.tar": string(tarred(t, append(special, good)...)), "2.zip": string(linked), "3.rar": string(rar)}), dump.Options{})
	got.holds(t, 2*int64(len(shortText)), "good.txt")
	var want []string
	for _, name := range []string{"symlink", "hardlink", "block", "char", "fifo", "symlink", "symlink"} {
		want = append(want, name+": it is a link or a device")
	}
	if !slices.Equal(got.skipped, want) || got.docs != 2 {
		t.Errorf("%d documents, skipped %q", got.docs, got.skipped)
	}
}
