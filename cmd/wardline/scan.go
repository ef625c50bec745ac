package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"sync"

	"github.com/spf13/cobra"

	"github.com/wardline/wardline/internal/config"
	"github.com/wardline/wardline/internal/dump"
	"github.com/wardline/wardline/internal/extract"
	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

type scanOptions struct {
	watchlist string
	json      bool
	reveal    bool
	count     bool
	threads   int
	passwords string
	output    string
	resume    string
	everyCopy bool
}

func scanCommand() *cobra.Command {
	var o scanOptions
	cmd := &cobra.Command{
		Use:   "scan --watchlist FILE PATH…",
		Short: "Print what files, folders and archives expose for a watchlist",
		Long: `Print what files, folders and archives expose for a watchlist.

The watchlist is CSV with the header supplier,kind,value; kinds are domain, host, brand, product, account, ad_domain
and ip. It may be compiled (wardline watchlist compile), which large ones should be. Accounts are masked and secrets left out unless --reveal is given.

A path may also be s3://BUCKET/PREFIX, in the store that the settings WARDLINE_S3_… name. Of files with the same content
one is scanned. With --output and --resume a scan that was ended, however that was, goes on when the same command is
given again, and its output is what an undisturbed one would have written.

Exit code 0: something was found. 1: nothing was found. 2: something could not be read; the rest was.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, paths []string) error {
			return scan(cmd.Context(), o, paths, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&o.watchlist, "watchlist", "w", "", "watchlist, CSV or compiled (required)")
	flags.BoolVar(&o.json, "json", false, "print one JSON object a line")
	flags.BoolVar(&o.reveal, "reveal", false, "print whole accounts and secrets")
	flags.BoolVar(&o.count, "count", false, "print totals only")
	flags.IntVar(&o.threads, "threads", runtime.GOMAXPROCS(0), "blocks scanned at the same time")
	flags.StringVar(&o.passwords, "passwords", "", "file of passwords for archives, one a line")
	flags.StringVarP(&o.output, "output", "o", "", "write to a file")
	flags.StringVar(&o.resume, "resume", "", "file that keeps the place, to go on from when the scan was ended; needs --output")
	flags.BoolVar(&o.everyCopy, "every-copy", false, "scan files whose content was scanned before, too")
	cobra.CheckErr(cmd.MarkFlagRequired("watchlist"))
	return cmd
}

func scan(ctx context.Context, o scanOptions, paths []string, out, errs io.Writer) (err error) {
	if slices.Contains(paths, "-") {
		return errors.New("standard input is not scanned, since archives are read in any order: give a file's path")
	}
	scanner, err := openWatchlist(o.watchlist, errs)
	if err != nil {
		return err
	}
	run := &scanRun{scanOptions: o, out: out, errs: errs}
	run.look = func(b risk.Block, res *scanResult) { o.lookAt(scanner, b, res) }
	if run.words, err = dump.ReadPasswords(o.passwords); err != nil {
		return err
	}
	if run.s3, err = s3For(paths); err != nil {
		return err
	}
	run.bar = newScanBar(errs, func() int64 { return sizeOf(ctx, paths, run.s3) })
	if !o.everyCopy {
		run.copies = &copies{bySize: map[int64][]copied{}}
	}
	if err := run.openOutput(paths); err != nil {
		return err
	}
	if err := run.scan(ctx, paths); err != nil {
		return err
	}
	run.bar.clear()
	if o.count {
		if err := run.printTotals(); err != nil {
			return err
		}
	}
	if err := run.journal.close(); err != nil {
		return err
	}
	switch {
	case run.state.Trouble:
		return exitFailed
	case run.state.Total.Indicators == 0:
		return exitNothing
	}
	return nil
}

// openOutput prepares a scan that writes to a file, and may go on from a journal.
func (r *scanRun) openOutput(paths []string) error {
	if r.output == "" && r.resume == "" {
		return nil
	}
	if r.output == "" {
		return errors.New("--resume needs --output: what was printed elsewhere cannot be cut back to where a scan goes on")
	}
	if r.resume == "" {
		f, err := os.Create(r.output)
		if err != nil {
			return fmt.Errorf("open output: %w", plain(err))
		}
		r.out = f
		return nil
	}
	command, err := commandDigest(r.scanOptions, paths)
	if err != nil {
		return err
	}
	if r.journal, err = openJournal(r.resume, r.output, command, &r.state); err != nil {
		return err
	}
	r.out = r.journal.output
	return nil
}

// s3For reads the settings of the object store when a path is in one.
func s3For(paths []string) (*dump.S3, error) {
	if !slices.ContainsFunc(paths, dump.IsS3) {
		return nil, nil
	}
	settings, err := config.Read()
	if err != nil {
		return nil, err
	}
	return openS3(settings)
}

// scanTotals is what --count prints.
type scanTotals struct {
	Documents  int   `json:"documents"`
	Bytes      int64 `json:"bytes"`
	Hits       int   `json:"hits"`
	Indicators int   `json:"indicators"`
}

func (t *scanTotals) add(more scanTotals) {
	t.Documents += more.Documents
	t.Bytes += more.Bytes
	t.Hits += more.Hits
	t.Indicators += more.Indicators
}

// outputError is a failure to write results: there is no point in going on.
type outputError struct{ err error }

func (e *outputError) Error() string { return "write results: " + e.err.Error() }
func (e *outputError) Unwrap() error { return e.err }

func (r *scanRun) printTotals() error {
	var err error
	if r.json {
		err = json.NewEncoder(r.out).Encode(r.state.Total)
	} else {
		_, err = fmt.Fprintf(r.out, "%s from %s in %s, %s\n", countOf(r.state.Total.Indicators, "indicator", "indicators"), countOf(r.state.Total.Hits, "hit", "hits"),
			countOf(r.state.Total.Documents, "document", "documents"), countOf(int(r.state.Total.Bytes), "byte", "bytes"))
	}
	if err != nil {
		return &outputError{err}
	}
	return nil
}

// scanResult is what one block gave.
type scanResult struct {
	text  bytes.Buffer
	total scanTotals
	at    risk.Position
}

func (res *scanResult) reset() {
	if res.text.Cap() > maxText {
		res.text = bytes.Buffer{}
	}
	res.text.Reset()
	res.total = scanTotals{}
}

// maxText is how much room a result keeps for the next block, most of which give little.
const maxText = 256 << 10

// looking is what the look at a block needs room for, until its results are written out.
type looking struct {
	hits  []match.Hit
	found []risk.Indicator
}

var lookings = sync.Pool{New: func() any { return new(looking) }}

// done keeps the room, unless it is an unusual amount, and nothing of what stood in it.
func (l *looking) done() {
	const most = 1 << 12
	clear(l.found)
	if l.hits, l.found = l.hits[:0], l.found[:0]; cap(l.found) <= most && cap(l.hits) <= 16*most {
		lookings.Put(l)
	}
}

// lookAt fills in what a block gives.
func (r scanOptions) lookAt(scanner *match.Scanner, b risk.Block, res *scanResult) {
	if b.Lead == 0 {
		res.total.Documents = 1
	}
	l := lookings.Get().(*looking)
	defer l.done()
	body := len(b.Data) - b.Trail
	res.total.Bytes = b.At.Offset - b.OffsetOf(b.Lead)
	scanner.Scan(b.Data, func(h match.Hit) {
		l.hits = append(l.hits, h)
		if h.Start >= b.Lead && h.Start < body {
			res.total.Hits++
		}
	})
	if res.total.Hits == 0 {
		return
	}
	b.Lines = true
	extract.Indicators(scanner, b, l.hits, func(i risk.Indicator) {
		res.total.Indicators++
		if !r.count {
			l.found = append(l.found, i)
		}
	})
	slices.SortStableFunc(l.found, func(a, b risk.Indicator) int { return cmp.Compare(a.Place.Offset, b.Place.Offset) })
	for _, i := range l.found {
		if r.json {
			r.writeJSON(&res.text, i)
		} else {
			r.writeText(&res.text, i)
		}
	}
}
