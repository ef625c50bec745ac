package dump

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// settleFor is how long a file must have been left alone before it counts as wholly there.
const settleFor = 2 * time.Second

// Files lists the dump files below a folder, with paths relative to it and in order. Hidden files, links and files
// that were written to in the last seconds before now are left out.
func Files(folder string, now time.Time) ([]risk.File, error) {
	var files []risk.File
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path != folder && strings.HasPrefix(d.Name(), ".") {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
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
		if settled(info, now) {
			files = append(files, newFile(filepath.ToSlash(name), info))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list dump files: %w", err)
	}
	return files, nil
}

// File is one file that Files would list; false when it would not.
func File(folder, name string, now time.Time) (risk.File, bool, error) {
	if !filepath.IsLocal(name) {
		return risk.File{}, false, nil
	}
	info, err := os.Lstat(filepath.Join(folder, name))
	if errors.Is(err, fs.ErrNotExist) {
		return risk.File{}, false, nil
	}
	if err != nil {
		return risk.File{}, false, fmt.Errorf("find dump file: %w", err)
	}
	return newFile(name, info), info.Mode().IsRegular() && settled(info, now), nil
}

// settled reports a file that nobody has written to for a while. A time after now says nothing about that.
func settled(info fs.FileInfo, now time.Time) bool {
	return now.Sub(info.ModTime()) >= settleFor || info.ModTime().After(now)
}

// newFile keeps the time as exactly as a database does, so that it compares equal when it comes back.
func newFile(name string, info fs.FileInfo) risk.File {
	return risk.File{Path: name, Bytes: info.Size(), Modified: info.ModTime().UTC().Truncate(time.Microsecond)}
}
