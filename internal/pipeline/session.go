package pipeline

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/wardline/wardline/internal/risk"
)

// withSession gives a source the account that is remembered of it. A session that cannot be opened, as after a change of
// keys, is none: the source then says by itself that a person must log in.
func (p *Pipeline) withSession(ctx context.Context, src risk.Source) (risk.Source, risk.SealedSession, error) {
	sealed, err := p.Store.FindSourceSession(ctx, src.ID)
	if err != nil {
		return src, sealed, fmt.Errorf("find session of %s: %w", src.Key, err)
	}
	if src.Session, err = p.Keys.OpenSession(src.ID, sealed.Sealed); err != nil {
		p.Log.WarnContext(ctx, "session of a source cannot be opened", slog.String("source", src.Key), slog.Any("error", err))
	}
	return src, sealed, nil
}

// keepSession remembers what a run left of a session that was began at its start, also when the run failed: an account
// that was refused must not be tried again.
func (p *Pipeline) keepSession(ctx context.Context, src risk.Source, began risk.SealedSession, left *risk.SourceSession) error {
	if left == nil {
		return nil
	}
	sealed, err := p.Keys.SealSession(src.ID, *left)
	if err != nil {
		return err
	}
	now := p.Now()
	kept := risk.SealedSession{SourceID: src.ID, Sealed: sealed, KeyID: p.Keys.ID(), Cookies: len(left.Cookies), Ends: left.Ends(), By: began.By, Given: began.Given, Changed: now}
	if kept.Given.IsZero() {
		kept.Given = now
	}
	if err := p.Store.KeepSession(ctx, kept, began); err != nil {
		return fmt.Errorf("keep session of %s: %w", src.Key, err)
	}
	return nil
}
