package match

import (
	"encoding/binary"
	"math/bits"
)

const (
	blockBytes  = 64
	chunkBlocks = 64 // blocks swept at a time: their bitmaps stay in the first-level cache
	chunkBytes  = chunkBlocks * blockBytes
)

// chunk is what the sweep over some blocks finds, and what it carries over to the next ones. Bit i of element n+1 of a
// plane stands for byte 64n+i; element 0 is the last block before.
type chunk struct {
	seps    plane // what is no character of a label, or a dot
	nonword plane // what is no letter or digit
	last    plane // what a word must end in, for a kernel's own use

	blocks       int    // in the planes
	hosts, words int    // how many ends there are
	high, pairs  uint64 // not 0: there are bytes ≥ 0x80; two dashes or underscores stand side by side

	// Carried over.
	over   uint64 // 1: a run that holds an inner dot goes on
	dot    uint64 // 1: the last byte is one
	before byte   // the last byte

	wanted wordEnd
	ended  [chunkBlocks]uint64 // the places in wordEnds, as bits

	// Places after host tokens that hold a dot, and after words. No more than one for two bytes: the rest is room to
	// write ahead.
	hostEnds [placesRoom]uint16
	wordEnds [placesRoom]uint16

	// What filters kept.
	found  [placesRoom]uint16
	keys   [placesRoom]uint64 // of the hosts or words in found
	shorts int                // host ends that are in short
	short  [placesRoom]uint16
}

const placesRoom = chunkBytes/2 + blockBytes

// plane holds a bit for every byte of a chunk, and room in which four elements are written at a time.
type plane [chunkBlocks + 4]uint64

// wordEnd says which words have a place among the ends.
type wordEnd struct {
	any     uint64    // 0: none at all
	longer  [3]uint64 // all ones: words of one, two, three characters have none
	letters wordLetters
}

// wordLetters are the bytes that words may end in: for the low half of each the group of its high half.
type wordLetters [16]byte

// letterGroup is the bit for the high half of a digit or letter: the one that the kernel's own classes have for it.
func letterGroup(b byte) byte {
	switch b >> 4 {
	case 3:
		return 8
	case 4, 6:
		return 16
	}
	return 32
}

func (l *wordLetters) add(b byte) { l[b&15] |= letterGroup(b) }

func (l *wordLetters) has(b byte) bool { return l[b&15]&letterGroup(b) != 0 }

// newWordEnd has places for words of at least so many characters, at most 4.
func newWordEnd(shortest int, letters []byte) wordEnd {
	w := wordEnd{any: 1, letters: wordLetters(letters)}
	for i := range w.longer {
		if shortest > i+1 {
			w.longer[i] = ^uint64(0)
		}
	}
	return w
}

// start makes ready for a buffer.
func (k *chunk) start(wanted *wordEnd) {
	k.seps[0], k.nonword[0], k.last[0], k.blocks = ^uint64(0), ^uint64(0), 0, 0
	k.over, k.dot, k.before = 0, 0, 0
	k.wanted = *wanted
}

// dashes are the places of '-' and '_' in a block.
func (k *chunk) dashes(b int) uint64 { return k.nonword[b] &^ k.seps[b] }

// The parts that a processor-specific kernel replaces (sweep_amd64.go; the build tag purego leaves it out), with the
// same results. Ends that are filtered are at least maxKey bytes into buf, of which base is where the chunk begins.
var (
	// sweep finds the ends of host tokens and words in the first n blocks of p.
	sweep = sweepPortable
	// filterNames keeps, in found, those of ends whose last bytes are in tails; and those that end in a dot or, if asked,
	// a digit.
	filterNames = filterNamesPortable
	// filterHosts keeps, in found from place n on, those host ends from the first on whose key may be in the set, with
	// the keys; and those that end in a dot or a digit. Ends whose second-level label is short go into short as well. ends may
	// be found, for n = 0.
	filterHosts = filterHostsPortable
	// filterTails keeps, in found, those word ends from the first on whose last four bytes are in tails.
	filterTails = filterTailsPortable
	// filterWords keeps, in found, those of ends whose words' keys may be in the set, with the keys. ends may be found.
	filterWords = filterWordsPortable
)

func sweepPortable(k *chunk, p []byte, n int) {
	k.begin(n)
	p = p[:n*blockBytes]
	for b := 1; b <= n; b++ {
		block := p[(b-1)*blockBytes : b*blockBytes : b*blockBytes]
		label, word, dot, seen := classes(block)
		k.high |= seen & highs
		k.seps[b], k.nonword[b] = ^label|dot, ^word
		k.hosts = flatten(&k.hostEnds, k.endHosts(label, dot), (b-1)*blockBytes, k.hosts)
		k.ended[b-1] = k.endWords(b, block)
		k.words = flatten(&k.wordEnds, k.ended[b-1], (b-1)*blockBytes, k.words)
		dash := k.dashes(b)
		k.pairs |= dash & (dash<<1 | k.dashes(b-1)>>63)
		k.before = block[blockBytes-1]
	}
}

// begin makes ready for n blocks.
func (k *chunk) begin(n int) {
	k.seps[0], k.nonword[0], k.last[0], k.blocks = k.seps[k.blocks], k.nonword[k.blocks], k.last[k.blocks], n
	k.hosts, k.words, k.high, k.pairs = 0, 0, 0, 0
}

