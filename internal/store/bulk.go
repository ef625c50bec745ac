package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"
)

// maxRows bounds a statement of narrow rows.
const maxRows = 1_000

// insertRows inserts rows by a few large statements that end in tail, such as ON CONFLICT … DO NOTHING, and hands what RETURNING
// gives to each. gorm's own batch insert pairs returned ids with rows by position, which is wrong once a row was skipped.
func insertRows[R any](ctx context.Context, tx *gorm.DB, rows []R, tail string, each func(*sql.Rows) error) (int64, error) {
	if len(rows) == 0 {
		return 0, nil
	}
	columns, err := columnsOf(rows[0])
	if err != nil {
		return 0, err
	}
	insert := insertByRow[R]
	if tx.Name() == dialectPostgres {
		insert = insertIntoPostgres[R]
	}
	inserted, err := insert(ctx, tx, columns, rows, tail, each)
	if err != nil {
		return inserted, fmt.Errorf("insert into %s: %w", columns.table, tx.Dialector.(gorm.ErrorTranslator).Translate(err))
	}
	return inserted, nil
}

// rowsAtOnce bounds a statement of VALUES: many rows share one call, and few parameters are read fast.
const rowsAtOnce = 100

func insertByRow[R any](ctx context.Context, tx *gorm.DB, c columns, rows []R, tail string, each func(*sql.Rows) error) (int64, error) {
	var inserted int64
	args := make([]any, 0, min(rowsAtOnce, len(rows))*len(c.fields))
	for part := range slices.Chunk(rows, rowsAtOnce) {
		args = args[:0]
		for i := range part {
			args = appendValues(ctx, args, c, &part[i])
		}
		n, err := run(ctx, tx, c.statement(len(part), tail), args, each)
		inserted += n
		if err != nil {
			return inserted, err
		}
	}
	return inserted, nil
}

func insertIntoPostgres[R any](ctx context.Context, tx *gorm.DB, c columns, rows []R, tail string, each func(*sql.Rows) error) (int64, error) {
	if len(rows) >= copyFrom {
		return insertByCopy(ctx, tx, c, rows, tail, each)
	}
	return insertByColumn(ctx, tx, c, rows, tail, each)
}

func insertByColumn[R any](ctx context.Context, tx *gorm.DB, c columns, rows []R, tail string, each func(*sql.Rows) error) (int64, error) {
	values := make([]any, 0, len(rows)*len(c.fields))
	for i := range rows {
		values = appendValues(ctx, values, c, &rows[i])
	}
	arrays, err := c.arrays(values)
	if err != nil {
		return 0, err
	}
	return run(ctx, tx, c.arrayStatement(tail), arrays, each)
}

// newcomers are rows of which those are inserted whose key is not there yet. No two of them have the same key.
type newcomers[R any] struct {
	rows []R
	key  string // the columns of a unique index
	// there finds which rows are there already. SQLite needs it: within a write transaction nobody else adds any.
	there func(ctx context.Context, tx *gorm.DB) (map[int]bool, error)
	// which tells by its key which row PostgreSQL has inserted, and under what id.
	which func(*sql.Rows) (i int, id int64, err error)
	// inserted hears of each row that was.
	inserted func(i int, id int64)
}

func (n newcomers[R]) insert(ctx context.Context, tx *gorm.DB) error {
	if len(n.rows) == 0 {
		return nil
	}
	columns, err := columnsOf(n.rows[0])
	if err != nil {
		return err
	}
	if tx.Name() == dialectPostgres {
		tail := "ON CONFLICT (" + n.key + ") DO NOTHING RETURNING id, " + n.key
		_, err = insertIntoPostgres(ctx, tx, columns, n.rows, tail, func(returned *sql.Rows) error {
			i, id, err := n.which(returned)
			if err == nil {
				n.inserted(i, id)
			}
			return err
		})
	} else {
		err = n.insertTogether(ctx, tx, columns)
	}
	if err != nil {
		return fmt.Errorf("insert into %s: %w", columns.table, kind(tx.Dialector.(gorm.ErrorTranslator).Translate(err)))
	}
	return nil
}

