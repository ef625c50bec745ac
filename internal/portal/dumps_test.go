package portal_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

func (s *fakeStore) FindFiles(_ context.Context, f risk.FileFilter) ([]risk.File, int, error) {
	defer s.lock()()
	var found []risk.File
	for _, x := range s.files {
		if (len(f.States) == 0 || slices.Contains(f.States, x.State)) && strings.Contains(strings.ToLower(x.Path), strings.ToLower(f.Text)) {
			found = append(found, x)
		}
	}
	return window(found, f.Offset, f.Limit), len(found), s.down
}

func (s *fakeStore) FindFile(_ context.Context, id int64) (risk.File, error) {
	defer s.lock()()
	for _, x := range s.files {
		if x.ID == id {
			return x, nil
		}
	}
	return risk.File{}, risk.ErrNotFound
}

func (s *fakeStore) turnFile(id int64, from, to risk.FileState, why string) error {
	defer s.lock()()
	for i := range s.files {
		if s.files[i].ID == id && s.files[i].State == from {
			s.files[i].State, s.files[i].Why = to, why
			return nil
		}
	}
	return risk.ErrConflict
}

func (s *fakeStore) CancelFile(_ context.Context, id int64, by risk.Actor, _ time.Time) error {
	return s.turnFile(id, risk.FileReading, risk.FileCancelled, "Cancelled by "+by.Name+".")
}

func (s *fakeStore) ResumeFile(_ context.Context, id int64, _ time.Time) error {
	return s.turnFile(id, risk.FileCancelled, risk.FileReading, "")
}

func (s *fakeStore) FindFloods(_ context.Context, f risk.FloodFilter) (out []risk.Flood, counted int64, err error) {
	defer s.lock()()
	for _, x := range s.floods {
		if (f.SupplierID == 0 || f.SupplierID == x.SupplierID) && (f.FileID == 0 || f.FileID == x.FileID) {
			out, counted = append(out, x), counted+x.Counted
		}
	}
	return out, counted, s.down
}

func (s *fakeStore) CountedIn(_ context.Context, ids []int64) (map[int64]int64, error) {
	defer s.lock()()
	out := map[int64]int64{}
	for _, x := range s.floods {
		if slices.Contains(ids, x.FileID) {
			out[x.FileID] += x.Counted
		}
	}
	return out, s.down
}

func (s *fakeStore) FindRepeats(_ context.Context, id int64) ([]risk.Repeats, error) {
	defer s.lock()()
	return s.repeats[id], nil
}

// dumps puts files into the store: one that is read, one that waits, and one of each end.
func (s *fakeStore) dumps(now time.Time) {
	at := func(ago time.Duration) time.Time { return now.Add(-ago) }
	s.files = []risk.File{
		{ID: 1, SourceID: 5, Path: "2026-03/combo.txt.zst", Bytes: 4_000_000_000, Packed: 1_640_000_000, Rate: 120_000_000, Read: 9_100_000_000, Records: 10_412,
			State: risk.FileReading, Started: at(14 * time.Minute), Updated: at(time.Second), Skipped: []string{"logs.zip: inner.rar: is encrypted"}},
		{ID: 2, SourceID: 5, Path: "big.tar", Bytes: 2_000_000, Packed: 500_000, State: risk.FileReading, Started: at(time.Hour), Updated: at(30 * time.Minute)},
		{ID: 3, SourceID: 5, Path: "old.txt", Bytes: 900, Packed: 900, Read: 900, Records: 3, State: risk.FileDone, Started: at(3 * time.Hour), Updated: at(2 * time.Hour), Finished: at(2 * time.Hour)},
		{ID: 4, SourceID: 5, Path: "broken.7z", Bytes: 70_000, Packed: 100, State: risk.FileFailed, Why: "It could not be read to its end.", Started: at(time.Hour), Finished: at(time.Hour)},
		{ID: 5, SourceID: 5, Path: "stopped.csv", Bytes: 1000, Packed: 250, State: risk.FileCancelled, Why: "Cancelled by S. Quinn.", Started: at(time.Hour)},
		{ID: 6, SourceID: 5, Path: "copy/old.txt", Bytes: 900, State: risk.FileSame, SameAs: "old.txt", Started: at(time.Hour), Finished: at(time.Hour)},
	}
	s.floods = []risk.Flood{{FileID: 1, Path: "2026-03/combo.txt.zst", SupplierID: 1, Supplier: "Meridian Lab Services", Kind: risk.KindCredential, Class: risk.ClassCustomer,
		Kept: 10_000, Counted: 4_812_337, Since: at(9 * time.Minute), Last: at(time.Second)}}
}

