package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	_ "embed"
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

	"github.com/wardline/wardline/internal/corpus"
)

// benchProgram is one row of a table.
type benchProgram struct {
	name    string
	args    []string
	bytes   int64                                                      // that it reads
	startUp []string                                                   // the same with nothing to read; nil = not asked
	read    func(io.Reader) (missed, wrong int, known bool, err error) // of its output
	runs    []benchRun
	starts  []benchRun
	missed  int
	wrong   int
	known   bool // missed and wrong are known
	failed  string
}

type benchRun struct {
	cpu, wall time.Duration
	rss       int64 // peak resident set
	own       int64 // peak of what of it is no page of a file, as far as it was seen; 0 = unknown
}

// Names of rows that ratios are made of.
const (
	rowOne      = "wardline, 1 thread"
	rowCompiled = "wardline, 1 thread, compiled list"
	rowDomains  = "wardline, 1 thread, domains only"
	rowDense    = "wardline, 1 thread, 1 % hits"
	rowRipgrep  = "rg -a -F"
	rowCaseless = "rg -a -F -i"
	rowVector   = "vectorscan, literals, caseless"
	rowFloor    = "wc -l"
)

func rowThreads(n int) string { return fmt.Sprintf("wardline, %d threads", n) }

// allPrograms are our own rows and those of the programs that are installed.
func (s *benchSet) allPrograms(ctx context.Context, patience time.Duration, errs io.Writer) ([]benchProgram, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own program: %w", err)
	}
	scan := func(name string, threads int, list *benchList, watchlist string, t *benchText) benchProgram {
		args := []string{self, "scan", "--count", "--json", "--threads", strconv.Itoa(threads), "--watchlist", watchlist}
		return benchProgram{name: name, args: append(slices.Clone(args), t.path), startUp: append(slices.Clone(args), s.empty),
			bytes: t.bytes, read: readTotals(s.hitsOf(t, list))}
	}
	programs := []benchProgram{scan(rowOne, 1, &s.all, s.all.csv, &s.usual)}
	if n := runtime.GOMAXPROCS(0); n > 1 {
		programs = append(programs, scan(rowThreads(n), n, &s.all, s.all.csv, &s.usual))
	}
	programs = append(programs,
		scan(rowCompiled, 1, &s.all, s.all.compiled, &s.usual),
		scan(rowDomains, 1, &s.domains, s.domains.compiled, &s.usual),
		scan(rowDense, 1, &s.all, s.all.compiled, &s.dense),
	)
	lines := linesOf(s.usual.hits)
	for _, p := range []benchProgram{
		{name: rowRipgrep, args: []string{"rg", "-a", "-F", "-n", "--no-heading", "--color=never", "-f", s.all.values, s.usual.path}, read: readLines(lines)},
		{name: rowCaseless, args: []string{"rg", "-a", "-F", "-i", "-n", "--no-heading", "--color=never", "-f", s.all.values, s.usual.path}, read: readLines(lines)},
		{name: "grep -a -F", args: []string{"grep", "-a", "-F", "-n", "-f", s.all.values, s.usual.path}, read: readLines(lines)},
		{name: rowFloor, args: []string{"wc", "-l", s.usual.path}, read: readNothing},
	} {
		if _, err := exec.LookPath(p.args[0]); err == nil {
			p.bytes = s.usual.bytes
			programs = append(programs, p)
		}
	}
	if p, ok := s.vectorscan(ctx, patience, errs); ok {
		programs = append(programs, p)
	}
	return programs, nil
}

//go:embed peers/vectorscan.c
var vectorscanSource []byte

// vectorscan builds a scan by that library, with the database of its literals compiled beforehand. A library that is not
// there, or takes more than ten times the patience to compile the list, is left out; errs is told.
func (s *benchSet) vectorscan(ctx context.Context, patience time.Duration, errs io.Writer) (benchProgram, bool) {
	source, program := filepath.Join(s.dir, "vectorscan.c"), filepath.Join(s.dir, "vectorscan")
	flags, err := exec.CommandContext(ctx, "pkg-config", "--cflags", "--libs", "libhs").Output()
	if err != nil {
		return benchProgram{}, false
	}
	if err := os.WriteFile(source, vectorscanSource, 0o600); err != nil {
		return benchProgram{}, false
	}
	args := append([]string{"-O2", "-o", program, source}, strings.Fields(string(flags))...)
	if out, err := exec.CommandContext(ctx, "cc", args...).CombinedOutput(); err != nil {
		fmt.Fprintf(errs, "bench: vectorscan left out: %v: %s\n", err, out)
		return benchProgram{}, false
	}
	database := filepath.Join(s.dir, "vectorscan.db")
	limited, cancel := context.WithTimeout(ctx, 10*patience)
	defer cancel()
	start := time.Now()
	if out, err := exec.CommandContext(limited, program, "compile", s.all.values, database).CombinedOutput(); err != nil {
		fmt.Fprintf(errs, "bench: vectorscan left out: it did not compile %d literals: %v %s\n", len(s.all.terms), err, out)
		return benchProgram{}, false
	}
	fmt.Fprintf(errs, "bench: vectorscan compiled %d literals in %s\n", len(s.all.terms), time.Since(start).Round(10*time.Millisecond))
	return benchProgram{name: rowVector, args: []string{program, "scan", database, s.usual.path}, startUp: []string{program, "scan", database, s.empty},
		bytes: s.usual.bytes, read: readNothing}, true
}

