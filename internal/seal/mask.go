package seal

import (
	"strings"
	"unicode/utf8"
)

const dots = "•••••"

// Mask shortens an account name to what mail, logs and lists may show: its first character and, for an address or a
// login in knownDomain (the watched domain, which tells nothing new), that domain. The number of dots is fixed, so
// that a mask tells no length. An empty account stays empty.
func Mask(account, knownDomain string) string {
	if account == "" {
		return ""
	}
	local, domain, known := splitKnown(account, strings.ToLower(knownDomain))
	if known == prefixed {
		return domain + `\` + first(local) + dots
	}
	if known == suffixed {
		return first(local) + dots + "@" + domain
	}
	if strings.Contains(account, "@") {
		return first(account) + dots + "@" + dots
	}
	return first(account) + dots
}

type where int

const (
	nowhere where = iota
	prefixed
	suffixed
)

// splitKnown takes an account apart when its domain is the known one or below it.
func splitKnown(account, known string) (local, domain string, found where) {
	if known == "" {
		return account, "", nowhere
	}
	if at := strings.LastIndexByte(account, '@'); at >= 0 {
		host := strings.ToLower(account[at+1:])
		if host == known || strings.HasSuffix(host, "."+known) {
			return account[:at], known, suffixed
		}
	}
	if slash := strings.IndexByte(account, '\\'); slash >= 0 && strings.EqualFold(account[:slash], known) {
		return account[slash+1:], strings.ToUpper(known), prefixed
	}
	return account, "", nowhere
}

func first(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 || r == utf8.RuneError || r < ' ' {
		return ""
	}
	return string(r)
}
