package risk_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// Others script against these names.
func TestExplanationIsTheDocumentedJSON(t *testing.T) {
	at := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	score := risk.Score{At: at, Number: 61.5, Low: 55, High: 68, Confidence: 0.6, Grade: "D", Weights: "v1", Contributions: []risk.Contribution{
		{Factor: "paste", Label: "Pastes", Points: 0.5, X: 0, Weight: 2, Prevalence: 0.25},
		{Factor: "compromised_users", ExposureID: 12, Label: "A leaked login", Points: -24, X: 1, Weight: 30, Prevalence: 0.2, AgeFactor: 0.9, SizeFactor: 0.8,
			Quality: 0.7, FirstSeen: at, LastSeen: at, ClearsOn: at, HowToRefute: "Have it reset."},
	}}
	got, err := json.Marshal(risk.Explain("Acme Lab", score))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"supplier":"Acme Lab","number":61.5,"range":[55,68],"confidence":0.6,"grade":"D","weights":"v1","at":"2026-11-24T10:00:00Z","contributions":[` +
		`{"factor":"paste","label":"Pastes","points":0.5,"x":0,"weight":2,"prevalence":0.25},` +
		`{"factor":"compromised_users","exposure":"EX-12","label":"A leaked login","points":-24,"x":1,"weight":30,"prevalence":0.2,"age_factor":0.9,"size_factor":0.8,` +
		`"quality":0.7,"first_seen":"2026-11-24T10:00:00Z","last_seen":"2026-11-24T10:00:00Z","clears_on":"2026-11-24T10:00:00Z","how_to_refute":"Have it reset."}]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	score.Grade, score.Contributions = "", nil
	got, _ = json.Marshal(risk.Explain("Acme Lab", score))
	if want := `{"supplier":"Acme Lab","number":61.5,"range":[55,68],"confidence":0.6,"grade":null,"weights":"v1","at":"2026-11-24T10:00:00Z","contributions":[]}`; string(got) != want {
		t.Errorf("without evidence: %s", got)
	}
}
