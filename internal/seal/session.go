package seal

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// sessionFile is the shape of a source's session under its seal: the only place where the values of its cookies stand.
type sessionFile struct {
	Cookies []cookieFile `json:"cookies"`
	Refused string       `json:"refused,omitempty"`
}

type cookieFile struct {
	Host    string    `json:"host"`
	Below   bool      `json:"below,omitempty"`
	Path    string    `json:"path"`
	Name    string    `json:"name"`
	Value   string    `json:"value"`
	Expires time.Time `json:"expires,omitzero"`
	Secure  bool      `json:"secure,omitempty"`
}

// SealSession encrypts the account with which a source is read, for the database. It opens for that source only.
func (k *Keys) SealSession(sourceID int64, s risk.SourceSession) ([]byte, error) {
	file := sessionFile{Refused: s.Refused}
	for _, c := range s.Cookies {
		file.Cookies = append(file.Cookies, cookieFile{c.Host, c.Below, c.Path, c.Name, c.Value.Reveal(), c.Expires, c.Secure})
	}
	text, err := json.Marshal(file)
	if err != nil {
		return nil, fmt.Errorf("seal session of source %d: %w", sourceID, err)
	}
	return k.accounts.Seal(nil, nil, text, k.sessionOf(sourceID)), nil
}

// OpenSession is the reverse of SealSession; it fails when the bytes were changed, or another key or source made them.
func (k *Keys) OpenSession(sourceID int64, sealed []byte) (risk.SourceSession, error) {
	var s risk.SourceSession
	if len(sealed) == 0 {
		return s, nil
	}
	text, err := k.accounts.Open(nil, nil, sealed, k.sessionOf(sourceID))
	if err != nil {
		return s, fmt.Errorf("open session of source %d with key %s: %w", sourceID, k.id, err)
	}
	var file sessionFile
	if err := json.Unmarshal(text, &file); err != nil {
		return s, fmt.Errorf("open session of source %d: it is not what was sealed", sourceID)
	}
	s.Refused = file.Refused
	for _, c := range file.Cookies {
		s.Cookies = append(s.Cookies, risk.Cookie{Host: c.Host, Below: c.Below, Path: c.Path, Name: c.Name,
			Value: risk.NewSecret(risk.SecretCookieValue, c.Value), Expires: c.Expires, Secure: c.Secure})
	}
	return s, nil
}

func (k *Keys) sessionOf(sourceID int64) []byte {
	return fmt.Appendf(nil, "%s session %d", k.id, sourceID)
}
