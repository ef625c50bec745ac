package portal_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// fakeStore is a small working store in memory.
type fakeStore struct {
	mu        sync.Mutex
	suppliers []risk.Supplier
	exposures []risk.Exposure
	sightings []risk.Sighting
	events    []risk.ExposureEvent
	sources   []risk.SourceStatus
	scores    map[int64][]risk.Score // oldest first
	users     []risk.User
	sessions  map[string]risk.Session
	cookies   map[int64]risk.SealedSession // by source
	tokens    []risk.Token
	overview  risk.Overview
	hunts     []risk.Hunt
	huntRun   risk.HuntRun
	files     []risk.File
	floods    []risk.Flood
	repeats   map[int64][]risk.Repeats // by exposure
	down      error                    // answered by every page's reads when set
}

func (s *fakeStore) lock() func() { s.mu.Lock(); return s.mu.Unlock }

func (s *fakeStore) CountOverview(_ context.Context, now time.Time) (risk.Overview, error) {
	defer s.lock()()
	o := s.overview
	o.Computed, o.Suppliers = now, len(s.suppliers)
	o.OpenBy = map[risk.Severity]int{}
	for _, sup := range s.suppliers {
		o.Terms += len(sup.Terms)
	}
	for _, e := range s.exposures {
		if e.State.Open() {
			o.OpenBy[e.Severity]++
		}
	}
	return o, s.down
}

func (s *fakeStore) FindHunts(_ context.Context, supplier int64, limit int) (found []risk.Hunt, total int, err error) {
	defer s.lock()()
	for _, h := range s.hunts {
		if h.SupplierID != supplier {
			continue
		}
		if total++; total <= limit {
			found = append(found, h)
		}
	}
	return found, total, s.down
}

func (s *fakeStore) FindHuntRun(context.Context) (risk.HuntRun, error) {
	defer s.lock()()
	return s.huntRun, s.down
}

func (s *fakeStore) CreateSupplier(_ context.Context, in risk.Supplier) (risk.Supplier, error) {
	defer s.lock()()
	for _, old := range s.suppliers {
		if strings.EqualFold(old.Name, in.Name) {
			return in, risk.ErrConflict
		}
	}
	in.ID, in.Updated = int64(len(s.suppliers)+1), time.Unix(1_790_000_000, 0)
	s.suppliers = append(s.suppliers, in)
	return in, nil
}

func (s *fakeStore) UpdateSupplier(_ context.Context, in risk.Supplier) (risk.Supplier, error) {
	defer s.lock()()
	for i := range s.suppliers {
		if s.suppliers[i].ID == in.ID {
			if !in.Updated.Equal(s.suppliers[i].Updated) {
				return in, risk.ErrConflict
			}
			in.Updated = in.Updated.Add(time.Second)
			s.suppliers[i] = in
			return in, nil
		}
	}
	return in, risk.ErrNotFound
}

func (s *fakeStore) FindSupplier(_ context.Context, id int64) (risk.Supplier, error) {
	defer s.lock()()
	for _, sup := range s.suppliers {
		if sup.ID == id {
			return sup, nil
		}
	}
	return risk.Supplier{}, fmt.Errorf("supplier %d: %w", id, risk.ErrNotFound)
}

func (s *fakeStore) FindSupplierByName(_ context.Context, name string) (risk.Supplier, error) {
	defer s.lock()()
	for _, sup := range s.suppliers {
		if strings.EqualFold(sup.Name, name) {
			return sup, nil
		}
	}
	return risk.Supplier{}, risk.ErrNotFound
}

func (s *fakeStore) FindSuppliers(_ context.Context, f risk.SupplierFilter, now time.Time) ([]risk.SupplierRow, int, error) {
	defer s.lock()()
	var rows []risk.SupplierRow
	for _, sup := range s.suppliers {
		r := risk.SupplierRow{Supplier: sup}
		all := s.scores[sup.ID]
		for i, sc := range all {
			r.Line = append(r.Line, sc.Number)
			if !sc.At.After(now.AddDate(0, 0, -7)) {
				r.Before = &all[i]
			}
			r.Score = &all[i]
		}
		r.Line = r.Line[max(0, len(r.Line)-12):]
		for _, e := range s.exposures {
			if e.SupplierID != sup.ID {
				continue
			}
			if e.LastSeen.After(r.LastSeen) {
				r.LastSeen = e.LastSeen
			}
			if e.State.Open() {
				r.Open++
				if e.Severity == risk.SeverityCritical {
					r.OpenCritical++
				}
			}
		}
		if keepSupplier(f, r) {
			rows = append(rows, r)
		}
	}
	key := strings.TrimPrefix(f.Sort, "-")
	slices.SortStableFunc(rows, func(a, b risk.SupplierRow) int {
		switch key {
		case "score":
			return cmp.Compare(numberOf(a), numberOf(b))
		case "tier":
			return cmp.Compare(a.Supplier.Tier, b.Supplier.Tier)
		case "open":
			return cmp.Compare(a.Open, b.Open)
		case "seen":
			return a.LastSeen.Compare(b.LastSeen)
		}
		return strings.Compare(a.Supplier.Name, b.Supplier.Name)
	})
	if strings.HasPrefix(f.Sort, "-") {
		slices.Reverse(rows)
	}
	total := len(rows)
	return window(rows, f.Offset, f.Limit), total, s.down
}

