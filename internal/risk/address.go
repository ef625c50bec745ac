package risk

import (
	"net/netip"
	"strings"
)

func looksLikeAddress(s string) bool {
	at := strings.LastIndexByte(s, '@')
	return at > 0 && at < len(s)-1 && len(s) <= 254 && !strings.ContainsAny(s, " \t\r\n\x00<>,;\"") && strings.Count(s, "@") == 1
}

// IsLoopback reports a host name or address by which a machine reaches nothing but itself.
func IsLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}
