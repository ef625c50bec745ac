package portal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/gin-gonic/gin"

	"github.com/wardline/wardline/internal/risk"
)

const (
	sessionLife = 8 * time.Hour    // absolute
	sessionIdle = 15 * time.Minute // in the demo: sessionLife
	// A session's last use is written down at most this often, so that reading pages does not write to the database.
	sessionGrain = time.Minute

	keyUser  = "user"  // id
	keyProof = "proof" // digest of the password hash at sign-in: a changed password ends the session
	keySeen  = "seen"  // Unix seconds of the last use
	keyFlash = "flash"
)

func (p *portal) newSessions() *scs.SessionManager {
	m := scs.New()
	m.Store = sessionStore{Sessions: p.Store, now: p.Now}
	m.Lifetime = sessionLife
	m.Cookie.Name = "wardline_session"
	if p.Secure {
		m.Cookie.Name = "__Host-wardline"
	}
	m.Cookie.Secure = p.Secure
	m.Cookie.HttpOnly = true
	m.Cookie.SameSite = http.SameSiteStrictMode
	m.Cookie.Path = "/"
	m.Cookie.Persist = false
	m.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		p.Log.Error("session failed", "error", err)
		p.plainError(w, r, http.StatusServiceUnavailable, "Try again soon", "Wardline cannot reach its database. Try again in a minute.")
	}
	return m
}

// sessionStore keeps scs sessions by the digest of their token: who reads the database cannot sign in with it.
type sessionStore struct {
	Sessions
	now func() time.Time
}

func digestOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func (s sessionStore) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	found, err := s.FindSession(ctx, digestOf(token))
	if errors.Is(err, risk.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("find session: %w", err)
	}
	if !s.now().Before(found.Expires) {
		return nil, false, nil
	}
	return found.Data, true, nil
}

func (s sessionStore) CommitCtx(ctx context.Context, token string, data []byte, expires time.Time) error {
	return s.SaveSession(ctx, risk.Session{Digest: digestOf(token), Data: data, Expires: expires})
}

func (s sessionStore) DeleteCtx(ctx context.Context, token string) error {
	err := s.DeleteSession(ctx, digestOf(token))
	if errors.Is(err, risk.ErrNotFound) {
		return nil
	}
	return err
}

// The forms without a context are part of scs's interface; scs calls the ones above when they exist.
func (s sessionStore) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

func (s sessionStore) Commit(token string, data []byte, expires time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expires)
}

func (s sessionStore) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

const userKey = "user"

// identify reads who asks. A session whose user is gone, disabled, has a new password or stayed away too long is ended.
func (p *portal) identify(c *gin.Context) error {
	if needsNoSession(c.Request.URL.Path) {
		return nil
	}
	if isAPI(c.Request.URL.Path) {
		return p.identifyToken(c)
	}
	ctx := c.Request.Context()
	id := p.sessions.GetInt64(ctx, keyUser)
	if id == 0 {
		return nil
	}
	user, err := p.Store.FindUser(ctx, id)
	if err != nil && !errors.Is(err, risk.ErrNotFound) {
		return fmt.Errorf("find user %d of session: %w", id, err)
	}
	now := p.Now()
	seen := time.Unix(p.sessions.GetInt64(ctx, keySeen), 0)
	if err != nil || user.Disabled || p.sessions.GetString(ctx, keyProof) != digestOf(user.PasswordHash) || now.Sub(seen) > p.idle() {
		if err := p.sessions.Destroy(ctx); err != nil {
			return fmt.Errorf("end session: %w", err)
		}
		return nil
	}
	if now.Sub(seen) >= sessionGrain {
		p.sessions.Put(ctx, keySeen, now.Unix())
	}
	c.Set(userKey, user)
	if rec, ok := ctx.Value(recordKey{}).(*record); ok {
		rec.userID = user.ID
	}
	return nil
}

func (p *portal) idle() time.Duration {
	if p.Demo {
		return sessionLife
	}
	return sessionIdle
}

// begin signs a user in under a token that nobody has seen before.
func (p *portal) begin(ctx context.Context, u risk.User) error {
	if err := p.sessions.RenewToken(ctx); err != nil {
		return fmt.Errorf("renew session: %w", err)
	}
	now := p.Now()
	p.sessions.Put(ctx, keyUser, u.ID)
	p.sessions.Put(ctx, keyProof, digestOf(u.PasswordHash))
	p.sessions.Put(ctx, keySeen, now.Unix())
	p.sessions.SetDeadline(ctx, now.Add(sessionLife))
	if err := p.Store.TouchSignIn(ctx, u.ID, now); err != nil {
		return fmt.Errorf("note sign-in of user %d: %w", u.ID, err)
	}
	return nil
}

func currentUser(c *gin.Context) risk.User {
	u, _ := c.Get(userKey)
	user, _ := u.(risk.User)
	return user
}

func actor(c *gin.Context) risk.Actor {
	if t, ok := c.Get(tokenKey); ok {
		a, _ := t.(risk.Actor)
		return a
	}
	u := currentUser(c)
	return risk.Actor{UserID: u.ID, Name: u.Name, Role: u.Role}
}

// flash is one sentence for the next page, with what would undo the change that it tells of.
type flash struct {
	Say  string
	Bad  bool
	Undo string  // what /inbox/bulk is to do with IDs; "" = cannot be undone here
	IDs  []int64 `json:",omitempty"`
}

func (p *portal) say(c *gin.Context, f flash) {
	text, err := json.Marshal(f)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	p.sessions.Put(c.Request.Context(), keyFlash, string(text))
}

func (p *portal) takeFlash(ctx context.Context) *flash {
	text := p.sessions.PopString(ctx, keyFlash)
	if text == "" {
		return nil
	}
	var f flash
	if json.Unmarshal([]byte(text), &f) != nil {
		return nil
	}
	return &f
}
