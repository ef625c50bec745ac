package match

import (
	"encoding/binary"
	"math/bits"
)

const (
	foldBits = 0x20 * ones // lower-cases ASCII letters; what it does to other bytes only matters to be repeatable
	maxKey   = 56          // longer identifiers are keyed as if they had 56 bytes, which is what a bitmap window shows
)

// keyBytes is how many bytes of an identifier, its last ones, are in its key; of the others only the number is.
const keyBytes = 16

// Keys are part of the saved form of a watchlist and of what a block index holds: they never change without a version.
const (
	keyLast   = 0x9e3779b97f4a7c15
	keyLength = 0xbf58476d1ce4e5b9
)

// kept has, for an identifier of n bytes, the masks of what the sixteen bytes before its end hold of it, and what
// brings its length in: no branch on the length, which is hard to foresee.
var kept = func() (of [256][4]uint64) {
	for n := range of {
		size := min(n, maxKey)
		of[n] = [4]uint64{^uint64(0) << (64 - 8*min(max(size-8, 0), 8)), ^uint64(0) << (64 - 8*min(size, 8)), keyLength + uint64(size)<<8}
	}
	return of
}()

// keyAt is the key of buf[end-n:end] for n < len(kept), end ≥ keyBytes.
func keyAt(buf []byte, end, n int) uint64 {
	b, by := buf[end-keyBytes:end:end], &kept[n&(len(kept)-1)]
	first := (binary.LittleEndian.Uint64(b) | foldBits) & by[0]
	last := (binary.LittleEndian.Uint64(b[8:]) | foldBits) & by[1]
	hi, lo := bits.Mul64(last^keyLast, first^by[2])
	return hi ^ lo
}

// keyOf is the key of a whole identifier.
func keyOf(id []byte) uint64 {
	var b [maxKey]byte
	n := copy(b[maxKey-min(len(id), maxKey):], id[max(len(id)-maxKey, 0):])
	return keyAt(b[:], maxKey, n)
}

// keySet is a set of keys: a filter that stays in the cache before a table of their prints. The filter sets two bits in
// the one word of it that a key's top bits choose; the table takes the key mixed once more, so that one's chance hits
// are not the other's.
type keySet struct {
	filter []byte // words of 8 bytes
	shift  uint   // brings a key's word number down
	table  []byte // prints of 4 bytes, open-addressed; 0 is a free place
}

// minFilter is the smallest filter, in bytes. It may be as large as it likes to be while it stays in the first-level
// cache.
const minFilter = 4 << 10

// setKey is a key on its way into a set; whole when it stands for an identifier and not only for the end of longer ones.
type setKey struct {
	key   uint64
	whole bool
}

// newKeySet gives filter and table for keys.
func newKeySet(keys []setKey) (filter, table []byte) {
	perKey := 16
	if len(keys) > 1<<17 {
		perKey = 8 // what does not fit the second-level cache is better small than exact
	}
	filter = make([]byte, max(minFilter, 1<<bits.Len(uint(len(keys)*perKey))/8))
	table = make([]byte, 4*slotsFor(len(keys)))
	set := keySet{filter: filter, shift: uint(64 - bits.TrailingZeros(uint(len(filter)/8))), table: table}
	for _, key := range keys {
		w := filter[key.key>>set.shift*8:]
		binary.LittleEndian.PutUint64(w, binary.LittleEndian.Uint64(w)|1<<(key.key&63)|1<<(key.key>>6&63))
		set.insert(key)
	}
	return filter, table
}

func (k *keySet) insert(key setKey) {
	hash, print := tablePlace(key.key)
	for i := range probes(hash, len(k.table)/4) {
		at := word32(k.table, i)
		if at != 0 && at&^wholeBit != print {
			continue
		}
		if key.whole {
			print |= wholeBit
		}
		binary.LittleEndian.PutUint32(k.table[4*i:], at|print)
		return
	}
}

const wholeBit = 1 // in a print

func tablePlace(key uint64) (hash uint64, print uint32) {
	h := mix(key)
	return h, uint32(h)&^wholeBit | 2
}

// may asks the filter: 1 when key may be in the set.
func (k *keySet) may(key uint64) uint64 {
	w := binary.LittleEndian.Uint64(k.filter[key>>(k.shift&63)*8:])
	return w >> (key & 63) & (w >> (key >> 6 & 63)) & 1
}

// find reports whether key is in the set, wrongly once in a thousand million times, and whether it stands for a whole
// identifier.
func (k *keySet) find(key uint64) (in, whole bool) {
	hash, print := tablePlace(key)
	slots := uint64(len(k.table) / 4)
	first, _ := bits.Mul64(hash, slots)
	for i, left := first, slots; left > 0; left-- { // probes, without what an iterator costs
		switch at := word32(k.table, int(i)); {
		case at == 0:
			return false, false
		case at&^wholeBit == print:
			return true, at&wholeBit != 0
		}
		if i++; i == slots {
			i = 0
		}
	}
	return false, false
}

