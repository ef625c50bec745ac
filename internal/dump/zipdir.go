package dump

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

var (
	errZip          = errors.New("zip: not a valid zip file")
	errZipDirectory = errors.New("its directory is broken")
)

// zipDirectory is where a zip says what it holds. Its entries are read from the archive each time they are walked, so
// that a million of them take no memory.
type zipDirectory struct {
	at         io.ReaderAt
	start, end int64   // of the records
	base       int64   // what must be added to every place that it names: the length of what stands before the zip
	disks      []int64 // where each part of a split zip begins, in order; nil = it is not split
	comment    string
}

// zipEntry is one record of the directory.
type zipEntry struct {
	name         string
	flags        uint16
	method       uint16
	time         uint16
	crc          uint32
	packed, size int64
	header       int64 // where its local header stands
	kind         zipKind
	sealed       *aesSeal // how it is encrypted by the newer method; nil = not so
}

type zipKind int

const (
	zipFile zipKind = iota
	zipFolder
	zipSpecial // a link or a device
)

func (e *zipEntry) encrypted() bool { return e.flags&1 != 0 }

const (
	endRecordBytes   = 22
	end64RecordBytes = 56
	localHeaderBytes = 30
	centralBytes     = 46
	maxZipNumber     = 1 << 60 // of bytes: a larger one is a lie, and sums of them must not overflow
)

// findZipDirectory looks for the record at the end of a zip. parts says where the files begin that it came in.
func findZipDirectory(at io.ReaderAt, size int64, parts []int64) (zipDirectory, error) {
	tail := make([]byte, min(size, endRecordBytes+math.MaxUint16))
	from := size - int64(len(tail))
	if n, err := at.ReadAt(tail, from); n < len(tail) {
		return zipDirectory{}, fmt.Errorf("read the end of the zip: %w", err)
	}
	for i := len(tail) - endRecordBytes; i >= 0; i-- {
		if i = bytes.LastIndex(tail[:i+4], []byte("PK\x05\x06")); i < 0 {
			break
		}
		if d, ok := readEndRecord(at, from+int64(i), tail[i:], parts); ok {
			return d, nil
		}
	}
	return zipDirectory{}, errZip
}

func readEndRecord(at io.ReaderAt, pos int64, b []byte, parts []int64) (zipDirectory, bool) {
	le := binary.LittleEndian
	comment := int(le.Uint16(b[20:]))
	if endRecordBytes+comment > len(b) {
		return zipDirectory{}, false
	}
	d := zipDirectory{at: at, comment: string(b[endRecordBytes : endRecordBytes+comment])}
	disk, count := int64(le.Uint16(b[6:])), int64(le.Uint16(b[10:]))
	bytes, offset := int64(le.Uint32(b[12:])), int64(le.Uint32(b[16:]))
	end := pos
	if r, ok := readEnd64Record(at, pos, parts); ok {
		disk, count, bytes, offset, end = r.disk, r.count, r.bytes, r.offset, r.pos
	}
	if len(parts) > 1 && disk > 0 {
		if disk >= int64(len(parts)) {
			return zipDirectory{}, false
		}
		d.disks = parts
		d.start = parts[disk] + offset
		d.end = d.start + bytes
		return d, bytes >= 0 && offset >= 0 && d.isDirectory(count)
	}
	if bytes < 0 || offset < 0 || bytes > end {
		return zipDirectory{}, false
	}
	d.start, d.end = end-bytes, end
	d.base = d.start - offset
	if d.isDirectory(count) && d.base >= 0 {
		return d, true
	}
	d.base, d.start, d.end = 0, offset, offset+bytes
	return d, offset <= end-bytes && d.isDirectory(count)
}

func (d *zipDirectory) isDirectory(count int64) bool {
	if count == 0 {
		return d.start <= d.end
	}
	var b [4]byte
	n, _ := d.at.ReadAt(b[:], d.start)
	return n == len(b) && string(b[:]) == "PK\x01\x02"
}

type end64Record struct{ disk, count, bytes, offset, pos int64 }

// readEnd64Record reads the record of a large zip, which is named by the twenty bytes before the usual end record.
func readEnd64Record(at io.ReaderAt, end int64, parts []int64) (end64Record, bool) {
	le := binary.LittleEndian
	var l [20]byte
	if n, _ := at.ReadAt(l[:], end-int64(len(l))); n < len(l) || string(l[:4]) != "PK\x06\x07" {
		return end64Record{}, false
	}
	named := int64(le.Uint64(l[8:]))
	if disk := int(le.Uint32(l[4:])); disk > 0 && disk < len(parts) {
		named += parts[disk]
	}
	for _, pos := range []int64{named, end - int64(len(l)) - end64RecordBytes} { // the second one where something stands before the zip
		var b [end64RecordBytes]byte
		if pos < 0 {
			continue
		}
		if n, _ := at.ReadAt(b[:], pos); n < len(b) || string(b[:4]) != "PK\x06\x06" {
			continue
		}
		return end64Record{disk: int64(le.Uint32(b[20:])), count: int64(le.Uint64(b[32:])), bytes: int64(le.Uint64(b[40:])), offset: int64(le.Uint64(b[48:])), pos: pos}, true
	}
	return end64Record{}, false
}

