package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/wardline/wardline/internal/corpus"
	"github.com/wardline/wardline/internal/dump"
	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

type benchOptions struct {
	size     string
	terms    []int
	rounds   int
	seed     uint64
	patience time.Duration
}

func benchCommand() *cobra.Command {
	var o benchOptions
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure the scan beside ripgrep, grep and wc on a made corpus with ground truth",
		Long: `Measure the scan beside ripgrep, grep and wc on a made corpus with ground truth.

The programs run in turn, round by round, on a warm page cache. CPU seconds are user and system time of the whole
process, start-up included; the table gives medians. A program that is not installed is left out.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return bench(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.size, "size", "1GiB", "size of the corpus")
	flags.IntSliceVar(&o.terms, "terms", []int{100, 10_000, 1_000_000}, "sizes of the watchlist")
	flags.IntVar(&o.rounds, "rounds", 5, "rounds")
	flags.Uint64Var(&o.seed, "seed", 1, "seed of corpus and watchlist")
	flags.DurationVar(&o.patience, "patience", time.Minute, "a program that takes longer for one round gets no further one")
	return cmd
}

func bench(ctx context.Context, o benchOptions, out, errs io.Writer) error {
	size, err := humanize.ParseBytes(o.size)
	if err != nil {
		return fmt.Errorf("read --size: %w", err)
	}
	for _, n := range o.terms {
		if err := benchTerms(ctx, o, n, int64(size), out, errs); err != nil {
			return err
		}
	}
	return nil
}

func benchTerms(ctx context.Context, o benchOptions, n int, size int64, out, errs io.Writer) error {
	dir, err := os.MkdirTemp("", "wardline-bench-")
	if err != nil {
		return fmt.Errorf("make bench folder: %w", err)
	}
	defer os.RemoveAll(dir)
	fmt.Fprintf(errs, "bench: making %s with %d terms\n", humanize.IBytes(uint64(size)), n)
	set, err := makeBenchSet(dir, o.seed, n, size)
	if err != nil {
		return err
	}
	missed, wrong, err := set.compare(ctx)
	if err != nil {
		return err
	}
	programs, err := set.programs()
	if err != nil {
		return err
	}
	for round := range o.rounds {
		for i := range programs {
			p := &programs[i]
			if p.failed != "" || len(p.runs) > 0 && p.runs[0].wall > o.patience {
				continue
			}
			fmt.Fprintf(errs, "bench: round %d of %d: %s\n", round+1, o.rounds, p.name)
			if err := p.run(ctx, set); err != nil {
				return err
			}
		}
	}
	printBench(out, set, programs, missed, wrong)
	return nil
}

// benchSet is a corpus on disk with its watchlist and its truth.
type benchSet struct {
	text, watchlist, values string
	bytes                   int64
	terms                   []risk.WatchTerm
	hits                    []corpus.Hit
	lines                   map[int]bool // that hold a hit
}

func makeBenchSet(dir string, seed uint64, n int, size int64) (*benchSet, error) {
	s := &benchSet{
		text: filepath.Join(dir, "corpus.txt"), watchlist: filepath.Join(dir, "watchlist.csv"), values: filepath.Join(dir, "values.txt"),
		terms: corpus.Watchlist(seed, n), lines: map[int]bool{},
	}
	err := errors.Join(
		writeFile(s.watchlist, func(w io.Writer) error { return corpus.WriteWatchlist(w, s.terms) }),
		writeFile(s.values, func(w io.Writer) error {
			for _, t := range s.terms {
				if _, err := fmt.Fprintln(w, t.Value); err != nil {
					return err
				}
			}
			return nil
		}),
		writeFile(s.text, func(w io.Writer) (err error) {
			s.hits, err = corpus.Write(w, s.terms, corpus.Options{Seed: seed, Bytes: size})
			return err
		}),
	)
	if err != nil {
		return nil, err
	}
	for _, h := range s.hits {
		s.lines[h.Line] = true
	}
	info, err := os.Stat(s.text)
	if err != nil {
		return nil, fmt.Errorf("measure corpus: %w", err)
	}
	s.bytes = info.Size()
	return s, nil
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("make bench file: %w", err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	return errors.Join(write(w), w.Flush(), f.Close())
}

// compare scans the corpus as the command does and holds every hit against the truth.
func (s *benchSet) compare(ctx context.Context) (missed, wrong int, err error) {
	scanner, err := match.Compile(s.terms)
	if err != nil {
		return 0, 0, err
	}
	type key struct {
		offset int64
		term   int
		kind   risk.MatchKind
	}
	expected := map[key]bool{}
	for _, h := range s.hits {
		expected[key{h.Offset, h.Term, h.Kind}] = true
	}
	_, err = dump.Blocks(ctx, s.text, dump.Options{}, func(b risk.Block) error {
		scanner.Scan(b.Data, func(h match.Hit) {
			if h.Start < b.Lead || h.Start >= len(b.Data)-b.Trail {
				return
			}
			k := key{b.Place.Offset + int64(h.Start), h.Term, h.Kind}
			if !expected[k] {
				wrong++
			}
			delete(expected, k)
		})
		return nil
	})
	return len(expected), wrong, err
}

type benchProgram struct {
	name   string
	args   []string
	read   func(io.Reader, *benchSet) (missed, wrong int, err error) // of its output; nil = nothing to hold against the truth
	runs   []benchRun
	missed int
	wrong  int
	failed string
}

type benchRun struct {
	cpu, wall time.Duration
	rss       int64
}

func (s *benchSet) programs() ([]benchProgram, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own program: %w", err)
	}
	scan := func(threads int) []string {
		return []string{self, "scan", "--count", "--json", "--threads", strconv.Itoa(threads), "--watchlist", s.watchlist, s.text}
	}
	programs := []benchProgram{{name: "wardline, 1 thread", args: scan(1), read: readTotals}}
	if n := runtime.GOMAXPROCS(0); n > 1 {
		programs = append(programs, benchProgram{name: fmt.Sprintf("wardline, %d threads", n), args: scan(n), read: readTotals})
	}
	for _, p := range []benchProgram{
		{name: "rg -a -F", args: []string{"rg", "-a", "-F", "-n", "--no-heading", "--color=never", "-f", s.values, s.text}, read: readLines},
		{name: "grep -a -F", args: []string{"grep", "-a", "-F", "-n", "-f", s.values, s.text}, read: readLines},
		{name: "wc -l", args: []string{"wc", "-l", s.text}},
	} {
		if _, err := exec.LookPath(p.args[0]); err == nil {
			programs = append(programs, p)
		}
	}
	return programs, nil
}

func (p *benchProgram) run(ctx context.Context, s *benchSet) error {
	cmd := exec.CommandContext(ctx, p.args[0], p.args[1:]...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	output, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("run %s: %w", p.name, err)
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("run %s: %w", p.name, err)
	}
	read := p.read
	if read == nil {
		read = func(r io.Reader, _ *benchSet) (int, int, error) {
			_, err := io.Copy(io.Discard, r)
			return 0, 0, err
		}
	}
	memory := watchMemory(cmd.Process.Pid)
	missed, wrong, readErr := read(output, s)
	seen := memory.stop()
	err = cmd.Wait()
	wall := time.Since(start)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err = cmp.Or(err, readErr); err != nil && cmd.ProcessState.ExitCode() != 1 { // 1: nothing found
		p.failed = err.Error()
		return nil
	}
	state := cmd.ProcessState
	run := benchRun{cpu: state.UserTime() + state.SystemTime(), wall: wall, rss: seen}
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		if total := usage.Maxrss << 10; total > memory.parent || seen == 0 {
			run.rss = total
		}
	}
	p.runs, p.missed, p.wrong = append(p.runs, run), missed, wrong
	return nil
}

// memoryWatch follows the peak memory of a child. What the kernel gives at a child's end counts what the parent had
// when it started the child, and so says something of the child only where it is more than that.
type memoryWatch struct {
	parent int64 // the parent's own peak
	ended  chan struct{}
	peak   chan int64
}

func watchMemory(pid int) *memoryWatch {
	w := &memoryWatch{parent: peakMemory(os.Getpid()), ended: make(chan struct{}), peak: make(chan int64, 1)}
	peak := peakMemory(pid)
	go func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				peak = max(peak, peakMemory(pid))
			case <-w.ended:
				w.peak <- peak
				return
			}
		}
	}()
	return w
}

// stop gives the peak as it was last seen; call it before the child is waited for.
func (w *memoryWatch) stop() int64 {
	close(w.ended)
	return <-w.peak
}

// peakMemory is the largest resident set that a process has had since it began to run its program; 0 when unknown.
func peakMemory(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(status, []byte("\nVmHWM:"))
	line, _, _ := bytes.Cut(rest, []byte(" kB"))
	kilobytes, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 10, 64)
	if err != nil {
		return 0
	}
	return kilobytes << 10
}

// readTotals holds the number of hits that scan --count gives against the truth.
func readTotals(r io.Reader, s *benchSet) (missed, wrong int, err error) {
	var t scanTotals
	if err := json.NewDecoder(r).Decode(&t); err != nil {
		return 0, 0, fmt.Errorf("read totals: %w", err)
	}
	return max(len(s.hits)-t.Hits, 0), max(t.Hits-len(s.hits), 0), nil
}

// readLines holds the numbers of the lines that a program prints against the lines that hold a hit.
func readLines(r io.Reader, s *benchSet) (missed, wrong int, err error) {
	found := 0
	in := bufio.NewReaderSize(r, 1<<20)
	for atStart := true; ; {
		text, err := in.ReadSlice('\n')
		if atStart && len(text) > 0 {
			number, _, _ := bytes.Cut(text, []byte(":"))
			if line, err := strconv.Atoi(string(number)); err == nil && s.lines[line] {
				found++
			} else {
				wrong++
			}
		}
		atStart = err == nil
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			if err == io.EOF {
				err = nil
			}
			return len(s.lines) - found, wrong, err
		}
	}
}

func printBench(out io.Writer, s *benchSet, programs []benchProgram, missed, wrong int) {
	fmt.Fprintf(out, "\n%d terms, %s, %d hits on %d lines; hit by hit against the truth: %d missed, %d false\n",
		len(s.terms), humanize.IBytes(uint64(s.bytes)), len(s.hits), len(s.lines), missed, wrong)
	fmt.Fprintf(out, "%-22s %12s %8s %10s %8s %8s %7s\n", "", "CPU s/GB", "GB/s", "peak RSS", "missed", "false", "rounds")
	for _, p := range programs {
		if len(p.runs) == 0 {
			fmt.Fprintf(out, "%-22s %s\n", p.name, strings.TrimSpace("failed: "+p.failed))
			continue
		}
		gb := float64(s.bytes) / 1e9
		m, w := strconv.Itoa(p.missed), strconv.Itoa(p.wrong)
		if p.read == nil {
			m, w = "–", "–"
		}
		fmt.Fprintf(out, "%-22s %12.3f %8.3f %7.0f MB %8s %8s %7d\n", p.name,
			median(p.runs, func(r benchRun) float64 { return r.cpu.Seconds() })/gb,
			gb/median(p.runs, func(r benchRun) float64 { return r.wall.Seconds() }),
			median(p.runs, func(r benchRun) float64 { return float64(r.rss) })/1e6, m, w, len(p.runs))
	}
}

func median(runs []benchRun, of func(benchRun) float64) float64 {
	values := make([]float64, len(runs))
	for i, r := range runs {
		values[i] = of(r)
	}
	slices.Sort(values)
	if n := len(values); n%2 == 0 {
		return (values[n/2-1] + values[n/2]) / 2
	}
	return values[len(values)/2]
}