// newcomersAtOnce is how many rows a prepared statement takes: to begin and end one costs as much as to insert a row.
const newcomersAtOnce = 50

// insertTogether is what SQLite does fastest: a few rows by one prepared statement, and no RETURNING, which gathers what it
// gives in a table. Rows of one statement are numbered one after the other.
func (n newcomers[R]) insertTogether(ctx context.Context, tx *gorm.DB, c columns) error {
	there, err := n.there(ctx, tx)
	if err != nil {
		return err
	}
	missing := make([]int, 0, len(n.rows)-len(there))
	for i := range n.rows {
		if !there[i] {
			missing = append(missing, i)
		}
	}
	whole := len(missing) / newcomersAtOnce * newcomersAtOnce
	if err := n.insertParts(ctx, tx, c, missing[:whole], newcomersAtOnce); err != nil {
		return err
	}
	return n.insertParts(ctx, tx, c, missing[whole:], len(missing)-whole)
}

// insertParts inserts rows, size of them at once.
func (n newcomers[R]) insertParts(ctx context.Context, tx *gorm.DB, c columns, rows []int, size int) error {
	if len(rows) == 0 {
		return nil
	}
	insert, err := tx.Statement.ConnPool.PrepareContext(ctx, c.statement(size, ""))
	if err != nil {
		return err
	}
	defer func() { _ = insert.Close() }() // it holds nothing
	// The driver watches a context that can end by a goroutine for each call.
	each := context.WithoutCancel(ctx)
	args := make([]any, 0, size*len(c.fields))
	for part := range slices.Chunk(rows, size) {
		if err := ctx.Err(); err != nil {
			return err
		}
		args = args[:0]
		for _, i := range part {
			args = appendValues(ctx, args, c, &n.rows[i])
		}
		res, err := insert.ExecContext(each, args...)
		if err != nil {
			return err
		}
		last, err := res.LastInsertId()
		if err != nil {
			return err
		}
		for j, i := range part {
			n.inserted(i, last-int64(len(part)-1-j))
		}
	}
	return nil
}

// valuer is a row that gives its columns' values in the order of its fields, without reflection.
type valuer interface{ appendValues([]any) []any }

func appendValues[R any](ctx context.Context, args []any, c columns, row *R) []any {
	if v, ok := any(row).(valuer); ok {
		return v.appendValues(args)
	}
	return c.appendValues(ctx, args, reflect.ValueOf(row).Elem())
}

