//go:build real

package job

import (
	"testing"

	"github.com/wardline/wardline/internal/testparts"
)

func TestRealPostgres(t *testing.T) {
	testparts.Postgres(t) // one cluster for all: it runs while a test uses it
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			p := place{dialectPostgres, testparts.Postgres(t)}
			body(t, p, p.migrated(t))
		})
	}
}
