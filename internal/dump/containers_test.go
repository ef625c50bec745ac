package dump_test

import (
	"archive/tar"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/wardline/wardline/internal/dump"
)

const password = "open-sesame"

// container is a format with a sample that is read whole and one that is refused, or read as far as it goes, in so many
// words.
type container struct {
	format string
	read   map[string]string
	want   []doc
	broken map[string]string
	why    string
	rest   []doc
}

func containers(t *testing.T) []container {
	m := member{"a.txt", shortText}
	logins := loginsText()
	one := func(name, text string) map[string]string { return map[string]string{name: text} }
	short := []doc{{"x", "a.txt", shortText}}
	cut := func(s string, keep int) map[string]string { return one("x", s[:keep]) }
	zipCopy := string(zipped(t, m))
	var list []container
	add := func(c container) { list = append(list, c) }
	packed := func(format, name, entry string) {
		s := fixture(t, name)
		add(container{format: format, read: one("x", s), want: []doc{{"x", entry, logins}}, broken: cut(s, len(s)/2), why: "", rest: nil})
	}
	add(container{
		format: "zip", read: one("x", zipCopy), want: short,
		broken: one("x", "PK\x03\x04 and nothing that belongs there"), why: "x: zip: not a valid zip file",
	})
	for _, method := range []string{"Deflate64", "LZMA", "BZip2", "Xz"} {
		s := fixture(t, method+".zip")
		add(container{
			format: "zip " + method, read: one("x", s), want: []doc{{"x", "logins.txt", logins}},
			broken: one("x", s[:60]+strings.Repeat("\xff", 40)+s[100:]), why: "x:logins.txt: ",
		})
	}
	add(container{
		format: "zip PPMd", read: nil, broken: one("x", fixture(t, "PPMd.zip")), why: "x:logins.txt: it is packed by PPMd, which is not read here",
	})
	for _, cipher := range []string{"AES128", "AES192", "AES256", "ZipCrypto"} {
		s := fixture(t, cipher+".zip")
		add(container{
			format: "zip " + cipher, read: one("x", s), want: []doc{{"x", "logins.txt", logins}, {"x", "short.txt", shortText}},
			broken: one("x", s[:50]+flip(s[50:90])+s[90:]), why: "x:logins.txt: it is encrypted; no password fits",
			rest: []doc{{"x", "short.txt", shortText}},
		})
	}
	parts := splitZip(t, []int{70, 140}, m, member{"b.txt", "second\n"}, member{"c.txt", "third\n"})
	add(container{
		format: "zip split", read: map[string]string{"x.z01": parts[0], "x.z02": parts[1], "x.zip": parts[2]},
		want:   []doc{{"x.z01", "a.txt", shortText}, {"x.z01", "b.txt", "second\n"}, {"x.z01", "c.txt", "third\n"}},
		broken: map[string]string{"x.z02": parts[1], "x.zip": parts[2]}, why: "x.z02: its part 1 of 3 is missing; the rest was read as far as it goes",
		rest: []doc{{"x.z02", "b.txt", "second\n"}, {"x.z02", "c.txt", "third\n"}},
	})
	add(container{
		format: "zip cut by size", read: map[string]string{"x.zip.001": zipCopy[:50], "x.zip.002": zipCopy[50:]}, want: []doc{{"x.zip.001", "a.txt", shortText}},
		broken: map[string]string{"x.zip.001": zipCopy[:50]}, why: "x.zip.001:a.txt: it was read up to byte 14: unexpected EOF", rest: []doc{{"x.zip.001", "a.txt", shortText[:14]}},
	})
	for _, method := range []string{"LZMA", "LZMA2", "PPMd", "BZip2", "Deflate", "Copy", "BCJ2"} {
		packed("7z "+method, method+".7z", "logins.txt")
	}
	for _, seal := range []string{"AES", "AES-headers"} {
		s := fixture(t, seal+".7z")
		add(container{
			format: "7z " + seal, read: one("x", s), want: []doc{{"x", "logins.txt", logins}, {"x", "short.txt", shortText}},
			broken: one("x", s[:len(s)-20]), why: "x: it is cut: its directory, which stands at the end, is missing",
		})
	}
	seven := string(sevenZipped(m))
	add(container{
		format: "7z cut by size", read: map[string]string{"x.7z.001": seven[:40], "x.7z.002": seven[40:60], "x.7z.003": seven[60:]},
		want:   []doc{{"x.7z.001", "a.txt", shortText}},
		broken: map[string]string{"x.7z.001": seven[:40], "x.7z.003": seven[60:]}, why: "x.7z.001: its part 2 of 3 is missing; the rest was read as far as it goes",
	})
	rar5, rar29 := string(rarred(m)), string(rar4(t, m, "", false))
	add(container{format: "rar 5 packed", read: one("x", string(solidRAR(40_000, 5))), want: []doc{{"x", "a", strings.Repeat("x", 40_000)}, {"x", "b", "xxxxx"}}, broken: cut(string(solidRAR(40_000, 5)), 80), why: "x:a: it was read up to byte "})
	add(container{format: "rar 5", read: one("x", rar5), want: short, broken: cut(rar5, 80), why: "x:a.txt: it was read up to byte 41: unexpected EOF", rest: []doc{{"x", "a.txt", shortText[:41]}}})
	add(container{format: "rar 4", read: one("x", rar29), want: short, broken: cut(rar29, 80), why: "x:a.txt: it was read up to byte 23: unexpected EOF", rest: []doc{{"x", "a.txt", shortText[:23]}}})
	for _, headers := range []bool{false, true} {
		name := map[bool]string{false: "", true: ", headers too"}[headers]
		who := map[bool]string{false: "x:a.txt", true: "x"}[headers]
		add(container{
			format: "rar 5 encrypted" + name, read: one("x", string(rar5Sealed(t, m, password, 6, headers))), want: short,
			broken: one("x", string(rar5Sealed(t, m, "never told", 6, headers))), why: who + ": it is encrypted; no password fits",
		})
		add(container{
			format: "rar 4 encrypted" + name, read: one("x", string(rar4(t, m, password, headers))), want: short,
			broken: one("x", string(rar4(t, m, "never told", headers))), why: who + ": it is encrypted; no password fits",
		})
	}
	volumes := []string{string(rarVolume(0, member{"a.txt", shortText[:20]}, len(shortText), rarGoesOn)), string(rarVolume(1, member{"a.txt", shortText[20:30]}, len(shortText), rarGoesOn|rarCameOn)), string(rarVolume(2, member{"a.txt", shortText[30:]}, len(shortText), rarCameOn))}
	add(container{
		format: "rar in parts", read: map[string]string{"x.part1.rar": volumes[0], "x.part2.rar": volumes[1], "x.part3.rar": volumes[2]},
		want:   []doc{{"x.part1.rar", "a.txt", shortText}},
		broken: map[string]string{"x.part1.rar": volumes[0], "x.part3.rar": volumes[2]}, why: "x.part1.rar: its part 2 of 3 is missing; the rest was read as far as it goes",
		rest: []doc{{"x.part1.rar", "a.txt", shortText[:20]}},
	})
	tarball := string(tarred(t, tar.Header{Name: "a.txt", Typeflag: tar.TypeReg, Linkname: shortText}))
	add(container{format: "tar", read: one("x", tarball), want: short, broken: cut(tarball, 520), why: "x:a.txt: it was read up to byte 8: unexpected EOF", rest: []doc{{"x", "a.txt", shortText[:8]}}})
	gz := string(gzipped(t, []byte(tarball)))
	add(container{format: "tar.gz", read: one("x", gz), want: short, broken: cut(gz, len(gz)-20), why: "x: unexpected EOF", rest: short})
	zst := string(zstded(t, []byte(tarball)))
	add(container{format: "tar.zst", read: one("x", zst+zst), want: []doc{{"x", "a.txt", shortText}, {"x", "a.txt", shortText}}, broken: cut(zst, len(zst)-20), why: "x: it was read up to byte 0: unexpected EOF"})
	packed("xz", "logins.xz", "")
	packed("lzma", "logins.lzma", "")
	packed("bzip2", "logins.bz2", "")
	packed("lz4", "logins.lz4", "")
	add(container{format: "gzip cut by split", read: map[string]string{"x.gz.aa": gz[:30], "x.gz.ab": gz[30:]}, want: []doc{{"x.gz.aa", "a.txt", shortText}}})
	program := "MZ\x90\x00" + strings.Repeat("code\x00", 3000)
	for name, archive := range map[string]string{"zip": zipCopy, "7z": seven, "rar 5": rar5, "rar 4": rar29} {
		add(container{format: name + " behind a program", read: one("x", program+archive), want: []doc{{"x", "", program}, {"x", "a.txt", shortText}}})
	}
	add(container{format: "zip behind text", read: one("x", "a line of text\n"+zipCopy), want: []doc{{"x", "", "a line of text\n"}, {"x", "a.txt", shortText}}})
	for kind, head := range map[string]string{
		"cabinet (.cab)": "MSCF\x00\x00\x00\x00", "arj archive": "\x60\xea\x2b\x00\x22\x0b\x01\x02\x10\x00\x02" + strings.Repeat("\x00", 40), "lzh archive": "\x20\x01-lh5-",
	} {
		article := map[bool]string{true: "an ", false: "a "}[kind[0] == 'a' || strings.HasPrefix(kind, "lzh")]
		add(container{format: strings.Fields(kind)[0], broken: one("x", head+strings.Repeat("z", 40)), why: "x: it is " + article + kind + ", which is not read here"})
	}
	add(container{format: "compress", broken: one("x", "\x1f\x9d\x90abc"), why: "x: it is packed by compress (.Z), which is not read here"})
	return list
}

