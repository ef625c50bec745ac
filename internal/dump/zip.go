package dump

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"math"
	"sync"

	"github.com/klauspost/compress/flate"
)

var errOverlap = errors.New("it overlaps another entry")

func (w *walk) zip(entry string, depth int, src source) error {
	at, size, release, err := w.hold(src)
	if err != nil {
		return err
	}
	defer release()
	if read, err := w.workbook(entry, depth, at, size); read || err != nil {
		return err
	}
	directory, err := findZipDirectory(at, size, src.parts)
	if err != nil {
		return w.salvage(entry, depth, at, 0, size, err)
	}
	if err := w.note(entry, w.before(entry, depth, at, directory)); err != nil {
		return err
	}
	w.keys.hint(directory.comment)
	w.hintsInside(&directory)
	order, last := directory.order(w.o.MaxEntries+1), directory.base
	err = directory.each(func(_ int, e *zipEntry) error {
		name := label(entry, e.name)
		last = max(last, e.header+localHeaderBytes+e.packed)
		switch e.kind {
		case zipFolder:
			return nil
		case zipSpecial:
			return w.passOver(name, errLink)
		}
		end, free := order.claim(e, size)
		if !free {
			return w.passOver(name, errOverlap)
		}
		z, err := openZipEntry(at, e, end)
		if err != nil {
			return w.passOver(name, err)
		}
		m := &meter{}
		return w.entry(name, depth, &m.n, func() (io.ReadCloser, error) { return w.openZipped(z, m) })
	})
	if errors.Is(err, errZipDirectory) {
		return w.salvage(entry, depth, at, last, directory.start, err)
	}
	return err
}

// before reads what stands in front of a zip, which is text as far as anybody knows.
func (w *walk) before(entry string, depth int, at io.ReaderAt, d zipDirectory) error {
	if d.base <= 0 || d.disks != nil {
		return nil
	}
	return w.leaf(entry, depth, nil, sectionSource(at, d.base))
}

// zipped is an entry with the place of its packed bytes.
type zipped struct {
	*zipEntry
	at       io.ReaderAt
	data     int64 // where the packed bytes begin
	end      int64 // where they end at the latest
	openSize bool  // their number is not known
}

// openZipEntry finds the packed bytes behind the entry's own header.
func openZipEntry(at io.ReaderAt, e *zipEntry, end int64) (zipped, error) {
	var b [localHeaderBytes]byte
	if n, err := at.ReadAt(b[:], e.header); n < len(b) || string(b[:4]) != "PK\x03\x04" {
		if err != nil && !errors.Is(err, io.EOF) {
			return zipped{}, err
		}
		return zipped{}, errors.New("it does not begin where the archive says")
	}
	le := binary.LittleEndian
	z := zipped{zipEntry: e, at: at, data: e.header + localHeaderBytes + int64(le.Uint16(b[26:])) + int64(le.Uint16(b[28:]))}
	z.end = min(end, z.data+e.packed)
	if z.end < z.data {
		return zipped{}, errOverlap
	}
	return z, nil
}

// openZipped opens an entry to be read to the end of its packed bytes, whatever size and checksum were announced. m
// counts them.
func (w *walk) openZipped(z zipped, m *meter) (io.ReadCloser, error) {
	m.r = z.section(0)
	if z.encrypted() {
		in, err := w.unseal(z)
		if err != nil {
			return nil, err
		}
		m.r = in
	}
	return w.unzip(z, m)
}

func (z *zipped) section(skip int64) *io.SectionReader {
	return io.NewSectionReader(z.at, z.data+skip, max(z.end-z.data-skip, 0))
}

func (z *zipped) packedBy() uint16 {
	if z.encrypted() && z.sealed != nil {
		return z.sealed.method
	}
	return z.method
}

