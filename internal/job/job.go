// Package job owns the work queue: River on the store's own database handle, so that a job is inserted in the same
// transaction as the rows that call for it. It knows the kinds of work, how long each may take and how often, and the
// schedules; what the work is, its caller says.
package job

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/wardline/wardline/internal/risk"
)

// Workers do the work. Each may be called again for the same job after a crash, so each must be able to run twice.
type Workers struct {
	Collect  func(ctx context.Context, sourceKey string) error
	ScanFile func(ctx context.Context, sourceKey, path string) error
	Rescore  func(ctx context.Context, supplierID int64) error // 0 = all
	SendMail func(ctx context.Context, messageID int64) error  // 0 = all that are due
	Decide   func(ctx context.Context) error                   // about suppliers whose decision was put off
	Hunt     func(ctx context.Context) error                   // for terms that were added since dumps were read
}

// Schedule says that a job comes round: once when a process takes over the schedules, then every so often.
type Schedule struct {
	Key   string // names it in errors
	Every time.Duration
	Job   risk.Job
}

// Options of a Client.
type Options struct {
	DB      *sql.DB // the store's write handle
	Dialect string  // "sqlite" or "postgres"
	DSN     string  // on PostgreSQL, for the one connection that listens for new jobs; "" = look twice a second
	// ClientID names this process. No two running processes may share it; a process that takes over the name of a
	// killed one takes over its jobs too. "" = a name nobody had.
	ClientID  string
	Queues    []string // to work: QueueCollect, QueueWork; none = insert only
	Schedules []Schedule
	// RescueAfter is when a running job of another process is taken for abandoned, if its own time limit is over too.
	// 0 = an hour.
	RescueAfter time.Duration
	Log         *slog.Logger
}

// Queues: what meets hostile pages is kept apart from the rest.
const (
	QueueCollect = "collect"
	QueueWork    = "work"
	queueScan    = "scan" // part of QueueWork with slots of its own, so that long scans leave room for mail
	queueHunt    = "hunt" // another part: a new supplier does not wait for scans
)

const (
	dialectSQLite   = "sqlite"
	dialectPostgres = "postgres"
)

// softStop is how long running jobs may go on when the client stops; then their contexts end.
const softStop = 20 * time.Second

// Client inserts jobs and, when it has queues, works them.
type Client struct {
	river    *river.Client[*sql.Tx]
	listener *pgxpool.Pool // nil = none
	options  Options
}

// Migrate brings the queue's tables to the newest version.
func Migrate(ctx context.Context, db *sql.DB, dialect string) error {
	driver, err := newDriver(db, dialect, nil)
	if err != nil {
		return err
	}
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("migrate job queue: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate job queue: %w", err)
	}
	return nil
}

// New makes a client; Start lets it work.
func New(o Options, w Workers) (*Client, error) { return newClient(o, w, limits) }

func newClient(o Options, w Workers, limits map[risk.JobKind]time.Duration) (*Client, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	c := &Client{options: o}
	if o.Dialect == dialectPostgres && o.DSN != "" && len(o.Queues) > 0 {
		var err error
		if c.listener, err = newListener(o.DSN); err != nil {
			return nil, err
		}
	}
	driver, err := newDriver(o.DB, o.Dialect, c.listener)
	if err != nil {
		return nil, c.closeAfter(err)
	}
	config, err := newConfig(o, w, limits)
	if err != nil {
		return nil, c.closeAfter(err)
	}
	if c.river, err = river.NewClient(driver, config); err != nil {
		return nil, c.closeAfter(fmt.Errorf("make job client: %w", err))
	}
	return c, nil
}

func newDriver(db *sql.DB, dialect string, listener *pgxpool.Pool) (riverdriver.Driver[*sql.Tx], error) {
	switch {
	case dialect == dialectSQLite:
		return riversqlite.New(db), nil
	case dialect == dialectPostgres && listener != nil:
		return riverdatabasesql.NewWithPgxListener(db, listener), nil
	case dialect == dialectPostgres:
		return riverdatabasesql.New(db), nil
	}
	return nil, fmt.Errorf("make job client: %q is not a dialect", dialect)
}

// newListener is a pool of the one connection that hears of new jobs; River takes that out of it for good.
func newListener(dsn string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("listen for jobs: %w", err)
	}
	config.MinConns, config.MaxConns = 0, 1
	pool, err := pgxpool.NewWithConfig(context.Background(), config) // connects when River asks, not now
	if err != nil {
		return nil, fmt.Errorf("listen for jobs: %w", err)
	}
	return pool, nil
}

