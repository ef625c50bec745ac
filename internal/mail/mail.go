// Package mail owns the last step of an alert: it writes a message from the outbox as a mail and hands it to the
// hospital's SMTP server, once for one recipient. Deciding whom to tell, and when to try again, is not its business;
// it only says whether trying again can help, and after how long.
package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/url"
	"os"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/wardline/wardline/internal/risk"
)

// Config says how to reach the mail server. TLS "none" is refused unless the server is on this machine.
type Config struct {
	Host      string
	Port      int
	User      string // "" = no authentication
	Password  string
	From      string // "alerts@hospital.example" or "Wardline <alerts@hospital.example>"
	TLS       string // "starttls" (required, not merely tried), "tls" or "none"
	CAFile    string // PEM certificates to trust instead of the system's; "" = the system's
	PublicURL string // the portal's address; links and Message-IDs are made from it
}

// Sender sends messages from the outbox. It holds no connection, so that any number of workers may share it.
type Sender struct {
	config Config
	from   netmail.Address
	portal *url.URL
	tls    *tls.Config
}

const (
	sendLimit = time.Minute     // for one message, from dialling to the server's answer
	quitLimit = 5 * time.Second // for the goodbye after the server has taken the message
)

// New checks the settings; it does not connect.
func New(c Config) (*Sender, error) {
	if c.Host == "" || c.Port < 1 || c.Port > 65535 {
		return nil, risk.Invalid("smtp", "Give the mail server's host and its port.")
	}
	switch c.TLS {
	case "starttls", "tls":
	case "none":
		if !risk.IsLoopback(c.Host) {
			return nil, risk.Invalid("smtp_tls", "Mail without encryption is for a server on this machine only.")
		}
	default:
		return nil, risk.Invalid("smtp_tls", "%q is not a way to encrypt; use starttls, tls or none.", c.TLS)
	}
	from, err := netmail.ParseAddress(c.From)
	if err != nil || !plainAddress(from.Address) {
		return nil, risk.Invalid("smtp_from", "The sender is not an e-mail address.")
	}
	from.Name = clean(from.Name, maxName)
	portal, err := url.Parse(c.PublicURL)
	if err != nil || portal.Hostname() == "" || (portal.Scheme != "http" && portal.Scheme != "https") {
		return nil, risk.Invalid("public_url", "The portal's address must begin with http:// or https:// and name a host.")
	}
	roots, err := readRoots(c.CAFile)
	if err != nil {
		return nil, err
	}
	return &Sender{
		config: c,
		from:   *from,
		portal: portal,
		tls:    &tls.Config{ServerName: c.Host, RootCAs: roots, MinVersion: tls.VersionTLS12},
	}, nil
}

func readRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the mail server's CA file: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, risk.Invalid("smtp_ca_file", "The mail server's CA file holds no certificate in PEM form.")
	}
	return roots, nil
}

// Send writes one message and hands it to the mail server. The same message always has the same Message-ID, so that a
// second hand-over after a lost answer can be recognised on the way.
func (s *Sender) Send(ctx context.Context, m risk.Message) error {
	msg, err := s.compose(m)
	if err != nil {
		return fmt.Errorf("compose message %d: %w", m.ID, err)
	}
	if err := s.deliver(ctx, msg); err != nil {
		return fmt.Errorf("deliver message %d: %w", m.ID, err)
	}
	return nil
}

// deliver drives the session itself instead of calling DialAndSend, which reports a message as failed that the server
// took before it dropped the line: the retry would tell somebody twice.
func (s *Sender) deliver(ctx context.Context, msg *gomail.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, sendLimit)
	defer cancel()
	line := line{tls: s.tls, implicit: s.config.TLS == "tls"}
	defer line.close()
	client, err := gomail.NewClient(s.config.Host, s.options(line.dialUntil(ctx))...)
	if err != nil {
		return fmt.Errorf("set up SMTP: %w", err)
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return because(ctx, &openError{connected: line.conn != nil, err: err})
	}
	if err := client.SendWithSMTPClient(session, msg); err != nil && !msg.IsDelivered() {
		return because(ctx, fmt.Errorf("send: %w", err))
	}
	if session.UpdateDeadline(quitLimit) == nil {
		_ = client.CloseWithSMTPClient(session) // the server has the message: a rude goodbye changes nothing
	}
	return nil
}

func (s *Sender) options(dial gomail.DialContextFunc) []gomail.Option {
	options := []gomail.Option{
		gomail.WithPort(s.config.Port),
		gomail.WithTimeout(sendLimit),
		gomail.WithTLSConfig(s.tls),
		gomail.WithDialContextFunc(dial),
	}
	switch s.config.TLS {
	case "tls":
		options = append(options, gomail.WithSSL())
	case "starttls":
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case "none":
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if s.config.User != "" {
		options = append(options,
			gomail.WithUsername(s.config.User), gomail.WithPassword(s.config.Password),
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin))
	}
	return options
}

// line keeps hold of the connection: go-mail forgets it when the greeting, STARTTLS or AUTH fails, and heeds the
// context only while it dials.
type line struct {
	tls      *tls.Config
	implicit bool // TLS from the first byte
	conn     net.Conn
	stop     func() bool
}

// dialUntil gives the function that connects; the end of ctx, also later than dialling, cuts the connection.
func (l *line) dialUntil(ctx context.Context) gomail.DialContextFunc {
	return func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := l.dial(dialing, network, address)
		if err != nil {
			return nil, err
		}
		l.conn = conn
		l.stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
		return conn, nil
	}
}

func (l *line) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if l.implicit {
		return (&tls.Dialer{Config: l.tls}).DialContext(ctx, network, address)
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

func (l *line) close() {
	if l.conn != nil {
		l.stop()
		_ = l.conn.Close()
	}
}

// openError is a session that did not come about: no connection, no encryption or no sign-in.
type openError struct {
	connected bool
	err       error
}

func (e *openError) Error() string { return "open SMTP session: " + e.err.Error() }
func (e *openError) Unwrap() error { return e.err }

// because adds the context's own reason to an error that its end has caused.
func because(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return errors.Join(context.Cause(ctx), err)
}