func flip(s string) string {
	b := []byte(s)
	for i := range b {
		b[i] ^= 0x55
	}
	return string(b)
}

// TestContainers reads what must be read of every format, and holds what is refused to its words.
func TestContainers(t *testing.T) {
	var table strings.Builder
	rows := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(rows, "format\tread\trefused, or read so far")
	for _, c := range containers(t) {
		t.Run(c.format, func(t *testing.T) {
			if c.read != nil {
				docs, skipped := read(t, folder(t, c.read), dump.Options{Passwords: []string{"wrong", password}})
				if fmt.Sprint(docs) != fmt.Sprint(c.want) || len(skipped) > 0 {
					t.Errorf("read %.300q\nwant %.300q\nskipped %q", docs, c.want, skipped)
				}
			}
			if c.broken == nil {
				return
			}
			docs, skipped := read(t, folder(t, c.broken), dump.Options{Passwords: []string{"wrong", password}})
			if len(skipped) == 0 || !strings.HasPrefix(skipped[0], c.why) {
				t.Errorf("skipped %q\nwant %q", skipped, c.why)
			}
			if c.rest != nil && fmt.Sprint(docs) != fmt.Sprint(c.rest) {
				t.Errorf("of the broken one %.300q\nwant %.300q", docs, c.rest)
			}
			if len(skipped) > 0 {
				fmt.Fprintf(rows, "%s\t%d\t%s\n", c.format, len(c.want), skipped[0])
			}
		})
	}
	rows.Flush()
	t.Log("\n" + table.String())
}

func TestALaterPartIsReadWithTheFirst(t *testing.T) {
	seven := string(sevenZipped(member{"a.txt", shortText}))
	dir := folder(t, map[string]string{"x.7z.001": seven[:40], "x.7z.002": seven[40:]})
	docs, skipped := read(t, filepath.Join(dir, "x.7z.001"), dump.Options{})
	if len(docs) != 1 || docs[0].text != shortText || len(skipped) > 0 {
		t.Errorf("read %q, skipped %q", docs, skipped)
	}
	docs, skipped = read(t, filepath.Join(dir, "x.7z.002"), dump.Options{})
	if len(docs) > 0 || len(skipped) != 1 || !strings.HasSuffix(skipped[0], ": it is a part of x.7z.001 and is read with it") {
		t.Errorf("read %q, skipped %q", docs, skipped)
	}
}
