package risk

import (
	"time"
	"unicode/utf8"
)

// IndicatorKind says what was read around a hit.
type IndicatorKind string

const (
	KindCredential  IndicatorKind = "credential"
	KindCookie      IndicatorKind = "cookie"
	KindSecretKey   IndicatorKind = "secret_key"
	KindMention     IndicatorKind = "mention"
	KindVictimClaim IndicatorKind = "victim_claim"
	KindPatientData IndicatorKind = "patient_data"
)

// MatchKind says how the hit met its term.
type MatchKind string

const (
	MatchExact     MatchKind = "exact"
	MatchSubdomain MatchKind = "subdomain"
	MatchBrand     MatchKind = "brand"
	MatchAccount   MatchKind = "account"
	MatchIP        MatchKind = "ip"
	MatchLookalike MatchKind = "lookalike" // never counted as exact
)

// Class says whose account it is (design.md §2, Exposure).
type Class string

const (
	ClassNone       Class = ""
	ClassEmployee   Class = "employee"    // watched account domain, AD login or named account, at a watched host or with no address
	ClassThirdParty Class = "third_party" // such an account at somebody else's host
	ClassCustomer   Class = "customer"    // another account at a watched host
)

// Format says what kind of record an indicator came from.
type Format string

const (
	FormatText       Format = "text" // running text: a post, a page
	FormatCombolist  Format = "combolist"
	FormatULP        Format = "ulp"         // url:login:password
	FormatStealerLog Format = "stealer_log" // label block
	FormatSQL        Format = "sql"         // row of a database dump
	FormatCSV        Format = "csv"         // row of a table of more columns than two
	FormatJSON       Format = "json"        // object
)

// Secret holds a password, cookie or key in memory. Its text sits behind an unexported pointer so that no formatter
// or logger can reach it.
type Secret struct {
	kind SecretKind
	text *string
}

// SecretKind says what a secret is, as far as its bytes tell.
type SecretKind string

const (
	SecretNone        SecretKind = ""            // the record holds none, or a placeholder
	SecretPlain       SecretKind = "plain"       // clear text
	SecretMD5         SecretKind = "md5_or_ntlm" // 32 hex digits: the two cannot be told apart
	SecretNTLM        SecretKind = "ntlm"        // where what stands around it tells
	SecretNetNTLM     SecretKind = "netntlm"     // a captured challenge and its answer
	SecretKerberos    SecretKind = "kerberos"    // a captured ticket
	SecretSHA1        SecretKind = "sha1"
	SecretSHA256      SecretKind = "sha256"
	SecretSHA512      SecretKind = "sha512"
	SecretBcrypt      SecretKind = "bcrypt"
	SecretArgon2      SecretKind = "argon2"
	SecretPHPass      SecretKind = "phpass"
	SecretCrypt       SecretKind = "crypt" // $1$, $5$, $6$, $y$
	SecretPBKDF2      SecretKind = "pbkdf2"
	SecretScrypt      SecretKind = "scrypt"
	SecretLDAP        SecretKind = "ldap"  // {SSHA} and its like
	SecretMySQL       SecretKind = "mysql" // * and 40 hex digits
	SecretMSSQL       SecretKind = "mssql"
	SecretHash        SecretKind = "hash" // of an unknown kind
	SecretCookieValue SecretKind = "cookie"
)

// NewSecret wraps a secret's text; an empty text gives the zero Secret.
func NewSecret(kind SecretKind, text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{kind: kind, text: &text}
}

// Kind is SecretNone for the zero Secret.
func (s Secret) Kind() SecretKind { return s.kind }

// Empty reports that there is no secret.
func (s Secret) Empty() bool { return s.text == nil }

// Reveal gives the text. Callers: seal (digests), and scan --reveal for the operator who holds the file anyway.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// LengthBand is "1–7", "8–11", "12–15", "16–23" or "24+" characters, "" for none.
func (s Secret) LengthBand() string {
	switch n := utf8.RuneCountInString(s.Reveal()); {
	case n == 0:
		return ""
	case n < 8:
		return "1–7"
	case n < 12:
		return "8–11"
	case n < 16:
		return "12–15"
	case n < 24:
		return "16–23"
	}
	return "24+"
}

func (s Secret) String() string               { return "[secret]" }
func (s Secret) GoString() string             { return "[secret]" }
func (s Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// Place says where in a document an indicator stands.
type Place struct {
	Path   string // file path, or the page's URL
	Entry  string // path inside an archive; "" = none
	Line   int    // 1-based line of the hit
	Offset int64  // byte offset of the hit in the (unpacked) document
}

// Indicator is what was read around a hit. It holds clear text and stays in memory: an Exposure is what is kept.
type Indicator struct {
	Kind    IndicatorKind
	Format  Format
	Term    WatchTerm
	Match   MatchKind
	Class   Class
	Place   Place
	URL     string // address that the credential is for, as written; "" = none
	Host    string // its host, lower-case ASCII; "" = none
	Account string // login as written; "" = none
	Secret  Secret
	Excerpt string // a few lines around the hit, secrets and other organisations' data removed; for mentions and claims
	Posted  time.Time
	Facts   []Fact // machine facts of a stealer log and the like

	UsableUntil time.Time // of a cookie; zero = unknown, or until the browser is closed
}

// Fact is a labelled value that belongs to an indicator, such as the infection date.
type Fact struct{ Name, Value string }
