package alert

import (
	"fmt"
	"strings"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// mostSources is how many sources each have a mail of their own at once: when the way to all of them is down, one says so.
const mostSources = 3

// Sources gives the alerts that blind sources call for: one for each whose trouble nobody was told of, or one for all
// when they are many. told holds the keys of those that were decided before; an alert that another one stands for goes
// to nobody.
func Sources(sources []risk.SourceStatus, told map[string]bool, watchDuty risk.Person, now time.Time) []risk.Alert {
	to := recipients(watchDuty)
	if len(to) == 0 {
		return nil
	}
	var alerts []risk.Alert
	for _, s := range sources {
		if a := blind(s, to, now); tells(s, now) && !told[a.Key] {
			alerts = append(alerts, a)
		}
	}
	if len(alerts) <= mostSources {
		return alerts
	}
	all := together(alerts, to, now)
	for i := range alerts {
		alerts[i].To = nil
	}
	return append(alerts, all)
}

// tells reports that a source is in trouble for long enough to tell: at once where only a person can help or where the
// state itself means that much time has passed, else after a second failure, which is within two of its intervals.
func tells(s risk.SourceStatus, now time.Time) bool {
	h := s.Health
	switch h.State {
	case risk.StateSilent, risk.StateExpired:
		return true
	case risk.StateLayoutChanged, risk.StateCaptcha, risk.StateNeedsLogin, risk.StateBanned:
		return h.Failures >= 2 || now.Sub(h.Since) >= s.Source.Every
	case risk.StateBackingOff:
		return h.Failures >= 2 && now.Sub(h.Since) >= max(s.Source.Every, shortTrouble)
	}
	return false
}

// shortTrouble is what passes by itself often enough.
const shortTrouble = 15 * time.Minute

// blind is the alert about one source.
func blind(s risk.SourceStatus, to []risk.Person, now time.Time) risk.Alert {
	return risk.Alert{Key: fmt.Sprintf("%s:%d:%s", risk.AlertSource, s.Source.ID, trouble(s)), Kind: risk.AlertSource, SourceID: s.Source.ID, Decided: now, To: to, Notice: risk.Notice{
		Title:     s.Source.Name + " " + blindWords[s.Health.State],
		Where:     s.Source.Name,
		FirstSeen: s.Health.Since,
		Steps:     blindSteps(s),
		Path:      "/sources/" + s.Source.Key,
	}}
}

// trouble names the time without a success, whatever the reasons in it: a captcha today and a log-in form tomorrow are
// told of once.
func trouble(s risk.SourceStatus) string {
	h := s.Health
	switch {
	case h.State == risk.StateExpired:
		return "review " + s.Source.ReviewBy.Format(time.DateOnly)
	case h.State == risk.StateSilent && h.Failures == 0 && !h.LastDocument.IsZero():
		return fmt.Sprintf("nothing since %d", h.LastDocument.Unix())
	}
	return fmt.Sprintf("unread since %d", h.LastSuccess.Unix())
}

var blindWords = map[risk.SourceState]string{
	risk.StateSilent: "is silent", risk.StateExpired: "is no longer read: its legal basis is to be reviewed", risk.StateLayoutChanged: "is no longer understood",
	risk.StateCaptcha: "is behind a captcha", risk.StateNeedsLogin: "needs a log-in", risk.StateBanned: "has banned us", risk.StateBackingOff: "cannot be read",
}

func blindSteps(s risk.SourceStatus) []string {
	first := map[risk.SourceState]string{
		risk.StateSilent:        "Look whether the place still exists, and whether the way to it is open.",
		risk.StateExpired:       "Review its legal basis, and set the next day of review in its definition.",
		risk.StateLayoutChanged: "Test its definition with wardline source test, and mend it.",
		risk.StateCaptcha:       "Open it in a browser by the same way, and give its cookies to Wardline if an account there is approved.",
		risk.StateNeedsLogin:    "Log in with the approved account, and give its cookies to Wardline.",
		risk.StateBanned:        "Do not go on with another account before its owner has decided so.",
		risk.StateBackingOff:    "Look whether the place still exists, and whether the way to it is open.",
	}[s.Health.State]
	steps := []string{first}
	if s.Health.Why != "" {
		steps = []string{s.Health.Why, first}
	}
	return append(steps, "Until then, nothing that appears there is seen. Scores say so.")
}

// together tells of many sources at once.
func together(alerts []risk.Alert, to []risk.Person, now time.Time) risk.Alert {
	since := alerts[0].Notice.FirstSeen
	var keys, names []string
	for _, a := range alerts {
		keys, names = append(keys, a.Key), append(names, a.Notice.Where)
		since = earlier(since, a.Notice.FirstSeen)
	}
	return risk.Alert{Key: string(risk.AlertSource) + "s:" + fingerprintOf(keys), Kind: risk.AlertSource, Decided: now, To: to, Notice: risk.Notice{
		Title:     fmt.Sprintf("%d sources cannot be read", len(alerts)),
		Where:     listed(names),
		FirstSeen: since,
		Steps:     []string{"Look first at what they share: the proxy, the network, the clock.", "Until then, nothing that appears there is seen. Scores say so."},
		Path:      "/sources",
	}}
}

// listed names the first few.
func listed(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
