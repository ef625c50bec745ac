package main

import (
	"context"
	"net/http"

	"github.com/wardline/wardline/internal/catalog"
	"github.com/wardline/wardline/internal/job"
	"github.com/wardline/wardline/internal/portal"
)

// newPortal hands the portal what it may use.
func (a *app) newPortal(with parts, jobs *job.Client) (http.Handler, error) {
	cfg := portal.Config{PublicURL: a.settings.PublicURL, Secure: a.settings.Secure(), Now: a.now, Log: a.log}
	deps := portal.Deps{
		Store:          a.store,
		OpenAccount:    with.keys.OpenAccount,
		Enqueue:        jobs.Insert,
		ParseWatchlist: catalog.ParseWatchlist,
		ReadWatchlist:  catalog.ReadWatchlist,
		GiveCookies: func(ctx context.Context, key, text, by string) (kept, left int, err error) {
			return a.giveCookies(ctx, with.keys, key, text, by)
		},
		Ready: func(ctx context.Context) error { return a.store.Ping(ctx) },
	}
	if with.demo != nil {
		cfg.Demo, cfg.DemoToken = true, with.demo.token
		deps.Mailbox = with.demo.mails
	}
	return portal.New(cfg, deps)
}
