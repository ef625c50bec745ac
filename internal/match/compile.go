package match

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"

	"github.com/wardline/wardline/internal/risk"
)

// Compile builds the scanner for terms, whose values NewWatchTerm has normalised. A term that cannot be looked for is
// an error that names it.
func Compile(terms []risk.WatchTerm) (*Scanner, error) {
	b := newBuilder(terms)
	for i, t := range terms {
		if err := b.add(t, uint32(i)); err != nil {
			return nil, fmt.Errorf("compile watch term %d (%s %q): %w", i, t.Kind, t.Value, err)
		}
	}
	b.addLookalikes()
	if len(terms) >= listBit || len(b.text) > math.MaxUint32 || len(b.supplierText) > math.MaxUint32 {
		return nil, fmt.Errorf("compile %d watch terms: %w", len(terms), errors.New("they are more than one list can hold"))
	}
	return open(b.image())
}

// Check reports why a term cannot be looked for.
func Check(t risk.WatchTerm) (err error) {
	switch t.Kind {
	case risk.TermDomain, risk.TermHost:
	case risk.TermBrand, risk.TermProduct:
		_, err = newName(t)
	case risk.TermAccount, risk.TermADDomain:
		_, err = newLogin(t)
	case risk.TermIP:
		_, err = risk.ParseRange(t.Value)
	default:
		err = risk.Invalid("kind", "%q is not a kind of watch term.", string(t.Kind))
	}
	if err == nil {
		err = checkLength(t.Value)
	}
	if err != nil {
		return fmt.Errorf("compile watch term (%s %q): %w", t.Kind, t.Value, err)
	}
	return nil
}

func checkLength(value string) error {
	if len(value) > math.MaxUint8 {
		return risk.Invalid("value", "A watch term is at most 253 bytes long.")
	}
	return nil
}

// builder gathers what goes into an image.
type builder struct {
	terms   []risk.WatchTerm
	records []termRecord
	text    []byte

	suppliers    []uint32 // where their names end in supplierText
	supplierText []byte
	supplier     map[string]uint32

	exact, alike, ranges nameSet
	lengths              []byte
	hostKeys, wordKeys   []setKey
	names                []string // whose keys are in hostKeys, as far as they may be in a filter of their tails
	maxLabels            int
	shortNames           bool

	phrases   []phraseRecord
	firstIPv6 map[string]bool // first groups that have their phrase
}

func newBuilder(terms []risk.WatchTerm) *builder {
	b := &builder{terms: terms, supplier: map[string]uint32{}, firstIPv6: map[string]bool{}}
	kinds := map[risk.TermKind]int{}
	size := 0
	for _, t := range terms {
		kinds[t.Kind]++
		size += len(t.Value)
	}
	hosts := kinds[risk.TermDomain] + kinds[risk.TermHost]
	b.exact, b.alike, b.ranges = newNameSet(hosts), newNameSet(0), newNameSet(kinds[risk.TermIP])
	b.records = make([]termRecord, 0, len(terms))
	b.hostKeys = make([]setKey, 0, hosts)
	b.phrases = make([]phraseRecord, 0, len(terms)-hosts)
	b.text = make([]byte, 0, size+size/2)
	return b
}

func (b *builder) add(t risk.WatchTerm, term uint32) error {
	if err := checkLength(t.Value); err != nil {
		return err
	}
	b.records = append(b.records, termRecord{
		supplier: b.addSupplier(t.Supplier), value: b.addText(t.Value), size: byte(len(t.Value)), kind: kindNumber(t.Kind),
	})
	switch t.Kind {
	case risk.TermDomain, risk.TermHost:
		b.addHost(t.Value, term)
	case risk.TermBrand, risk.TermProduct:
		p, err := newName(t)
		if err != nil {
			return err
		}
		b.addPhrase(p, term)
	case risk.TermAccount, risk.TermADDomain:
		p, err := newLogin(t)
		if err != nil {
			return err
		}
		b.addPhrase(p, term)
	case risk.TermIP:
		return b.addAddress(t.Value, term)
	default:
		return risk.Invalid("kind", "%q is not a kind of watch term.", string(t.Kind))
	}
	return nil
}

func (b *builder) addText(s string) uint32 {
	at := len(b.text)
	b.text = append(b.text, s...)
	return uint32(at)
}

func (b *builder) addSupplier(name string) uint32 {
	i, known := b.supplier[name]
	if !known {
		i = uint32(len(b.suppliers))
		b.supplier[name] = i
		b.supplierText = append(b.supplierText, name...)
		b.suppliers = append(b.suppliers, uint32(len(b.supplierText)))
	}
	return i
}

func (b *builder) addHost(ascii string, term uint32) {
	b.addName(&b.exact, ascii, term)
	b.addHostKey(ascii)
	written := unicodeForm(ascii)
	if written == "" || written == ascii {
		return
	}
	b.exact.addOther(written, term)
	looks := skeleton(written)
	if looks != written {
		b.alike.addOther(looks, term)
	}
	b.addHostKey(looks)
}

// addHostKey lets a name through the filter: by its last two labels, or its last three where the second is short, as
// in co.uk. A name of two labels with a short second one has a rule of its own.
func (b *builder) addHostKey(name string) {
	if len(b.names) <= mostNames {
		b.names = append(b.names, name)
	}
	id := []byte(name)
	count := bytes.Count(id, []byte(".")) + 1
	b.maxLabels = max(b.maxLabels, count)
	l := labelsBefore(id, len(id))
	two, three := lastBytes(id, l.two()), lastBytes(id, l.three())
	switch {
	case l.short() && count == 2:
		b.shortNames = true
		b.hostKeys = append(b.hostKeys, setKey{keyOf(two), true})
	case l.short():
		b.hostKeys = append(b.hostKeys, setKey{keyOf(three), true})
	default:
		b.hostKeys = append(b.hostKeys, setKey{keyOf(two), count == 2})
		if count > 2 {
			b.hostKeys = append(b.hostKeys, setKey{deepKey(three), true})
		}
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

// addAddress adds a range; an IPv6 range also adds the phrase that finds its first group, once.
func (b *builder) addAddress(value string, term uint32) error {
	prefix, err := risk.ParseRange(value)
	if err != nil {
		return err
	}
	if name := string(appendRange(nil, prefix)); name == value {
		b.addName(&b.ranges, value, term)
	} else {
		b.ranges.addOther(name, term)
	}
	b.addLength(prefix)
	if prefix.Addr().Is4() {
		return nil
	}
	first := prefix.Addr().As16()
	group := fmt.Sprintf("%02x%02x", first[0], first[1])
	if !b.firstIPv6[group] {
		b.firstIPv6[group] = true
		b.addPhrase(phraseText{kind: termIPv6, text: group, to: len(group)}, term)
	}
	return nil
}

func (b *builder) addLength(prefix netip.Prefix) {
	n := rangeLength(prefix)
	if !slices.Contains(b.lengths, n) {
		b.lengths = append(b.lengths, n)
	}
}

func (b *builder) addPhrase(p phraseText, term uint32) {
	b.phrases = append(b.phrases, phraseRecord{
		text: b.addText(p.text + p.signs), term: term, size: uint16(len(p.text)), from: uint16(p.from), to: uint16(p.to),
		kind: kindNumber(p.kind), signs: byte(len(p.signs)),
	})
}
