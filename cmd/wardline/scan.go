package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"

	"github.com/spf13/cobra"

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
}

func scanCommand() *cobra.Command {
	var o scanOptions
	cmd := &cobra.Command{
		Use:   "scan --watchlist FILE PATH…",
		Short: "Print what files, folders and archives expose for a watchlist",
		Long: `Print what files, folders and archives expose for a watchlist.

The watchlist is CSV with the header supplier,kind,value; kinds are domain, host, brand, product, account, ad_domain
and ip. It may be compiled (wardline watchlist compile), which large ones should be. Accounts are masked and secrets left out unless --reveal is given.

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
	cobra.CheckErr(cmd.MarkFlagRequired("watchlist"))
	return cmd
}

func scan(ctx context.Context, o scanOptions, paths []string, out, errs io.Writer) error {
	if slices.Contains(paths, "-") {
		return errors.New("standard input is not scanned, since archives are read in any order: give a file's path")
	}
	scanner, err := openWatchlist(o.watchlist, errs)
	if err != nil {
		return err
	}
	bar := newScanBar(errs, paths)
	run := scanRun{scanOptions: o, scanner: scanner, out: out, bar: bar}
	failed := false
	for _, path := range paths {
		skipped, err := run.path(ctx, path)
		bar.clear()
		for _, s := range skipped {
			fmt.Fprintf(errs, "wardline: %s: not read: %s\n", shown(joinEntry(s.Path, s.Entry)), shown(s.Why))
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.As(err, new(*outputError)) {
			return err
		}
		if err != nil {
			fmt.Fprintf(errs, "wardline: %s\n", shown(plain(err).Error()))
		}
		failed = failed || err != nil || len(skipped) > 0
	}
	if o.count {
		if err := run.printTotals(); err != nil {
			return err
		}
	}
	switch {
	case failed:
		return exitFailed
	case run.total.Indicators == 0:
		return exitNothing
	}
	return nil
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

// scanRun is one run of the command.
type scanRun struct {
	scanOptions
	scanner *match.Scanner
	out     io.Writer
	bar     *scanBar
	total   scanTotals
}

// outputError is a failure to write results: there is no point in going on.
type outputError struct{ err error }

func (e *outputError) Error() string { return "write results: " + e.err.Error() }
func (e *outputError) Unwrap() error { return e.err }

func (r *scanRun) print(res *scanResult) error {
	r.total.add(res.total)
	if res.text.Len() == 0 {
		return nil
	}
	return r.bar.aside(func() error {
		if _, err := r.out.Write(res.text.Bytes()); err != nil {
			return &outputError{err}
		}
		return nil
	})
}

func (r *scanRun) printTotals() error {
	var err error
	if r.json {
		err = json.NewEncoder(r.out).Encode(r.total)
	} else {
		_, err = fmt.Fprintf(r.out, "%d indicators from %d hits in %d documents, %d bytes\n", r.total.Indicators, r.total.Hits, r.total.Documents, r.total.Bytes)
	}
	if err != nil {
		return &outputError{err}
	}
	return nil
}

// path scans one file or folder, its blocks in parallel, and prints in the order of the bytes.
func (r *scanRun) path(ctx context.Context, path string) ([]dump.Skip, error) {
	passwords, err := dump.ReadPasswords(r.passwords)
	if err != nil {
		return nil, err
	}
	o := dump.Options{Source: risk.SourceDrop, Read: r.bar.add, Context: extract.Context, Machine: extract.Machine, Passwords: passwords}
	if r.threads <= 1 {
		var res scanResult
		return dump.Blocks(ctx, path, o, func(b risk.Block) error {
			res.reset()
			r.block(b, &res)
			return r.print(&res)
		})
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	line := newScanLine(r.threads)
	printed := make(chan error, 1)
	var workers sync.WaitGroup
	for range r.threads {
		workers.Go(func() { line.work(r.block) })
	}
	go func() { printed <- line.print(r.print, cancel) }()
	skipped, err := dump.Blocks(ctx, path, o, func(b risk.Block) error { return line.put(ctx, b) })
	line.close()
	workers.Wait()
	if failed := <-printed; failed != nil {
		err = failed
	}
	return skipped, err
}

// scanResult is what one block gave.
type scanResult struct {
	text  bytes.Buffer
	total scanTotals
	hits  []match.Hit
	found []risk.Indicator
}

func (res *scanResult) reset() {
	res.text.Reset()
	res.total = scanTotals{}
	res.hits, res.found = res.hits[:0], res.found[:0]
}

func (r *scanRun) block(b risk.Block, res *scanResult) {
	if b.Lead == 0 {
		res.total.Documents = 1
	}
	body := len(b.Data) - b.Trail
	res.total.Bytes = b.At.Offset - b.OffsetOf(b.Lead)
	r.scanner.Scan(b.Data, func(h match.Hit) {
		res.hits = append(res.hits, h)
		if h.Start >= b.Lead && h.Start < body {
			res.total.Hits++
		}
	})
	if res.total.Hits == 0 {
		return
	}
	b.Lines = true
	extract.Indicators(r.scanner, b, res.hits, func(i risk.Indicator) { res.found = append(res.found, i) })
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
