package risk

import "time"

// Session is one signed-in browser. Only the digest of its token is kept.
type Session struct {
	Digest  string // hex SHA-256 of the token
	Data    []byte // opaque to everyone but the portal
	Expires time.Time
}
