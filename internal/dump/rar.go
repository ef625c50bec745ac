package dump

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/nwaples/rardecode/v2"
)

// rarFile is a rar archive to be opened, several times where a password must be found.
type rarFile struct {
	w      *walk
	packed *meter
	at     io.ReaderAt // nil = it can be read once, as a stream
	size   int64
	parts  []int64
	stream io.Reader
	solid  bool
	begun  bool // a file was found in what is open
}

func (w *walk) rar(entry string, depth int, src source) error {
	f, release, err := w.rarFile(src)
	if err != nil {
		return err
	}
	defer release()
	archive, sealed, err := f.unseal()
	if err != nil {
		return err
	}
	for {
		begun := f.begun
		h, err := f.next(archive)
		switch {
		case errors.Is(err, io.EOF) && !begun:
			return errors.New("it holds nothing, unless it is cut")
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return w.rarError(err)
		}
		name := label(entry, h.Name)
		switch {
		case h.IsDir:
			continue
		case !isRegularInRAR(h):
			err = w.passOver(name, errLink)
		case h.Encrypted && sealed != nil:
			err = w.passOver(name, sealed)
		default:
			err = w.entry(name, depth, &f.packed.n, func() (io.ReadCloser, error) { return io.NopCloser(rarEntry{w, archive}), nil })
		}
		if err != nil {
			return err
		}
	}
}

// next finds the next file. In a solid archive all in front of it is unpacked for that, which the decoder does without
// asking whether it may go on: so what was not read is unpacked here.
func (f *rarFile) next(archive rarArchive) (*rardecode.FileHeader, error) {
	if f.solid && f.begun {
		if err := f.w.drain(archive); err != nil {
			return nil, err
		}
	}
	f.begun = true
	return archive.Next()
}

// rarEntry says in our words what its reader says.
type rarEntry struct {
	w  *walk
	in io.Reader
}

func (r rarEntry) Read(b []byte) (int, error) {
	n, err := r.in.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		err = r.w.rarError(err)
	}
	return n, err
}

func (w *walk) rarError(err error) error {
	switch {
	case errors.Is(err, rardecode.ErrArchiveEncrypted), errors.Is(err, rardecode.ErrArchivedFileEncrypted), errors.Is(err, rardecode.ErrBadPassword):
		return errNoPassword
	case errors.Is(err, rardecode.ErrDictionaryTooLarge):
		return fmt.Errorf("its dictionary takes more than %d MiB of memory; what follows was not read", w.o.MaxMemory>>20)
	case errors.Is(err, rardecode.ErrBadFileChecksum):
		return errNotAsAnnounced
	case errors.Is(err, rardecode.ErrMultiVolume), errors.Is(err, fs.ErrNotExist):
		return errors.New("it goes on in a part that is missing")
	}
	return err
}

func isRegularInRAR(h *rardecode.FileHeader) bool {
	if h.HostOS == rardecode.HostOSUnix && h.Attributes&0xf000 != 0 && h.Attributes&0xf000 != 0x8000 {
		return false
	}
	return h.Mode().IsRegular() && h.LinkType == rardecode.LinkTypeNone
}

// rarPeek is how much of an archive inside another one is looked at to see whether it is encrypted, and must be held.
const rarPeek = 64 << 10

func (w *walk) rarFile(src source) (*rarFile, func(), error) {
	f := &rarFile{w: w, packed: &meter{}}
	if src.at == nil {
		head := make([]byte, rarPeek)
		n, err := io.ReadFull(src.reader, head)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, nil, err
		}
		src.reader = &prefixed{head: head[:n], rest: src.reader}
		if s := scanRAR(bytes.NewReader(head[:n]), int64(n), w.o.MaxEntries); !s.headers && !s.entries {
			f.solid = s.solid
			f.packed.r = src.reader
			f.stream = f.packed
			return f, func() {}, nil
		}
	}
	at, size, release, err := w.hold(src)
	f.at, f.size, f.parts = at, size, src.parts
	return f, release, err
}

