package dump

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

const tarBlock = 512

// tar reads one archive, or several that follow each other, as cat puts them. What else stands behind the end is read as a
// document of its own. Where a header is broken, it goes on with the next whole one.
func (w *walk) tar(entry string, depth int, r io.Reader) error {
	packed := &meter{r: r}
	in := bufio.NewReaderSize(packed, zipBuffer)
	for {
		err := w.oneTar(entry, depth, tar.NewReader(in), &packed.n)
		switch {
		case errors.Is(err, tar.ErrHeader):
			if !findTarHeader(in) {
				return err
			}
			w.skip(entry, fmt.Errorf("a header in it is broken; it was read on at byte %d", packed.n-int64(in.Buffered())))
			continue
		case err != nil:
			return err
		}
		if err := skipZeros(in); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if head, _ := in.Peek(tarBlock); !isTarHeader(head) {
			return w.document(entry, depth+1, source{reader: w.limit(in, &packed.n)})
		}
	}
}

// oneTar reads up to the mark of the end.
func (w *walk) oneTar(entry string, depth int, archive *tar.Reader, packed *int64) error {
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
			err = w.entry(name, depth, packed, func() (io.ReadCloser, error) { return io.NopCloser(archive), nil })
		case tar.TypeDir, tar.TypeXGlobalHeader:
		default:
			err = w.passOver(name, errLink)
		}
		if err != nil {
			return err
		}
	}
}

// findTarHeader moves on to a block that is a header; false when there is none.
func findTarHeader(in *bufio.Reader) bool {
	for {
		block, err := in.Peek(tarBlock)
		if err != nil {
			return false
		}
		if string(block[257:262]) == "ustar" && isTarHeader(block) {
			return true
		}
		_, _ = in.Discard(tarBlock) // they are there
	}
}

// isTarHeader compares a block with the sum that stands in it, of bytes with a sign or without.
func isTarHeader(block []byte) bool {
	if len(block) < tarBlock {
		return false
	}
	said, err := strconv.ParseInt(string(bytes.Trim(block[148:156], " \x00")), 8, 64)
	if err != nil {
		return false
	}
	sum, signed := int64(8*' '), int64(8*' ')
	for i, b := range block[:tarBlock] {
		if i < 148 || i >= 156 {
			sum += int64(b)
			signed += int64(int8(b))
		}
	}
	return said == sum || said == signed
}

// skipZeros passes over what tapes and disks put behind an end. Its error says that nothing else follows.
func skipZeros(in *bufio.Reader) error {
	for {
		b, err := in.Peek(1)
		if err != nil {
			return err
		}
		if b[0] != 0 {
			return nil
		}
		b, _ = in.Peek(in.Buffered())
		i := 0
		for i < len(b) && b[i] == 0 {
			i++
		}
		_, _ = in.Discard(i)
	}
}
