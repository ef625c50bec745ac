package dump

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"

	"github.com/bodgit/sevenzip"
)

// The header of a 7z archive says how many of everything there are, and a reader makes room for as many. So the header
// is read here first, where every number is held against the bytes that it counts; only then the archive is opened with
// it, in the clear. This also tells what is encrypted and how much memory and how many rounds of key derivation that
// takes, which the reader does not tell.

// sevenHeader is what matters of a header.
type sevenHeader struct {
	folders []sevenFolder
	files   int
}

// sevenFolder is one packed stream, of one file or many.
type sevenFolder struct {
	sealed bool
	digest bool   // it has a checksum of its own
	rounds int64  // of key derivation
	window uint64 // bytes of memory to unpack it
}

var errSevenHeader = errors.New("its directory is broken")

const sevenStart = 32

// sevenClear is a 7z archive whose header is in the clear, whether or not it was.
type sevenClear struct {
	at     io.ReaderAt
	size   int64
	header sevenHeader
}

func (w *walk) sevenClear(at io.ReaderAt, size int64) (sevenClear, error) {
	raw, err := w.sevenRaw(at, size)
	if err != nil {
		return sevenClear{}, err
	}
	if len(raw) > 0 && raw[0] == 0x17 {
		if raw, err = w.sevenDecode(at, size, raw); err != nil {
			return sevenClear{}, err
		}
	}
	h, err := w.readSevenHeader(raw)
	if err != nil {
		return sevenClear{}, err
	}
	view := withHeader(at, size, raw)
	return sevenClear{at: view, size: view.size(), header: h}, nil
}

// sevenRaw reads the header as it stands in the archive.
func (w *walk) sevenRaw(at io.ReaderAt, size int64) ([]byte, error) {
	le := binary.LittleEndian
	var start [sevenStart]byte
	if n, err := at.ReadAt(start[:], 0); n < len(start) {
		return nil, cutShort(err)
	}
	if crc32.ChecksumIEEE(start[12:]) != le.Uint32(start[8:]) {
		return nil, errSevenHeader
	}
	offset, length := le.Uint64(start[12:]), le.Uint64(start[20:])
	if length > uint64(w.o.MaxMemory/4) {
		return nil, fmt.Errorf("its directory takes more than %d MiB", w.o.MaxMemory>>22)
	}
	if size < sevenStart || offset > uint64(size-sevenStart) || length > uint64(size-sevenStart)-offset {
		return nil, errors.New("it is cut: its directory, which stands at the end, is missing")
	}
	raw := make([]byte, length)
	if n, err := at.ReadAt(raw, sevenStart+int64(offset)); n < len(raw) {
		return nil, cutShort(err)
	}
	if crc32.ChecksumIEEE(raw) != le.Uint32(start[28:]) {
		return nil, errSevenHeader
	}
	return raw, nil
}

