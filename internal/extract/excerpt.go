package extract

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

// mention is a hit in text.
type mention struct {
	hit      match.Hit
	supplier supplierKey
	claim    bool
	cell     span // of a table, that the hit stands in
}

// note keeps one mention for each supplier, in the block or in the line: the first, but rather a claim than a mention,
// and rather the name itself than its like.
func (r *reader) note(h match.Hit) {
	m := mention{hit: h, supplier: r.supplierOf(h.Term)}
	m.claim = r.block.Source == risk.SourceLeakSite && h.Start < r.head && h.Kind != risk.MatchLookalike
	if c, ok := r.cellAt(h.Start); ok {
		m.cell = c.span
	}
	from := 0
	if r.block.Lines {
		line, _ := r.lineAround(h.Start)
		from = line.start
	}
	for i := len(r.mentions) - 1; i >= 0 && r.mentions[i].hit.Start >= from; i-- {
		old := r.mentions[i]
		if old.supplier != m.supplier {
			continue
		}
		if rank(m) > rank(old) {
			r.mentions[i] = m
		}
		return
	}
	r.mentions = append(r.mentions, m)
}

func rank(m mention) int {
	switch {
	case m.claim:
		return 2
	case m.hit.Kind != risk.MatchLookalike:
		return 1
	}
	return 0
}

func (r *reader) mention(m mention) risk.Indicator {
	kind := risk.KindMention
	if m.claim {
		kind = risk.KindVictimClaim
	}
	in := risk.Indicator{
		Kind: kind, Format: risk.FormatText, Term: r.scanner.Term(m.hit.Term), Match: m.hit.Kind,
		Place: r.place(m.hit.Start), Posted: r.block.Posted,
	}
	if !r.block.Lines {
		in.Excerpt = r.excerpt(m)
	}
	return in
}

// headEnd is where the head of an entry ends: its title, where the text begins with it, and the first line below.
func headEnd(b risk.Block) int {
	at := 0
	if b.Title != "" && bytes.HasPrefix(b.Data, []byte(b.Title+"\n")) {
		at = len(b.Title) + 1
	}
	for at < len(b.Data) && (b.Data[at] == '\n' || isBlank(b.Data[at])) {
		at++
	}
	if i := bytes.IndexByte(b.Data[at:], '\n'); i >= 0 {
		return at + i
	}
	return len(b.Data)
}

const (
	removed    = "[removed]"
	maxExcerpt = 400 // runes
	nearHit    = 300 // bytes kept on either side of a hit in a long line
)

// excerpt is the line of a hit with its neighbours, without what must not be kept: passwords, e-mail addresses, and
// whatever names other organisations. In a dump the neighbours are other people's lines, and are left out; in a table
// so are the other cells.
func (r *reader) excerpt(m mention) string {
	h := m.hit
	if !m.cell.empty() {
		return cut(r.redact(r.wordsAround(h, m.cell)))
	}
	line, whole := r.lineAround(h.Start)
	if !whole || line.end-line.start > 2*nearHit {
		return cut(r.redact(r.wordsAround(h, line)))
	}
	lines := []string{r.redact(line)}
	if r.block.Source != risk.SourceDrop {
		if above, ok := r.before(line); ok && above.end-above.start <= 2*nearHit {
			lines = append([]string{r.redact(above)}, lines...)
		}
		if below, ok := r.after(line); ok && below.end-below.start <= 2*nearHit {
			lines = append(lines, r.redact(below))
		}
	}
	return cut(strings.TrimSpace(strings.Join(lines, "\n")))
}

// wordsAround is the part of a long line around a hit, in whole words.
func (r *reader) wordsAround(h match.Hit, line span) span {
	s := span{max(line.start, h.Start-nearHit), min(line.end, h.End+nearHit)}
	if i := bytes.IndexByte(r.data[s.start:h.Start], ' '); s.start > line.start && i >= 0 {
		s.start += i + 1
	} else if s.start > line.start {
		s.start = h.Start
	}
	if i := bytes.LastIndexByte(r.data[h.End:max(h.End, s.end)], ' '); s.end < line.end && i >= 0 {
		s.end = h.End + i
	} else if s.end < line.end {
		s.end = h.End
	}
	return s
}

func cut(s string) string {
	if utf8.RuneCountInString(s) <= maxExcerpt {
		return s
	}
	runes := []rune(s)
	return strings.TrimRight(string(runes[:maxExcerpt-1]), " \n") + "…"
}

