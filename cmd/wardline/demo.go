package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/wardline/wardline/internal/config"
	"github.com/wardline/wardline/internal/job"
	"github.com/wardline/wardline/internal/pipeline"
	"github.com/wardline/wardline/internal/portal"
	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/sample"
	"github.com/wardline/wardline/internal/seal"
)

// demo is an invented hospital beside a sample dark web on loopback, run through the same steps as a real one.
type demo struct {
	token   string
	mailbox *sample.Mailbox
	out     io.Writer
}

func demoCommand() *cobra.Command {
	var remove bool
	command := &cobra.Command{
		Use:   "demo",
		Short: "Run everything with an invented hospital and a sample dark web on this machine",
		Long: "Run everything with an invented hospital and a sample dark web on this machine. It prints one address to open,\n" +
			"sends nothing beyond loopback, and keeps its data in one folder; --remove deletes that folder. A second demo beside a\n" +
			"running one has a folder of its own. WARDLINE_ADDR chooses the port, WARDLINE_DATA where the folder lies.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			data := cmp.Or(os.Getenv("WARDLINE_DATA"), ".wardline")
			if remove {
				return removeDemos(cmd.OutOrStdout(), data)
			}
			if _, err := demoSettings(data); err != nil { // before a folder is made
				return err
			}
			folder, release, err := claimDemo(data)
			if err != nil {
				return err
			}
			defer release()
			settings, err := demoSettings(folder)
			if err != nil {
				return err
			}
			return runDemo(cmd.Context(), settings, cmd.OutOrStdout())
		},
	}
	command.Flags().BoolVar(&remove, "remove", false, "delete the demo's data and stop")
	return command
}

// demoSettings are the operator's settings for the portal's address and the log; the rest is the demo's own, so that
// it can never reach a real database or mail server.
func demoSettings(folder string) (config.Settings, error) {
	own := map[string]string{"WARDLINE_LOG_LEVEL": "warn", "WARDLINE_RESCUE_AFTER": "60s", "WARDLINE_DRAIN_FOR": "5s"}
	for _, name := range []string{"WARDLINE_ADDR", "WARDLINE_LOG_LEVEL", "WARDLINE_LOG_FORMAT"} {
		if value := os.Getenv(name); value != "" {
			own[name] = value
		}
	}
	own["WARDLINE_DATA"] = folder
	own["WARDLINE_WATCH_DUTY"] = "watch.duty@st-aldhelm.example"
	own["WARDLINE_SMTP_TLS"] = "none"
	own["WARDLINE_SMTP_FROM"] = "wardline@st-aldhelm.example"
	settings, err := config.FromEnvironment(own)
	if err != nil {
		return settings, err
	}
	if host, _, err := net.SplitHostPort(settings.Addr); err != nil || !risk.IsLoopback(host) {
		return settings, fmt.Errorf("WARDLINE_ADDR=%s: the demo listens on this machine only, such as 127.0.0.1:8080", settings.Addr)
	}
	return settings, nil
}

// demoMark names the file that shows a folder to be a demo's own; a running demo holds its lock.
const demoMark = "this-is-the-demo"

var errRunning = errors.New("a demo runs there")

// mostDemos is how many may run at the same time beside one data folder.
const mostDemos = 16

// demoFolder is where the nth demo beside a data folder keeps its data.
func demoFolder(data string, n int) string {
	if n == 1 {
		return filepath.Join(data, "demo")
	}
	return filepath.Join(data, fmt.Sprintf("demo-%d", n))
}

// claimDemo gives the first folder in which no demo runs. Two in one would read each other's sites and mailbox.
func claimDemo(data string) (folder string, release func(), err error) {
	for n := 1; n <= mostDemos; n++ {
		folder = demoFolder(data, n)
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return "", nil, fmt.Errorf("make demo folder: %w", plain(err))
		}
		release, err = lockDemo(folder, os.O_CREATE)
		if !errors.Is(err, errRunning) {
			return folder, release, err
		}
	}
	return "", nil, fmt.Errorf("%d demos run beside %s already: end one with Ctrl-C", mostDemos, data)
}

func lockDemo(folder string, flag int) (release func(), err error) {
	mark, err := os.OpenFile(filepath.Join(folder, demoMark), os.O_RDWR|flag, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open demo mark: %w", plain(err))
	}
	if err := syscall.Flock(int(mark.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = mark.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errRunning
		}
		return nil, fmt.Errorf("lock %s: %w", mark.Name(), err)
	}
	return func() { _ = mark.Close() }, nil
}

// removeDemos deletes what demos left beside a data folder, and the folder too when nothing else is in it.
func removeDemos(out io.Writer, data string) error {
	removed := false
	for n := 1; n <= mostDemos; n++ {
		folder := demoFolder(data, n)
		if _, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err := removeDemo(folder); err != nil {
			return err
		}
		fmt.Fprintln(out, "removed", folder)
		removed = true
	}
	if !removed {
		fmt.Fprintln(out, "nothing to remove")
		return nil
	}
	_ = os.Remove(data) // fails when a real database lies there: as it should
	return nil
}

