package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gormpostgres "gorm.io/driver/postgres"
	gormsqlite "gorm.io/driver/sqlite"
	"gorm.io/gorm"

	"github.com/wardline/wardline/internal/risk"
)

func init() { bodies["any call to the database may fail"] = testFaults }

var errFault = errors.New("the database failed, as it was told to")

// faults lets the n-th call to the database fail: before it does anything, or, for a commit, after it has done all.
type faults struct {
	calls atomic.Int64
	at    atomic.Int64 // 0 = never
	lost  atomic.Bool  // only the answer to a commit is lost

	mu      sync.Mutex
	commits map[int]bool // the calls that were commits
}

func (f *faults) arm(n int, lost bool) {
	f.calls.Store(0)
	f.mu.Lock()
	f.commits = map[int]bool{}
	f.mu.Unlock()
	f.lost.Store(lost)
	f.at.Store(int64(n))
}

func (f *faults) strike() error {
	if f.calls.Add(1) == f.at.Load() && !f.lost.Load() {
		return errFault
	}
	return nil
}

// faultyConnector gives connections of the database's own driver that fail on order.
type faultyConnector struct {
	under  driver.Driver
	dsn    string
	faults *faults
}

func (c faultyConnector) Driver() driver.Driver { return c.under }

func (c faultyConnector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.under.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	return &faultyConn{conn, c.faults}, nil
}

type faultyConn struct {
	driver.Conn
	faults *faults
}

func (c *faultyConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if err := c.faults.strike(); err != nil {
		return nil, err
	}
	tx, err := c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
	return faultyTx{tx, c.faults}, err
}

func (c *faultyConn) ExecContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.faults.strike(); err != nil {
		return nil, err
	}
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, q, args)
}

func (c *faultyConn) QueryContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.faults.strike(); err != nil {
		return nil, err
	}
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, q, args)
}

func (c *faultyConn) PrepareContext(ctx context.Context, q string) (driver.Stmt, error) {
	if err := c.faults.strike(); err != nil {
		return nil, err
	}
	stmt, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, q)
	return &faultyStmt{stmt, c.faults}, err
}

type faultyStmt struct {
	driver.Stmt
	faults *faults
}

