package store

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

func init() {
	bodies["a batch is recorded once"] = testRecordOnce
	bodies["a failed batch leaves nothing"] = testRecordFails
	bodies["exposures are seen again"] = testSeenAgain
	bodies["one batch holds the same thing twice"] = testTwiceInABatch
	bodies["a digest tells of all it covers"] = testDigest
	bodies["pages and files without findings"] = testPlaces
	bodies["the standing is what is true"] = testStanding
	bodies["concurrent batches of one finding"] = testConcurrent
	bodies["a large batch"] = testLargeBatch
}

// watch is a store with one source and one supplier.
func watch(t *testing.T, s *Store) (risk.Source, risk.Supplier) {
	t.Helper()
	src := must(s.SyncSources(t.Context(), []risk.Source{pasteSource()}))(t)[0]
	sup := must(s.CreateSupplier(t.Context(), risk.Supplier{
		Name: "Meridian Lab", Kind: "Laboratory", Relation: risk.ThirdParty, Tier: 1, Owner: risk.Person{Name: "Olga", Email: "olga@hospital.example"},
		Terms: []risk.WatchTerm{{Kind: risk.TermDomain, Value: "Meridian-Lab.example"}},
	}))(t)
	return src, sup
}

var duty = risk.Person{Name: "Watch duty", Email: "duty@hospital.example"}

// alertEach decides a score and an alert to two people for everything that is untold.
func alertEach(st risk.Standing) (risk.Consequences, error) {
	out := risk.Consequences{Score: risk.Score{
		Number: 80 - float64(len(st.Evidence)), Grade: "B", Confidence: 0.5, Weights: "v1", Inputs: risk.ScoreInputs{At: clock, Evidence: st.Evidence, Coverage: st.Coverage},
	}}
	for _, e := range st.Evidence {
		out.Score.Contributions = append(out.Score.Contributions, risk.Contribution{Factor: "compromised_users", ExposureID: e.ExposureID, Label: "a login", Points: -1})
	}
	for _, e := range st.Unalerted {
		out.Alerts = append(out.Alerts, risk.Alert{
			Key: "new_exposure:" + e.Fingerprint, Kind: risk.AlertExposure, SupplierID: e.SupplierID, ExposureID: e.ID, Exposures: []int64{e.ID},
			To: []risk.Person{duty, st.Supplier.Owner, {Name: "Duty again", Email: "DUTY@hospital.example"}, {Name: "No address"}}, Notice: risk.Notice{Ref: e.Ref(), Severity: e.Severity},
		})
	}
	return out, nil
}

func batchOf(src risk.Source, findings ...risk.Finding) risk.Batch {
	return risk.Batch{
		Now: clock, Source: src, Findings: findings,
		Capture: &risk.Capture{URL: "http://paste.example/raw/1", Digest: "d1", Fetched: clock, Status: 200, ContentType: "text/plain", Bytes: 10, Items: 1, Matched: 1},
		Marks:   []risk.Mark{{Key: "http://paste.example/raw/1", Marker: "m1"}},
	}
}

// counted counts the rows of tables.
func counted(t *testing.T, s *Store, tables ...string) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, table := range tables {
		var n int64
		if err := s.reader.Table(table).Count(&n).Error; err != nil {
			t.Fatal(err)
		}
		out[table] = int(n)
	}
	return out
}

