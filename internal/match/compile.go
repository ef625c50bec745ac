package match

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/wardline/wardline/internal/risk"
)

// Compile builds the scanner for terms, whose values NewWatchTerm has normalised. A term that cannot be looked for is
// an error that names it.
func Compile(terms []risk.WatchTerm) (*Scanner, error) {
	b := newBuilder(terms)
	for i, t := range terms {
		if err := b.add(t, int32(i)); err != nil {
			return nil, fmt.Errorf("compile watch term %d (%s %q): %w", i, t.Kind, t.Value, err)
		}
	}
	b.hosts = newKeySet(b.hostKeys)
	b.deep = newKeySet(b.deepKeys)
	b.words = newKeySet(b.wordKeys)
	s := b.Scanner
	s.pool.New = func() any { return new(cursor) }
	return s, nil
}

// Check reports why a term cannot be looked for.
func Check(t risk.WatchTerm) (err error) {
	switch t.Kind {
	case risk.TermDomain, risk.TermHost:
	case risk.TermBrand, risk.TermProduct:
		_, err = newName(t, 0)
	case risk.TermAccount, risk.TermADDomain:
		_, err = newLogin(t, 0)
	case risk.TermIP:
		_, err = new(ranges).add(t.Value, 0)
	default:
		err = risk.Invalid("kind", "%q is not a kind of watch term.", string(t.Kind))
	}
	if err != nil {
		return fmt.Errorf("compile watch term (%s %q): %w", t.Kind, t.Value, err)
	}
	return nil
}

// builder is a scanner in the making.
type builder struct {
	*Scanner
	hostKeys, deepKeys, wordKeys []setKey
}

func newBuilder(terms []risk.WatchTerm) builder {
	return builder{Scanner: &Scanner{
		terms:    terms,
		exact:    map[string][]int32{},
		alike:    map[string][]int32{},
		anchors:  map[string][]int32{},
		accounts: map[string]int32{},
		logins:   map[string]int32{},
		shortest: 4,
	}}
}

func (b *builder) add(t risk.WatchTerm, term int32) error {
	switch t.Kind {
	case risk.TermDomain, risk.TermHost:
		b.addHost(t.Value, term)
		return nil
	case risk.TermBrand, risk.TermProduct:
		p, err := newName(t, term)
		if err != nil {
			return err
		}
		b.addPhrase(p)
		return nil
	case risk.TermAccount, risk.TermADDomain:
		return b.addLogin(t, term)
	case risk.TermIP:
		return b.addAddress(t.Value, term)
	}
	return risk.Invalid("kind", "%q is not a kind of watch term.", string(t.Kind))
}

func (b *builder) addHost(ascii string, term int32) {
	b.exact[ascii] = append(b.exact[ascii], term)
	b.addHostKey(ascii)
	looks := skeleton(ascii)
	if written := unicodeForm(ascii); written != "" && written != ascii {
		b.exact[written] = append(b.exact[written], term)
		looks = skeleton(written)
	}
	b.alike[looks] = append(b.alike[looks], term)
	if looks != ascii {
		b.addHostKey(looks)
	}
}

// addHostKey lets the last two labels of a name through the filter, and its last three when it has more than two.
func (b *builder) addHostKey(name string) {
	id := []byte(name)
	labels := bytes.Count(id, []byte(".")) + 1
	b.maxLabels = max(b.maxLabels, labels)
	b.hostKeys = append(b.hostKeys, setKey{keyOf(lastLabels(id, 2)), labels == 2})
	if labels > 2 {
		b.deepKeys = append(b.deepKeys, setKey{keyOf(lastLabels(id, 3)), true})
	}
}

func lastLabels(name []byte, n int) []byte {
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '.' {
			if n--; n == 0 {
				return name[i+1:]
			}
		}
	}
	return name
}

func (b *builder) addPhrase(p phrase) {
	if b.anchors[p.anchor] == nil {
		b.wordKeys = append(b.wordKeys, setKey{keyOf([]byte(p.anchor)), true})
		b.shortest = min(b.shortest, utf8.RuneCountInString(p.anchor))
		b.tails.add(p.anchor)
		b.longest = max(b.longest, len(p.anchor))
	}
	b.anchors[p.anchor] = append(b.anchors[p.anchor], int32(len(b.phrases)))
	b.phrases = append(b.phrases, p)
}

func (b *builder) addLogin(t risk.WatchTerm, term int32) error {
	p, err := newLogin(t, term)
	if err != nil {
		return err
	}
	table := b.accounts
	if t.Kind == risk.TermADDomain {
		table = b.logins
	}
	if _, known := table[foldText(t.Value)]; !known {
		table[foldText(t.Value)] = term
	}
	b.addPhrase(p)
	return nil
}

// addAddress adds a range; an IPv6 range also adds the phrase that finds its first group, once.
func (b *builder) addAddress(value string, term int32) error {
	prefix, err := b.addresses.add(value, term)
	if err != nil || prefix.Addr().Is4() {
		return err
	}
	first := prefix.Addr().As16()
	group := fmt.Sprintf("%02x%02x", first[0], first[1])
	for _, i := range b.anchors[group] {
		if b.phrases[i].kind == termIPv6 {
			return nil
		}
	}
	b.addPhrase(phrase{kind: termIPv6, anchor: group})
	return nil
}
