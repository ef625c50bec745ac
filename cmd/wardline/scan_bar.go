package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/wardline/wardline/internal/dump"
	"github.com/wardline/wardline/internal/risk"
)

// scanBar shows progress on a terminal, and nothing elsewhere.
type scanBar struct {
	mu  sync.Mutex // of the line on the terminal, which results may share
	bar *progressbar.ProgressBar

	indicators int
}

// newScanBar asks for the size of all only where it is shown: in a store that takes requests.
func newScanBar(errs io.Writer, total func() int64) *scanBar {
	if f, ok := errs.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return &scanBar{}
	}
	return newBar(errs, total(), "scanning")
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

func sizeOf(ctx context.Context, paths []string, s3 *dump.S3) (total int64) {
	for _, p := range paths {
		_, _ = dump.Walk(ctx, p, dump.Options{S3: s3}, func(f risk.File) error { // the scan itself will name what cannot be read
			total += f.Bytes
			return nil
		})
	}
	return total
}
