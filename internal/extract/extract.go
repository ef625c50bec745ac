// Package extract owns the reading of what lies around a hit: a credential, a session cookie, or a few lines of text
// that mention a supplier. It is pure, and reads nothing but the record that a hit stands in: a line of a list, a
// label block of a stealer log, a stretch of text.
package extract

import (
	"bytes"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

// Indicators reads the record around every hit that starts in the block's body and calls visit for what it says: one
// credential or cookie for each record and supplier, one mention or claim for each block and supplier. hits are those
// of the whole of b.Data, in order of Start, as Scan gives them.
func Indicators(s *match.Scanner, b risk.Block, hits []match.Hit, visit func(risk.Indicator)) {
	r := newReader(s, b, visit)
	r.readHits(hits)
	for _, m := range r.mentions {
		visit(r.mention(m))
	}
}

// reader reads one block.
type reader struct {
	scanner  *match.Scanner
	block    risk.Block
	data     []byte
	head     int // title and first line end here
	visit    func(risk.Indicator)
	lines    lineCounter
	mentions []mention
	plain    span // the last line that was found to hold no record
	tables
	effort      int // left for looking around hits
	labelled    []labelled
	labelsEnd   int // of the label record that was read last
	factScratch []risk.Fact
	begins      label            // what firstLabel found
	interned    [64]internedText // values that come again
	machine     []risk.Fact      // of the block
	terms       [16]keptTerm
	concerned   []party // of the record at hand
	ours        kept    // facts of the last record
	labelCache  [64]cachedLabel
	hosts       [16]internedText // as they are given out
	texts       texts
}

func newReader(s *match.Scanner, b risk.Block, visit func(risk.Indicator)) *reader {
	return &reader{
		scanner: s, block: b, data: b.Data, visit: visit, head: headEnd(b), lines: lineCounter{line: max(b.Place.Line, 1)},
		effort: effortFor(b), begins: notLooked, labelsEnd: -1, machine: machineFacts(b),
	}
}

// span is a stretch of the block's bytes.
type span struct{ start, end int }

func (s span) empty() bool         { return s.start >= s.end }
func (s span) has(at int) bool     { return s.start <= at && at < s.end }
func (s span) of(b []byte) []byte  { return b[s.start:s.end] }
func (r *reader) body(at int) bool { return span{r.block.Lead, len(r.data) - r.block.Trail}.has(at) }

// record is what a line or label block says.
type record struct {
	kind             risk.IndicatorKind // credential or cookie
	format           risk.Format
	whole            span
	url, host, login span
	realm            span   // the domain of a login that does not stand before or behind it
	account          string // the login, where it is not written as one
	address          string // the url, where it is written with escapes
	secret           risk.Secret
	facts            []risk.Fact
	usableUntil      time.Time
	apart            bool // its fields stand apart, so that the hits tell all that is watched in them
}

func (r *reader) readHits(hits []match.Hit) {
	// What the block in front reads of a line that its border cuts is read here as well, and not reported again.
	line, _ := r.lineAround(r.block.Lead)
	relevant := span{line.start, len(r.data) - r.block.Trail}
	var rec record
	for i := 0; i < len(hits); {
		if !relevant.has(hits[i].Start) {
			i++
			continue
		}
		line, whole := r.lineAround(hits[i].Start)
		if whole {
			if end := r.readEscaped(line, hits[i]); end > 0 {
				for i < len(hits) && hits[i].Start < end {
					i++
				}
				continue
			}
		}
		if !r.recordAt(line, whole, hits[i], &rec) {
			if r.body(hits[i].Start) {
				r.note(hits[i])
			}
			i++
			continue
		}
		// A record may begin before the body and end after it.
		from, to := i, i+1
		for from > 0 && hits[from-1].Start >= rec.whole.start {
			from--
		}
		for to < len(hits) && hits[to].Start < rec.whole.end {
			to++
		}
		r.emit(&rec, hits[from:to])
		i = to
	}
}

// recordAt finds the record that a hit stands in, on a line that is known whole or not; without one the hit stands in
// text.
func (r *reader) recordAt(line span, whole bool, h match.Hit, rec *record) (ok bool) {
	r.row = row{}
	if !whole || firstQuote(line.of(r.data)) < line.end-line.start {
		var known bool
		if *rec, known, ok = r.readJSONCookie(h); known {
			return ok
		}
		if *rec, ok = r.readQuoted(h); ok {
			return true
		}
		if whole && r.row.whole.empty() {
			if *rec, ok = r.readAssignments(line, h); ok {
				return true
			}
		}
	}
	if r.plain.has(h.Start) {
		*rec, ok = r.readToken(h)
		return ok
	}
	if whole {
		if known, ok := r.recordIn(line, h, rec); known {
			return ok
		}
	} else if *rec, ok = r.readLongRow(h.Start); ok {
		return true
	}
	r.plain = line
	*rec, ok = r.readToken(h)
	return ok
}

// recordIn reads a line as what lines are. A line that is known for something may hold no record all the same.
func (r *reader) recordIn(line span, h match.Hit, rec *record) (known, ok bool) {
	l := r.readLabel(line)
	if r.readLabels(rec, line, l) {
		return true, true
	}
	if l.name.label == noLabel {
		if *rec, known, ok = r.readCookie(line); known {
			return true, ok
		}
	}
	if *rec, ok = r.readAutofill(line, h); ok {
		return true, true
	}
	if *rec, known, ok = r.readTable(line); known || ok {
		return true, ok
	}
	*rec, ok = r.readLine(line)
	return ok, ok
}

// readQuoted reads the object or row of a hit in a string in quotes.
func (r *reader) readQuoted(h match.Hit) (record, bool) {
	quote, next := r.afterString(h)
	if quote != 0 && next != ')' {
		if rec, ok := r.readObject(h); ok {
			return rec, true
		}
	}
	if r.row.whole.empty() && (next == ',' || next == ')') {
		return r.readInsert(h)
	}
	return record{}, false
}

// afterString gives the end of the string that a hit seems to stand in and the sign after it, 0 when it stands in none.
func (r *reader) afterString(h match.Hit) (quote, next byte) {
	rest := r.data[h.End:min(len(r.data), h.End+maxValue)]
	line, _, _ := bytes.Cut(rest, newline) // what comes after the quote may stand on the next
	for at := firstQuote(line); at < len(line); at++ {
		c := line[at]
		if c != '"' && c != '\'' {
			continue
		}
		if i := skipSpace(rest, at+1); i < len(rest) && bytes.IndexByte([]byte(",)}]"), rest[i]) >= 0 {
			return c, rest[i]
		}
	}
	return 0, 0
}

// firstQuote is where the first quote stands, the length of b when there is none.
func firstQuote(b []byte) int {
	at := len(b)
	for _, quote := range []byte{'"', '\''} {
		if i := bytes.IndexByte(b[:at], quote); i >= 0 {
			at = i
		}
	}
	return at
}

// maxValue is how far behind a hit the end of an account or address is looked for.
const maxValue = 256

// party is a supplier that a record concerns.
type party struct {
	supplier supplierKey
	first    int // where its first hit stands: the block that holds it reports the record
	account  met
	host     met
}

// met is a hit that a party may have.
type met struct {
	match.Hit
	found bool
}

type supplierKey struct {
	id   int64
	name string
}

func (r *reader) supplierOf(term int) supplierKey {
	t := r.term(term)
	return supplierKey{t.SupplierID, t.Supplier}
}

// term keeps the terms that were asked for last: a log speaks of a few of them again and again.
func (r *reader) term(i int) *risk.WatchTerm {
	kept := &r.terms[i%len(r.terms)]
	if !kept.known || kept.index != i {
		kept.index, kept.known, kept.term = i, true, r.scanner.Term(i)
	}
	return &kept.term
}

type keptTerm struct {
	index int
	known bool
	term  risk.WatchTerm
}

func (r *reader) emit(rec *record, hits []match.Hit) {
	parties := r.parties(rec, hits)
	for _, p := range parties {
		if r.body(p.first) {
			r.visit(r.indicator(rec, p))
		}
	}
	for _, h := range hits {
		if _, known := find(parties, r.supplierOf(h.Term)); !known && r.body(h.Start) {
			r.note(h)
		}
	}
}

// parties sorts a record's hits by supplier and by what they hit: the account, the host, or neither.
func (r *reader) parties(rec *record, hits []match.Hit) []party {
	parties := r.concerned[:0]
	for _, h := range hits {
		switch {
		case h.Kind == risk.MatchLookalike || h.Kind == risk.MatchBrand:
		case r.isAccount(h, rec.login), r.isWhole(h, rec.realm):
			parties = r.join(parties, h, true)
		case r.isWhole(h, rec.host):
			parties = r.join(parties, h, false)
		}
	}
	if !rec.apart || bytes.IndexByte(rec.login.of(r.data), '\\') >= 0 {
		parties = r.lookUp(parties, rec, hits[0].Start)
	}
	r.concerned = parties
	if rec.kind == risk.KindCookie {
		return watchedHosts(parties)
	}
	return parties
}

// lookUp asks for what was parsed where no hit has told: as a field of its own an account or host may be a watched one
// that running bytes did not show. Then the record's first hit is what tells which block reports it.
func (r *reader) lookUp(parties []party, rec *record, first int) []party {
	byAccount, byHost := false, false
	for _, p := range parties {
		byAccount, byHost = byAccount || p.account.found, byHost || p.host.found
	}
	if !byAccount && !rec.login.empty() {
		if t, kind, ok := r.findAccount(rec.accountIn(r.data)); ok {
			parties = r.join(parties, match.Hit{Start: first, Term: t, Kind: kind}, true)
		}
	}
	if !byHost && !rec.host.empty() {
		if t, kind, ok := r.scanner.FindHost(rec.host.of(r.data)); ok {
			parties = r.join(parties, match.Hit{Start: first, Term: t, Kind: kind}, false)
		}
	}
	return parties
}

// isAccount says that a hit is what makes a login a watched one: the domain of an address, or the login itself.
func (r *reader) isAccount(h match.Hit, login span) bool {
	if h.Start > login.start+1 && login.has(h.Start) && r.data[h.Start-1] == '@' {
		login.start = h.Start
		return r.isWhole(h, login)
	}
	return h.Kind == risk.MatchAccount && r.isWhole(h, login)
}

func (r *reader) isWhole(h match.Hit, s span) bool {
	for s.end > h.End && r.data[s.end-1] == '.' {
		s.end--
	}
	return !s.empty() && h.Start == s.start && h.End == s.end
}

func watchedHosts(parties []party) []party {
	kept := parties[:0]
	for _, p := range parties {
		if p.host.found {
			kept = append(kept, p)
		}
	}
	return kept
}

func (r *reader) join(parties []party, h match.Hit, account bool) []party {
	key := r.supplierOf(h.Term)
	i, known := find(parties, key)
	if !known {
		i = len(parties)
		parties = append(parties, party{supplier: key, first: h.Start})
	}
	switch p := &parties[i]; {
	case account && !p.account.found:
		p.account = met{h, true}
	case !account && !p.host.found:
		p.host = met{h, true}
	}
	return parties
}

func find(parties []party, key supplierKey) (int, bool) {
	for i := range parties {
		if parties[i].supplier == key {
			return i, true
		}
	}
	return 0, false
}

func (r *reader) indicator(rec *record, p party) risk.Indicator {
	in := risk.Indicator{
		Kind: rec.kind, Format: rec.format, Place: r.place(p.first), Posted: r.block.Posted,
		URL: r.urlOf(rec), Account: r.accountOf(rec),
		Secret: rec.secret, Facts: r.withMachine(rec.facts), UsableUntil: rec.usableUntil,
	}
	in.Host = r.hostIn(rec, in.URL)
	hit := p.host
	if p.account.found {
		hit = p.account
	}
	in.Term, in.Match = *r.term(hit.Term), hit.Kind
	if rec.kind == risk.KindCredential {
		in.Class = classOf(p, rec.host)
	}
	return in
}

// kept are facts that the next record is likely to have as well: they are shared, and nobody changes them.
type kept struct{ own, all []risk.Fact }

// withMachine adds the facts of the machine to those of a record, which know better.
func (r *reader) withMachine(facts []risk.Fact) []risk.Fact {
	if len(facts) == 0 {
		return r.machine
	}
	if slices.Equal(facts, r.ours.own) {
		return r.ours.all
	}
	own := len(facts)
	all := append(make([]risk.Fact, 0, own+len(r.machine)), facts...)
	for _, f := range r.machine {
		if !slices.ContainsFunc(all[:own], func(g risk.Fact) bool { return g.Name == f.Name }) {
			all = append(all, f)
		}
	}
	r.ours = kept{all[:own:own], slices.Clip(all)}
	return r.ours.all
}

func (r *reader) urlOf(rec *record) string {
	if rec.address != "" {
		return clean([]byte(rec.address))
	}
	return r.texts.of(rec.url.of(r.data))
}

func (r *reader) accountOf(rec *record) string { return r.texts.of(rec.accountIn(r.data)) }

func (rec *record) accountIn(data []byte) []byte {
	if rec.account != "" {
		return []byte(rec.account)
	}
	return rec.login.of(data)
}

// classOf says whose account it is (design.md §2, Exposure).
func classOf(p party, host span) risk.Class {
	switch {
	case !p.account.found:
		return risk.ClassCustomer
	case p.host.found || host.empty():
		return risk.ClassEmployee
	}
	return risk.ClassThirdParty
}

func (r *reader) place(at int) risk.Place {
	place := r.block.Place
	place.Line = r.lines.at(r.data, at)
	if place.Offset += int64(at); len(r.block.Wide) > 0 {
		place.Offset = r.block.OffsetOf(at)
	}
	return place
}

// lineCounter counts line ends from where it last was, so that a block is counted through once.
type lineCounter struct{ pos, line int }

func (c *lineCounter) at(data []byte, at int) int {
	if at >= c.pos {
		c.line += bytes.Count(data[c.pos:at], newline)
	} else {
		c.line -= bytes.Count(data[at:c.pos], newline)
	}
	c.pos = at
	return c.line
}

var newline = []byte{'\n'}

// texts makes text of dump bytes that is handed out together: many short pieces share the memory of one.
type texts struct{ room strings.Builder }

const (
	firstRoom = 512 // bytes
	mostRoom  = 8 << 10
)

func (t *texts) of(b []byte) string {
	if len(b) > firstRoom/2 || !utf8.Valid(b) {
		return clean(b)
	}
	if t.room.Cap()-t.room.Len() < len(b) {
		size := min(max(2*t.room.Cap(), firstRoom), mostRoom)
		t.room.Reset() // what was handed out keeps the old room
		t.room.Grow(size)
	}
	start := t.room.Len()
	t.room.Write(b)
	return t.room.String()[start:]
}

// clean makes text out of dump bytes.
func clean(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

// hostIn is a record's host: a part of its address, where it is written there as hosts are.
func (r *reader) hostIn(rec *record, url string) string {
	host := rec.host.of(r.data)
	at := rec.host.start - rec.url.start
	// Bytes in front of it that are no text move it.
	if rec.address == "" && at >= 0 && rec.host.end <= rec.url.end && isLowerHost(host) && strings.HasPrefix(url[min(at, len(url)):], string(host)) {
		return url[at : at+len(host)]
	}
	if len(host) == 0 {
		return ""
	}
	kept := &r.hosts[handle(host)%uint(len(r.hosts))]
	if kept.raw == nil || string(kept.raw) != string(host) {
		kept.raw, kept.text = host, hostName(host)
	}
	return kept.text
}

func isLowerHost(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf || c-'A' < 26 {
			return false
		}
	}
	return len(b) > 0 && b[len(b)-1] != '.'
}

// hostName is a host in lower-case ASCII.
func hostName(b []byte) string {
	host := strings.ToLower(strings.TrimRight(clean(b), "."))
	for i := range len(host) {
		if host[i] < utf8.RuneSelf {
			continue
		}
		if ascii, err := idna.Lookup.ToASCII(host); err == nil {
			return ascii
		}
		break
	}
	return host
}
