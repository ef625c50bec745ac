package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"time"

	"github.com/wardline/wardline/internal/catalog"
	"github.com/wardline/wardline/internal/collect"
	"github.com/wardline/wardline/internal/config"
	"github.com/wardline/wardline/internal/dump"
	"github.com/wardline/wardline/internal/extract"
	"github.com/wardline/wardline/internal/job"
	"github.com/wardline/wardline/internal/mail"
	"github.com/wardline/wardline/internal/pipeline"
	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/score"
	"github.com/wardline/wardline/internal/seal"
	"github.com/wardline/wardline/internal/store"
)

// app holds what every command that touches the database needs.
type app struct {
	settings config.Settings
	log      *slog.Logger
	store    *store.Store
	now      func() time.Time
}

// openApp reads the settings and opens the database; the caller closes it.
func openApp(ctx context.Context) (*app, error) {
	settings, err := config.Read()
	if err != nil {
		return nil, err
	}
	return newApp(ctx, settings, systemNow)
}

// systemNow is the machine's clock; tests bring their own.
func systemNow() time.Time { return time.Now().UTC() }

func newApp(ctx context.Context, settings config.Settings, now func() time.Time) (*app, error) {
	if err := os.MkdirAll(settings.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	a := &app{settings: settings, log: newLog(settings), now: now}
	var err error
	a.store, err = store.Open(ctx, store.Options{DSN: settings.DatabaseURL, Log: a.log, Now: a.now})
	if err != nil {
		return nil, err
	}
	return a, nil
}

func (a *app) close() { _ = a.store.Close() }

func newLog(s config.Settings) *slog.Logger {
	options := &slog.HandlerOptions{Level: s.LogLevel}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options))
}

// withStore runs one command on a database whose schema is right, with a queue that takes jobs and works none.
func withStore(ctx context.Context, do func(*app) error) error {
	a, err := openApp(ctx)
	if err != nil {
		return err
	}
	defer a.close()
	if err := a.ready(ctx); err != nil {
		return err
	}
	queue, err := a.newJobs("", nil, nil, job.Workers{})
	if err != nil {
		return err
	}
	a.store.UseQueue(queue)
	return do(a)
}

// ready migrates the embedded database by itself; a database that other machines share is migrated by hand.
func (a *app) ready(ctx context.Context) error {
	if a.store.Dialect() == "sqlite" {
		return a.migrate(ctx)
	}
	_, pending, err := a.store.Migrations(ctx)
	if err != nil {
		return err
	}
	if pending > 0 {
		return fmt.Errorf("the database lacks %d migrations: stop all wardline processes and run `wardline migrate`", pending)
	}
	return nil
}

func (a *app) migrate(ctx context.Context) error {
	if err := a.store.Migrate(ctx); err != nil {
		return err
	}
	return job.Migrate(ctx, a.store.DB(), a.store.Dialect())
}

func (a *app) newJobs(clientID string, queues []string, schedules []job.Schedule, workers job.Workers) (*job.Client, error) {
	return job.New(job.Options{
		DB: a.store.DB(), Dialect: a.store.Dialect(), DSN: a.settings.DatabaseURL, ClientID: clientID, Queues: queues,
		Schedules: schedules, RescueAfter: a.settings.RescueAfter, Log: a.log,
	}, workers)
}

// newPipeline hands the adapters to the steps.
func (a *app) newPipeline(keys *seal.Keys, egress collect.Config) (*pipeline.Pipeline, error) {
	weights, err := score.LoadWeights()
	if err != nil {
		return nil, err
	}
	crawler, err := collect.New(egress)
	if err != nil {
		return nil, err
	}
	dumps, err := newDumps(a.settings, a.now)
	if err != nil {
		return nil, err
	}
	p := &pipeline.Pipeline{
		Store: a.store, Crawler: crawler, Dumps: dumps, Traces: newTraces(a.settings, dumps), Keys: keys, Weights: weights,
		WatchDuty: a.settings.Duty(), FloodAfter: a.settings.FloodAfter, Log: a.log, Now: a.now,
	}
	if a.settings.SMTPHost != "" {
		sender, err := a.newSender()
		if err != nil {
			return nil, err
		}
		p.Mailer = mailer{sender}
	}
	return p, nil
}

func (a *app) newSender() (*mail.Sender, error) {
	s := a.settings
	return mail.New(mail.Config{
		Host: s.SMTPHost, Port: s.SMTPPort, User: s.SMTPUser, Password: s.SMTPPassword.Reveal(), From: s.SMTPFrom,
		TLS: s.SMTPTLS, CAFile: s.SMTPCAFile, PublicURL: s.PublicURL,
	})
}

// egress is how the collector may leave this machine.
func (a *app) egress() collect.Config {
	return collect.Config{TorProxy: a.settings.TorProxy, Key: a.settings.ServiceKey, Account: a.settings.Account, Log: a.log, Now: a.now}
}

