package extract

import (
	"bytes"

	"github.com/wardline/wardline/internal/risk"
)

// secretOf wraps a password field; a placeholder is no secret.
func secretOf(b []byte) risk.Secret {
	if isPlaceholder(b) {
		return risk.Secret{}
	}
	return risk.NewSecret(secretKind(b), string(b))
}

// isPlaceholder tells what stealers write where a field was empty: UNKNOWN, [NOT_SAVED] and the like.
func isPlaceholder(b []byte) bool {
	if string(b) == "UNKNOWN" || string(b) == "NOT_SAVED" {
		return true
	}
	if len(b) < 3 || b[0] != '[' || b[len(b)-1] != ']' {
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

var hexKinds = map[int]risk.SecretKind{32: risk.SecretMD5, 40: risk.SecretSHA1, 64: risk.SecretSHA256, 128: risk.SecretSHA512}

var markedKinds = []struct {
	mark string
	kind risk.SecretKind
}{
	{"$2a$", risk.SecretBcrypt}, {"$2b$", risk.SecretBcrypt}, {"$2x$", risk.SecretBcrypt}, {"$2y$", risk.SecretBcrypt},
	{"$argon2", risk.SecretArgon2},
	{"$P$", risk.SecretPHPass}, {"$H$", risk.SecretPHPass},
	{"$S$", risk.SecretPHPass}, // Drupal's
	{"$1$", risk.SecretCrypt}, {"$5$", risk.SecretCrypt}, {"$6$", risk.SecretCrypt}, {"$y$", risk.SecretCrypt}, {"$apr1$", risk.SecretCrypt},
	{"pbkdf2_sha", risk.SecretPBKDF2}, {"pbkdf2:sha", risk.SecretPBKDF2}, {"$pbkdf2-", risk.SecretPBKDF2}, {":pbkdf2:", risk.SecretPBKDF2},
	{"scrypt:", risk.SecretScrypt}, {"$scrypt$", risk.SecretScrypt}, {"$7$", risk.SecretScrypt},
	{"{SSHA}", risk.SecretLDAP}, {"{SHA}", risk.SecretLDAP}, {"{SMD5}", risk.SecretLDAP}, {"{MD5}", risk.SecretLDAP},
	{"{SSHA256}", risk.SecretLDAP}, {"{SSHA512}", risk.SecretLDAP},
}

// secretKind says what a secret is, as far as its bytes tell. A salt may follow a hash after a colon.
func secretKind(b []byte) risk.SecretKind {
	if kind := markedKind(b); kind != risk.SecretNone {
		return kind
	}
	hash, _, _ := bytes.Cut(b, []byte{':'})
	if kind, ok := hexKinds[len(hash)]; ok && isHex(hash) {
		return kind
	}
	return risk.SecretPlain
}

// markedKind is the kind of a hash that begins with the name of its kind, SecretNone for all else.
func markedKind(b []byte) risk.SecretKind {
	const mysqlLen = 41
	if len(b) == mysqlLen && b[0] == '*' && isHex(b[1:]) {
		return risk.SecretMySQL
	}
	for _, m := range markedKinds {
		if bytes.HasPrefix(b, []byte(m.mark)) && len(b) >= 20 && bytes.IndexByte(b, ' ') < 0 {
			return m.kind
		}
	}
	return risk.SecretNone
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
