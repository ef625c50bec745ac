// Package seal owns what keeps leaked data from leaking again: masks, keyed digests and the encryption of account
// names at rest. It is small enough to audit alone. Nothing here keeps or returns a password.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/wardline/wardline/internal/risk"
)

const keyBytes = 32

// Keys are the server's own keys: one for fingerprints, one for account names at rest. Their id stands on every row
// that they made.
type Keys struct {
	id          string
	fingerprint [keyBytes]byte
	accounts    cipher.AEAD
}

// keyFile is the file's shape; keys are base64, 32 bytes each.
type keyFile struct {
	ID          string `json:"id"`
	Fingerprint string `json:"fingerprint"`
	Account     string `json:"account"`
}

// Open reads the key file, or makes one that only its owner can read when there is none. A file that others can
// read is refused.
func Open(path string) (*Keys, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, fmt.Errorf("create key file %s: %w", path, err)
		}
	} else if err != nil {
		return nil, fmt.Errorf("open key file: %w", err)
	} else if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("key file %s is readable by others (%v): run chmod 600 on it", path, info.Mode().Perm())
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	var file keyFile
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, fmt.Errorf("key file %s is not what Wardline wrote: %w", path, err)
	}
	return file.keys()
}

// create writes a new key file so that a crash leaves either none or a whole one, and two processes agree on one.
func create(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	raw, err := json.MarshalIndent(newKeyFile(), "", "  ")
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".keys-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.Write(raw); err != nil {
		return err
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func newKeyFile() keyFile {
	random := func(n int) []byte {
		b := make([]byte, n)
		_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
		return b
	}
	return keyFile{
		ID:          "k" + hex.EncodeToString(random(4)),
		Fingerprint: base64.StdEncoding.EncodeToString(random(keyBytes)),
		Account:     base64.StdEncoding.EncodeToString(random(keyBytes)),
	}
}

func (f keyFile) keys() (*Keys, error) {
	k := &Keys{id: f.ID}
	fp, err := base64.StdEncoding.DecodeString(f.Fingerprint)
	if err != nil || len(fp) != keyBytes || f.ID == "" {
		return nil, errors.New("key file: the fingerprint key is damaged")
	}
	copy(k.fingerprint[:], fp)
	account, err := base64.StdEncoding.DecodeString(f.Account)
	if err != nil || len(account) != keyBytes {
		return nil, errors.New("key file: the account key is damaged")
	}
	block, err := aes.NewCipher(account)
	if err != nil {
		return nil, err
	}
	k.accounts, err = cipher.NewGCMWithRandomNonce(block)
	return k, err
}

// ID names the keys; it stands on every row that they made.
func (k *Keys) ID() string { return k.id }

// Fingerprint identifies an indicator by its content: the same leak seen twice, anywhere, has the same one. A secret
// only ever enters it together with its account, so that equal passwords of two people cannot be linked.
// It is hex HMAC-SHA-256 over length-prefixed parts.
func (k *Keys) Fingerprint(supplierID int64, in risk.Indicator) string {
	mac := hmac.New(sha256.New, k.fingerprint[:])
	part := func(s string) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		mac.Write(n[:])
		mac.Write([]byte(s))
	}
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], uint64(supplierID))
	mac.Write(id[:])
	part(string(in.Kind))
	switch in.Kind {
	case risk.KindCredential, risk.KindCookie, risk.KindSecretKey:
		part(strings.ToLower(in.Account))
		part(in.Host)
		if in.Account != "" || in.Kind != risk.KindCredential {
			part(in.Secret.Reveal())
		}
	default:
		part(strings.Join(strings.Fields(in.Excerpt), " "))
	}
	return hex.EncodeToString(mac.Sum(nil))
}

// SealAccount encrypts an account name for the database; an empty name gives nil.
func (k *Keys) SealAccount(account string) []byte {
	if account == "" {
		return nil
	}
	return k.accounts.Seal(nil, nil, []byte(account), []byte(k.id))
}

// OpenAccount is the reverse of SealAccount; it fails when the bytes were changed or another key made them.
func (k *Keys) OpenAccount(sealed []byte) (string, error) {
	if len(sealed) == 0 {
		return "", nil
	}
	plain, err := k.accounts.Open(nil, nil, sealed, []byte(k.id))
	if err != nil {
		return "", fmt.Errorf("open account with key %s: %w", k.id, err)
	}
	return string(plain), nil
}
