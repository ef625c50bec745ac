package alert_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/alert"
	"github.com/wardline/wardline/internal/risk"
)

var (
	now  = time.Date(2026, 3, 4, 9, 30, 0, 0, time.UTC)
	duty = risk.Person{Name: "Watch", Email: "watch@hospital.example"}
)

func lab() risk.Supplier {
	return risk.Supplier{
		ID: 12, Name: "Meridian Lab", Relation: risk.ThirdParty, Tier: 1,
		Owner:   risk.Person{Name: "Ana Ortiz", Email: "a.ortiz@hospital.example"},
		Contact: risk.Person{Name: "Jo Lund", Email: "jo@meridian-lab.example"},
	}
}

func decide(st risk.Standing, duty risk.Person, now time.Time) []risk.Alert {
	alerts, _ := alert.Decide(st, duty, now)
	return alerts
}

func login(id int64, s risk.Severity) risk.Exposure {
	return risk.Exposure{
		ID: id, Fingerprint: fmt.Sprintf("f%03d", id), SupplierID: 12, Kind: risk.KindCredential, Class: risk.ClassEmployee,
		Title: "Employee login of Meridian Lab", AccountMask: "l•••••@meridian-lab.example", Account: []byte("sealed"),
		SourceID: 3, SourceKind: risk.SourcePaste, SourceName: "Paste P1", Severity: s, State: risk.ExposureNew,
		Observed: now.AddDate(0, 0, -3), FirstSeen: now.Add(-time.Minute), Due: now.Add(s.Limit()),
	}
}

