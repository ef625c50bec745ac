package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wardline/wardline/internal/catalog"
	"github.com/wardline/wardline/internal/config"
	"github.com/wardline/wardline/internal/job"
	"github.com/wardline/wardline/internal/pipeline"
	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/sample"
	"github.com/wardline/wardline/internal/seal"
)

var update = flag.Bool("update", false, "rewrite the stories' wanted parts")

// A story is a txtar file: watchlist.csv, source.yaml and the source's pages under site/, or dumps under drop/, and what
// must come of them: want/exposures, want/score, want/mail, and want/seen for suppliers of later.csv, who are added after
// the dumps were read; gone/ holds the names of dumps that are taken away before that. Each runs twice; the second run
// must change nothing.
func TestStories(t *testing.T) {
	eachStory(t, func(*testing.T) string { return "" })
}

func eachStory(t *testing.T, database func(*testing.T) string) {
	files, err := filepath.Glob("testdata/stories/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := newStory(t, archive, database(t))
			s.run()
			s.addLater()
			got := s.outcome()
			s.run()
			if again := s.outcome(); again != got {
				t.Errorf("the second run changed something:\n--- first\n%s\n--- second\n%s", got, again)
			}
			if *update {
				s.rewrite(file, got)
				return
			}
			if want := s.wanted(); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// story is one hospital with one source, on a clock that stands still.
type story struct {
	t       *testing.T
	archive *txtar.Archive
	app     *app
	steps   *pipeline.Pipeline
	mailbox *sample.Mailbox
	drop    string // folder of dumps
}

// storyKeys make the same fingerprints, and so the same order and references, in every run.
const storyKeys = `{"id":"k1","fingerprint":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=","account":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}`

var storyTime = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)

func newStory(t *testing.T, archive *txtar.Archive, database string) *story {
	t.Helper()
	s := &story{t: t, archive: archive, drop: t.TempDir()}
	ctx := t.Context()
	mailbox, err := sample.StartMailbox(context.Background(), "127.0.0.1:0")
	s.must(err)
	t.Cleanup(func() { mailbox.Close() })
	s.mailbox = mailbox
	settings, err := config.FromEnvironment(map[string]string{
		"WARDLINE_DATA": t.TempDir(), "WARDLINE_DATABASE_URL": database, "WARDLINE_WATCH_DUTY": "duty@hospital.example",
		"WARDLINE_SMTP_TLS": "none", "WARDLINE_SMTP_FROM": "wardline@hospital.example", "WARDLINE_LOG_LEVEL": "error",
		"WARDLINE_PUBLIC_URL": "https://wardline.hospital.example",
	})
	s.must(err)
	s.must(settings.SendMailTo(mailbox.Addr()))
	s.app, err = newApp(ctx, settings, func() time.Time { return storyTime })
	s.must(err)
	t.Cleanup(s.app.close)
	s.must(s.app.migrate(ctx))
	queue, err := s.app.newJobs("", nil, nil, job.Workers{})
	s.must(err)
	s.app.store.UseQueue(queue)
	s.addSuppliers("watchlist.csv")
	site := s.serveSite()
	s.addSources(site)
	s.must(os.WriteFile(settings.KeyFile, []byte(storyKeys), 0o600))
	keys, err := seal.Open(settings.KeyFile)
	s.must(err)
	egress := s.app.egress()
	egress.AllowLoopback = []netip.AddrPort{netip.MustParseAddrPort(site.Listener.Addr().String())}
	s.steps, err = s.app.newPipeline(keys, egress)
	s.must(err)
	s.steps.Queue = queue
	return s
}

func (s *story) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *story) file(name string) []byte {
	s.t.Helper()
	if !s.has(name) {
		s.t.Fatalf("the story has no %s", name)
	}
	return s.below(name)[""]
}

func (s *story) has(name string) bool { return len(s.below(name)) > 0 }

// below gives the files whose names begin so, by the rest of the name.
func (s *story) below(begin string) map[string][]byte {
	found := map[string][]byte{}
	for _, f := range s.archive.Files {
		if rest, below := strings.CutPrefix(f.Name, begin); below {
			found[rest] = f.Data
		}
	}
	return found
}

func (s *story) addSuppliers(file string) {
	suppliers, problems := catalog.ParseWatchlist(file, bytes.NewReader(s.file(file)))
	if len(problems) > 0 {
		s.t.Fatal(problems)
	}
	for _, supplier := range suppliers {
		supplier.Relation, supplier.Tier, supplier.Employees = risk.ThirdParty, 1, 400
		supplier.Owner = risk.Person{Name: "A. Osei", Email: "a.osei@hospital.example"}
		supplier.Created, supplier.Updated = storyTime, storyTime
		_, err := s.app.store.CreateSupplier(s.t.Context(), supplier)
		s.must(err)
	}
}

// serveSite serves the files below site/ under their names.
func (s *story) serveSite() *httptest.Server {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := path.Join("site", r.URL.Path)
		if r.URL.Path == "/" {
			name = "site/index"
		}
		for _, f := range s.archive.Files {
			if f.Name != name {
				continue
			}
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			if bytes.HasPrefix(bytes.TrimSpace(f.Data), []byte("<")) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
			}
			_, _ = w.Write(f.Data)
			return
		}
		http.NotFound(w, r)
	}))
	s.t.Cleanup(site.Close)
	return site
}

