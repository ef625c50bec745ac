package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

const (
	benchBatch     = 10_000
	benchSuppliers = 20
)

// oneDigest tells nobody by one alert of all that is untold, as a dump's is: the benchmarks measure the findings, not
// the mails.
func oneDigest(st risk.Standing) (risk.Consequences, error) {
	var out risk.Consequences
	if len(st.Unalerted) == 0 {
		return out, nil
	}
	digest := risk.Alert{Key: fmt.Sprintf("digest:%d:%d", st.Supplier.ID, st.Unalerted[0].ID), Kind: risk.AlertExposure, SupplierID: st.Supplier.ID}
	for _, e := range st.Unalerted {
		digest.Exposures = append(digest.Exposures, e.ID)
	}
	out.Alerts = []risk.Alert{digest}
	return out, nil
}

func BenchmarkRecordSQLite(b *testing.B) { benchRecord(b, openSQLite) }

func BenchmarkPlainSQLite(b *testing.B) { benchPlain(b, openSQLite, "prepared statement", "gorm") }

func benchRecord(b *testing.B, open func(testing.TB) *Store) {
	b.Run("new", func(b *testing.B) {
		s, src, suppliers := benchStore(b, open)
		fresh := func(i int) risk.Batch { return benchBatchOf(src, suppliers[i%len(suppliers)], i) }
		measure(b, fresh, func(batch risk.Batch) { record(b, s, batch, benchBatch) })
	})
	b.Run("new of a dump", func(b *testing.B) {
		s, src, suppliers := benchStore(b, open)
		fresh := func(i int) risk.Batch {
			batch := benchBatchOf(src, suppliers[i%len(suppliers)], i)
			batch.DecideBy = clock.Add(time.Minute)
			return batch
		}
		recorded := 0
		measure(b, fresh, func(batch risk.Batch) {
			record(b, s, batch, benchBatch)
			if recorded++; recorded == b.N { // what was put off is part of the price
				for _, id := range suppliers {
					if err := s.Rescore(context.Background(), id, clock, oneDigest); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	})
	b.Run("duplicate", func(b *testing.B) {
		s, src, suppliers := benchStore(b, open)
		batch := benchBatchOf(src, suppliers[0], 0)
		record(b, s, batch, benchBatch)
		measure(b, func(int) risk.Batch { return batch }, func(batch risk.Batch) { record(b, s, batch, 0) })
	})
	b.Run("seen elsewhere", func(b *testing.B) {
		s, src, suppliers := benchStore(b, open)
		batch := benchBatchOf(src, suppliers[0], 0)
		record(b, s, batch, benchBatch)
		again := func(i int) risk.Batch {
			for j := range batch.Findings {
				batch.Findings[j].Sighting.Key = fmt.Sprintf("again-%d-%d", i, j)
			}
			return batch
		}
		measure(b, again, func(batch risk.Batch) { record(b, s, batch, 0) })
	})
}

func benchStore(b *testing.B, open func(testing.TB) *Store) (*Store, risk.Source, []int64) {
	b.Helper()
	s := open(b)
	src := must(s.SyncSources(context.Background(), []risk.Source{pasteSource()}))(b)[0]
	var ids []int64
	for i := range benchSuppliers {
		sup := must(s.CreateSupplier(context.Background(), risk.Supplier{Name: fmt.Sprintf("Supplier %d", i), Relation: risk.ThirdParty}))(b)
		ids = append(ids, sup.ID)
	}
	return s, src, ids
}

func record(b *testing.B, s *Store, batch risk.Batch, isNew int) {
	b.Helper()
	got, err := s.Record(context.Background(), batch, oneDigest)
	if err != nil {
		b.Fatal(err)
	}
	if got.New != isNew {
		b.Fatalf("%d new exposures, want %d", got.New, isNew)
	}
}

// cpu is what this process has used, user and system: a machine is shared, and on SQLite the database is in it.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// measure prepares and does b.N batches, one by one, and reports findings a second of the clock and of our own CPU,
// without what their preparation took.
func measure[B any](b *testing.B, prepare func(i int) B, do func(B)) {
	b.Helper()
	var used, server time.Duration
	b.ResetTimer()
	for i := range b.N {
		b.StopTimer()
		batch := prepare(i)
		before, served := cpu(b), serverCPU()
		b.StartTimer()
		do(batch)
		b.StopTimer()
		used += cpu(b) - before
		server += serverCPU() - served
	}
	findings := float64(b.N) * benchBatch
	b.ReportMetric(findings/b.Elapsed().Seconds(), "findings/s")
	b.ReportMetric(findings/used.Seconds(), "findings/cpu-s")
	if server > 0 {
		b.ReportMetric(findings/server.Seconds(), "findings/server-cpu-s")
	}
	b.ReportMetric(0, "ns/op")
}

// serverCPU is what the processes of the database have used, where they are not this one.
var serverCPU = func() time.Duration { return 0 }

func benchBatchOf(src risk.Source, supplier int64, n int) risk.Batch {
	batch := risk.Batch{Now: clock, Source: src}
	for i := range benchBatch {
		sum := sha256.Sum256(fmt.Appendf(nil, "%d %d", n, i))
		batch.Findings = append(batch.Findings, finding(supplier, hex.EncodeToString(sum[:]), fmt.Sprintf("dump-%d:%d", n, i)))
	}
	return batch
}
