package extract

import (
	"bytes"
	"strings"

	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

// readAutofill reads what a browser remembers to have been typed into forms: "Name:" or "Form:" with "Value:" below, or
// a field's name and its value in one line of a file of such. An account of ours that was typed in on an infected
// machine is an exposure, though it comes without a password: whoever owns it works there, and what else was typed
// there is out. Nothing else of a form is kept: neither the other values, among which are card numbers, nor addresses.
func (r *reader) readAutofill(line span, h match.Hit) (record, bool) {
	name, value, ok := r.autofillAt(line)
	if !ok || !value.has(h.Start) && !value.has(h.End-1) {
		return record{}, false
	}
	account := value.of(r.data)
	if !isAddress(account) && !r.watchedAccount(account) {
		return record{}, false
	}
	field := clean(name.of(r.data))
	const most = 64
	if len(field) > most || strings.Contains(field, "@") {
		field = "field"
	}
	return record{
		kind: risk.KindCredential, format: risk.FormatStealerLog, whole: line, login: value,
		facts: []risk.Fact{{Name: risk.FactAutofill, Value: field}},
	}, true
}

func (r *reader) autofillAt(line span) (name, value span, ok bool) {
	if value, ok = r.valueOf(line, "value"); ok {
		above, found := r.before(line)
		if !found {
			return name, value, false
		}
		if name, ok = r.valueOf(above, "name"); !ok {
			name, ok = r.valueOf(above, "form")
		}
		return name, value, ok
	}
	if !r.isAutofill() {
		return name, value, false
	}
	s := trim(r.data, line)
	i := bytes.IndexAny(s.of(r.data), "\t ")
	if i <= 0 || r.data[s.start+i-1] == ':' { // a label
		return name, value, false
	}
	return span{s.start, s.start + i}, trim(r.data, span{s.start + i + 1, s.end}), true
}

// valueOf is what stands behind a label.
func (r *reader) valueOf(line span, label string) (span, bool) {
	s := trim(r.data, line)
	if s.end-s.start <= len(label) || r.data[s.start+len(label)] != ':' || !strings.EqualFold(string(r.data[s.start:s.start+len(label)]), label) {
		return span{}, false
	}
	return trim(r.data, span{s.start + len(label) + 1, s.end}), true
}

// isAutofill says that the document is a log's list of what was typed into forms: its lines alone look like words.
func (r *reader) isAutofill() bool {
	name := r.block.Place.Entry
	if name == "" {
		name = r.block.Place.Path
	}
	return strings.Contains(lettersOf(name), "autofill")
}