func TestDumps(t *testing.T) {
	s := newSite(t)
	doc := s.as(risk.RoleAnalyst).page("/dumps")
	wantCount(t, doc, `section[aria-label="Dumps"] tbody tr`, 6)
	for row, want := range map[string][]string{
		"1": {"Being read", "41 %", "120 MB/s", "< 1 min left", "10\u202f412", "4\u202f812\u202f337", "Drop folder", "4.0 GB"},
		"2": {"Waiting", "25 %"},
		"3": {"Read", "900 B looked through"},
		"4": {"Failed", "It could not be read to its end."},
		"5": {"Cancelled", "Cancelled by S. Quinn."},
		"6": {"Same as another", "as old.txt"},
	} {
		for _, w := range want {
			wantText(t, doc, "tbody tr:nth-child("+row+")", w)
		}
	}
	wantCount(t, doc, `tbody progress[value="1640000000"][max="4000000000"]`, 1)
	wantCount(t, doc, `#live[data-live]`, 1)
	wantCount(t, doc, `form[action="/dumps/1/cancel"]`, 1)
	wantCount(t, doc, `form[action="/dumps/5/resume"]`, 1)
	wantCount(t, doc, `main form[method=post]`, 3)
	wantCount(t, doc, `a[href="/inbox?v=open&file=1"]`, 1)

	doc = s.as(risk.RoleAnalyst).page("/dumps?state=failed")
	wantCount(t, doc, `section[aria-label="Dumps"] tbody tr`, 1)
	doc = s.as(risk.RoleAnalyst).page("/dumps?q=nothing-of-the-kind")
	wantText(t, doc, ".empty", "No dump's name holds what you search for.")
	doc = s.as(risk.RoleAuditor).page("/dumps")
	wantCount(t, doc, "main form[method=post]", 0)
	doc = s.as(risk.RoleAdmin).page("/dumps")
	wantCount(t, doc, `a[href^="/inbox"]`, 0)
	if r := s.as(risk.RoleAnalyst).get("/dumps?state=odd"); r.Code != http.StatusBadRequest {
		t.Errorf("a list that there is not: %d", r.Code)
	}
}

func TestADump(t *testing.T) {
	s := newSite(t)
	b := s.as(risk.RoleAnalyst)
	doc := b.page("/dumps/1")
	wantText(t, doc, "h1", "2026-03/combo.txt.zst")
	wantText(t, doc, ".skipped", "inner.rar: is encrypted")
	wantText(t, doc, `[aria-labelledby="counted"]`, "4\u202f812\u202f337 in all")
	wantText(t, doc, `[aria-labelledby="counted"] tbody`, "Credential · customer account at a watched host")
	wantText(t, doc, `[aria-labelledby="reading"]`, "9.1 GB looked through")
	s.store.files[0].Tries = 1
	doc = b.page("/dumps/1")
	if got := doc.Find(`[aria-labelledby="reading"]`).Text(); strings.Contains(got, "Tries") || !strings.Contains(got, "MB/s < 1 min left") {
		t.Errorf("a first reading, under way: %q", got)
	}
	s.store.files[0].Tries = 3
	wantText(t, b.page("/dumps/1"), `[aria-labelledby="reading"]`, "2 ended with the process and got no further")
	if r := b.get("/dumps/77"); r.Code != http.StatusNotFound {
		t.Errorf("a dump that there is not: %d", r.Code)
	}
}

