//go:build real

package store

import (
	"testing"

	"github.com/wardline/wardline/internal/testparts"
)

func TestRealPostgres(t *testing.T) {
	testparts.Postgres(t) // one cluster for all: it runs while a test uses it
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) { body(t, migrated(t, testparts.Postgres(t))) })
	}
}