// unzip unpacks bytes that are in the clear, and compares them at their end with what the archive says.
func (w *walk) unzip(z zipped, in io.Reader) (io.ReadCloser, error) {
	size := z.size
	if z.flags&2 != 0 || z.openSize {
		size = -1 // LZMA with a mark at its end
	}
	r, err := w.unzipped(z.packedBy(), size, in)
	if err != nil {
		return nil, err
	}
	a := &announced{ReadCloser: r, size: z.size, sum: z.crc, unknown: z.openSize}
	if z.sealed != nil {
		a.code = in
	}
	if z.sealed != nil && !z.sealed.withCRC {
		a.sum = 0
	}
	if a.sum != 0 && !a.unknown {
		a.hash = crc32.NewIEEE()
	}
	return a, nil
}

// unseal finds the password of an entry and opens its packed bytes.
func (w *walk) unseal(z zipped) (io.Reader, error) {
	switch {
	case z.method == aesMethod && z.sealed != nil:
		return w.unsealAES(z)
	case z.flags&0x40 != 0 || z.method == aesMethod:
		return nil, errors.New("it is encrypted in a way that is not known here")
	}
	return w.unsealZipCrypto(z)
}

func (w *walk) unsealAES(z zipped) (io.Reader, error) {
	length := z.end - z.data
	if length < z.sealed.overhead() {
		return nil, io.ErrUnexpectedEOF
	}
	head := make([]byte, z.sealed.saltSize()+aesCheckBytes)
	if n, err := z.at.ReadAt(head, z.data); n < len(head) {
		return nil, err
	}
	reader := func(password string) io.Reader {
		in := bufio.NewReaderSize(z.section(int64(len(head))), zipBuffer)
		return z.sealed.open(password, head, in, length)
	}
	return w.tryPasswords(z, z.sealed.keyRounds(), reader)
}

