package portal

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/wardline/wardline/internal/risk"
)

// span writes a duration in its largest sensible unit.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "< 1 min"
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d d", d/(24*time.Hour))
}

// interval writes how often something happens; unlike an age, it is exact below a minute.
func interval(d time.Duration) string {
	if d < 2*time.Minute && d%time.Minute != 0 {
		return fmt.Sprintf("%d s", d/time.Second)
	}
	return span(d)
}

func ago(now, t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return span(now.Sub(t)) + " ago"
}

// dueWords says how long there is left to act.
func dueWords(now, due time.Time) string {
	switch {
	case due.IsZero():
		return "no due time"
	case now.After(due):
		return "overdue " + span(now.Sub(due))
	}
	return "act within " + span(due.Sub(now))
}

// number groups thousands with a thin no-break space.
func number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

// signed writes a change, with a real minus sign.
func signed(x float64, decimals int) string {
	s := strconv.FormatFloat(math.Abs(x), 'f', decimals, 64)
	switch {
	case strings.Trim(s, "0.") == "":
		return "±" + s
	case x < 0:
		return "−" + s
	}
	return "+" + s
}

// whole writes a score without decimals. It cuts and does not round, so that 79.6 never stands beside the letter below 80.
func whole(x float64) string { return strconv.Itoa(int(math.Floor(x))) }

func plural(n int, one, many string) string {
	if n == 1 {
		return number(n) + " " + one
	}
	return number(n) + " " + many
}

// title writes a word with a capital.
func title(v any) string {
	s := fmt.Sprint(v)
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}

