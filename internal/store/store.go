// Package store owns what Wardline remembers: suppliers, sources, exposures, scores, the outbox and the people who sign
// in, on embedded SQLite or PostgreSQL. gorm stays in here; rows are private and convert explicitly. One method is one
// transaction, and jobs that a change calls for are put into the queue in that same transaction.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"

	"github.com/wardline/wardline/internal/risk"
)

// Queue takes jobs in the caller's transaction: if that rolls back, the jobs were never there.
type Queue interface {
	InsertTx(ctx context.Context, tx *sql.Tx, jobs ...risk.Job) error
}

// Options say where the data is.
type Options struct {
	DSN string // a file path for SQLite, or postgres://…
	Log *slog.Logger
	Now func() time.Time // for rows that carry a time the caller did not give; nil = time.Now
}

// Store is the database. It is safe for concurrent use.
type Store struct {
	dialect string
	writeDB *sql.DB
	readDB  *sql.DB
	writer  *gorm.DB
	reader  *gorm.DB
	queue   Queue
	log     *slog.Logger
	now     func() time.Time
}

// Open connects to the database; Migrate makes its tables.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{log: o.Log, now: o.Now}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	open := s.openSQLite
	if isPostgres(o.DSN) {
		open = s.openPostgres
	}
	if err := open(ctx, o.DSN); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// UseQueue says where the jobs go. Without a queue, a change that calls for a job is refused rather than half done.
func (s *Store) UseQueue(q Queue) { s.queue = q }

// DB is the handle that writes, for the job queue to share.
func (s *Store) DB() *sql.DB { return s.writeDB }

// Dialect is "sqlite" or "postgres".
func (s *Store) Dialect() string { return s.dialect }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.readDB.PingContext(ctx); err != nil {
		return fmt.Errorf("ping database: %w", err)
	}
	return nil
}

// Close ends all connections.
func (s *Store) Close() error {
	var errs []error
	if s.readDB != nil && s.readDB != s.writeDB {
		errs = append(errs, s.readDB.Close())
	}
	if s.writeDB != nil {
		errs = append(errs, s.writeDB.Close())
	}
	return errors.Join(errs...)
}

// find is the handle for reading outside a transaction.
func (s *Store) find(ctx context.Context) *gorm.DB { return s.reader.WithContext(ctx) }

// attempts bounds how often a transaction that lost to another one is run again.
const attempts = 5

// change runs do in one write transaction. What it does must be repeatable: PostgreSQL may ask to run it again after
// a deadlock or a lost race for a unique key.
func (s *Store) change(ctx context.Context, do func(tx *gorm.DB) error) error {
	var err error
	for i := range attempts {
		err = s.transaction(ctx, do)
		if err == nil || !lostRace(err) || ctx.Err() != nil {
			return err
		}
		s.log.Info("transaction run again", "attempt", i+1)
	}
	return err
}

// enqueue puts jobs into the queue in tx.
func (s *Store) enqueue(ctx context.Context, tx *gorm.DB, jobs ...risk.Job) error {
	if len(jobs) == 0 {
		return nil
	}
	if s.queue == nil {
		return errors.New("queue jobs: the store has no queue")
	}
	sqlTx, ok := tx.Statement.ConnPool.(*sql.Tx)
	if !ok {
		return fmt.Errorf("queue jobs: not in a transaction but in a %T", tx.Statement.ConnPool)
	}
	if err := s.queue.InsertTx(ctx, sqlTx, jobs...); err != nil {
		return fmt.Errorf("queue jobs: %w", err)
	}
	return nil
}

// lock adds FOR UPDATE where several writers exist; SQLite's write transactions exclude each other from the start.
func (s *Store) lock(tx *gorm.DB) *gorm.DB {
	if s.dialect == dialectPostgres {
		return tx.Clauses(clause.Locking{Strength: "UPDATE"})
	}
	return tx
}

func gormConfig() *gorm.Config {
	return &gorm.Config{
		SkipDefaultTransaction: true, // every write already runs in change
		TranslateError:         true,
		Logger:                 logger.Discard, // errors are returned, and a statement may hold a person's data
	}
}

// kind turns the database's way of saying so into risk's error kinds.
func kind(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, gorm.ErrRecordNotFound):
		return risk.ErrNotFound
	case errors.Is(err, gorm.ErrDuplicatedKey):
		return risk.ErrConflict
	}
	return err
}

// first reads one row into dest by the conditions already on q.
func first(q *gorm.DB, dest any, what string, id any) error {
	if err := q.Take(dest).Error; err != nil {
		return fmt.Errorf("find %s %v: %w", what, id, kind(err))
	}
	return nil
}

// changedOne turns "no row matched" into risk.ErrNotFound.
func changedOne(res *gorm.DB, what string, id any) error {
	if res.Error != nil {
		return fmt.Errorf("change %s %v: %w", what, id, kind(res.Error))
	}
	if res.RowsAffected == 0 {
		return fmt.Errorf("change %s %v: %w", what, id, risk.ErrNotFound)
	}
	return nil
}

// converted gives rows as the field's own values.
func converted[R, T any](rows []R, to func(R) T) []T {
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i] = to(r)
	}
	return out
}
