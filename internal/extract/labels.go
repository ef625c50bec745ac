package extract

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/wardline/wardline/internal/risk"
)

const (
	maxBlockLines = 24 // looked at on either side of a hit
	maxContinued  = 4  // further lines of a password
	minSeparator  = 4  // bytes of a line that separates blocks
)

// labelled is one line of a block, or one field of a line that holds a whole record.
type labelled struct {
	line  span
	name  *labelName
	value span
}

// readLabels reads the label block that a line with a label stands in.
func (r *reader) readLabels(rec *record, hit span, l labelled) bool {
	if l.name.label == noLabel || l.name.label >= labelOther {
		return false
	}
	if r.readInline(rec, hit, l) {
		return true
	}
	lines := fromLabel(r.blockLines(hit, l))
	for start := 0; start < len(lines); {
		end := recordEnd(lines, start)
		if lines[start].line.start <= hit.start && hit.start <= lines[end-1].line.start {
			r.labelsEnd = lines[end-1].line.end
			return r.readBlock(rec, lines[start:end], end == len(lines))
		}
		start = end
	}
	return false
}

// readInline reads a record whose labels all stand in one line, as in "URL: … | Login: … | Password: …".
func (r *reader) readInline(rec *record, line span, first labelled) bool {
	if first.name.label == labelPassword {
		return false
	}
	fields := append(r.labelled[:0], first)
	b := r.data
	for at := first.value.start; len(fields) < maxBlockLines; at++ {
		i := bytes.IndexByte(b[at:line.end], ':')
		if i < 0 {
			break
		}
		at += i
		if at+1 < line.end && b[at+1] == '/' { // of an address
			continue
		}
		last := &fields[len(fields)-1]
		if start, name, ok := r.labelBefore(b, last.value.start, at); ok {
			last.value = trimField(b, span{last.value.start, start})
			fields = append(fields, labelled{line: line, name: name, value: trim(b, span{at + 1, line.end})})
		}
	}
	r.labelled = fields
	for _, f := range fields[1:] {
		if f.name.label == labelPassword {
			return r.readBlock(rec, fields, false)
		}
	}
	return false
}

// labelBefore finds the label of two words, or of one, that ends at a colon. It follows upon something that separates.
func (r *reader) labelBefore(b []byte, low, colon int) (start int, name *labelName, ok bool) {
	at := colon
	for range 2 {
		for at > low && (b[at-1] == ' ' && at == colon || b[at-1] == '_' || isLetter(b[at-1]) || isDigit(b[at-1]) || b[at-1] >= utf8.RuneSelf) {
			at--
		}
		if at == low || isSep(b[at-1]) || b[at-1] == ',' || b[at-1] == '(' || b[at-1] == '[' {
			if n, known := r.labelOf(b[at:colon]); known && n.label < labelOther {
				start, name, ok = at, n, true
			}
		}
		if at == low || b[at-1] != ' ' || colon-at > maxLabel {
			break
		}
		at--
	}
	return start, name, ok
}

// trimField takes what separates fields in a line off a value.
func trimField(b []byte, s span) span {
	for !s.empty() && (isBlank(b[s.end-1]) || bytes.IndexByte([]byte("|,;-[("), b[s.end-1]) >= 0) {
		s.end--
	}
	return trim(b, s)
}

