package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/pipeline"
	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/seal"
)

// blockPrinter looks at one block after the other, and prints what each gives.
type blockPrinter struct {
	scanOptions
	scanner *match.Scanner
	out     io.Writer
	bar     *scanBar
	total   scanTotals
}

func (p *blockPrinter) block(b risk.Block, res *scanResult) { p.lookAt(p.scanner, b, res) }

func (p *blockPrinter) print(res *scanResult) error {
	p.total.add(res.total)
	if res.text.Len() == 0 {
		return nil
	}
	return p.bar.aside(func() error {
		if _, err := p.out.Write(res.text.Bytes()); err != nil {
			return &outputError{err}
		}
		return nil
	})
}

// scanLineJSON is the stable form of one indicator; others script against it.
type scanLineJSON struct {
	Path     string             `json:"path"`
	Entry    string             `json:"entry"`
	Line     int                `json:"line"`
	Offset   int64              `json:"offset"`
	Kind     risk.IndicatorKind `json:"kind"`
	Supplier string             `json:"supplier"`
	Term     string             `json:"term"`
	Match    risk.MatchKind     `json:"match"`
	Class    risk.Class         `json:"class"`
	URL      string             `json:"url"`
	Account  string             `json:"account"`
	Secret   *scanSecretJSON    `json:"secret"`

	UsableUntil *time.Time     `json:"usable_until,omitempty"` // of a cookie
	Facts       []scanFactJSON `json:"facts,omitempty"`
}

// scanFactJSON is a fact of the machine that a stealer log was taken from.
type scanFactJSON struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// facts gives all facts as they stand when they may be revealed, and else what the portal would show of them.
func (r scanOptions) facts(i risk.Indicator) (out []scanFactJSON) {
	all := i.Facts
	if !r.reveal {
		all = pipeline.ShownFacts(i)
	}
	for _, f := range all {
		out = append(out, scanFactJSON{f.Name, f.Value})
	}
	return out
}

type scanSecretJSON struct {
	Kind       risk.SecretKind `json:"kind"`
	LengthBand string          `json:"length_band"`
	Value      string          `json:"value,omitempty"`
}

func (r scanOptions) writeJSON(w *bytes.Buffer, i risk.Indicator) {
	line := scanLineJSON{
		Path: i.Place.Path, Entry: i.Place.Entry, Line: i.Place.Line, Offset: i.Place.Offset, Kind: i.Kind, Supplier: i.Term.Supplier,
		Term: i.Term.Value, Match: i.Match, Class: i.Class, URL: r.url(i.URL), Account: r.account(i), UsableUntil: risk.Known(i.UsableUntil), Facts: r.facts(i),
	}
	if !i.Secret.Empty() {
		line.Secret = &scanSecretJSON{Kind: i.Secret.Kind(), LengthBand: i.Secret.LengthBand()}
		if r.reveal {
			line.Secret.Value = i.Secret.Reveal()
		}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(line); err != nil { // strings and numbers always encode, and a buffer takes all
		panic(err)
	}
}

func (r scanOptions) writeText(w *bytes.Buffer, i risk.Indicator) {
	fmt.Fprintf(w, "%s:%d: %s: ", shown(joinEntry(i.Place.Path, i.Place.Entry)), i.Place.Line, shown(i.Term.Supplier))
	if i.Class != risk.ClassNone {
		fmt.Fprintf(w, "%s ", strings.ReplaceAll(string(i.Class), "_", " "))
	}
	w.WriteString(strings.ReplaceAll(string(i.Kind), "_", " "))
	if i.Account != "" {
		fmt.Fprintf(w, " %s", shown(r.account(i)))
	}
	if i.URL != "" {
		fmt.Fprintf(w, " at %s", shown(r.url(i.URL)))
	}
	if !i.Secret.Empty() {
		fmt.Fprintf(w, ", secret %s of %s characters", i.Secret.Kind(), i.Secret.LengthBand())
		if r.reveal {
			fmt.Fprintf(w, ": %s", shown(i.Secret.Reveal()))
		}
	}
	fmt.Fprintf(w, " (%s %s)\n", i.Match, shown(i.Term.Value))
}

func (r scanOptions) account(i risk.Indicator) string {
	if r.reveal {
		return i.Account
	}
	known := i.Term.Value
	if i.Term.Kind == risk.TermAccount {
		known = known[strings.LastIndexByte(known, '@')+1:]
	}
	return seal.Mask(i.Account, known)
}

// url leaves out what an address says of a login: the part before '@', the query and the fragment.
func (r scanOptions) url(u string) string {
	if r.reveal {
		return u
	}
	u, _, _ = strings.Cut(u, "#")
	u, _, _ = strings.Cut(u, "?")
	scheme, rest, ok := strings.Cut(u, "://")
	if !ok {
		return u
	}
	authority, path, slash := strings.Cut(rest, "/")
	authority = authority[strings.LastIndexByte(authority, '@')+1:]
	if slash {
		path = "/" + path
	}
	return scheme + "://" + authority + path
}

func joinEntry(path, entry string) string {
	if entry == "" {
		return path
	}
	return path + ":" + entry
}

// shown makes text from a hostile file fit for a terminal: what would move the cursor, change direction or hide is
// written out.
func shown(s string) string {
	if strings.IndexFunc(s, hidden) < 0 {
		return s
	}
	var b strings.Builder
	for _, c := range s {
		if hidden(c) {
			fmt.Fprintf(&b, "\\u{%x}", c)
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

func hidden(r rune) bool { return !unicode.IsPrint(r) }
