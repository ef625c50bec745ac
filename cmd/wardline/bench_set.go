package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/wardline/wardline/internal/corpus"
	"github.com/wardline/wardline/internal/dump"
	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

// benchSet is what one size of the watchlist is measured on.
type benchSet struct {
	dir     string
	all     benchList
	domains benchList // the domains and hosts of all
	usual   benchText // one record in ten thousand is about a watched term
	dense   benchText // one in a hundred; scanned by ourselves alone
	empty   string    // a file with nothing in it: what starting up takes
}

// benchList is a watchlist on disk, in three shapes.
type benchList struct {
	terms    []risk.WatchTerm
	csv      string
	compiled string
	values   string // one a line, for other programs
}

// benchText is a corpus on disk with its truth.
type benchText struct {
	path  string
	bytes int64
	hits  []corpus.Hit
}

const denseShare = 0.01

func makeBenchSet(ctx context.Context, dir string, seed uint64, n int, size int64) (*benchSet, error) {
	s := &benchSet{dir: dir, empty: filepath.Join(dir, "empty.txt")}
	terms := corpus.Watchlist(seed, n)
	domains := slices.DeleteFunc(slices.Clone(terms), func(t risk.WatchTerm) bool { return t.Kind != risk.TermDomain && t.Kind != risk.TermHost })
	var errs [5]error
	s.all, errs[0] = makeBenchList(ctx, filepath.Join(dir, "all"), terms)
	s.domains, errs[1] = makeBenchList(ctx, filepath.Join(dir, "domains"), domains)
	s.usual, errs[2] = makeBenchText(filepath.Join(dir, "corpus.txt"), terms, corpus.Options{Seed: seed, Bytes: size})
	s.dense, errs[3] = makeBenchText(filepath.Join(dir, "dense.txt"), terms, corpus.Options{Seed: seed, Bytes: size, Share: denseShare})
	errs[4] = writeFile(s.empty, func(io.Writer) error { return nil })
	return s, errors.Join(errs[:]...)
}

func makeBenchList(ctx context.Context, path string, terms []risk.WatchTerm) (benchList, error) {
	l := benchList{terms: terms, csv: path + ".csv", compiled: path + ".watch", values: path + ".txt"}
	err := errors.Join(
		writeFile(l.csv, func(w io.Writer) error { return corpus.WriteWatchlist(w, terms) }),
		writeFile(l.values, func(w io.Writer) error {
			for _, t := range terms {
				if _, err := fmt.Fprintln(w, t.Value); err != nil {
					return err
				}
			}
			return nil
		}),
	)
	if err != nil {
		return l, err
	}
	return l, runSelf(ctx, "watchlist", "compile", l.csv, "--output", l.compiled)
}

func makeBenchText(path string, terms []risk.WatchTerm, o corpus.Options) (benchText, error) {
	t := benchText{path: path}
	err := writeFile(path, func(w io.Writer) (err error) {
		t.hits, err = corpus.Write(w, terms, o)
		return err
	})
	if err != nil {
		return t, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return t, fmt.Errorf("measure corpus: %w", err)
	}
	t.bytes = info.Size()
	return t, nil
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("make bench file: %w", err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	return errors.Join(write(w), w.Flush(), f.Close())
}

// hitsOf are those of a text's hits that a list finds.
func (s *benchSet) hitsOf(t *benchText, l *benchList) []corpus.Hit {
	if len(l.terms) == len(s.all.terms) {
		return t.hits
	}
	var hits []corpus.Hit
	for _, h := range t.hits {
		if h.Kind == risk.MatchExact || h.Kind == risk.MatchSubdomain {
			hits = append(hits, h)
		}
	}
	return hits
}

// compare scans both texts as the command does, by the compiled list, and holds every hit against the truth.
func (s *benchSet) compare(ctx context.Context) (missed, wrong int, err error) {
	list, err := openWatchlist(s.all.compiled, io.Discard)
	if err != nil {
		return 0, 0, err
	}
	for _, t := range []*benchText{&s.usual, &s.dense} {
		m, w, err := t.compare(ctx, list)
		if err != nil {
			return 0, 0, err
		}
		missed, wrong = missed+m, wrong+w
	}
	return missed, wrong, nil
}

func (t *benchText) compare(ctx context.Context, scanner *match.Scanner) (missed, wrong int, err error) {
	type key struct {
		offset int64
		term   int
		kind   risk.MatchKind
	}
	expected := map[key]bool{}
	for _, h := range t.hits {
		expected[key{h.Offset, h.Term, h.Kind}] = true
	}
	_, err = dump.Blocks(ctx, t.path, dump.Options{}, func(b risk.Block) error {
		scanner.Scan(b.Data, func(h match.Hit) {
			if h.Start < b.Lead || h.Start >= len(b.Data)-b.Trail {
				return
			}
			k := key{b.OffsetOf(h.Start), h.Term, h.Kind}
			if !expected[k] {
				wrong++
			}
			delete(expected, k)
		})
		return nil
	})
	return len(expected), wrong, err
}

// linesOf are the numbers of the lines that hold one of hits.
func linesOf(hits []corpus.Hit) map[int]bool {
	lines := make(map[int]bool, len(hits))
	for _, h := range hits {
		lines[h.Line] = true
	}
	return lines
}
