package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/wardline/wardline/internal/corpus"
)

// benchResult is what one size of the watchlist gave.
type benchResult struct {
	set      *benchSet
	programs []benchProgram
	missed   int
	wrong    int
}

func (r benchResult) print(out io.Writer) {
	s := r.set
	fmt.Fprintf(out, "\n%s terms, %s, %d hits (and %d in as much text with 1 %% hits); hit by hit against the truth: %d missed, %d false\n",
		humanize.Comma(int64(len(s.all.terms))), humanize.IBytes(uint64(s.usual.bytes)), len(s.usual.hits), len(s.dense.hits), r.missed, r.wrong)
	fmt.Fprintf(out, "%-34s %9s %8s %9s %9s %9s %8s %8s %7s\n", "", "CPU s/GB", "GB/s", "start-up", "peak RSS", "own", "missed", "false", "rounds")
	for _, p := range r.programs {
		if len(p.runs) == 0 {
			fmt.Fprintf(out, "%-34s %s\n", p.name, p.failed)
			continue
		}
		m, w, start, own := "–", "–", "–", "–"
		if p.known {
			m, w = strconv.Itoa(p.missed), strconv.Itoa(p.wrong)
		}
		if len(p.starts) > 0 {
			start = fmt.Sprintf("%.2f s", p.start())
		}
		if n := median(p.runs, func(r benchRun) float64 { return float64(r.own) }); n > 0 {
			own = fmt.Sprintf("%.0f MB", n/1e6)
		}
		fmt.Fprintf(out, "%-34s %9.3f %8.3f %9s %6.0f MB %9s %8s %8s %7d\n", p.name, p.cpu(), p.rate(), start, p.rss(), own, m, w, len(p.runs))
	}
}

// cpu is in seconds a GB; start in seconds; rate in GB/s; rss in MB.
func (p *benchProgram) cpu() float64 {
	return median(p.runs, func(r benchRun) float64 { return r.cpu.Seconds() }) / (float64(p.bytes) / 1e9)
}
func (p *benchProgram) start() float64 {
	return median(p.starts, func(r benchRun) float64 { return r.cpu.Seconds() })
}
func (p *benchProgram) scanOnly() float64 { return p.cpu() - p.start()/(float64(p.bytes)/1e9) }
func (p *benchProgram) rate() float64 {
	return float64(p.bytes) / 1e9 / median(p.runs, func(r benchRun) float64 { return r.wall.Seconds() })
}
func (p *benchProgram) rss() float64 {
	return median(p.runs, func(r benchRun) float64 { return float64(r.rss) }) / 1e6
}

// row gives a program that ran.
func (r benchResult) row(name string) (*benchProgram, bool) {
	for i := range r.programs {
		if p := &r.programs[i]; p.name == name && len(p.runs) > 0 {
			return p, true
		}
	}
	return nil, false
}

// ratio is a figure of one row beside another's, "–" where one of them did not run.
func (r benchResult) ratio(format, above, below string, of func(*benchProgram) float64) string {
	a, haveA := r.row(above)
	b, haveB := r.row(below)
	if !haveA || !haveB || of(b) == 0 {
		return "–"
	}
	return fmt.Sprintf(format, of(a)/of(b))
}

