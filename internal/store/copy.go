package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"
)

// copyFrom is from how many rows on PostgreSQL takes them faster by COPY than as arrays.
const copyFrom = 200

// settingConn is where a transaction on PostgreSQL keeps its connection, which COPY needs.
const settingConn = "wardline:connection"

// transaction runs do in one transaction.
func (s *Store) transaction(ctx context.Context, do func(tx *gorm.DB) error) error {
	db := s.writer.WithContext(ctx)
	if s.dialect != dialectPostgres {
		return db.Transaction(do)
	}
	return db.Connection(func(db *gorm.DB) error {
		conn := db.Statement.ConnPool
		return db.Transaction(func(tx *gorm.DB) error {
			return do(tx.Set(settingConn, conn).Session(&gorm.Session{})) // a session, or conditions of one query would stay for the next
		})
	})
}

// insertByCopy copies rows into a table of this session alone and inserts them from there: COPY itself knows no ON CONFLICT
// and returns nothing.
func insertByCopy[R any](ctx context.Context, tx *gorm.DB, c columns, rows []R, tail string, each func(*sql.Rows) error) (int64, error) {
	conn, ok := tx.Get(settingConn)
	if !ok {
		return 0, errors.New("copy rows: not in a transaction of this store")
	}
	values := &copied[R]{ctx: ctx, columns: c, rows: rows}
	err := conn.(*sql.Conn).Raw(func(driverConn any) error {
		pg := driverConn.(interface{ Conn() *pgx.Conn }).Conn()
		if _, err := pg.Exec(ctx, c.staging()); err != nil {
			return err
		}
		names := make([]string, len(c.fields))
		for i, f := range c.fields {
			names[i] = f.DBName
		}
		_, err := pg.CopyFrom(ctx, pgx.Identifier{c.staged()}, names, values)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("copy rows: %w", err)
	}
	return run(ctx, tx, `INSERT INTO "`+c.table+`" (`+c.names+`) SELECT `+c.names+` FROM "`+c.staged()+`" `+tail, nil, each)
}

func (c columns) staged() string { return "staged_" + c.table }

// staging makes the table that rows are copied into, empty. A transaction may have used it before.
func (c columns) staging() string {
	var b strings.Builder
	fmt.Fprintf(&b, `CREATE TEMPORARY TABLE IF NOT EXISTS "%s" ON COMMIT DELETE ROWS AS SELECT %s FROM "%s" WITH NO DATA; DELETE FROM "%s"`,
		c.staged(), c.names, c.table, c.staged())
	return b.String()
}

// copied gives the values of rows one by one.
type copied[R any] struct {
	ctx     context.Context
	columns columns
	rows    []R
	values  []any
}

func (c *copied[R]) Next() bool {
	if len(c.rows) == 0 {
		return false
	}
	c.values = appendValues(c.ctx, c.values[:0], c.columns, &c.rows[0])
	c.rows = c.rows[1:]
	return true
}

func (c *copied[R]) Values() ([]any, error) {
	for i, v := range c.values {
		valuer, ok := v.(driver.Valuer)
		if !ok {
			continue
		}
		var err error
		if c.values[i], err = valuer.Value(); err != nil {
			return nil, fmt.Errorf("column %s: %w", c.columns.fields[i].DBName, err)
		}
	}
	return c.values, nil
}

func (c *copied[R]) Err() error { return nil }