// blockLines are the lines around a hit up to the nearest separator or blank line on either side, or to the record that
// was read last, and down to where the record of the hit ends.
func (r *reader) blockLines(hit span, l labelled) []labelled {
	lines := r.labelled[:0]
	line, bounded := hit, false
	for range maxBlockLines {
		if line.start > 0 && line.start-1 == r.labelsEnd { // what is above was read
			bounded = true
			break
		}
		above, ok := r.before(line)
		text := trim(r.data, above)
		if !ok || separates(text.of(r.data)) {
			bounded = true
			break
		}
		line = above
		lines = append(lines, r.readLabelOf(r.data, line, text))
	}
	slices.Reverse(lines)
	lines = append(lines, l)
	if !bounded {
		lines = r.fromRecordStart(lines, hit.start)
	}
	seen := lastSeen(lines)
	line = hit
	for range maxBlockLines {
		below, ok := r.after(line)
		text := trim(r.data, below)
		if !ok || separates(text.of(r.data)) {
			break
		}
		l := r.readLabelOf(r.data, below, text)
		if l.name.label == noLabel && r.isRecord(below) {
			break // an entry of a list, not the rest of a password
		}
		line = below
		lines = append(lines, l)
		if seen.repeats(l.name.label) {
			break
		}
	}
	r.labelled = lines[:0]
	return lines
}

// labelSet are labels that a record has already.
type labelSet [labelFact]bool

// repeats adds a label; true means that a new record begins with it.
func (s *labelSet) repeats(l label) bool {
	if l == noLabel || l >= labelFact {
		return false
	}
	was := s[l]
	s[l] = true
	return was
}

// lastSeen are the labels of the record that the last of some lines belongs to.
func lastSeen(lines []labelled) (seen labelSet) {
	for _, l := range lines {
		if seen.repeats(l.name.label) {
			seen = labelSet{}
			seen.repeats(l.name.label)
		}
	}
	return seen
}

// fromLabel drops what stands above the first label without a blank line between: it belongs to no record of the block.
func fromLabel(lines []labelled) []labelled {
	for len(lines) > 0 && lines[0].name.label == noLabel {
		lines = lines[1:]
	}
	return lines
}

// fromRecordStart drops the rest of a record whose beginning is out of sight. In a file without separators every record
// begins with the label that the first one begins with; where that is out of sight as well, with the first software or
// host after a login or password.
func (r *reader) fromRecordStart(lines []labelled, hit int) []labelled {
	if first := r.firstLabel(); first != noLabel {
		for i := range lines {
			if lines[i].name.label == first && lines[i].line.start <= hit {
				return lines[i:]
			}
		}
	}
	for i := 1; i < len(lines) && lines[i].line.start <= hit; i++ {
		is, before := lines[i].name.label, lines[i-1].name.label
		starts := is == labelSoftware || is == labelHost
		if starts && before != labelSoftware && before != labelHost && before != labelProfile {
			return lines[i:]
		}
	}
	return lines
}

// firstLabel is the label that the document's first record begins with, as far as its beginning is known.
func (r *reader) firstLabel() label {
	if r.begins != notLooked {
		return r.begins
	}
	r.begins = noLabel
	head := r.block.Head
	if head == nil && !r.cutInFront() {
		head = r.data[:min(len(r.data), maxLine)]
	}
	for len(head) > 0 {
		line, rest, _ := bytes.Cut(head, newline)
		if l := r.readLabelOf(line, span{0, len(line)}, trim(line, span{0, len(line)})); l.name.label != noLabel && l.name.label < labelFact {
			r.begins = l.name.label
			break
		}
		head = rest
	}
	return r.begins
}

// recordEnd is where the record that begins at start ends: before the line that repeats one of its labels.
func recordEnd(lines []labelled, start int) int {
	var seen labelSet
	for i := start; i < len(lines); i++ {
		if seen.repeats(lines[i].name.label) {
			return i
		}
	}
	return len(lines)
}

