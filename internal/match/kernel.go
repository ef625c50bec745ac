package match

import "encoding/binary"

const (
	blockBytes  = 64
	chunkBlocks = 64 // blocks classified at a time: their planes stay in the first-level cache
	chunkBytes  = chunkBlocks * blockBytes
)

// planes are bitmaps over blocks of 64 bytes; bit i of element n+1 stands for byte 64n+i of the chunk. Element 0 is the
// last block of the chunk before.
type planes struct {
	label [chunkBlocks + 1]uint64 // letters, digits, '.', '_', '-'
	word  [chunkBlocks + 1]uint64 // letters, digits
	dot   [chunkBlocks + 1]uint64
	high  [chunkBlocks + 1]uint64 // bytes ≥ 0x80
}

// classify fills the planes for the first n whole blocks of p. It is the only part that a processor-specific kernel
// replaces (kernel_amd64.go; the build tag purego leaves it out), with the same bitmaps.
var classify = classifyPortable

const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
	lows  = 0x7f * ones

	gather = 0x0002040810204081 // multiplied with bits 7, 15, … 63, brings them together in the top byte
)

func classifyPortable(p []byte, out *planes, n int) {
	p = p[:n*blockBytes]
	for b := range n {
		block := p[b*blockBytes : b*blockBytes+blockBytes : b*blockBytes+blockBytes]
		var seen uint64
		out.label[b+1], out.word[b+1], out.dot[b+1], seen = classes(block)
		out.high[b+1] = 0
		if seen&highs != 0 {
			out.high[b+1] = highBits(block)
		}
	}
}

// classes gives the bitmaps of one block, and all its bytes in one. It works on eight bytes at a time. Adding 0x80-lo to
// a seven-bit byte carries into bit 7 when the byte is at least lo; bytes ≥ 0x80 are taken out at the end.
func classes(block []byte) (label, word, dot, seen uint64) {
	block = block[:blockBytes]
	for i := 0; i < blockBytes; i += 8 {
		x := binary.LittleEndian.Uint64(block[i : i+8])
		seen |= x
		y := x & lows
		z := y | 0x20*ones
		w := (z+(0x80-'a')*ones)&^(z+(0x7f-'z')*ones) | (y+(0x80-'0')*ones)&^(y+(0x7f-'9')*ones)
		notDot := (y ^ '.'*ones) + lows
		notDash := ((y ^ '-'*ones) + lows) & ((y ^ '_'*ones) + lows)
		ascii := ^x & highs
		w &= ascii
		d := ^notDot & ascii
		l := w | d | ^notDash&ascii
		label |= l * gather >> 56 << i
		word |= w * gather >> 56 << i
		dot |= d * gather >> 56 << i
	}
	return label, word, dot, seen
}

func highBits(block []byte) uint64 {
	var high uint64
	for i := 0; i < blockBytes; i += 8 {
		x := binary.LittleEndian.Uint64(block[i : i+8])
		high |= (x & highs) * gather >> 56 << i
	}
	return high
}
