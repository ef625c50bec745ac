package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/wardline/wardline/internal/collect"
	"github.com/wardline/wardline/internal/job"
	"github.com/wardline/wardline/internal/pipeline"
	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/seal"
)

// roles are what one process does.
type roles struct {
	name    string // for locks and logs
	portal  bool
	work    bool // everything but egress: dumps, scores, mail
	collect bool // the only role that sends requests to sources
}

func serveCommand() *cobra.Command {
	var all bool
	command := &cobra.Command{
		Use:   "serve",
		Short: "Serve the portal; with --all also collect and work, for a single machine",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if all {
				return runRoles(cmd.Context(), roles{name: "all", portal: true, work: true, collect: true})
			}
			return runRoles(cmd.Context(), roles{name: "serve", portal: true})
		},
	}
	command.Flags().BoolVar(&all, "all", false, "collect, work and serve in this one process")
	return command
}

func workCommand() *cobra.Command {
	return &cobra.Command{
		Use: "work", Short: "Read dump files, compute scores, send mail", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runRoles(cmd.Context(), roles{name: "work", work: true})
		},
	}
}

func collectCommand() *cobra.Command {
	return &cobra.Command{
		Use: "collect", Short: "Fetch the sources; the only role that leaves this machine", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runRoles(cmd.Context(), roles{name: "collect", collect: true})
		},
	}
}

func runRoles(ctx context.Context, r roles) error {
	a, err := openApp(ctx)
	if err != nil {
		return err
	}
	defer a.close()
	if err := a.ready(ctx); err != nil {
		return err
	}
	sources, err := a.definitions()
	if err != nil {
		return err
	}
	a.log.InfoContext(ctx, "start", slog.String("role", r.name), slog.Any("settings", a.settings))
	keys, err := seal.Open(a.settings.KeyFile)
	if err != nil {
		return err
	}
	return a.run(ctx, r, parts{keys: keys, sources: sources, egress: a.egress()})
}

// parts are what run needs beside the settings; the demo brings its own.
type parts struct {
	keys     *seal.Keys
	sources  []risk.Source
	egress   collect.Config
	demo     *demo        // nil = none
	listener net.Listener // nil = as the settings say
}

// run does what the roles say until ctx ends, then drains.
func (a *app) run(ctx context.Context, r roles, with parts) error {
	if r.portal && with.listener == nil { // before anything works: a port that is taken ends the process
		listener, err := listen(ctx, a.settings.Addr)
		if err != nil {
			return err
		}
		defer listener.Close()
		with.listener = listener
	}
	name, release, err := claimName(a.settings.Data, r.name)
	if err != nil {
		return err
	}
	defer release()
	steps, err := a.newPipeline(with.keys, with.egress)
	if err != nil {
		return err
	}
	var timetable []job.Schedule
	if r.collect || r.work {
		if with.sources, err = a.store.SyncSources(ctx, with.sources); err != nil {
			return err
		}
		timetable = schedules(with.sources)
	}
	jobs, err := a.newJobs(name, queues(r), timetable, workers(steps))
	if err != nil {
		return err
	}
	steps.Queue, steps.Stopping = jobs, ctx.Done()
	a.store.UseQueue(jobs)

	var handler http.Handler
	if r.portal {
		if handler, err = a.newPortal(with, jobs); err != nil {
			return err
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	if r.work || r.collect {
		group.Go(func() error { return a.work(ctx, jobs) })
	}
	if r.portal {
		group.Go(func() error { return a.serve(ctx, with.listener, handler) })
		if with.demo != nil {
			group.Go(func() error { return with.demo.announce(ctx, a) })
		}
	}
	return group.Wait()
}

func queues(r roles) []string {
	var names []string
	if r.collect {
		names = append(names, job.QueueCollect)
	}
	if r.work {
		names = append(names, job.QueueWork)
	}
	return names
}

func workers(p *pipeline.Pipeline) job.Workers {
	return job.Workers{Collect: p.Collect, ScanFile: p.ScanFile, Rescore: p.Rescore, SendMail: p.Deliver, Decide: p.DecideDue, Hunt: p.Hunt}
}

// work runs jobs until ctx ends, then lets those that run finish.
func (a *app) work(ctx context.Context, jobs *job.Client) error {
	if err := jobs.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start jobs: %w", err)
	}
	<-ctx.Done()
	a.log.Info("stopping: what runs may finish; a second Ctrl-C ends at once", slog.Duration("longest", a.settings.DrainFor))
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.settings.DrainFor)
	defer cancel()
	return jobs.Stop(drain)
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use by another program: choose another address with WARDLINE_ADDR, such as 127.0.0.1:9000", address)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return listener, nil
}

// serve answers until ctx ends, then lets requests finish.
func (a *app) serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 2 * time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		stopped <- server.Shutdown(drain)
	}()
	var err error
	if a.settings.TLSCert != "" {
		err = server.ServeTLS(listener, a.settings.TLSCert, a.settings.TLSKey)
	} else {
		err = server.Serve(listener)
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	if err := <-stopped; err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop serving: %w", err)
	}
	return nil
}
