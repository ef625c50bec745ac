package dump

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz/lzma"
)

// lz4Frames reads frames of lz4 that follow each other as one document.
type lz4Frames struct {
	in *bufio.Reader
	z  *lz4.Reader
}

func newLZ4(r io.Reader) io.ReadCloser {
	in := bufio.NewReaderSize(r, zipBuffer)
	return io.NopCloser(&lz4Frames{in: in, z: lz4.NewReader(in)})
}

func (l *lz4Frames) Read(b []byte) (int, error) {
	for {
		n, err := l.z.Read(b)
		if n > 0 || !errors.Is(err, io.EOF) {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return n, err
		}
		if _, err := l.in.Peek(1); err != nil {
			return 0, err
		}
		l.z.Reset(l.in)
	}
}

// lzmaAlone reads the older format of xz.
func (w *walk) lzmaAlone(r io.Reader) (io.ReadCloser, error) {
	z, err := lzma.ReaderConfig{DictCap: w.o.MaxMemory}.NewReader(bufio.NewReaderSize(r, zipBuffer))
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
	return w.lzmaAlone(io.MultiReader(bytes.NewReader(header), r))
}