// redact gives a line's text word by word. Where it must choose it removes: an excerpt is there to be judged, and
// whoever may see more has the source.
func (r *reader) redact(line span) string {
	if r.isRecord(line) {
		return removed
	}
	var out []string
	words := strings.Fields(clean(line.of(r.data)))
	for i := 0; i < len(words); i++ {
		if prefix, secret := afterSecretLabel(words, i); secret {
			out = append(out, prefix, removed)
			break
		}
		w := r.redactWord(words[i])
		if w == removed && len(out) > 0 && out[len(out)-1] == removed {
			continue
		}
		out = append(out, w)
	}
	return strings.Join(out, " ")
}

func (r *reader) isRecord(line span) bool {
	if _, known, _ := r.parseCookie(line); known {
		return true
	}
	if l := r.readLabel(line).name.label; l == labelLogin || l == labelPassword {
		return true
	}
	f, ok := r.fieldsOf(line)
	return ok && (!f.weak || r.trusted(f, line))
}

// secretLabels announce what is not to be kept; the rest of the line goes with it, since passwords hold blanks.
var secretLabels = map[string]bool{
	"password": true, "passwords": true, "passwd": true, "pass": true, "pwd": true, "pw": true, "passcode": true, "pin": true,
	"secret": true, "token": true, "key": true, "apikey": true, "api_key": true, "cookie": true, "session": true,
	"login": true, "user": true, "username": true, "creds": true, "credentials": true,
	"ssn": true, "mrn": true, "dob": true, "patient": true,
}

// afterSecretLabel says whether the rest of a line, from word i on, is announced as a secret, and what to keep of it.
func afterSecretLabel(words []string, i int) (keep string, secret bool) {
	w := words[i]
	if at := strings.IndexAny(w, ":="); at > 0 {
		name := strings.ToLower(strings.Trim(w[:at], `"'([{<*-`))
		return w[:at+1], secretLabels[name] && (at+1 < len(w) || i+1 < len(words))
	}
	if i+2 >= len(words) || !secretLabels[strings.ToLower(strings.Trim(w, `"'([{<*`))] {
		return "", false
	}
	next := words[i+1]
	return w + " " + next, next == "is" || next == ":" || next == "=" || next == "-" || next == "->"
}

const around = ".,;:!?()[]{}<>\"'`*“”‘’«»"

func (r *reader) redactWord(word string) string {
	core := strings.Trim(word, around)
	if core == "" {
		return word
	}
	b := []byte(core)
	if u, ok := readURL(b, span{0, len(b)}); ok && (u.scheme || u.end == len(b)) {
		return r.redactURL(word, core, u)
	}
	if strings.Contains(core, "@") || isLongNumber(core) || isRow(core) || len(core) >= 32 {
		return removed
	}
	for part := range strings.FieldsFuncSeq(core, func(c rune) bool { return strings.ContainsRune(`,;:|/\()[]{}<>"'=`, c) }) {
		if looksRandom([]byte(part)) || isHostName([]byte(part)) && !r.watches(part) {
			return removed
		}
	}
	return word
}

// watches says that a host is one that is watched; its like is somebody else's.
func (r *reader) watches(host string) bool {
	_, _, ok := r.scanner.FindHost([]byte(host))
	return ok
}

// isRow tells a row of a table, whose columns may hold anything, from a word and from a number such as 1,234,567.
func isRow(s string) bool {
	if strings.Contains(s, "','") || strings.Contains(s, `","`) {
		return true
	}
	seps := strings.Count(s, ",") + strings.Count(s, ";") + strings.Count(s, "|")
	return seps >= 2 && strings.Trim(s, "0123456789,.$€%+") != ""
}

// redactURL keeps a watched host, and its path while that is made of words.
func (r *reader) redactURL(word, core string, u urlSpan) string {
	host := core[u.host.start:u.host.end]
	if !r.watches(host) {
		return removed
	}
	if u.end == len(core) && !strings.Contains(core, "@") && strings.Trim(strings.ToLower(core[u.host.end:]), "abcdefghijklmnopqrstuvwxyz/-_.") == "" {
		return word
	}
	return host + "/" + removed
}

// isLongNumber tells numbers of telephones, cards and people from counts and prices.
func isLongNumber(s string) bool {
	digits := 0
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c == ',' || c == '$' || c == '€' || c == '%':
			return false
		}
	}
	return digits >= 9
}