// definitions are the sources to run: the operator's YAML files and the drop folder.
func (a *app) definitions() ([]risk.Source, error) {
	if !dump.IsS3(a.settings.Drop) {
		if err := os.MkdirAll(a.settings.Drop, 0o700); err != nil {
			return nil, fmt.Errorf("make drop folder: %w", err)
		}
	}
	sources := []risk.Source{pipeline.DropSource(a.settings.Drop, dropInterval)}
	if a.settings.Sources == "" {
		return sources, nil
	}
	if _, err := os.ReadDir(a.settings.Sources); err != nil {
		return nil, fmt.Errorf("WARDLINE_SOURCES: %w", plain(err))
	}
	loaded, problems := catalog.LoadSources(os.DirFS(a.settings.Sources), ".")
	for _, p := range problems {
		a.log.Error("source definition left out", slog.Any("error", p))
	}
	if len(loaded) == 0 && len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return append(sources, loaded...), nil
}

const dropInterval = 15 * time.Second

func schedules(sources []risk.Source) []job.Schedule {
	all := []job.Schedule{
		{Key: "outbox", Every: 30 * time.Second, Job: risk.Job{Kind: risk.JobSendMail}},
		{Key: "decide", Every: 15 * time.Second, Job: risk.Job{Kind: risk.JobDecide}},
		{Key: "rescore", Every: 24 * time.Hour, Job: risk.Job{Kind: risk.JobRescore}},
	}
	for _, src := range sources {
		if src.Enabled {
			all = append(all, job.Schedule{Key: "collect:" + src.Key, Every: src.Every, Job: risk.Job{Kind: risk.JobCollect, SourceKey: src.Key}})
		}
	}
	return all
}

// openS3 makes the client of the store that the settings name; nil = they name none.
func openS3(s config.Settings) (*dump.S3, error) {
	if s.S3Endpoint == "" {
		return nil, nil
	}
	return dump.NewS3(dump.S3Config{
		Endpoint: s.S3Endpoint, Region: s.S3Region, AccessKey: s.S3AccessKey, SecretKey: s.S3SecretKey.Reveal(),
		Token: s.S3SessionToken.Reveal(), CAFile: s.S3CAFile, PathStyle: s.S3PathStyle,
	})
}

// dumps adapts package dump to what the pipeline asks for.
type dumps struct {
	now       func() time.Time
	s3        *dump.S3
	passwords string // file of passwords for archives; "" = none
	threads   int
	block     int // bytes of a block; 0 = as many as package dump holds best
}

func newDumps(s config.Settings, now func() time.Time) (dumps, error) {
	s3, err := openS3(s)
	return dumps{now: now, s3: s3, passwords: s.DumpPasswords, threads: runtime.GOMAXPROCS(0)}, err
}

func (d dumps) options() dump.Options {
	return dump.Options{Source: risk.SourceDrop, Context: extract.Context, S3: d.s3, BlockBytes: d.block}
}

func (d dumps) Files(ctx context.Context, folder string) ([]risk.File, error) {
	return dump.Files(ctx, folder, d.options(), d.now())
}

func (d dumps) File(ctx context.Context, folder, path string) (risk.File, bool, error) {
	return dump.File(ctx, folder, path, d.options(), d.now())
}

func (d dumps) Sample(ctx context.Context, folder, path string) (string, error) {
	return dump.Sample(ctx, dump.Join(folder, path), d.options())
}

func (d dumps) Digest(ctx context.Context, folder, path string) (string, error) {
	return dump.Digest(ctx, dump.Join(folder, path), d.options())
}

// reading are the options with which files of a folder are read, and read again: as the same blocks.
func (d dumps) reading(folder string, from risk.Position) (o dump.Options, err error) {
	o = d.options()
	o.From, o.Machine, o.Root = from, extract.Machine, folder
	o.Passwords, err = dump.ReadPasswords(d.passwords)
	return o, err
}

func (d dumps) Read(ctx context.Context, r pipeline.Reading) ([]string, error) {
	o, err := d.reading(r.Folder, r.From)
	if err != nil {
		return nil, err
	}
	o.Arrived, o.Read = r.Arrived, r.Read
	var named []string // of what was skipped so far
	skips, err := dump.Parallel(ctx, dump.Join(r.Folder, r.Path), o, dump.Work[pipeline.Looked]{
		Threads: d.threads, Do: r.Look,
		Done: func(l *pipeline.Looked, skipped []dump.Skip) error {
			named = appendNamed(named, skipped)
			return r.Take(l, named)
		},
	})
	return appendNamed(named, skips), err
}

// appendNamed names what was skipped beyond what is named already.
func appendNamed(named []string, skipped []dump.Skip) []string {
	for _, s := range skipped[len(named):] {
		named = append(named, s.Entry+": "+s.Why)
	}
	return named
}

// mailer adapts package mail to what the pipeline asks for.
type mailer struct{ *mail.Sender }

func (mailer) Retryable(err error) bool           { return mail.Retryable(err) }
func (mailer) Why(err error) string               { return mail.Why(err) }
func (mailer) Backoff(attempts int) time.Duration { return mail.Backoff(attempts) }
