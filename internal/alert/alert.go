// Package alert decides who must be told what, once. It looks at what is true of a supplier now, never at what has
// just changed, and gives every decision a key: deciding again after a crash tells nobody twice.
package alert

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// flood is how many exposures of one supplier may each have a mail of their own. A dump brings hundreds at once;
// hundreds of mails hide what one says.
const flood = 20

// Decide gives the alerts that a standing calls for: one for each open exposure of at least high severity that nobody
// was told of, or a single digest when there are more than twenty. With nobody to tell it decides nothing, so that
// they are still told once an address is set.
func Decide(st risk.Standing, watchDuty risk.Person, now time.Time) []risk.Alert {
	to := recipients(watchDuty, st.Supplier.Owner)
	due := untold(st.Unalerted)
	if len(to) == 0 || len(due) == 0 {
		return nil
	}
	if len(due) > flood {
		return []risk.Alert{digest(st.Supplier, due, to, now)}
	}
	alerts := make([]risk.Alert, 0, len(due))
	for _, e := range due {
		alerts = append(alerts, single(st.Supplier, e, to, now))
	}
	return alerts
}

// recipients drops empty addresses and the same one twice.
func recipients(people ...risk.Person) []risk.Person {
	var to []risk.Person
	for _, p := range people {
		p.Email = strings.TrimSpace(p.Email)
		known := slices.ContainsFunc(to, func(q risk.Person) bool { return strings.EqualFold(p.Email, q.Email) })
		if p.Email != "" && !known {
			to = append(to, p)
		}
	}
	return to
}

// untold are the exposures that call for an alert, most severe first, each once.
func untold(exposures []risk.Exposure) []risk.Exposure {
	seen := map[string]bool{}
	var due []risk.Exposure
	for _, e := range exposures {
		if e.Severity >= risk.SeverityHigh && e.State.Open() && !seen[e.Fingerprint] {
			seen[e.Fingerprint] = true
			due = append(due, e)
		}
	}
	slices.SortFunc(due, func(a, b risk.Exposure) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Fingerprint, b.Fingerprint))
	})
	return due
}

func single(s risk.Supplier, e risk.Exposure, to []risk.Person, now time.Time) risk.Alert {
	return risk.Alert{
		Key:        string(risk.AlertExposure) + ":" + e.Fingerprint,
		Kind:       risk.AlertExposure,
		SupplierID: s.ID,
		ExposureID: e.ID,
		Exposures:  []int64{e.ID},
		SourceID:   e.SourceID,
		Decided:    now,
		To:         to,
		Notice: risk.Notice{
			Ref:       e.Ref(),
			Severity:  e.Severity,
			Title:     e.Title,
			Supplier:  s.Name,
			Tier:      s.Tier,
			Account:   e.AccountMask,
			Where:     where(e),
			FirstSeen: e.FirstSeen,
			Due:       e.Due,
			Steps:     steps(s, e),
			Path:      fmt.Sprintf("/exposures/%d", e.ID),
		},
	}
}

// digest tells of many at once.
func digest(s risk.Supplier, due []risk.Exposure, to []risk.Person, now time.Time) risk.Alert {
	ids := make([]int64, 0, len(due))
	first, soonest := due[0].FirstSeen, due[0].Due
	for _, e := range due {
		ids = append(ids, e.ID)
		first, soonest = earlier(first, e.FirstSeen), earlier(soonest, e.Due)
	}
	return risk.Alert{
		Key:        fmt.Sprintf("new_exposures:%d:%s", s.ID, fingerprintOf(due)),
		Kind:       risk.AlertExposure,
		SupplierID: s.ID,
		Exposures:  ids,
		Decided:    now,
		To:         to,
		Notice: risk.Notice{
			Ref:       fmt.Sprintf("%d exposures", len(due)),
			Severity:  due[0].Severity,
			Title:     fmt.Sprintf("%d new exposures of %s: %s", len(due), s.Name, bySeverity(due)),
			Supplier:  s.Name,
			Tier:      s.Tier,
			Where:     places(due),
			FirstSeen: first,
			Due:       soonest,
			Steps:     digestSteps(s),
			Path:      fmt.Sprintf("/inbox?supplier=%d", s.ID),
		},
	}
}

// fingerprintOf names a set of exposures, in whatever order they come.
func fingerprintOf(due []risk.Exposure) string {
	prints := make([]string, 0, len(due))
	for _, e := range due {
		prints = append(prints, e.Fingerprint)
	}
	slices.Sort(prints)
	sum := sha256.Sum256([]byte(strings.Join(prints, "\n")))
	return hex.EncodeToString(sum[:16])
}

func bySeverity(due []risk.Exposure) string {
	count := map[risk.Severity]int{}
	for _, e := range due {
		count[e.Severity]++
	}
	var parts []string
	for _, s := range []risk.Severity{risk.SeverityCritical, risk.SeverityHigh} {
		if count[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[s], s))
		}
	}
	return strings.Join(parts, ", ")
}

var kindNames = map[risk.SourceKind]string{
	risk.SourcePaste:    "paste site",
	risk.SourceForum:    "forum",
	risk.SourceLeakSite: "leak site",
	risk.SourceDrop:     "dump file",
}

// where names the source; a hostile place's address never goes into a mail, where somebody might click on it.
func where(e risk.Exposure) string {
	kind := kindNames[e.SourceKind]
	switch {
	case e.SourceName == "":
		return kind
	case kind == "":
		return e.SourceName
	}
	return fmt.Sprintf("%s (%s)", e.SourceName, kind)
}

// places names the first three sources of a digest.
func places(due []risk.Exposure) string {
	var names []string
	for _, e := range due {
		if w := where(e); w != "" && !slices.Contains(names, w) {
			names = append(names, w)
		}
	}
	const most = 3
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}

// earlier of two times; an unknown one does not count.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
