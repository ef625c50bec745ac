package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/config"
	"github.com/wardline/wardline/internal/corpus"
	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/pipeline"
	"github.com/wardline/wardline/internal/risk"
)

// countedTraces counts the blocks that hunts read again, and may end one after some of them.
type countedTraces struct {
	pipeline.Traces
	blocks int
	bytes  int
	end    func(blocks int)
}

func (c *countedTraces) Reread(ctx context.Context, src risk.Source, f risk.File, s []risk.Stretch, visit func(risk.Block) error, done func(int)) error {
	return c.Traces.Reread(ctx, src, f, s, func(b risk.Block) error {
		c.blocks++
		c.bytes += len(b.Body())
		if c.end != nil {
			c.end(c.blocks)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return visit(b)
	}, done)
}

func newHunted(t *testing.T) (*aviary, *countedTraces) {
	w := newAviary(t, canaries(1))
	w.must(os.Remove(filepath.Join(w.drop, "dump.txt")))
	traces := &countedTraces{Traces: w.steps.Traces}
	w.steps.Traces = traces
	return w, traces
}

// settle lists the drop folder and does what that calls for, until it calls for nothing more. It gives the kinds of jobs.
func (w *aviary) settle() (done []risk.JobKind) {
	w.t.Helper()
	for {
		w.queue.jobs = nil
		w.must(w.steps.Collect(w.t.Context(), "drop"))
		jobs := slices.Clone(w.queue.jobs)
		if len(jobs) == 0 {
			return done
		}
		for _, j := range jobs {
			done = append(done, j.Kind)
			if j.Kind == risk.JobHunt {
				w.must(w.steps.Hunt(w.t.Context()))
			} else {
				w.must(w.steps.ScanFile(w.t.Context(), j.SourceKey, j.Path))
			}
		}
		if len(done) > 100 {
			w.t.Fatalf("jobs without end: %v", done[:10])
		}
	}
}

// exposed is all that is known of exposures and where they were seen, without what random keys make.
func (w *aviary) exposed() string {
	w.t.Helper()
	found, _, err := w.app.store.FindExposures(w.t.Context(), risk.ExposureFilter{Limit: 100_000})
	w.must(err)
	var lines []string
	for _, e := range found {
		sightings, err := w.app.store.FindSightings(w.t.Context(), e.ID)
		w.must(err)
		var places []string
		for _, s := range sightings {
			places = append(places, fmt.Sprintf("%s %s:%d:%d", s.Where.Path, s.Where.Entry, s.Where.Line, s.Where.Offset))
		}
		slices.Sort(places)
		lines = append(lines, fmt.Sprintf("%s %s %s %s %s %s %q %q %d %v", e.Supplier, e.Kind, e.Class, e.Match, e.Term, e.Severity, e.Title, e.Excerpt, e.Sightings, places))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func (w *aviary) addTerms(terms []risk.WatchTerm) {
	w.t.Helper()
	bySupplier := map[string][]risk.WatchTerm{}
	for _, t := range terms {
		bySupplier[t.Supplier] = append(bySupplier[t.Supplier], t)
	}
	var suppliers []risk.Supplier
	for name, terms := range bySupplier {
		suppliers = append(suppliers, risk.Supplier{Name: name, Terms: terms})
	}
	_, _, err := w.app.store.ImportTerms(w.t.Context(), suppliers)
	w.must(err)
}

// answerable are the terms that an index tells of.
func answerable(terms []risk.WatchTerm) (out []risk.WatchTerm) {
	for _, t := range terms {
		if _, ok := match.CluesOf(t); ok {
			out = append(out, t)
		}
	}
	return out
}

func writeCorpus(t *testing.T, path string, terms []risk.WatchTerm, o corpus.Options) {
	t.Helper()
	var text bytes.Buffer
	if _, err := corpus.Write(&text, terms, o); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Whatever is added after a dump was read: the hunt finds what a reading with it from the beginning finds, and nothing else.
func TestHuntFindsWhatAReadingFinds(t *testing.T) {
	for seed := range uint64(4) {
		terms := corpus.Watchlist(seed, 80)
		rand.New(rand.NewPCG(seed, 9)).Shuffle(len(terms), func(i, j int) { terms[i], terms[j] = terms[j], terms[i] })
		known, added := terms[:40], terms[40:]
		if seed%2 == 0 {
			known, added = answerable(known), answerable(added)
		}
		later, traces := newHunted(t)
		atOnce, _ := newHunted(t)
		later.addTerms(known)
		atOnce.addTerms(terms[:40])
		if seed%2 == 0 {
			atOnce, _ = newHunted(t)
			atOnce.addTerms(known)
		}
		atOnce.addTerms(added)
		for _, w := range []*aviary{later, atOnce} {
			writeCorpus(t, filepath.Join(w.drop, "mail.txt"), terms, corpus.Options{Seed: seed, Bytes: 6 << 20, Share: 0.0005})
			w.settle()
		}
		later.addTerms(added)
		jobs := later.settle()
		got, want := later.exposed(), atOnce.exposed()
		if got != want || want == "" {
			t.Errorf("seed %d: the hunt found\n%s\na reading\n%s", seed, got, want)
		}
		if scanned := slices.Contains(jobs, risk.JobScanFile); scanned != (seed%2 == 1) || traces.blocks == 0 {
			t.Errorf("seed %d: jobs %v, %d blocks read again", seed, jobs, traces.blocks)
		}
	}
}

var (
	late     = []risk.WatchTerm{{Supplier: "Corvane Billing", Kind: risk.TermDomain, Value: "corvane.example"}}
	lateLeak = "https://vpn.corvane.example/login:lena.hart@corvane.example:invented-1\n"
)

// filler is n mebibytes of lines about nobody.
func filler(n int) string {
	line := "u.nobody@elsewhere.example:invented-0000\n"
	return strings.Repeat(line, n<<20/len(line))
}

// A supplier that is added after a dump was read is found in it, and its owner told, without the dump being read again.
func TestHuntReadsOnlyWhereItMay(t *testing.T) {
	w, traces := newHunted(t)
	w.must(os.WriteFile(filepath.Join(w.drop, "mail.txt"), []byte(filler(20)+lateLeak+filler(20)), 0o600))
	w.settle()
	supplier, err := w.app.store.CreateSupplier(t.Context(), risk.Supplier{Name: "Corvane Billing", Relation: risk.ThirdParty, Tier: 1,
		Owner: risk.Person{Name: "B. Lindt", Email: "b.lindt@hospital.example"}, Terms: late})
	w.must(err)
	if jobs := w.settle(); !slices.Equal(jobs, []risk.JobKind{risk.JobHunt}) || traces.bytes == 0 || traces.bytes > 3<<20 {
		t.Errorf("jobs %v, %d bytes of 40 MiB read again", jobs, traces.bytes)
	}
	hunts, _, err := w.app.store.FindHunts(t.Context(), supplier.ID, 10)
	w.must(err)
	if len(hunts) != 1 || hunts[0].State != risk.HuntDone || hunts[0].Path != "mail.txt" || hunts[0].Findings != 1 || hunts[0].Looked != hunts[0].Stretches {
		t.Errorf("hunts %+v", hunts)
	}
	w.must(w.steps.Deliver(t.Context(), 0))
	mails := w.mailbox.Messages()
	if len(mails) != 2 || !slices.ContainsFunc([]string{mails[0].To, mails[1].To}, func(to string) bool { return strings.Contains(to, "b.lindt") }) {
		t.Errorf("mails %+v", mails)
	}
	run, err := w.app.store.FindHuntRun(t.Context())
	w.must(err)
	if run.Finished.IsZero() || run.Dumps != 1 || run.Looked != 1 || run.Whole != 0 {
		t.Errorf("run %+v", run)
	}
}

// A hunt that is ended anywhere in a dump begins with that dump again, and finds nothing twice.
func TestHuntIsTakenUpAfterItsEnd(t *testing.T) {
	text := strings.Repeat(filler(2)+lateLeak, 6) + strings.ReplaceAll(lateLeak, "lena.hart", "max.muster")
	whole, _ := newHunted(t)
	whole.addTerms(late)
	w, traces := newHunted(t)
	for _, a := range []*aviary{whole, w} {
		a.must(os.WriteFile(filepath.Join(a.drop, "mail.txt"), []byte(text), 0o600))
		a.settle()
	}
	w.addTerms(late)
	for ended := 1; ended < 6; ended++ {
		ctx, end := context.WithCancel(t.Context())
		from := traces.blocks
		traces.end = func(n int) {
			if n-from == ended {
				end()
			}
		}
		if err := w.steps.Hunt(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("ended at block %d: %v", ended, err)
		}
		end()
	}
	traces.end = nil
	if jobs := w.settle(); !slices.Equal(jobs, []risk.JobKind{risk.JobHunt}) {
		t.Errorf("jobs %v", jobs)
	}
	if got, want := w.exposed(), whole.exposed(); got != want || strings.Count(got, "\n") != 1 {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// What an index cannot answer, because it is gone, damaged, or of names, is read for whole, once.
func TestDumpsAreReadWholeWhereTheIndexDoesNotTell(t *testing.T) {
	index := func(w *aviary) string {
		files, err := filepath.Glob(filepath.Join(w.data, "index", "*.index"))
		w.must(err)
		if len(files) != 1 {
			t.Fatalf("indexes %v", files)
		}
		return files[0]
	}
	brand := []risk.WatchTerm{late[0], {Supplier: "Corvane Billing", Kind: risk.TermBrand, Value: "Nobody Elsewhere"}}
	for name, c := range map[string]struct {
		terms []risk.WatchTerm
		do    func(w *aviary)
	}{
		"the index is deleted": {late, func(w *aviary) { w.must(os.Remove(index(w))) }},
		"the index is damaged": {late, func(w *aviary) {
			b, err := os.ReadFile(index(w))
			w.must(err)
			b[len(b)/2] ^= 1
			w.must(os.WriteFile(index(w), b, 0o600))
		}},
		"the index is cut off": {late, func(w *aviary) { w.must(os.Truncate(index(w), 200)) }},
		"a name is added":      {brand, func(*aviary) {}},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := newHunted(t)
			w.must(os.WriteFile(filepath.Join(w.drop, "mail.txt"), []byte(filler(2)+lateLeak+"Nobody Elsewhere was here\n"), 0o600))
			w.settle()
			c.do(w)
			w.addTerms(c.terms)
			if jobs := w.settle(); !slices.Equal(jobs, []risk.JobKind{risk.JobHunt, risk.JobScanFile}) {
				t.Errorf("jobs %v, want the hunt, which asks for one reading", jobs)
			}
			if got := w.exposed(); !strings.Contains(got, "corvane.example") || len(c.terms) > 1 && !strings.Contains(got, "Nobody Elsewhere") {
				t.Errorf("exposures %s", got)
			}
			index(w) // is there again
		})
	}
}

// A dump that is gone is named with what its index tells; a file that took its place is a dump of its own.
func TestHuntNamesDumpsThatAreGone(t *testing.T) {
	w, traces := newHunted(t)
	path := filepath.Join(w.drop, "mail.txt")
	w.must(os.WriteFile(path, []byte(filler(2)+lateLeak), 0o600))
	w.settle()
	w.must(os.Rename(path, path+".away"))
	w.must(os.Rename(path+".away", filepath.Join(t.TempDir(), "mail.txt")))
	supplier, err := w.app.store.CreateSupplier(t.Context(), risk.Supplier{Name: "Corvane Billing", Relation: risk.ThirdParty, Terms: late})
	w.must(err)
	w.must(w.steps.Hunt(t.Context()))
	hunts, _, err := w.app.store.FindHunts(t.Context(), supplier.ID, 10)
	w.must(err)
	if len(hunts) != 1 || hunts[0].State != risk.HuntGone || hunts[0].Stretches == 0 || traces.blocks != 0 || w.exposed() != "" {
		t.Errorf("hunts %+v, %d blocks read", hunts, traces.blocks)
	}
	var out, errs bytes.Buffer
	if err := huntDumps(t.Context(), w.app.settings, scanOptions{}, late, &out, &errs); err != nil {
		t.Errorf("exit %v: %s", err, errs.String())
	}
	if want := "mail.txt: corvane.example may stand in 2 parts of about a megabyte, but the dump is no longer there\n0 indicators; 1 dump of 1 may hold what was asked for, of which 1 is no longer there\n"; out.String() != want {
		t.Errorf("printed %q, want %q", out.String(), want)
	}
	// It comes back.
	w.must(os.WriteFile(path, []byte(filler(2)+strings.ReplaceAll(lateLeak, "lena", "lisa")), 0o600))
	w.must(os.Chtimes(path, time.Now(), time.Now().Add(-time.Hour)))
	if jobs := w.settle(); !slices.Equal(jobs, []risk.JobKind{risk.JobScanFile}) || !strings.Contains(w.exposed(), "corvane.example") {
		t.Errorf("jobs %v, exposures %s", jobs, w.exposed())
	}
}

func TestHuntCommand(t *testing.T) {
	w, _ := newHunted(t)
	path := filepath.Join(w.drop, "mail.txt")
	w.must(os.WriteFile(path, []byte(filler(2)+lateLeak+filler(2)), 0o600)) // at the end of one stretch, and so beside the next
	w.must(os.Chtimes(path, time.Now(), time.Now().Add(-time.Hour)))        // nobody is writing it any more
	w.settle()
	hunt := func(o scanOptions, args ...string) (string, string, error) {
		terms, err := huntedTerms("", args)
		w.must(err)
		var out, errs bytes.Buffer
		err = huntDumps(t.Context(), w.app.settings, o, terms, &out, &errs)
		return out.String(), errs.String(), err
	}
	out, errs, err := hunt(scanOptions{}, "corvane.example")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if err != nil || len(lines) != 3 || lines[0] != "mail.txt: corvane.example may stand in 2 parts of about a megabyte, which are read again" ||
		!strings.Contains(lines[1], "credential l•••••@corvane.example") || lines[2] != "1 indicator; 1 dump of 1 may hold what was asked for" {
		t.Errorf("%q %q %v", out, errs, err)
	}
	out, _, err = hunt(scanOptions{json: true}, `lena.hart@corvane.example`, "192.0.2.0/24")
	var first huntLineJSON
	var second scanLineJSON
	d := json.NewDecoder(strings.NewReader(out))
	if errors.Join(d.Decode(&first), d.Decode(&second), err) != nil || first.Dump != "mail.txt" || first.State != "held" || len(first.Terms) != 1 || second.Kind != risk.KindCredential {
		t.Errorf("%s %+v %+v %v", out, first, second, err)
	}
	if out, _, err := hunt(scanOptions{}, "elsewhere.test"); !errors.Is(err, exitNothing) {
		t.Errorf("nothing there: %q, %v", out, err)
	}
	if out, errs, err := hunt(scanOptions{}, "corvane.example", "Corvane"); !errors.Is(err, exitFailed) || !strings.Contains(errs, "no index holds names") || !strings.Contains(errs, `"anything,brand,Corvane"`) || !strings.Contains(errs, "\n  wardline scan --watchlist FILE ") || !strings.Contains(out, "credential") {
		t.Errorf("a name among them: %q %q %v", out, errs, err)
	}
	for _, settings := range []config.Settings{{Data: t.TempDir()}} {
		var out, errs bytes.Buffer
		if err := huntDumps(t.Context(), settings, scanOptions{}, late, &out, &errs); !errors.Is(err, exitNothing) || out.String() != "no dump has been read yet, so that there is nothing to ask\n" {
			t.Errorf("no dumps: %q %v", out.String(), err)
		}
	}
}

func TestKindsOfHuntedTerms(t *testing.T) {
	for arg, want := range map[string]risk.TermKind{
		"corvane.example": risk.TermDomain, "j@corvane.example": risk.TermAccount, `STMARY\jdoe`: risk.TermAccount, `STMARY\`: risk.TermADDomain,
		"192.0.2.7": risk.TermIP, "192.0.2.0/24": risk.TermIP, "2001:db8::1": risk.TermIP, "Corvane": risk.TermBrand, "Corvane 2.0 Cloud": risk.TermBrand,
	} {
		if terms, err := huntedTerms("", []string{arg}); err != nil || terms[0].Kind != want {
			t.Errorf("%s: %+v, %v; want %s", arg, terms, err, want)
		}
	}
	if _, err := huntedTerms("domain", []string{"no domain"}); !errors.Is(err, risk.ErrInvalid) {
		t.Errorf("%v, want invalid", err)
	}
}

// A dump is found again from any working folder: the drop folder's path is kept whole, and where an older index has it
// relative, or the folder was moved, the one of today is looked into.
func TestHuntFindsDumpsFromAnyFolder(t *testing.T) {
	w, _ := newHunted(t)
	w.must(os.WriteFile(filepath.Join(w.drop, "mail.txt"), []byte(lateLeak), 0o600))
	w.must(os.Chtimes(filepath.Join(w.drop, "mail.txt"), time.Now(), time.Now().Add(-time.Hour)))
	t.Chdir(filepath.Dir(w.drop))
	_, err := w.app.store.SyncSources(t.Context(), []risk.Source{pipeline.DropSource(filepath.Base(w.drop), time.Minute)})
	w.must(err)
	w.settle()
	t.Chdir(t.TempDir())
	settings := w.app.settings
	settings.Drop = w.drop
	var out, errs bytes.Buffer
	if err := huntDumps(t.Context(), settings, scanOptions{}, late, &out, &errs); err != nil || !strings.Contains(out.String(), "which is read again") {
		t.Errorf("%v: %s%s", err, out.String(), errs.String())
	}
	for data, want := range map[string]string{"here": "here/drop", "s3://bucket/dumps": "s3://bucket/dumps"} {
		set := map[string]string{"WARDLINE_DATA": data}
		if strings.HasPrefix(data, "s3") {
			set = map[string]string{"WARDLINE_DROP": data, "WARDLINE_S3_ENDPOINT": "https://store.example"}
		} else {
			here, err := os.Getwd()
			w.must(err)
			want = filepath.Join(here, want)
		}
		if s, err := config.FromEnvironment(set); err != nil || s.Drop != want {
			t.Errorf("%v: the drop folder is %q, %v; want %q", set, s.Drop, err, want)
		}
	}
}
