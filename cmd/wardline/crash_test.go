//go:build real

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/config"
	"github.com/wardline/wardline/internal/dump"
	"github.com/wardline/wardline/internal/job"
	"github.com/wardline/wardline/internal/pipeline"
	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/sample"
	"github.com/wardline/wardline/internal/seal"
	"github.com/wardline/wardline/internal/testparts"
)

// childOrder tells a copy of this test binary to be a wardline process: the real one, but with loopback addresses that
// only tests and the demo may hand to the collector.
type childOrder struct {
	Settings map[string]string
	Sources  []risk.Source
	Allow    []netip.AddrPort
}

const childVariable = "TEST_WARDLINE_ORDER"

func TestMain(m *testing.M) {
	if order := os.Getenv(childVariable); order != "" {
		if err := beChild(order); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func beChild(order string) error {
	var o childOrder
	if err := json.Unmarshal([]byte(order), &o); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	settings, err := config.FromEnvironment(o.Settings)
	if err != nil {
		return err
	}
	a, err := newApp(ctx, settings, systemNow)
	if err != nil {
		return err
	}
	defer a.close()
	keys, err := seal.Open(settings.KeyFile)
	if err != nil {
		return err
	}
	egress := a.egress()
	egress.AllowLoopback = o.Allow
	return a.run(ctx, roles{name: "all", portal: true, work: true, collect: true}, parts{keys: keys, sources: o.Sources, egress: egress})
}

// world is an invented hospital with the sample sites, whose wardline runs in a process of its own that can be killed.
type world struct {
	t       *testing.T
	web     *sample.Web
	mailbox *sample.Mailbox
	order   childOrder
}

func newWorld(t *testing.T, web *sample.Web, database string) *world {
	t.Helper()
	mailbox, err := sample.StartMailbox(context.Background(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mailbox.Close() })
	host, port, _ := strings.Cut(mailbox.Addr(), ":")
	data := t.TempDir()
	w := &world{t: t, web: web, mailbox: mailbox, order: childOrder{
		Settings: map[string]string{
			"WARDLINE_DATA": data, "WARDLINE_ADDR": "127.0.0.1:0", "WARDLINE_DATABASE_URL": database, "WARDLINE_WATCH_DUTY": "duty@st-aldhelm.example",
			"WARDLINE_SMTP_HOST": host, "WARDLINE_SMTP_PORT": port, "WARDLINE_SMTP_TLS": "none", "WARDLINE_SMTP_FROM": "wardline@st-aldhelm.example",
			"WARDLINE_LOG_LEVEL": "error", "WARDLINE_PUBLIC_URL": "https://wardline.st-aldhelm.example", "WARDLINE_RESCUE_AFTER": "8s",
		},
		Sources: append(web.Sources(), pipeline.DropSource(filepath.Join(data, "drop"), time.Second)),
		Allow:   web.Addresses(),
	}}
	if err := os.WriteFile(filepath.Join(data, "keys.json"), []byte(storyKeys), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(data, "drop"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := sample.WriteDrop(filepath.Join(data, "drop")); err != nil {
		t.Fatal(err)
	}
	w.inside(func(a *app) {
		if err := a.migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		queue, err := a.newJobs("", nil, nil, job.Workers{})
		if err != nil {
			t.Fatal(err)
		}
		a.store.UseQueue(queue)
		suppliers, err := sample.Suppliers()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range suppliers {
			s.Created, s.Updated = a.now(), a.now()
			if _, err := a.store.CreateSupplier(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
	})
	return w
}

// inside opens the world's database beside the process.
func (w *world) inside(do func(*app)) {
	w.t.Helper()
	settings, err := config.FromEnvironment(w.order.Settings)
	if err != nil {
		w.t.Fatal(err)
	}
	a, err := newApp(context.Background(), settings, systemNow)
	if err != nil {
		w.t.Fatal(err)
	}
	defer a.close()
	do(a)
}

func (w *world) start() *exec.Cmd {
	w.t.Helper()
	order, err := json.Marshal(w.order)
	if err != nil {
		w.t.Fatal(err)
	}
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childVariable+"="+string(order))
	child.Stderr = os.Stderr
	if err := child.Start(); err != nil {
		w.t.Fatal(err)
	}
	return child
}

// settle lets a process run until nothing new comes: every file read, every source seen, every mail sent.
func (w *world) settle() {
	w.t.Helper()
	child := w.start()
	const patience = 3 * time.Minute
	last, since := "", time.Now()
	for ; ; time.Sleep(300 * time.Millisecond) {
		if now := w.pulse(); now != last {
			last, since = now, time.Now()
		}
		if time.Since(since) > 4*time.Second && w.done() {
			break
		}
		if time.Since(since) > patience {
			_ = child.Process.Kill()
			_ = child.Wait()
			w.t.Fatalf("did not settle; now:\n%s", last)
		}
	}
	_ = child.Process.Signal(syscall.SIGTERM)
	if err := child.Wait(); err != nil {
		w.t.Errorf("the process ended with %v", err)
	}
}

// pulse changes as long as something is found or read.
func (w *world) pulse() (now string) {
	w.inside(func(a *app) {
		_, total, err := a.store.FindExposures(w.t.Context(), risk.ExposureFilter{Limit: 1})
		if err != nil {
			w.t.Fatal(err)
		}
		now = fmt.Sprintf("%d exposures\n%s", total, strings.Join(w.files(), "\n"))
	})
	return now
}

func (w *world) done() (done bool) {
	w.inside(func(a *app) {
		sources, err := a.store.FindSources(w.t.Context(), a.now())
		if err != nil {
			w.t.Fatal(err)
		}
		pending, err := a.store.FindMessages(w.t.Context(), risk.MessagePending, 10)
		if err != nil {
			w.t.Fatal(err)
		}
		sending, err := a.store.FindMessages(w.t.Context(), risk.MessageSending, 10)
		if err != nil {
			w.t.Fatal(err)
		}
		done = len(sources) == len(w.order.Sources) && len(pending)+len(sending) == 0 && w.read(a, sources)
		for _, s := range sources {
			done = done && !s.Health.LastSuccess.IsZero()
		}
	})
	return done
}

// read reports that every dump has been read to its end.
func (w *world) read(a *app, sources []risk.SourceStatus) bool {
	for _, s := range sources {
		if s.Source.Kind != risk.SourceDrop {
			continue
		}
		listed, err := dump.Files(w.t.Context(), s.Source.Address, dump.Options{}, a.now())
		if err != nil {
			w.t.Fatal(err)
		}
		_, ended, err := a.store.FindFiles(w.t.Context(), risk.FileFilter{SourceID: s.Source.ID, States: []risk.FileState{risk.FileDone, risk.FileFailed, risk.FileSame}})
		if err != nil {
			w.t.Fatal(err)
		}
		if ended != len(listed) {
			return false
		}
	}
	return true
}

// files is how far the dumps have been read.
func (w *world) files() (lines []string) {
	w.inside(func(a *app) {
		files, _, err := a.store.FindFiles(w.t.Context(), risk.FileFilter{Limit: 1000})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, f := range files {
			lines = append(lines, fmt.Sprintf("%s: %s, %d bytes, %d records, skipped %q %s", f.Path, f.State, f.Read, f.Records, f.Skipped, f.Why))
		}
	})
	slices.Sort(lines)
	return lines
}

// state is every file, and every exposure with its sightings, by content.
func (w *world) state() string {
	lines := w.files()
	w.inside(func(a *app) {
		found, err := a.allExposures(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range found {
			sightings, err := a.store.FindSightings(w.t.Context(), e.ID)
			if err != nil {
				w.t.Fatal(err)
			}
			var places []string
			for _, s := range sightings {
				places = append(places, fmt.Sprintf("%s %s:%s:%d:%d", s.Key, s.Where.Path, s.Where.Entry, s.Where.Line, s.Where.Offset))
			}
			slices.Sort(places)
			lines = append(lines, fmt.Sprintf("%s %s: %d counted, %q", e.Fingerprint[:12], e.Kind, e.Sightings, places))
		}
	})
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func (a *app) allExposures(ctx context.Context) (all []risk.Exposure, err error) {
	for {
		found, total, err := a.store.FindExposures(ctx, risk.ExposureFilter{Sort: "new", Limit: 1000, Offset: len(all)})
		if all = append(all, found...); err != nil || len(all) >= total {
			return all, err
		}
	}
}

// mails counts what the mailbox got, by recipient and what it says, whatever number the exposure has.
func (w *world) mails() map[string]int {
	counts := map[string]int{}
	for _, m := range w.mailbox.Messages() {
		subject, _, _ := strings.Cut(m.Subject, " EX-")
		counts[m.To+" "+subject]++
	}
	return counts
}

// A process that is killed at any moment, again and again, ends with what an undisturbed one finds: no exposure lost,
// no sighting doubled, every mail sent. A kill between the server's answer and our record of it may send one mail
// again, under the same Message-ID.
func TestRealKilledAtAnyMoment(t *testing.T) {
	web, err := sample.Start(t.Context(), sample.Options{Drip: 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { web.Close() })
	calm := newWorld(t, web, "")
	calm.settle()
	want := calm.state()
	if strings.Count(want, "\n") < 20 {
		t.Fatalf("the undisturbed run found too little to tell:\n%s", want)
	}
	for name, database := range map[string]func() string{"sqlite": func() string { return "" }, "postgres": func() string { return testparts.Postgres(t) }} {
		t.Run(name, func(t *testing.T) {
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			random := rand.New(rand.NewPCG(seed, 0))
			w := newWorld(t, web, database())
			for range 8 {
				child := w.start()
				time.Sleep(time.Duration(100+random.IntN(1100)) * time.Millisecond)
				_ = child.Process.Kill()
				_ = child.Wait()
			}
			w.settle()
			compareStates(t, w.state(), want)
			compareMails(t, w.mails(), calm.mails())
		})
	}
}

func compareMails(t *testing.T, got, want map[string]int) {
	t.Helper()
	again := 0
	for _, mail := range slices.SortedFunc(maps.Keys(want), cmp.Compare) {
		if got[mail] < want[mail] {
			t.Errorf("lost: %s", mail)
		}
		again += max(0, got[mail]-want[mail])
	}
	for mail := range got {
		if want[mail] == 0 {
			t.Errorf("sent, though the undisturbed run did not: %s", mail)
		}
	}
	if again > 2 {
		t.Errorf("%d mails came twice", again)
	}
	t.Logf("%d mails, %d of them twice", len(want), again)
}
