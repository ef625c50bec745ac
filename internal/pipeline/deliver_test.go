package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// outbox is a Store that holds messages; its other methods are not called.
type outbox struct {
	Store
	messages map[int64]risk.Message
	finish   error
}

func (o *outbox) DueMessages(_ context.Context, now time.Time, _ int) ([]int64, error) {
	var ids []int64
	for id, m := range o.messages {
		if m.State == risk.MessagePending && !m.NextTry.After(now) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (o *outbox) ClaimMessage(_ context.Context, id int64, now time.Time) (risk.Message, bool, error) {
	m := o.messages[id]
	if m.State != risk.MessagePending || m.NextTry.After(now) {
		return m, false, nil
	}
	m.State = risk.MessageSending
	o.messages[id] = m
	return m, true, nil
}

func (o *outbox) FinishMessage(ctx context.Context, m risk.Message) error {
	if err := errors.Join(ctx.Err(), o.finish); err != nil {
		return err
	}
	o.messages[m.ID] = m
	return nil
}

var (
	errBusy   = errors.New("451 busy")
	errNobody = errors.New("550 no such user")
)

// server is a Mailer that answers as told and counts what it took.
type server struct {
	answer error
	took   int
	during func()
}

func (s *server) Send(context.Context, risk.Message) error {
	if s.during != nil {
		s.during()
	}
	if s.answer == nil {
		s.took++
	}
	return s.answer
}
func (s *server) Retryable(err error) bool  { return errors.Is(err, errBusy) }
func (s *server) Why(error) string          { return "It did not work." }
func (s *server) Backoff(int) time.Duration { return time.Minute }

func delivery(m risk.Message, mails *server) (*Pipeline, *outbox, *time.Time) {
	m.ID, m.State, m.Created = 1, risk.MessagePending, noon
	box := &outbox{messages: map[int64]risk.Message{1: m}}
	clock := noon
	return &Pipeline{Store: box, Mailer: mails, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return clock }}, box, &clock
}

func TestDeliverSendsOnce(t *testing.T) {
	mails := &server{}
	p, box, _ := delivery(risk.Message{}, mails)
	for range 3 {
		if err := errors.Join(p.Deliver(t.Context(), 1), p.Deliver(t.Context(), 0)); err != nil {
			t.Fatal(err)
		}
	}
	if mails.took != 1 || box.messages[1].State != risk.MessageSent || !box.messages[1].Sent.Equal(noon) {
		t.Errorf("sent %d times, message %+v", mails.took, box.messages[1])
	}
}

func TestDeliverKeepsTryingForADay(t *testing.T) {
	mails := &server{answer: errBusy}
	p, box, clock := delivery(risk.Message{}, mails)
	for *clock = noon; clock.Before(noon.Add(23 * time.Hour)); *clock = clock.Add(time.Minute) {
		if err := p.Deliver(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	}
	if m := box.messages[1]; m.State != risk.MessagePending || m.Attempts != 23*60 || m.Why == "" {
		t.Fatalf("after 23 hours: %+v", m)
	}
	mails.answer = nil
	if err := p.Deliver(t.Context(), 0); err != nil || mails.took != 1 {
		t.Fatalf("server back: %v, took %d", err, mails.took)
	}
}

func TestDeliverGivesUpAndSaysSo(t *testing.T) {
	for name, c := range map[string]struct {
		answer error
		after  time.Duration
	}{
		"a day of refusals": {errBusy, 24 * time.Hour},
		"refused for good":  {errNobody, 0},
	} {
		p, box, clock := delivery(risk.Message{}, &server{answer: c.answer})
		*clock = noon.Add(c.after)
		if err := p.Deliver(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if m := box.messages[1]; m.State != risk.MessageFailed || m.Why == "" {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

func TestDeliverRecordsTheOutcomeWhileBeingStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	mails := &server{during: stop}
	p, box, _ := delivery(risk.Message{}, mails)
	if err := p.Deliver(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if box.messages[1].State != risk.MessageSent {
		t.Errorf("stopped between sending and recording: %+v", box.messages[1])
	}
}
