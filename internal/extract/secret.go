package extract

import (
	"bytes"
	"unicode/utf8"

	"github.com/wardline/wardline/internal/risk"
)

// secretOf wraps a password field; a placeholder is no secret.
func secretOf(b []byte) risk.Secret {
	if isPlaceholder(b) {
		return risk.Secret{}
	}
	return risk.NewSecret(secretKind(b), string(b))
}

// isPlaceholder tells what stealers and the tools around them write where a field was empty: UNKNOWN, [NOT_SAVED] and
// the like.
func isPlaceholder(b []byte) bool {
	if len(b) < 3 || len(b) > 40 {
		return false
	}
	switch b[0] {
	case 'U', 'N', 'n', '(', 'u', '<':
		switch string(b) {
		case "UNKNOWN", "NOT_SAVED", "null", "NULL", "(null)", "undefined", "N/A", "None", "<empty>", "<EMPTY>", "(empty)":
			return true
		}
	case '*': // as a page shows a password
		return len(bytes.Trim(b, "*")) == 0
	case dots[0]:
		return len(bytes.Trim(b, dots)) == 0
	case '[':
		return isNote(b)
	}
	return false
}

const dots = "\u2022"

// isNote tells words in capitals, in brackets.
func isNote(b []byte) bool {
	if b[len(b)-1] != ']' {
		return false
	}
	for _, c := range b[1 : len(b)-1] {
		if c != '_' && c != ' ' && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// isMissingHash tells what lists of hashes write where there is none.
func isMissingHash(b []byte) bool {
	return bytes.EqualFold(b, []byte("null")) || string(b) == "xxx"
}

// hexKind is the kind of a hash of so many digits.
func hexKind(digits int) (kind risk.SecretKind, ok bool) {
	switch digits {
	case 32:
		return risk.SecretMD5, true
	case 40:
		return risk.SecretSHA1, true
	case 64:
		return risk.SecretSHA256, true
	case 128:
		return risk.SecretSHA512, true
	}
	return risk.SecretNone, false
}

// markedKinds are hashes that begin with the name of their kind.
var markedKinds = byFirst([]mark{
	{"$2a$", risk.SecretBcrypt}, {"$2b$", risk.SecretBcrypt}, {"$2x$", risk.SecretBcrypt}, {"$2y$", risk.SecretBcrypt},
	{"$wp$2y$", risk.SecretBcrypt}, {"$bcrypt-sha256$", risk.SecretBcrypt}, {"bcrypt$$2", risk.SecretBcrypt},
	{"bcrypt_sha256$$2", risk.SecretBcrypt}, {"{bcrypt}$2", risk.SecretBcrypt},
	{"$argon2", risk.SecretArgon2}, {"argon2$argon2", risk.SecretArgon2}, {"{argon2}$", risk.SecretArgon2},
	{"$P$", risk.SecretPHPass}, {"$H$", risk.SecretPHPass},
	{"$S$", risk.SecretPHPass}, // Drupal's
	{"$1$", risk.SecretCrypt}, {"$5$", risk.SecretCrypt}, {"$6$", risk.SecretCrypt}, {"$y$", risk.SecretCrypt}, {"$gy$", risk.SecretCrypt},
	{"$apr1$", risk.SecretCrypt}, {"$sha1$", risk.SecretCrypt}, {"$md5$", risk.SecretCrypt}, {"$md5,", risk.SecretCrypt}, {"$sm3$", risk.SecretCrypt},
	{"pbkdf2_sha", risk.SecretPBKDF2}, {"pbkdf2:sha", risk.SecretPBKDF2}, {"$pbkdf2", risk.SecretPBKDF2}, {":pbkdf2:", risk.SecretPBKDF2},
	{"sha1:64000:", risk.SecretPBKDF2}, {"sha256:1000:", risk.SecretPBKDF2}, {"{PKCS5S2}", risk.SecretPBKDF2}, {"{PBKDF2", risk.SecretPBKDF2},
	{"$ml$", risk.SecretPBKDF2}, {"SCRAM-SHA-", risk.SecretPBKDF2}, {"AQAAAAE", risk.SecretPBKDF2}, {"AQAAAAI", risk.SecretPBKDF2},
	{"$8$", risk.SecretPBKDF2}, {"$9$", risk.SecretScrypt}, // Cisco's
	{"scrypt:", risk.SecretScrypt}, {"scrypt$", risk.SecretScrypt}, {"$scrypt$", risk.SecretScrypt}, {"$7$", risk.SecretScrypt}, {"$s0$", risk.SecretScrypt},
	{"{SSHA}", risk.SecretLDAP}, {"{SHA}", risk.SecretLDAP}, {"{SMD5}", risk.SecretLDAP}, {"{MD5}", risk.SecretLDAP},
	{"{SSHA256}", risk.SecretLDAP}, {"{SSHA512}", risk.SecretLDAP}, {"{SHA256}", risk.SecretLDAP}, {"{SHA512}", risk.SecretLDAP}, {"{CRYPT}", risk.SecretLDAP},
	{"{x-issha,", risk.SecretLDAP},
	{"md5$", risk.SecretMD5}, {"sha1$", risk.SecretSHA1}, {"sha256$", risk.SecretSHA256}, {"sha512$", risk.SecretSHA512},
	{"$NT$", risk.SecretNTLM}, {"$krb5", risk.SecretKerberos}, {"$DCC2$", risk.SecretHash}, {"$LM$", risk.SecretHash},
})

type mark struct {
	text string
	kind risk.SecretKind
}

// byFirst sorts marks by their first byte, so that most passwords are compared with none.
func byFirst(marks []mark) (sorted [128][]mark) {
	for _, m := range marks {
		sorted[m.text[0]] = append(sorted[m.text[0]], m)
	}
	return sorted
}

// secretKind says what a secret is, as far as its bytes tell. A salt may follow a hash after a colon.
func secretKind(b []byte) risk.SecretKind {
	if kind := markedKind(b); kind != risk.SecretNone {
		return kind
	}
	const shortest = 32
	if len(b) < shortest {
		return risk.SecretPlain
	}
	hash, _, _ := bytes.Cut(b, []byte{':'})
	if kind, ok := hexKind(len(hash)); ok && isHex(hash) {
		return kind
	}
	return risk.SecretPlain
}

// markedKind is the kind of a hash that begins with the name of its kind, SecretNone for all else.
func markedKind(b []byte) risk.SecretKind {
	const shortest = 20
	if len(b) < shortest || b[0] >= utf8.RuneSelf || bytes.IndexByte(b, ' ') >= 0 {
		return risk.SecretNone
	}
	switch {
	case b[0] == '*' && len(b) == 1+40 && isHex(b[1:]):
		return risk.SecretMySQL
	case b[0] == '0' && isServerHash(b):
		return risk.SecretMSSQL
	case b[0] == 'm' && len(b) == 3+32 && bytes.HasPrefix(b, []byte("md5")) && isHex(b[3:]): // PostgreSQL's
		return risk.SecretMD5
	}
	for _, m := range markedKinds[b[0]] {
		if len(b) >= len(m.text) && string(b[:len(m.text)]) == m.text {
			return m.kind
		}
	}
	return risk.SecretNone
}

// isServerHash tells the hashes of SQL Server 2005, 2000 and 2012: version, salt, and one or two digests.
func isServerHash(b []byte) bool {
	switch len(b) {
	case 6 + 8 + 40, 6 + 8 + 80, 6 + 8 + 128:
		return (string(b[:6]) == "0x0100" || string(b[:6]) == "0x0200") && isHex(b[6:])
	}
	return false
}

// noLM is what Windows writes in place of the old hash.
const noLM = "aad3b435b51404eeaad3b435b51404ee"

// ntHash is the NT hash in what tools that read the account database of Windows write after a login: number, old hash,
// NT hash and colons, or the two hashes alone.
func ntHash(b []byte, s span) (span, bool) {
	const size = 32
	at := s.start
	for at < s.end && isDigit(b[at]) {
		at++
	}
	numbered := at > s.start && at-s.start <= 10 && at < s.end && b[at] == ':'
	if numbered {
		at++
	} else {
		at = s.start
	}
	if s.end-at < 2*size+1 || b[at+size] != ':' || !isHex(b[at:at+size]) {
		return span{}, false
	}
	nt := span{at + size + 1, at + 2*size + 1}
	rest := b[nt.end:s.end]
	if !isHex(nt.of(b)) || len(rest) > 0 && rest[0] != ':' {
		return span{}, false
	}
	return nt, numbered || len(rest) == 0 && bytes.EqualFold(b[at:at+size], []byte(noLM))
}

// isNetNTLM tells a captured sign-in in what follows "user::domain:": a challenge of 16 digits with its answers before
// or behind it.
func isNetNTLM(b []byte) bool {
	first, rest, _ := bytes.Cut(b, []byte{':'})
	second, third, _ := bytes.Cut(rest, []byte{':'})
	if !isHex(first) || !isHex(second) || !isHex(third) {
		return false
	}
	return len(first) == 16 && len(second) == 32 && len(third) >= 32 || len(first) == 48 && len(second) == 48 && len(third) == 16
}

// isOpaque tells a hash of an unknown kind from what people type: it is longer, or it is base64 that fills its last
// group up.
func isOpaque(b []byte) bool {
	if bytes.IndexByte(b, ' ') >= 0 {
		return false
	}
	return len(b) >= 40 || len(b) >= 24 && len(b)%4 == 0 && b[len(b)-1] == '='
}

func isHex(b []byte) bool {
	for _, c := range b {
		if !isDigit(c) && c|0x20-'a' >= 6 {
			return false
		}
	}
	return true
}

// looksRandom tells a password from a word of a sentence: it mixes letters with digits or with signs inside, and
// holds nothing that sentences are built with.
func looksRandom(b []byte) bool {
	letters, others := false, false
	for i, c := range b {
		switch {
		case isLetter(c):
			letters = true
		case isDigit(c), i < len(b)-1 && bytes.IndexByte([]byte("!@#$%^&*_+=?"), c) >= 0:
			others = true
		case bytes.IndexByte([]byte("()[]{}<>\"',"), c) >= 0:
			return false
		}
	}
	return letters && others && len(b) >= 6
}
