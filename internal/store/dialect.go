package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	gormpostgres "gorm.io/driver/postgres"
	gormsqlite "gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	dialectSQLite   = "sqlite"
	dialectPostgres = "postgres"
)

func isPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// openSQLite opens one connection that writes and a pool that can only read, so that pages never queue behind a scan.
func (s *Store) openSQLite(ctx context.Context, path string) error {
	s.dialect = dialectSQLite
	path, err := privateFile(path)
	if err != nil {
		return err
	}
	if s.writeDB, err = sql.Open("sqlite", sqliteWriteDSN(path)); err != nil {
		return fmt.Errorf("open database %s: %w", path, err)
	}
	s.writeDB.SetMaxOpenConns(1)
	if err = s.writeDB.PingContext(ctx); err != nil {
		return fmt.Errorf("open database %s: %w", path, err)
	}
	if s.readDB, err = sql.Open("sqlite", sqliteDSN(path, url.Values{"mode": {"ro"}}, "query_only(1)")); err != nil {
		return fmt.Errorf("open database %s for reading: %w", path, err)
	}
	s.readDB.SetMaxOpenConns(max(4, runtime.NumCPU()))
	if s.writer, err = gorm.Open(modernc{gormsqlite.Dialector{Conn: s.writeDB}}, gormConfig()); err != nil {
		return fmt.Errorf("open database %s: %w", path, err)
	}
	if s.reader, err = gorm.Open(modernc{gormsqlite.Dialector{Conn: s.readDB}}, gormConfig()); err != nil {
		return fmt.Errorf("open database %s for reading: %w", path, err)
	}
	return nil
}

// privateFile makes the database file, readable by its owner alone; SQLite's journals inherit its mode.
func privateFile(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("open database %s: %w", path, err)
	}
	if err = os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("open database: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", fmt.Errorf("open database: %w", err)
	}
	return path, f.Close()
}

func sqliteDSN(path string, query url.Values, pragmas ...string) string {
	query["_pragma"] = append([]string{"busy_timeout(5000)"}, pragmas...)
	return (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String()
}

// sqliteWriteDSN lets transactions take the write lock when they begin: one that reads first and writes later fails under load.
// The pages that indexes grow in stay in memory, and go from the journal into the database every 32 MiB.
func sqliteWriteDSN(path string) string {
	return sqliteDSN(path, url.Values{"_txlock": {"immediate"}}, "journal_mode(WAL)", "synchronous(NORMAL)", "foreign_keys(1)",
		"cache_size(-65536)", "wal_autocheckpoint(8192)", "temp_store(2)")
}

// openPostgres opens one pool for reading and writing.
func (s *Store) openPostgres(_ context.Context, dsn string) error {
	s.dialect = dialectPostgres
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return fmt.Errorf("open database: %w", err) // pgx leaves the password out
	}
	s.writeDB = stdlib.OpenDB(*config)
	s.writeDB.SetMaxOpenConns(20)
	s.writeDB.SetMaxIdleConns(10)
	s.readDB = s.writeDB
	if s.writer, err = gorm.Open(gormpostgres.New(gormpostgres.Config{Conn: s.writeDB}), gormConfig()); err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	s.reader = s.writer
	return nil
}

// modernc is gorm's SQLite dialect over the pure-Go driver, whose errors gorm's own translation cannot read.
type modernc struct{ gormsqlite.Dialector }

func (d modernc) Translate(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return fmt.Errorf("%w: %w", gorm.ErrDuplicatedKey, err)
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return fmt.Errorf("%w: %w", gorm.ErrForeignKeyViolated, err)
	}
	return err
}

// lostRace reports that another PostgreSQL transaction won and the same work, done again, will succeed.
func lostRace(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (e.Code == "40P01" || e.Code == "40001")
}

// snapshot reads the database as of one moment.
var snapshot = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
