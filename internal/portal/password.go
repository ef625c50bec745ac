package portal

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/wardline/wardline/internal/risk"
)

// argonCost is what one argon2id hash costs.
type argonCost struct {
	memory  uint32 // KiB
	time    uint32
	threads uint8
}

var argonShipped = argonCost{memory: 64 << 10, time: 3, threads: 2}

const (
	saltBytes     = 16
	hashBytes     = 32
	hashesAtOnce  = 2                // each takes 64 MiB
	hashQueueWait = 10 * time.Second // longer than this and the visitor is asked to come back
	longestFloor  = time.Second
	maxPassword   = 1024 // bytes; far above any passphrase
	minPassword   = 12   // characters
)

// HashPassword hashes a new password as argon2id in PHC form.
func HashPassword(password string) (string, error) {
	if n := len([]rune(password)); n < minPassword {
		return "", risk.Invalid("password", "A password needs at least %d characters; this one has %d.", minPassword, n)
	}
	if len(password) > maxPassword {
		return "", risk.Invalid("password", "A password may be %d bytes long at most.", maxPassword)
	}
	return argonShipped.hash(password), nil
}

func (a argonCost) hash(password string) string {
	salt := make([]byte, saltBytes)
	rand.Read(salt) // never fails: it ends the process instead
	key := argon2.IDKey([]byte(password), salt, a.time, a.memory, a.threads, hashBytes)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, a.memory, a.time, a.threads, b64.EncodeToString(salt), b64.EncodeToString(key))
}

// matches compares a password with a PHC string. A string that it cannot read matches nothing.
func matches(phc, password string) bool {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return false
	}
	var a argonCost
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &a.memory, &a.time, &a.threads); err != nil || a.time == 0 || a.threads == 0 || a.memory > 1<<20 || a.time > 20 {
		return false
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(want) == 0 {
		return false
	}
	got := argon2.IDKey([]byte(password), salt, a.time, a.memory, a.threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1
}

// hasher bounds how many hashes run at once and holds the hash that stands in for a user who does not exist.
type hasher struct {
	slots chan struct{}
	dummy string
	floor time.Duration // no refusal is answered sooner
	count func(dummy bool)
}

func newHasher(cost argonCost) (*hasher, error) {
	start := time.Now()
	h := &hasher{slots: make(chan struct{}, hashesAtOnce), dummy: cost.hash(rand.Text()), count: func(bool) {}}
	h.floor = min(2*time.Since(start), longestFloor) // a machine that is busy at the start is not so for ever
	if !strings.HasPrefix(h.dummy, "$argon2id$") {
		return nil, fmt.Errorf("portal: argon2id gave no PHC string")
	}
	return h, nil
}

// check reports whether the password is the user's. Without a user it does the same work and answers no.
func (h *hasher) check(ctx context.Context, phc, password string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, hashQueueWait)
	defer cancel()
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return false, fmt.Errorf("check password: %w", risk.ErrTryLater)
	}
	known := phc != ""
	if !known {
		phc = h.dummy
	}
	h.count(!known)
	return matches(phc, password) && known, nil
}
