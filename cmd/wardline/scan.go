package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/wardline/wardline/internal/catalog"
	"github.com/wardline/wardline/internal/dump"
	"github.com/wardline/wardline/internal/extract"
	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/seal"
)

// exitCode ends the process with that code; what there is to say was said already.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

const (
	exitNothing exitCode = 1
	exitFailed  exitCode = 2
)

type scanOptions struct {
	watchlist string
	json      bool
	reveal    bool
	count     bool
	threads   int
}

func scanCommand() *cobra.Command {
	var o scanOptions
	cmd := &cobra.Command{
		Use:   "scan --watchlist FILE PATH…",
		Short: "Print what files, folders and archives expose for a watchlist",
		Long: `Print what files, folders and archives expose for a watchlist.

The watchlist is CSV with the header supplier,kind,value; kinds are domain, host, brand, product, account, ad_domain
and ip. Accounts are masked and secrets left out unless --reveal is given.

Exit code 0: something was found. 1: nothing was found. 2: something could not be read; the rest was.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, paths []string) error {
			return scan(cmd.Context(), o, paths, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&o.watchlist, "watchlist", "w", "", "watchlist CSV (required)")
	flags.BoolVar(&o.json, "json", false, "print one JSON object a line")
	flags.BoolVar(&o.reveal, "reveal", false, "print whole accounts and secrets")
	flags.BoolVar(&o.count, "count", false, "print totals only")
	flags.IntVar(&o.threads, "threads", runtime.GOMAXPROCS(0), "blocks scanned at the same time")
	cobra.CheckErr(cmd.MarkFlagRequired("watchlist"))
	return cmd
}

func scan(ctx context.Context, o scanOptions, paths []string, out, errs io.Writer) error {
	if slices.Contains(paths, "-") {
		return errors.New("standard input is not scanned, since archives are read in any order: give a file's path")
	}
	scanner, err := loadScanner(o.watchlist, errs)
	if err != nil {
		return err
	}
	bar := newScanBar(errs, paths)
	run := scanRun{scanOptions: o, scanner: scanner, out: out, bar: bar}
	failed := false
	for _, path := range paths {
		skipped, err := run.path(ctx, path, bar)
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

// loadScanner compiles the watchlist. Its broken lines are named and left out; none left is an error.
func loadScanner(path string, errs io.Writer) (*match.Scanner, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open watchlist: %w", plain(err))
	}
	defer f.Close()
	suppliers, problems := catalog.ParseWatchlist(path, f)
	for _, p := range problems {
		fmt.Fprintf(errs, "wardline: %s\n", shown(p.Error()))
	}
	var terms []risk.WatchTerm
	for _, s := range suppliers {
		for _, t := range s.Terms {
			if err := match.Check(t); err != nil {
				fmt.Fprintf(errs, "wardline: %s: %s\n", shown(path), shown(err.Error()))
				continue
			}
			terms = append(terms, t)
		}
	}
	if len(terms) == 0 {
		return nil, fmt.Errorf("watchlist %s holds no term that can be used", path)
	}
	return match.Compile(terms)
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
func (r *scanRun) path(ctx context.Context, path string, bar *scanBar) ([]dump.Skip, error) {
	o := dump.Options{Source: risk.SourceDrop, Read: bar.add}
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

// scanTask is a block on its way: scanned by any worker, printed in order.
type scanTask struct {
	block risk.Block
	data  []byte
	res   scanResult
	done  chan struct{}
}

// scanLine holds the tasks. There are only so many, so that a fast reader cannot run ahead.
type scanLine struct {
	free, todo, order chan *scanTask
}

func newScanLine(threads int) *scanLine {
	n := 2*threads + 1
	l := &scanLine{free: make(chan *scanTask, n), todo: make(chan *scanTask, n), order: make(chan *scanTask, n)}
	for range n {
		l.free <- &scanTask{done: make(chan struct{}, 1)}
	}
	return l
}

func (l *scanLine) put(ctx context.Context, b risk.Block) error {
	select {
	case t := <-l.free:
		t.data = append(t.data[:0], b.Data...)
		t.block = b
		t.block.Data = t.data
		l.todo <- t
		l.order <- t
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *scanLine) close() {
	close(l.todo)
	close(l.order)
}

func (l *scanLine) work(scan func(risk.Block, *scanResult)) {
	for t := range l.todo {
		t.res.reset()
		scan(t.block, &t.res)
		t.done <- struct{}{}
	}
}

// print hands results on in order. After a failure it cancels the reading and only empties the line.
func (l *scanLine) print(print func(*scanResult) error, cancel func()) error {
	var failed error
	for t := range l.order {
		<-t.done
		if failed == nil {
			if failed = print(&t.res); failed != nil {
				cancel()
			}
		}
		l.free <- t
	}
	return failed
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
	res.total.Bytes = int64(body - b.Lead)
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

// scanLineJSON is the stable form of one indicator; others script against it.
type scanLineJSON struct {
	Path     string             `json:"path"`
	Entry    string             `json:"entry"`
	Line     int                `json:"line"`
	Offset   int64              `json:"offset"`
	Kind     risk.IndicatorKind `json:"kind"`
	Supplier string             `json:"supplier"`
	Term     string             `json:"term"`
	Match    risk.MatchKind     `json:"match"`
	Class    risk.Class         `json:"class"`
	URL      string             `json:"url"`
	Account  string             `json:"account"`
	Secret   *scanSecretJSON    `json:"secret"`
}

type scanSecretJSON struct {
	Kind       risk.SecretKind `json:"kind"`
	LengthBand string          `json:"length_band"`
	Value      string          `json:"value,omitempty"`
}

func (r *scanRun) writeJSON(w *bytes.Buffer, i risk.Indicator) {
	line := scanLineJSON{
		Path: i.Place.Path, Entry: i.Place.Entry, Line: i.Place.Line, Offset: i.Place.Offset, Kind: i.Kind, Supplier: i.Term.Supplier,
		Term: i.Term.Value, Match: i.Match, Class: i.Class, URL: r.url(i.URL), Account: r.account(i),
	}
	if !i.Secret.Empty() {
		line.Secret = &scanSecretJSON{Kind: i.Secret.Kind(), LengthBand: i.Secret.LengthBand()}
		if r.reveal {
			line.Secret.Value = i.Secret.Reveal()
		}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(line); err != nil { // strings and numbers always encode, and a buffer takes all
		panic(err)
	}
}

func (r *scanRun) writeText(w *bytes.Buffer, i risk.Indicator) {
	fmt.Fprintf(w, "%s:%d: %s: ", shown(joinEntry(i.Place.Path, i.Place.Entry)), i.Place.Line, shown(i.Term.Supplier))
	if i.Class != risk.ClassNone {
		fmt.Fprintf(w, "%s ", strings.ReplaceAll(string(i.Class), "_", " "))
	}
	w.WriteString(strings.ReplaceAll(string(i.Kind), "_", " "))
	if i.Account != "" {
		fmt.Fprintf(w, " %s", shown(r.account(i)))
	}
	if i.URL != "" {
		fmt.Fprintf(w, " at %s", shown(r.url(i.URL)))
	}
	if !i.Secret.Empty() {
		fmt.Fprintf(w, ", secret %s of %s characters", i.Secret.Kind(), i.Secret.LengthBand())
		if r.reveal {
			fmt.Fprintf(w, ": %s", shown(i.Secret.Reveal()))
		}
	}
	fmt.Fprintf(w, " (%s %s)\n", i.Match, shown(i.Term.Value))
}

func (r *scanRun) account(i risk.Indicator) string {
	if r.reveal {
		return i.Account
	}
	known := i.Term.Value
	if i.Term.Kind == risk.TermAccount {
		known = known[strings.LastIndexByte(known, '@')+1:]
	}
	return seal.Mask(i.Account, known)
}

// url leaves out what an address says of a login: the part before '@', the query and the fragment.
func (r *scanRun) url(u string) string {
	if r.reveal {
		return u
	}
	u, _, _ = strings.Cut(u, "#")
	u, _, _ = strings.Cut(u, "?")
	scheme, rest, ok := strings.Cut(u, "://")
	if !ok {
		return u
	}
	authority, path, slash := strings.Cut(rest, "/")
	authority = authority[strings.LastIndexByte(authority, '@')+1:]
	if slash {
		path = "/" + path
	}
	return scheme + "://" + authority + path
}

func joinEntry(path, entry string) string {
	if entry == "" {
		return path
	}
	return path + ":" + entry
}

// shown makes text from a hostile file fit for a terminal: what would move the cursor, change direction or hide is
// written out.
func shown(s string) string {
	if strings.IndexFunc(s, hidden) < 0 {
		return s
	}
	var b strings.Builder
	for _, c := range s {
		if hidden(c) {
			fmt.Fprintf(&b, "\\u{%x}", c)
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

func hidden(r rune) bool { return !unicode.IsPrint(r) }

// scanBar shows progress on a terminal, and nothing elsewhere.
type scanBar struct {
	mu  sync.Mutex // of the line on the terminal, which results may share
	bar *progressbar.ProgressBar
}

func newScanBar(errs io.Writer, paths []string) *scanBar {
	f, ok := errs.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return &scanBar{}
	}
	return &scanBar{bar: progressbar.NewOptions64(sizeOf(paths), progressbar.OptionSetWriter(f), progressbar.OptionShowBytes(true),
		progressbar.OptionSetDescription("scanning"), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())}
}

func (b *scanBar) add(n int) {
	if b.bar != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		_ = b.bar.Add(n) // a bar that cannot be drawn is no reason to stop
	}
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