func testRecordOnce(t *testing.T, s *Store) {
	ctx := t.Context()
	src, sup := watch(t, s)
	batch := batchOf(src, finding(sup.ID, "f1", "raw/1"))
	got := must(s.Record(ctx, batch, alertEach))(t)
	if want := (risk.Recorded{New: 1, Messages: 2, Suppliers: []int64{sup.ID}}); !reflect.DeepEqual(got, want) {
		t.Errorf("recorded %+v, want %+v", got, want)
	}
	rows := counted(t, s, "exposures", "sightings", "scores", "contributions", "alerts", "messages", "captures", "marks", "test_jobs")
	want := map[string]int{"exposures": 1, "sightings": 1, "scores": 1, "contributions": 1, "alerts": 1, "messages": 2, "captures": 1, "marks": 1, "test_jobs": 4}
	if !reflect.DeepEqual(rows, want) {
		t.Errorf("rows %v, want %v", rows, want)
	}
	messages := must(s.FindMessages(ctx, risk.MessagePending, 0))(t)
	wantJobs := []risk.Job{{Kind: risk.JobRescore, SupplierID: sup.ID}}
	for i, m := range messages {
		wantJobs = append(wantJobs, risk.Job{Kind: risk.JobSendMail, MessageID: m.ID})
		if want := []string{"duty@hospital.example", "olga@hospital.example"}[i]; m.To.Email != want || m.Key != "new_exposure:f1|"+want {
			t.Errorf("message %d is to %s under %s", i, m.To.Email, m.Key)
		}
	}
	jobs := map[risk.Job]bool{}
	for _, j := range queued(t, s) {
		jobs[j] = true
	}
	for _, j := range wantJobs {
		if !jobs[j] {
			t.Errorf("no job %+v in %v", j, jobs)
		}
	}

	again := must(s.Record(ctx, batch, func(risk.Standing) (risk.Consequences, error) {
		t.Error("a second run decided about a supplier that it did not touch")
		return risk.Consequences{}, nil
	}))(t)
	if again.New+again.Seen+again.Messages+len(again.Suppliers) != 0 {
		t.Errorf("the second run recorded %+v", again)
	}
	// The page was fetched again, so there is one more capture; all else stays.
	want["captures"] = 2
	if rows := counted(t, s, "exposures", "sightings", "scores", "contributions", "alerts", "messages", "captures", "marks", "test_jobs"); !reflect.DeepEqual(rows, want) {
		t.Errorf("rows after the second run %v, want %v", rows, want)
	}
	if e := onlyExposure(t, s); e.Sightings != 1 || !e.LastSeen.Equal(clock) || !e.Due.Equal(clock.Add(4*time.Hour)) || e.Version != 1 || e.Supplier != "Meridian Lab" || e.Tier != 1 || e.SourceName != "Paste one" {
		t.Errorf("exposure %+v", e)
	}
	// A new decision meets what it decided before: it tells nobody again.
	if err := s.Rescore(ctx, sup.ID, clock.Add(time.Hour), alertEach); err != nil {
		t.Fatal(err)
	}
	if rows := counted(t, s, "scores", "alerts", "messages"); !reflect.DeepEqual(rows, map[string]int{"scores": 2, "alerts": 1, "messages": 2}) {
		t.Errorf("rows after a rescore %v", rows)
	}
}

func onlyExposure(t *testing.T, s *Store) risk.Exposure {
	t.Helper()
	found, total, err := s.FindExposures(t.Context(), risk.ExposureFilter{})
	if err != nil || total != 1 || len(found) != 1 {
		t.Fatalf("%d of %d exposures: %v", len(found), total, err)
	}
	return found[0]
}

