package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/corpus"
	"github.com/wardline/wardline/internal/dump"
	"github.com/wardline/wardline/internal/hunt"
	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

// BenchmarkHunt tells what share of a dump its index takes, and what share of the time of a full scan a hunt for a supplier
// takes that stands in one place of the dump, and one for a supplier that does not.
func BenchmarkHunt(b *testing.B) {
	folder, index := b.TempDir(), b.TempDir()
	path := filepath.Join(folder, "mail.txt")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	write := func(seed uint64) {
		if _, err := corpus.Write(f, nil, corpus.Options{Seed: seed, Bytes: 128 << 20}); err != nil {
			b.Fatal(err)
		}
	}
	write(1)
	if _, err := f.WriteString(lateLeak); err != nil {
		b.Fatal(err)
	}
	write(2)
	info, err := f.Stat()
	if err != nil {
		b.Fatal(err)
	}
	d := dumps{now: systemNow}
	t := traces{folder: index, dumps: d}
	src, file := risk.Source{Key: "drop", Address: folder}, risk.File{Path: "mail.txt", Bytes: info.Size(), Modified: info.ModTime()}
	blocks := func(visit func(risk.Block) error) time.Duration {
		o, err := d.reading(folder, risk.Position{})
		if err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		if _, err := dump.Blocks(b.Context(), path, o, visit); err != nil {
			b.Fatal(err)
		}
		return time.Since(began)
	}
	trace, err := t.Begin(src, file)
	if err != nil {
		b.Fatal(err)
	}
	var k match.Keyer
	indexing := blocks(func(bl risk.Block) error {
		k.Reset()
		k.Read(bl.Data)
		return trace.Add(bl.At, int64(len(bl.Body())), k.Keys())
	})
	if err := trace.Finish(); err != nil {
		b.Fatal(err)
	}
	made, err := os.Stat(hunt.File(index, dumpOf(src, file)))
	if err != nil {
		b.Fatal(err)
	}
	var full, seen, unseen time.Duration
	for b.Loop() {
		s, err := match.Compile(late)
		if err != nil {
			b.Fatal(err)
		}
		full += blocks(func(bl risk.Block) error { s.Scan(bl.Data, func(match.Hit) {}); return nil })
		seen += huntFor(b, t, src, file, late[0], 1)
		unseen += huntFor(b, t, src, file, risk.WatchTerm{Kind: risk.TermDomain, Value: "corvane-unseen.example"}, 0)
	}
	b.ReportMetric(100*float64(made.Size())/float64(info.Size()), "%index")
	b.ReportMetric(100*seen.Seconds()/full.Seconds(), "%seen")
	b.ReportMetric(100*unseen.Seconds()/full.Seconds(), "%unseen")
	b.ReportMetric(indexing.Seconds()/(full.Seconds()/float64(b.N)), "indexing/scan")
}

func huntFor(b *testing.B, t traces, src risk.Source, f risk.File, term risk.WatchTerm, want int) time.Duration {
	began := time.Now()
	s, err := match.Compile([]risk.WatchTerm{term})
	if err != nil {
		b.Fatal(err)
	}
	clues, _ := match.CluesOf(term)
	var stretches []risk.Stretch
	if err := t.Ask(src, f, []risk.Clues{clues}, func(s risk.Stretch, _ []int) error { stretches = append(stretches, s); return nil }); err != nil {
		b.Fatal(err)
	}
	hits := 0
	err = t.Reread(b.Context(), src, f, stretches, func(bl risk.Block) error {
		s.Scan(bl.Data, func(h match.Hit) {
			if h.Start >= bl.Lead && h.Start < len(bl.Data)-bl.Trail {
				hits++
			}
		})
		return nil
	}, func(int) {})
	took := time.Since(began)
	if err != nil || hits < want {
		b.Fatalf("%d hits, %v", hits, err)
	}
	return took
}
