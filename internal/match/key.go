package match

import (
	"encoding/binary"
	"math/bits"
)

const (
	foldBits = 0x20 * ones // lower-cases ASCII letters; what it does to other bytes only matters to be repeatable
	maxKey   = 64          // longer identifiers are keyed as if they had 64 bytes, which is what a bitmap window shows
)

// keyBytes is how many bytes of an identifier, its last ones, are in its key; of the others only the number is.
const keyBytes = 16

// kept masks what the sixteen bytes before the end of an identifier of n bytes hold of it: no branch on its length,
// which is hard to foresee.
var kept = func() (masks [2 * maxKey][2]uint64) {
	for n := range masks {
		masks[n] = [2]uint64{^uint64(0) << (64 - 8*min(max(n-8, 0), 8)), ^uint64(0) << (64 - 8*min(n, 8))}
	}
	return masks
}()

// keyAt is the key of buf[end-n:end] for n ≤ maxKey, end ≥ keyBytes. Its lowest bit is left to the table.
func keyAt(buf []byte, end, n int) uint64 {
	b, masks := buf[end-keyBytes:end:end], &kept[n&(len(kept)-1)]
	first := (binary.LittleEndian.Uint64(b) | foldBits) & masks[0]
	last := (binary.LittleEndian.Uint64(b[8:]) | foldBits) & masks[1]
	h := last*0x9e3779b97f4a7c15 ^ first*0xd6e8feb86659fd93
	return (h ^ h>>32) * (0xbf58476d1ce4e5b9 + uint64(n)<<8)
}

// keyOf is the key of a whole identifier.
func keyOf(id []byte) uint64 {
	var b [maxKey]byte
	n := copy(b[maxKey-min(len(id), maxKey):], id[max(len(id)-maxKey, 0):])
	return keyAt(b[:], maxKey, n)
}

// keySet is a set of keys: a filter of single bits, sixteen or more a key, before an open-addressed table of the keys
// themselves. The filter and the table use different bits of the key, so that one's chance hits are not the other's.
// The lowest bit of a key in the table says that it stands for a whole identifier, not only for the end of longer ones.
type keySet struct {
	filter []uint64
	whole  []uint64 // the filter of whole identifiers only
	table  []uint64
	shift  uint
}

// setKey is a key on its way into a set.
type setKey struct {
	key   uint64
	whole bool
}

func newKeySet(keys []setKey) keySet {
	filterBits := max(12, bits.Len(uint(len(keys)*16)))
	tableBits := max(4, bits.Len(uint(len(keys)*2)))
	k := keySet{
		filter: make([]uint64, 1<<(filterBits-6)),
		whole:  make([]uint64, 1<<(filterBits-6)),
		table:  make([]uint64, 1<<tableBits),
		shift:  uint(64 - filterBits),
	}
	for _, key := range keys {
		i := key.key >> k.shift
		k.filter[i>>6] |= 1 << (i & 63)
		if key.whole {
			k.whole[i>>6] |= 1 << (i & 63)
		}
		k.insert(key)
	}
	return k
}

func (k *keySet) insert(key setKey) {
	i := k.place(key.key)
	k.table[i] |= key.key &^ 1
	if key.whole {
		k.table[i] |= 1
	}
}

// place is where key stands, or the empty place where it would.
func (k *keySet) place(key uint64) uint64 {
	mask := uint64(len(k.table) - 1)
	for i := key >> 1 & mask; ; i = (i + 1) & mask {
		if at := k.table[i]; at == 0 || (at^key)>>1 == 0 {
			return i
		}
	}
}

// find reports whether key was put in, and whether it stands for a whole identifier.
func (k *keySet) find(key uint64) (in, whole bool) {
	at := k.table[k.place(key)]
	return at != 0, at&1 != 0
}

// tailSet is a filter of the last four bytes of words.
type tailSet [1 << 16 / 64]uint64

func (t *tailSet) place(tail uint32) uint32 { return (tail | foldBits&0xffffffff) * 0x9e3779b1 >> 16 }

func (t *tailSet) has(tail uint32) uint64 {
	i := t.place(tail)
	return t[i>>6] >> (i & 63) & 1
}

// add lets words that end in the anchor pass. Before a word of three characters stands any byte that is not one of a
// word; still shorter ones let everything pass.
func (t *tailSet) add(anchor string) {
	n := len(anchor)
	switch {
	case n >= 4:
		t.set(binary.LittleEndian.Uint32([]byte(anchor[n-4:])))
	case n == 3:
		for b := range 256 {
			if !isWord(byte(b)) {
				t.set(binary.LittleEndian.Uint32(append([]byte{byte(b)}, anchor...)))
			}
		}
	default:
		for i := range t {
			t[i] = ^uint64(0)
		}
	}
}

func (t *tailSet) set(tail uint32) {
	i := t.place(tail)
	t[i>>6] |= 1 << (i & 63)
}
