package dump

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/bzip2"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"slices"

	"github.com/bodgit/sevenzip"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zip"
	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
	"github.com/nwaples/rardecode/v2"
)

// format is what a document's first bytes say it is.
type format int

const (
	plain format = iota
	formatZip
	formatTar
	formatGzip
	formatBzip2
	formatXZ
	formatZstd
	format7z
	formatRAR
)

const sniffBytes = 512

var magics = []struct {
	prefix string
	is     format
}{
	{"PK\x03\x04", formatZip}, {"PK\x05\x06", formatZip}, {"PK\x07\x08PK\x03\x04", formatZip},
	{"\x1f\x8b\x08", formatGzip}, {"\xfd7zXZ\x00", formatXZ}, {"\x28\xb5\x2f\xfd", formatZstd},
	{"7z\xbc\xaf\x27\x1c", format7z}, {"Rar!\x1a\x07\x00", formatRAR}, {"Rar!\x1a\x07\x01\x00", formatRAR}, // the decoder looks for these, and for ever for any other
	{"BZh91AY&SY", formatBzip2}, {"BZh11AY&SY", formatBzip2},
}

func sniff(head []byte) format {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.prefix)) {
			return m.is
		}
	}
	if len(head) > 10 && bytes.HasPrefix(head, []byte("BZh")) && string(head[4:10]) == "1AY&SY" {
		return formatBzip2
	}
	if len(head) >= 262 && string(head[257:262]) == "ustar" {
		return formatTar
	}
	return plain
}

func (w *walk) unpack(f format, entry string, depth int, src source) error {
	switch f {
	case formatZip:
		return w.zip(entry, depth, src)
	case format7z:
		return w.sevenZip(entry, depth, src)
	case formatTar:
		return w.tar(entry, depth, src.reader)
	case formatRAR:
		return w.rar(entry, depth, src.reader)
	}
	packed := &meter{r: src.reader}
	r, err := w.decompressor(f, packed)
	if err != nil {
		return err
	}
	defer r.Close()
	return w.document(entry, depth+1, source{reader: w.limit(r, &packed.n)})
}

func (w *walk) decompressor(f format, r io.Reader) (io.ReadCloser, error) {
	switch f {
	case formatGzip:
		return gzip.NewReader(r)
	case formatBzip2:
		return io.NopCloser(bzip2.NewReader(r)), nil
	case formatXZ:
		x, err := xz.NewReader(r, uint32(min(w.o.MaxMemory, 1<<30)))
		return io.NopCloser(x), err
	}
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(uint64(w.o.MaxMemory)))
	if err != nil {
		return nil, err
	}
	return z.IOReadCloser(), nil
}

// entry reads one entry of an archive. What is wrong with it is noted and the archive goes on; the error says that there
// are too many, or that all is to stop.
func (w *walk) entry(name string, depth int, packed *int64, open func() (io.ReadCloser, error)) error {
	if err := w.ctx.Err(); err != nil {
		return stop{err}
	}
	if w.entries++; w.entries > w.o.MaxEntries {
		return fmt.Errorf("it holds more than %d entries; the others were not read", w.o.MaxEntries)
	}
	r, err := open()
	if err != nil {
		w.skip(name, err)
		return nil
	}
	defer r.Close()
	err = w.document(name, depth+1, source{reader: w.limit(r, packed)})
	var s stop
	if errors.As(err, &s) {
		return s
	}
	if err != nil {
		w.skip(name, err)
	}
	return nil
}

func (w *walk) zip(entry string, depth int, src source) error {
	at, size, release, err := w.hold(src)
	if err != nil {
		return err
	}
	defer release()
	archive, err := zip.NewReader(at, size)
	if err != nil {
		return w.salvage(entry, depth, at, size, err)
	}
	overlapping := overlaps(archive.File)
	for i, f := range archive.File {
		name := label(entry, f.Name)
		switch {
		case f.Mode().IsDir():
			continue
		case !f.Mode().IsRegular():
			w.skip(name, errors.New("it is a link or a device"))
			continue
		case f.Flags&1 != 0:
			w.skip(name, errors.New("it is encrypted"))
			continue
		case overlapping[i]:
			w.skip(name, errors.New("it overlaps another entry"))
			continue
		}
		packed := int64(f.CompressedSize64)
		if err := w.entry(name, depth, &packed, func() (io.ReadCloser, error) { return w.openZipped(f) }); err != nil {
			return err
		}
	}
	return nil
}

// openZipped opens an entry to be read to the end of its packed bytes, whatever size and checksum were announced.
func (w *walk) openZipped(f *zip.File) (io.ReadCloser, error) {
	packed, err := f.OpenRaw()
	if err != nil {
		return nil, err
	}
	r, err := w.unzipped(f.Method, packed)
	if err != nil {
		return nil, err
	}
	return &announced{ReadCloser: r, size: int64(f.UncompressedSize64), sum: f.CRC32, hash: crc32.NewIEEE()}, nil
}

// unzipped unpacks by the method of an entry in a zip.
func (w *walk) unzipped(method uint16, packed io.Reader) (io.ReadCloser, error) {
	switch method {
	case zip.Store:
		return io.NopCloser(packed), nil
	case zip.Deflate:
		return flate.NewReader(packed), nil
	case 12:
		return w.decompressor(formatBzip2, packed)
	case 20, 93:
		return w.decompressor(formatZstd, packed)
	case 95:
		return w.decompressor(formatXZ, packed)
	}
	return nil, fmt.Errorf("it is packed by method %d, which is not known here", method)
}

