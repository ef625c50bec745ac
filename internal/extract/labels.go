package extract

import (
	"bytes"
	"strings"

	"github.com/wardline/wardline/internal/risk"
)

// label is what a line of a stealer log's block says. Families come and go and share files; labels stay.
type label int

const (
	noLabel label = iota
	labelSoftware
	labelHost
	labelLogin
	labelPassword
	labelProfile
	labelSeller // advertisement: read past
	labelFact
)

var labels = map[string]label{
	"soft": labelSoftware, "software": labelSoftware, "browser": labelSoftware, "application": labelSoftware, "storage": labelSoftware,
	"host": labelHost, "hostname": labelHost, "url": labelHost, "ur1": labelHost,
	"user login": labelLogin, "login": labelLogin, "username": labelLogin, "user": labelLogin, "u53rn4m3": labelLogin,
	"user password": labelPassword, "password": labelPassword, "pass": labelPassword, "p455w0rd": labelPassword,
	"profile": labelProfile,
	"seller":  labelSeller, "log tools": labelSeller, "free logs": labelSeller,
	"hwid": labelFact, "machineid": labelFact, "machine id": labelFact, "machinename": labelFact, "computer name": labelFact,
	"ip": labelFact, "ip address": labelFact, "country": labelFact, "operation system": labelFact, "os": labelFact, "windows": labelFact,
	"log date": labelFact, "local time": labelFact, "build id": labelFact, "lid": labelFact,
}

// factNames gives one name to what families call differently.
var factNames = map[string]string{
	"machineid": "machine_id", "machine id": "machine_id", "machinename": "computer", "computer name": "computer",
	"ip": "ip", "ip address": "ip", "hwid": "hwid", "country": "country", "operation system": "os", "os": "os", "windows": "os",
	"log date": "log_date", "local time": "log_date", "build id": "build", "lid": "build",
}

const (
	maxBlockLines = 24 // looked at on either side of a hit
	maxLabel      = 24 // bytes
	maxContinued  = 4  // further lines of a password
	minSeparator  = 4  // bytes of a line that separates blocks
)

// labelled is one line of a block.
type labelled struct {
	line  span
	label label
	name  string // as in labels
	value span
}

// readLabels reads the label block that a line stands in.
func (r *reader) readLabels(hit span) (record, bool) {
	if l := r.readLabel(hit); l.label == noLabel || l.label == labelSeller {
		return record{}, false
	}
	lines := fromLabel(r.blockLines(hit))
	for start := 0; start < len(lines); {
		end := recordEnd(lines, start)
		if lines[start].line.start <= hit.start && hit.start <= lines[end-1].line.start {
			return r.readBlock(lines[start:end], end == len(lines))
		}
		start = end
	}
	return record{}, false
}

// blockLines are the lines around a hit up to the nearest separator or blank line on either side, beginning at the
// first line of a record.
func (r *reader) blockLines(hit span) []labelled {
	var lines []labelled
	line, bounded := hit, false
	for range maxBlockLines {
		above, ok := r.before(line)
		if !ok || r.separates(above) {
			bounded = true
			break
		}
		line = above
		lines = append(lines, r.readLabel(line))
	}
	for i, j := 0, len(lines)-1; i < j; i, j = i+1, j-1 {
		lines[i], lines[j] = lines[j], lines[i]
	}
	if !bounded {
		lines = fromRecordStart(lines)
	}
	lines = append(lines, r.readLabel(hit))
	line = hit
	for range maxBlockLines {
		below, ok := r.after(line)
		if !ok || r.separates(below) {
			break
		}
		l := r.readLabel(below)
		if l.label == noLabel && r.isRecord(below) {
			break // an entry of a list, not the rest of a password
		}
		line = below
		lines = append(lines, l)
	}
	return lines
}

// fromLabel drops what stands above the first label without a blank line between: it belongs to no record of the block.
func fromLabel(lines []labelled) []labelled {
	for len(lines) > 0 && lines[0].label == noLabel {
		lines = lines[1:]
	}
	return lines
}

