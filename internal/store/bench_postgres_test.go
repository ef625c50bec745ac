//go:build real

package store

import (
	"testing"

	"github.com/wardline/wardline/internal/testparts"
)

func BenchmarkRecordPostgres(b *testing.B) {
	testparts.Postgres(b)
	benchRecord(b, func(tb testing.TB) *Store { return migrated(tb, testparts.Postgres(tb)) })
}

func BenchmarkPlainPostgres(b *testing.B) {
	testparts.Postgres(b)
	benchPlain(b, func(tb testing.TB) *Store { return migrated(tb, testparts.Postgres(tb)) })
}
