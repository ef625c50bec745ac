// Package dump turns files, folders and archives into bounded streams of blocks. Archives are told by their content,
// not by their name, unpacked as a stream and never to disk; what an archive says about itself is not believed. What
// cannot be read is named and the rest is read.
package dump

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/rangetable"

	"github.com/wardline/wardline/internal/risk"
)

// Options bound the reading; zero values are replaced by the defaults given here.
type Options struct {
	BlockBytes int // of a block's body: 256 KiB
	Overlap    int // of lead and trail, at most: 4 KiB
	MaxDepth   int // archives inside archives: 8
	MaxEntries int // in all archives of one file together: 1 000 000
	MaxRatio   int // unpacked bytes a packed byte, once an entry is over 64 MiB: 1 000
	MaxMemory  int // bytes for a decoder's window, and for an archive that must be held whole: 256 MiB
	MaxRounds  int // of key derivation that wrong passwords may take of one file: 2^29, about two minutes

	Passwords []string // tried in order on what is encrypted, after those that the archive or its folder names itself
	Source    risk.SourceKind
	S3        *S3         // where s3:// paths lead; nil = such a path is an error
	Read      func(n int) // told of bytes read from the file itself, for progress; may be nil

	// From is where the reading of a file goes on, as Block.At of the last block said; what lies in front is not visited
	// again, nor named in what was skipped. It is for a single file. Arrived, which may be nil, is told when all that is in
	// front of it has been gone over, at once when that is nothing.
	From    risk.Position
	Arrived func()

	// Context gives what the next block of a document must know of this block and of what is in front of it, in bytes
	// that stay as they are. It is asked for one block after the other. nil = nothing
	Context func(risk.Block) []byte

	// Machine tells a stealer log's system file by its path and its first 32 KiB, and reads what it says; nil = nothing is
	// looked for. The facts go with the documents of the same log. A file's are looked for beside it and in the folders
	// above, no further up than Root: by default what Blocks was given.
	Machine func(name string, text []byte) []risk.Fact
	Root    string
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		value *int
		is    int
	}{{&o.BlockBytes, 256 << 10}, {&o.Overlap, 4 << 10}, {&o.MaxDepth, 8}, {&o.MaxEntries, 1_000_000}, {&o.MaxRatio, 1000}, {&o.MaxMemory, 256 << 20}, {&o.MaxRounds, 1 << 29}} {
		if *d.value <= 0 {
			*d.value = d.is
		}
	}
	if o.Read == nil {
		o.Read = func(int) {}
	}
	if o.Arrived == nil {
		o.Arrived = func() {}
	}
	if o.Context == nil {
		o.Context = func(risk.Block) []byte { return nil }
	}
	return o
}

// Skip names something that was not read, or not to its end, and why in one sentence.
type Skip struct {
	Path  string
	Entry string // inside an archive; "" = the file itself
	Why   string
}

// Blocks calls visit for every block of the file or, in sorted order, of every file below the folder at path. A path
// that begins with s3:// is an object, or all objects whose keys begin with it. Symbolic links are not followed. The
// error is visit's, the context's, or says that path itself could not be read; all else is in skipped. A block's Data is
// valid until visit returns.
func Blocks(ctx context.Context, path string, o Options, visit func(risk.Block) error) (skipped []Skip, err error) {
	return read(ctx, path, o, func(b risk.Block, buf []byte, _ []Skip) ([]byte, error) { return buf, visit(b) })
}

// visitor gets each block with the buffer that its Data lies in. It may keep the buffer, and gives back one to go on
// with, of any size; and it learns of all that was skipped so far.
type visitor func(b risk.Block, buf []byte, skipped []Skip) ([]byte, error)

func read(ctx context.Context, path string, o Options, visit visitor) ([]Skip, error) {
	w := &walk{ctx: ctx, o: o.withDefaults(), visit: visit}
	if o.Machine != nil {
		w.logs = newLogs(ctx, path, o, visit)
		w.visit = w.logs.take
	}
	err := w.each(path, w.file)
	return w.skipped, err
}

