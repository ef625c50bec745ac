package testparts

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// MailServer is a Mailpit: a real SMTP server that requires STARTTLS and a sign-in, and keeps what it gets.
type MailServer struct {
	Host     string // "127.0.0.1"
	Port     int
	User     string
	Password string
	CAFile   string         // certificate to trust
	Roots    *x509.CertPool // the same
	API      string         // "http://127.0.0.1:PORT/api/v1"

	tb     testing.TB
	client *http.Client
}

// Mail is one mail that a MailServer holds.
type Mail struct {
	ID        string
	MessageID string
	From      string
	To        []string
	Subject   string
	Text      string
	HTML      string
}

// Mailpit starts a mail server that is stopped with the test.
func Mailpit(tb testing.TB) *MailServer {
	tb.Helper()
	binary := tool(tb, "bin", "mailpit")
	var problems error
	for range 3 { // somebody may take a free port before the server does
		s, err := startMailpit(tb, binary)
		if err == nil {
			return s
		}
		problems = errors.Join(problems, err)
	}
	tb.Fatal(problems)
	return nil
}

func startMailpit(tb testing.TB, binary string) (*MailServer, error) {
	dir := tb.TempDir()
	s := &MailServer{
		Host: "127.0.0.1", User: "wardline", Password: "only-for-tests", CAFile: filepath.Join(dir, "cert.pem"),
		tb: tb, client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: startTimeout},
	}
	var err error
	if s.Roots, err = writeCertificate(s.CAFile, filepath.Join(dir, "key.pem")); err != nil {
		return nil, err
	}
	passwords := filepath.Join(dir, "passwords")
	if err := os.WriteFile(passwords, []byte(s.User+":"+s.Password+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("start Mailpit: %w", err)
	}
	if s.Port, err = freePort(); err != nil {
		return nil, err
	}
	web, err := freePort()
	if err != nil {
		return nil, err
	}
	s.API = "http://" + net.JoinHostPort(s.Host, strconv.Itoa(web)) + "/api/v1"
	cmd := exec.Command(binary,
		"--smtp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), "--listen", net.JoinHostPort(s.Host, strconv.Itoa(web)),
		"--smtp-tls-cert", s.CAFile, "--smtp-tls-key", filepath.Join(dir, "key.pem"), "--smtp-require-starttls",
		"--smtp-auth-file", passwords, "--smtp-disable-rdns", "--enable-chaos", "--disable-version-check", "--quiet")
	var log bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &log, &log
	dieWithTest(cmd)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start Mailpit: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	stop := func() {
		_ = cmd.Process.Kill()
		<-ended
	}
	if err := s.awaitReady(ended); err != nil {
		stop()
		return nil, fmt.Errorf("start Mailpit: %w\n%s", err, log.String())
	}
	tb.Cleanup(stop)
	return s, nil
}

// awaitReady asks until both the API and the SMTP server answer.
func (s *MailServer) awaitReady(ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		err := s.ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ended:
			return errors.New("it ended by itself")
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *MailServer) ready(ctx context.Context) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)))
	if err != nil {
		return err
	}
	if err := conn.Close(); err != nil {
		return err
	}
	return s.ask(ctx, http.MethodGet, "/info", nil, nil)
}

// Messages are the mails that have arrived, oldest first.
func (s *MailServer) Messages() []Mail {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	var list struct {
		Messages []struct{ ID string } `json:"messages"`
	}
	if err := s.ask(ctx, http.MethodGet, "/messages?limit=1000", nil, &list); err != nil {
		s.tb.Fatal(err)
	}
	mails := make([]Mail, len(list.Messages))
	for i, m := range list.Messages {
		mail, err := s.message(ctx, m.ID)
		if err != nil {
			s.tb.Fatal(err)
		}
		mails[len(mails)-1-i] = mail // the API lists the newest first
	}
	return mails
}

func (s *MailServer) message(ctx context.Context, id string) (Mail, error) {
	type person struct{ Address string }
	var m struct {
		MessageID, Subject, Text, HTML string
		From                           person
		To                             []person
	}
	if err := s.ask(ctx, http.MethodGet, "/message/"+id, nil, &m); err != nil {
		return Mail{}, err
	}
	mail := Mail{ID: id, MessageID: m.MessageID, From: m.From.Address, Subject: m.Subject, Text: m.Text, HTML: m.HTML}
	for _, to := range m.To {
		mail.To = append(mail.To, to.Address)
	}
	return mail, nil
}

// Refuse makes the server answer every recipient with an SMTP code, such as 451; 0 makes it accept again.
func (s *MailServer) Refuse(code int) {
	s.tb.Helper()
	type trigger struct{ ErrorCode, Probability int }
	share := 100
	if code == 0 {
		code, share = 451, 0
	}
	off := trigger{ErrorCode: 451}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	triggers := map[string]trigger{"Sender": off, "Recipient": {code, share}, "Authentication": off}
	if err := s.ask(ctx, http.MethodPut, "/chaos", triggers, nil); err != nil {
		s.tb.Fatal(err)
	}
}

func (s *MailServer) ask(ctx context.Context, method, path string, body, answer any) error {
	var payload io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("ask Mailpit for %s: %w", path, err)
		}
		payload = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, s.API+path, payload)
	if err != nil {
		return fmt.Errorf("ask Mailpit for %s: %w", path, err)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return fmt.Errorf("ask Mailpit for %s: %w", path, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("ask Mailpit for %s: %s", path, res.Status)
	}
	if answer == nil {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(answer); err != nil {
		return fmt.Errorf("ask Mailpit for %s: %w", path, err)
	}
	return nil
}

// writeCertificate makes a certificate for this machine that is its own authority.
func writeCertificate(certFile, keyFile string) (*x509.CertPool, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "Wardline test"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		DNSNames:     []string{"localhost"},
		IsCA:         true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	if err := os.WriteFile(certFile, cert, 0o600); err != nil {
		return nil, fmt.Errorf("write a certificate: %w", err)
	}
	if err := os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600); err != nil {
		return nil, fmt.Errorf("write a certificate: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return pool, nil
}
