//go:build real

package store

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/testparts"
)

func BenchmarkRecordPostgres(b *testing.B) {
	testparts.Postgres(b)
	benchRecord(b, openMeasured)
}

func BenchmarkPlainPostgres(b *testing.B) {
	testparts.Postgres(b)
	benchPlain(b, openMeasured, "prepared statement", "gorm", "arrays", "copy")
}

// openMeasured has the CPU of the server's processes measured too.
func openMeasured(tb testing.TB) *Store {
	s := migrated(tb, testparts.Postgres(tb))
	var lines string
	if err := s.readDB.QueryRowContext(context.Background(), "SELECT pg_read_file('postmaster.pid')").Scan(&lines); err != nil {
		tb.Fatal(err)
	}
	postmaster, _, _ := strings.Cut(lines, "\n")
	serverCPU = func() time.Duration { return usedByChildren(postmaster) }
	tb.Cleanup(func() { serverCPU = func() time.Duration { return 0 } })
	return s
}

// usedByChildren sums up the user and system time of a process's children that still run.
func usedByChildren(parent string) (used time.Duration) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 13 || fields[1] != parent {
			continue
		}
		for _, ticks := range fields[11:13] {
			n, _ := strconv.Atoi(ticks)
			used += time.Duration(n) * time.Second / 100
		}
	}
	return used
}
