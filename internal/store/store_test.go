package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// bodies are the tests that both databases must pass; sqlite_test.go and postgres_test.go run them.
var bodies = map[string]func(t *testing.T, s *Store){}

// clock is the time that test stores show for rows whose time the caller does not give.
var clock = time.Date(2026, 3, 2, 9, 30, 0, 123456000, time.UTC)

func openSQLite(t testing.TB) *Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a dir", "ward%20 line?.db")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, must(emptySQLite())(t), 0o600); err != nil {
		t.Fatal(err)
	}
	return migrated(t, path)
}

// emptySQLite is a database with all migrations, made once: to migrate takes longer than most tests.
var emptySQLite = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "wardline-empty")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "empty.db")
	s, err := Open(context.Background(), Options{DSN: path})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(s.Migrate(context.Background()), s.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func migrated(t testing.TB, dsn string) *Store {
	t.Helper()
	ctx := t.Context()
	s, err := Open(ctx, Options{DSN: dsn, Now: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := s.writeDB.ExecContext(ctx, "CREATE TABLE test_jobs (job TEXT NOT NULL)"); err != nil {
		t.Fatal(err)
	}
	s.UseQueue(tableQueue{s.dialect})
	return s
}

// tableQueue keeps jobs in a table, so that a rolled-back transaction takes them along.
type tableQueue struct{ dialect string }

func (q tableQueue) InsertTx(ctx context.Context, tx *sql.Tx, jobs ...risk.Job) error {
	for _, j := range jobs {
		b, err := json.Marshal(j)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO test_jobs (job) VALUES "+placeholders(q.dialect, 1), string(b)); err != nil {
			return err
		}
	}
	return nil
}

func queued(t *testing.T, s *Store) []risk.Job {
	t.Helper()
	rows, err := s.readDB.QueryContext(t.Context(), "SELECT job FROM test_jobs ORDER BY job")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []risk.Job
	for rows.Next() {
		var b string
		var j risk.Job
		if err := rows.Scan(&b); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(b), &j); err != nil {
			t.Fatal(err)
		}
		out = append(out, j)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func must[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