func (s *faultyStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if err := s.faults.strike(); err != nil {
		return nil, err
	}
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

// CheckNamedValue lets PostgreSQL's driver take the arrays that it knows.
func (c *faultyConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.Conn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

type faultyTx struct {
	driver.Tx
	faults *faults
}

func (t faultyTx) Commit() error {
	if err := t.faults.strike(); err != nil {
		return errors.Join(err, t.Rollback())
	}
	t.faults.mu.Lock()
	t.faults.commits[int(t.faults.calls.Load())] = true
	t.faults.mu.Unlock()
	err := t.Tx.Commit()
	if err == nil && t.faults.lost.Load() && t.faults.calls.Load() == t.faults.at.Load() {
		return errFault
	}
	return err
}

// faulty makes a store's write handle fail on order.
func faulty(t *testing.T, s *Store) *faults {
	t.Helper()
	f := &faults{commits: map[int]bool{}}
	connector := faultyConnector{under: s.writeDB.Driver(), faults: f}
	if s.dialect == dialectPostgres {
		connector.dsn = postgresDSN(t, s)
	} else {
		connector.dsn = sqliteWriteDSN(databaseFile(t, s))
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	var dialector gorm.Dialector = modernc{gormsqlite.Dialector{Conn: db}}
	if s.dialect == dialectPostgres {
		dialector = gormpostgres.New(gormpostgres.Config{Conn: db})
	}
	writer, err := gorm.Open(dialector, gormConfig())
	if err != nil {
		t.Fatal(err)
	}
	s.writer = writer
	return f
}

func databaseFile(t *testing.T, s *Store) (path string) {
	t.Helper()
	if err := s.readDB.QueryRowContext(t.Context(), "SELECT file FROM pragma_database_list").Scan(&path); err != nil {
		t.Fatal(err)
	}
	return path
}

func postgresDSN(t *testing.T, s *Store) (dsn string) {
	t.Helper()
	err := s.readDB.QueryRowContext(t.Context(), `SELECT 'user=' || current_user || ' dbname=' || current_database() || ' port=' || current_setting('port')
		|| ' host=' || COALESCE(host(inet_server_addr()), split_part(current_setting('unix_socket_directories'), ',', 1)) || ' sslmode=disable'`).Scan(&dsn)
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

// stages are what a finding goes through, from the page to the mail. Each must be able to be run again.
func stages(t *testing.T, s *Store, src risk.Source, suppliers []risk.Supplier) []func() error {
	ctx := t.Context()
	first := batchOf(src, finding(suppliers[0].ID, "f1", "a"), finding(suppliers[1].ID, "f2", "a"), finding(suppliers[0].ID, "f1", "b"))
	mild := finding(suppliers[0].ID, "f3", "a")
	mild.Exposure.Severity = risk.SeverityMedium
	first.Findings = append(first.Findings, mild)
	worse := finding(suppliers[0].ID, "f3", "b")
	second := batchOf(src, worse, finding(suppliers[1].ID, "f4", "a"), finding(suppliers[1].ID, "f2", "c"))
	second.Capture, second.Marks = nil, nil
	second.File = &risk.File{Path: "dump.txt", Bytes: 9, Read: 9, State: risk.FileDone, Started: clock}
	second.DecideBy = clock.Add(time.Minute)
	run := risk.SourceRun{SourceID: src.ID, Started: clock, Finished: clock.Add(time.Second), State: risk.StateHealthy, Report: risk.CrawlReport{Pages: 2, New: 1}, Matched: 3}
	record := func(b risk.Batch) func() error {
		return func() error { _, err := s.Record(ctx, b, alertEach); return err }
	}
	now := clock.Add(time.Minute)
	var sending []risk.Message
	return []func() error{
		func() error { return s.StartRun(ctx, src.ID, clock) },
		record(first),
		record(second),
		func() error { return s.Rescore(ctx, suppliers[0].ID, now, alertEach) },
		func() error { return s.FinishRun(ctx, run) },
		func() error {
			ids, err := s.DueMessages(ctx, now, 2)
			for _, id := range ids {
				m, claimed, claimErr := s.ClaimMessage(ctx, id, now)
				if claimed && claimErr == nil {
					sending = append(sending, m)
				}
				err = errors.Join(err, claimErr)
			}
			now = now.Add(2*claimHolds + time.Second) // a claim that was lost is taken over then
			return err
		},
		func() error {
			var failed error
			for _, m := range sending {
				m.State, m.Sent, m.Attempts = risk.MessageSent, clock.Add(2*time.Minute), 1
				if err := s.FinishMessage(ctx, m); !errors.Is(err, risk.ErrConflict) { // conflict: it is recorded already
					failed = errors.Join(failed, err)
				}
			}
			return failed
		},
	}
}

// again runs what failed once more, as its job would.
func again(t *testing.T, do func() error) {
	t.Helper()
	err := do()
	if err == nil {
		return
	}
	if !errors.Is(err, errFault) {
		t.Fatal(err)
	}
	if err := do(); err != nil {
		t.Fatalf("the retry: %v", err)
	}
}

// whatIs is all that the stages left, without what numbers and retries may differ in: ids, and how often a page was
// captured or a supplier scored.
func whatIs(t *testing.T, s *Store) string {
	t.Helper()
	var out strings.Builder
	for _, q := range []string{
		"SELECT fingerprint || ' ' || severity || ' ' || sightings || ' ' || version || ' ' || due || ' ' || last_seen FROM exposures ORDER BY 1",
		"SELECT fingerprint || ' ' || key FROM sightings JOIN exposures ON exposures.id = exposure_id ORDER BY 1",
		"SELECT fingerprint || ' ' || what || ' ' || detail || ' ' || at FROM exposure_events JOIN exposures ON exposures.id = exposure_id ORDER BY 1",
		"SELECT alerts.key || ' ' || fingerprint FROM alerts JOIN alert_exposures ON alert_id = alerts.id JOIN exposures ON exposures.id = alert_exposures.exposure_id ORDER BY 1",
		"SELECT key || ' ' || state || ' ' || attempts || ' ' || COALESCE(sent, 0) FROM messages ORDER BY 1",
		"SELECT DISTINCT suppliers.name || ' ' || number || ' ' || (SELECT COUNT(*) FROM contributions WHERE score_id = scores.id) || ' ' || at FROM scores JOIN suppliers ON suppliers.id = supplier_id ORDER BY 1",
		"SELECT key || ' ' || marker FROM marks ORDER BY 1",
		"SELECT DISTINCT url FROM captures ORDER BY 1",
		"SELECT path || ' ' || state || ' ' || read FROM files ORDER BY 1",
		"SELECT state || ' ' || failures || ' ' || collecting || ' ' || last_success FROM source_health ORDER BY 1",
		"SELECT runs || ' ' || fetched || ' ' || matched FROM source_days ORDER BY 1",
		"SELECT name FROM undecided JOIN suppliers ON suppliers.id = supplier_id ORDER BY 1",
	} {
		var lines []string
		if err := s.reader.Raw(q).Scan(&lines).Error; err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&out, strings.Join(lines, "\n"))
	}
	kinds := map[risk.JobKind]int{}
	for _, j := range queued(t, s) {
		kinds[j.Kind]++
	}
	fmt.Fprintln(&out, kinds)
	return out.String()
}

// wipe empties every table, so that each run begins alike.
func wipe(t *testing.T, s *Store) {
	t.Helper()
	var tables []string
	for i := len(allRows) - 1; i >= 0; i-- {
		tables = append(tables, allRows[i].(interface{ TableName() string }).TableName())
	}
	tables = append(tables, "test_jobs")
	ctx := t.Context()
	if s.dialect == dialectPostgres {
		if _, err := s.writeDB.ExecContext(ctx, "TRUNCATE "+strings.Join(tables, ", ")+" RESTART IDENTITY"); err != nil {
			t.Fatal(err)
		}
		return
	}
	conn := must(s.writeDB.Conn(ctx))(t)
	defer func() { _ = conn.Close() }()
	statements := []string{"PRAGMA foreign_keys = 0", "BEGIN"}
	for _, table := range tables {
		statements = append(statements, "DELETE FROM "+table)
	}
	for _, q := range append(statements, "DELETE FROM sqlite_sequence", "COMMIT", "PRAGMA foreign_keys = 1") {
		if _, err := conn.ExecContext(ctx, q); err != nil {
			t.Fatal(err)
		}
	}
}

// testFaults lets each call to the database fail in turn and each answer to a commit be lost: what fails is run again,
// and all ends as if nothing had been.
func testFaults(t *testing.T, s *Store) {
	f := faulty(t, s)
	through := func(n int, lost bool) (after string) {
		wipe(t, s)
		src, sup := watch(t, s)
		other := must(s.CreateSupplier(t.Context(), risk.Supplier{Name: "Other", Relation: risk.ThirdParty, Owner: risk.Person{Name: "Pia", Email: "pia@hospital.example"}}))(t)
		f.arm(n, lost)
		for _, stage := range stages(t, s, src, []risk.Supplier{sup, other}) {
			again(t, stage)
		}
		return whatIs(t, s)
	}
	want := through(0, false)
	calls, commits := int(f.calls.Load()), f.commits
	if calls < 60 || strings.Count(want, " sent ") != 2 {
		t.Fatalf("%d calls, too little to tell:\n%s", calls, want)
	}
	t.Logf("%d calls, %d of them commits", calls, len(commits))
	for n := 1; n <= calls; n++ {
		if got := through(n, false); got != want {
			t.Fatalf("call %d fails:\n%s\nundisturbed:\n%s", n, got, want)
		}
		if commits[n] {
			if got := through(n, true); got != want {
				t.Fatalf("the answer to call %d is lost:\n%s\nundisturbed:\n%s", n, got, want)
			}
		}
	}
}
