package match

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"hash/crc32"
	"maps"
	"slices"
)

// nameSet is a table of names in the making.
type nameSet struct {
	slots []byte              // terms whose own text is the name
	count int                 // of names in slots
	same  map[uint32][]uint32 // the terms behind a name, when there are several, by the one in the slot
	other map[string][]uint32 // the terms behind a name that is no term's own text
}

func newNameSet(n int) nameSet {
	return nameSet{slots: freeSlots(n), same: map[uint32][]uint32{}, other: map[string][]uint32{}}
}

func (b *builder) addName(set *nameSet, name string, term uint32) {
	i, taken := b.slotOf(set.slots, []byte(name))
	if !taken {
		binary.LittleEndian.PutUint32(set.slots[4*i:], term)
		set.count++
		return
	}
	first := word32(set.slots, i)
	if set.same[first] == nil {
		set.same[first] = []uint32{first}
	}
	set.same[first] = append(set.same[first], term)
}

func (set *nameSet) addOther(name string, term uint32) {
	set.other[name] = append(set.other[name], term)
}

// slotOf gives the slot in which a term with this text stands, or else the one where it would.
func (b *builder) slotOf(slots, name []byte) (i int, taken bool) {
	for i = range probes(hashText(name), len(slots)/4) {
		v := word32(slots, i)
		if v == noSlot {
			return i, false
		}
		if v&listBit == 0 && bytes.Equal(b.value(v), name) {
			return i, true
		}
	}
	return i, false
}

func (b *builder) value(term uint32) []byte {
	r := b.records[term]
	return b.text[r.value : r.value+uint32(r.size)]
}

// terms are those whose own text is name.
func (b *builder) termsOf(set *nameSet, name string) []uint32 {
	if len(set.slots) == 0 {
		return nil
	}
	i, taken := b.slotOf(set.slots, []byte(name))
	if !taken {
		return nil
	}
	first := word32(set.slots, i)
	if same := set.same[first]; same != nil {
		return same
	}
	return []uint32{first}
}

// imageBuilder appends the sections of an image one after the other.
type imageBuilder struct {
	*builder
	image  []byte
	listed []byte // see termList
}

func (b *builder) image() []byte {
	anchors, logins := b.sortPhrases()
	out := imageBuilder{builder: b, image: make([]byte, headerBytes, b.imageSize())}
	alike := out.names(&b.alike, &b.exact)
	exact, ranges := out.names(&b.exact, &b.exact), out.names(&b.ranges, &b.ranges)
	tails, letters, longest, shortest := b.anchorFilter()
	endings := newNameTails(b.names)
	hosts, hostTable := newKeySet(b.hostKeys)
	words, wordTable := newKeySet(b.wordKeys)
	for i, write := range [sections]func(){
		sectionTerms:        out.terms,
		sectionIDs:          out.ids,
		sectionSuppliers:    func() { out.numbers(b.suppliers) },
		sectionSupplierText: func() { out.bytes(b.supplierText) },
		sectionText:         func() { out.bytes(b.text) },
		sectionLists:        func() { out.bytes(out.listed) },
		sectionExact:        func() { out.bytes(exact) },
		sectionAlike:        func() { out.bytes(alike) },
		sectionRanges:       func() { out.bytes(ranges) },
		sectionLengths:      func() { out.bytes(b.sortedLengths()) },
		sectionHosts:        func() { out.bytes(hosts) },
		sectionHostTable:    func() { out.bytes(hostTable) },
		sectionNameTails:    func() { out.bytes(endings.words) },
		sectionTails:        func() { out.bytes(tails[:]) },
		sectionLetters:      func() { out.bytes(letters[:]) },
		sectionWords:        func() { out.bytes(words) },
		sectionWordTable:    func() { out.bytes(wordTable) },
		sectionAnchors:      func() { out.bytes(anchors) },
		sectionPhrases:      out.phrases,
		sectionLogins:       func() { out.bytes(logins) },
	} {
		out.section(i, write)
	}
	copy(out.image, magic)
	put := binary.LittleEndian.PutUint32
	put(out.image[8:], imageVersion)
	binary.LittleEndian.PutUint64(out.image[16:], uint64(len(out.image)))
	put(out.image[paramsAt+4*paramLabels:], uint32(b.maxLabels))
	put(out.image[paramsAt+4*paramShortest:], uint32(shortest))
	put(out.image[paramsAt+4*paramLongest:], uint32(longest))
	if tails.worthAsking() {
		put(out.image[paramsAt+4*paramTails:], 1)
	}
	put(out.image[paramsAt+4*paramNameTail:], uint32(endings.last))
	if b.shortNames {
		put(out.image[paramsAt+4*paramShortNames:], 1)
	}
	put(out.image[sumAt:], crc32.Checksum(out.image[sumAt+4:], castagnoli))
	return out.image
}

// imageSize is about what the image takes, so that it is not copied while it grows.
func (b *builder) imageSize() int {
	n := headerBytes + 64*sections + termBytes*len(b.records) + len(b.text) + len(b.supplierText) + 4*len(b.suppliers)
	n += 2*len(b.exact.slots) + len(b.ranges.slots) + 24*len(b.phrases) + 4*len(b.hostKeys) + 2*minFilter + tailBytes
	if b.hasIDs() {
		n += 16 * len(b.terms)
	}
	return n + n/16
}