// visible shows what would otherwise be unseen in captured text: direction marks, zero-width and control characters.
func visible(s string) string {
	if strings.IndexFunc(s, hidden) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hidden(r) {
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func hidden(r rune) bool {
	if r == '\n' || r == '\t' {
		return false
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
}

func word[K comparable](words map[K]string, k K, fallback string) string {
	if w, ok := words[k]; ok {
		return w
	}
	return strings.ReplaceAll(fallback, "_", " ")
}

func roleName(r risk.Role) string { return word(roleWords, r, string(r)) }

var roleWords = map[risk.Role]string{
	risk.RoleAnalyst: "Security analyst", risk.RoleProcurement: "Procurement", risk.RoleCISO: "CISO",
	risk.RoleAuditor: "Auditor", risk.RoleAdmin: "IT administrator", risk.RoleRespondent: "Supplier respondent",
}

var stateWords = map[risk.ExposureState]string{
	risk.ExposureNew: "To triage", risk.ExposureConfirmed: "Confirmed", risk.ExposureWithSupplier: "With supplier",
	risk.ExposureFixed: "Fixed", risk.ExposureClosed: "Closed", risk.ExposureDuplicate: "Duplicate",
	risk.ExposureDismissed: "Dismissed", risk.ExposureWaived: "Waived",
}

// eventWords are the history's words; what Wardline itself did as well as what people did.
var eventWords = map[string]string{
	"new": "Re-opened", "confirmed": "Confirmed", "with_supplier": "Handed to the supplier", "fixed": "Fixed", "closed": "Closed",
	"duplicate": "Marked as a duplicate", "dismissed": "Dismissed", "waived": "Waived",
}

var kindWords = map[risk.IndicatorKind]string{
	risk.KindCredential: "Credential", risk.KindCookie: "Session cookie", risk.KindSecretKey: "Secret key",
	risk.KindMention: "Mention", risk.KindVictimClaim: "Victim claim", risk.KindPatientData: "Patient data",
}

var formatWords = map[risk.Format]string{
	risk.FormatText: "Text", risk.FormatCombolist: "Combined list", risk.FormatULP: "URL, login, password list", risk.FormatStealerLog: "Stealer log",
	risk.FormatSQL: "Database dump", risk.FormatCSV: "Table", risk.FormatJSON: "JSON record",
}

var classWords = map[risk.Class]string{
	risk.ClassEmployee: "Employee account", risk.ClassThirdParty: "Employee account at another company's host", risk.ClassCustomer: "Customer account at a watched host",
}

var matchWords = map[risk.MatchKind]string{
	risk.MatchExact: "Exact", risk.MatchSubdomain: "Subdomain", risk.MatchBrand: "Brand name", risk.MatchAccount: "Account",
	risk.MatchIP: "IP address", risk.MatchLookalike: "Look-alike, not the watched name itself",
}

var termWords = map[risk.TermKind]string{
	risk.TermDomain: "Domains", risk.TermHost: "Login hosts", risk.TermBrand: "Brand names", risk.TermProduct: "Products",
	risk.TermAccount: "Named accounts", risk.TermADDomain: "AD domains", risk.TermIP: "IP addresses and ranges",
}

// termHints say what each kind finds, for whoever types terms.
var termHints = map[risk.TermKind]string{
	risk.TermDomain:   "Finds the domain, its subdomains and its e-mail addresses. Example: meridian-lab.example",
	risk.TermHost:     "A login host on a domain that the supplier may not own. Example: meridian.login-provider.example",
	risk.TermBrand:    "A name as it is written in posts, on word boundaries. Example: Meridian Lab",
	risk.TermProduct:  "A product that you use. Example: Orison Chart",
	risk.TermAccount:  "One account, an address or a login. Example: svc-results@hospital.example",
	risk.TermADDomain: "The part before the backslash. Example: STMARY",
	risk.TermIP:       "An address or a range. Example: 192.0.2.0/24",
}

var secretWords = map[risk.SecretKind]string{
	risk.SecretPlain: "plain text", risk.SecretMD5: "MD5 or NTLM hash", risk.SecretSHA1: "SHA-1 hash", risk.SecretSHA256: "SHA-256 hash",
	risk.SecretSHA512: "SHA-512 hash", risk.SecretBcrypt: "bcrypt hash", risk.SecretArgon2: "Argon2 hash", risk.SecretPHPass: "phpass hash",
	risk.SecretCrypt: "Unix crypt hash", risk.SecretPBKDF2: "PBKDF2 hash", risk.SecretScrypt: "scrypt hash", risk.SecretLDAP: "LDAP hash",
	risk.SecretNTLM: "NTLM hash", risk.SecretNetNTLM: "NetNTLM challenge and response", risk.SecretKerberos: "Kerberos ticket",
	risk.SecretMSSQL: "SQL Server hash", risk.SecretMySQL: "MySQL hash", risk.SecretHash: "hash of an unknown kind", risk.SecretCookieValue: "cookie value",
}

var sourceKindWords = map[risk.SourceKind]string{
	risk.SourcePaste: "Paste site", risk.SourceForum: "Forum, read only", risk.SourceLeakSite: "Leak site index", risk.SourceDrop: "Drop folder",
	risk.SourceFeed: "Feed", risk.SourceAccount: "Account service",
}

var routeWords = map[risk.Route]string{
	risk.RouteDirect: "Direct", risk.RouteTor: "Tor, own circuit", risk.RouteFile: "File",
}

var relationWords = map[risk.Relation]string{
	risk.FirstParty: "This hospital", risk.ThirdParty: "Supplier", risk.FourthParty: "Supplier's supplier",
}

// sourceStates say what a state is called and how it looks: tone and icon.
var sourceStates = map[risk.SourceState]badge{
	risk.StateWaiting:       {"Not run yet", "none", "clock"},
	risk.StateCollecting:    {"Collecting", "info", "clock"},
	risk.StateHealthy:       {"Healthy", "good", "check"},
	risk.StateBackingOff:    {"Backing off", "medium", "clock"},
	risk.StateSilent:        {"Silent", "critical", "cross"},
	risk.StateLayoutChanged: {"Layout changed", "high", "warn"},
	risk.StateCaptcha:       {"Captcha", "high", "warn"},
	risk.StateNeedsLogin:    {"Needs log-in", "high", "warn"},
	risk.StateBanned:        {"Banned", "high", "warn"},
	risk.StatePaused:        {"Paused", "none", "pause"},
	risk.StateExpired:       {"Legal review due", "high", "warn"},
}

// blindWords are the states in which nothing from a source reaches us.
var blindWords = map[risk.SourceState]string{
	risk.StateWaiting: "not read yet", risk.StateBackingOff: "refused or failing", risk.StateSilent: "silent",
	risk.StateLayoutChanged: "not understood", risk.StateCaptcha: "behind a captcha", risk.StateNeedsLogin: "behind a log-in", risk.StateBanned: "banned", risk.StatePaused: "paused",
	risk.StateExpired: "legal review overdue",
}

// badge is a small label: words, a tone and an icon, so that colour never carries the meaning alone.
type badge struct {
	Label, Tone, Icon string
}

// grades say what a letter is called; the bands are scoring.md's.
var grades = map[string]struct{ word, tone, band string }{
	"A": {"Strong", "good", "90–100"}, "B": {"Good", "low", "80–89"}, "C": {"Fair", "medium", "70–79"},
	"D": {"Weak", "high", "60–69"}, "F": {"Poor", "critical", "0–59"},
}

// gradeOrder lists bands from the worst, with the one that is not a letter last.
var gradeOrder = []string{"F", "D", "C", "B", "A", gradeNone}

const gradeNone = "none"

func gradeBadge(s *risk.Score) badge {
	switch {
	case s == nil:
		return badge{"Not computed yet", "none", "clock"}
	case !s.Sufficient():
		return badge{"Insufficient evidence", "none", "unknown"}
	}
	g := grades[s.Grade]
	return badge{s.Grade + " · " + g.word, g.tone, ""}
}

// factorWords name the score's factors (scoring.md §2).
var factorWords = map[string]string{
	"compromised_users": "Leaked credentials", "access_sale": "Access for sale", "osint": "Public traces", "paste": "Pastes",
	"forum_chat": "Forums and chats", "hardening": "Hardening", "slow_patching": "Patching", "no_mfa": "Sign-in protection",
	"own_leak_post": "On a leak site", "own_breach_report": "Reported breach",
}

func factorName(f string) string { return title(word(factorWords, f, f)) }

func tierName(t risk.Tier) string {
	if t == 0 {
		return "No tier yet"
	}
	return fmt.Sprintf("Tier %d", t)
}