// walk is one call of Blocks.
type walk struct {
	ctx     context.Context
	o       Options
	visit   visitor
	logs    *logs // nil = no facts are asked for
	skipped []Skip

	path    string
	at      resume // in the present file
	entries int    // of the present file
	memory  int    // that archives held whole may still take
	bytes   int64
	out     int64 // bytes that came out of the present file, which has so many bytes
	unnamed int   // things not read that were too many to be named
	named   int
	keys    *keyring
	buf     []byte

	parts map[string]*partGroup // by the path of each part
	hints folderHints
}

// stop wraps the errors that end everything: visit's and the context's.
type stop struct{ error }

func (s stop) Unwrap() error { return s.error }

func (w *walk) skipFile(file string, err error) {
	w.skipped = append(w.skipped, Skip{Path: file, Why: why(err)})
}

// maxNamed is how many things of one file are named that were not read; the others are counted.
const maxNamed = 1000

// skip names what was not read, unless it lies in front of where the reading goes on and was named before.
func (w *walk) skip(entry string, err error) {
	if !w.at.arrived {
		return
	}
	if w.named++; w.named > maxNamed {
		w.unnamed++
		return
	}
	w.skipped = append(w.skipped, Skip{Path: w.path, Entry: entry, Why: why(err)})
}

func why(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return err.Error()
}

// file reads a file, or several that are one.
func (w *walk) file(f found) error {
	c, err := f.open()
	if err != nil {
		w.skipFile(f.Path, err)
		return nil
	}
	defer c.Close()
	w.path, w.entries, w.memory, w.at = f.Path, 0, w.o.MaxMemory, newResume(w.o.From)
	w.bytes, w.out, w.named, w.unnamed = c.size, 0, 0, 0
	w.keys = newKeyring(w.ctx, w.o, f.Path, func() []string { return w.hints.of(filepath.Dir(f.Path)) })
	if w.at.arrived {
		w.o.Arrived()
	}
	err = w.withMachine(f.Path, func() error { return w.whole(c) })
	if w.unnamed > 0 {
		w.skipped = append(w.skipped, Skip{Path: f.Path, Why: fmt.Sprintf("%d more things in it were not read, or not to their end", w.unnamed)})
	}
	return err
}

func (w *walk) whole(c opened) error {
	from := &counted{ctx: w.ctx, content: c, tell: w.o.Read}
	err := w.document("", 0, source{reader: from, at: from, size: c.size, parts: c.parts})
	if w.ctx.Err() != nil { // whatever a decoder made of that
		return w.ctx.Err()
	}
	if !w.at.arrived && err == nil {
		err = errShrunk
	}
	w.at.arrived = true
	return w.settle("", err)
}

// settle passes on what must stop everything and notes any other error against entry.
func (w *walk) settle(entry string, err error) error {
	var s stop
	if errors.As(err, &s) {
		return s.error
	}
	if err != nil {
		w.skip(entry, err)
	}
	return nil
}

// source is a document that is about to be read; at is set when it can be read at any place.
type source struct {
	reader io.Reader
	at     io.ReaderAt
	size   int64
	parts  []int64 // where each file begins where they are several; nil = it is one
}

// sectionSource is the first bytes of an archive as a document of their own.
func sectionSource(at io.ReaderAt, size int64) source {
	s := io.NewSectionReader(at, 0, size)
	return source{reader: s, at: s, size: size}
}

