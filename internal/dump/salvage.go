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
	sizes := &descriptors{at: at, size: size}
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
		end, err := w.salvageEntry(label(entry, z.name), depth, z, sizes)
		if err != nil {
			return err
		}
		pos = max(end, z.data)
	}
}

// salvageEntry reads one entry and gives where its packed bytes end, or -1 when that cannot be known.
func (w *walk) salvageEntry(name string, depth int, z zipped, sizes *descriptors) (end int64, err error) {
	if z.kind == zipFolder {
		return z.data, nil
	}
	if z.openSize && (z.packedBy() != methodDeflate || z.sealed != nil) {
		if err := sizes.find(w, &z); err != nil {
			return 0, err
		}
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
	case !z.openSize && (z.encrypted() || m.r == nil):
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

// descriptors are the sizes that follow entries which were written in one go, by where the packed bytes begin that they
// are of: one pass finds those of all entries.
type descriptors struct {
	at     io.ReaderAt
	size   int64
	passed bool
	of     map[int64]descriptor
}

type descriptor struct {
	end, size int64
	crc       uint32
}

// maxDescriptors bounds how many are remembered: by chance there are few that are none.
const maxDescriptors = 1 << 18

// find takes the sizes of an entry, where they stand behind it.
func (d *descriptors) find(w *walk, z *zipped) error {
	if !d.passed {
		d.passed, d.of = true, map[int64]descriptor{}
		findInZip(d.at, z.data, d.size, "PK\x07\x08", func(b []byte, pos int64) bool {
			d.note(b, pos)
			return w.ctx.Err() != nil || len(d.of) >= maxDescriptors
		})
	}
	if err := w.ctx.Err(); err != nil {
		return stop{err}
	}
	if found, ok := d.of[z.data]; ok {
		z.packed, z.end, z.size, z.crc, z.openSize = found.end-z.data, found.end, found.size, found.crc, false
	}
	return nil
}

// note remembers what stands at pos, in both forms that it may have. The first one that fits an entry is its own.
func (d *descriptors) note(b []byte, pos int64) {
	le := binary.LittleEndian
	remember := func(packed, size uint64) {
		start := pos - int64(min(packed, maxZipNumber))
		if _, known := d.of[start]; !known && start >= localHeaderBytes {
			d.of[start] = descriptor{end: pos, size: int64(min(size, maxZipNumber)), crc: le.Uint32(b[4:])}
		}
	}
	if len(b) >= 24 {
		remember(le.Uint64(b[8:]), le.Uint64(b[16:]))
	}
	if len(b) >= 16 {
		remember(uint64(le.Uint32(b[8:])), uint64(le.Uint32(b[12:])))
	}
}

// findInZip looks for a mark from pos on; is decides with what stands there, of which it gets 24 bytes where they exist.
func findInZip(at io.ReaderAt, pos, size int64, mark string, is func(b []byte, pos int64) bool) int64 {
	const (
		room    = 24
		longest = 64 << 10
	)
	var b []byte
	for pos < size {
		if len(b) < longest { // what is looked for is near, as a rule
			b = make([]byte, max(4*len(b), 1<<10))
		}
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