func (o *imageBuilder) section(i int, write func()) {
	o.image = append(o.image, make([]byte, -len(o.image)&63)...)
	start := len(o.image)
	write()
	at := o.image[sectionsAt+16*i:]
	binary.LittleEndian.PutUint64(at, uint64(start))
	binary.LittleEndian.PutUint64(at[8:], uint64(len(o.image)-start))
}

func (o *imageBuilder) bytes(b []byte) { o.image = append(o.image, b...) }

func (o *imageBuilder) numbers(list []uint32) {
	for _, v := range list {
		o.image = binary.LittleEndian.AppendUint32(o.image, v)
	}
}

func (o *imageBuilder) terms() {
	for _, r := range o.records {
		o.image = r.append(o.image)
	}
}

func (b *builder) hasIDs() bool {
	for _, t := range b.terms {
		if t.ID != 0 || t.SupplierID != 0 {
			return true
		}
	}
	return false
}

func (o *imageBuilder) ids() {
	if !o.hasIDs() {
		return
	}
	for _, t := range o.builder.terms {
		o.image = binary.LittleEndian.AppendUint64(o.image, uint64(t.ID))
		o.image = binary.LittleEndian.AppendUint64(o.image, uint64(t.SupplierID))
	}
}

func (o *imageBuilder) phrases() {
	for _, p := range o.builder.phrases {
		o.image = p.append(o.image)
	}
}

// names gives the slots of a set. The terms behind its other names are joined with those of base whose own text is the
// same.
func (o *imageBuilder) names(set, base *nameSet) []byte {
	slots := set.slots
	if len(set.other) > 0 {
		slots = freeSlots(set.count + len(set.other))
		for i := range len(set.slots) / 4 {
			if v := word32(set.slots, i); v != noSlot {
				place(slots, hashText(o.value(v)), v)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(set.other)) {
		all := slices.Concat(o.termsOf(base, name), set.other[name])
		slices.Sort(all)
		ref := o.list([]byte(name), slices.Compact(all))
		if i, taken := o.slotOf(slots, []byte(name)); taken {
			delete(set.same, word32(slots, i))
			binary.LittleEndian.PutUint32(slots[4*i:], ref)
		} else {
			place(slots, hashText([]byte(name)), ref)
		}
	}
	for _, first := range slices.Sorted(maps.Keys(set.same)) {
		i, _ := o.slotOf(slots, o.value(first))
		binary.LittleEndian.PutUint32(slots[4*i:], o.list(o.value(first), set.same[first]))
	}
	return slots
}

// list appends the terms behind a name to the lists and gives what stands for them in a slot.
func (o *imageBuilder) list(name []byte, terms []uint32) uint32 {
	at := uint32(len(o.listed) / 4)
	for _, v := range append([]uint32{o.addText(string(name)), uint32(len(name)), uint32(len(terms))}, terms...) {
		o.listed = binary.LittleEndian.AppendUint32(o.listed, v)
	}
	return at | listBit
}

// sortPhrases puts phrases with the same anchor side by side, and gives the slots of anchors and of logins.
func (b *builder) sortPhrases() (anchors, logins []byte) {
	slices.SortStableFunc(b.phrases, func(x, y phraseRecord) int { return bytes.Compare(x.anchor(b.text), y.anchor(b.text)) })
	distinct, accounts := 0, 0
	for i := range b.phrases {
		p := &b.phrases[i]
		p.more = i+1 < len(b.phrases) && bytes.Equal(p.anchor(b.text), b.phrases[i+1].anchor(b.text))
		if !p.more {
			distinct++
		}
		if isLogin(kinds[p.kind]) {
			accounts++
		}
	}
	anchors, logins = freeSlots(distinct), freeSlots(accounts)
	b.wordKeys = make([]setKey, 0, distinct)
	first := true
	for i, p := range b.phrases {
		if first {
			place(anchors, hashText(p.anchor(b.text)), uint32(i))
			b.wordKeys = append(b.wordKeys, setKey{keyOf(p.anchor(b.text)), true})
		}
		first = !p.more
		if isLogin(kinds[p.kind]) {
			place(logins, hashText(p.whole(b.text)), uint32(i))
		}
	}
	return anchors, logins
}

// anchorFilter is what finds the ends of anchor words, with the bytes of the longest and the characters of the shortest.
// Anchors beyond ASCII are found rune by rune.
func (b *builder) anchorFilter() (tails tailSet, letters wordLetters, longest, shortest int) {
	shortest = 4
	for _, p := range b.phrases {
		anchor := p.anchor(b.text)
		longest = max(longest, len(anchor))
		if asciiOnly(anchor) {
			tails.add(anchor)
			letters.add(anchor[len(anchor)-1])
			shortest = min(shortest, len(anchor))
		}
	}
	return tails, letters, longest, shortest
}

func (b *builder) sortedLengths() []byte {
	slices.SortFunc(b.lengths, func(x, y byte) int { return cmp.Compare(y, x) })
	return b.lengths
}
