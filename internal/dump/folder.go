package dump

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// found is a file that a walk came upon.
type found struct {
	risk.File
	open func() (opened, error)
}

// opened is a file that is about to be read.
type opened struct {
	content
	io.Closer
	size  int64
	parts []int64 // where each file begins where it is several; nil = it is one
}

// content is what a file holds, from its beginning and at any place.
type content interface {
	io.Reader
	io.ReaderAt
}

// each calls do for the file at path or for every one below it, in order.
func (w *walk) each(path string, do func(found) error) error {
	if IsS3(path) {
		return w.eachObject(path, do)
	}
	return filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && file == path:
			return fmt.Errorf("read %s: %w", path, err)
		case err != nil:
			w.skipFile(file, err)
			return nil
		case w.ctx.Err() != nil:
			return w.ctx.Err()
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
			if g.Name != d.Name() {
				if file == path {
					w.skipFile(file, fmt.Errorf("it is a part of %s and is read with it", g.Name))
				}
				return nil // read with the first part
			}
			return do(w.group(filepath.Dir(file), g))
		}
		listed, err := d.Info()
		if err != nil {
			w.skipFile(file, err)
			return nil
		}
		return do(found{File: newFile(file, listed), open: func() (opened, error) { return openRegular(file, listed) }})
	})
}

func (w *walk) eachObject(path string, do func(found) error) error {
	bucket, _, err := splitS3(path)
	if err != nil {
		return err
	}
	return w.o.S3.walk(w.ctx, path, func(l listed) error {
		address := s3Scheme + bucket + "/" + l.Key
		if l.later() {
			if address == path {
				w.skipFile(address, fmt.Errorf("it is a part of %s and is read with it", l.group.first))
			}
			return nil // read with the first part
		}
		return do(found{File: l.file(address), open: func() (opened, error) { return w.openObject(bucket, l) }})
	})
}

// openRegular opens what the folder listed, unless something else stands there by now.
func openRegular(path string, listed fs.FileInfo) (opened, error) {
	f, err := os.Open(path)
	if err != nil {
		return opened{}, err
	}
	info, err := f.Stat()
	if err == nil && (!info.Mode().IsRegular() || !os.SameFile(listed, info)) {
		err = errors.New("it was replaced while it was opened")
	}
	if err != nil {
		f.Close()
		return opened{}, err
	}
	return opened{content: f, Closer: f, size: info.Size()}, nil
}

// Walk gives every file that Blocks would read, in the same order, and what it would skip for being none.
func Walk(ctx context.Context, path string, o Options, visit func(risk.File) error) (skipped []Skip, err error) {
	w := &walk{ctx: ctx, o: o.withDefaults()}
	err = w.each(path, func(f found) error { return visit(f.File) })
	return w.skipped, err
}

// settleFor is how long a file must have been left alone before it counts as wholly there.
const settleFor = 2 * time.Second

// Files lists the dump files below a folder, with paths relative to it and in order. Hidden files, links and files
// that were written to in the last seconds before now are left out; one that came in parts stands under the name of the
// first with the size of all. A folder that begins with s3:// is a prefix, in which objects are files, or parts of one, in the same way.
func Files(ctx context.Context, folder string, o Options, now time.Time) ([]risk.File, error) {
	var files []risk.File
	if IsS3(folder) {
		folder = strings.TrimSuffix(folder, "/") + "/"
		bucket, prefix, err := splitS3(folder)
		if err != nil {
			return nil, err
		}
		err = o.S3.walk(ctx, folder, func(l listed) error {
			if name := strings.TrimPrefix(l.Key, prefix); !hiddenKey(name) && !l.later() {
				files = append(files, l.file(name))
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("list dump files in bucket %s: %w", bucket, err)
		}
		return files, nil
	}
	w := &walk{ctx: ctx}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if path != folder && strings.HasPrefix(d.Name(), ".") {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			w.learnParts(path)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil // gone between listing and looking
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		if f, ok := w.listed(path, info, now); ok {
			f.Path = filepath.ToSlash(name)
			files = append(files, f)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list dump files: %w", err)
	}
	return files, nil
}

// listed is a file as it is to be listed; false for one that is being written to, or has a part that is, and for what is
// read with the first of its parts.
func (w *walk) listed(path string, info fs.FileInfo, now time.Time) (risk.File, bool) {
	g := w.parts[path]
	if g == nil {
		return newFile(path, info), settled(info, now)
	}
	folder := filepath.Dir(path)
	for _, name := range g.Parts {
		if name == "" {
			continue
		}
		part, err := os.Lstat(filepath.Join(folder, name))
		if err != nil || !settled(part, now) {
			return risk.File{}, false
		}
	}
	return w.group(folder, g).File, g.Name == filepath.Base(path)
}

func hiddenKey(name string) bool { return strings.HasPrefix(name, ".") || strings.Contains(name, "/.") }

// File is one file that Files would list; false when it would not.
func File(ctx context.Context, folder, name string, o Options, now time.Time) (risk.File, bool, error) {
	if IsS3(folder) {
		return o.S3.file(ctx, folder, name)
	}
	if !filepath.IsLocal(name) {
		return risk.File{}, false, nil
	}
	path := filepath.Join(folder, name)
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return risk.File{}, false, nil
	}
	if err != nil {
		return risk.File{}, false, fmt.Errorf("find dump file: %w", err)
	}
	w := &walk{ctx: ctx}
	w.partsBeside(path)
	f, ok := w.listed(path, info, now)
	f.Path = name
	return f, ok && info.Mode().IsRegular(), nil
}

// Join is where a file of a folder lies.
func Join(folder, name string) string {
	if IsS3(folder) {
		return strings.TrimSuffix(folder, "/") + "/" + name
	}
	return filepath.Join(folder, name)
}

// settled reports a file that nobody has written to for a while. A time after now says nothing about that.
func settled(info fs.FileInfo, now time.Time) bool {
	return now.Sub(info.ModTime()) >= settleFor || info.ModTime().After(now)
}

// newFile keeps the time as exactly as a database does, so that it compares equal when it comes back.
func newFile(name string, info fs.FileInfo) risk.File {
	return risk.File{Path: name, Bytes: info.Size(), Modified: info.ModTime().UTC().Truncate(time.Microsecond)}
}
