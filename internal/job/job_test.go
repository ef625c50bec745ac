package job

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/wardline/wardline/internal/risk"
)

// patience bounds every wait; a test that passes never uses it up.
const patience = time.Minute

// place is a database to keep jobs in.
type place struct{ dialect, dsn string }

func sqlitePlace(t *testing.T) place {
	return place{dialectSQLite, filepath.Join(t.TempDir(), "jobs.db")}
}

func (p place) open() (*sql.DB, error) {
	if p.dialect == dialectPostgres {
		config, err := pgx.ParseConfig(p.dsn)
		if err != nil {
			return nil, err
		}
		return stdlib.OpenDB(*config), nil
	}
	query := url.Values{"_txlock": {"immediate"}, "_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(NORMAL)"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: p.dsn, RawQuery: query.Encode()}).String())
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

func (p place) migrated(t *testing.T) *sql.DB {
	t.Helper()
	db, err := p.open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := Migrate(t.Context(), db, p.dialect); err != nil {
		t.Fatal(err)
	}
	return db
}

func (p place) options(db *sql.DB) Options {
	return Options{DB: db, Dialect: p.dialect, DSN: p.dsn, Queues: []string{QueueCollect, QueueWork}}
}

// bodies are the tests that both databases must pass.
var bodies = map[string]func(t *testing.T, p place, db *sql.DB){
	"jobs live and die with their transaction":       testTransaction,
	"a job that is there already is left alone":      testUnique,
	"a panic ends its own job only":                  testPanic,
	"schedules begin at once":                        testSchedules,
	"stopping lets jobs finish":                      testDrain,
	"stopping ends jobs that take too long":          testHardStop,
	"a killed process's jobs go on under its name":   testKilled,
	"a killed process's jobs are rescued by another": testRescued,
}

func TestSQLite(t *testing.T) {
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			p := sqlitePlace(t)
			body(t, p, p.migrated(t))
		})
	}
}