// run executes one statement: for its rows when each is given, else for the number of rows that it changed.
func run(ctx context.Context, tx *gorm.DB, statement string, args []any, each func(*sql.Rows) error) (int64, error) {
	if each == nil {
		res, err := tx.Statement.ConnPool.ExecContext(ctx, statement, args...)
		if err != nil {
			return 0, err
		}
		return res.RowsAffected()
	}
	rows, err := tx.Statement.ConnPool.QueryContext(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	defer func() { _ = rows.Close() }() // Err has said all there is to say
	var n int64
	for ; rows.Next(); n++ {
		if err := each(rows); err != nil {
			return n, err
		}
	}
	return n, rows.Err()
}

// columns are those of a row struct that are written; an id that the database gives is not.
type columns struct {
	table  string
	names  string
	fields []*schema.Field
}

var (
	schemas    sync.Map // gorm's cache of parsed row structs
	columnsFor sync.Map // reflect.Type → columns
)

func columnsOf(row any) (columns, error) {
	t := reflect.TypeOf(row)
	if c, ok := columnsFor.Load(t); ok {
		return c.(columns), nil
	}
	parsed, err := schema.Parse(row, &schemas, schema.NamingStrategy{})
	if err != nil {
		return columns{}, fmt.Errorf("read row struct %T: %w", row, err)
	}
	c := columns{table: parsed.Table}
	var names []string
	for _, f := range parsed.Fields {
		if f.AutoIncrement || f.DBName == "" || !f.Creatable {
			continue
		}
		c.fields = append(c.fields, f)
		names = append(names, `"`+f.DBName+`"`)
	}
	c.names = strings.Join(names, ",")
	columnsFor.Store(t, c)
	return c, nil
}

func (c columns) appendValues(ctx context.Context, args []any, row reflect.Value) []any {
	for _, f := range c.fields {
		v, _ := f.ValueOf(ctx, row)
		args = append(args, v)
	}
	return args
}

// statement inserts rows by VALUES.
func (c columns) statement(rows int, tail string) string {
	row := "(" + strings.Repeat("?,", len(c.fields)-1) + "?),"
	values := strings.Repeat(row, rows)
	return `INSERT INTO "` + c.table + `" (` + c.names + `) VALUES ` + values[:len(values)-1] + " " + tail
}

// arrayStatement inserts rows on PostgreSQL, given as one array a column: the same short text for any number of rows,
// for which we spend a quarter less CPU than for VALUES with thousands of parameters.
func (c columns) arrayStatement(tail string) string {
	var arrays strings.Builder
	for i, f := range c.fields {
		if i > 0 {
			arrays.WriteByte(',')
		}
		writePlaceholder(&arrays, dialectPostgres, i+1)
		arrays.WriteString("::" + arrayType(f) + "[]")
	}
	return `INSERT INTO "` + c.table + `" (` + c.names + `) SELECT * FROM unnest(` + arrays.String() + `) ` + tail
}

// arrayType is the PostgreSQL type of a field's column.
func arrayType(f *schema.Field) string {
	switch f.DataType {
	case schema.Bool:
		return "bool"
	case schema.Int, schema.Uint:
		return "int8"
	case schema.Float:
		return "float8"
	case schema.Bytes:
		return "bytea"
	case schema.String:
		return "text"
	}
	return string(f.DataType) // json
}

// arrays turns values that stand row by row into one array a column.
func (c columns) arrays(values []any) ([]any, error) {
	n := len(c.fields)
	out := make([]any, n)
	for j, f := range c.fields {
		var err error
		switch arrayType(f) {
		case "bool":
			out[j], err = column[bool](values, j, n)
		case "int8":
			out[j], err = column[int64](values, j, n)
		case "float8":
			out[j], err = column[float64](values, j, n)
		case "bytea":
			out[j], err = column[[]byte](values, j, n)
		default:
			out[j], err = column[string](values, j, n)
		}
		if err != nil {
			return nil, fmt.Errorf("insert into %s: column %s: %w", c.table, f.DBName, err)
		}
	}
	return out, nil
}

// column picks every n-th value from the j-th on; nil stays NULL.
func column[T any](values []any, j, n int) ([]*T, error) {
	out := make([]*T, 0, len(values)/n)
	held := make([]T, 0, len(values)/n) // what out points to, in one piece
	for ; j < len(values); j += n {
		t, ok := values[j].(T)
		if !ok {
			v, err := driver.DefaultParameterConverter.ConvertValue(values[j])
			if err != nil {
				return nil, err
			}
			if v == nil {
				out = append(out, nil)
				continue
			}
			if t, ok = v.(T); !ok {
				return nil, fmt.Errorf("a %T where a %T belongs", v, t)
			}
		}
		held = append(held, t)
		out = append(out, &held[len(held)-1])
	}
	return out, nil
}

func writePlaceholder(b *strings.Builder, dialect string, n int) {
	if dialect != dialectPostgres {
		b.WriteByte('?')
		return
	}
	b.WriteByte('$')
	b.WriteString(strconv.Itoa(n))
}

// placeholders is a list for IN, such as (?,?,?).
func placeholders(dialect string, n int) string {
	var b strings.Builder
	b.WriteByte('(')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		writePlaceholder(&b, dialect, i+1)
	}
	b.WriteByte(')')
	return b.String()
}

// writeBigints writes one row of VALUES; PostgreSQL takes parameters there for text unless told otherwise.
func writeBigints(b *strings.Builder, dialect string, columns, from int) {
	b.WriteByte('(')
	for i := range columns {
		if i > 0 {
			b.WriteByte(',')
		}
		writePlaceholder(b, dialect, from+i)
		if dialect == dialectPostgres {
			b.WriteString("::bigint")
		}
	}
	b.WriteByte(')')
}
