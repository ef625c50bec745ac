package dump

import (
	"bufio"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path"

	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
)

// streamBuffer is what is read of a packed stream at once; its decoders ask for little.
const streamBuffer = 256 << 10

var errLink = errors.New("it is a link or a device")

func (w *walk) unpack(f format, entry string, depth int, src source) error {
	w.keys.hint(path.Base(entry))
	switch f {
	case formatZip:
		return w.zip(entry, depth, src)
	case format7z:
		return w.sevenZip(entry, depth, src)
	case formatTar:
		return w.tar(entry, depth, src.reader)
	case formatRAR:
		return w.rar(entry, depth, src)
	}
	if name, found := unread[f]; found {
		return fmt.Errorf("it is %s, which is not read here", name)
	}
	packed := &meter{r: src.reader}
	r, err := w.decompressor(f, bufio.NewReaderSize(packed, streamBuffer))
	if err != nil {
		return err
	}
	defer r.Close()
	return w.document(entry, depth+1, source{reader: w.limit(r, &packed.n)})
}

func (w *walk) decompressor(f format, packed io.Reader) (io.ReadCloser, error) {
	in, buffered := packed.(*bufio.Reader) // who must know how far it was read brings one
	if !buffered {
		in = bufio.NewReader(packed)
	}
	switch f {
	case formatGzip:
		return newGzip(in)
	case formatBzip2:
		return newPadded(in, func(r io.Reader) (io.ReadCloser, error) { return io.NopCloser(bzip2.NewReader(r)), nil })
	case formatXZ:
		x, err := xz.NewReader(in, uint32(min(w.o.MaxMemory, 1<<30)))
		return io.NopCloser(x), err
	case formatLZ4:
		return newLZ4(in)
	case formatLZMA:
		return w.lzmaAlone(in)
	}
	return newPadded(in, w.newZstd)
}

func (w *walk) newZstd(r io.Reader) (io.ReadCloser, error) {
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
	if err := w.count(); err != nil {
		return err
	}
	r, err := open()
	if err != nil {
		return w.note(name, err)
	}
	defer r.Close()
	return w.note(name, w.document(name, depth+1, source{reader: w.limit(r, packed)}))
}

// passOver names an entry that is not read.
func (w *walk) passOver(name string, err error) error {
	if err := w.count(); err != nil {
		return err
	}
	w.skip(name, err)
	return nil
}

func (w *walk) count() error {
	if w.entries++; w.entries > w.o.MaxEntries {
		return fmt.Errorf("it holds more than %d entries; the others were not read", w.o.MaxEntries)
	}
	return nil
}

// note passes on what must stop everything, or the file, and notes any other error against entry.
func (w *walk) note(entry string, err error) error {
	var s stop
	var f fileEnd
	switch {
	case errors.As(err, &s):
		return s
	case errors.As(err, &f):
		return f
	case err != nil:
		w.skip(entry, err)
	}
	return nil
}

// fileEnd is what the whole file is not read on for.
type fileEnd struct{ error }

// total ends a file from which more comes than can be meant, by many entries if not by one.
type total struct {
	w *walk
	r io.Reader
}

const totalGrace = 256 << 20

func (t *total) Read(b []byte) (int, error) {
	n, err := t.r.Read(b)
	t.w.out += int64(n)
	if t.w.out > totalGrace && t.w.out/int64(t.w.o.MaxRatio) > t.w.bytes {
		return n, fileEnd{fmt.Errorf("all in all it unpacks to more than %d times its size; the rest was not read", t.w.o.MaxRatio)}
	}
	return n, err
}

// drain unpacks what nobody reads, because something behind it is wanted. Its error is one that ends the file.
func (w *walk) drain(r io.Reader) error {
	var nowhere int64
	_, err := io.Copy(io.Discard, struct{ io.Reader }{&ratio{ctx: w.ctx, r: &total{w: w, r: r}, packed: &nowhere, max: math.MaxInt64}})
	var s stop
	var f fileEnd
	if errors.As(err, &s) || errors.As(err, &f) {
		return err
	}
	return nil
}

// hidden looks for an archive that a document does not begin with, and reads what stands before it.
func (w *walk) hidden(entry string, depth int, head []byte, src source) (format, source, error) {
	at, size := src.at, src.size
	if at == nil {
		if depth == 0 || !isProgram(head) {
			return plain, src, nil
		}
		held, whole, err := w.holdSome(src.reader)
		if err != nil {
			return plain, source{reader: io.MultiReader(held.reader(), broken{err})}, nil
		}
		if !whole {
			return plain, source{reader: io.MultiReader(held.reader(), src.reader)}, nil
		}
		at, size = held, held.size
		src = source{reader: held.reader()}
	}
	is, before := hidden(head, at, size)
	if is == plain {
		return is, src, nil
	}
	if src.at == nil {
		w.memory -= int(size) // until the file is done
	}
	if before == 0 {
		return is, source{reader: src.reader, at: at, size: size, parts: src.parts}, nil
	}
	err := w.note(entry, w.leaf(entry, depth, nil, sectionSource(at, before)))
	rest := io.NewSectionReader(at, before, size-before)
	return is, source{reader: rest, at: rest, size: size - before}, err
}

// hold makes an archive readable at any place: a file is, one inside another archive is held in memory.
func (w *walk) hold(src source) (io.ReaderAt, int64, func(), error) {
	if src.at != nil {
		return src.at, src.size, func() {}, nil
	}
	held, whole, err := w.holdSome(src.reader)
	switch {
	case err != nil && held.size == 0:
		return nil, 0, nil, err
	case err == nil && !whole:
		return nil, 0, nil, fmt.Errorf("it is an archive inside an archive that takes more than %d MiB of memory", w.o.MaxMemory>>20)
	}
	w.memory -= int(held.size)
	return held, held.size, func() { w.memory += int(held.size) }, nil
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
	return &ratio{ctx: w.ctx, r: r, packed: packed, max: int64(w.o.MaxRatio)}
}

const ratioGrace = 64 << 20

type ratio struct {
	ctx    context.Context
	r      io.Reader
	packed *int64
	max    int64
	n      int64
}

func (l *ratio) Read(b []byte) (int, error) {
	if err := l.ctx.Err(); err != nil { // the packed bytes may be in memory, or few
		return 0, stop{err}
	}
	n, err := l.r.Read(b)
	l.n += int64(n)
	if l.n > ratioGrace && l.n/l.max > *l.packed {
		return n, fmt.Errorf("it unpacks to more than %d times its size; the rest was not read", l.max)
	}
	return n, err
}