func (s *fakeStore) CountSuppliers(ctx context.Context, f risk.SupplierFilter) (int, error) {
	_, n, err := s.FindSuppliers(ctx, f, time.Time{})
	return n, err
}

func (s *fakeStore) CountExposures(context.Context) ([]risk.ExposureCount, error) {
	defer s.lock()()
	var out []risk.ExposureCount
	for _, e := range s.exposures {
		out = append(out, risk.ExposureCount{State: e.State, OwnerID: e.OwnerID, Count: 1})
	}
	return out, s.down
}

func numberOf(r risk.SupplierRow) float64 {
	if r.Score == nil {
		return 1000
	}
	return r.Score.Number
}

func keepSupplier(f risk.SupplierFilter, r risk.SupplierRow) bool {
	text := strings.ToLower(r.Supplier.Name + " " + r.Supplier.Kind)
	for _, t := range r.Supplier.Terms {
		text += " " + strings.ToLower(t.Value)
	}
	grade := ""
	if r.Score != nil {
		grade = cmp.Or(r.Score.Grade, "none")
	}
	return strings.Contains(text, strings.ToLower(f.Text)) && (f.Tier == nil || *f.Tier == r.Supplier.Tier) &&
		(f.Relation == "" || f.Relation == r.Supplier.Relation) && (f.Grade == "" || f.Grade == grade) && (f.Owner == "" || f.Owner == r.Supplier.Owner.Email)
}

func window[T any](rows []T, offset, limit int) []T {
	if limit == 0 {
		limit = 50
	}
	rows = rows[min(offset, len(rows)):]
	return rows[:min(limit, len(rows))]
}

func (s *fakeStore) ImportTerms(_ context.Context, in []risk.Supplier) (newSuppliers, newTerms int, err error) {
	defer s.lock()()
	for _, sup := range in {
		i := slices.IndexFunc(s.suppliers, func(o risk.Supplier) bool { return strings.EqualFold(o.Name, sup.Name) })
		if i < 0 {
			i = len(s.suppliers)
			s.suppliers = append(s.suppliers, risk.Supplier{ID: int64(i + 1), Name: sup.Name, Relation: risk.ThirdParty})
			newSuppliers++
		}
		s.suppliers[i].Terms = append(s.suppliers[i].Terms, sup.Terms...)
		newTerms += len(sup.Terms)
	}
	return newSuppliers, newTerms, nil
}

func (s *fakeStore) filled(e risk.Exposure) risk.Exposure {
	for _, sup := range s.suppliers {
		if sup.ID == e.SupplierID {
			e.Supplier, e.Tier = sup.Name, sup.Tier
		}
	}
	for _, u := range s.users {
		if u.ID == e.OwnerID {
			e.Owner = u.Name
		}
	}
	for _, src := range s.sources {
		if src.Source.ID == e.SourceID {
			e.SourceName = src.Source.Name
		}
	}
	return e
}

func (s *fakeStore) FindExposures(_ context.Context, f risk.ExposureFilter) ([]risk.Exposure, int, error) {
	defer s.lock()()
	var found []risk.Exposure
	for _, e := range s.exposures {
		e = s.filled(e)
		text := strings.ToLower(e.Title + " " + e.Host + " " + e.Supplier + " " + e.Ref())
		if (len(f.States) == 0 || slices.Contains(f.States, e.State)) && (len(f.Severities) == 0 || slices.Contains(f.Severities, e.Severity)) &&
			(f.SupplierID == 0 || f.SupplierID == e.SupplierID) && (f.SourceID == 0 || f.SourceID == e.SourceID) && (f.OwnerID == nil || *f.OwnerID == e.OwnerID) && strings.Contains(text, strings.ToLower(f.Text)) {
			found = append(found, e)
		}
	}
	slices.SortStableFunc(found, func(a, b risk.Exposure) int {
		if f.Sort == "new" {
			return b.FirstSeen.Compare(a.FirstSeen)
		}
		return a.Due.Compare(b.Due)
	})
	return window(found, f.Offset, f.Limit), len(found), s.down
}