func TestOneAlertForANewExposure(t *testing.T) {
	got := decide(risk.Standing{Supplier: lab(), Unalerted: []risk.Exposure{login(7, risk.SeverityCritical)}}, duty, now)
	want := []risk.Alert{{
		Key: "new_exposure:f007", Kind: risk.AlertExposure, SupplierID: 12, ExposureID: 7, Exposures: []int64{7}, SourceID: 3, Decided: now,
		To: []risk.Person{duty, {Name: "Ana Ortiz", Email: "a.ortiz@hospital.example"}},
		Notice: risk.Notice{
			Ref: "EX-7", Severity: risk.SeverityCritical, Title: "Employee login of Meridian Lab", Supplier: "Meridian Lab", Tier: 1,
			Account: "l•••••@meridian-lab.example", Where: "Paste P1 (paste site)", FirstSeen: now.Add(-time.Minute), Due: now.Add(time.Hour),
			Steps: []string{
				"Open it in Wardline to see the whole account name.",
				"Tell Jo Lund at Meridian Lab by a channel that you already know.",
				"Have the password of this account reset and its sessions ended.",
				"Check your own logs for this account since 1 March 2026.",
				"Record in Wardline what was done, so that the next reader knows.",
			},
			Path: "/exposures/7",
		},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestWhatCallsForNoAlert(t *testing.T) {
	medium, closed, dismissed := login(1, risk.SeverityMedium), login(2, risk.SeverityHigh), login(3, risk.SeverityHigh)
	closed.State, dismissed.State = risk.ExposureClosed, risk.ExposureDismissed
	st := risk.Standing{Supplier: lab(), Unalerted: []risk.Exposure{medium, closed, dismissed}}
	if got := decide(st, duty, now); len(got) != 0 {
		t.Errorf("got %d alerts, want none", len(got))
	}
}

func TestRecipients(t *testing.T) {
	for _, c := range []struct {
		name        string
		duty, owner string
		want        []string
	}{
		{"both", "w@h.example", "o@h.example", []string{"w@h.example", "o@h.example"}},
		{"the same in other case", "W@h.example", "w@H.example", []string{"W@h.example"}},
		{"no owner", "w@h.example", "", []string{"w@h.example"}},
		{"no watch duty", " ", "o@h.example", []string{"o@h.example"}},
	} {
		s := lab()
		s.Owner.Email = c.owner
		got := decide(risk.Standing{Supplier: s, Unalerted: []risk.Exposure{login(1, risk.SeverityHigh)}}, risk.Person{Email: c.duty}, now)
		var to []string
		for _, p := range got[0].To {
			to = append(to, p.Email)
		}
		if !slices.Equal(to, c.want) {
			t.Errorf("%s: %v, want %v", c.name, to, c.want)
		}
	}
}

func TestNobodyToTellYet(t *testing.T) {
	s := lab()
	s.Owner = risk.Person{}
	if got := decide(risk.Standing{Supplier: s, Unalerted: []risk.Exposure{login(1, risk.SeverityHigh)}}, risk.Person{}, now); got != nil {
		t.Errorf("decided %+v: it would count as told", got)
	}
}

func many(n int) []risk.Exposure {
	var list []risk.Exposure
	for i := range n {
		s := risk.SeverityHigh
		if i%10 == 0 {
			s = risk.SeverityCritical
		}
		list = append(list, login(int64(i+1), s))
	}
	return list
}

func TestTwentyAreTwentyMails(t *testing.T) {
	got := decide(risk.Standing{Supplier: lab(), Unalerted: many(20)}, duty, now)
	if len(got) != 20 {
		t.Fatalf("%d alerts, want 20", len(got))
	}
	if got[0].ExposureID != 1 || got[1].ExposureID != 11 || got[2].ExposureID != 2 {
		t.Errorf("order %d, %d, %d; want the critical ones first: 1, 11, 2", got[0].ExposureID, got[1].ExposureID, got[2].ExposureID)
	}
}

func TestADumpIsOneDigest(t *testing.T) {
	list := many(21)
	list[4].SourceName, list[4].SourceKind = "Drop folder", risk.SourceDrop
	list[8].FirstSeen = now.Add(-time.Hour)
	got := decide(risk.Standing{Supplier: lab(), Unalerted: list}, duty, now)
	if len(got) != 1 {
		t.Fatalf("%d alerts, want 1", len(got))
	}
	a := got[0]
	ids := slices.Clone(a.Exposures)
	slices.Sort(ids)
	if len(ids) != 21 || ids[0] != 1 || ids[20] != 21 || a.ExposureID != 0 {
		t.Errorf("covers %v and %d; want 1…21 and none by itself", ids, a.ExposureID)
	}
	n := a.Notice
	if n.Title != "21 new exposures of Meridian Lab: 3 critical, 18 high" || n.Severity != risk.SeverityCritical || n.Ref != "21 exposures" {
		t.Errorf("title %q, severity %v, ref %q", n.Title, n.Severity, n.Ref)
	}
	if n.Path != "/inbox?supplier=12" || n.Account != "" || n.Where != "Paste P1 (paste site), Drop folder (dump file)" {
		t.Errorf("path %q, account %q, where %q", n.Path, n.Account, n.Where)
	}
	if !n.FirstSeen.Equal(now.Add(-time.Hour)) || !n.Due.Equal(now.Add(time.Hour)) {
		t.Errorf("first seen %v, due %v; want the earliest of all", n.FirstSeen, n.Due)
	}

	slices.Reverse(list)
	list[3].Severity = risk.SeverityCritical // judged anew meanwhile; still the same exposures
	again := decide(risk.Standing{Supplier: lab(), Unalerted: list}, duty, now.Add(time.Minute))
	if again[0].Key != a.Key {
		t.Errorf("another order and severity gave another key: %s, %s", again[0].Key, a.Key)
	}
	other := decide(risk.Standing{Supplier: lab(), Unalerted: many(22)}, duty, now)
	if other[0].Key == a.Key {
		t.Error("another set of exposures has the same key")
	}
}

func TestStepsForEveryKind(t *testing.T) {
	kinds := []risk.IndicatorKind{risk.KindCredential, risk.KindCookie, risk.KindSecretKey, risk.KindMention, risk.KindVictimClaim, risk.KindPatientData}
	classes := []risk.Class{risk.ClassNone, risk.ClassEmployee, risk.ClassThirdParty, risk.ClassCustomer}
	for _, relation := range []risk.Relation{risk.FirstParty, risk.ThirdParty} {
		for _, k := range kinds {
			for _, c := range classes {
				s, e := lab(), login(1, risk.SeverityHigh)
				s.Relation, e.Kind, e.Class = relation, k, c
				steps := strings.Join(decide(risk.Standing{Supplier: s, Unalerted: []risk.Exposure{e}}, duty, now)[0].Notice.Steps, " ")
				if strings.Count(steps, ".") < 3 {
					t.Errorf("%s %s %s: too little to go by: %s", relation, k, c, steps)
				}
				if outside := strings.Contains(steps, "Jo Lund"); outside == (relation == risk.FirstParty) {
					t.Errorf("%s %s %s: contact named: %v", relation, k, c, outside)
				}
			}
		}
	}
}

func TestAFloodInSeveralBatchesIsOneDigestAWindow(t *testing.T) {
	if got, again := alert.Decide(risk.Standing{Supplier: lab(), Unalerted: many(30)}, duty, now); len(got) != 1 || !again.IsZero() {
		t.Fatalf("%d alerts, again %v; want the first digest at once", len(got), again)
	}
	st := risk.Standing{Supplier: lab(), Unalerted: many(30), Digest: now.Add(-5 * time.Minute)}
	if got, again := alert.Decide(st, duty, now); len(got) != 0 || !again.Equal(now.Add(10*time.Minute)) {
		t.Errorf("five minutes after a digest: %d alerts, again %v; want none until the window is over", len(got), again)
	}
	if got, again := alert.Decide(st, duty, now.Add(10*time.Minute)); len(got) != 1 || !again.IsZero() {
		t.Errorf("window over: %d alerts, again %v; want the second digest", len(got), again)
	}
	st.Unalerted = many(2)
	if got, _ := alert.Decide(st, duty, now); len(got) != 2 {
		t.Errorf("two new ones after a digest are %d alerts, want one each at once", len(got))
	}
}

func TestPageAfterPageIsAFloodToo(t *testing.T) {
	st := risk.Standing{Supplier: lab(), Unalerted: many(1), Alerts: 20}
	got := decide(st, duty, now)
	if len(got) != 1 || got[0].ExposureID != 0 || got[0].Notice.Title != "1 new exposure of Meridian Lab: 1 critical" || got[0].Notice.Ref != "1 exposure" {
		t.Errorf("after twenty mails within the window the next is %+v", got)
	}
}

func TestANewOwnerHearsWhatIsOpen(t *testing.T) {
	st := risk.Standing{Supplier: lab(), Unalerted: many(3), Told: map[int64][]string{
		1: {"watch@hospital.example", "gone@hospital.example"}, 2: {"watch@hospital.example"},
	}}
	told := map[string][]int64{}
	for _, a := range decide(st, duty, now) {
		for _, p := range a.To {
			told[p.Email] = append(told[p.Email], a.ExposureID)
		}
	}
	want := map[string][]int64{"watch@hospital.example": {3}, "a.ortiz@hospital.example": {1, 2, 3}}
	if !reflect.DeepEqual(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}

func TestANewOwnerOfManyGetsADigestAlone(t *testing.T) {
	st := risk.Standing{Supplier: lab(), Unalerted: many(30), Told: map[int64][]string{}}
	for id := range int64(25) {
		st.Told[id+1] = []string{"watch@hospital.example"}
	}
	got := decide(st, duty, now)
	if len(got) != 2 || len(got[0].Exposures) != 5 || len(got[1].Exposures) != 30 || got[0].To[0] != duty || got[1].To[0].Email != "a.ortiz@hospital.example" || len(got[1].To) != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestADigestSaysWhatWasOnlyCounted(t *testing.T) {
	st := risk.Standing{Supplier: lab(), Unalerted: many(30), Floods: []risk.Flood{
		{Counted: 4_812_000, Told: 0}, {Counted: 400, Told: 63}, {Counted: 9, Told: 9},
	}}
	got := decide(st, duty, now)
	if len(got) != 1 {
		t.Fatalf("%d alerts, want one digest", len(got))
	}
	want := "4\u00a0812\u00a0337 more of the same were counted so far and are not kept one by one."
	if got[0].Notice.More != want {
		t.Errorf("the digest says %q, want %q", got[0].Notice.More, want)
	}
	st.Floods = nil
	if got := decide(st, duty, now); got[0].Notice.More != "" {
		t.Errorf("a digest of all there is says %q", got[0].Notice.More)
	}
}