// fromRecordStart drops the rest of a record whose beginning is out of sight: in a file without separators a record
// starts with the first software or host after a password.
func fromRecordStart(lines []labelled) []labelled {
	for i := 1; i < len(lines); i++ {
		starts := lines[i].label == labelSoftware || lines[i].label == labelHost
		if starts && lines[i-1].label != labelSoftware && lines[i-1].label != labelHost && lines[i-1].label != labelProfile {
			return lines[i:]
		}
	}
	return lines
}

// recordEnd is where the record that begins at start ends: before the line that repeats one of its labels.
func recordEnd(lines []labelled, start int) int {
	var seen [labelFact]bool
	for i := start; i < len(lines); i++ {
		l := lines[i].label
		if l == noLabel || l == labelSeller || l == labelFact {
			continue
		}
		if seen[l] {
			return i
		}
		seen[l] = true
	}
	return len(lines)
}

// readBlock reads one record. last says that nothing of its block follows.
func (r *reader) readBlock(lines []labelled, last bool) (record, bool) {
	rec := record{kind: risk.KindCredential, format: risk.FormatStealerLog}
	rec.whole = span{lines[0].line.start, lines[len(lines)-1].line.end}
	found := map[label]bool{}
	for i, l := range lines {
		found[l.label] = true
		value := l.value
		switch l.label {
		case labelHost:
			rec.url, rec.host = r.addressOf(value)
		case labelLogin:
			if !isPlaceholder(value.of(r.data)) {
				rec.login = value
			}
		case labelPassword:
			rec.secret = r.readPassword(lines[i:], last)
		case labelSoftware, labelProfile, labelFact:
			if name := factName(l); !value.empty() {
				rec.facts = append(rec.facts, risk.Fact{Name: name, Value: clean(value.of(r.data))})
			}
		}
	}
	// One label alone is a word and a colon; a login needs its password or its place beside it.
	complete := found[labelLogin] && (found[labelPassword] || found[labelHost]) || found[labelHost] && found[labelPassword]
	return rec, complete && (!rec.login.empty() || !rec.secret.Empty())
}

func factName(l labelled) string {
	switch l.label {
	case labelSoftware:
		return "application"
	case labelProfile:
		return "profile"
	}
	return factNames[l.name]
}

// readPassword reads a password with the lines that it goes on for.
func (r *reader) readPassword(lines []labelled, last bool) risk.Secret {
	first := lines[0].value
	end := 1
	for end < len(lines) && end <= maxContinued && lines[end].label == noLabel {
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
	s := trim(r.data, line)
	b := s.of(r.data)
	if isBanner(b) {
		return labelled{line: line, label: labelSeller}
	}
	if bytes.HasPrefix(b, []byte("- ")) || bytes.HasPrefix(b, []byte("* ")) {
		s.start += 2
		b = s.of(r.data)
	}
	if bytes.HasPrefix(b, []byte("[\"")) {
		return r.readHeader(line, s)
	}
	colon := bytes.IndexByte(b[:min(len(b), maxLabel)], ':')
	if colon < 0 {
		return labelled{line: line}
	}
	name := strings.ToLower(string(bytes.TrimSpace(b[:colon])))
	kind, ok := labels[name]
	if !ok {
		return labelled{line: line}
	}
	return labelled{line: line, label: kind, name: name, value: trim(r.data, span{s.start + colon + 1, s.end})}
}

// readHeader reads ["Browser" = "Profile"].
func (r *reader) readHeader(line, s span) labelled {
	inner := s.of(r.data)
	if !bytes.HasSuffix(inner, []byte("]")) || !bytes.Contains(inner, []byte("\" = \"")) {
		return labelled{line: line}
	}
	return labelled{line: line, label: labelSoftware, name: "browser", value: span{s.start + 1, s.end - 1}}
}

// isBanner tells a line of a banner, framed with asterisks, from the rest of a password.
func isBanner(b []byte) bool {
	return len(b) >= 2 && b[0] == '*' && b[len(b)-1] == '*' && bytes.IndexByte(b, ' ') > 0
}

// separates tells a blank line, or one of a single sign such as =====.
func (r *reader) separates(line span) bool {
	b := trim(r.data, line).of(r.data)
	if len(b) == 0 {
		return true
	}
	if len(b) < minSeparator || isLetter(b[0]) || isDigit(b[0]) {
		return false
	}
	for _, c := range b {
		if c != b[0] {
			return false
		}
	}
	return true
}
