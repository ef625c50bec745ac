package store

import (
	"time"

	"github.com/wardline/wardline/internal/risk"
)

func pasteSource() risk.Source {
	return risk.Source{
		Key: "paste-p01", Name: "Paste one", Kind: risk.SourcePaste, Route: risk.RouteTor, Address: "http://paste.example/archive",
		Every: 5 * time.Minute, Owner: "SOC", LegalBasis: "LI-1", ReviewBy: time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC),
		Reliability: 0.8, Enabled: true,
	}
}

// finding is a credential of a supplier's employee that was seen once.
func finding(supplier int64, fingerprint, key string) risk.Finding {
	return risk.Finding{
		Exposure: risk.Exposure{
			Fingerprint: fingerprint, KeyID: "k1", SupplierID: supplier, Kind: risk.KindCredential, Format: risk.FormatULP, Class: risk.ClassEmployee,
			Match: risk.MatchSubdomain, TermKind: risk.TermDomain, Term: "meridian-lab.example", Title: "Login of l•••••@meridian-lab.example at vpn.meridian-lab.example",
			AccountMask: "l•••••@meridian-lab.example", Account: []byte("sealed account of forty bytes or so....."), Host: "vpn.meridian-lab.example",
			SecretKind: risk.SecretPlain, SecretBand: "8–11", Severity: risk.SeverityHigh, Reasons: []string{"A working login at a remote access host."},
		},
		Sighting: risk.Sighting{
			Key: key, Where: risk.Place{Path: "combo/2026-02.txt", Line: 120393, Offset: 5500123}, Seen: clock,
		},
	}
}
