package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/config"
	"github.com/wardline/wardline/internal/job"
	"github.com/wardline/wardline/internal/pipeline"
	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/sample"
	"github.com/wardline/wardline/internal/seal"
)

// canary is a login that nobody has: where it turns up, something leaks.
type canary struct{ local, password string }

func canaries(n int) []canary {
	all := make([]canary, n)
	for i := range all {
		all[i] = canary{fmt.Sprintf("kanarie%03dvogel", i), fmt.Sprintf("Zq%03dxVbWk9!", i)}
	}
	return all
}

// forms are the shapes in which logins leak; %[1]s is the local part, %[2]s the password.
var forms = []string{
	"%[1]s@meridian-lab.example:%[2]s",
	"https://vpn.meridian-lab.example/login:%[1]s@meridian-lab.example:%[2]s",
	"meridian-lab.example|%[1]s|%[2]s",
	"URL: https://portal.meridian-lab.example/\nUsername: %[1]s\nPassword: %[2]s\n===============",
	"MERIDIAN\\%[1]s;%[2]s",
	"%[1]s@meridian-lab.example\t%[2]s",
	`{"email": "%[1]s@meridian-lab.example", "password": "%[2]s"}`,
	"INSERT INTO users VALUES (17, '%[1]s@meridian-lab.example', '%[2]s');",
	"selling access to Meridian Lab, login %[1]s@meridian-lab.example pass %[2]s dm me",
	"https://%[1]s:%[2]s@vpn.meridian-lab.example/",
}

func leaked(all []canary) string {
	var out strings.Builder
	for i, c := range all {
		fmt.Fprintf(&out, forms[i%len(forms)]+"\n", c.local, c.password)
	}
	return out.String()
}

// onePage is a source that shows one page.
type onePage struct{ items []risk.Item }

func (o onePage) Crawl(ctx context.Context, _ risk.Source, _ func(context.Context, string) (risk.Mark, bool, error), visit func(context.Context, risk.Page) error) (risk.CrawlReport, error) {
	page := risk.Page{Capture: risk.Capture{URL: "http://source.test/page", Digest: "d", Fetched: time.Now(), Status: 200}, Items: o.items}
	return risk.CrawlReport{Pages: 1, Items: len(o.items), New: len(o.items)}, visit(ctx, page)
}

// Two hundred canary logins in ten shapes go through a dump, a paste and a forum to exposures, scores, mails and logs:
// no password and no whole account may be anywhere but in memory and in the dump, which is the operator's own.
func TestNoCanaryLeavesMemory(t *testing.T) {
	all := canaries(200)
	w := newAviary(t, all)
	for _, key := range []string{"paste", "forum", "drop"} {
		w.must(w.steps.Collect(t.Context(), key))
	}
	w.must(w.steps.ScanFile(t.Context(), "drop", "dump.txt"))
	w.must(w.steps.Rescore(t.Context(), 0))
	w.must(w.steps.Deliver(t.Context(), 0))

	_, total, err := w.app.store.FindExposures(t.Context(), risk.ExposureFilter{})
	w.must(err)
	if total < 100 || len(w.mailbox.Messages()) < 2 {
		t.Fatalf("%d exposures and %d mails: too little to tell", total, len(w.mailbox.Messages()))
	}
	left := w.everything()
	for place, text := range left {
		text = bytes.ToLower(text)
		for _, c := range all {
			for what, secret := range map[string]string{"password": c.password, "account": c.local} {
				if at := bytes.Index(text, []byte(strings.ToLower(secret))); at >= 0 {
					t.Errorf("%s: %s of canary %s: …%q…", place, what, c.local, text[max(0, at-60):min(len(text), at+60)])
				}
			}
		}
	}
	log := left["log"]
	if address := regexp.MustCompile(`[\w.•-]+@[\w-]+\.[\w.]+`).Find(log); address != nil {
		t.Errorf("the log names an address: %s", address)
	}
	if !bytes.Contains(log, []byte("file scanned")) {
		t.Error("the log was not caught")
	}
}

type aviary struct {
	t       *testing.T
	app     *app
	steps   *pipeline.Pipeline
	mailbox *sample.Mailbox
	queue   *heldQueue
	log     string
	data    string
	drop    string
}

// heldQueue keeps the jobs that the steps insert by themselves.
type heldQueue struct{ jobs []risk.Job }