// addLater adds the suppliers of later.csv, after some dumps were taken away, and hunts for them.
func (s *story) addLater() {
	s.t.Helper()
	if !s.has("later.csv") {
		return
	}
	for name := range s.below("gone/") {
		s.must(os.Remove(filepath.Join(s.drop, name)))
	}
	s.addSuppliers("later.csv")
	s.must(s.steps.Hunt(s.t.Context()))
	s.run() // what the hunt left to be read, and the mails
}

func (s *story) addSources(site *httptest.Server) {
	if s.has("drop/") {
		for name, text := range s.below("drop/") {
			s.must(os.WriteFile(filepath.Join(s.drop, name), text, 0o600))
			s.must(os.Chtimes(filepath.Join(s.drop, name), storyTime, storyTime.Add(-time.Hour))) // nobody is writing it any more
		}
		drop := pipeline.DropSource(s.drop, time.Minute)
		_, err := s.app.store.SyncSources(s.t.Context(), []risk.Source{drop})
		s.must(err)
		return
	}
	src, err := catalog.ParseSource("source.yaml", s.file("source.yaml"))
	s.must(err)
	src.Address = site.URL + strings.TrimPrefix(src.Address, "http://site.test")
	src.Politeness = risk.Politeness{}
	_, err = s.app.store.SyncSources(s.t.Context(), []risk.Source{src})
	s.must(err)
}

func (s *story) run() {
	s.t.Helper()
	sources, err := s.app.store.FindSources(s.t.Context(), storyTime)
	s.must(err)
	for _, status := range sources {
		s.must(s.steps.Collect(s.t.Context(), status.Source.Key))
		for name := range s.below("drop/") {
			s.must(s.steps.ScanFile(s.t.Context(), status.Source.Key, name))
		}
	}
	s.must(s.steps.Rescore(s.t.Context(), 0)) // as the queue would, now that the source watches
	s.must(s.steps.Deliver(s.t.Context(), 0))
}

// outcome is all that came of the runs, as text.
func (s *story) outcome() string {
	s.t.Helper()
	return "-- want/exposures --\n" + s.exposures() + "-- want/score --\n" + s.scores() + "-- want/mail --\n" + s.mails() + s.seen()
}

// seen is where the suppliers that were added later were seen.
func (s *story) seen() string {
	if !s.has("later.csv") {
		return ""
	}
	suppliers, _, err := s.app.store.FindSuppliers(s.t.Context(), risk.SupplierFilter{}, storyTime)
	s.must(err)
	var lines []string
	for _, row := range suppliers {
		hunts, _, err := s.app.store.FindHunts(s.t.Context(), row.Supplier.ID, 100)
		s.must(err)
		for _, h := range hunts {
			lines = append(lines, fmt.Sprintf("%s in %s: %s, %d of %d parts read again, %d findings\n", row.Supplier.Name, h.Path, h.State, h.Looked, h.Stretches, h.Findings))
		}
	}
	slices.Sort(lines)
	return "-- want/seen --\n" + strings.Join(lines, "")
}

func (s *story) exposures() string {
	found, _, err := s.app.store.FindExposures(s.t.Context(), risk.ExposureFilter{Sort: "severity", Limit: 100})
	s.must(err)
	var out strings.Builder
	for _, e := range found {
		fmt.Fprintf(&out, "%s %s · %s · %s %s %s · %d× · %s\n", e.Severity, e.Title, e.Supplier, e.Kind, e.Class, e.Match, e.Sightings, strings.Join(e.Reasons, " "))
	}
	return out.String()
}

func (s *story) scores() string {
	rows, _, err := s.app.store.FindSuppliers(s.t.Context(), risk.SupplierFilter{}, storyTime)
	s.must(err)
	var out strings.Builder
	for _, row := range rows {
		posture, err := s.app.store.FindScore(s.t.Context(), row.Supplier.ID)
		if err != nil {
			fmt.Fprintf(&out, "%s: not scored\n", row.Supplier.Name)
			continue
		}
		fmt.Fprintf(&out, "%s: %.6f, %.6f to %.6f, confidence %.6f\n", row.Supplier.Name, posture.Number, posture.Low, posture.High, posture.Confidence)
		for _, c := range posture.Contributions {
			if !c.Unknown {
				fmt.Fprintf(&out, "  %+.6f %s: %s\n", c.Points, c.Factor, c.Label)
			}
		}
	}
	return out.String()
}

func (s *story) mails() string {
	received := s.mailbox.Messages()
	var out strings.Builder
	for i := len(received) - 1; i >= 0; i-- {
		m := received[i]
		fmt.Fprintf(&out, "To: %s\nSubject: %s\n\n%s\n", m.To, m.Subject, strings.TrimSpace(strings.ReplaceAll(m.Text, "\r\n", "\n")))
	}
	return out.String()
}

func (s *story) wanted() string {
	var out strings.Builder
	for _, f := range s.archive.Files {
		if strings.HasPrefix(f.Name, "want/") {
			fmt.Fprintf(&out, "-- %s --\n%s", f.Name, f.Data)
		}
	}
	return out.String()
}

func (s *story) rewrite(file, got string) {
	kept := &txtar.Archive{Comment: s.archive.Comment}
	for _, f := range s.archive.Files {
		if !strings.HasPrefix(f.Name, "want/") {
			kept.Files = append(kept.Files, f)
		}
	}
	s.must(os.WriteFile(file, append(txtar.Format(kept), got...), 0o600))
}
