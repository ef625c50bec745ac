package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// giveUpAfter is how long a message is tried before it is shown as failed.
const giveUpAfter = 24 * time.Hour

const sweepSize = 100

// Deliver sends one message, or every message that is due for id 0, which also finds what a killed process left
// behind. What the mail server refuses for now stays in the outbox with its next time.
func (p *Pipeline) Deliver(ctx context.Context, id int64) error {
	if p.Mailer == nil {
		return nil
	}
	if id != 0 {
		return p.deliver(ctx, id)
	}
	ids, err := p.Store.DueMessages(ctx, p.Now(), sweepSize)
	if err != nil {
		return fmt.Errorf("find due messages: %w", err)
	}
	var failed []error
	for _, id := range ids {
		failed = append(failed, p.deliver(ctx, id))
	}
	return errors.Join(failed...)
}

// deliver claims the message before it sends and records the outcome after. Killed in between, the message is sent
// again under the same Message-ID, by which mail systems and people know it for the same one: nothing is lost.
func (p *Pipeline) deliver(ctx context.Context, id int64) error {
	m, claimed, err := p.Store.ClaimMessage(ctx, id, p.Now())
	if err != nil || !claimed {
		return err
	}
	sendErr := p.Mailer.Send(ctx, m)
	p.settle(&m, sendErr, p.Now())
	// The outcome must be kept even when we are being stopped, or the message would go out twice.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := p.Store.FinishMessage(ctx, m); err != nil {
		return fmt.Errorf("record outcome of message %d: %w", id, err)
	}
	p.Log.InfoContext(ctx, "message", slog.Int64("id", m.ID), slog.String("state", string(m.State)), slog.Int("attempts", m.Attempts))
	return nil
}

// settle writes down how an attempt ended.
func (p *Pipeline) settle(m *risk.Message, err error, now time.Time) {
	m.Attempts++
	switch {
	case err == nil:
		m.State, m.Sent, m.Why = risk.MessageSent, now, ""
	case !p.Mailer.Retryable(err):
		m.State, m.Why = risk.MessageFailed, p.Mailer.Why(err)
	case now.Sub(m.Created) >= giveUpAfter:
		m.State, m.Why = risk.MessageFailed, "Given up after a day: "+p.Mailer.Why(err)
	default:
		m.State, m.NextTry, m.Why = risk.MessagePending, now.Add(p.Mailer.Backoff(m.Attempts)), p.Mailer.Why(err)
	}
	if err != nil {
		p.Log.Warn("mail not delivered", slog.Int64("message", m.ID), slog.Any("error", err))
	}
}
