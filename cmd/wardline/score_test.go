package main

import (
	"testing"

	"github.com/wardline/wardline/internal/config"
	"github.com/wardline/wardline/internal/job"
	"github.com/wardline/wardline/internal/risk"
)

// A supplier has a score from the moment that somebody asks for it, also where no worker has run yet.
func TestFirstScoreNeedsNoWorker(t *testing.T) {
	settings, err := config.FromEnvironment(map[string]string{"WARDLINE_DATA": t.TempDir(), "WARDLINE_LOG_LEVEL": "error"})
	if err != nil {
		t.Fatal(err)
	}
	a, err := newApp(t.Context(), settings, systemNow)
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	if err := a.migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	queue, err := a.newJobs("", nil, nil, job.Workers{})
	if err != nil {
		t.Fatal(err)
	}
	a.store.UseQueue(queue)
	supplier, err := a.store.CreateSupplier(t.Context(), risk.Supplier{Name: "New Lab", Relation: risk.ThirdParty, Created: a.now(), Updated: a.now()})
	if err != nil {
		t.Fatal(err)
	}
	first, err := a.findScore(t.Context(), supplier.ID)
	if err != nil || first.Number != 85 || first.Sufficient() {
		t.Fatalf("first score %v, grade %q, %v; want 85 and no letter", first.Number, first.Grade, err)
	}
	if again, err := a.findScore(t.Context(), supplier.ID); err != nil || again.ID != first.ID {
		t.Errorf("asked again: score %d, %v; want the same one, %d", again.ID, err, first.ID)
	}
}