func (q *heldQueue) Insert(_ context.Context, jobs ...risk.Job) error {
	q.jobs = append(q.jobs, jobs...)
	return nil
}

func (w *aviary) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func newAviary(t *testing.T, all []canary) *aviary {
	t.Helper()
	w := &aviary{t: t, data: t.TempDir(), drop: t.TempDir(), queue: &heldQueue{}, log: filepath.Join(t.TempDir(), "log")}
	ctx := t.Context()
	var err error
	w.mailbox, err = sample.StartMailbox(context.Background(), "127.0.0.1:0")
	w.must(err)
	t.Cleanup(func() { _ = w.mailbox.Close() })
	settings, err := config.FromEnvironment(map[string]string{
		"WARDLINE_DATA": w.data, "WARDLINE_WATCH_DUTY": "duty@hospital.example", "WARDLINE_SMTP_TLS": "none",
		"WARDLINE_SMTP_FROM": "wardline@hospital.example", "WARDLINE_LOG_LEVEL": "debug", "WARDLINE_PUBLIC_URL": "https://wardline.hospital.example",
	})
	w.must(err)
	w.must(settings.SendMailTo(w.mailbox.Addr()))
	w.catchLog()
	w.app, err = newApp(ctx, settings, func() time.Time { return time.Now().UTC().Add(time.Minute) })
	w.must(err)
	t.Cleanup(w.app.close)
	w.must(w.app.migrate(ctx))
	queue, err := w.app.newJobs("", nil, nil, job.Workers{})
	w.must(err)
	w.app.store.UseQueue(queue)
	_, err = w.app.store.CreateSupplier(ctx, risk.Supplier{
		Name: "Meridian Lab", Relation: risk.ThirdParty, Tier: 1, Owner: risk.Person{Name: "A. Osei", Email: "a.osei@hospital.example"},
		Terms: []risk.WatchTerm{{Kind: risk.TermDomain, Value: "meridian-lab.example"}, {Kind: risk.TermADDomain, Value: "MERIDIAN"}, {Kind: risk.TermBrand, Value: "Meridian Lab"}},
	})
	w.must(err)
	w.must(os.WriteFile(filepath.Join(w.drop, "dump.txt"), []byte(leaked(all)), 0o600))
	_, err = w.app.store.SyncSources(ctx, []risk.Source{
		{Key: "paste", Name: "Paste", Kind: risk.SourcePaste, Every: time.Minute, Reliability: 1, Enabled: true},
		{Key: "forum", Name: "Forum", Kind: risk.SourceForum, Every: time.Minute, Reliability: 1, Enabled: true},
		pipeline.DropSource(w.drop, time.Minute),
	})
	w.must(err)
	keys, err := seal.Open(settings.KeyFile)
	w.must(err)
	w.steps, err = w.app.newPipeline(keys, w.app.egress())
	w.must(err)
	w.steps.Queue = w.queue
	items := []risk.Item{{URL: "http://source.test/raw/1", PostID: "1", Title: "fresh Meridian Lab logins", Text: leaked(all)}}
	for i, c := range all[:min(50, len(all))] {
		items = append(items, risk.Item{URL: "http://source.test/t/1", PostID: fmt.Sprint(i + 2), Board: "b", Thread: "t", Title: "thread",
			Text: fmt.Sprintf("anyone from Meridian Lab here?\n%s %s\nmeridian-lab.example", c.local, c.password) + "\n" + fmt.Sprintf(forms[i%len(forms)], c.local, c.password)})
	}
	w.steps.Crawler = onePage{items}
	return w
}

// catchLog sends what the process logs from now on to a file.
func (w *aviary) catchLog() {
	file, err := os.Create(w.log)
	w.must(err)
	before := os.Stderr
	os.Stderr = file
	w.t.Cleanup(func() {
		os.Stderr = before
		_ = file.Close()
	})
}

// everything is all that the process left behind, by place.
func (w *aviary) everything() map[string][]byte {
	out := map[string][]byte{}
	w.must(filepath.WalkDir(w.data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		out[filepath.Base(path)], err = os.ReadFile(path)
		return err
	}))
	var err error
	out["log"], err = os.ReadFile(w.log)
	w.must(err)
	for _, m := range w.mailbox.Messages() {
		out["mail "+m.ID] = []byte(m.Subject + "\n" + m.Text + "\n" + m.HTML)
	}
	return out
}