// each calls f for every record, by its number. A record that makes no sense ends it with an error.
func (d *zipDirectory) each(f func(i int, e *zipEntry) error) error {
	in := bufio.NewReaderSize(io.NewSectionReader(d.at, d.start, d.end-d.start), int(min(zipBuffer, d.end-d.start)))
	for i := 0; ; i++ {
		e, err := d.next(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f(i, e); err != nil {
			return err
		}
	}
}

func (d *zipDirectory) next(in *bufio.Reader) (*zipEntry, error) {
	var b [centralBytes]byte
	n, err := io.ReadFull(in, b[:])
	switch {
	case n == 0 && errors.Is(err, io.EOF), n >= 4 && string(b[:4]) == "PK\x05\x05": // a signature of the directory
		return nil, io.EOF
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return nil, err
	case err != nil || string(b[:4]) != "PK\x01\x02":
		return nil, errZipDirectory
	}
	le := binary.LittleEndian
	names := make([]byte, int(le.Uint16(b[28:]))+int(le.Uint16(b[30:])))
	if _, err := io.ReadFull(in, names); err != nil {
		return nil, errZipDirectory
	}
	if _, err := in.Discard(int(le.Uint16(b[32:]))); err != nil {
		return nil, errZipDirectory
	}
	name, extra := string(names[:le.Uint16(b[28:])]), names[le.Uint16(b[28:]):]
	e := &zipEntry{
		name: name, flags: le.Uint16(b[8:]), method: le.Uint16(b[10:]), time: le.Uint16(b[12:]), crc: le.Uint32(b[16:]),
		packed: int64(le.Uint32(b[20:])), size: int64(le.Uint32(b[24:])), header: int64(le.Uint32(b[42:])),
	}
	e.kind = zipKindOf(name, b[5], le.Uint32(b[38:]))
	disk := int64(le.Uint16(b[34:]))
	readZipExtra(e, extra, &disk)
	if d.disks == nil {
		e.header += d.base
	} else if disk < int64(len(d.disks)) {
		e.header += d.disks[disk]
	}
	return e, nil
}

func zipKindOf(name string, madeBy byte, attributes uint32) zipKind {
	if strings.HasSuffix(name, "/") || strings.HasSuffix(name, `\`) {
		return zipFolder
	}
	const unix, mac = 3, 19
	if madeBy != unix && madeBy != mac {
		if attributes&0x10 != 0 {
			return zipFolder
		}
		return zipFile
	}
	switch attributes >> 16 & 0xf000 {
	case 0x4000:
		return zipFolder
	case 0xa000, 0x6000, 0x2000:
		return zipSpecial
	}
	return zipFile // what was packed from a pipe has bytes too
}

// readZipExtra takes sizes and places that need more than 32 bits, and the newer encryption, from the fields behind the
// name. An entry's own header has the same fields.
func readZipExtra(e *zipEntry, extra []byte, disk *int64) {
	le := binary.LittleEndian
	for len(extra) >= 4 {
		id, n := le.Uint16(extra), int(le.Uint16(extra[2:]))
		extra = extra[4:]
		if n > len(extra) {
			return
		}
		field := extra[:n]
		extra = extra[n:]
		switch id {
		case 1:
			for _, v := range []*int64{&e.size, &e.packed, &e.header} {
				if *v == math.MaxUint32 && len(field) >= 8 {
					*v = int64(min(le.Uint64(field), maxZipNumber))
					field = field[8:]
				}
			}
			if disk != nil && *disk == math.MaxUint16 && len(field) >= 4 {
				*disk = int64(le.Uint32(field))
			}
		case 0x9901:
			e.sealed = readAESSeal(field)
		}
	}
}

// zipOrder knows where the entries of a zip begin that do not simply follow each other. Entries that use the same bytes
// are the trick by which a small archive unpacks to a huge one, and an entry that claims the bytes of all others hides
// them: so none is read past the beginning of the next one, and what begins at one place is read once.
type zipOrder struct {
	starts []int64
	again  map[int64]bool // places where more than one entry begins; true = one of them was read
}

// order is nil where the entries follow each other, as they nearly always do, and takes no memory then.
func (d *zipDirectory) order(limit int) *zipOrder {
	inOrder, end := true, int64(0)
	_ = d.each(func(i int, e *zipEntry) error { // a directory that breaks off is told about when it is read
		inOrder = i < limit && e.header >= end
		if end = e.header + localHeaderBytes + int64(len(e.name)) + e.packed; !inOrder {
			return io.EOF
		}
		return nil
	})
	if inOrder {
		return nil
	}
	o := &zipOrder{again: map[int64]bool{}}
	_ = d.each(func(i int, e *zipEntry) error {
		if i >= limit {
			return io.EOF
		}
		o.starts = append(o.starts, e.header)
		return nil
	})
	slices.Sort(o.starts)
	for i := 1; i < len(o.starts); i++ {
		if o.starts[i] == o.starts[i-1] {
			o.again[o.starts[i]] = false
		}
	}
	o.starts = slices.Compact(o.starts)
	return o
}

// claim says up to where an entry's bytes can go, and whether they were not read before.
func (o *zipOrder) claim(e *zipEntry, size int64) (end int64, free bool) {
	if o == nil {
		return size, true
	}
	if read, found := o.again[e.header]; found {
		if read {
			return 0, false
		}
		o.again[e.header] = true
	}
	if i, _ := slices.BinarySearch(o.starts, e.header+1); i < len(o.starts) {
		return o.starts[i], true
	}
	return size, true
}
