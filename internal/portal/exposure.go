package portal

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/wardline/wardline/internal/risk"
)

// exposureDetail is one exposure in full; the inbox shows it beside the list, and its own page adds history and sightings.
type exposureDetail struct {
	exposureRow
	Back        string // where its forms come back to
	Tier        string
	Where       string // source and kind
	Account     string // masked
	Class       string
	Format      string // of the record that it was read from
	Host        string
	Match       string
	Term        string
	Reasons     []string
	Secret      string // what is known of it, in words; "" = the record holds none
	Excerpt     []stretch
	StateReason string
	DuplicateOf int64
	Observed    string
	UsableUntil string // of a cookie, and whether that is over; "" = not known
	LastSeen    string
	Sightings   int
	Steps       []string
	Can         deeds
	Typed       attempt // what a refused change had in its form
	DismissFor  []option
	People      []option
	HasAccount  bool
	SeesAccount bool // may open the whole account on the full page
}

// attempt is a change that was refused: its form comes back as it was typed, beside the exposure as it is now.
type attempt struct {
	Say                                  string // why it was refused
	Do, Reason, Note, DuplicateOf, Owner string
}

// stretch is a piece of an excerpt; Hit marks what the watch term met.
type stretch struct {
	Text string
	Hit  bool
}

// deeds are the buttons that the exposure's state and the visitor's role allow.
type deeds struct {
	Triage, Confirm, Duplicate, Dismiss, Waive, Supplier, Fixed, Close, Reopen, Take, Leave bool
}

type exposureView struct {
	page
	D        exposureDetail
	Whole    string // the whole account; only for those who must act on it
	WholeBad string // why it cannot be shown
	Timeline []event
	Seen     []sightingRow
	Repeats  []repeatsRow
	Effect   []effectRow
	Score    string
	Related  string // address of the supplier's other exposures
}

type event struct {
	At, Who, What, Detail string
}

type sightingRow struct {
	At, Posted, Source, Place, Author string
	FileHref                          string // of the dump's page; "" = none, or the visitor may not open it
	Facts                             []factRow
}

type factRow struct{ Name, Value string }

// repeatsRow is a dump with more sightings of the exposure than are kept.
type repeatsRow struct{ Path, Href, Counted string }

type effectRow struct {
	Factor, Label, Points, Age, Clears, Refute string
}

func (p *portal) exposurePage(c *gin.Context) error {
	return p.showExposure(c, http.StatusOK, c.Request.URL.Path, attempt{})
}

func (p *portal) showExposure(c *gin.Context, status int, back string, typed attempt) error {
	id, err := parseID(c.Param("id"))
	if err != nil {
		return err
	}
	e, err := p.Store.FindExposure(c.Request.Context(), id)
	if err != nil {
		return fmt.Errorf("find exposure %d: %w", id, err)
	}
	d, err := p.exposureDetail(c, e, back)
	if err != nil {
		return err
	}
	d.retype(typed)
	v := exposureView{page: p.chrome(c, e.Ref()+" · "+d.Title, "exposures"), D: *d, Related: fmt.Sprintf("/inbox?v=open&supplier=%d", e.SupplierID)}
	if d.SeesAccount {
		v.Whole, v.WholeBad = p.wholeAccount(e)
	}
	if v.Timeline, err = p.timeline(c, e); err != nil {
		return err
	}
	if v.Seen, err = p.sightings(c, e.ID); err != nil {
		return err
	}
	if v.Repeats, err = p.repeats(c, e.ID); err != nil {
		return err
	}
	if v.Score, v.Effect, err = p.scoreEffect(c, e); err != nil {
		return err
	}
	return p.render(c, status, "exposure", v)
}

func (d *exposureDetail) retype(typed attempt) {
	d.Typed = typed
	for i := range d.DismissFor {
		d.DismissFor[i].Selected = d.DismissFor[i].Value == typed.Reason
	}
	for i := range d.People {
		if typed.Owner != "" {
			d.People[i].Selected = d.People[i].Value == typed.Owner
		}
	}
}

