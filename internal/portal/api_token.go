package portal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wardline/wardline/internal/risk"
)

const (
	tokenPrefix = "wl_" // lets scanners for leaked secrets know one
	tokenDigits = 43    // base 62, for 256 bits
	tokenMinute = 120   // requests that a token may make in a minute
	// A token's last use is written down at most this often.
	tokenGrain = time.Minute
	tokenKey   = "token"
)

// NewToken makes a token's text, which is shown once, and the digest that is kept of it.
func NewToken() (text, digest string) {
	var bits [32]byte
	_, _ = rand.Read(bits[:]) // never fails: the program ends first
	number := new(big.Int).SetBytes(bits[:]).Text(62)
	text = tokenPrefix + strings.Repeat("0", tokenDigits-len(number)) + number
	return text, digestOf(text)
}

// bearer is the token that a request carries. Cookies and addresses are not looked at.
func bearer(r *http.Request) (text string, ok bool) {
	given := r.Header.Values("Authorization")
	if len(given) != 1 {
		return "", false
	}
	scheme, text, _ := strings.Cut(given[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || !strings.HasPrefix(text, tokenPrefix) || len(text) != len(tokenPrefix)+tokenDigits {
		return "", false
	}
	return text, true
}

// identifyToken reads which program asks. A token that is unknown, expired or revoked is as good as none.
func (p *portal) identifyToken(c *gin.Context) error {
	text, ok := bearer(c.Request)
	if !ok {
		return nil
	}
	ctx, now := c.Request.Context(), p.Now()
	token, err := p.Store.FindToken(ctx, digestOf(text))
	if errors.Is(err, risk.ErrNotFound) || (err == nil && !token.Live(now)) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find token of a request: %w", err)
	}
	if rec, ok := ctx.Value(recordKey{}).(*record); ok {
		rec.tokenID = token.ID
	}
	if wait := p.perToken.take(token.ID, now); wait > 0 {
		c.Header("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
		return errTooMany
	}
	if now.Sub(token.LastUsed) >= tokenGrain {
		if err := p.Store.TouchToken(ctx, token.ID, now); err != nil {
			return fmt.Errorf("note use of token %d: %w", token.ID, err)
		}
	}
	c.Set(tokenKey, token.Actor())
	return nil
}

// allowance counts requests by token in the running minute.
type allowance struct {
	most   int
	mu     sync.Mutex
	minute time.Time
	used   map[int64]int
}

func newAllowance(most int) *allowance { return &allowance{most: most} }

// take counts one request; when there are none left it says how long to wait.
func (a *allowance) take(id int64, now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if minute := now.Truncate(time.Minute); !minute.Equal(a.minute) {
		a.minute, a.used = minute, map[int64]int{}
	}
	if a.used[id] >= a.most {
		return a.minute.Add(time.Minute).Sub(now)
	}
	a.used[id]++
	return 0
}