// printRatios prints what does not depend on the machine. All are of CPU seconds, but those of threads.
func printRatios(out io.Writer, results []benchResult, floor float64) {
	if len(results) == 0 {
		return
	}
	cpu, rate, scanOnly := (*benchProgram).cpu, (*benchProgram).rate, (*benchProgram).scanOnly
	percent := func(r benchResult, above, below string) string {
		a, haveA := r.row(above)
		b, haveB := r.row(below)
		if !haveA || !haveB {
			return "–"
		}
		return fmt.Sprintf("%.0f %%", 100*a.cpu()/b.cpu())
	}
	threads := rowThreads(runtime.GOMAXPROCS(0))
	rows := []struct {
		name string
		of   func(benchResult) string
	}{
		{"times as fast as rg -a -F", func(r benchResult) string { return r.ratio("%.1f×", rowRipgrep, rowOne, cpu) }},
		{"times as fast as rg -a -F -i", func(r benchResult) string { return r.ratio("%.1f×", rowCaseless, rowOne, cpu) }},
		{"times as fast as vectorscan, scan only", func(r benchResult) string { return r.ratio("%.2f×", rowVector, rowCompiled, scanOnly) }},
		{"of wc -l's speed, all kinds", func(r benchResult) string { return percent(r, rowFloor, rowCompiled) }},
		{"of wc -l's speed, domains only", func(r benchResult) string { return percent(r, rowFloor, rowDomains) }},
		{"CPU a byte beside the shortest list", func(r benchResult) string {
			first, haveFirst := results[0].row(rowCompiled)
			p, have := r.row(rowCompiled)
			if !haveFirst || !have {
				return "–"
			}
			return fmt.Sprintf("%.2f×", p.cpu()/first.cpu())
		}},
		{"CPU with 1 % hits beside 0.01 %", func(r benchResult) string { return r.ratio("%.2f×", rowDense, rowCompiled, cpu) }},
		{fmt.Sprintf("speed of %d threads beside one", runtime.GOMAXPROCS(0)), func(r benchResult) string { return r.ratio("%.2f×", threads, rowOne, rate) }},
	}
	fmt.Fprintf(out, "\n%-40s", "Ratios")
	for _, r := range results {
		fmt.Fprintf(out, " %12s", humanize.Comma(int64(len(r.set.all.terms))))
	}
	for _, row := range rows {
		fmt.Fprintf(out, "\n%-40s", row.name)
		for _, r := range results {
			fmt.Fprintf(out, " %12s", row.of(r))
		}
	}
	fmt.Fprintf(out, "\nCounting newlines gains %.2f× from %d threads.\n", floor, runtime.GOMAXPROCS(0))
}

// countLinesInParallel tells what the machine's threads gain where nothing but reading is done: the rate of counting
// newlines by all of them beside one.
func countLinesInParallel(ctx context.Context, dir string, size int64, rounds int) (float64, error) {
	path := filepath.Join(dir, "floor.txt")
	err := writeFile(path, func(w io.Writer) error {
		_, err := corpus.Write(w, nil, corpus.Options{Seed: 1, Bytes: size})
		return err
	})
	if err != nil {
		return 0, err
	}
	defer os.Remove(path)
	one, all := make([]float64, 0, rounds), make([]float64, 0, rounds)
	for range rounds {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		a, err := timeCounting(path, 1)
		b, err2 := timeCounting(path, runtime.GOMAXPROCS(0))
		if err := errors.Join(err, err2); err != nil {
			return 0, err
		}
		one, all = append(one, a), append(all, b)
	}
	same := func(v float64) float64 { return v }
	return median(one, same) / median(all, same), nil
}

// timeCounting takes the seconds that n threads need to count a file's newlines, each its share.
func timeCounting(path string, n int) (float64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("open corpus: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("measure corpus: %w", err)
	}
	start := time.Now()
	var all sync.WaitGroup
	errs := make([]error, n)
	share := info.Size()/int64(n) + 1
	for i := range n {
		all.Go(func() { errs[i] = countLines(io.NewSectionReader(f, int64(i)*share, share)) })
	}
	all.Wait()
	return time.Since(start).Seconds(), errors.Join(errs...)
}

func countLines(r io.Reader) error {
	buf, lines := make([]byte, 256<<10), 0
	for {
		n, err := r.Read(buf)
		lines += bytes.Count(buf[:n], []byte{'\n'})
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("count lines after %d: %w", lines, err)
		}
	}
}

func median[T any](runs []T, of func(T) float64) float64 {
	values := make([]float64, len(runs))
	for i, r := range runs {
		values[i] = of(r)
	}
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	if n := len(values); n%2 == 0 {
		return (values[n/2-1] + values[n/2]) / 2
	}
	return values[len(values)/2]
}
