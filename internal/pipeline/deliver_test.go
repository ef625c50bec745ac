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
	sent     int // to everybody within the hour
	failures int // of FinishMessage, before it works
}

func (o *outbox) CountSent(context.Context, string, time.Time) (int, error) { return o.sent, nil }

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
	if o.failures > 0 {
		o.failures--
		return errors.New("disk I/O error")
	}
	if ctx.Err() != nil {
		return ctx.Err()
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
		tried  int
	}{
		"a day of refusals": {errBusy, 24 * time.Hour, 39},
		"refused for good":  {errNobody, 0, 0},
	} {
		p, box, clock := delivery(risk.Message{Attempts: c.tried}, &server{answer: c.answer})
		*clock = noon.Add(c.after)
		if err := p.Deliver(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if m := box.messages[1]; m.State != risk.MessageFailed || m.Why == "" {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

// A weekend switched off, a mail server that was set up late or a clock that jumped is no day of trying.
func TestDeliverDoesNotGiveUpWhatItHardlyTried(t *testing.T) {
	p, box, clock := delivery(risk.Message{}, &server{answer: errBusy})
	*clock = noon.Add(72 * time.Hour)
	if err := p.Deliver(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if m := box.messages[1]; m.State != risk.MessagePending || !m.NextTry.Equal(clock.Add(time.Minute)) {
		t.Errorf("after one refusal: %+v", m)
	}
}

func TestDeliverHoldsBackMoreThanAPersonCanRead(t *testing.T) {
	mails := &server{}
	p, box, clock := delivery(risk.Message{}, mails)
	box.sent = 100
	if err := p.Deliver(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if m := box.messages[1]; mails.took != 0 || m.State != risk.MessagePending || m.Attempts != 0 || !m.NextTry.Equal(noon.Add(5*time.Minute)) || m.Why == "" {
		t.Errorf("sent %d, message %+v", mails.took, m)
	}
	box.sent, *clock = 99, noon.Add(5*time.Minute)
	if err := p.Deliver(t.Context(), 0); err != nil || mails.took != 1 {
		t.Errorf("its turn: %v, sent %d", err, mails.took)
	}
}

func TestDeliverRecordsTheOutcomeWhenTheDatabaseFailsForAMoment(t *testing.T) {
	mails := &server{}
	p, box, _ := delivery(risk.Message{}, mails)
	box.failures = 2
	if err := p.Deliver(t.Context(), 1); err != nil || box.messages[1].State != risk.MessageSent {
		t.Errorf("%v, message %+v", err, box.messages[1])
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