func cutShort(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// sevenDecode unpacks a header that is packed, and perhaps encrypted: the streams that it names are made those of an
// archive with one file.
func (w *walk) sevenDecode(at io.ReaderAt, size int64, raw []byte) ([]byte, error) {
	p := sevenParser{b: raw[1:], most: w.mostSeven()}
	folders, streams := p.streams()
	if p.bad || streams != 1 {
		return nil, errSevenHeader
	}
	if err := w.sevenFits(folders[0]); err != nil {
		return nil, err
	}
	described := raw[1 : len(raw)-len(p.b)]
	one := append([]byte{1, 4}, described...)
	one = append(one, 5, 1, 0x11, 5, 0, 'h', 0, 0, 0, 0, 0)
	view := withHeader(at, size, one)
	var header []byte
	unpack := func(password string) bool {
		header = nil
		archive, err := sevenzip.NewReaderWithPassword(view, view.size(), password)
		if err != nil || len(archive.File) != 1 {
			return false
		}
		header, err = w.sevenAll(archive.File[0])
		return err == nil && len(header) > 0 && header[0] == 1
	}
	if !folders[0].sealed {
		if !unpack("") {
			return nil, errSevenHeader
		}
		return header, nil
	}
	if err := w.keys.open(folders[0].rounds, unpack); err != nil {
		return nil, err
	}
	return header, nil
}

func (w *walk) sevenAll(f *sevenzip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	limit := w.o.MaxMemory / 4
	all, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	switch {
	case err != nil:
		return nil, err
	case len(all) > limit:
		return nil, fmt.Errorf("its directory takes more than %d MiB", limit>>20)
	case uint64(len(all)) != f.UncompressedSize || f.CRC32 != 0 && crc32.ChecksumIEEE(all) != f.CRC32:
		return nil, errSevenHeader
	}
	return all, nil
}

// sevenFits refuses a stream that takes more memory than there is for it, or a key that takes for ever.
func (w *walk) sevenFits(f sevenFolder) error {
	if f.window > uint64(w.o.MaxMemory) {
		return fmt.Errorf("its dictionary takes more than %d MiB of memory", w.o.MaxMemory>>20)
	}
	if f.sealed && f.rounds > maxKeyRounds {
		return errKeyRounds
	}
	return nil
}

// headed is an archive with another header at its end.
type headed struct {
	at    io.ReaderAt
	start [sevenStart]byte
	old   int64 // where the old archive ends
	tail  []byte
}

func withHeader(at io.ReaderAt, size int64, header []byte) *headed {
	le := binary.LittleEndian
	h := &headed{at: at, old: size, tail: header}
	copy(h.start[:], "7z\xbc\xaf\x27\x1c\x00\x04")
	le.PutUint64(h.start[12:], uint64(size-sevenStart))
	le.PutUint64(h.start[20:], uint64(len(header)))
	le.PutUint32(h.start[28:], crc32.ChecksumIEEE(header))
	le.PutUint32(h.start[8:], crc32.ChecksumIEEE(h.start[12:]))
	return h
}

func (h *headed) size() int64 { return h.old + int64(len(h.tail)) }

func (h *headed) ReadAt(b []byte, off int64) (n int, err error) {
	for n < len(b) {
		pos, m := off+int64(n), 0
		switch {
		case pos < sevenStart:
			m = copy(b[n:], h.start[pos:])
		case pos < h.old:
			m, err = h.at.ReadAt(b[n:n+int(min(int64(len(b)-n), h.old-pos))], pos)
			if m == 0 {
				return n, cutShort(err)
			}
		case pos < h.size():
			m = copy(b[n:], h.tail[pos-h.old:])
		default:
			return n, io.EOF
		}
		n += m
	}
	return n, nil
}

func (w *walk) readSevenHeader(raw []byte) (sevenHeader, error) {
	p := sevenParser{b: raw, most: w.mostSeven()}
	var h sevenHeader
	if p.byte() != 1 {
		return h, errSevenHeader
	}
	id := p.byte()
	if id == 2 { // properties of the archive
		for p.byte() != 0 && !p.bad {
			p.skip(p.count(1))
		}
		id = p.byte()
	}
	if id == 3 {
		p.streams()
		id = p.byte()
	}
	if id == 4 {
		h.folders, _ = p.streams()
		id = p.byte()
	}
	if id == 5 {
		h.files = p.things()
		for p.byte() != 0 && !p.bad {
			p.skip(p.count(1))
		}
		id = p.byte()
	}
	switch {
	case p.large:
		return h, fmt.Errorf("its directory of more than %d entries takes more than %d MiB of memory", p.most, w.o.MaxMemory>>20)
	case p.bad || id != 0:
		return h, errSevenHeader
	}
	return h, nil
}

// mostSeven is how many files, streams or methods an archive may have: its reader keeps them all in memory.
func (w *walk) mostSeven() int {
	const each = 512
	return w.o.MaxMemory / each
}

// sevenParser reads numbers as long as there are bytes.
type sevenParser struct {
	b     []byte
	most  int // things of one kind
	bad   bool
	large bool // there are more; then it is bad too
}

// things is a number of things that take a byte each at least.
func (p *sevenParser) things() int { return p.within(p.count(1)) }

func (p *sevenParser) within(n int) int {
	if n <= p.most {
		return n
	}
	p.bad, p.large = true, true
	return 0
}

func (p *sevenParser) byte() byte {
	if len(p.b) == 0 {
		p.bad = true
		return 0
	}
	v := p.b[0]
	p.b = p.b[1:]
	return v
}

func (p *sevenParser) skip(n int) {
	if n > len(p.b) {
		p.bad = true
		n = len(p.b)
	}
	p.b = p.b[n:]
}

// number has as many bytes as its first one has leading ones.
func (p *sevenParser) number() uint64 {
	first := p.byte()
	n := bits.LeadingZeros8(^first)
	var v uint64
	if n < 7 {
		v = uint64(first&(1<<(8-n)-1)) << (8 * n)
	}
	for i := range n {
		v |= uint64(p.byte()) << (8 * i)
	}
	return v
}

// count is a number of things that take so many bytes each, of those that are left.
func (p *sevenParser) count(each int) int {
	v := p.number()
	if v > uint64(len(p.b)/each) {
		p.bad = true
		return 0
	}
	return int(v)
}

// digests are checksums, of all or of those that a bit is set for; which they are is given back.
func (p *sevenParser) digests(n int) []bool {
	defined, count := make([]bool, n), n
	if p.byte() != 0 {
		for i := range defined {
			defined[i] = true
		}
	} else {
		count = 0
		var set byte
		for i := range defined {
			if i%8 == 0 {
				set = p.byte()
			}
			if defined[i] = set&0x80 != 0; defined[i] {
				count++
			}
			set <<= 1
		}
	}
	p.skip(4 * count)
	return defined
}

// streams reads where the packed bytes are and how they are packed.
func (p *sevenParser) streams() (folders []sevenFolder, files int) {
	for !p.bad {
		switch p.byte() {
		case 6:
			p.packInfo()
		case 7:
			folders = p.folders()
			files = len(folders)
		case 8:
			files = p.subStreams(folders)
		case 0:
			return folders, files
		default:
			p.bad = true
		}
	}
	return nil, 0
}

func (p *sevenParser) packInfo() {
	p.number()
	n := p.things()
	for !p.bad {
		switch p.byte() {
		case 9:
			for range n {
				p.number()
			}
		case 10:
			p.digests(n)
		case 0:
			return
		default:
			p.bad = true
		}
	}
}

func (p *sevenParser) folders() []sevenFolder {
	if p.byte() != 0x0b {
		p.bad = true
		return nil
	}
	n := p.things()
	if p.byte() != 0 {
		p.bad = true // the description is elsewhere, which no writer does
		return nil
	}
	folders, outs := make([]sevenFolder, n), 0
	for i := range folders {
		if p.bad {
			return nil
		}
		outs += p.folder(&folders[i])
	}
	if p.byte() != 0x0c {
		p.bad = true
	}
	for i := 0; i < outs && !p.bad; i++ {
		p.number()
	}
	for !p.bad {
		switch p.byte() {
		case 10:
			for i, defined := range p.digests(n) {
				folders[i].digest = defined
			}
		case 0:
			return folders
		default:
			p.bad = true
		}
	}
	return nil
}

const maxCoders = 32

func (p *sevenParser) folder(f *sevenFolder) (outs int) {
	coders := p.count(1)
	if coders == 0 || coders > maxCoders {
		p.bad = true
		return 0
	}
	ins := 0
	for i := 0; i < coders && !p.bad; i++ {
		in, out := p.coder(f)
		ins, outs = ins+in, outs+out
	}
	if p.bad || outs == 0 || ins < outs-1 {
		p.bad = true
		return 0
	}
	for range 2 * (outs - 1) {
		p.number()
	}
	if packed := ins - (outs - 1); packed > 1 {
		for range packed {
			p.number()
		}
	}
	return outs
}

func (p *sevenParser) coder(f *sevenFolder) (ins, outs int) {
	flags := p.byte()
	n := int(flags & 15)
	if n > len(p.b) || flags&0xc0 != 0 {
		p.bad = true
		return 0, 0
	}
	id := p.b[:n]
	p.skip(n)
	ins, outs = 1, 1
	if flags&0x10 != 0 {
		if ins, outs = p.count(1), p.count(1); ins > maxCoders || outs > maxCoders {
			p.bad = true
		}
	}
	var settings []byte
	if flags&0x20 != 0 {
		n := p.count(1)
		settings = p.b[:n]
		p.skip(n)
	}
	f.describe(id, settings)
	return ins, outs
}

// describe takes what a method costs from its settings.
func (f *sevenFolder) describe(id, settings []byte) {
	le := binary.LittleEndian
	switch {
	case bytes.Equal(id, []byte{6, 0xf1, 7, 1}) && len(settings) > 0:
		f.sealed = true
		if cycles := settings[0] & 0x3f; cycles < 40 {
			f.rounds = max(f.rounds, 1<<cycles)
		} else if cycles < 0x3f {
			f.rounds = 1 << 40
		}
	case bytes.Equal(id, []byte{3, 1, 1}) && len(settings) >= 5, bytes.Equal(id, []byte{3, 4, 1}) && len(settings) >= 5:
		f.window += uint64(le.Uint32(settings[1:]))
	case bytes.Equal(id, []byte{0x21}) && len(settings) > 0:
		if s := settings[0]; s < 40 {
			f.window += uint64(2|s&1) << (s/2 + 11)
		} else {
			f.window += 1 << 32
		}
	}
}

// subStreams reads how many files each folder holds.
func (p *sevenParser) subStreams(folders []sevenFolder) (files int) {
	counts := make([]int, len(folders))
	for i := range counts {
		counts[i] = 1
	}
	for !p.bad {
		switch p.byte() {
		case 0x0d:
			all := 0
			for i := range counts {
				counts[i] = p.count1()
				if all = p.within(all + counts[i]); p.bad {
					return 0
				}
			}
		case 9:
			for _, n := range counts {
				for i := 1; i < n && !p.bad; i++ {
					p.number()
				}
			}
		case 10:
			p.digests(withoutDigest(folders, counts))
		case 0:
			for _, n := range counts {
				files += n
			}
			return files
		default:
			p.bad = true
		}
	}
	return 0
}

// count1 is a number of things of which all but the first take a byte.
func (p *sevenParser) count1() int {
	v := p.number()
	if v > uint64(len(p.b))+1 {
		p.bad = true
		return 0
	}
	return int(v)
}

// withoutDigest counts the files whose checksum is not that of their folder.
func withoutDigest(folders []sevenFolder, counts []int) (n int) {
	for i, f := range folders {
		if counts[i] != 1 || !f.digest {
			n += counts[i]
		}
	}
	return n
}