// announced compares an entry, at its end, with what the archive says of it.
type announced struct {
	io.ReadCloser
	n, size int64
	sum     uint32 // 0 = not given
	hash    hash.Hash32
}

func (a *announced) Read(b []byte) (int, error) {
	n, err := a.ReadCloser.Read(b)
	a.n += int64(n)
	a.hash.Write(b[:n])
	if errors.Is(err, io.EOF) && (a.n != a.size || a.sum != 0 && a.sum != a.hash.Sum32()) {
		err = errors.New("it was read to its end, which is not what the archive says of it")
	}
	return n, err
}

// overlaps finds entries whose bytes another entry has used already, the trick by which a small archive unpacks to a
// huge one. What comes first in the file is read.
func overlaps(files []*zip.File) map[int]bool {
	type span struct {
		i          int
		start, end int64
	}
	var spans []span
	for i, f := range files {
		if start, err := f.DataOffset(); err == nil {
			spans = append(spans, span{i, start, start + int64(f.CompressedSize64)})
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end)) })
	found, end := map[int]bool{}, int64(0)
	for _, s := range spans {
		if s.start < end {
			found[s.i] = true
			continue
		}
		end = max(end, s.end)
	}
	return found
}

func (w *walk) sevenZip(entry string, depth int, src source) error {
	at, size, release, err := w.hold(src)
	if err != nil {
		return err
	}
	defer release()
	packed := &meterAt{r: at}
	archive, err := sevenzip.NewReader(packed, size)
	if err != nil {
		return err
	}
	for _, f := range archive.File {
		name := label(entry, f.Name)
		if mode := f.Mode(); mode.IsDir() {
			continue
		} else if !mode.IsRegular() {
			w.skip(name, errors.New("it is a link or a device"))
			continue
		}
		if err := w.entry(name, depth, &packed.n, f.Open); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) tar(entry string, depth int, r io.Reader) error {
	packed := &meter{r: r}
	archive := tar.NewReader(packed)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := label(entry, h.Name)
		switch h.Typeflag {
		case tar.TypeReg, tar.TypeGNUSparse:
		case tar.TypeDir, tar.TypeXGlobalHeader:
			continue
		default:
			w.skip(name, errors.New("it is a link or a device"))
			continue
		}
		open := func() (io.ReadCloser, error) { return io.NopCloser(archive), nil }
		if err := w.entry(name, depth, &packed.n, open); err != nil {
			return err
		}
	}
}

func (w *walk) rar(entry string, depth int, r io.Reader) error {
	packed := &meter{r: r}
	archive, err := rardecode.NewReader(packed, rardecode.MaxDictionarySize(int64(w.o.MaxMemory)))
	if err != nil {
		return err
	}
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := label(entry, h.Name)
		switch {
		case h.IsDir:
			continue
		case !h.Mode().IsRegular():
			w.skip(name, errors.New("it is a link or a device"))
			continue
		case h.Encrypted:
			w.skip(name, errors.New("it is encrypted"))
			continue
		}
		open := func() (io.ReadCloser, error) { return io.NopCloser(archive), nil }
		if err := w.entry(name, depth, &packed.n, open); err != nil {
			return err
		}
	}
}

// hold makes an archive readable at any place: a file is, one inside another archive is held in memory.
func (w *walk) hold(src source) (io.ReaderAt, int64, func(), error) {
	if src.at != nil {
		return src.at, src.size, func() {}, nil
	}
	held, err := io.ReadAll(io.LimitReader(src.reader, int64(w.memory)+1))
	if err != nil {
		return nil, 0, nil, err
	}
	if len(held) > w.memory {
		return nil, 0, nil, fmt.Errorf("it is an archive inside an archive that takes more than %d MiB of memory", w.o.MaxMemory>>20)
	}
	w.memory -= len(held)
	return bytes.NewReader(held), int64(len(held)), func() { w.memory += len(held) }, nil
}

// meter counts the packed bytes that went in.
type meter struct {
	r io.Reader
	n int64
}

func (m *meter) Read(b []byte) (int, error) {
	n, err := m.r.Read(b)
	m.n += int64(n)
	return n, err
}

type meterAt struct {
	r io.ReaderAt
	n int64
}

func (m *meterAt) ReadAt(b []byte, off int64) (int, error) {
	n, err := m.r.ReadAt(b, off)
	m.n += int64(n)
	return n, err
}

// limit ends an entry whose bytes, beyond a first 64 MiB, are more than MaxRatio times the packed ones.
func (w *walk) limit(r io.Reader, packed *int64) io.Reader {
	return &ratio{r: r, packed: packed, max: int64(w.o.MaxRatio)}
}

const ratioGrace = 64 << 20

type ratio struct {
	r      io.Reader
	packed *int64
	max    int64
	n      int64
}

func (l *ratio) Read(b []byte) (int, error) {
	n, err := l.r.Read(b)
	l.n += int64(n)
	if l.n > ratioGrace && l.n/l.max > *l.packed {
		return n, fmt.Errorf("it unpacks to more than %d times its size; the rest was not read", l.max)
	}
	return n, err
}
