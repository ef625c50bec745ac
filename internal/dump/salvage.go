package dump

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"

	"github.com/klauspost/compress/zip"
)

// salvage reads a zip whose directory is missing or broken, as a download that was cut leaves it: one entry after the
// other by their own headers, as far as these go. What is wrong with the directory stays the error.
func (w *walk) salvage(entry string, depth int, at io.ReaderAt, size int64, broken error) error {
	for pos := int64(0); ; {
		h, ok := readLocalHeader(at, pos, size)
		if !ok {
			return broken
		}
		end, err := w.salvageEntry(label(entry, h.name), depth, at, h)
		if err != nil {
			return err
		}
		if end < 0 {
			return broken
		}
		pos = end
	}
}

// salvageEntry reads one entry and gives where its packed bytes end, or -1 when that cannot be known.
func (w *walk) salvageEntry(name string, depth int, at io.ReaderAt, h localHeader) (end int64, err error) {
	packed := &meter{r: io.NewSectionReader(at, h.data, h.packed)}
	buffered := bufio.NewReader(packed)
	err = w.entry(name, depth, &packed.n, func() (io.ReadCloser, error) {
		switch {
		case h.flags&1 != 0:
			return nil, errors.New("it is encrypted")
		case !h.sized && h.method != zip.Deflate:
			return nil, errors.New("the archive does not say where it ends")
		}
		return w.unzipped(h.method, buffered)
	})
	switch {
	case err != nil || h.dir:
		return h.data, err
	case h.sized:
		return h.data + h.packed, nil
	}
	read := packed.n - int64(buffered.Buffered())
	return afterDescriptor(at, h.data+read), nil
}

// localHeader is what stands before an entry's packed bytes.
type localHeader struct {
	name   string
	flags  uint16
	method uint16
	dir    bool
	data   int64 // where the packed bytes begin
	packed int64 // how many there are, or at most can be
	sized  bool  // packed is what the header says
}

func readLocalHeader(at io.ReaderAt, pos, size int64) (localHeader, bool) {
	var b [30]byte
	if n, _ := at.ReadAt(b[:], pos); n < len(b) || string(b[:4]) != "PK\x03\x04" {
		return localHeader{}, false
	}
	le := binary.LittleEndian
	name := make([]byte, le.Uint16(b[26:]))
	if n, _ := at.ReadAt(name, pos+int64(len(b))); n < len(name) {
		return localHeader{}, false
	}
	h := localHeader{name: string(name), flags: le.Uint16(b[6:]), method: le.Uint16(b[8:])}
	h.dir = bytes.HasSuffix(name, []byte("/"))
	h.data = pos + int64(len(b)+len(name)) + int64(le.Uint16(b[28:]))
	h.packed = size - h.data
	if said := le.Uint32(b[18:]); h.flags&8 == 0 && said != math.MaxUint32 {
		h.sized, h.packed = true, int64(said)
	}
	return h, h.data <= size
}

// afterDescriptor is where the next header begins behind the sizes that follow an entry which was written in one go:
// twelve bytes, or twenty in a large archive, with or without a mark before them.
func afterDescriptor(at io.ReaderAt, pos int64) int64 {
	var b [28]byte
	n, _ := at.ReadAt(b[:], pos)
	if i := bytes.Index(b[:n], []byte("PK\x03\x04")); i >= 0 {
		return pos + int64(i)
	}
	return -1
}
