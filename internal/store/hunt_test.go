package store

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

func init() {
	bodies["a version of the watchlist tells which terms are new"] = testWatchlists
	bodies["a file waits for a reading for names"] = testNameReads
	bodies["files of older watchlists are found, and hunts kept"] = testHunts
}

func testWatchlists(t *testing.T, s *Store) {
	ctx := t.Context()
	terms := []risk.WatchTerm{{SupplierID: 1, Kind: risk.TermDomain, Value: "a.example"}, {SupplierID: 2, Kind: risk.TermDomain, Value: "a.example"}, {SupplierID: 1, Kind: risk.TermHost, Value: "a.example"}}
	if _, err := s.NewTerms(ctx, "v1", terms); !errors.Is(err, risk.ErrNotFound) {
		t.Errorf("a version that nobody saved: %v", err)
	}
	for range 2 {
		if err := s.SaveWatchlist(ctx, "v1", terms[:1]); err != nil {
			t.Fatal(err)
		}
	}
	if got := must(s.NewTerms(ctx, "v1", terms))(t); fmt.Sprint(got) != fmt.Sprint(terms[1:]) {
		t.Errorf("new terms %v", got)
	}
	if got := must(s.NewTerms(ctx, "v1", nil))(t); len(got) != 0 {
		t.Errorf("new among none: %v", got)
	}
	for want, now := range map[bool][]risk.WatchTerm{true: terms, false: terms[1:]} {
		if got := must(s.KeepsTerms(ctx, "v1", now))(t); got != want {
			t.Errorf("of v1 all terms are left among %v: %v", now, got)
		}
	}
	if must(s.KeepsTerms(ctx, "v0", terms))(t) {
		t.Error("terms of a version that nobody saved are said to be left")
	}
	// Unused for more than a day, it is forgotten; one that a file was read with is not.
	src, _ := watch(t, s)
	if _, err := s.BeginFile(ctx, risk.File{SourceID: src.ID, Path: "a.txt", Watchlist: "v2", State: risk.FileDone}); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveWatchlist(ctx, "v2", terms); err != nil {
		t.Fatal(err)
	}
	before := s.now
	s.now = func() time.Time { return before().Add(25 * time.Hour) }
	defer func() { s.now = before }()
	if err := s.SaveWatchlist(ctx, "v3", terms); err != nil {
		t.Fatal(err)
	}
	if _, err := s.NewTerms(ctx, "v1", terms); !errors.Is(err, risk.ErrNotFound) {
		t.Errorf("the unused version: %v", err)
	}
	if got := must(s.NewTerms(ctx, "v2", terms))(t); len(got) != 0 {
		t.Errorf("the version in use: new terms %v", got)
	}
}

func testHunts(t *testing.T, s *Store) {
	ctx := t.Context()
	src, sup := watch(t, s)
	var files []risk.File
	for i, f := range []risk.File{
		{Path: "old.txt", Watchlist: "v1", State: risk.FileDone},
		{Path: "new.txt", Watchlist: "v2", State: risk.FileDone},
		{Path: "broken.zip", Watchlist: "v1", State: risk.FileFailed},
		{Path: "being-read.txt", Watchlist: "v1", State: risk.FileReading},
	} {
		f.SourceID, f.Bytes, f.Started = src.ID, int64(i), clock
		files = append(files, must(s.BeginFile(ctx, f))(t))
	}
	stale := must(s.FindStaleFiles(ctx, "v2", 0, 10))(t)
	if len(stale) != 2 || stale[0].File.Path != "old.txt" || stale[1].File.Path != "broken.zip" || stale[0].Source.Key != src.Key {
		t.Fatalf("stale files %+v", stale)
	}
	if rest := must(s.FindStaleFiles(ctx, "v2", stale[0].File.ID, 10))(t); len(rest) != 1 {
		t.Errorf("behind the first: %+v", rest)
	}
	hunt := risk.Hunt{SupplierID: sup.ID, FileID: files[0].ID, State: risk.HuntReading, Stretches: 7, Looked: 2, Findings: 1, Unanswered: []string{"Meridian"}, Updated: clock}
	gone := risk.Hunt{SupplierID: sup.ID + 100, FileID: files[0].ID, State: risk.HuntReading, Updated: clock}
	if err := s.SaveHunts(ctx, []risk.Hunt{hunt, gone}); err != nil {
		t.Fatal(err)
	}
	hunt.State, hunt.Looked, hunt.Findings = risk.HuntDone, 7, 3
	if err := s.FinishHunt(ctx, files[0], "v2", []risk.Hunt{hunt}, risk.HuntWhole); err != nil {
		t.Fatal(err)
	}
	hunt.Path, hunt.Source = "old.txt", src.Name
	if got, total, err := s.FindHunts(ctx, sup.ID, 10); err != nil || total != 1 || fmt.Sprint(got) != fmt.Sprint([]risk.Hunt{hunt}) {
		t.Errorf("hunts %+v of %d, %v", got, total, err)
	}
	if n := must(s.CountStaleFiles(ctx, "v2"))(t); n != 1 {
		t.Errorf("%d files left, want 1", n)
	}
	paths := []string{"old.txt", "new.txt"}
	if whole := must(s.FindWholeReads(ctx, src.ID, paths))(t); len(whole) != 1 || !whole["old.txt"] {
		t.Errorf("to be read whole: %v", whole)
	}
	anew := files[0]
	anew.Watchlist, anew.Started = "v2", clock.Add(time.Hour)
	if _, err := s.BeginFile(ctx, anew); err != nil {
		t.Fatal(err)
	}
	if whole := must(s.FindWholeReads(ctx, src.ID, paths))(t); len(whole) != 0 {
		t.Errorf("to be read whole, after it was: %v", whole)
	}
	// A file that was begun anew since the hunt looked at it keeps what the reading says.
	again := files[2]
	again.Watchlist, again.State = "v0", risk.FileReading
	if _, err := s.BeginFile(ctx, again); err != nil {
		t.Fatal(err)
	}
	if err := s.FinishHunt(ctx, files[2], "v2", nil, risk.HuntNothing); err != nil {
		t.Fatal(err)
	}
	if f := must(s.FindFile(ctx, files[2].ID))(t); f.Watchlist != "v0" {
		t.Errorf("watchlist %q of a file that is being read", f.Watchlist)
	}
	run := risk.HuntRun{Started: clock, Dumps: 9, Looked: 3, Whole: 1}
	if got := must(s.FindHuntRun(ctx))(t); got != (risk.HuntRun{}) {
		t.Errorf("run %+v before there was one", got)
	}
	if err := s.SaveHuntRun(ctx, run); err != nil {
		t.Fatal(err)
	}
	run.Whole = 0 // the file that waited is being read since
	if got := must(s.FindHuntRun(ctx))(t); got != run {
		t.Errorf("run %+v", got)
	}
}