// runSelf runs this program as another process.
func runSelf(ctx context.Context, args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find own program: %w", err)
	}
	if out, err := exec.CommandContext(ctx, self, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("run wardline %s: %w: %s", args[0], err, bytes.TrimSpace(out))
	}
	return nil
}

// run is one round of a program: with nothing to read, where that is asked, and with all.
func (p *benchProgram) run(ctx context.Context, patience time.Duration) error {
	if p.startUp != nil {
		r, err := p.once(ctx, patience, p.startUp, readNothing)
		if err != nil || p.failed != "" {
			return err
		}
		p.starts = append(p.starts, r)
	}
	r, err := p.once(ctx, patience, p.args, p.read)
	if err != nil || p.failed != "" {
		return err
	}
	p.runs = append(p.runs, r)
	return nil
}

// once runs a program once. Its error is ours alone; a program that fails is noted as failed.
func (p *benchProgram) once(ctx context.Context, patience time.Duration, args []string, read func(io.Reader) (int, int, bool, error)) (benchRun, error) {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(limited, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	output, err := cmd.StdoutPipe()
	if err != nil {
		return benchRun{}, fmt.Errorf("run %s: %w", p.name, err)
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return benchRun{}, fmt.Errorf("run %s: %w", p.name, err)
	}
	memory := watchMemory(cmd.Process.Pid)
	missed, wrong, known, readErr := read(output)
	seen, own := memory.stop()
	err = cmd.Wait()
	wall := time.Since(start)
	if ctx.Err() != nil {
		return benchRun{}, ctx.Err()
	}
	state := cmd.ProcessState
	run := benchRun{cpu: state.UserTime() + state.SystemTime(), wall: wall, rss: seen, own: own}
	if limited.Err() != nil {
		p.failed = fmt.Sprintf("stopped after %.0f CPU s, %.0f MB", run.cpu.Seconds(), float64(run.rss)/1e6)
		return run, nil
	}
	if err = cmp.Or(err, readErr); err != nil && state.ExitCode() != 1 { // 1: nothing found
		p.failed = fmt.Sprintf("failed: %v", err)
		return run, nil
	}
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		if total := usage.Maxrss << 10; total > memory.parent || seen == 0 {
			run.rss = total
		}
	}
	if known {
		p.missed, p.wrong, p.known = missed, wrong, true
	}
	return run, nil
}

// memoryWatch follows the peak memory of a child. What the kernel gives at a child's end counts what the parent had
// when it started the child, and so says something of the child only where it is more than that.
type memoryWatch struct {
	parent int64 // the parent's own peak
	ended  chan struct{}
	peak   chan [2]int64
}

func watchMemory(pid int) *memoryWatch {
	w := &memoryWatch{parent: memoryOf(os.Getpid(), "VmHWM"), ended: make(chan struct{}), peak: make(chan [2]int64, 1)}
	peak := [2]int64{memoryOf(pid, "VmHWM"), memoryOf(pid, "RssAnon")}
	go func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				peak[0], peak[1] = max(peak[0], memoryOf(pid, "VmHWM")), max(peak[1], memoryOf(pid, "RssAnon"))
			case <-w.ended:
				w.peak <- peak
				return
			}
		}
	}()
	return w
}

// stop gives the peaks, of all and of what is no page of a file, as they were last seen; call it before the child is
// waited for.
func (w *memoryWatch) stop() (all, own int64) {
	close(w.ended)
	peak := <-w.peak
	return peak[0], peak[1]
}

// memoryOf is a figure of a process's status in bytes, such as VmHWM: the largest resident set that it has had since it
// began to run its program. 0 = unknown.
func memoryOf(pid int, figure string) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(status, []byte("\n"+figure+":"))
	line, _, _ := bytes.Cut(rest, []byte(" kB"))
	kilobytes, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 10, 64)
	if err != nil {
		return 0
	}
	return kilobytes << 10
}

func readNothing(r io.Reader) (missed, wrong int, known bool, err error) {
	_, err = io.Copy(io.Discard, r)
	return 0, 0, false, err
}

// readTotals holds the number of hits that scan --count gives against the truth.
func readTotals(hits []corpus.Hit) func(io.Reader) (int, int, bool, error) {
	return func(r io.Reader) (missed, wrong int, known bool, err error) {
		var t scanTotals
		if err := json.NewDecoder(r).Decode(&t); err != nil {
			return 0, 0, false, fmt.Errorf("read totals: %w", err)
		}
		return max(len(hits)-t.Hits, 0), max(t.Hits-len(hits), 0), true, nil
	}
}

// readLines holds the numbers of the lines that a program prints against the lines that hold a hit.
func readLines(lines map[int]bool) func(io.Reader) (int, int, bool, error) {
	return func(r io.Reader) (missed, wrong int, known bool, err error) {
		found := 0
		in := bufio.NewReaderSize(r, 1<<20)
		for atStart := true; ; {
			text, err := in.ReadSlice('\n')
			if atStart && len(text) > 0 {
				number, _, _ := bytes.Cut(text, []byte(":"))
				if line, err := strconv.Atoi(string(number)); err == nil && lines[line] {
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
				return len(lines) - found, wrong, true, err
			}
		}
	}
}