func TestADumpIsCancelledAndGoesOn(t *testing.T) {
	s := newSite(t)
	b := s.as(risk.RoleAnalyst)
	b.post("/dumps/1/cancel")
	if got := s.store.files[0]; got.State != risk.FileCancelled || got.Why != "Cancelled by S. Quinn." {
		t.Errorf("after cancelling: %s, %q", got.State, got.Why)
	}
	doc := b.page("/dumps/1")
	wantText(t, doc, `[role="status"]`, "What was found so far stays.")
	wantCount(t, doc, `form[action="/dumps/1/resume"]`, 1)
	if r := b.post("/dumps/1/cancel"); r.Code != http.StatusConflict {
		t.Errorf("cancelled twice: %d", r.Code)
	}
	b.post("/dumps/1/resume")
	if got := s.store.files[0]; got.State != risk.FileReading || got.Why != "" {
		t.Errorf("after going on: %s, %q", got.State, got.Why)
	}
}

func TestWhatDumpsBringIsShownWhereItBelongs(t *testing.T) {
	s := newSite(t)
	s.store.exposures[0].UsableUntil = s.clock.now().Add(-time.Hour)
	s.store.repeats = map[int64][]risk.Repeats{2041: {{FileID: 1, Path: "2026-03/combo.txt.zst", Counted: 431}}}
	s.store.sightings = append(s.store.sightings, risk.Sighting{ExposureID: 2041, FileID: 1, Seen: s.clock.now(), Where: risk.Place{Path: "2026-03/combo.txt.zst"},
		Facts: []risk.Fact{{Name: "machine", Value: "WARD-7"}, {Name: "malware_path", Value: `C:\Users\l•••\a.exe`}}})
	b := s.as(risk.RoleAnalyst)
	doc := b.page("/exposures/2041")
	wantText(t, doc, ".facts", "which is over")
	wantText(t, doc, `[aria-label="Sightings"]`, "WARD-7")
	wantText(t, doc, `[aria-label="Sightings"]`, "Path of the malware")
	wantText(t, doc, `[aria-labelledby="seen"]`, "431 more in 2026-03/combo.txt.zst were counted")
	wantCount(t, doc, `[aria-labelledby="seen"] a[href="/dumps/1"]`, 2)
	wantCount(t, s.as(risk.RoleCISO).page("/exposures/2041"), `a[href^="/dumps"]`, 0)

	wantText(t, b.page("/suppliers/1"), `[aria-labelledby="flood"]`, "4\u202f812\u202f337 more of the same were counted")
	wantText(t, b.page("/"), `[aria-label="Dumps being read"]`, "2 dumps are being read")
	wantCount(t, s.as(risk.RoleProcurement).page("/"), `[aria-label="Dumps being read"]`, 0)
	wantText(t, b.page("/inbox?v=open&file=1"), "main", "In 2026-03/combo.txt.zst only")

	s.store.files = s.store.files[:1]
	wantText(t, b.page("/"), `[aria-label="Dumps being read"]`, "1 dump is being read: 41 % · 120 MB/s · < 1 min left")
	s.store.files = nil
	wantCount(t, b.page("/"), `[aria-label="Dumps being read"]`, 0)
	wantText(t, b.page("/dumps"), ".empty", "No dump has been read yet.")
}

func TestDumpsForPrograms(t *testing.T) {
	s := newSite(t)
	type item struct {
		Path    string
		State   string
		Counted int64
		Skipped []string
	}
	got := read[list[item]](t, s.program(risk.RoleAuditor).get("/api/v1/dumps?state=reading"))
	if got.Total != 2 || got.Items[0].Counted != 4_812_337 || got.Items[0].State != "reading" || len(got.Items[0].Skipped) != 1 || got.Items[1].Skipped == nil {
		t.Errorf("dumps %+v", got)
	}
}