func testNameReads(t *testing.T, s *Store) {
	ctx := t.Context()
	src, sup := watch(t, s)
	file := must(s.BeginFile(ctx, risk.File{SourceID: src.ID, Path: "a.txt", Watchlist: "v1", State: risk.FileDone, Started: clock}))(t)
	reads := func() map[string]risk.NameRead {
		return must(s.FindNameReads(ctx, src.ID, []string{"a.txt", "b.txt"}))(t)
	}
	hunt := risk.Hunt{SupplierID: sup.ID, FileID: file.ID, State: risk.HuntFullRead, Stretches: 3, Looked: 3, Findings: 2, Unanswered: []string{"Meridian"}, Updated: clock}
	ask := func(version string) risk.NameRead {
		t.Helper()
		if err := s.FinishHunt(ctx, file, version, []risk.Hunt{hunt}, risk.HuntNames); err != nil {
			t.Fatal(err)
		}
		file.Watchlist = version
		return reads()["a.txt"]
	}
	if err := s.SaveWatchlist(ctx, "v1", nil); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveHuntRun(ctx, risk.HuntRun{Dumps: 1}); err != nil {
		t.Fatal(err)
	}
	first := ask("v2")
	if run := must(s.FindHuntRun(ctx))(t); run != (risk.HuntRun{Dumps: 1, Names: 1}) {
		t.Errorf("while a file waits: run %+v", run)
	}
	if len(reads()) != 1 || first.Since != "v1" || first.Turn != 1 || first.FileID != file.ID {
		t.Errorf("asked for %+v", reads())
	}
	first.At, first.Counts = risk.Position{Document: 2, Offset: 9, Context: []byte("columns")}, []risk.Flood{{FileID: file.ID, SupplierID: sup.ID, Kept: 4}}
	if err := s.SaveNameRead(ctx, first); err != nil {
		t.Fatal(err)
	}
	if got := reads()["a.txt"]; fmt.Sprint(got) != fmt.Sprint(first) {
		t.Errorf("saved %+v, found %+v", first, got)
	}
	second := ask("v3")
	if second.Since != "v1" || second.At.Offset != 0 || len(second.Counts) != 0 {
		t.Errorf("asked for anew: %+v", second)
	}
	if err := errors.Join(s.SaveNameRead(ctx, first), s.FinishNameRead(ctx, first, nil)); !errors.Is(err, risk.ErrConflict) {
		t.Errorf("the reading that was asked for before: %v", err)
	}
	// The version that it compares with stays as long as it waits.
	before := s.now
	s.now = func() time.Time { return before().Add(25 * time.Hour) }
	defer func() { s.now = before }()
	if err := s.SaveWatchlist(ctx, "v3", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.NewTerms(ctx, "v1", nil); err != nil {
		t.Errorf("the version that names are new since: %v", err)
	}
	if got, _, err := s.FindHunts(ctx, sup.ID, 10); err != nil || got[0].State != risk.HuntFullRead || len(got[0].Unanswered) != 1 {
		t.Errorf("while it waits: %+v %v", got, err)
	}
	if err := s.FinishNameRead(ctx, second, []risk.Hunt{{SupplierID: sup.ID, FileID: file.ID, State: risk.HuntDone, Findings: 5, Updated: clock}}); err != nil {
		t.Fatal(err)
	}
	if got, _, err := s.FindHunts(ctx, sup.ID, 10); err != nil || got[0].State != risk.HuntDone || got[0].Findings != 7 || got[0].Stretches != 3 || len(got[0].Unanswered) != 0 || len(reads()) != 0 {
		t.Errorf("afterwards: %+v %v, %v", got, err, reads())
	}
	// A whole reading takes its place.
	ask("v4")
	if err := s.FinishHunt(ctx, file, "v5", nil, risk.HuntWhole); err != nil || len(reads()) != 0 {
		t.Errorf("beside a whole reading: %v, %v", reads(), err)
	}
}