func (p *portal) exposureDetail(c *gin.Context, e risk.Exposure, back string) (*exposureDetail, error) {
	a := actor(c)
	s, err := p.Store.FindSupplier(c.Request.Context(), e.SupplierID)
	if err != nil {
		return nil, fmt.Errorf("find supplier %d: %w", e.SupplierID, err)
	}
	d := &exposureDetail{exposureRow: p.exposureRow(e, a, p.Now()), Back: back, Tier: tierName(e.Tier), Where: word(sourceKindWords, e.SourceKind, string(e.SourceKind)),
		Account: e.AccountMask, Class: word(classWords, e.Class, string(e.Class)), Format: word(formatWords, e.Format, string(e.Format)), Host: visible(e.Host), Match: word(matchWords, e.Match, string(e.Match)),
		Term: visible(e.Term), Reasons: e.Reasons, Secret: secretSays(e), Excerpt: highlight(visible(e.Excerpt), e.Term, e.Host), StateReason: visible(e.StateReason),
		DuplicateOf: e.DuplicateOf, LastSeen: p.stamp(e.LastSeen), Sightings: e.Sightings, DismissFor: dismissOptions(),
		HasAccount: len(e.Account) > 0, SeesAccount: len(e.Account) > 0 && risk.Can(a, risk.ActViewAccounts)}
	if !e.Observed.IsZero() && !e.Observed.Equal(e.FirstSeen) {
		d.Observed = p.stamp(e.Observed)
	}
	if until := e.UsableUntil; !until.IsZero() {
		d.UsableUntil = p.stamp(until)
		if until.Before(p.Now()) {
			d.UsableUntil += ", which is over"
		}
	}
	if s.PatientData == risk.Yes {
		d.Tier += " · patient data"
	}
	if e.State.Open() {
		for _, step := range e.Steps(s) {
			d.Steps = append(d.Steps, visible(step))
		}
	}
	d.Can = deedsFor(e, a)
	if d.Can.Triage {
		people, err := p.assignable(c, e.OwnerID)
		if err != nil {
			return nil, err
		}
		d.People = people
	}
	return d, nil
}

func dismissOptions() []option {
	var opts []option
	for _, r := range risk.DismissReasons {
		opts = append(opts, option{Value: r, Label: title(r)})
	}
	return opts
}

func deedsFor(e risk.Exposure, a risk.Actor) deeds {
	if !risk.Can(a, risk.ActTriage) {
		return deeds{}
	}
	may := func(s risk.ExposureState) bool { return slices.Contains(e.State.Next(), s) }
	d := deeds{Triage: true, Duplicate: may(risk.ExposureDuplicate), Dismiss: may(risk.ExposureDismissed), Waive: may(risk.ExposureWaived),
		Supplier: may(risk.ExposureWithSupplier), Fixed: may(risk.ExposureFixed), Close: may(risk.ExposureClosed), Reopen: !e.State.Open(),
		Take: e.State.Open() && e.OwnerID != a.UserID, Leave: e.State.Open() && e.OwnerID == a.UserID}
	d.Confirm = may(risk.ExposureConfirmed) && e.State.Open()
	return d
}

func (p *portal) assignable(c *gin.Context, owner int64) ([]option, error) {
	users, err := p.Store.FindUsers(c.Request.Context())
	if err != nil {
		return nil, fmt.Errorf("find users to assign to: %w", err)
	}
	opts := []option{{"0", "Nobody", owner == 0}}
	for _, u := range users {
		if !u.Disabled && risk.Can(risk.Actor{UserID: u.ID, Role: u.Role}, risk.ActTriage) {
			opts = append(opts, option{fmt.Sprint(u.ID), u.Name, u.ID == owner})
		}
	}
	return opts, nil
}

func secretSays(e risk.Exposure) string {
	if e.SecretKind == risk.SecretNone {
		return ""
	}
	says := word(secretWords, e.SecretKind, string(e.SecretKind))
	if e.SecretBand != "" {
		says = e.SecretBand + " characters · " + says
	}
	return says
}

// highlight cuts an excerpt at the places where the term or the host stands.
func highlight(text string, marks ...string) []stretch {
	var out []stretch
	lower := strings.ToLower(text)
	if len(lower) != len(text) { // folding moved bytes: the places would not fit
		return plainStretch(text)
	}
	for len(text) > 0 {
		at, length := len(text), 0
		for _, m := range marks {
			m = strings.ToLower(m)
			if i := strings.Index(lower, m); m != "" && i >= 0 && (i < at || (i == at && len(m) > length)) {
				at, length = i, len(m)
			}
		}
		if at > 0 {
			out = append(out, stretch{Text: text[:at]})
		}
		if length > 0 {
			out = append(out, stretch{Text: text[at : at+length], Hit: true})
		}
		text, lower = text[at+length:], lower[at+length:]
	}
	return out
}

func plainStretch(text string) []stretch {
	if text == "" {
		return nil
	}
	return []stretch{{Text: text}}
}

