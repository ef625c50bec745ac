package seal

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/wardline/wardline/internal/risk"
)

func testKeys(t *testing.T) *Keys {
	t.Helper()
	k, err := Open(filepath.Join(t.TempDir(), "sub", "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestMask(t *testing.T) {
	for _, c := range []struct{ account, known, want string }{
		{"lena.ort@meridian-lab.example", "meridian-lab.example", "l•••••@meridian-lab.example"},
		{"lena@Mail.Meridian-Lab.example", "meridian-lab.example", "l•••••@meridian-lab.example"},
		{"lena@mymeridian-lab.example", "meridian-lab.example", "l•••••@•••••"},
		{"someone@private.example", "", "s•••••@•••••"},
		{`STMARY\jdoe`, "stmary", `STMARY\j•••••`},
		{`STMARY\jdoe`, "other", "S•••••"},
		{"jdoe", "hospital.example", "j•••••"},
		{"@hospital.example", "hospital.example", "•••••@hospital.example"},
		{"éva@hospital.example", "hospital.example", "é•••••@hospital.example"},
		{"\x00x", "", "•••••"},
		{"", "hospital.example", ""},
	} {
		if got := Mask(c.account, c.known); got != c.want {
			t.Errorf("Mask(%q, %q) = %q, want %q", c.account, c.known, got, c.want)
		}
	}
}

// T09: beyond the watched domain, a mask holds no three characters in a row of what it masks.
func TestMaskHoldsNoTrigram(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		local := rapid.StringMatching(`[a-zA-Zäöü0-9._+-]{1,40}`).Draw(t, "local")
		domain := rapid.SampledFrom([]string{"", "@hospital.example", "@elsewhere.test"}).Draw(t, "domain")
		masked := strings.TrimSuffix(Mask(local+domain, "hospital.example"), "@hospital.example")
		runes := []rune(local + strings.TrimSuffix(domain, "@hospital.example"))
		for i := 0; i+3 <= len(runes); i++ {
			if strings.Contains(masked, string(runes[i:i+3])) {
				t.Fatalf("mask %q holds %q", masked, string(runes[i:i+3]))
			}
		}
	})
}

func TestFingerprintIsContentNotPosition(t *testing.T) {
	k := testKeys(t)
	credential := risk.Indicator{Kind: risk.KindCredential, Account: "Lena@lab.example", Host: "vpn.lab.example",
		Secret: risk.NewSecret(risk.SecretPlain, "invented-1"), Place: risk.Place{Path: "a.txt", Line: 3}}
	same := credential
	same.Account = "lena@LAB.example"
	same.Place = risk.Place{Path: "b.txt", Line: 99}
	if k.Fingerprint(1, credential) != k.Fingerprint(1, same) {
		t.Error("the same credential in another place has another fingerprint")
	}
	for name, change := range map[string]func(*risk.Indicator){
		"account":  func(i *risk.Indicator) { i.Account = "otto@lab.example" },
		"host":     func(i *risk.Indicator) { i.Host = "" },
		"password": func(i *risk.Indicator) { i.Secret = risk.NewSecret(risk.SecretPlain, "invented-2") },
		"kind":     func(i *risk.Indicator) { i.Kind = risk.KindCookie },
		// The parts' borders count: moving a character over one must change the fingerprint.
		"border": func(i *risk.Indicator) { i.Account, i.Host = "lena@lab.examplev", "pn.lab.example" },
	} {
		other := credential
		change(&other)
		if k.Fingerprint(1, credential) == k.Fingerprint(1, other) {
			t.Errorf("another %s has the same fingerprint", name)
		}
	}
	if k.Fingerprint(1, credential) == k.Fingerprint(2, credential) {
		t.Error("two suppliers share a fingerprint")
	}
	if k.Fingerprint(1, credential) == testKeys(t).Fingerprint(1, credential) {
		t.Error("the fingerprint does not depend on the key")
	}
}

func TestAccountRoundTripAndTampering(t *testing.T) {
	k := testKeys(t)
	sealed := k.SealAccount("lena@lab.example")
	if strings.Contains(string(sealed), "lena") {
		t.Fatal("the account stands in clear in its sealed form")
	}
	if got, err := k.OpenAccount(sealed); err != nil || got != "lena@lab.example" {
		t.Fatalf("OpenAccount = %q, %v", got, err)
	}
	for i := range sealed {
		broken := append([]byte(nil), sealed...)
		broken[i] ^= 1
		if _, err := k.OpenAccount(broken); err == nil {
			t.Fatalf("a flipped bit in byte %d went unnoticed", i)
		}
	}
	if _, err := testKeys(t).OpenAccount(sealed); err == nil {
		t.Error("another key opened the account")
	}
}

func TestOpenKeepsAndGuardsTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	first, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Open(path)
	if err != nil || again.ID() != first.ID() {
		t.Fatalf("second Open: id %v, %v; want %s", again, err, first.ID())
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key file that others can read: %v", err)
	}
	damaged := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(damaged, []byte(`{"id":"k1","fingerprint":"AA=="}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(damaged); err == nil {
		t.Error("a damaged key file was accepted")
	}
}

func TestSecretDoesNotPrint(t *testing.T) {
	in := risk.Indicator{Secret: risk.NewSecret(risk.SecretPlain, "invented-1")}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if out := fmt.Sprintf(format, in); strings.Contains(out, "invented") {
			t.Errorf("%s prints the secret: %s", format, out)
		}
	}
}
