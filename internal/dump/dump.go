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
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/wardline/wardline/internal/risk"
)

// Options bound the reading; zero values are replaced by the defaults given here.
type Options struct {
	BlockBytes int // of a block's body: 1 MiB
	Overlap    int // of lead and trail, at most: 4 KiB
	MaxDepth   int // archives inside archives: 8
	MaxEntries int // in all archives of one file together: 1 000 000
	MaxRatio   int // unpacked bytes a packed byte, once an entry is over 64 MiB: 1 000
	MaxMemory  int // bytes for a decoder's window, and for an archive that must be held whole: 256 MiB
	MaxRounds  int // of key derivation that wrong passwords may take of one file: 2^29, about two minutes

	Passwords []string // tried in order on what is encrypted, after those that the archive or its folder names itself
	Source    risk.SourceKind
	Read      func(n int) // told of bytes read from the file system, for progress; may be nil

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
	}{{&o.BlockBytes, 1 << 20}, {&o.Overlap, 4 << 10}, {&o.MaxDepth, 8}, {&o.MaxEntries, 1_000_000}, {&o.MaxRatio, 1000}, {&o.MaxMemory, 256 << 20}, {&o.MaxRounds, 1 << 29}} {
		if *d.value <= 0 {
			*d.value = d.is
		}
	}
	if o.Read == nil {
		o.Read = func(int) {}
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

// Blocks calls visit for every block of the file or, in sorted order, of every file below the folder at path. Symbolic
// links are not followed. The error is visit's, the context's, or says that path itself could not be read; all else is
// in skipped. A block's Data is valid until visit returns.
func Blocks(ctx context.Context, path string, o Options, visit func(risk.Block) error) (skipped []Skip, err error) {
	w := &walk{ctx: ctx, o: o.withDefaults(), visit: visit}
	if o.Machine != nil {
		w.logs = newLogs(path, o, visit)
		w.visit = w.logs.take
	}
	err = filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && file == path:
			return fmt.Errorf("read %s: %w", path, err)
		case err != nil:
			w.skipFile(file, err)
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case d.IsDir():
			w.learnParts(file)
			return nil
		case d.Type()&fs.ModeSymlink != 0:
			w.skipFile(file, errors.New("it is a symbolic link"))
			return nil
		case !d.Type().IsRegular():
			w.skipFile(file, errors.New("it is not a regular file"))
			return nil
		case file == path:
			w.partsBeside(file)
		}
		if g := w.parts[file]; g != nil {
			if file == path || g.Name == d.Name() {
				return w.group(filepath.Dir(file), g)
			}
			return nil // read with the first part
		}
		return w.file(file, d)
	})
	return w.skipped, err
}

// walk is one call of Blocks.
type walk struct {
	ctx     context.Context
	o       Options
	visit   func(risk.Block) error
	logs    *logs // nil = no facts are asked for
	skipped []Skip

	path    string
	entries int // of the present file
	memory  int // that archives held whole may still take
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

func (w *walk) skip(entry string, err error) {
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

func (w *walk) file(path string, d fs.DirEntry) error {
	f, size, err := openRegular(path, d)
	if err != nil {
		w.skipFile(path, err)
		return nil
	}
	defer f.Close()
	return w.begin(path, fileSource(f, size, w.o.Read))
}

// begin reads a file, or several that are one.
func (w *walk) begin(path string, src source) error {
	w.path, w.entries, w.memory = path, 0, w.o.MaxMemory
	w.bytes, w.out, w.named, w.unnamed = src.size, 0, 0, 0
	w.keys = newKeyring(w.o, path, func() []string { return w.hints.of(filepath.Dir(path)) })
	err := w.withMachine(path, func() error { return w.settle("", w.document("", 0, src)) })
	if w.unnamed > 0 {
		w.skipped = append(w.skipped, Skip{Path: path, Why: fmt.Sprintf("%d more things in it were not read, or not to their end", w.unnamed)})
	}
	return err
}

// openRegular opens what the folder listed, unless something else stands there by now.
func openRegular(path string, d fs.DirEntry) (*os.File, int64, error) {
	listed, err := d.Info()
	if err != nil {
		return nil, 0, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	opened, err := f.Stat()
	if err == nil && (!opened.Mode().IsRegular() || !os.SameFile(listed, opened)) {
		err = errors.New("it was replaced while it was opened")
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, opened.Size(), nil
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

func fileSource(f *os.File, size int64, tell func(int)) source {
	c := &counted{f: f, tell: tell}
	return source{reader: c, at: c, size: size}
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
		if src.at == nil && isProgram(head) {
			return w.leaf(entry, depth, nil, src.reader) // perhaps held meanwhile
		}
		return w.leaf(entry, depth, head, rest)
	}
	if depth >= w.o.MaxDepth {
		return fmt.Errorf("it is an archive more than %d deep", w.o.MaxDepth)
	}
	return w.unpack(format, entry, depth, src)
}

// leaf reads what is no archive. head was read of it already, or is nil.
func (w *walk) leaf(entry string, depth int, head []byte, rest io.Reader) error {
	if head == nil {
		head = make([]byte, sniffBytes)
		n, err := io.ReadFull(rest, head)
		if head = head[:n]; err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			rest = broken{err}
		}
	}
	if depth == 0 {
		return w.text(entry, head, rest)
	}
	rest = &total{w: w, r: rest}
	if !mayTellPassword(entry) {
		return w.text(entry, head, rest)
	}
	hint := &hintReader{r: rest, text: bytes.Clone(head)}
	err := w.text(entry, head, hint)
	w.keys.hintFile(entry, string(hint.text))
	return err
}

// visitPanic carries a panic of visit past the recovery that is meant for decoders.
type visitPanic struct{ value any }

func (w *walk) callVisit(b risk.Block) error {
	done := false
	defer func() {
		if !done {
			panic(visitPanic{recover()})
		}
	}()
	err := w.visit(b)
	done = true
	return err
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

// counted tells how many bytes of the file were read.
type counted struct {
	f    *os.File
	tell func(int)
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.f.Read(b)
	c.tell(n)
	return n, err
}

func (c *counted) ReadAt(b []byte, off int64) (int, error) {
	n, err := c.f.ReadAt(b, off)
	c.tell(n)
	return n, err
}

// label makes an entry's name fit to be shown. It is never used as a path.
func label(parent, name string) string {
	name = strings.ReplaceAll(strings.ToValidUTF8(name, "\ufffd"), `\`, "/")
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '\ufffd'
		}
		return r
	}, name)
	if len(name) > 1024 {
		name = strings.ToValidUTF8(name[:1024], "") + "…"
	}
	if parent == "" {
		return name
	}
	return parent + "/" + name
}