// readBlock reads one record. last says that nothing of its block follows.
func (r *reader) readBlock(rec *record, lines []labelled, last bool) bool {
	*rec = record{kind: risk.KindCredential, format: risk.FormatStealerLog, apart: true}
	rec.whole = span{lines[0].line.start, lines[len(lines)-1].line.end}
	var found labelSet
	soft := false
	for i := range lines {
		l := &lines[i]
		if l.name.label < labelFact {
			found[l.name.label] = true
			soft = soft || l.name.soft
		}
		switch l.name.label {
		case labelHost:
			rec.url, rec.host = r.addressOf(l.value)
		case labelLogin:
			if !isPlaceholder(l.value.of(r.data)) {
				rec.login = l.value
			}
		case labelPassword:
			rec.secret = r.readPassword(lines[i:], last)
		}
	}
	// One label alone is a word and a colon; a login needs its password or its place beside it, and words that letters
	// are headed with, such as "Website" and "E-mail", need a password.
	complete := found[labelPassword] && (found[labelLogin] || found[labelHost]) || found[labelLogin] && found[labelHost] && !soft
	if !complete || rec.login.empty() && rec.secret.Empty() {
		return false
	}
	rec.facts = r.factsIn(lines)
	return true
}

// factsIn are what the lines of a record say beside the credential.
func (r *reader) factsIn(lines []labelled) []risk.Fact {
	facts := r.factScratch[:0]
	for i := range lines {
		l := &lines[i]
		if l.value.empty() || l.name.fact == "" || isPlaceholder(l.value.of(r.data)) {
			continue
		}
		value := r.intern(l.value.of(r.data))
		switch l.name.fact {
		case headerFact:
			browser, profile, _ := strings.Cut(strings.Trim(value, `"`), `" = "`)
			facts = append(facts, risk.Fact{Name: risk.FactSoftware, Value: browser}, risk.Fact{Name: risk.FactProfile, Value: profile})
			continue
		case risk.FactInfected:
			if at, ok := parseDate(value, false, zoneOf("")); ok {
				value = at
			}
		}
		facts = append(facts, risk.Fact{Name: l.name.fact, Value: value})
	}
	r.factScratch = facts
	return facts
}

// intern makes text of bytes that come again and again, such as the name of a browser, once.
func (r *reader) intern(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	kept := &r.interned[handle(b)%uint(len(r.interned))]
	if kept.raw == nil || string(kept.raw) != string(b) {
		kept.raw, kept.text = b, clean(b)
	}
	return kept.text
}

// internedText is text with the bytes of the block that it was made of.
type internedText struct {
	raw  []byte
	text string
}

// handle tells short texts apart well enough for a small table of those that came last.
func handle(b []byte) uint {
	return uint(len(b))*7 + uint(b[0]) + uint(b[len(b)-1])*3
}

// readPassword reads a password with the lines that it goes on for.
func (r *reader) readPassword(lines []labelled, last bool) risk.Secret {
	first := lines[0].value
	end := 1
	for end < len(lines) && end <= maxContinued && lines[end].name.label == noLabel {
		end++
	}
	// In a post, text may follow a block without a blank line; only where a label closes the password, or in a file
	// that holds nothing else, do further lines belong to it.
	closed := end < len(lines) || !last
	prose := r.block.Source == risk.SourceForum || r.block.Source == risk.SourceLeakSite
	if end == 1 || prose && !closed {
		return secretOf(first.of(r.data))
	}
	parts := []string{string(first.of(r.data))}
	for _, l := range lines[1:end] {
		parts = append(parts, strings.TrimRight(string(l.line.of(r.data)), "\r"))
	}
	return risk.NewSecret(risk.SecretPlain, strings.Join(parts, "\n"))
}

// addressOf finds the host in a label's value; a value without one is the name of an app.
func (r *reader) addressOf(value span) (url, host span) {
	u, ok := readURL(r.data, value)
	if !ok {
		return value, span{}
	}
	if !u.user.empty() { // it may hold a password
		value.start = u.host.start
	}
	return value, u.host
}

func (r *reader) readLabel(line span) labelled {
	return r.readLabelOf(r.data, line, trim(r.data, line))
}

// bullets are what stands before a label.
var bullets = [][]byte{[]byte("- "), []byte("* "), []byte("> "), []byte("•"), []byte("└"), []byte("├"), []byte("─")}

