package store

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

func init() {
	bodies["what is only counted grows, is told of once and is forgotten when a file is read anew"] = testFloods
	bodies["a file's sightings of one exposure are limited"] = testLimit
}

func begun(t *testing.T, s *Store, src risk.Source, path string) risk.File {
	t.Helper()
	return must(s.BeginFile(t.Context(), risk.File{SourceID: src.ID, Path: path, Bytes: 9, State: risk.FileReading, Started: clock}))(t)
}

func testFloods(t *testing.T, s *Store) {
	ctx := t.Context()
	src, sup := watch(t, s)
	file := begun(t, s, src, "dump.txt")
	flood := risk.Flood{FileID: file.ID, SupplierID: sup.ID, Kind: risk.KindCredential, Class: risk.ClassCustomer, Kept: 10, Counted: 5, Since: clock, Last: clock}
	record := func(decide risk.Decide, floods ...risk.Flood) {
		t.Helper()
		b := batchOf(src)
		b.Capture, b.Marks, b.Floods = nil, nil, floods
		must(s.Record(ctx, b, decide))(t)
	}
	record(nil, flood)
	later := flood
	later.Counted, later.Since, later.Last = 900, clock.Add(time.Hour), clock.Add(time.Minute)
	record(nil, later, risk.Flood{FileID: file.ID, SupplierID: sup.ID, Kind: risk.KindCookie, Kept: 3})
	record(nil, later) // again
	record(nil, flood) // and an older state behind it

	var seen [][]risk.Flood
	decide := func(st risk.Standing) (risk.Consequences, error) {
		seen = append(seen, st.Floods)
		if want := []risk.OnlyCounted{{Kind: risk.KindCredential, Count: 900}}; !reflect.DeepEqual(st.Counted, want) {
			t.Errorf("only counted %+v, want %+v", st.Counted, want)
		}
		out := risk.Consequences{Alerts: []risk.Alert{{Key: fmt.Sprint("digest ", len(seen)), Kind: risk.AlertExposure, SupplierID: st.Supplier.ID}}}
		return out, nil
	}
	for range 2 {
		if err := s.Rescore(ctx, sup.ID, clock, decide); err != nil {
			t.Fatal(err)
		}
	}
	want := later
	want.Since = clock
	if len(seen[0]) != 1 || !reflect.DeepEqual(seen[0][0], want) || seen[0][0].Untold() != 900 {
		t.Errorf("the first decision saw %+v, want %+v", seen[0], want)
	}
	if len(seen[1]) != 0 {
		t.Errorf("the second decision was told again of %+v", seen[1])
	}

	want.Told, want.Path, want.Supplier = 900, "dump.txt", sup.Name
	floods, counted, err := s.FindFloods(ctx, risk.FloodFilter{SupplierID: sup.ID, FileID: file.ID})
	if err != nil || counted != 900 || !reflect.DeepEqual(floods, []risk.Flood{want}) {
		t.Errorf("found %+v, %d in all, %v; want %+v", floods, counted, err, want)
	}
	if all := must(s.CountsOf(ctx, file.ID))(t); len(all) != 2 || all[0].Kind != risk.KindCookie || all[0].Kept != 3 {
		t.Errorf("counts of the file: %+v", all)
	}

	going := file
	going.At = risk.Position{Offset: 7}
	must(s.BeginFile(ctx, going))(t)
	if left := must(s.CountsOf(ctx, file.ID))(t); len(left) != 2 {
		t.Errorf("a file that goes on has %d counts, want 2", len(left))
	}
	begun(t, s, src, "dump.txt")
	if left := must(s.CountsOf(ctx, file.ID))(t); len(left) != 0 {
		t.Errorf("a file that is read anew still counts %+v", left)
	}
}

func testLimit(t *testing.T, s *Store) {
	ctx := t.Context()
	src, sup := watch(t, s)
	file, other := begun(t, s, src, "dump.txt"), begun(t, s, src, "other.txt")
	document := 0
	record := func(of risk.File, from, to int) {
		t.Helper()
		b := batchOf(src)
		b.Capture, b.Marks = nil, nil
		for i := from; i < to; i++ {
			f := finding(sup.ID, "f1", fmt.Sprintf("%s@:%d", of.Path, i))
			f.Sighting.FileID, f.Sighting.Where.Offset, f.Document = of.ID, int64(1000+i), document
			b.Findings = append(b.Findings, f, f) // the same place twice is one sighting
		}
		must(s.Record(ctx, b, alertEach))(t)
	}
	want := func(step string, sightings int, repeats ...risk.Repeats) {
		t.Helper()
		list, _, err := s.FindExposures(ctx, risk.ExposureFilter{})
		if err != nil || len(list) != 1 || list[0].Sightings != sightings {
			t.Fatalf("%s: %d exposures, %v; want one seen %d times: %+v", step, len(list), err, sightings, list)
		}
		if rows := must(s.FindSightings(ctx, list[0].ID))(t); len(rows) != sightings {
			t.Errorf("%s: %d sightings are kept, want %d", step, len(rows), sightings)
		}
		if got := must(s.FindRepeats(ctx, list[0].ID))(t); len(got) != len(repeats) || len(got) > 0 && !reflect.DeepEqual(got, repeats) {
			t.Errorf("%s: counted %+v, want %+v", step, got, repeats)
		}
	}
	record(file, 0, 15)
	want("below the limit", 15)
	record(file, 10, 25) // five are known, five fit, five are over
	want("over the limit", 20, risk.Repeats{FileID: file.ID, Path: "dump.txt", Counted: 5})
	record(file, 0, 20)
	want("what is kept is seen again", 20, risk.Repeats{FileID: file.ID, Path: "dump.txt", Counted: 5})
	record(file, 0, 25)
	record(file, 20, 24)
	want("a reading that was killed reads the same again", 20, risk.Repeats{FileID: file.ID, Path: "dump.txt", Counted: 5})
	record(file, 24, 27) // two of them are new
	want("and goes on behind it", 20, risk.Repeats{FileID: file.ID, Path: "dump.txt", Counted: 7})
	document = 1
	record(file, 0, 0)
	record(file, 3000, 3002)
	document = 0
	record(file, 0, 27)
	want("so does one of the next document", 20, risk.Repeats{FileID: file.ID, Path: "dump.txt", Counted: 9})
	record(other, 0, 50)
	want("another file has a limit of its own", 40, risk.Repeats{FileID: other.ID, Path: "other.txt", Counted: 30}, risk.Repeats{FileID: file.ID, Path: "dump.txt", Counted: 9})
}