type rarArchive interface {
	Next() (*rardecode.FileHeader, error)
	io.Reader
}

func (f *rarFile) open(password string) (rarArchive, error) {
	f.begun = false
	options := []rardecode.Option{rardecode.MaxDictionarySize(int64(f.w.o.MaxMemory)), rardecode.BufferSize(zipBuffer)}
	if password != "" {
		options = append(options, rardecode.Password(password))
	}
	switch {
	case f.stream != nil:
		return rardecode.NewReader(f.stream, options...)
	case len(f.parts) > 1:
		return rardecode.OpenReader("1.rar", append(options, rardecode.FileSystem(&rarVolumes{f: f, names: map[string]int{}}))...)
	}
	return rardecode.NewReader(f.section(0, f.size), options...)
}

// section is a reader that can be moved, so that what is not wanted is not read.
func (f *rarFile) section(from, to int64) *rarSection {
	return &rarSection{SectionReader: io.NewSectionReader(f.at, from, to-from), packed: f.packed}
}

type rarSection struct {
	*io.SectionReader
	packed *meter
}

func (s *rarSection) Read(b []byte) (int, error) {
	n, err := s.SectionReader.Read(b)
	s.packed.n += int64(n)
	return n, err
}

// unseal opens the archive with the password that fits. sealed says why what is encrypted in it cannot be read.
func (f *rarFile) unseal() (archive rarArchive, sealed, err error) {
	if f.stream != nil {
		archive, err = f.open("")
		return archive, errNoPassword, err
	}
	seals := scanRAR(f.at, f.firstEnd(), f.w.o.MaxEntries)
	f.solid = seals.solid
	if !seals.headers && !seals.entries {
		archive, err = f.open("")
		return archive, errNoPassword, err
	}
	if sealed = seals.fits(); sealed == nil {
		sealed = f.w.keys.open(seals.rounds, func(password string) bool { return f.fits(password) })
	}
	switch {
	case sealed == nil:
		archive, err = f.open(f.w.keys.last)
	case seals.headers:
		return nil, nil, sealed
	default:
		archive, err = f.open("")
	}
	return archive, sealed, err
}

func (f *rarFile) firstEnd() int64 {
	if len(f.parts) > 1 {
		return f.parts[1]
	}
	return f.size
}

// fits opens the first file that is encrypted.
func (f *rarFile) fits(password string) bool {
	archive, err := f.open(password)
	if err != nil {
		return false
	}
	for range f.w.o.MaxEntries {
		h, err := f.next(archive)
		if err != nil {
			return errors.Is(err, io.EOF)
		}
		if h.Encrypted && !h.IsDir && h.UnPackedSize != 0 {
			return f.w.keys.plausible(archive, wholeProbe)
		}
	}
	return false
}

// rarVolumes gives the parts in their order, whatever names the reader makes up for them.
type rarVolumes struct {
	f     *rarFile
	names map[string]int
}

func (v *rarVolumes) Open(name string) (fs.File, error) {
	i, found := v.names[name]
	if !found {
		i = len(v.names)
		v.names[name] = i
	}
	if i >= len(v.f.parts) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	end := v.f.size
	if i+1 < len(v.f.parts) {
		end = v.f.parts[i+1]
	}
	var b [1]byte
	if n, err := v.f.at.ReadAt(b[:], v.f.parts[i]); n == 0 {
		if errors.Is(err, errMissingPart) {
			err = fs.ErrNotExist
		}
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return rarVolume{v.f.section(v.f.parts[i], end)}, nil
}

type rarVolume struct{ *rarSection }

func (rarVolume) Close() error                 { return nil }
func (v rarVolume) Stat() (fs.FileInfo, error) { return v, nil }
func (rarVolume) Name() string                 { return "" }
func (v rarVolume) Mode() fs.FileMode          { return 0o400 }
func (rarVolume) ModTime() time.Time           { return time.Time{} }
func (rarVolume) IsDir() bool                  { return false }
func (rarVolume) Sys() any                     { return nil }
