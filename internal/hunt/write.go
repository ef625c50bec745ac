package hunt

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/wardline/wardline/internal/risk"
)

// Writer writes the index of a dump beside its reading. Only Finish gives it its name: an index that is there is whole.
type Writer struct {
	file    *os.File
	name    string
	at      risk.Position // where the reading stands
	open    risk.Stretch  // being filled
	filled  bool
	units   []risk.Stretch
	unknown uint64
	entries []uint64
	total   tail
}

// tail is what stands at the end of a whole index.
type tail struct {
	Stretches int
	Bytes     int64
}

// tailBytes is how long a tail is in the file.
const tailBytes = 16

func (t tail) encode() []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, uint64(t.Stretches)), uint64(t.Bytes))
}

func decodeTail(b []byte) (t tail, ok bool) {
	if len(b) != tailBytes {
		return t, false
	}
	return tail{Stretches: int(binary.LittleEndian.Uint64(b)), Bytes: int64(binary.LittleEndian.Uint64(b[8:]))}, true
}

// Create begins the index of a dump whose reading begins, or goes on, at from. What an earlier reading wrote of it is kept
// as far as from; where that is missing, the stretch in front of from counts as one of which nothing is known.
func Create(folder string, d Dump, from risk.Position) (*Writer, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make folder of indexes: %w", err)
	}
	w := &Writer{name: File(folder, d)}
	err := w.reopen(from)
	if err != nil {
		return nil, fmt.Errorf("begin index: %w", err)
	}
	if w.file, err = os.OpenFile(w.name+partial, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, fmt.Errorf("begin index: %w", err)
	}
	if err = w.resume(d, from); err != nil {
		return nil, errors.Join(fmt.Errorf("begin index: %w", err), w.file.Close())
	}
	return w, nil
}

// reopen makes an index unfinished again whose reading was killed between finishing it and saying so.
func (w *Writer) reopen(from risk.Position) error {
	if !(risk.Position{}).Before(from) {
		return nil
	}
	if _, err := os.Stat(w.name + partial); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(w.name, w.name+partial); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (w *Writer) resume(d Dump, from risk.Position) error {
	end, err := w.keep(d, from)
	if err != nil {
		if end, err = 0, w.file.Truncate(0); err != nil {
			return err
		}
		w.at, w.total = risk.Position{}, tail{}
	}
	if err := w.file.Truncate(end); err != nil {
		return err
	}
	if _, err := w.file.Seek(end, io.SeekStart); err != nil {
		return err
	}
	if end == 0 {
		if err := w.writeHeader(d); err != nil {
			return err
		}
	}
	if w.at.Before(from) {
		w.units, w.unknown, w.at = []risk.Stretch{{From: w.at, Until: from}}, 1, from
	}
	return nil
}

// keep finds where what was written about the dump as far as from ends.
func (w *Writer) keep(d Dump, from risk.Position) (end int64, err error) {
	x := Index{file: w.file}
	if err := x.readHeader(); err != nil {
		return 0, err
	}
	if !x.Dump.same(d) {
		return 0, fmt.Errorf("%w: it is of another dump", ErrDamaged)
	}
	for end = x.first; ; {
		s, next, err := x.segment(end)
		if err != nil || next == end {
			return end, nil
		}
		last := s.stretches[len(s.stretches)-1].Until
		if from.Before(last) {
			return end, nil
		}
		for _, st := range s.stretches {
			w.total.Bytes += st.Bytes
		}
		w.total.Stretches += len(s.stretches)
		w.at, end = last, next
	}
}

// Add takes in a block of bytes of text after which reading stands at until, with the keys of its text.
func (w *Writer) Add(until risk.Position, bytes int64, keys []uint64) error {
	if !w.filled {
		w.open, w.filled = risk.Stretch{From: w.at}, true
	}
	w.open.Until, w.at = until, until
	w.open.Bytes += bytes
	unit := uint64(len(w.units))
	for _, k := range keys {
		w.entries = append(w.entries, k&^(perSegment-1)|unit)
	}
	if w.open.Bytes < stretchBytes {
		return nil
	}
	w.close()
	if len(w.units) == perSegment || len(w.entries) >= maxEntries/2 {
		return w.writeSegment()
	}
	return nil
}

// close ends the stretch that is being filled.
func (w *Writer) close() {
	if w.filled {
		w.units, w.filled = append(w.units, w.open), false
	}
}

// Save makes sure of what was added so far. It comes before the position behind it is saved elsewhere.
func (w *Writer) Save() error {
	w.close()
	if err := w.writeSegment(); err != nil {
		return err
	}
	if err := w.file.Sync(); err != nil {
		return fmt.Errorf("save index: %w", err)
	}
	return nil
}

// Finish ends the index of a dump that was read to its end and gives it its name.
func (w *Writer) Finish() error {
	if err := w.Save(); err != nil {
		return err
	}
	err := w.writeFrame(frameEnd, w.total.encode(), nil)
	if err == nil {
		err = w.file.Sync()
	}
	if err = errors.Join(err, w.file.Close()); err == nil {
		err = os.Rename(w.name+partial, w.name)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(w.name))
	}
	if err != nil {
		return fmt.Errorf("finish index: %w", err)
	}
	return nil
}

func syncFolder(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Close leaves an index unfinished, for a later reading to go on with.
func (w *Writer) Close() error {
	if err := w.file.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
		return fmt.Errorf("close index: %w", err)
	}
	return nil
}

func (w *Writer) writeSegment() error {
	if len(w.units) == 0 {
		return nil
	}
	for _, st := range w.units {
		w.total.Bytes += st.Bytes
	}
	w.total.Stretches += len(w.units)
	head, data := encodeSegment(w.units, w.unknown, w.entries)
	w.units, w.unknown, w.entries = w.units[:0], 0, w.entries[:0]
	return w.writeFrame(frameSegment, head, data)
}

// Kinds of frame.
const (
	frameHeader  = 'H'
	frameSegment = 'S'
	frameEnd     = 'E'
)

// magic begins every index.
const magic = "wardline index 1\n"

const frameBytes = 1 + 4 + 4 + 4 // kind, sizes of head and data, checksum of all before and the head

// header begins an index. A path is bytes, of which JSON would change those that are no UTF-8.
type header struct {
	Dump Dump
	Path []byte
}

func (w *Writer) writeHeader(d Dump) error {
	head, err := json.Marshal(header{d, []byte(d.Path)})
	if err != nil {
		return err
	}
	if _, err := w.file.WriteString(magic); err != nil {
		return err
	}
	return w.writeFrame(frameHeader, head, nil)
}

// writeFrame writes head and data in one piece. Data carries checksums of its own.
func (w *Writer) writeFrame(kind byte, head, data []byte) error {
	b := make([]byte, 0, frameBytes+len(head)+len(data))
	b = append(b, kind)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(head)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	sum := crc32.Update(crc32.Checksum(b, castagnoli), castagnoli, head)
	b = binary.LittleEndian.AppendUint32(b, sum)
	b = append(append(b, head...), data...)
	if _, err := w.file.Write(b); err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	return nil
}