func (s *fakeStore) FindExposure(_ context.Context, id int64) (risk.Exposure, error) {
	defer s.lock()()
	for _, e := range s.exposures {
		if e.ID == id {
			return s.filled(e), nil
		}
	}
	return risk.Exposure{}, fmt.Errorf("exposure %d: %w", id, risk.ErrNotFound)
}

func (s *fakeStore) FindSightings(_ context.Context, id int64) (out []risk.Sighting, err error) {
	defer s.lock()()
	for _, x := range s.sightings {
		if x.ExposureID == id {
			out = append(out, x)
		}
	}
	return out, nil
}

func (s *fakeStore) FindEvents(_ context.Context, id int64) (out []risk.ExposureEvent, err error) {
	defer s.lock()()
	for _, x := range s.events {
		if x.ExposureID == id {
			out = append(out, x)
		}
	}
	return out, nil
}

func (s *fakeStore) ChangeExposure(_ context.Context, id int64, ch risk.Change, a risk.Actor, now time.Time) (risk.Exposure, error) {
	defer s.lock()()
	for i := range s.exposures {
		if s.exposures[i].ID != id {
			continue
		}
		e, ev, err := s.exposures[i].Apply(ch, a, now)
		if err != nil {
			return e, err
		}
		ev.Actor = a.Name
		s.exposures[i], s.events = e, append(s.events, ev)
		return e, nil
	}
	return risk.Exposure{}, risk.ErrNotFound
}

func (s *fakeStore) FindSources(context.Context, time.Time) ([]risk.SourceStatus, error) {
	defer s.lock()()
	return slices.Clone(s.sources), s.down
}

func (s *fakeStore) FindSource(_ context.Context, key string) (risk.SourceStatus, error) {
	defer s.lock()()
	for _, x := range s.sources {
		if x.Source.Key == key {
			return x, nil
		}
	}
	return risk.SourceStatus{}, risk.ErrNotFound
}

func (s *fakeStore) PauseSource(_ context.Context, id int64, paused bool) error {
	defer s.lock()()
	for i := range s.sources {
		if s.sources[i].Source.ID == id {
			s.sources[i].Health.State = risk.StateWaiting
			if paused {
				s.sources[i].Health.State = risk.StatePaused
			}
		}
	}
	return nil
}

func (s *fakeStore) FindSourceSession(_ context.Context, id int64) (risk.SealedSession, error) {
	defer s.lock()()
	return s.cookies[id], s.down
}

func (s *fakeStore) GiveSession(_ context.Context, given risk.SealedSession) error {
	defer s.lock()()
	s.cookies = map[int64]risk.SealedSession{given.SourceID: given}
	return s.down
}

func (s *fakeStore) FindScore(_ context.Context, id int64) (risk.Score, error) {
	defer s.lock()()
	all := s.scores[id]
	if len(all) == 0 {
		return risk.Score{}, risk.ErrNotFound
	}
	return all[len(all)-1], nil
}

func (s *fakeStore) FindScores(_ context.Context, id int64, since time.Time) (out []risk.Score, err error) {
	defer s.lock()()
	for _, sc := range s.scores[id] {
		if !sc.At.Before(since) {
			sc.Contributions = nil
			out = append(out, sc)
		}
	}
	return out, nil
}

func (s *fakeStore) FindUser(_ context.Context, id int64) (risk.User, error) {
	defer s.lock()()
	for _, u := range s.users {
		if u.ID == id {
			return u, nil
		}
	}
	return risk.User{}, risk.ErrNotFound
}

func (s *fakeStore) FindUserByEmail(_ context.Context, email string) (risk.User, error) {
	defer s.lock()()
	for _, u := range s.users {
		if u.Email == email {
			return u, nil
		}
	}
	return risk.User{}, risk.ErrNotFound
}

func (s *fakeStore) FindUsers(context.Context) ([]risk.User, error) {
	defer s.lock()()
	return slices.Clone(s.users), nil
}

func (s *fakeStore) changeUser(id int64, do func(*risk.User)) {
	defer s.lock()()
	for i := range s.users {
		if s.users[i].ID == id {
			do(&s.users[i])
		}
	}
}

func (s *fakeStore) TouchSignIn(_ context.Context, id int64, now time.Time) error {
	s.changeUser(id, func(u *risk.User) { u.LastSignIn = now })
	return nil
}

func (s *fakeStore) SaveSession(_ context.Context, in risk.Session) error {
	defer s.lock()()
	s.sessions[in.Digest] = in
	return nil
}

func (s *fakeStore) FindSession(_ context.Context, digest string) (risk.Session, error) {
	defer s.lock()()
	found, ok := s.sessions[digest]
	if !ok {
		return risk.Session{}, risk.ErrNotFound
	}
	return found, nil
}

func (s *fakeStore) DeleteSession(_ context.Context, digest string) error {
	defer s.lock()()
	delete(s.sessions, digest)
	return nil
}