// afterBullet steps over bullets, and over a note such as [+] or [Chrome].
func afterBullet(b []byte, s span) span {
	for _, bullet := range bullets {
		if bytes.HasPrefix(s.of(b), bullet) {
			s = trim(b, span{s.start + len(bullet), s.end})
		}
	}
	if !s.empty() && b[s.start] == '[' {
		if i := bytes.Index(s.of(b)[:min(s.end-s.start, maxLabel)], []byte("] ")); i > 0 {
			s = trim(b, span{s.start + i + 2, s.end})
		}
	}
	return s
}

// readLabelOf reads a line whose text, without what stands around it, is s.
func (r *reader) readLabelOf(data []byte, line, s span) labelled {
	if s.empty() {
		return labelled{line: line, name: unlabelled}
	}
	plain := isLetter(data[s.start])
	if !plain && !isDigit(data[s.start]) {
		if isBanner(s.of(data)) {
			return labelled{line: line, name: bannerLine}
		}
		if bytes.HasPrefix(s.of(data), []byte("[\"")) {
			return readHeader(data, line, s)
		}
		bulleted := afterBullet(data, s)
		plain = bulleted != s
		s = bulleted
	}
	b := s.of(data)
	colon := bytes.IndexByte(b[:min(len(b), maxLabel)], ':')
	if colon < 0 {
		return labelled{line: line, name: unlabelled}
	}
	name, ok := r.labelOf(b[:colon])
	if !ok {
		name = unlabelled
		if plain && isLabel(b, colon) {
			name = unknownLabel
		}
		return labelled{line: line, name: name}
	}
	return labelled{line: line, name: name, value: trim(data, span{s.start + colon + 1, s.end})}
}

// cachedLabel is a label as it was written before.
type cachedLabel struct {
	text []byte
	name *labelName
}

// labelOf remembers labels as they are written: a log repeats a handful.
func (r *reader) labelOf(b []byte) (*labelName, bool) {
	if len(b) == 0 {
		return unlabelled, false
	}
	kept := &r.labelCache[handle(b)%uint(len(r.labelCache))]
	if len(kept.text) == len(b) && string(kept.text) == string(b) {
		return kept.name, true
	}
	name, ok := labelOf(b)
	if ok {
		kept.text, kept.name = b, name
	}
	return name, ok
}

// isLabel tells a label that is not known, of one word or two with a blank behind the colon, from the rest of a
// password.
func isLabel(b []byte, colon int) bool {
	if colon == 0 || colon+1 < len(b) && !isBlank(b[colon+1]) {
		return false
	}
	words := 1
	for _, c := range b[:colon] {
		switch {
		case c == ' ':
			words++
		case !isLetter(c) && c != '_':
			return false
		}
	}
	return words <= 2
}

// readHeader reads ["Browser" = "Profile"].
func readHeader(data []byte, line, s span) labelled {
	inner := s.of(data)
	if !bytes.HasSuffix(inner, []byte("]")) || !bytes.Contains(inner, []byte("\" = \"")) {
		return labelled{line: line, name: unlabelled}
	}
	return labelled{line: line, name: browserLine, value: span{s.start + 1, s.end - 1}}
}

// isBanner tells a line of a banner, framed with asterisks, from the rest of a password.
func isBanner(b []byte) bool {
	return len(b) >= 2 && b[0] == '*' && b[len(b)-1] == '*' && bytes.IndexByte(b, ' ') > 0
}

// separates tells a blank line, or one of a single sign such as =====.
func separates(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	sign := 1
	if b[0] >= utf8.RuneSelf { // as lines are drawn with
		_, sign = utf8.DecodeRune(b)
	}
	if len(b) < minSeparator*sign || isLetter(b[0]) || isDigit(b[0]) || len(b)%sign != 0 {
		return false
	}
	for i := sign; i < len(b); i++ {
		if b[i] != b[i-sign] {
			return false
		}
	}
	return true
}
