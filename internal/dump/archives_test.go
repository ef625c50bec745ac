package dump_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"hash/crc32"
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
	le := binary.LittleEndian
	name := binary.BigEndian.AppendUint16(nil, 0)[:0]
	for _, u := range append(utf16.Encode([]rune(m.name)), 0) {
		name = le.AppendUint16(name, u)
	}
	size := byte(len(m.text))
	header := []byte{1, 4, 6, 0, 1, 9, size, 0, 7, 0x0b, 1, 0, 1, 1, 0, 0x0c, size, 0, 8, 0x0a, 1}
	header = le.AppendUint32(header, crc32.ChecksumIEEE([]byte(m.text)))
	header = append(header, 0, 0, 5, 1, 0x11, byte(len(name)+1), 0)
	header = append(append(header, name...), 0, 0)
	start := le.AppendUint64(nil, uint64(size))
	start = le.AppendUint64(start, uint64(len(header)))
	start = le.AppendUint32(start, crc32.ChecksumIEEE(header))
	out := le.AppendUint32([]byte("7z\xbc\xaf\x27\x1c\x00\x04"), crc32.ChecksumIEEE(start))
	return append(append(append(out, start...), m.text...), header...)
}

// rarred is a RAR 5 archive with one file, stored; names and texts shorter than 64 bytes.
func rarred(m member) []byte {
	file := []byte{2, 2, byte(len(m.text)), 4, byte(len(m.text)), 0x20}
	file = binary.LittleEndian.AppendUint32(file, crc32.ChecksumIEEE([]byte(m.text)))
	file = append(append(file, 0, 1, byte(len(m.name))), m.name...)
	out := append([]byte("Rar!\x1a\x07\x01\x00"), rarBlock([]byte{1, 0, 0})...)
	out = append(append(out, rarBlock(file)...), m.text...)
	return append(out, rarBlock([]byte{5, 0, 0})...)
}

func rarBlock(b []byte) []byte {
	b = append([]byte{byte(len(b))}, b...)
	return append(binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(b)), b...)
}