// document reads one document, whatever it is. A decoder that breaks down over hostile bytes is an error like any other.
func (w *walk) document(entry string, depth int, src source) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if _, ours := p.(visitPanic); ours {
				panic(p)
			}
			err = fmt.Errorf("the decoder broke down: %v", p)
		}
	}()
	head := make([]byte, sniffBytes)
	n, err := io.ReadFull(src.reader, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		if n == 0 && errors.Is(err, errMissingPart) {
			return w.headless(entry, depth, src)
		}
		if n == 0 {
			return err
		}
		src.reader = broken{err} // what came before is read
	}
	head = head[:n]
	format, rest := sniff(head), src.reader
	src.reader = &prefixed{head: head, rest: rest}
	if format == plain {
		if format, src, err = w.hidden(entry, depth, head, src); err != nil {
			return err
		}
	}
	if format == plain {
		if src.at != nil || !isProgram(head) { // else it is perhaps held by now
			src.reader = rest
			return w.leaf(entry, depth, head, src)
		}
		return w.leaf(entry, depth, nil, src)
	}
	if depth >= w.o.MaxDepth {
		return fmt.Errorf("it is an archive more than %d deep", w.o.MaxDepth)
	}
	return w.unpack(format, entry, depth, src)
}

// leaf reads what is no archive. head was read of it already, or is nil.
func (w *walk) leaf(entry string, depth int, head []byte, src source) error {
	if head == nil {
		head = make([]byte, sniffBytes)
		n, err := io.ReadFull(src.reader, head)
		if head = head[:n]; err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			src.reader = broken{err}
		}
	}
	if isOldOffice(head) {
		w.skip(entry, errOldOffice)
	}
	if depth == 0 {
		return w.text(entry, head, src)
	}
	src.reader = &total{w: w, r: src.reader}
	if !mayTellPassword(entry) {
		return w.text(entry, head, src)
	}
	hint := &hintReader{r: src.reader, text: bytes.Clone(head)}
	src.reader = hint
	err := w.text(entry, head, src)
	_, _ = io.CopyN(io.Discard, hint, maxHintBytes) // what lies in front of where the reading goes on tells passwords too
	w.keys.hintFile(entry, string(hint.text))
	return err
}

// unseen are letters and marks that leave no trace on a screen. Those that are of no such class, like the zero-width
// space, are told by their class.
var unseen = rangetable.Merge(unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, rangetable.New('\u2800'))

// visitPanic carries a panic of visit past the recovery that is meant for decoders.
type visitPanic struct{ value any }

func (w *walk) callVisit(b risk.Block, buf []byte) (next []byte, err error) {
	done := false
	defer func() {
		if !done {
			panic(visitPanic{recover()})
		}
	}()
	next, err = w.visit(b, buf, w.skipped)
	done = true
	return next, err
}

// prefixed gives back the bytes by which a format was told.
type prefixed struct {
	head []byte
	rest io.Reader
}

func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.head) == 0 {
		return p.rest.Read(b)
	}
	n := copy(b, p.head)
	p.head = p.head[n:]
	return n, nil
}

// broken is the rest of a document that could not be read on.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// counted tells how many bytes of the file were read. Decoders read through it, so it is also where a reading that goes
// on without any block for long is ended.
type counted struct {
	ctx     context.Context
	content content
	tell    func(int)
}

func (c *counted) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, stop{err}
	}
	n, err := c.content.Read(b)
	c.tell(n)
	return n, err
}

func (c *counted) ReadAt(b []byte, off int64) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, stop{err}
	}
	n, err := c.content.ReadAt(b, off)
	c.tell(n)
	return n, err
}

// label makes an entry's name fit to be shown: what would move the cursor, change direction or not be seen becomes a mark.
// It is never used as a path.
func label(parent, name string) string {
	name = strings.ReplaceAll(strings.ToValidUTF8(name, "\ufffd"), `\`, "/")
	name = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Zs, r) || unicode.IsPrint(r) && !unicode.Is(unseen, r) {
			return r
		}
		return '\ufffd'
	}, name)
	if len(name) > 1024 {
		name = strings.ToValidUTF8(name[:1024], "") + "…"
	}
	if parent == "" {
		return name
	}
	return parent + "/" + name
}
