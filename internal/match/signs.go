package match

import (
	"encoding/binary"
	"math/bits"
)

// signs is a bitmap of the signs that escapes begin with, over the blocks of a chunk. Only groups of blocks that hold
// some are filled.
type signs [chunkBlocks]uint64

// signGroup is how many blocks are looked at together: signs are rare in most text.
const signGroup = 4

// findSigns fills out for the first n whole blocks of p, and gives a bit for each group that holds a sign. A
// processor-specific kernel replaces it (signs_amd64.go).
var findSigns = findSignsPortable

func findSignsPortable(out *signs, p []byte, n int) (groups uint64) {
	return findSignsFrom(out, p, 0, n)
}

func findSignsFrom(out *signs, p []byte, from, n int) (groups uint64) {
	for b := from; b < n; b++ {
		block := p[b*blockBytes : b*blockBytes+blockBytes : b*blockBytes+blockBytes]
		var found uint64
		for i := 0; i < blockBytes; i += 8 {
			found |= signsIn(binary.LittleEndian.Uint64(block[i:i+8])) * gatherBits >> 56 << i
		}
		out[b] = found
		if found != 0 {
			groups |= 1 << (b / signGroup)
		}
	}
	return groups
}

const (
	everyByte  = 0x0101010101010101
	topBits    = 0x80 * everyByte
	lowBits    = 0x7f * everyByte
	gatherBits = 0x0002040810204081 // multiplied with bits 7, 15, … 63, brings them together in the top byte
)

// signsIn sets the top bit of each byte of x that is a sign.
func signsIn(x uint64) uint64 {
	y := x & lowBits
	none := uint64(topBits) // bytes that are no sign
	for _, sign := range [...]uint64{'%', '&', '\\', '=', '[', '('} {
		none &= (y ^ sign*everyByte) + lowBits
	}
	return ^none & ^x & topBits
}

// eachSign visits the places of the signs in the first n blocks of groups.
func (s *signs) each(groups uint64, n int, visit func(at int)) {
	for ; groups != 0; groups &= groups - 1 {
		first := bits.TrailingZeros64(groups) * signGroup
		for b := first; b < min(first+signGroup, n); b++ {
			for found := s[b]; found != 0; found &= found - 1 {
				visit(b*blockBytes + bits.TrailingZeros64(found))
			}
		}
	}
}
