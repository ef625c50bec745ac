package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// A message is tried for a day before it is shown as failed, and as often as a day of trying makes: one that waited
// because we were off, had no mail server yet or had a wrong clock has not been tried for a day.
const (
	giveUpAfter    = 24 * time.Hour
	giveUpAttempts = 40
)

// mostPerHour is how many mails one person gets within an hour. Who gets more reads none; the rest waits its turn.
const mostPerHour = 100

// heldFor is how long a message waits that was over it.
const heldFor = 5 * time.Minute

// recordWithin is how long the outcome of sending may take to be recorded. Together with the sending it is less than a
// claim holds, so that nobody sends the message again meanwhile.
const recordWithin = 45 * time.Second

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
		if ctx.Err() != nil {
			break // they are still due at the next sweep
		}
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
	full, err := p.hasEnough(ctx, m.To)
	if err != nil {
		return err
	}
	if full {
		m.State, m.NextTry, m.Why = risk.MessagePending, p.Now().Add(heldFor), fmt.Sprintf("Held back: this person got %d mails within the hour.", mostPerHour)
	} else {
		p.settle(&m, p.Mailer.Send(ctx, m), p.Now())
	}
	if err := p.finish(ctx, m); err != nil {
		return fmt.Errorf("record outcome of message %d: %w", id, err)
	}
	p.Log.InfoContext(ctx, "message", slog.Int64("id", m.ID), slog.String("state", string(m.State)), slog.Int("attempts", m.Attempts))
	return nil
}

func (p *Pipeline) hasEnough(ctx context.Context, to risk.Person) (bool, error) {
	sent, err := p.Store.CountSent(ctx, to.Email, p.Now().Add(-time.Hour))
	if err != nil {
		return false, fmt.Errorf("count mails to one person: %w", err)
	}
	return sent >= mostPerHour, nil
}

// finish keeps the outcome even when we are being stopped or the database fails for a moment, or the message would go
// out twice.
func (p *Pipeline) finish(ctx context.Context, m risk.Message) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordWithin)
	defer cancel()
	for wait := 50 * time.Millisecond; ; wait *= 2 {
		err := p.Store.FinishMessage(ctx, m)
		if err == nil || errors.Is(err, risk.ErrConflict) || errors.Is(err, risk.ErrNotFound) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// settle writes down how an attempt ended.
func (p *Pipeline) settle(m *risk.Message, err error, now time.Time) {
	m.Attempts++
	switch {
	case err == nil:
		m.State, m.Sent, m.Why = risk.MessageSent, now, ""
	case !p.Mailer.Retryable(err):
		m.State, m.Why = risk.MessageFailed, p.Mailer.Why(err)
	case now.Sub(m.Created) >= giveUpAfter && m.Attempts >= giveUpAttempts:
		m.State, m.Why = risk.MessageFailed, "Given up after a day: "+p.Mailer.Why(err)
	default:
		m.State, m.NextTry, m.Why = risk.MessagePending, now.Add(p.Mailer.Backoff(m.Attempts)), p.Mailer.Why(err)
	}
	if err != nil {
		p.Log.Warn("mail not delivered", slog.Int64("message", m.ID), slog.Any("error", err))
	}
}
