// Package alert decides who must be told what, once. It looks at what is true of a supplier now, never at what has
// just changed, and gives every decision a key: deciding again after a crash tells nobody twice.
package alert

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// flood is how many exposures of one supplier may each have a mail of their own within risk.AlertWindow. A dump brings
// hundreds at once; hundreds of mails hide what one says.
const flood = 20

// Decide gives the alerts that a standing calls for: one for each open exposure of at least high severity that somebody
// who should know was not told of, or a digest when there are more than twenty. A second digest within the window is
// held back until again; what it will tell of stays untold meanwhile. With nobody to tell it decides nothing, so that
// they are still told once an address is set.
func Decide(st risk.Standing, watchDuty risk.Person, now time.Time) (alerts []risk.Alert, again time.Time) {
	people := recipients(watchDuty, st.Supplier.Owner)
	due := slices.DeleteFunc(untold(st.Unalerted), func(e risk.Exposure) bool { return len(owed(people, st.Told[e.ID])) == 0 })
	switch window := st.Digest.Add(risk.AlertWindow); {
	case len(due)+st.Alerts <= flood || len(due) == 0:
		for _, e := range due {
			alerts = append(alerts, single(st.Supplier, e, owed(people, st.Told[e.ID]), now))
		}
	case now.Before(window):
		again = window
	default:
		for _, d := range debts(people, due, st.Told) {
			alerts = append(alerts, digest(st, d.due, d.to, now))
		}
	}
	return alerts, again
}

// owed are the people who were not told yet: a new owner hears of what is open, the watch duty does not hear it again.
func owed(people []risk.Person, told []string) []risk.Person {
	return slices.DeleteFunc(slices.Clone(people), func(p risk.Person) bool { return slices.Contains(told, strings.ToLower(p.Email)) })
}

// debt is what people are still to be told.
type debt struct {
	to  []risk.Person
	due []risk.Exposure
}

// debts gathers what each person is owed; those who are owed the same share a digest.
func debts(people []risk.Person, due []risk.Exposure, told map[int64][]string) []debt {
	var all []debt
	for _, p := range people {
		mine := slices.DeleteFunc(slices.Clone(due), func(e risk.Exposure) bool { return len(owed([]risk.Person{p}, told[e.ID])) == 0 })
		if i := slices.IndexFunc(all, func(d debt) bool { return sameExposures(d.due, mine) }); i >= 0 {
			all[i].to = append(all[i].to, p)
		} else if len(mine) > 0 {
			all = append(all, debt{to: []risk.Person{p}, due: mine})
		}
	}
	return all
}

func sameExposures(a, b []risk.Exposure) bool {
	return slices.EqualFunc(a, b, func(x, y risk.Exposure) bool { return x.ID == y.ID })
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
func digest(st risk.Standing, due []risk.Exposure, to []risk.Person, now time.Time) risk.Alert {
	s := st.Supplier
	ids := make([]int64, 0, len(due))
	first, soonest := due[0].FirstSeen, due[0].Due
	for _, e := range due {
		ids = append(ids, e.ID)
		first, soonest = earlier(first, e.FirstSeen), earlier(soonest, e.Due)
	}
	return risk.Alert{
		Key:        fmt.Sprintf("new_exposures:%d:%s", s.ID, fingerprintOf(prints(due))),
		Kind:       risk.AlertExposure,
		SupplierID: s.ID,
		Exposures:  ids,
		Decided:    now,
		To:         to,
		Notice: risk.Notice{
			Ref:       counted(len(due), "exposure"),
			Severity:  due[0].Severity,
			Title:     fmt.Sprintf("%s of %s: %s", counted(len(due), "new exposure"), s.Name, bySeverity(due)),
			Supplier:  s.Name,
			Tier:      s.Tier,
			Where:     places(due),
			More:      onlyCounted(st.Floods),
			FirstSeen: first,
			Due:       soonest,
			Steps:     digestSteps(s),
			Path:      fmt.Sprintf("/inbox?supplier=%d", s.ID),
		},
	}
}

// onlyCounted says how many more of the same were found and not kept one by one.
func onlyCounted(floods []risk.Flood) string {
	var more int64
	for _, f := range floods {
		more += f.Untold()
	}
	switch more {
	case 0:
		return ""
	case 1:
		return "1 more of the same was counted so far and is not kept by itself."
	}
	return grouped(more) + " more of the same were counted so far and are not kept one by one."
}

// grouped writes a number with its thousands apart.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u00a0" + s[i:]
	}
	return s
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func prints(due []risk.Exposure) []string {
	all := make([]string, 0, len(due))
	for _, e := range due {
		all = append(all, e.Fingerprint)
	}
	return all
}

// fingerprintOf names a set, in whatever order its members come.
func fingerprintOf(members []string) string {
	sum := sha256.Sum256([]byte(strings.Join(slices.Sorted(slices.Values(members)), "\n")))
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
	risk.SourceFeed:     "feed",
	risk.SourceAccount:  "account service",
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
