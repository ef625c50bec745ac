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
	run := &scanRun{scanOptions: o, out: out, errs: errs, bar: newScanBar(errs, paths)}
	run.look = func(b risk.Block, res *scanResult) { o.lookAt(scanner, b, res) }
	if run.words, err = dump.ReadPasswords(o.passwords); err != nil {
		return err
	}
	if run.s3, err = s3For(paths); err != nil {
		return err
	}
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
		_, err = fmt.Fprintf(r.out, "%d indicators from %d hits in %d documents, %d bytes\n", r.state.Total.Indicators, r.state.Total.Hits, r.state.Total.Documents, r.state.Total.Bytes)
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
	hits  []match.Hit
	found []risk.Indicator
}

func (res *scanResult) reset() {
	res.text.Reset()
	res.total = scanTotals{}
	res.hits, res.found = res.hits[:0], res.found[:0]
}

// lookAt fills in what a block gives.
func (r scanOptions) lookAt(scanner *match.Scanner, b risk.Block, res *scanResult) {
	if b.Lead == 0 {
		res.total.Documents = 1
	}
	body := len(b.Data) - b.Trail
	res.total.Bytes = b.At.Offset - b.OffsetOf(b.Lead)
	scanner.Scan(b.Data, func(h match.Hit) {
		res.hits = append(res.hits, h)
		if h.Start >= b.Lead && h.Start < body {
			res.total.Hits++
		}
	})
	if res.total.Hits == 0 {
		return
	}
	b.Lines = true
	extract.Indicators(scanner, b, res.hits, func(i risk.Indicator) { res.found = append(res.found, i) })
	res.total.Indicators = len(res.found)
	if r.count {
		return
	}
	slices.SortStableFunc(res.found, func(a, b risk.Indicator) int { return cmp.Compare(a.Place.Offset, b.Place.Offset) })
	for _, i := range res.found {
		if r.json {
			r.writeJSON(&res.text, i)
		} else {
			r.writeText(&res.text, i)
		}
	}
}
