package store

import (
	"os"
	"testing"
)

func TestSQLite(t *testing.T) {
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) { body(t, openSQLite(t)) })
	}
}

func TestDatabaseFileIsPrivate(t *testing.T) {
	s := openSQLite(t)
	var path string
	if err := s.readDB.QueryRowContext(t.Context(), "SELECT file FROM pragma_database_list").Scan(&path); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s%s has mode %o, want 600", path, suffix, info.Mode().Perm())
		}
	}
}

func TestReadersCannotWrite(t *testing.T) {
	s := openSQLite(t)
	if _, err := s.readDB.ExecContext(t.Context(), "INSERT INTO settings (key, value) VALUES ('a', 'b')"); err == nil {
		t.Error("the read pool wrote a row")
	}
}