// endHosts gives the ends of label runs that hold a dot followed by a label character: adding those characters to the
// run makes a carry ripple to the run's end, over block borders too.
func (k *chunk) endHosts(label, dot uint64) uint64 {
	starts := (dot<<1 | k.dot) & (label &^ dot)
	k.dot = dot >> 63
	var sum uint64
	sum, k.over = bits.Add64(label, starts, k.over)
	return sum &^ label
}

// endWords gives the places after words in a block, save those that are surely shorter than every anchor and those that
// end as none does.
func (k *chunk) endWords(b int, block []byte) uint64 {
	w, now, before := &k.wanted, k.nonword[b], k.nonword[b-1]
	if w.any == 0 {
		return 0
	}
	none := now<<1 | before>>63
	for i, longer := range w.longer {
		none |= (now<<(i+2) | before>>(62-i)) & longer
	}
	ends := now &^ none
	for rest := ends; rest != 0; rest &= rest - 1 {
		at, last := bits.TrailingZeros64(rest), k.before
		if at > 0 {
			last = block[at-1]
		}
		if !w.letters.has(last) {
			ends &^= rest & -rest
		}
	}
	return ends
}

// flatten appends the places of the bits of ends. It writes four at a time whether they are there or not: how many
// there are is hard to foresee, so a branch for each would cost more.
func flatten(places *[placesRoom]uint16, ends uint64, base, count int) int {
	next := count + bits.OnesCount64(ends)
	for ends != 0 {
		out := (*[4]uint16)(places[count : count+4])
		out[0] = uint16(base + bits.TrailingZeros64(ends))
		ends &= ends - 1
		out[1] = uint16(base + bits.TrailingZeros64(ends))
		ends &= ends - 1
		out[2] = uint16(base + bits.TrailingZeros64(ends))
		ends &= ends - 1
		out[3] = uint16(base + bits.TrailingZeros64(ends))
		ends &= ends - 1
		count += 4
	}
	return next
}

func filterNamesPortable(k *chunk, buf []byte, base int, ends []uint16, tails *nameTails, numbers uint64) int {
	n := 0
	for _, at := range ends {
		end := base + int(at)
		word, bit := tails.place(buf[end-maxTail : end])
		number := numbers & less(int(buf[end-1]-'0'), 10)
		k.found[n] = at
		n += int(binary.LittleEndian.Uint64(tails.words[8*word:])>>bit&1 | same(buf[end-1], '.') | number)
	}
	return n
}

func filterHostsPortable(k *chunk, buf []byte, base int, ends []uint16, keys *keySet, r hostRule, n int) int {
	short := 0
	for _, at := range ends {
		end := base + int(at)
		l := labelsOf(k.window(&k.seps, at))
		isShort := less(l.second, r.short)
		size := l.two() + int(isShort)*(1+l.third)
		key := keyAt(buf, end, size)
		k.found[n], k.keys[n], k.short[short] = at, key, at
		number := r.numbers & less(int(buf[end-1]-'0'), 10)
		n += int(keys.may(key) | less(l.one, 1) | number)
		short += int(isShort)
	}
	k.shorts = short
	return n
}

// less is 1 for a < b, without a branch.
func less(a, b int) uint64 { return uint64(a-b) >> 63 }

// same is 1 for a = b, without a branch.
func same(a, b byte) uint64 { return (uint64(a^b) - 1) >> 63 }

// hostRule says how host tokens are keyed and what passes in any case.
type hostRule struct {
	short   int    // tokens whose second-level label is shorter are keyed by three labels
	numbers uint64 // 1: those that end in a digit pass
}

func filterTailsPortable(k *chunk, buf []byte, base, first int, tails []byte) int {
	n := 0
	for _, at := range k.wordEnds[first:k.words] {
		i := tailPlace(binary.LittleEndian.Uint32(buf[base+int(at)-4:]))
		k.found[n] = at
		n += int(tails[i>>3] >> (i & 7) & 1)
	}
	return n
}

func filterWordsPortable(k *chunk, buf []byte, base int, ends []uint16, keys *keySet) int {
	n := 0
	for _, at := range ends {
		key := keyAt(buf, base+int(at), bits.LeadingZeros64(k.window(&k.nonword, at)|1))
		k.found[n], k.keys[n] = at, key
		n += int(keys.may(key))
	}
	return n
}

// window shows the 64 places of a plane before one of the chunk, the nearest in the top bit.
func (k *chunk) window(p *plane, at uint16) uint64 {
	b := at / blockBytes % chunkBlocks
	return p[b+1]<<((63-at)&63)<<1 | p[b]>>(at&63)
}

const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
	lows  = 0x7f * ones

	gather = 0x0002040810204081 // multiplied with bits 7, 15, … 63, brings them together in the top byte
)

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

// anyHigh reports bytes ≥ 0x80, at less cost than their places.
func anyHigh(block []byte) bool {
	block = block[:blockBytes]
	var seen uint64
	for i := 0; i < blockBytes; i += 8 {
		seen |= binary.LittleEndian.Uint64(block[i : i+8])
	}
	return seen&highs != 0
}

func highBits(block []byte) uint64 {
	var high uint64
	for i := 0; i < blockBytes; i += 8 {
		x := binary.LittleEndian.Uint64(block[i : i+8])
		high |= (x & highs) * gather >> 56 << i
	}
	return high
}
