package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/wardline/wardline/internal/risk"
)

// Retryable reports whether sending again later can succeed. Only what is wrong with the message or its recipient is
// final. What is wrong with a server, the way to it or our sign-in there can be put right while the message waits, also
// when the server words it as permanent: a relay that refuses us (5.7.x) must not cost an alert.
func Retryable(err error) bool {
	if err == nil || errors.Is(err, risk.ErrInvalid) {
		return false
	}
	var refused *gomail.SendError
	if errors.As(err, &refused) {
		return !noSuchRecipient(refused)
	}
	return true
}

func noSuchRecipient(e *gomail.SendError) bool {
	if e.Reason != gomail.ErrSMTPRcptTo || e.ErrorCode() < 500 {
		return false
	}
	class, detail, _ := strings.Cut(strings.TrimPrefix(e.EnhancedStatusCode(), "5."), ".")
	switch {
	case e.EnhancedStatusCode() == "":
		return e.ErrorCode() == 550 || e.ErrorCode() == 551 || e.ErrorCode() == 553
	case class == "1": // address: unknown, moved, malformed
		return true
	case class == "2": // mailbox: disabled is final, full is not
		return detail != "2"
	}
	return class == "0" && e.ErrorCode() != 554
}

// waits are the times between the first attempts; after them it is the last one again and again.
var waits = []time.Duration{
	10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute,
	15 * time.Minute, 30 * time.Minute,
}

// Backoff is how long to wait after so many failed attempts.
func Backoff(attempts int) time.Duration {
	return waits[min(max(attempts, 1), len(waits))-1]
}

// Why tells in one sentence why sending failed. It names no address, so that it may be stored and shown.
func Why(err error) string {
	if err == nil {
		return ""
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "The mail server did not answer in time."
	}
	var problem risk.Problem
	if errors.As(err, &problem) {
		return problem.Say
	}
	var refused *gomail.SendError
	if errors.As(err, &refused) && refused.ErrorCode() != 0 {
		return refusal(refused)
	}
	var open *openError
	if errors.As(err, &open) {
		return open.why()
	}
	if errors.As(err, &refused) {
		return "The connection to the mail server broke off."
	}
	return "The mail could not be sent."
}

func refusal(e *gomail.SendError) string {
	code := strings.TrimSpace(fmt.Sprintf("%d %s", e.ErrorCode(), e.EnhancedStatusCode()))
	what := "the mail"
	switch e.Reason {
	case gomail.ErrSMTPMailFrom:
		what = "the sender"
	case gomail.ErrSMTPRcptTo:
		what = "the recipient"
	}
	if e.ErrorCode() < 500 {
		return fmt.Sprintf("The mail server put %s off for now (%s).", what, code)
	}
	return fmt.Sprintf("The mail server refused %s (%s).", what, code)
}

func (e *openError) why() string {
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(e.err, &certificate):
		return "The mail server's certificate is not trusted."
	case !e.connected:
		return "The mail server could not be reached."
	case strings.Contains(e.err.Error(), "STARTTLS"):
		return "The mail server does not offer encryption (STARTTLS)."
	case strings.Contains(e.err.Error(), "AUTH"):
		return "The mail server did not accept the user name and password."
	}
	return "The mail server broke off the session before it began."
}