// wholeAccount decrypts the account for those who have to get it reset.
func (p *portal) wholeAccount(e risk.Exposure) (account, why string) {
	account, err := p.OpenAccount(e.Account)
	if err != nil {
		p.Log.Error("account not opened", "exposure", e.ID, "key", e.KeyID, "error", err)
		return "", "The account is kept under a key that this server does not hold."
	}
	return visible(account), ""
}

func (p *portal) timeline(c *gin.Context, e risk.Exposure) ([]event, error) {
	found, err := p.Store.FindEvents(c.Request.Context(), e.ID)
	if err != nil {
		return nil, fmt.Errorf("find history of exposure %d: %w", e.ID, err)
	}
	var out []event
	for _, ev := range slices.Backward(found) {
		row := event{At: p.stamp(ev.At), Who: ev.Actor, What: title(word(eventWords, ev.What, ev.What)), Detail: visible(ev.Detail)}
		if ev.ActorID == 0 {
			row.Who = "Wardline"
		}
		out = append(out, row)
	}
	return out, nil
}

func (p *portal) sightings(c *gin.Context, id int64) ([]sightingRow, error) {
	found, err := p.Store.FindSightings(c.Request.Context(), id)
	if err != nil {
		return nil, fmt.Errorf("find sightings of exposure %d: %w", id, err)
	}
	var out []sightingRow
	for _, s := range found {
		row := sightingRow{At: p.stamp(s.Seen), Source: visible(s.SourceName), Place: placeSays(s), Author: visible(s.Author)}
		if !s.Posted.IsZero() {
			row.Posted = p.stamp(s.Posted)
		}
		if s.FileID != 0 && risk.Can(actor(c), risk.ActViewSources) {
			row.FileHref = fmt.Sprintf("/dumps/%d", s.FileID)
		}
		for _, f := range s.Facts {
			row.Facts = append(row.Facts, factRow{title(word(factWords, f.Name, f.Name)), visible(f.Value)})
		}
		out = append(out, row)
	}
	return out, nil
}

// factWords name the facts of the machine that a stealer took the data from.
var factWords = map[string]string{
	"infected": "infected on", "machine": "machine", "user": "user", "hwid": "hardware id", "ip": "IP address", "country": "country", "os": "system",
	"malware": "malware", "malware_path": "path of the malware", "software": "taken from", "profile": "browser profile", "cookie": "cookie", "autofill": "autofill",
	"victim": "named as", "group": "claimed by", "volume": "said to be taken", "website": "its website", "breach": "leak", "taken": "kinds of data", "withheld": "in the leak, not given", "count": "log-ins",
}

func (p *portal) repeats(c *gin.Context, id int64) ([]repeatsRow, error) {
	found, err := p.Store.FindRepeats(c.Request.Context(), id)
	if err != nil {
		return nil, fmt.Errorf("find repeats of exposure %d: %w", id, err)
	}
	var out []repeatsRow
	for _, r := range found {
		row := repeatsRow{Path: visible(r.Path), Counted: number(int(r.Counted))}
		if risk.Can(actor(c), risk.ActViewSources) {
			row.Href = fmt.Sprintf("/dumps/%d", r.FileID)
		}
		out = append(out, row)
	}
	return out, nil
}

// placeSays writes where a sighting stands, as text: the address of a hostile place is never a link.
func placeSays(s risk.Sighting) string {
	var parts []string
	for _, t := range []string{s.Board, s.Thread, s.Where.Path, s.Where.Entry} {
		if t != "" {
			parts = append(parts, visible(t))
		}
	}
	if s.Where.Line > 0 {
		parts = append(parts, fmt.Sprintf("line %d", s.Where.Line))
	}
	return strings.Join(parts, " › ")
}

// scoreEffect lists the rows of the supplier's score that this exposure made.
func (p *portal) scoreEffect(c *gin.Context, e risk.Exposure) (number string, rows []effectRow, err error) {
	s, err := p.Store.FindScore(c.Request.Context(), e.SupplierID)
	if errors.Is(err, risk.ErrNotFound) {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, fmt.Errorf("find score of supplier %d: %w", e.SupplierID, err)
	}
	for _, r := range s.Contributions {
		if r.ExposureID == e.ID {
			rows = append(rows, p.effectRow(r))
		}
	}
	return whole(s.Number), rows, nil
}

func (p *portal) effectRow(r risk.Contribution) effectRow {
	row := effectRow{Factor: factorName(r.Factor), Label: visible(r.Label), Points: signed(r.Points, 2), Refute: r.HowToRefute}
	if r.AgeFactor > 0 {
		row.Age = fmt.Sprintf("%.2f", r.AgeFactor)
	}
	if !r.ClearsOn.IsZero() {
		row.Clears = p.day(r.ClearsOn)
	}
	return row
}
