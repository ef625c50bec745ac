package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// scanBar shows progress on a terminal, and nothing elsewhere.
type scanBar struct {
	mu  sync.Mutex // of the line on the terminal, which results may share
	bar *progressbar.ProgressBar

	indicators int
}

func newScanBar(errs io.Writer, paths []string) *scanBar {
	return newBar(errs, sizeOf(paths), "scanning")
}

func newBar(errs io.Writer, total int64, what string) *scanBar {
	f, ok := errs.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return &scanBar{}
	}
	return &scanBar{bar: progressbar.NewOptions64(total, progressbar.OptionSetWriter(f), progressbar.OptionShowBytes(true), progressbar.OptionSetPredictTime(true),
		progressbar.OptionSetDescription(what), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())}
}

func (b *scanBar) add(n int) {
	if b.bar != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		_ = b.bar.Add(n) // a bar that cannot be drawn is no reason to stop
	}
}

// found shows how much has been found, beside the bytes, their rate and the time left.
func (b *scanBar) found(n int) {
	if b.bar == nil || n == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.indicators += n
	b.bar.Describe(fmt.Sprintf("scanning, %s found", humanize.Comma(int64(b.indicators))))
}

func (b *scanBar) clear() { _ = b.aside(func() error { return nil }) }

// aside takes the bar off its line while do writes, so that results do not stand behind it.
func (b *scanBar) aside(do func() error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bar != nil {
		_ = b.bar.Clear()
	}
	return do()
}

func sizeOf(paths []string) (total int64) {
	for _, p := range paths {
		_ = filepath.WalkDir(p, func(_ string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil // the scan itself will name what cannot be read
			}
			if info, err := d.Info(); err == nil {
				total += info.Size()
			}
			return nil
		})
	}
	return total
}