func (w *walk) unsealZipCrypto(z zipped) (io.Reader, error) {
	var head [zipCryptoHead]byte
	if n, err := z.at.ReadAt(head[:], z.data); n < len(head) || z.end-z.data < zipCryptoHead {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	reader := func(password string) io.Reader {
		key := newZipCrypto(password)
		if !key.openHead(head, z.zipEntry) {
			return nil
		}
		return &zipCryptoReader{in: bufio.NewReaderSize(z.section(zipCryptoHead), zipBuffer), key: key}
	}
	const rounds = 8 // about what setting the key up costs
	return w.tryPasswords(z, rounds, reader)
}

const zipBuffer = 64 << 10

// tryPasswords opens an entry with what fits. reader gives nil for a password that is wrong for certain; one that may
// be right is held to what comes out.
func (w *walk) tryPasswords(z zipped, rounds int64, reader func(password string) io.Reader) (io.Reader, error) {
	var opened io.Reader
	err := w.keys.open(rounds, func(password string) bool {
		in := reader(password)
		if in == nil {
			return false
		}
		known := password == w.keys.last
		if !w.makesSense(z, in, known) {
			return false
		}
		opened = reader(password)
		return true
	})
	return opened, err
}

// makesSense unpacks a beginning with a key that may be wrong.
func (w *walk) makesSense(z zipped, in io.Reader, known bool) bool {
	w.keys.spend(8)
	r, err := w.unzip(z, in)
	if err != nil {
		return z.packedBy() != methodStore && z.packedBy() != methodDeflate // a method that is not known here will be named
	}
	defer r.Close()
	probe := wholeProbe
	if known {
		probe = quickProbe
	}
	return w.keys.plausible(r, probe)
}

const (
	methodStore   = 0
	methodDeflate = 8
)

// unzipped unpacks by the method of an entry in a zip.
func (w *walk) unzipped(method uint16, size int64, packed io.Reader) (io.ReadCloser, error) {
	switch method {
	case methodStore:
		return io.NopCloser(packed), nil
	case methodDeflate:
		return newInflater(packed), nil
	case 9:
		return newInflate64(packed), nil
	case 12:
		return w.decompressor(formatBzip2, packed)
	case 14:
		return w.zipLZMA(packed, size)
	case 20, 93:
		return w.decompressor(formatZstd, packed)
	case 95:
		return w.decompressor(formatXZ, packed)
	}
	if name, found := oldMethods[method]; found {
		return nil, fmt.Errorf("it is packed by %s, which is not read here", name)
	}
	return nil, fmt.Errorf("it is packed by method %d, which is not known here", method)
}

// inflater unpacks one entry with tables and room that the next entry uses again, since most entries are small.
type inflater struct {
	in *bufio.Reader
	z  io.ReadCloser
}

var inflaters = sync.Pool{New: func() any {
	in := bufio.NewReaderSize(nil, zipBuffer)
	return &inflater{in: in, z: flate.NewReader(in)}
}}

func newInflater(packed io.Reader) io.ReadCloser {
	f := inflaters.Get().(*inflater)
	in, buffered := packed.(*bufio.Reader) // who must know how far it was read brings one
	if !buffered {
		f.in.Reset(packed)
		in = f.in
	}
	_ = f.z.(flate.Resetter).Reset(in, nil) // fails on a dictionary only
	return &inflating{f}
}

// inflating is an inflater until it is closed.
type inflating struct{ f *inflater }

func (i *inflating) Read(b []byte) (int, error) {
	if i.f == nil {
		return 0, io.ErrClosedPipe
	}
	return i.f.z.Read(b)
}

func (i *inflating) Close() error {
	if i.f != nil {
		i.f.in.Reset(nil)
		inflaters.Put(i.f)
		i.f = nil
	}
	return nil
}

var oldMethods = map[uint16]string{
	1: "shrink, of 1989", 2: "reduce, of 1989", 3: "reduce, of 1989", 4: "reduce, of 1989", 5: "reduce, of 1989", 6: "implode, of 1989",
	10: "implode for DCL", 18: "TERSE", 19: "LZ77 of IBM", 94: "MP3", 96: "JPEG", 97: "WavPack", 98: "PPMd",
}

// announced compares an entry, at its end, with what the archive says of it.
type announced struct {
	io.ReadCloser
	n, size int64
	sum     uint32 // 0 = not given
	unknown bool   // neither was given
	hash    hash.Hash32
	code    io.Reader // to be read to its end, where a code stands; nil = none does
}

func (a *announced) Read(b []byte) (int, error) {
	n, err := a.ReadCloser.Read(b)
	a.n += int64(n)
	if a.hash != nil {
		a.hash.Write(b[:n])
	}
	if a.code != nil && errors.Is(err, io.EOF) {
		if _, err := io.Copy(io.Discard, a.code); err != nil {
			return n, err
		}
	}
	if errors.Is(err, io.EOF) && !a.unknown && (a.n != a.size || a.hash != nil && a.sum != a.hash.Sum32()) {
		err = errNotAsAnnounced
	}
	return n, err
}

var errNotAsAnnounced = errors.New("it was read to its end, which is not what the archive says of it")

// hintsInside looks into the small texts of a zip that may name the password of the others.
func (w *walk) hintsInside(d *zipDirectory) {
	encrypted, files := false, 0
	var texts []zipEntry
	_ = d.each(func(i int, e *zipEntry) error {
		encrypted = encrypted || e.encrypted()
		if !e.encrypted() && e.kind == zipFile && e.size <= maxHintBytes && mayTellPassword(e.name) {
			texts = append(texts, *e)
			files++
		}
		if i >= w.o.MaxEntries || files == maxHintFiles {
			return io.EOF
		}
		return nil
	})
	if !encrypted {
		return
	}
	for _, e := range texts {
		z, err := openZipEntry(d.at, &e, math.MaxInt64)
		if err != nil {
			continue
		}
		if r, err := w.unzip(z, z.section(0)); err == nil {
			var text bytes.Buffer
			_, _ = io.Copy(&text, io.LimitReader(r, maxHintBytes)) // what came out of a broken one may do
			w.keys.hintFile(e.name, text.String())
			r.Close()
		}
	}
}
