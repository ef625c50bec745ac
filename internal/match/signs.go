package match

import "encoding/binary"

// signs is a bitmap of the signs with which an escape may begin, over the blocks of a chunk: of several side by side in
// a block the last one, and backslashes. A rule of ===== is one sign. Only groups of blocks that hold some are filled.
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
		var found, slashes uint64
		for i := 0; i < blockBytes; i += 8 {
			x := binary.LittleEndian.Uint64(block[i : i+8])
			slash := equalBytes(x, '\\')
			found |= (signsIn(x) | slash) * gather >> 56 << i
			slashes |= slash * gather >> 56 << i
		}
		out[b] = found&^(found>>1) | slashes
		if found != 0 {
			groups |= 1 << (b / signGroup)
		}
	}
	return groups
}

// signsIn sets the top bit of each byte of x that is a sign, but for backslashes.
func signsIn(x uint64) (found uint64) {
	for _, sign := range [...]byte{'%', '&', '=', '[', '('} {
		found |= equalBytes(x, sign)
	}
	return found
}

// equalBytes sets the top bit of each byte of x that is b, of ASCII.
func equalBytes(x uint64, b byte) uint64 {
	return ^((x&lows ^ uint64(b)*ones) + lows) & ^x & highs
}