// reported are workers that tell what they were called with.
func reported(said chan string) Workers {
	say := func(ctx context.Context, format string, args ...any) error {
		select {
		case said <- fmt.Sprintf(format, args...):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return Workers{
		Collect:  func(ctx context.Context, key string) error { return say(ctx, "collect %s", key) },
		ScanFile: func(ctx context.Context, key, path string) error { return say(ctx, "scan %s %s", key, path) },
		Rescore:  func(ctx context.Context, id int64) error { return say(ctx, "rescore %d", id) },
		SendMail: func(ctx context.Context, id int64) error { return say(ctx, "mail %d", id) },
		Decide:   func(ctx context.Context) error { return say(ctx, "decide") },
	}
}

func start(t *testing.T, o Options, w Workers) *Client {
	t.Helper()
	c, err := New(o, w)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := c.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return c
}

func next[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func count(t *testing.T, db *sql.DB, where string) int {
	t.Helper()
	var n int
	if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM river_job WHERE "+where).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

var oneOfEach = []risk.Job{
	{Kind: risk.JobCollect, SourceKey: "paste-p01"},
	{Kind: risk.JobScanFile, SourceKey: "drop", Path: "a/caf\xe9\n.txt"}, // a name is bytes, not text
	{Kind: risk.JobRescore, SupplierID: 3},
	{Kind: risk.JobSendMail, MessageID: 7},
	{Kind: risk.JobDecide},
}

func testTransaction(t *testing.T, p place, db *sql.DB) {
	inserter, err := New(Options{DB: db, Dialect: p.dialect}, Workers{})
	if err != nil {
		t.Fatal(err)
	}
	for _, keep := range []bool{false, true} {
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := inserter.InsertTx(t.Context(), tx, oneOfEach...); err != nil {
			t.Fatal(err)
		}
		if !keep {
			err = tx.Rollback()
		} else {
			err = tx.Commit()
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, want := count(t, db, "1 = 1"), map[bool]int{false: 0, true: len(oneOfEach)}[keep]; got != want {
			t.Fatalf("kept %v: %d jobs, want %d", keep, got, want)
		}
	}
	said := make(chan string)
	start(t, p.options(db), reported(said))
	got := map[string]bool{}
	for range oneOfEach {
		got[next(t, said)] = true
	}
	for _, want := range []string{"collect paste-p01", "scan drop a/caf\xe9\n.txt", "rescore 3", "mail 7", "decide"} {
		if !got[want] {
			t.Errorf("no worker was called with %q; calls: %v", want, got)
		}
	}
	if err := inserter.Insert(t.Context(), risk.Job{Kind: "brew"}); err == nil {
		t.Error("a job of no known kind was taken")
	}
	if err := inserter.Start(t.Context()); err == nil {
		t.Error("a client without queues started")
	}
}

func testUnique(t *testing.T, p place, db *sql.DB) {
	c, err := New(Options{DB: db, Dialect: p.dialect}, Workers{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.Insert(t.Context(), oneOfEach...); err != nil {
			t.Fatal(err)
		}
	}
	more := []risk.Job{{Kind: risk.JobCollect, SourceKey: "forum-f07"}, {Kind: risk.JobScanFile, SourceKey: "drop", Path: "c"}, {Kind: risk.JobSendMail, MessageID: 8}}
	if err := c.Insert(t.Context(), more...); err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[risk.JobKind]int{risk.JobCollect: 2, risk.JobScanFile: 2, risk.JobSendMail: 2, risk.JobRescore: 2, risk.JobDecide: 1} {
		if got := count(t, db, "kind = '"+string(kind)+"'"); got != want {
			t.Errorf("%d jobs of kind %s, want %d", got, kind, want)
		}
	}
	// Done is not in the way of doing it again.
	said := make(chan string)
	worker := start(t, p.options(db), reported(said))
	for range 9 {
		next(t, said)
	}
	waitFor(t, func() bool { return count(t, db, "state = 'completed'") == 9 })
	if err := worker.Insert(t.Context(), oneOfEach[0]); err != nil {
		t.Fatal(err)
	}
	if got := next(t, said); got != "collect paste-p01" {
		t.Errorf("worked %q", got)
	}
}

// waitFor looks until the database says so.
func waitFor(t *testing.T, so func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	over := time.After(patience)
	for !so() {
		select {
		case <-tick.C:
		case <-over:
			t.Fatal("it did not come to be")
		}
	}
}

func testPanic(t *testing.T, p place, db *sql.DB) {
	said := make(chan string)
	w := reported(said)
	first := true
	w.Rescore = func(context.Context, int64) error {
		if first {
			first = false
			panic("a bug")
		}
		said <- "second try"
		return nil
	}
	c := start(t, p.options(db), w)
	if err := c.Insert(t.Context(), oneOfEach[2]); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return count(t, db, "errors IS NOT NULL") == 1 })
	if err := c.Insert(t.Context(), oneOfEach[3]); err != nil {
		t.Fatal(err)
	}
	if got := next(t, said); got != "mail 7" {
		t.Errorf("worked %q", got)
	}
	if got := next(t, said); got != "second try" {
		t.Errorf("worked %q", got)
	}
}

func testSchedules(t *testing.T, p place, db *sql.DB) {
	said := make(chan string)
	o := p.options(db)
	o.Schedules = []Schedule{
		{Key: "collect:paste-p01", Every: time.Hour, Job: oneOfEach[0]},
		{Key: "outbox", Every: time.Second, Job: risk.Job{Kind: risk.JobSendMail}},
	}
	start(t, o, reported(said))
	got := map[string]int{}
	for got["mail 0"] < 2 || got["collect paste-p01"] < 1 {
		got[next(t, said)]++
	}
	if got["collect paste-p01"] != 1 {
		t.Errorf("the hourly job ran %d times", got["collect paste-p01"])
	}
	o.Schedules = []Schedule{{Key: "hectic", Every: time.Millisecond, Job: oneOfEach[0]}}
	if _, err := New(o, reported(said)); err == nil {
		t.Error("a schedule of every millisecond was taken")
	}
}

// held are workers whose collect job begins, and ends when it is told to or when its context does.
func held() (w Workers, began chan string, end chan struct{}, ended chan error) {
	began, end, ended = make(chan string, 1), make(chan struct{}), make(chan error, 1)
	w = reported(make(chan string))
	w.Collect = func(ctx context.Context, key string) error {
		began <- key
		select {
		case <-end:
			ended <- ctx.Err()
		case <-ctx.Done():
			ended <- ctx.Err()
		}
		return ctx.Err()
	}
	return w, began, end, ended
}

// waiting is a context that tells when somebody waits for its end.
type waiting struct {
	context.Context
	said chan string
}

func (w waiting) Done() <-chan struct{} {
	w.said <- "waiting"
	return w.Context.Done()
}

func testDrain(t *testing.T, p place, db *sql.DB) {
	w, began, end, ended := held()
	c := start(t, p.options(db), w)
	if err := c.Insert(t.Context(), oneOfEach[0]); err != nil {
		t.Fatal(err)
	}
	next(t, began)
	stopped := make(chan error)
	waits := waiting{context.WithoutCancel(t.Context()), make(chan string, 100)}
	go func() { stopped <- c.Stop(waits) }()
	next(t, waits.said) // from here on a job that is to be cut short has been
	select {
	case err := <-stopped:
		t.Fatalf("stopped with a job running: %v", err)
	case err := <-ended:
		t.Fatalf("the job was cut short: %v", err)
	case end <- struct{}{}:
	}
	if err := next(t, ended); err != nil {
		t.Errorf("the job was cut short: %v", err)
	}
	if err := next(t, stopped); err != nil {
		t.Error(err)
	}
	if got := count(t, db, "state = 'completed'"); got != 1 {
		t.Errorf("%d jobs completed, want 1", got)
	}
}

func testHardStop(t *testing.T, p place, db *sql.DB) {
	w, began, _, ended := held()
	c := start(t, p.options(db), w)
	if err := c.Insert(t.Context(), oneOfEach[0]); err != nil {
		t.Fatal(err)
	}
	next(t, began)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Stop(over); err != nil {
		t.Error(err)
	}
	if err := next(t, ended); !errors.Is(err, context.Canceled) {
		t.Errorf("the job ended with %v, want its context's end", err)
	}
	if got := count(t, db, "state IN ('available', 'retryable')"); got != 1 {
		t.Errorf("%d jobs wait to be tried again, want 1", got)
	}
}

// childEnv makes the test binary a process that takes jobs and never finishes them.
const childEnv = "WARDLINE_TEST_JOB_CHILD"

func TestMain(m *testing.M) {
	if said := os.Getenv(childEnv); said != "" {
		dialect, dsn, _ := strings.Cut(said, " ")
		if err := child(place{dialect, dsn}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func child(p place) error {
	db, err := p.open()
	if err != nil {
		return err
	}
	w, began, _, _ := held()
	o := p.options(db)
	o.ClientID = "killed"
	c, err := New(o, w)
	if err != nil {
		return err
	}
	if err := c.Start(context.Background()); err != nil {
		return err
	}
	fmt.Println(<-began)
	select {}
}

// killMidJob lets another process take the one job there is, and kills it.
func killMidJob(t *testing.T, p place, db *sql.DB) {
	t.Helper()
	c, err := New(Options{DB: db, Dialect: p.dialect}, Workers{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Insert(t.Context(), oneOfEach[0]); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+p.dialect+" "+p.dsn)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, readErr := bufio.NewReader(out).ReadString('\n')
	killErr := cmd.Process.Kill() // SIGKILL
	_ = cmd.Wait()                // says that it was killed
	if err := errors.Join(readErr, killErr); err != nil || line != "paste-p01\n" {
		t.Fatalf("the child said %q: %v", line, err)
	}
	if got := count(t, db, "state = 'running'"); got != 1 {
		t.Fatalf("%d jobs left running, want 1", got)
	}
}

func testKilled(t *testing.T, p place, db *sql.DB) {
	killMidJob(t, p, db)
	said := make(chan string)
	o := p.options(db)
	o.ClientID = "killed"
	start(t, o, reported(said))
	if got := next(t, said); got != "collect paste-p01" {
		t.Errorf("worked %q", got)
	}
	waitFor(t, func() bool { return count(t, db, "state = 'completed' AND attempt = 1") == 1 })
}

func testRescued(t *testing.T, p place, db *sql.DB) {
	killMidJob(t, p, db)
	// An hour passes: the dead process's lease on leading ends, and the job's time limit is over.
	past := map[string]string{
		dialectSQLite:   "UPDATE river_job SET attempted_at = datetime('now', '-1 hour')",
		dialectPostgres: "UPDATE river_job SET attempted_at = now() - interval '1 hour'",
	}
	for _, q := range []string{past[p.dialect], "DELETE FROM river_leader"} {
		if _, err := db.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	said := make(chan string)
	o := p.options(db)
	o.ClientID, o.RescueAfter = "other", 20*time.Minute
	start(t, o, reported(said))
	if got := next(t, said); got != "collect paste-p01" {
		t.Errorf("worked %q", got)
	}
}
