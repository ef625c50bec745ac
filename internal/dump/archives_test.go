package dump_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // what the format demands
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/klauspost/compress/zstd"
)

// What the standard library cannot write is put together here byte by byte, or was written by the usual tool.

type member struct{ name, text string }

func zipped(t *testing.T, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, m := range members {
		f, err := w.Create(m.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(m.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarred(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		text := h.Linkname
		if h.Typeflag == tar.TypeReg {
			h.Size, h.Linkname = int64(len(text)), ""
		}
		h.Mode = 0o600
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := w.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstded(t *testing.T, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(data, nil)
}

// sevenZipped is a 7z archive with one file, stored; names and texts shorter than 64 bytes.
func sevenZipped(m member) []byte {
	return sevenZippedBy(m, "\x01\x00")
}

// sevenZippedBy says of the file that it is packed by the method that coder describes.
func sevenZippedBy(m member, coder string) []byte {
	le := binary.LittleEndian
	var name []byte
	for _, u := range append(utf16.Encode([]rune(m.name)), 0) {
		name = le.AppendUint16(name, u)
	}
	size := byte(len(m.text))
	header := append([]byte{1, 4, 6, 0, 1, 9, size, 0, 7, 0x0b, 1, 0, 1}, coder...)
	header = append(header, 0x0c, size, 0, 8, 0x0a, 1)
	header = le.AppendUint32(header, crc32.ChecksumIEEE([]byte(m.text)))
	header = append(header, 0, 0, 5, 1, 0x11, byte(len(name)+1), 0)
	header = append(append(header, name...), 0, 0)
	return sevenHeaded(m.text, string(header))
}

// sevenHeaded is a 7z archive with these packed bytes and this header.
func sevenHeaded(packed, header string) []byte {
	le := binary.LittleEndian
	start := le.AppendUint64(nil, uint64(len(packed)))
	start = le.AppendUint64(start, uint64(len(header)))
	start = le.AppendUint32(start, crc32.ChecksumIEEE([]byte(header)))
	out := le.AppendUint32([]byte("7z\xbc\xaf\x27\x1c\x00\x04"), crc32.ChecksumIEEE(start))
	return append(append(append(out, start...), packed...), header...)
}

// rarred is a RAR 5 archive with one file, stored; names and texts shorter than 64 bytes.
func rarred(m member) []byte { return rarVolume(0, m, len(m.text), 0) }

const (
	rarGoesOn = 0x10 // the file goes on in the next volume
	rarCameOn = 0x08
)

// rarVolume is one of several RAR 5 volumes, with a piece of one file of so many bytes.
func rarVolume(number int, m member, size int, split byte) []byte {
	main, end := []byte{1, 0, 0}, []byte{5, 0, 0}
	if split != 0 {
		main, end = []byte{1, 0, 1}, []byte{5, 0, 0}
		if number > 0 {
			main = []byte{1, 0, 3, byte(number)}
		}
		if split&rarGoesOn != 0 {
			end = []byte{5, 0, 1}
		}
	}
	file := []byte{2, 2 | split, byte(len(m.text)), 0, byte(size), 0x20, 0, 1, byte(len(m.name))}
	if split == 0 {
		file = append([]byte{2, 2, byte(len(m.text)), 4, byte(len(m.text)), 0x20}, le32(crc32.ChecksumIEEE([]byte(m.text)))...)
		file = append(file, 0, 1, byte(len(m.name)))
	}
	out := append([]byte("Rar!\x1a\x07\x01\x00"), rarBlock(main)...)
	out = append(append(out, rarBlock(append(file, m.name...))...), m.text...)
	return append(out, rarBlock(end)...)
}

func le32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }

func rarBlock(b []byte) []byte {
	b = append([]byte{byte(len(b))}, b...)
	return append(binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(b)), b...)
}

var (
	rarSalt = []byte("salt of the tests"[:16])
	rarIV   = []byte("vector for tests"[:16])
)

// rar5Key is the key of a password, and what tells a wrong one: twelve bytes.
func rar5Key(t *testing.T, password string, log byte) (key, check []byte) {
	t.Helper()
	derive := func(rounds int) []byte {
		k, err := pbkdf2.Key(sha256.New, password, rarSalt, rounds, 32)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	for i, b := range derive(1<<log + 32) {
		if i < 8 {
			check = append(check, b)
		} else {
			check[i%8] ^= b
		}
	}
	sum := sha256.Sum256(check)
	return derive(1 << log), append(check, sum[:4]...)
}

// sealCBC encrypts what is padded to whole blocks first.
func sealCBC(t *testing.T, key, iv, plain []byte) []byte {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	out := append(bytes.Clone(plain), make([]byte, -len(plain)&15)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(out, out)
	return out
}

// rar5Sealed is a RAR 5 archive with one encrypted file, and encrypted headers if so wanted. The key takes 2^log rounds.
func rar5Sealed(t *testing.T, m member, password string, log byte, headers bool) []byte {
	t.Helper()
	key, check := rar5Key(t, password, log)
	packed := sealCBC(t, key, rarIV, []byte(m.text))
	extra := append([]byte{1, 0, 1, log}, rarSalt...)
	extra = append(append(extra, rarIV...), check...)
	extra = append([]byte{byte(len(extra))}, extra...)
	file := []byte{2, 3, byte(len(extra)), byte(len(packed)), 4, byte(len(m.text)), 0x20}
	file = append(append(file, le32(crc32.ChecksumIEEE([]byte(m.text)))...), 0, 1, byte(len(m.name)))
	file = append(append(file, m.name...), extra...)
	blocks := [][]byte{{1, 0, 0}, file, {5, 0, 0}}
	out := []byte("Rar!\x1a\x07\x01\x00")
	if headers {
		out = append(out, rarBlock(append(append([]byte{4, 0, 0, 1, log}, rarSalt...), check...))...)
	}
	for i, b := range blocks {
		b = rarBlock(b)
		if headers {
			b = append(bytes.Clone(rarIV), sealCBC(t, key, rarIV, b)...)
		}
		out = append(out, b...)
		if i == 1 {
			out = append(out, packed...)
		}
	}
	return out
}

// rar4Key is the key and the first vector of a password in the format of RAR 3 and 4.
func rar4Key(password string, salt []byte) (key, iv []byte) {
	var p []byte
	for _, u := range utf16.Encode([]rune(password)) {
		p = binary.LittleEndian.AppendUint16(p, u)
	}
	p = append(p, salt...)
	h := sha1.New()
	for i := range 1 << 18 {
		h.Write(p)
		h.Write([]byte{byte(i), byte(i >> 8), byte(i >> 16)})
		if i%(1<<14) == 0 {
			iv = append(iv, h.Sum(nil)[19])
		}
	}
	for i, sum := 0, h.Sum(nil); i < 16; i++ {
		key = append(key, sum[i^3])
	}
	return key, iv
}

// rar4 is an archive of RAR 4 with one file, stored, encrypted where there is a password, with its headers if so wanted.
func rar4(t *testing.T, m member, password string, headers bool) []byte {
	t.Helper()
	salt := rarSalt[:8]
	packed, flags, key, iv := []byte(m.text), uint16(0x8000), []byte(nil), []byte(nil)
	if password != "" {
		key, iv = rar4Key(password, salt)
		packed, flags = sealCBC(t, key, iv, packed), 0x8404
	}
	file := append(le32(uint32(len(packed))), le32(uint32(len(m.text)))...)
	file = append(append(file, 3), le32(crc32.ChecksumIEEE([]byte(m.text)))...)
	file = append(append(file, le32(0)...), 29, 0x30, byte(len(m.name)), 0)
	file = append(append(file, le32(0o100644)...), m.name...)
	if password != "" {
		file = append(file, salt...)
	}
	mainFlags := uint16(0)
	if headers {
		mainFlags = 0x80
	}
	out := append([]byte("Rar!\x1a\x07\x00"), rar4Block(0x73, mainFlags, make([]byte, 6))...)
	put := func(block []byte) {
		if headers {
			block = append(bytes.Clone(salt), sealCBC(t, key, iv, block)...)
		}
		out = append(out, block...)
	}
	put(rar4Block(0x74, flags, file))
	out = append(out, packed...)
	put(rar4Block(0x7b, 0x4000, nil))
	return out
}

func rar4Block(kind byte, flags uint16, data []byte) []byte {
	b := binary.LittleEndian.AppendUint16([]byte{kind}, flags)
	b = append(binary.LittleEndian.AppendUint16(b, uint16(7+len(data))), data...)
	return append(binary.LittleEndian.AppendUint16(nil, uint16(crc32.ChecksumIEEE(b))), b...)
}

// splitZip is a zip over several disks, cut where so wanted, as the usual programs write it: a mark, the entries, and a
// directory that names the disk and the place on it where each begins.
func splitZip(t *testing.T, cuts []int, members ...member) []string {
	t.Helper()
	le := binary.LittleEndian
	all := []byte("PK\x07\x08")
	at := func() (disk, offset int) {
		for _, c := range cuts {
			if len(all) < c {
				break
			}
			disk, offset = disk+1, c
		}
		return disk, len(all) - offset
	}
	var directory []byte
	for _, m := range members {
		disk, offset := at()
		common := append([]byte{20, 0, 0, 0, 0, 0, 0, 0, 0, 0}, le32(crc32.ChecksumIEEE([]byte(m.text)))...)
		common = append(append(common, le32(uint32(len(m.text)))...), le32(uint32(len(m.text)))...)
		common = le.AppendUint16(le.AppendUint16(common, uint16(len(m.name))), 0)
		directory = append(append(directory, "PK\x01\x02\x14\x00"...), common...)
		directory = le.AppendUint16(append(directory, 0, 0), uint16(disk))
		directory = append(append(append(directory, make([]byte, 6)...), le32(uint32(offset))...), m.name...)
		all = append(append(append(append(all, "PK\x03\x04"...), common...), m.name...), m.text...)
	}
	disk, offset := at()
	all = append(all, directory...)
	last, _ := at()
	all = le.AppendUint16(le.AppendUint16(append(all, "PK\x05\x06"...), uint16(last)), uint16(disk))
	all = le.AppendUint16(le.AppendUint16(all, uint16(len(members))), uint16(len(members)))
	all = append(append(append(all, le32(uint32(len(directory)))...), le32(uint32(offset))...), 0, 0)
	var parts []string
	from := 0
	for _, c := range append(cuts, len(all)) {
		parts = append(parts, string(all[from:c]))
		from = c
	}
	return parts
}

// fixture is one of the archives that other programs wrote.
func fixture(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "containers", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const shortText = "https://vpn.hospital.example:jdoe:Winter-2024!\n"

// loginsText is the longer of the two files in the fixtures.
func loginsText() string {
	var b strings.Builder
	for i := range 300 {
		fmt.Fprintf(&b, "https://portal%d.hospital.example/login:person%d@clinic.example:Invented-%d!\n", i%7, i, i*7919%10007)
	}
	return b.String()
}
