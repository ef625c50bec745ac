package dump

import (
	"bytes"
	"errors"
	"io"
)

// held is an archive in memory, in pieces so that it never has to be copied into a larger room.
type held struct {
	pieces [][]byte
	size   int64
}

const pieceBytes = 1 << 20

// holdSome takes as much as there is memory for. What could not be read on is an error; whole says that there is no more.
func (w *walk) holdSome(r io.Reader) (h *held, whole bool, err error) {
	h = &held{}
	for h.size < int64(w.memory) {
		piece := make([]byte, min(pieceBytes, w.memory-int(h.size)))
		if len(h.pieces) == 0 {
			piece = piece[:min(len(piece), 64<<10)]
		}
		n, err := io.ReadFull(r, piece)
		h.pieces = append(h.pieces, piece[:n])
		h.size += int64(n)
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
	h.pieces = append(h.pieces, one[:])
	h.size++
	return h, false, err
}

func (h *held) ReadAt(b []byte, off int64) (n int, err error) {
	for n < len(b) {
		pos := off + int64(n)
		if pos >= h.size {
			return n, io.EOF
		}
		piece, at := 0, pos
		if first := int64(len(h.pieces[0])); pos >= first {
			piece, at = 1+int((pos-first)/pieceBytes), (pos-first)%pieceBytes
		}
		n += copy(b[n:], h.pieces[piece][at:])
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
