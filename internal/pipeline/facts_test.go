package pipeline

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/seal"
)

func TestShownFacts(t *testing.T) {
	in := risk.Indicator{
		Kind: risk.KindCredential, Account: "jane.doe@lab.example", Term: risk.WatchTerm{Kind: risk.TermDomain, Value: "lab.example"},
		Secret: risk.NewSecret(risk.SecretPlain, "invented-1"),
		Facts: []risk.Fact{
			{Name: "software", Value: "Google_[Chrome]_Default"}, {Name: "profile", Value: "jane.doe@lab.example"}, {Name: "cookie", Value: "SESSION"},
			{Name: "infected", Value: "2023-11-01T11:57:58Z"}, {Name: "machine", Value: "JDOE-LAPTOP"}, {Name: "user", Value: "jdoe"},
			{Name: "hwid", Value: "0123456789ABCDEF"}, {Name: "ip", Value: "198.51.100.9 (invented)"}, {Name: "country", Value: "HU"},
			{Name: "os", Value: "Windows 10 \x1b[31mPro"}, {Name: "malware", Value: "RedLine or META build inv-1"},
			{Name: "malware_path", Value: `C:\Users\jdoe\AppData\jdoe.exe`}, {Name: "autofill", Value: "login of invented-1"}, {Name: "note", Value: "anything"},
		},
	}
	want := []risk.Fact{
		{Name: "software", Value: "Google_[Chrome]_Default"}, {Name: "profile", Value: "j•••••@•••••"}, {Name: "cookie", Value: "SESSION"},
		{Name: "infected", Value: "2023-11-01T11:57:58Z"}, {Name: "machine", Value: "j•••••-LAPTOP"}, {Name: "user", Value: "j•••••"},
		{Name: "hwid", Value: "0123456789ABCDEF"}, {Name: "ip", Value: "198.51.100.0/24"}, {Name: "country", Value: "HU"},
		{Name: "os", Value: "Windows 10 [31mPro"}, {Name: "malware", Value: "RedLine or META build inv-1"},
		{Name: "malware_path", Value: `C:\Users\j•••••\AppData\j•••••.exe`},
	}
	if got := ShownFacts(in); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestShownPathsAndAddresses(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"malware_path", `C:\Documents and Settings\Jane Doe\x.exe`, `C:\Documents and Settings\J•••••\x.exe`},
		{"malware_path", "/Users/jane/Downloads/x", "/Users/j•••••/Downloads/x"},
		{"malware_path", "/home//jane", "/home//j•••••"},
		{"malware_path", `C:\Windows\Temp\x.exe`, `C:\Windows\Temp\x.exe`},
		{"ip", "2001:db8:1:2::3", "2001:db8:1::/48"},
		{"ip", "::ffff:198.51.100.9", "198.51.100.0/24"},
		{"ip", "behind a router", ""},
		{"machine", strings.Repeat("é", 500), strings.Repeat("é", 159) + "…"},
	} {
		if got := shownFact(risk.Fact{Name: c.name, Value: c.value}, ""); got != c.want {
			t.Errorf("%s %q: got %q, want %q", c.name, c.value, got, c.want)
		}
	}
}

// Whatever a log says of its machine, neither the account nor the user nor the password is shown.
func TestShownFactsNameNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[A-Za-z][A-Za-z0-9]{5,9}`)
		user, account, secret := "u"+word.Draw(t, "user"), "a"+word.Draw(t, "account")+"@lab.example", "s"+word.Draw(t, "secret")
		in := risk.Indicator{Account: account, Secret: risk.NewSecret(risk.SecretPlain, secret), Facts: []risk.Fact{{Name: "user", Value: user}}}
		for _, name := range []string{"machine", "hwid", "malware_path", "profile", "autofill"} {
			parts := rapid.SliceOfN(rapid.SampledFrom([]string{user, strings.ToUpper(user), account, secret, `\`, "/", "Users", "-", "x"}), 1, 6).Draw(t, name)
			in.Facts = append(in.Facts, risk.Fact{Name: name, Value: strings.Join(parts, "")})
		}
		for _, f := range ShownFacts(in) {
			for _, hidden := range []string{user, account, secret} {
				if strings.Contains(strings.ToLower(f.Value), strings.ToLower(hidden)) {
					t.Fatalf("%s shows %q: %q", f.Name, hidden, f.Value)
				}
			}
		}
	})
}

func TestExposeKeepsWhenItWasTaken(t *testing.T) {
	keys, err := seal.Open(filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p := &Pipeline{Keys: keys, Now: func() time.Time { return now }}
	s := risk.Supplier{ID: 1, Name: "Meridian Lab", Tier: 3}
	infected := func(at string) risk.Indicator {
		return risk.Indicator{Kind: risk.KindCredential, Class: risk.ClassEmployee, Secret: plain(), Facts: []risk.Fact{{Name: "infected", Value: at}}}
	}
	for _, c := range []struct {
		name string
		in   risk.Indicator
		want time.Time
	}{
		{"the infection's date", infected("2026-01-02T03:04:05+01:00"), time.Date(2026, 1, 2, 2, 4, 5, 0, time.UTC)},
		{"a clock that is ahead", infected("2027-01-02T03:04:05Z"), now},
		{"a date that can be read in two ways", infected("1/2/2026 03:04:05"), now},
	} {
		if got := p.expose(c.in, s, risk.Source{}, risk.Sighting{}).Exposure.Observed; !got.Equal(c.want) {
			t.Errorf("%s: observed %v, want %v", c.name, got, c.want)
		}
	}
}

func TestExposeKeepsHowLongACookieIsUsable(t *testing.T) {
	keys, err := seal.Open(filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p := &Pipeline{Keys: keys, Now: func() time.Time { return now }}
	for _, c := range []struct {
		until time.Time
		want  risk.Severity
	}{{time.Time{}, risk.SeverityHigh}, {now.Add(time.Hour), risk.SeverityHigh}, {now, risk.SeverityLow}, {now.Add(-time.Hour), risk.SeverityLow}} {
		in := risk.Indicator{Kind: risk.KindCookie, Host: "portal.lab.example", Secret: risk.NewSecret(risk.SecretCookieValue, "v"), UsableUntil: c.until}
		got := p.expose(in, risk.Supplier{Tier: 3}, risk.Source{}, risk.Sighting{}).Exposure
		if !got.UsableUntil.Equal(c.until) || got.Severity != c.want {
			t.Errorf("usable until %v: kept %v, severity %s, want %s", c.until, got.UsableUntil, got.Severity, c.want)
		}
	}
}

func TestAutofillIsMoreThanAName(t *testing.T) {
	in := risk.Indicator{Kind: risk.KindCredential, Class: risk.ClassEmployee, Facts: []risk.Fact{{Name: "autofill", Value: "email"}}}
	if got, reasons := judge(in, risk.Supplier{Tier: 3}); got != risk.SeverityMedium {
		t.Errorf("severity %s, want medium: %q", got, reasons)
	}
	if got := title(in, risk.Supplier{}, "j•••••"); got != "Account j••••• was used on an infected machine" {
		t.Errorf("title %q", got)
	}
}
