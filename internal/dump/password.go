package dump

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Leaks travel in archives with a password that everybody is told: by the channel, by the name of the file, by the
// comment of the archive, or by a text file beside it. What is found so is tried before the operator's list, since it is
// meant for this archive.

const (
	maxHints     = 64       // passwords taken from what lies about
	maxHintFiles = 16       // text files looked into
	maxHintBytes = 64 << 10 // of each
	maxHint      = 128      // bytes of a password
)

var (
	errNoPassword = errors.New("it is encrypted; no password fits")
	errTooManyTry = errors.New("it is encrypted; no password was found before as many as this file may cost were tried")
)

// maxPasswords is how many an operator's file may hold.
const maxPasswords = 100_000

// ReadPasswords reads a file with one password a line; path "" is a file with none.
func ReadPasswords(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read passwords: %w", err)
	}
	var passwords []string
	for line := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			passwords = append(passwords, line)
		}
	}
	if len(passwords) > maxPasswords {
		return nil, fmt.Errorf("read passwords: %s holds more than %d", path, maxPasswords)
	}
	return passwords, nil
}

// keyring holds the passwords for one file, and how much trying them may still cost.
type keyring struct {
	ctx    context.Context
	given  []string
	hints  []string
	last   string // what opened the entry before; "" = none yet
	rounds int64  // of key derivation that wrong guesses may still take
	beside func() []string
}

func newKeyring(ctx context.Context, o Options, path string, beside func() []string) *keyring {
	k := &keyring{ctx: ctx, given: o.Passwords, rounds: int64(o.MaxRounds), beside: beside}
	k.hint(filepath.Base(path))
	return k
}

// hint takes the passwords that a name, a comment or the text of a file gives away.
func (k *keyring) hint(text string) {
	for _, p := range passwordsIn(text) {
		if len(k.hints) < maxHints && !slices.Contains(k.hints, p) {
			k.hints = append(k.hints, p)
		}
	}
}

// open tries passwords until one fits, the one that opened the last entry first. rounds is what one try costs.
func (k *keyring) open(rounds int64, fits func(password string) bool) error {
	if err := k.ctx.Err(); err != nil {
		return stop{err}
	}
	if k.last != "" && fits(k.last) {
		return nil
	}
	if k.beside != nil {
		for _, text := range k.beside() {
			k.hint(text)
		}
		k.beside = nil
	}
	for _, list := range [][]string{k.hints, k.given} {
		for _, p := range list {
			if p == k.last {
				continue
			}
			if err := k.ctx.Err(); err != nil { // each may take a good part of a second
				return stop{err}
			}
			if k.rounds -= rounds; k.rounds < 0 {
				return errTooManyTry
			}
			if fits(p) {
				k.rounds += rounds
				k.last = p
				return nil
			}
		}
	}
	if k.last != "" {
		k.rounds -= rounds
	}
	return errNoPassword
}

// spend charges for work done to find out whether a password fits.
func (k *keyring) spend(rounds int64) { k.rounds -= rounds }

var (
	namedPassword = regexp.MustCompile(`(?i)(?:^|[^\pL\pN])(?:passwords?|passwort|passwd|passw|pass|pswd|pwd|pw|пароль|contraseña|senha|密码)[ \t]*(?:is[ \t]+|[:=：][ \t]*|[-–>]+[ \t]*)([^\r\n]{1,200})`)
	namedInName   = regexp.MustCompile(`(?i)(?:^|[^\pL\pN])(?:password|passwd|pass|pwd|pw)[ ]*[:=：_\- ][ ]*([^\[\](){}\s]{1,128})`)
)

// passwordsIn finds "pass: …" in a text, and each form that what follows may be meant in: to the end of the line, to the
// next space, without quotes or brackets.
func passwordsIn(text string) []string {
	var found []string
	add := func(p string) {
		p = strings.TrimFunc(p, unicode.IsSpace)
		if p != "" && len(p) <= maxHint && utf8.ValidString(p) && !slices.Contains(found, p) {
			found = append(found, p)
		}
	}
	for _, m := range namedPassword.FindAllStringSubmatch(text, maxHints) {
		rest := strings.TrimSpace(m[1])
		word, _, _ := strings.Cut(rest, " ")
		add(rest)
		add(word)
		add(strings.Trim(word, "\"'`«»“”„<>[](){}*"))
		if i := strings.IndexAny(word, "])}"); i > 0 {
			add(word[:i])
		}
	}
	if !strings.ContainsAny(text, "\r\n") {
		for _, m := range namedInName.FindAllStringSubmatch(text, maxHints) {
			add(m[1])
			for ext := filepath.Ext(m[1]); ext != "" && len(ext) < len(m[1]); ext = filepath.Ext(m[1]) {
				m[1] = strings.TrimSuffix(m[1], ext)
				add(m[1])
			}
		}
	}
	return found
}

