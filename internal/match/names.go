package match

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// Slots are open-addressed tables of 4-byte numbers: noSlot is a free one, a number with the top bit is the place of a
// list, any other is a term (or phrase) whose own text is the name.
const (
	noSlot   = 1<<32 - 1
	listBit  = 1 << 31
	listHead = 3 // where the name begins in the text, its length, how many terms follow
)

// termList is the terms behind one name, 4 bytes each, as they stand in the image; nil when there are none.
type termList []byte

func (l termList) len() int { return len(l) / 4 }

func (l termList) at(i int) int { return int(word32(l, i)) }

// names is a table from names to terms. A name that it lacks is looked for in also.
type names struct{ slots, also []byte }

func (s *Scanner) findName(t names, name []byte) termList {
	h := hashText(name)
	if found := s.findSlot(t.slots, name, h); found != nil || t.also == nil {
		return found
	}
	return s.findSlot(t.also, name, h)
}

func (s *Scanner) findSlot(slots, name []byte, hash uint64) termList {
	n := len(slots) / 4
	for i := range probes(hash, n) {
		v := word32(slots, i)
		if v == noSlot {
			break
		}
		if v&listBit == 0 {
			if bytes.Equal(s.value(int(v)), name) {
				return termList(slots[4*i : 4*i+4])
			}
			continue
		}
		at := int(v &^ listBit)
		off, size, count := word32(s.lists, at), word32(s.lists, at+1), word32(s.lists, at+2)
		if bytes.Equal(s.text[off:off+size], name) {
			return termList(s.lists[4*(at+listHead) : 4*(at+listHead+int(count))])
		}
	}
	return nil
}

// probes gives the slots of n in which what has this hash may stand, in their order.
func probes(hash uint64, n int) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		if n == 0 {
			return
		}
		first, _ := bits.Mul64(hash, uint64(n))
		i := int(first)
		for range n {
			if !yield(i) {
				return
			}
			if i++; i == n {
				i = 0
			}
		}
	}
}

// slotsFor is how many slots n entries get: three for two, and one that is always free.
func slotsFor(n int) int {
	if n == 0 {
		return 0
	}
	return n + n/2 + 1
}

// place puts v into the first slot for hash that is free.
func place(slots []byte, hash uint64, v uint32) {
	for i := range probes(hash, len(slots)/4) {
		if word32(slots, i) == noSlot {
			binary.LittleEndian.PutUint32(slots[4*i:], v)
			return
		}
	}
}

func freeSlots(n int) []byte { return bytes.Repeat([]byte{0xff}, 4*slotsFor(n)) }

// hashText is part of the saved form: it must give the same on every machine.
func hashText(b []byte) uint64 {
	h := uint64(len(b)) * 0x9e3779b97f4a7c15
	for ; len(b) >= 8; b = b[8:] {
		h = mix(h ^ binary.LittleEndian.Uint64(b))
	}
	var rest uint64
	for i, x := range b {
		rest |= uint64(x) << (8 * i)
	}
	return mix(h ^ rest)
}

func mix(x uint64) uint64 {
	hi, lo := bits.Mul64(x^0xa0761d6478bd642f, 0xe7037ed1a0b428db)
	return hi ^ lo
}
