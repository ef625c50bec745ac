package dump

import (
	"fmt"
	"io/fs"
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
		if now.Sub(info.ModTime()) < settleFor && !info.ModTime().After(now) {
			return nil
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		files = append(files, risk.File{Path: filepath.ToSlash(name), Bytes: info.Size(), Modified: info.ModTime().UTC().Truncate(time.Microsecond)})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list dump files: %w", err)
	}
	return files, nil
}
