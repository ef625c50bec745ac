package dump

import (
	"bytes"
	"errors"
	"io"
	"slices"
)

// held is an archive in memory, in pieces so that it never has to be copied into a larger room.
type held struct {
	pieces [][]byte
	starts []int64 // of the pieces
	size   int64
}

const (
	firstPiece = 4 << 10 // most archives inside others are small
	lastPiece  = 1 << 20
)

// holdSome takes as much as there is memory for. What could not be read on is an error; whole says that there is no more.
func (w *walk) holdSome(r io.Reader) (h *held, whole bool, err error) {
	h = &held{}
	for h.size < int64(w.memory) {
		piece := make([]byte, min(firstPiece<<min(2*len(h.pieces), 8), lastPiece, w.memory-int(h.size)))
		n, err := io.ReadFull(r, piece)
		h.add(piece[:n])
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return h, true, nil
		case err != nil:
			return h, true, err
		}
	}
	var one [1]byte
	n, err := io.ReadFull(r, one[:])
	if n == 0 {
		return h, true, nil
	}
	h.add(one[:])
	return h, false, err
}

func (h *held) add(piece []byte) {
	h.pieces, h.starts = append(h.pieces, piece), append(h.starts, h.size)
	h.size += int64(len(piece))
}

func (h *held) ReadAt(b []byte, off int64) (n int, err error) {
	for n < len(b) {
		pos := off + int64(n)
		if pos >= h.size {
			return n, io.EOF
		}
		i, found := slices.BinarySearch(h.starts, pos)
		if !found {
			i--
		}
		n += copy(b[n:], h.pieces[i][pos-h.starts[i]:])
	}
	return n, nil
}

// reader gives the bytes from the first on.
func (h *held) reader() io.Reader {
	readers := make([]io.Reader, len(h.pieces))
	for i, p := range h.pieces {
		readers[i] = bytes.NewReader(p)
	}
	return io.MultiReader(readers...)
}