func newConfig(o Options, w Workers, limits map[risk.JobKind]time.Duration) (*river.Config, error) {
	config := &river.Config{ID: o.ClientID, Logger: slog.New(warnings{o.Log.Handler()}), JobTimeout: -1} // every kind has a limit of its own
	if len(o.Queues) == 0 {
		return config, nil
	}
	config.Queues = map[string]river.QueueConfig{}
	for _, name := range o.Queues {
		config.Queues[name] = river.QueueConfig{MaxWorkers: 8}
		if name == QueueWork {
			config.Queues[queueScan] = river.QueueConfig{MaxWorkers: 2}
			config.Queues[queueHunt] = river.QueueConfig{MaxWorkers: 1}
		}
	}
	config.FetchPollInterval = 500 * time.Millisecond
	config.RescueStuckJobsAfter = o.RescueAfter
	config.SoftStopTimeout = softStop
	config.Workers = newWorkers(w, limits)
	for _, s := range o.Schedules {
		periodic, err := s.periodic()
		if err != nil {
			return nil, err
		}
		config.PeriodicJobs = append(config.PeriodicJobs, periodic)
	}
	return config, nil
}

func (s Schedule) periodic() (*river.PeriodicJob, error) {
	if s.Every < time.Second {
		return nil, fmt.Errorf("schedule %s: every %s is more often than once a second", s.Key, s.Every)
	}
	args, opts, err := insertion(s.Job)
	if err != nil {
		return nil, fmt.Errorf("schedule %s: %w", s.Key, err)
	}
	return river.NewPeriodicJob(river.PeriodicInterval(s.Every), func() (river.JobArgs, *river.InsertOpts) {
		return args, opts
	}, &river.PeriodicJobOpts{RunOnStart: true}), nil
}

// InsertTx puts jobs into the queue in tx. A job that is there already, where its kind is there once, is left alone.
func (c *Client) InsertTx(ctx context.Context, tx *sql.Tx, jobs ...risk.Job) error {
	return c.insert(jobs, func(p []river.InsertManyParams) error {
		_, err := c.river.InsertManyTx(ctx, tx, p)
		return err
	})
}

// Insert puts jobs into the queue.
func (c *Client) Insert(ctx context.Context, jobs ...risk.Job) error {
	return c.insert(jobs, func(p []river.InsertManyParams) error {
		_, err := c.river.InsertMany(ctx, p)
		return err
	})
}

func (c *Client) insert(jobs []risk.Job, insert func([]river.InsertManyParams) error) error {
	if len(jobs) == 0 {
		return nil
	}
	params := make([]river.InsertManyParams, len(jobs))
	for i, j := range jobs {
		args, opts, err := insertion(j)
		if err != nil {
			return err
		}
		params[i] = river.InsertManyParams{Args: args, InsertOpts: opts}
	}
	if err := insert(params); err != nil {
		return fmt.Errorf("insert %d jobs: %w", len(jobs), err)
	}
	return nil
}

// Start takes over what a killed process of the same name left running and begins to work. When ctx ends, so do the
// jobs; to let them finish, Stop.
func (c *Client) Start(ctx context.Context) error {
	if len(c.options.Queues) == 0 {
		return errors.New("start jobs: no queue to work")
	}
	if err := c.takeOver(ctx); err != nil {
		return err
	}
	if err := c.river.Start(ctx); err != nil {
		return fmt.Errorf("start jobs: %w", err)
	}
	return nil
}

// takeOver makes the jobs of this process's killed predecessor available at once, as if that attempt had never been:
// the rescuer would wait until their time limit is over, which for a scan is hours.
func (c *Client) takeOver(ctx context.Context) error {
	if c.options.ClientID == "" {
		return nil
	}
	orphans := `UPDATE river_job SET state = 'available', attempt = MAX(attempt - 1, 0)
		WHERE state = 'running' AND json_extract(attempted_by, '$[#-1]') = ?`
	if c.options.Dialect == dialectPostgres {
		orphans = `UPDATE river_job SET state = 'available', attempt = GREATEST(attempt - 1, 0)
			WHERE state = 'running' AND attempted_by[array_upper(attempted_by, 1)] = $1`
	}
	res, err := c.options.DB.ExecContext(ctx, orphans, c.options.ClientID)
	if err != nil {
		return fmt.Errorf("take over jobs of %s: %w", c.options.ClientID, err)
	}
	if n, err := res.RowsAffected(); err == nil && n > 0 {
		c.options.Log.InfoContext(ctx, "jobs of a killed process taken over", slog.Int64("jobs", n))
	}
	return nil
}

// Stop takes no further jobs and waits for those that run. After twenty seconds, or when ctx ends, their contexts end
// too; what does not finish then is tried again later. It returns when nothing runs any more.
func (c *Client) Stop(ctx context.Context) error {
	err := c.river.Stop(ctx)
	if err != nil {
		// ctx is over: jobs that obey their context end now. One that does not must not keep the process for ever.
		hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err = c.river.StopAndCancel(hard)
	}
	if c.listener != nil {
		c.listener.Close()
	}
	if err != nil {
		return fmt.Errorf("stop jobs: %w", err)
	}
	return nil
}

func (c *Client) closeAfter(err error) error {
	if c.listener != nil {
		c.listener.Close()
	}
	return err
}

// warnings passes on what River warns of. What it says at lower levels is its own housekeeping, every few seconds;
// our workers log what they did themselves.
type warnings struct{ slog.Handler }

func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}

func (w warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{w.Handler.WithAttrs(attrs)}
}

func (w warnings) WithGroup(name string) slog.Handler { return warnings{w.Handler.WithGroup(name)} }