func testRecordFails(t *testing.T, s *Store) {
	ctx := t.Context()
	src, sup := watch(t, s)
	before := counted(t, s, "exposures", "captures", "marks", "scores", "test_jobs")
	broken := errors.New("broken")
	if _, err := s.Record(ctx, batchOf(src, finding(sup.ID, "f1", "k")), func(risk.Standing) (risk.Consequences, error) {
		return risk.Consequences{}, broken
	}); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	s.UseQueue(nil)
	if _, err := s.Record(ctx, batchOf(src, finding(sup.ID, "f1", "k")), alertEach); err == nil {
		t.Error("a batch whose mails nobody would send was recorded")
	}
	if after := counted(t, s, "exposures", "captures", "marks", "scores", "test_jobs"); !reflect.DeepEqual(after, before) {
		t.Errorf("rows %v, want %v", after, before)
	}
	s.UseQueue(tableQueue{s.dialect})
	for name, batch := range map[string]risk.Batch{
		"no fingerprint": batchOf(src, finding(sup.ID, "", "k")),
		"no key":         batchOf(src, finding(sup.ID, "f", "")),
		"no supplier":    batchOf(src, finding(0, "f", "k")),
		"no source":      batchOf(risk.Source{}, finding(sup.ID, "f", "k")),
	} {
		if _, err := s.Record(ctx, batch, alertEach); !errors.Is(err, risk.ErrInvalid) {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
	if _, err := s.Record(ctx, batchOf(src, finding(sup.ID+9, "f", "k")), alertEach); !errors.Is(err, risk.ErrNotFound) {
		t.Errorf("unknown supplier: %v, want not found", err)
	}
	if err := s.Rescore(ctx, sup.ID+9, clock, alertEach); !errors.Is(err, risk.ErrNotFound) {
		t.Errorf("rescore of an unknown supplier: %v, want not found", err)
	}
}

func testSeenAgain(t *testing.T, s *Store) {
	ctx := t.Context()
	src, sup := watch(t, s)
	must(s.Record(ctx, batchOf(src, finding(sup.ID, "f1", "raw/1")), alertEach))(t)
	e := onlyExposure(t, s)
	later := finding(sup.ID, "f1", "raw/2")
	later.Sighting.Seen = clock.Add(time.Hour)
	later.Sighting.Board, later.Sighting.Author = "leaks", "someone"
	got := must(s.Record(ctx, batchOf(src, later), alertEach))(t)
	if want := (risk.Recorded{Seen: 1, Suppliers: []int64{sup.ID}}); !reflect.DeepEqual(got, want) {
		t.Errorf("recorded %+v, want %+v", got, want)
	}
	if e = onlyExposure(t, s); e.Sightings != 2 || !e.LastSeen.Equal(clock.Add(time.Hour)) || !e.FirstSeen.Equal(clock) || e.Version != 1 {
		t.Errorf("exposure %+v", e)
	}
	analyst := risk.Actor{UserID: newUser(t, s, "a@hospital.example").ID, Role: risk.RoleAnalyst}
	for _, to := range []risk.ExposureState{risk.ExposureConfirmed, risk.ExposureFixed} {
		e = must(s.ChangeExposure(ctx, e.ID, risk.Change{To: to, Version: e.Version}, analyst, clock.Add(2*time.Hour)))(t)
	}
	earlier := finding(sup.ID, "f1", "raw/3")
	earlier.Sighting.Seen = clock.Add(-time.Hour)
	must(s.Record(ctx, batchOf(src, earlier), alertEach))(t)
	if e = onlyExposure(t, s); e.State != risk.ExposureFixed || e.Sightings != 3 || !e.LastSeen.Equal(clock.Add(time.Hour)) {
		t.Errorf("exposure %+v", e)
	}
	var lines []string
	for _, ev := range must(s.FindEvents(ctx, e.ID))(t) {
		lines = append(lines, strings.Join(strings.Fields(ev.What+" "+ev.Detail+" "+ev.Actor), " "))
	}
	if want := "seen at Paste one;seen again;confirmed Ana;fixed Ana"; strings.Join(lines, ";") != want {
		t.Errorf("history %q, want %q", strings.Join(lines, ";"), want)
	}
	sightings := must(s.FindSightings(ctx, e.ID))(t)
	if len(sightings) != 3 || sightings[0].Key != "raw/2" || sightings[0].Board != "leaks" || sightings[0].SourceName != "Paste one" {
		t.Errorf("sightings %+v", sightings)
	}
}

func testTwiceInABatch(t *testing.T, s *Store) {
	src, sup := watch(t, s)
	got := must(s.Record(t.Context(), batchOf(src, finding(sup.ID, "f1", "a"), finding(sup.ID, "f2", "a"), finding(sup.ID, "f1", "b"), finding(sup.ID, "f1", "a")), alertEach))(t)
	if got.New != 2 || got.Seen != 0 {
		t.Errorf("recorded %+v", got)
	}
	found, _, err := s.FindExposures(t.Context(), risk.ExposureFilter{Sort: "new"})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 2 || found[1].Sightings != 2 || found[0].Sightings != 1 {
		t.Errorf("exposures %+v", found)
	}
}

func testDigest(t *testing.T, s *Store) {
	ctx := t.Context()
	src, sup := watch(t, s)
	digest := func(st risk.Standing) (risk.Consequences, error) {
		a := risk.Alert{Key: "new_exposures:1:x", Kind: risk.AlertExposure, SupplierID: st.Supplier.ID, To: []risk.Person{duty, st.Supplier.Owner}}
		for _, e := range st.Unalerted {
			a.Exposures = append(a.Exposures, e.ID)
		}
		return risk.Consequences{Alerts: []risk.Alert{a}}, nil
	}
	got := must(s.Record(ctx, batchOf(src, finding(sup.ID, "f1", "a"), finding(sup.ID, "f2", "a"), finding(sup.ID, "f3", "a")), digest))(t)
	if got.Messages != 2 {
		t.Errorf("recorded %+v", got)
	}
	if err := s.Rescore(ctx, sup.ID, clock, func(st risk.Standing) (risk.Consequences, error) {
		if len(st.Unalerted) != 0 {
			t.Errorf("%d exposures are still untold", len(st.Unalerted))
		}
		return risk.Consequences{}, nil
	}); err != nil {
		t.Fatal(err)
	}
	m := must(s.FindMessages(ctx, risk.MessagePending, 0))(t)[0]
	if _, claimed, err := s.ClaimMessage(ctx, m.ID, clock); err != nil || !claimed {
		t.Fatal(claimed, err)
	}
	m.State, m.Sent = risk.MessageSent, clock.Add(time.Second)
	if err := s.FinishMessage(ctx, m); err != nil {
		t.Fatal(err)
	}
	found, _, err := s.FindExposures(ctx, risk.ExposureFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range found {
		events := must(s.FindEvents(ctx, e.ID))(t)
		if len(events) != 2 || events[1].What != "mailed" || events[1].Detail != "to Watch duty" || !events[1].At.Equal(clock.Add(time.Second)) {
			t.Errorf("history of %s: %+v", e.Ref(), events)
		}
	}
}

func testPlaces(t *testing.T, s *Store) {
	ctx := t.Context()
	src, _ := watch(t, s)
	long := "http://paste.example/" + strings.Repeat("a", 4000)
	batch := batchOf(src)
	batch.Marks = []risk.Mark{{Key: long, Marker: "1"}, {Key: "k", Marker: "old"}, {Key: "k", Marker: "new"}}
	batch.File = &risk.File{Path: "caf\xe9.txt", Bytes: 9, Read: 4, State: risk.FileReading, Started: clock, Skipped: []string{"b.zip: encrypted"}}
	got := must(s.Record(ctx, batch, alertEach))(t)
	if got.New+got.Seen+got.Messages+len(got.Suppliers) != 0 {
		t.Errorf("recorded %+v", got)
	}
	batch.File.Read, batch.File.State, batch.File.Finished = 9, risk.FileDone, clock.Add(time.Minute)
	must(s.Record(ctx, batch, alertEach))(t)
	if n := counted(t, s, "scores")["scores"]; n != 0 {
		t.Errorf("%d scores without a finding", n)
	}
	for key, want := range map[string]string{long: "1", "k": "new"} {
		if m, found, err := s.FindMark(ctx, src.ID, key); err != nil || !found || m.Marker != want || m.Key != key {
			t.Errorf("mark %.30s: %+v %v %v", key, m, found, err)
		}
	}
	if _, found, err := s.FindMark(ctx, src.ID, long+"b"); found || err != nil {
		t.Errorf("a mark that was never saved: %v %v", found, err)
	}
	files, total, err := s.FindFiles(ctx, risk.FileFilter{SourceID: src.ID})
	if err != nil || len(files) != 1 || total != 1 {
		t.Fatalf("files %+v of %d, want one (%v)", files, total, err)
	}
	if f := files[0]; f.Read != 9 || f.State != risk.FileDone || !f.Finished.Equal(clock.Add(time.Minute)) || f.Skipped[0] != "b.zip: encrypted" {
		t.Errorf("file %+v", f)
	}
	if at := must(s.FindFilesAt(ctx, src.ID, []string{"caf\xe9.txt", "never begun"}))(t); len(at) != 1 || at["caf\xe9.txt"].Read != 9 {
		t.Errorf("files by path %+v", at)
	}
	captures := must(s.FindCaptures(ctx, src.ID, 0))(t)
	if len(captures) != 2 || captures[0].URL != "http://paste.example/raw/1" || captures[0].SourceID != src.ID {
		t.Errorf("captures %+v", captures)
	}
}

func testStanding(t *testing.T, s *Store) {
	ctx := t.Context()
	src, sup := watch(t, s)
	for i, m := range []risk.MatchKind{risk.MatchExact, risk.MatchAccount, risk.MatchSubdomain, risk.MatchIP, risk.MatchBrand, risk.MatchLookalike} {
		f := finding(sup.ID, fmt.Sprintf("f%d", i), "k")
		f.Exposure.Match = m
		f.Exposure.Severity = []risk.Severity{risk.SeverityHigh, risk.SeverityCritical, risk.SeverityMedium, risk.SeverityLow, risk.SeverityLow, risk.SeverityLow}[i]
		f.Exposure.Observed = clock.AddDate(0, 0, -20)
		must(s.Record(ctx, batchOf(src, f), func(risk.Standing) (risk.Consequences, error) { return risk.Consequences{}, nil }))(t)
	}
	if err := s.FinishRun(ctx, risk.SourceRun{SourceID: src.ID, Started: clock, Finished: clock, State: risk.StateHealthy}); err != nil {
		t.Fatal(err)
	}
	var got risk.Standing
	if err := s.Rescore(ctx, sup.ID, clock.Add(time.Hour), func(st risk.Standing) (risk.Consequences, error) {
		got = st
		return risk.Consequences{Score: risk.Score{Number: 70, Low: 60, High: 80, Confidence: 0.5, Grade: "C", Weights: "v1"}}, nil
	}); err != nil {
		t.Fatal(err)
	}
	if got.Supplier.Name != "Meridian Lab" || len(got.Supplier.Terms) != 1 || !reflect.DeepEqual(got.Coverage, []risk.SourceKind{risk.SourcePaste}) || got.Previous == nil {
		t.Errorf("standing %+v", got)
	}
	for i, want := range []float64{0.8, 0.8, 0.76, 0.72, 0.48, 0.32} {
		e := got.Evidence[i]
		if diff := e.Quality - want; diff > 1e-9 || diff < -1e-9 {
			t.Errorf("evidence %d has quality %v, want %v", i, e.Quality, want)
		}
		if !e.Observed.Equal(clock.AddDate(0, 0, -20)) || e.State != risk.ExposureNew || e.Kind != risk.KindCredential || e.Format != risk.FormatULP || e.SourceKind != risk.SourcePaste {
			t.Errorf("evidence %+v", e)
		}
	}
	if len(got.Unalerted) != 2 || got.Unalerted[0].Severity != risk.SeverityCritical || got.Unalerted[1].Severity != risk.SeverityHigh {
		t.Errorf("untold %+v", got.Unalerted)
	}
	sc := must(s.FindScore(ctx, sup.ID))(t)
	if sc.Number != 70 || sc.SupplierID != sup.ID || !sc.At.Equal(clock.Add(time.Hour)) {
		t.Errorf("score %+v", sc)
	}
	if all := must(s.FindScores(ctx, sup.ID, clock.Add(time.Minute)))(t); len(all) != 1 {
		t.Errorf("%d scores since a minute, want 1", len(all))
	}
}

func testConcurrent(t *testing.T, s *Store) {
	src, sup := watch(t, s)
	const workers, rounds = 6, 5
	var group sync.WaitGroup
	errs := make(chan error, workers*rounds)
	for w := range workers {
		group.Go(func() {
			for r := range rounds {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				_, err := s.Record(ctx, batchOf(src, finding(sup.ID, "same", fmt.Sprintf("%d-%d", w, r)), finding(sup.ID, fmt.Sprintf("round-%d", r), fmt.Sprint(w))), alertEach)
				cancel()
				errs <- err
			}
		})
	}
	group.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	rows := counted(t, s, "exposures", "sightings", "alerts", "messages")
	if want := map[string]int{"exposures": 6, "sightings": 60, "alerts": 6, "messages": 12}; !reflect.DeepEqual(rows, want) {
		t.Errorf("rows %v, want %v", rows, want)
	}
	found, _, err := s.FindExposures(t.Context(), risk.ExposureFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range found {
		if want := map[bool]int{true: workers * rounds, false: workers}[e.Fingerprint == "same"]; e.Sightings != want {
			t.Errorf("%s was seen %d times, want %d", e.Fingerprint, e.Sightings, want)
		}
	}
	// Whoever decided last saw everything.
	if sc := must(s.FindScore(t.Context(), sup.ID))(t); sc.Number != 80-6 || len(sc.Contributions) != 6 {
		t.Errorf("the last score is %v with %d contributions", sc.Number, len(sc.Contributions))
	}
}

func testLargeBatch(t *testing.T, s *Store) {
	src, sup := watch(t, s)
	var findings []risk.Finding
	for i := range 2500 {
		f := finding(sup.ID, fmt.Sprintf("f%05d", i), "k")
		f.Exposure.Severity = risk.SeverityLow
		findings = append(findings, f)
	}
	if got := must(s.Record(t.Context(), batchOf(src, findings...), alertEach))(t); got.New != 2500 || got.Messages != 0 {
		t.Errorf("recorded %+v", got)
	}
	for i := range findings {
		findings[i].Sighting.Key = "other"
	}
	if got := must(s.Record(t.Context(), batchOf(src, findings[:2400]...), alertEach))(t); got.New != 0 || got.Seen != 2400 {
		t.Errorf("recorded %+v", got)
	}
	if rows := counted(t, s, "exposures", "sightings"); !reflect.DeepEqual(rows, map[string]int{"exposures": 2500, "sightings": 4900}) {
		t.Errorf("rows %v", rows)
	}
	var off int64
	if err := s.reader.Raw("SELECT COUNT(*) FROM exposures WHERE sightings <> (SELECT COUNT(*) FROM sightings WHERE exposure_id = exposures.id)").Scan(&off).Error; err != nil || off != 0 {
		t.Errorf("%d exposures count their sightings wrong: %v", off, err)
	}
}

func init() { bodies["concurrent batches of different findings"] = testConcurrentApart }

// testConcurrentApart lets batches that share no row but their supplier decide at once: the last decision must have
// seen all of them.
func testConcurrentApart(t *testing.T, s *Store) {
	src, sup := watch(t, s)
	const workers = 12
	var group sync.WaitGroup
	errs := make(chan error, workers)
	for w := range workers {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err := s.Record(ctx, risk.Batch{Now: clock, Source: src, Findings: []risk.Finding{finding(sup.ID, fmt.Sprint("apart-", w), "k")}}, alertEach)
			errs <- err
		})
	}
	group.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	if sc := must(s.FindScore(t.Context(), sup.ID))(t); len(sc.Contributions) != workers {
		t.Errorf("the last score saw %d of %d exposures", len(sc.Contributions), workers)
	}
}