// tailBytes is the size of the filter of the last four bytes of words.
const tailBytes = 1 << 16 / 8

type tailSet [tailBytes]byte

func tailPlace(tail uint32) uint32 { return (tail | foldBits&0xffffffff) * 0x9e3779b1 >> 16 }

// add lets words that end in the anchor pass. Before a word of three characters stands any byte that is not one of a
// word; still shorter ones let everything pass.
func (t *tailSet) add(anchor []byte) {
	n := len(anchor)
	switch {
	case n >= 4:
		t.set(binary.LittleEndian.Uint32(anchor[n-4:]))
	case n == 3:
		for b := range 256 {
			if !isWord(byte(b)) {
				t.set(binary.LittleEndian.Uint32(append([]byte{byte(b)}, anchor...)))
			}
		}
	default:
		for i := range t {
			t[i] = 0xff
		}
	}
}

func (t *tailSet) set(tail uint32) {
	i := tailPlace(tail)
	t[i>>3] |= 1 << (i & 7)
}

// worthAsking reports that the filter refuses enough to pay for asking it.
func (t *tailSet) worthAsking() bool {
	set := 0
	for _, b := range t {
		set += bits.OnesCount8(b)
	}
	return set < tailBytes*8/2
}

// nameTails is a filter of the last bytes of watched names: in the word that is chosen by the last six to eight of them
// stands a bit for the two before.
type nameTails struct {
	words []byte // of 8 bytes each; empty where the filter is not worth asking
	shift uint   // brings a tail's word number down
	last  int    // how many bytes choose the word
}

const (
	minNameTails = 4 << 10  // bytes
	maxNameTails = 32 << 10 // it stays in the first-level cache
	mostNames    = 3 * maxNameTails

	tailBits = 2 // how many bytes choose the bit
	maxTail  = 8 + tailBits
)

// place tells the word and the bit for the last bytes of b, which holds maxTail of them or more.
func (t *nameTails) place(b []byte) (word uint64, bit uint) {
	last := binary.LittleEndian.Uint64(b[len(b)-8:]) | foldBits
	before := binary.LittleEndian.Uint16(b[len(b)-t.last-tailBits:]) | foldBits&0xffff
	return last >> (64 - 8*t.last) * keyLast >> (t.shift & 63), uint(before*0x79b1>>10) & 63
}

// newNameTails gives a filter for names, without words where it would refuse too little to pay for asking it: of those
// whose words are chosen by more and fewer bytes the one that refuses most of what ends much as the names do.
func newNameTails(names []string) (best nameTails) {
	if len(names) == 0 || len(names) > mostNames {
		return nameTails{}
	}
	least := len(names) * 64 / 2
	for last := 6; last <= 8; last++ {
		t := openNameTails(make([]byte, min(max(minNameTails, 2<<bits.Len(uint(len(names)))), maxNameTails)), last)
		passing, ok := 0, true
		for _, name := range names {
			ok = ok && t.add(name)
		}
		for _, name := range names {
			passing += t.crowd(name)
		}
		if ok && passing < least {
			best, least = t, passing
		}
	}
	return best
}

func openNameTails(words []byte, last int) nameTails {
	return nameTails{words: words, shift: uint(64 - bits.TrailingZeros(uint(len(words)/8))), last: last}
}

// crowd is how many bits there are in the word of a name.
func (t *nameTails) crowd(name string) int {
	var tail [maxTail]byte
	copy(tail[max(maxTail-len(name), 0):], name[max(len(name)-maxTail, 0):])
	word, _ := t.place(tail[:])
	return bits.OnesCount64(binary.LittleEndian.Uint64(t.words[8*word:]))
}

// add lets tokens that end in the name pass. Before a shorter name stands a dot or what is of no label. Still shorter
// ones would let nearly everything pass: it reports false.
func (t *nameTails) add(name string) bool {
	var tail [maxTail]byte
	n := len(name)
	copy(tail[max(maxTail-n, 0):], name[max(n-maxTail, 0):])
	switch missing := t.last + tailBits - n; {
	case missing <= 0:
		t.set(tail[:], false)
	case missing == 2:
		t.set(tail[:], true)
	case missing == 1, missing == 3:
		for b := range 256 {
			if b == '.' || !isLabel(byte(b)) {
				tail[maxTail-n-1] = byte(b)
				t.set(tail[:], missing == 3)
			}
		}
	default:
		return false
	}
	return true
}

// set sets the bit of a tail, or all bits of its word.
func (t *nameTails) set(tail []byte, all bool) {
	word, bit := t.place(tail)
	w := t.words[8*word:]
	bits := uint64(1) << bit
	if all {
		bits = ^uint64(0)
	}
	binary.LittleEndian.PutUint64(w, binary.LittleEndian.Uint64(w)|bits)
}
