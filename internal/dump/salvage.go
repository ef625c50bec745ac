package dump

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
)

// salvage reads a zip whose directory is missing or broken, as a download that was cut leaves it: one entry after the
// other by their own headers, from pos on. Where one does not lead to the next, the next is looked for. What is wrong
// with the directory stays the error.
func (w *walk) salvage(entry string, depth int, at io.ReaderAt, pos, size int64, broken error) error {
	for {
		if err := w.ctx.Err(); err != nil {
			return stop{err}
		}
		pos = findLocalHeader(at, pos, size)
		if pos < 0 {
			return broken
		}
		z, ok := readLocalHeader(at, pos, size)
		if !ok {
			pos += 4
			continue
		}
		end, err := w.salvageEntry(label(entry, z.name), depth, z)
		if err != nil {
			return err
		}
		pos = max(end, z.data)
	}
}

// salvageEntry reads one entry and gives where its packed bytes end, or -1 when that cannot be known.
func (w *walk) salvageEntry(name string, depth int, z zipped) (end int64, err error) {
	if z.kind == zipFolder {
		return z.data, nil
	}
	if z.openSize && (z.packedBy() != methodDeflate || z.sealed != nil) {
		z.findDescriptor()
	}
	m := &meter{}
	buffered := bufio.NewReaderSize(m, zipBuffer)
	err = w.entry(name, depth, &m.n, func() (io.ReadCloser, error) {
		if z.openSize && (z.packedBy() != methodDeflate || z.sealed != nil) {
			return nil, errors.New("the archive does not say where it ends")
		}
		m.r = z.section(0)
		if z.encrypted() {
			if m.r, err = w.unseal(z); err != nil {
				return nil, err
			}
		}
		return w.unzip(z, buffered)
	})
	switch {
	case err != nil:
		return z.data, err
	case !z.openSize:
		return z.end, nil
	case m.r == nil:
		return -1, nil
	}
	read := m.n - int64(buffered.Buffered())
	if z.encrypted() {
		read += zipCryptoHead
	}
	return z.data + read, nil
}

// readLocalHeader takes from an entry's own header what the directory would say.
func readLocalHeader(at io.ReaderAt, pos, size int64) (zipped, bool) {
	var b [localHeaderBytes]byte
	if n, _ := at.ReadAt(b[:], pos); n < len(b) || string(b[:4]) != "PK\x03\x04" {
		return zipped{}, false
	}
	le := binary.LittleEndian
	names := make([]byte, int(le.Uint16(b[26:]))+int(le.Uint16(b[28:])))
	if n, _ := at.ReadAt(names, pos+localHeaderBytes); n < len(names) {
		return zipped{}, false
	}
	name, extra := string(names[:le.Uint16(b[26:])]), names[le.Uint16(b[26:]):]
	e := &zipEntry{
		name: name, flags: le.Uint16(b[6:]), method: le.Uint16(b[8:]), time: le.Uint16(b[10:]), crc: le.Uint32(b[14:]),
		packed: int64(le.Uint32(b[18:])), size: int64(le.Uint32(b[22:])), header: pos,
	}
	if strings.HasSuffix(name, "/") || strings.HasSuffix(name, `\`) {
		e.kind = zipFolder
	}
	readZipExtra(e, extra, nil)
	z := zipped{zipEntry: e, at: at, data: pos + localHeaderBytes + int64(len(names)), openSize: e.flags&8 != 0 && e.packed == 0}
	z.end = size
	if !z.openSize {
		z.end = min(size, z.data+e.packed)
	}
	return z, z.data <= size && z.end >= z.data
}

// findLocalHeader is the next place that looks like the beginning of an entry, from pos on. Parts that cannot be read
// are passed over.
func findLocalHeader(at io.ReaderAt, pos, size int64) int64 {
	return findInZip(at, pos, size, "PK\x03\x04", func([]byte, int64) bool { return true })
}

// findDescriptor finds the sizes that follow an entry which was written in one go: they must say what its size is.
func (z *zipped) findDescriptor() {
	le := binary.LittleEndian
	found := findInZip(z.at, z.data, z.end, "PK\x07\x08", func(b []byte, pos int64) bool {
		packed := pos - z.data
		switch {
		case len(b) >= 24 && int64(le.Uint64(b[8:])) == packed:
			z.size = int64(le.Uint64(b[16:]))
		case len(b) >= 16 && int64(le.Uint32(b[8:])) == packed:
			z.size = int64(le.Uint32(b[12:]))
		default:
			return false
		}
		z.crc = le.Uint32(b[4:])
		return true
	})
	if found >= 0 {
		z.packed, z.end, z.openSize = found-z.data, found, false
	}
}

// findInZip looks for a mark from pos on; is decides with what stands there, of which it gets 24 bytes where they exist.
func findInZip(at io.ReaderAt, pos, size int64, mark string, is func(b []byte, pos int64) bool) int64 {
	const room = 24
	b := make([]byte, 64<<10)
	for pos < size {
		n, err := at.ReadAt(b[:min(int64(len(b)), size-pos)], pos)
		for i := 0; ; i++ {
			j := bytes.Index(b[i:n], []byte(mark))
			if j < 0 {
				break
			}
			if i += j; i+room > n && pos+int64(n) < size && i > 0 {
				n = i // read again from here on
				break
			}
			if is(b[i:n], pos+int64(i)) {
				return pos + int64(i)
			}
		}
		switch {
		case n == 0 && err != nil && !errors.Is(err, errMissingPart):
			return -1
		case n == 0:
			pos += int64(len(b))
		case pos+int64(n) >= size:
			return -1
		case n < room:
			pos += int64(n)
		default:
			pos += int64(n - len(mark) + 1)
		}
	}
	return -1
}
