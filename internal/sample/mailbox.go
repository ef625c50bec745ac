package sample

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // subjects and bodies in other charsets than UTF-8
	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-smtp"

	"github.com/wardline/wardline/internal/risk"
)

// Mail is one message as it came, one per recipient.
type Mail struct {
	ID      string // the same as long as the mailbox runs
	From    string
	To      string
	Subject string
	Text    string
	HTML    string
	At      time.Time
}

// mostMails is how many the mailbox keeps; older ones go.
const mostMails = 200

// Mailbox is an SMTP server on loopback that keeps what it is sent.
type Mailbox struct {
	server   *smtp.Server
	listener net.Listener
	wg       sync.WaitGroup

	mu    sync.Mutex
	mails []Mail
	taken int // mails ever kept; the last one's ID
}

// StartMailbox listens on a loopback address until Close; "" and port 0 choose a free port.
func StartMailbox(ctx context.Context, addr string) (*Mailbox, error) {
	l, err := listenLoopback(ctx, addr)
	if err != nil {
		return nil, fmt.Errorf("start the mailbox: %w", err)
	}
	m := &Mailbox{listener: l}
	m.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{box: m}, nil }))
	m.server.Domain = "localhost"
	m.server.MaxMessageBytes = 5 << 20
	m.server.MaxRecipients = 50
	m.server.ReadTimeout, m.server.WriteTimeout = 30*time.Second, 30*time.Second
	m.server.ErrorLog = log.New(io.Discard, "", 0)
	m.wg.Go(func() { _ = m.server.Serve(l) }) // ends with Close
	return m, nil
}

// Addr is where it listens.
func (m *Mailbox) Addr() string { return m.listener.Addr().String() }

// Messages are the mails kept, newest first.
func (m *Mailbox) Messages() []Mail {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := slices.Clone(m.mails)
	slices.Reverse(out)
	return out
}

// Close stops the server and waits for it. The server does not know its listener before Serve has begun, so that
// one is closed here as well.
func (m *Mailbox) Close() error {
	err := m.server.Close()
	_ = m.listener.Close() // an error says that the server closed it already
	m.wg.Wait()
	if errors.Is(err, smtp.ErrServerClosed) {
		return nil
	}
	return err
}

func (m *Mailbox) keep(mails []Mail) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, mail := range mails {
		m.taken++
		mail.ID = strconv.Itoa(m.taken)
		m.mails = append(m.mails, mail)
	}
	m.mails = slices.Clone(m.mails[max(len(m.mails)-mostMails, 0):])
}

type session struct {
	box  *Mailbox
	from string
	to   []string
}

func (s *session) Reset()        { s.from, s.to = "", nil }
func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	m, err := readMail(r)
	if err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "message is not readable"}
	}
	m.From, m.At = s.from, time.Now()
	mails := make([]Mail, len(s.to))
	for i, to := range s.to {
		mails[i] = m
		mails[i].To = to
	}
	s.box.keep(mails)
	return nil
}

func readMail(r io.Reader) (Mail, error) {
	reader, err := mail.CreateReader(r)
	if err != nil && !message.IsUnknownCharset(err) {
		return Mail{}, fmt.Errorf("read mail: %w", err)
	}
	var m Mail
	if m.Subject, err = reader.Header.Subject(); err != nil {
		return Mail{}, fmt.Errorf("read the subject: %w", err)
	}
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return m, nil
		}
		if err != nil && !message.IsUnknownCharset(err) {
			return Mail{}, fmt.Errorf("read mail part: %w", err)
		}
		if err := m.addPart(part); err != nil {
			return Mail{}, err
		}
	}
}

func (m *Mail) addPart(part *mail.Part) error {
	header, inline := part.Header.(*mail.InlineHeader)
	if !inline {
		return nil
	}
	kind, _, err := header.ContentType()
	if err != nil {
		return fmt.Errorf("read the type of a mail part: %w: %w", risk.ErrInvalid, err)
	}
	body, err := io.ReadAll(part.Body)
	if err != nil {
		return fmt.Errorf("read mail part: %w", err)
	}
	text := strings.ReplaceAll(string(body), "\r\n", "\n")
	switch kind {
	case "text/plain":
		m.Text += text
	case "text/html":
		m.HTML += text
	}
	return nil
}
