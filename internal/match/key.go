package match

import (
	"encoding/binary"
	"math/bits"
)

const (
	foldBits = 0x20 * ones // lower-cases ASCII letters; what it does to other bytes only matters to be repeatable
	maxKey   = 64          // longer identifiers are keyed by their last 64 bytes, which is what a bitmap window shows
)

// hash makes a key from the first and the last eight bytes and the length.
func hash(first, last uint64, n int) uint64 {
	hi, lo := bits.Mul64(last|foldBits, 0x9e3779b97f4a7c15)
	h := hi ^ lo ^ (first|foldBits)*0xd6e8feb86659fd93
	return (h ^ h>>29) * (0xbf58476d1ce4e5b9 + uint64(n)<<8)
}

// keyOf is the key of a whole identifier.
func keyOf(id []byte) uint64 {
	if len(id) > maxKey {
		id = id[len(id)-maxKey:]
	}
	if len(id) >= 8 {
		return hash(binary.LittleEndian.Uint64(id), binary.LittleEndian.Uint64(id[len(id)-8:]), len(id))
	}
	var b [8]byte
	copy(b[:], id)
	x := binary.LittleEndian.Uint64(b[:])
	return hash(x, x, len(id))
}

// keyAt is keyOf(buf[end-n:end]) for n ≤ maxKey, without a loop when eight bytes before end exist.
func keyAt(buf []byte, end, n int) uint64 {
	if n >= 8 {
		return hash(binary.LittleEndian.Uint64(buf[end-n:]), binary.LittleEndian.Uint64(buf[end-8:]), n)
	}
	if end < 8 {
		return keyOf(buf[end-n : end])
	}
	x := binary.LittleEndian.Uint64(buf[end-8:]) >> ((8 - uint(n)) * 8 & 63)
	return hash(x, x, n)
}

// keySet is a set of keys: a filter of single bits, sixteen or more a key, before an open-addressed table of the keys
// themselves. The filter and the table use different bits of the key, so that one's chance hits are not the other's.
type keySet struct {
	filter []uint64
	table  []uint64
	shift  uint
}

func newKeySet(keys []uint64) keySet {
	filterBits := max(12, bits.Len(uint(len(keys)*16)))
	tableBits := max(4, bits.Len(uint(len(keys)*2)))
	k := keySet{
		filter: make([]uint64, 1<<(filterBits-6)),
		table:  make([]uint64, 1<<tableBits),
		shift:  uint(64 - filterBits),
	}
	for _, key := range keys {
		i := key >> k.shift
		k.filter[i>>6] |= 1 << (i & 63)
		k.insert(key)
	}
	return k
}

func (k *keySet) insert(key uint64) {
	for i := key & uint64(len(k.table)-1); ; i = (i + 1) & uint64(len(k.table)-1) {
		if k.table[i] == key {
			return
		}
		if k.table[i] == 0 {
			k.table[i] = key
			return
		}
	}
}

// has reports whether key was put in; zero, the mark of an empty place, always counts as in and is left to the exact
// comparison that follows.
func (k *keySet) has(key uint64) bool {
	for i := key & uint64(len(k.table)-1); ; i = (i + 1) & uint64(len(k.table)-1) {
		switch k.table[i] {
		case key:
			return true
		case 0:
			return false
		}
	}
}