func removeDemo(folder string) error {
	release, err := lockDemo(folder, 0)
	switch {
	case errors.Is(err, errRunning):
		return fmt.Errorf("a demo runs in %s: end it with Ctrl-C, then remove it", folder)
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%s does not look like the demo's folder: left alone", folder)
	case err != nil:
		return err
	}
	defer release()
	if err := os.RemoveAll(folder); err != nil {
		return fmt.Errorf("remove demo data: %w", plain(err))
	}
	return nil
}

func runDemo(ctx context.Context, settings config.Settings, out io.Writer) error {
	listener, err := listenDemo(ctx, settings.Addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	settings.ServeAt(listener.Addr().String())
	mailbox, err := sample.StartMailbox(ctx, "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer mailbox.Close()
	if err := settings.SendMailTo(mailbox.Addr()); err != nil {
		return err
	}
	a, err := newApp(ctx, settings, systemNow)
	if err != nil {
		return err
	}
	defer a.close()
	if err := a.migrate(ctx); err != nil {
		return err
	}
	web, err := a.startSample(ctx)
	if err != nil {
		return err
	}
	defer web.Close()
	keys, err := seal.Open(settings.KeyFile)
	if err != nil {
		return err
	}
	if err := a.fillDemo(ctx); err != nil {
		return err
	}
	d := &demo{token: randomToken(), mailbox: mailbox, out: out}
	egress := a.egress()
	egress.AllowLoopback = web.Addresses()
	sources := append(web.Sources(), pipeline.DropSource(settings.Drop, 5*time.Second))
	return a.run(ctx, roles{name: "demo", portal: true, work: true, collect: true}, parts{keys: keys, sources: sources, egress: egress, demo: d, listener: listener})
}

// listenDemo takes another port when the usual one is taken, but not when the operator named one.
func listenDemo(ctx context.Context, address string) (net.Listener, error) {
	listener, err := listen(ctx, address)
	if err == nil || os.Getenv("WARDLINE_ADDR") != "" {
		return listener, err
	}
	return listen(ctx, "127.0.0.1:0")
}

// startSample serves the sample dark web on the ports that it had last time, if they are free: its pages are then
// known for the same ones.
func (a *app) startSample(ctx context.Context) (*sample.Web, error) {
	const key = "demo.sample_addresses"
	last, err := a.store.FindSetting(ctx, key)
	if err != nil && !errors.Is(err, risk.ErrNotFound) {
		return nil, err
	}
	web, err := sample.Start(ctx, sample.Options{Addresses: last, Now: a.now})
	if err != nil {
		return nil, err
	}
	return web, a.store.SaveSetting(ctx, key, web.Listening())
}

// fillDemo adds the invented hospital, its suppliers, a person to sign in as and some dump files, once.
func (a *app) fillDemo(ctx context.Context) error {
	queue, err := a.newJobs("", nil, nil, job.Workers{})
	if err != nil {
		return err
	}
	a.store.UseQueue(queue)
	suppliers, err := sample.Suppliers()
	if err != nil {
		return err
	}
	for _, s := range suppliers {
		s.Created, s.Updated = a.now(), a.now()
		if _, err := a.store.CreateSupplier(ctx, s); err != nil && !errors.Is(err, risk.ErrConflict) {
			return fmt.Errorf("add sample supplier: %w", err)
		}
	}
	user := risk.User{Email: "s.quinn@st-aldhelm.example", Name: "S. Quinn", Role: risk.RoleAnalyst, Created: a.now()}
	if user.PasswordHash, err = portal.HashPassword(randomToken()); err != nil {
		return err
	}
	if _, err := a.store.CreateUser(ctx, user); err != nil && !errors.Is(err, risk.ErrConflict) {
		return fmt.Errorf("add sample user: %w", err)
	}
	if err := os.MkdirAll(a.settings.Drop, 0o700); err != nil {
		return fmt.Errorf("make drop folder: %w", err)
	}
	return sample.WriteDrop(a.settings.Drop)
}

func randomToken() string {
	raw := make([]byte, 16)
	_, _ = rand.Read(raw) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(raw)
}

const longestWait = 20 * time.Second

// announce prints the address once the first findings are in, so that the first page already has something to show.
func (d *demo) announce(ctx context.Context, a *app) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(longestWait)
	for waiting := true; waiting; {
		_, total, err := a.store.FindExposures(ctx, risk.ExposureFilter{Limit: 1})
		if err == nil && total > 0 {
			break
		}
		select {
		case <-ctx.Done():
			return nil
		case <-deadline:
			waiting = false
		case <-tick.C:
		}
	}
	fmt.Fprintf(d.out, "open %s/demo/%s\n", a.settings.PublicURL, d.token)
	return nil
}

// mails are what the demo's mailbox received, newest first.
func (d *demo) mails() []portal.Mail {
	received := d.mailbox.Messages()
	mails := make([]portal.Mail, 0, len(received))
	for _, m := range received {
		mails = append(mails, portal.Mail{ID: m.ID, At: m.At, From: m.From, To: m.To, Subject: m.Subject, Text: m.Text, HTML: m.HTML})
	}
	return mails
}
