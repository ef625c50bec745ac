package dump

import (
	"cmp"
	"hash/crc32"
	"io"

	"github.com/bodgit/sevenzip"
)

func (w *walk) sevenZip(entry string, depth int, src source) error {
	at, size, release, err := w.hold(src)
	if err != nil {
		return err
	}
	defer release()
	packed := &meterAt{r: at}
	sealed, err := w.sevenClear(packed, size)
	if err != nil {
		return err
	}
	archive, err := sevenzip.NewReaderWithPassword(sealed.at, sealed.size, w.keys.last)
	if err != nil {
		return err
	}
	opened := error(errNoPassword)
	if probe := sealed.header.probe(archive.File); probe >= 0 {
		archive, opened = w.unsealSeven(sealed, archive, probe)
	}
	for i, f := range archive.File {
		name := label(entry, f.Name)
		mode, folder := f.Mode(), sevenFolder{}
		if f.UncompressedSize > 0 && f.Stream < len(sealed.header.folders) {
			folder = sealed.header.folders[f.Stream]
		}
		refused := w.sevenFits(folder)
		if refused == nil && folder.sealed {
			refused = opened
		}
		in := &sevenEntry{w: w, f: f, goesOn: refused == nil && inOneStream(f, archive.File[i+1:])}
		switch {
		case mode.IsDir() && f.UncompressedSize == 0:
			continue
		case !mode.IsRegular():
			refused = errLink
		}
		if refused != nil {
			err = w.passOver(name, refused)
		} else {
			err = w.entry(name, depth, &packed.n, in.open)
		}
		if err := cmp.Or(err, in.finish()); err != nil {
			return err
		}
	}
	return nil
}

// inOneStream reports that one of the next files is packed together with f.
func inOneStream(f *sevenzip.File, next []*sevenzip.File) bool {
	for _, n := range next {
		if n.UncompressedSize > 0 {
			return f.UncompressedSize > 0 && n.Stream == f.Stream
		}
	}
	return false
}

// sevenEntry is a file in a stream. The next one in the same stream is found by unpacking all in front of it, which its
// reader does without asking whether it may go on: so what was not read is unpacked here.
type sevenEntry struct {
	w      *walk
	f      *sevenzip.File
	goesOn bool // another file follows in its stream
	r      io.ReadCloser
}

func (e *sevenEntry) open() (io.ReadCloser, error) {
	r, err := openSeven(e.f)
	if err != nil {
		return nil, err
	}
	e.r = r
	return io.NopCloser(r), nil
}

func (e *sevenEntry) finish() error {
	if e.r == nil && e.goesOn {
		_, _ = e.open() // if it cannot be, the next one says so
	}
	if e.r == nil {
		return nil
	}
	defer e.r.Close()
	if !e.goesOn {
		return nil
	}
	return e.w.drain(e.r)
}

// probe is the number of the smallest file that is encrypted, or -1.
func (h *sevenHeader) probe(files []*sevenzip.File) int {
	smallest, before := -1, uint64(0)
	for i, f := range files {
		if before += f.UncompressedSize; smallest >= 0 && before > maxProbe {
			break // all in front of it would be unpacked for each password
		}
		if f.UncompressedSize == 0 || f.Stream >= len(h.folders) || !h.folders[f.Stream].sealed {
			continue
		}
		if smallest < 0 || f.Stream == files[smallest].Stream && f.UncompressedSize < files[smallest].UncompressedSize && i < smallest+16 {
			smallest = i
		}
	}
	return smallest
}

// unsealSeven opens the archive with the password that its file at probe makes sense with. Nothing else tells, since
// the format keeps no mark of the password.
func (w *walk) unsealSeven(c sevenClear, closed *sevenzip.Reader, probe int) (*sevenzip.Reader, error) {
	folder := c.header.folders[closed.File[probe].Stream]
	if err := w.sevenFits(folder); err != nil {
		return closed, err
	}
	opened := closed
	err := w.keys.open(folder.rounds, func(password string) bool {
		archive, err := sevenzip.NewReaderWithPassword(c.at, c.size, password)
		if err != nil {
			return false
		}
		r, err := openSeven(archive.File[probe])
		if err != nil {
			return false
		}
		defer r.Close()
		if !w.keys.plausible(r, wholeProbe) {
			return false
		}
		opened, err = sevenzip.NewReaderWithPassword(c.at, c.size, password) // the other one wrote the password over what its next key is made of
		return err == nil
	})
	return opened, err
}

func openSeven(f *sevenzip.File) (io.ReadCloser, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	a := &announced{ReadCloser: r, size: int64(f.UncompressedSize), sum: f.CRC32}
	if a.sum != 0 {
		a.hash = crc32.NewIEEE()
	}
	return a, nil
}
