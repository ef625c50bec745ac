package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
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
		Short: "Measure the scan beside ripgrep, grep, vectorscan and wc on a made corpus with ground truth",
		Long: `Measure the scan beside ripgrep, grep, vectorscan and wc on a made corpus with ground truth.

The programs run in turn, round by round, on a warm page cache. CPU seconds are user and system time of the whole
process, start-up included; the tables give medians. A program that is not installed is left out: vectorscan needs
its headers, pkg-config and a C compiler (Debian: libvectorscan-dev pkg-config gcc).`,
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
	flags.DurationVar(&o.patience, "patience", time.Minute, "a program is stopped when one round takes longer, and gets no further one")
	return cmd
}

func bench(ctx context.Context, o benchOptions, out, errs io.Writer) error {
	size, err := humanize.ParseBytes(o.size)
	if err != nil {
		return fmt.Errorf("read --size: %w", err)
	}
	dir, err := os.MkdirTemp("", "wardline-bench-")
	if err != nil {
		return fmt.Errorf("make bench folder: %w", err)
	}
	defer os.RemoveAll(dir)
	var results []benchResult
	for _, n := range o.terms {
		r, err := benchTerms(ctx, o, dir, n, int64(size), errs)
		if err != nil {
			return err
		}
		r.print(out)
		results = append(results, r)
	}
	floor, err := countLinesInParallel(ctx, dir, int64(size), o.rounds)
	if err != nil {
		return err
	}
	printRatios(out, results, floor)
	return nil
}

// benchTerms measures with one size of the watchlist.
func benchTerms(ctx context.Context, o benchOptions, dir string, n int, size int64, errs io.Writer) (benchResult, error) {
	dir = filepath.Join(dir, fmt.Sprint(n))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return benchResult{}, fmt.Errorf("make bench folder: %w", err)
	}
	defer os.RemoveAll(dir)
	fmt.Fprintf(errs, "bench: making %s with %d terms\n", humanize.IBytes(uint64(size)), n)
	set, err := makeBenchSet(ctx, dir, o.seed, n, size)
	if err != nil {
		return benchResult{}, err
	}
	r := benchResult{set: set}
	if r.missed, r.wrong, err = set.compare(ctx); err != nil {
		return r, err
	}
	if r.programs, err = set.allPrograms(ctx, o.patience, errs); err != nil {
		return r, err
	}
	for round := range o.rounds {
		for i := range r.programs {
			p := &r.programs[i]
			if p.failed != "" {
				continue
			}
			fmt.Fprintf(errs, "bench: %d terms, round %d of %d: %s\n", n, round+1, o.rounds, p.name)
			if err := p.run(ctx, o.patience); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}