var tellsPassword = regexp.MustCompile(`(?i)(^|[^\pL])(pass|passw|password|passwd|passwort|pwd|pw|пароль|read[ _-]?me|readme|info|note|how[ _-]?to|!+)`)

// mayTellPassword reports a name of a small text file that people put a password into.
func mayTellPassword(name string) bool {
	base := filepath.Base(filepath.ToSlash(name))
	switch strings.ToLower(filepath.Ext(base)) {
	case ".txt", ".md", ".nfo", ".diz", ".url", "":
		return tellsPassword.MatchString(base)
	}
	return false
}

// wholePassword is the text of a file that holds nothing but a password.
func wholePassword(name, text string) string {
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	if !strings.Contains(strings.ToLower(filepath.Base(name)), "pass") || strings.ContainsAny(text, "\r\n") || len(text) > maxHint {
		return ""
	}
	return text
}

// hintFile takes what a text file gives away.
func (k *keyring) hintFile(name, text string) {
	if p := wholePassword(name, text); p != "" && len(k.hints) < maxHints && !slices.Contains(k.hints, p) {
		k.hints = append(k.hints, p)
	}
	k.hint(text)
}

// besideFolder gives the texts in a folder that may name a password: as lines that hint understands.
func besideFolder(folder string) []string {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil
	}
	var texts []string
	for _, e := range entries {
		if !e.Type().IsRegular() || !mayTellPassword(e.Name()) || len(texts) == maxHintFiles {
			continue
		}
		text, ok := readHint(filepath.Join(folder, e.Name()))
		if !ok {
			continue
		}
		if p := wholePassword(e.Name(), text); p != "" {
			text = "password: " + p
		}
		texts = append(texts, text)
	}
	return texts
}

func readHint(path string) (string, bool) {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxHintBytes {
		return "", false
	}
	f, err := os.Open(path)
	if err != nil {
		return "", false
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxHintBytes))
	return string(text), err == nil
}

// hintReader keeps the beginning of a text that may name a password, as it is read.
type hintReader struct {
	r    io.Reader
	text []byte
}

func (h *hintReader) Read(b []byte) (int, error) {
	n, err := h.r.Read(b)
	h.text = append(h.text, b[:min(n, maxHintBytes-len(h.text))]...)
	return n, err
}

const (
	wholeProbe = 64 << 10 // of what is unpacked with a password that nothing else speaks for
	quickProbe = 1 << 10  // with one that opened other entries
	maxProbe   = 16 << 20 // of an entry that does not look like anything, for its checksum
)

// plausible reads the beginning of what a password opened. A wrong one shows by packed bytes that make no sense, by the
// checksum of an entry that is short, or by what is neither text nor anything known.
func (k *keyring) plausible(r io.Reader, probe int) bool {
	head := make([]byte, probe)
	n, err := io.ReadFull(r, head)
	k.spend(int64(n) / 64)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF) && readsEOF(r):
		return true
	case err != nil:
		return false
	case looksMeant(head):
		return true
	}
	more, err := io.Copy(io.Discard, io.LimitReader(r, maxProbe))
	k.spend(more / 64)
	return err == nil && more < maxProbe
}

// readsEOF tells the end of a document from one that broke off.
func readsEOF(r io.Reader) bool {
	n, err := r.Read(make([]byte, 1))
	return n == 0 && errors.Is(err, io.EOF)
}

// looksMeant reports bytes that a key which is wrong does not bring about: a known format, or mostly text.
func looksMeant(head []byte) bool {
	if sniff(head) != plain {
		return true
	}
	odd := 0
	for _, b := range head {
		if b < ' ' && b != '\t' && b != '\n' && b != '\r' || b == 0x7f {
			odd++
		}
	}
	wide := bytes.Count(head, []byte{0}) // UTF-16
	return odd-wide < len(head)/32 && (wide == 0 || wide > len(head)/4)
}

// folderHints keeps what the texts of one folder say, since many archives lie in one.
type folderHints struct {
	folder string
	texts  []string
}

func (h *folderHints) of(folder string) []string {
	if h.folder != folder {
		h.folder, h.texts = folder, besideFolder(folder)
	}
	return h.texts
}
