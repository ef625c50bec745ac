package hunt

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wardline/wardline/internal/risk"
)

// Index is a whole index, open to be asked. It is not safe for concurrent use.
type Index struct {
	Dump Dump
	file *os.File
	size int64
	head []byte

	first int64 // segment
	buf   []byte
}

// Open opens the index of a dump. One that was never finished is fs.ErrNotExist; one that is not what was written is
// ErrDamaged.
func Open(folder string, d Dump) (*Index, error) {
	x, err := open(File(folder, d))
	if err == nil && !x.Dump.same(d) {
		return nil, errors.Join(fmt.Errorf("open index: %w: it is of another dump", ErrDamaged), x.Close())
	}
	return x, err
}

// same compares what a dump is; where its folder lies today does not matter.
func (d Dump) same(e Dump) bool {
	return d.Source == e.Source && d.Path == e.Path && d.Bytes == e.Bytes && d.Modified.UnixMicro() == e.Modified.UnixMicro() &&
		d.Version == e.Version && d.Keys == e.Keys
}

func open(name string) (*Index, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	x := &Index{file: f}
	if err := x.readHeader(); err != nil {
		return nil, errors.Join(fmt.Errorf("open index: %w", err), f.Close())
	}
	return x, nil
}

// Dumps lists the dumps of which a folder holds a whole index, by path. Files that are no index are named in damaged.
func Dumps(folder string) (dumps []Dump, damaged []string, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("list indexes: %w", err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), suffix) {
			continue
		}
		x, err := open(filepath.Join(folder, e.Name()))
		if err != nil {
			damaged = append(damaged, e.Name())
			continue
		}
		dumps = append(dumps, x.Dump)
		if err := x.Close(); err != nil {
			return nil, nil, err
		}
	}
	slices.SortStableFunc(dumps, func(a, b Dump) int { return strings.Compare(a.Path, b.Path) })
	return dumps, damaged, nil
}

// Close ends the asking.
func (x *Index) Close() error { return x.file.Close() }

// Size is how many bytes the index takes.
func (x *Index) Size() int64 { return x.size }

func (x *Index) readHeader() error {
	info, err := x.file.Stat()
	if err != nil {
		return err
	}
	x.size = info.Size()
	start := make([]byte, len(magic))
	if _, err := x.file.ReadAt(start, 0); err != nil || string(start) != magic {
		return fmt.Errorf("%w: it does not begin as one", ErrDamaged)
	}
	kind, data, next, err := x.frame(int64(len(magic)))
	if err != nil {
		return err
	}
	var h header
	if kind != frameHeader || data != 0 || json.Unmarshal(x.head, &h) != nil {
		return fmt.Errorf("%w: its header cannot be read", ErrDamaged)
	}
	x.Dump = h.Dump
	x.Dump.Path = string(h.Path)
	x.first = next
	return nil
}

// frame reads the frame at a place, its head into x.head.
func (x *Index) frame(at int64) (kind byte, data uint32, next int64, err error) {
	var b [frameBytes]byte
	if _, err := x.file.ReadAt(b[:], at); err != nil {
		return 0, 0, 0, fmt.Errorf("%w: it ends too early", ErrDamaged)
	}
	head := binary.LittleEndian.Uint32(b[1:])
	data = binary.LittleEndian.Uint32(b[5:])
	next = at + frameBytes + int64(head) + int64(data)
	if head > maxHead || next > x.size {
		return 0, 0, 0, fmt.Errorf("%w: it ends too early", ErrDamaged)
	}
	x.head = slices.Grow(x.head[:0], int(head))[:head]
	if _, err := x.file.ReadAt(x.head, at+frameBytes); err != nil && !errors.Is(err, io.EOF) {
		return 0, 0, 0, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	sum := crc32.Update(crc32.Checksum(b[:frameBytes-4], castagnoli), castagnoli, x.head)
	if sum != binary.LittleEndian.Uint32(b[frameBytes-4:]) {
		return 0, 0, 0, fmt.Errorf("%w: a checksum does not fit", ErrDamaged)
	}
	return b[0], data, next, nil
}

// segment reads the head of the segment at a place; next is the same place when the index ends there.
func (x *Index) segment(at int64) (s segment, next int64, err error) {
	kind, data, next, err := x.frame(at)
	if err != nil {
		return s, at, err
	}
	if kind == frameEnd {
		return s, at, nil
	}
	if kind != frameSegment {
		return s, at, fmt.Errorf("%w: a frame of kind %q", ErrDamaged, kind)
	}
	s, err = decodeSegment(x.head, data)
	if err == nil && len(s.stretches) == 0 {
		err = fmt.Errorf("%w: a segment without stretches", ErrDamaged)
	}
	s.data = next - int64(data)
	return s, next, err
}

// Plain tells that the dump is text as it lies there: its bytes are those of its text, perhaps behind a mark of their
// order, so that a place in it can be sought.
func (x *Index) Plain() bool {
	kind, _, _, err := x.frame(x.size - frameBytes - tailBytes)
	last, ok := decodeTail(x.head)
	return err == nil && kind == frameEnd && ok && last.Bytes <= x.Dump.Bytes && last.Bytes >= x.Dump.Bytes-3
}

// Search calls visit for every stretch, in reading order, that may hold what one of the questions is about, with the
// numbers of those questions. A stretch of which nothing is known is given for every question. visit's error ends it.
func (x *Index) Search(questions []risk.Clues, visit func(s risk.Stretch, asked []int) error) error {
	at, seen := x.first, tail{}
	for {
		s, next, err := x.segment(at)
		if err != nil {
			return fmt.Errorf("search index: %w", err)
		}
		if next == at {
			return x.checkEnd(seen)
		}
		for _, st := range s.stretches {
			seen.Bytes += st.Bytes
		}
		seen.Stretches += len(s.stretches)
		if err := x.searchSegment(&s, questions, visit); err != nil {
			return err
		}
		at = next
	}
}

// checkEnd compares what was seen with what the end of the index says, which is in x.head.
func (x *Index) checkEnd(seen tail) error {
	if last, ok := decodeTail(x.head); !ok || last != seen {
		return fmt.Errorf("search index: %w: segments are missing", ErrDamaged)
	}
	return nil
}

func (x *Index) searchSegment(s *segment, questions []risk.Clues, visit func(risk.Stretch, []int) error) error {
	masks := make([]uint64, len(questions))
	all := uint64(0)
	for i, q := range questions {
		mask, err := x.answer(s, q)
		if err != nil {
			return fmt.Errorf("search index: %w", err)
		}
		masks[i] = mask
		all |= mask
	}
	for ; all != 0; all &= all - 1 {
		unit := bits.TrailingZeros64(all)
		if unit >= len(s.stretches) {
			return fmt.Errorf("search index: %w: a key of no stretch", ErrDamaged)
		}
		var asked []int
		for i, mask := range masks {
			if mask>>unit&1 != 0 {
				asked = append(asked, i)
			}
		}
		if err := visit(s.stretches[unit], asked); err != nil {
			return err
		}
	}
	return nil
}

// answer gives the stretches of a segment that may hold what is asked, as bits.
func (x *Index) answer(s *segment, clues risk.Clues) (any uint64, err error) {
	any = s.unknown
	for _, keys := range clues {
		mask := ^uint64(0)
		for _, key := range keys {
			var in uint64
			if in, x.buf, err = s.find(x.file, key, x.buf); err != nil {
				return 0, err
			}
			if mask &= in; mask == 0 {
				break
			}
		}
		any |= mask
	}
	return any, nil
}
