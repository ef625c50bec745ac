package dump

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz/lzma"
)

// frames reads packed pieces that follow each other as one document.
type frames struct {
	in   *bufio.Reader
	z    io.Reader
	next func() error // begins another piece; what stands there is none when that fails
}

func newGzip(in *bufio.Reader) (io.ReadCloser, error) {
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	z.Multistream(false)
	return io.NopCloser(&frames{in: in, z: z, next: func() error {
		err := z.Reset(in)
		z.Multistream(false)
		return err
	}}), nil
}

func newLZ4(in *bufio.Reader) (io.ReadCloser, error) {
	return newPadded(in, func(r io.Reader) (io.ReadCloser, error) {
		z := lz4.NewReader(r)
		return io.NopCloser(&frames{in: in, z: z, next: func() error {
			z.Reset(r)
			_, err := z.Read(nil)
			return err
		}}), nil
	})
}

var errBehind = errors.New("what stands behind its end is not packed so, and was not read")

func (f *frames) Read(b []byte) (int, error) {
	for {
		n, err := f.z.Read(b)
		if n > 0 || !errors.Is(err, io.EOF) {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return n, err
		}
		if err := skipZeros(f.in); err != nil {
			return 0, err
		}
		if err := f.next(); err != nil {
			return 0, behind(err)
		}
	}
}

// behind tells what is no further piece from one that could not be read on.
func behind(err error) error {
	var s stop
	if errors.As(err, &s) || errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return errBehind
}

// padded is for a decoder that goes on with the next piece by itself: it takes zeros behind the last one for none.
type padded struct {
	io.ReadCloser
	in  *zeroCounter
	end error // what the end of it was; nil = not reached
}

func newPadded(in *bufio.Reader, open func(io.Reader) (io.ReadCloser, error)) (io.ReadCloser, error) {
	counted := &zeroCounter{Reader: in}
	z, err := open(counted)
	return &padded{ReadCloser: z, in: counted}, err
}

func (p *padded) Read(b []byte) (int, error) {
	if p.end != nil {
		return 0, p.end
	}
	n, err := p.ReadCloser.Read(b)
	if !errors.Is(err, zstd.ErrMagicMismatch) && !errors.Is(err, errBzip2Behind) && !errors.Is(err, lz4.ErrInvalidFrame) {
		return n, err
	}
	p.end = errBehind
	if p.in.zeros > 0 {
		p.end = cmp.Or(skipZeros(p.in.Reader), p.end)
	}
	return n, p.end
}

// errBzip2Behind is what the decoder says of what follows the end of a piece.
var errBzip2Behind error = bzip2.StructuralError("bad magic value in continuation file")

// zeroCounter knows how many zeros were read last.
type zeroCounter struct {
	*bufio.Reader
	zeros int
}

func (z *zeroCounter) Read(b []byte) (int, error) {
	n, err := z.Reader.Read(b)
	last := len(bytes.TrimRight(b[:n], "\x00"))
	if last > 0 {
		z.zeros = 0
	}
	z.zeros += n - last
	return n, err
}

func (z *zeroCounter) ReadByte() (byte, error) {
	b, err := z.Reader.ReadByte()
	if err == nil && b != 0 {
		z.zeros = 0
	} else if err == nil {
		z.zeros++
	}
	return b, err
}

// lzmaAlone reads the older format of xz.
func (w *walk) lzmaAlone(r io.Reader) (io.ReadCloser, error) {
	z, err := lzma.ReaderConfig{DictCap: w.o.MaxMemory}.NewReader(r)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(&lzmaReader{z: z}), nil
}

// lzmaReader tells a document that broke off from one that ended, which its decoder does not.
type lzmaReader struct {
	z *lzma.Reader
	n int64
}

func (l *lzmaReader) Read(b []byte) (int, error) {
	n, err := l.z.Read(b)
	l.n += int64(n)
	if h, _ := l.z.Header(); errors.Is(err, io.EOF) && !l.z.EOSMarker() && l.n != h.Size {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// zipLZMA reads an entry of method 14: settings in a frame of their own, and the size is what the zip says of it, or
// there is a mark at the end.
func (w *walk) zipLZMA(r io.Reader, size int64) (io.ReadCloser, error) {
	var b [9]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return nil, fmt.Errorf("read how it is packed: %w", err)
	}
	if binary.LittleEndian.Uint16(b[2:]) != 5 {
		return nil, errors.New("it is packed by a form of LZMA that is not known here")
	}
	header := binary.LittleEndian.AppendUint64(b[4:9:9], uint64(size))
	if size < 0 {
		header = append(b[4:9:9], "\xff\xff\xff\xff\xff\xff\xff\xff"...)
	}
	return w.lzmaAlone(bufio.NewReaderSize(io.MultiReader(bytes.NewReader(header), r), zipBuffer))
}
