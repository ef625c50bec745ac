package match

import (
	"math/bits"

	"github.com/wardline/wardline/internal/risk"
)

// cursor is the state of one pass over one buffer; it is reused from pass to pass.
type cursor struct {
	s    *Scanner
	buf  []byte
	hits []Hit

	planes planes
	carry  carry
	last   [blockBytes]byte // the end of the buffer, padded

	unicodeDone int // the rune-by-rune way has read up to here
	punyDone    int // tokens with an xn-- label are decoded up to here

	fold []byte // a folded token or word
	skel []byte // its skeleton
}

// carry is what one block hands to the next.
type carry struct {
	dot      uint64 // 1: the last byte was a dot
	host     uint64 // 1: a run that holds an inner dot goes on
	boundary uint64 // bytes that cannot be inside a label
	word     uint64
	long     uint64 // 1: the last byte was at least the shortest'th of its word
	dash     uint64
}

func (c *cursor) start(s *Scanner, buf []byte) {
	c.s, c.buf, c.hits = s, buf, c.hits[:0]
	c.carry = carry{boundary: ^uint64(0)}
	c.unicodeDone, c.punyDone = 0, 0
}

// run classifies and walks the buffer chunk by chunk. The last block is always a padded one, perhaps empty, so that
// every run of characters ends inside some block.
func (c *cursor) run() {
	whole := len(c.buf) / blockBytes
	for b := 0; b < whole; b += chunkBlocks {
		n := min(chunkBlocks, whole-b)
		classify(c.buf[b*blockBytes:], &c.planes, n)
		c.walk(b*blockBytes, n)
	}
	clear(c.last[:])
	copy(c.last[:], c.buf[whole*blockBytes:])
	classify(c.last[:], &c.planes, 1)
	c.walk(whole*blockBytes, 1)
}

func (c *cursor) walk(base, n int) {
	c.walkHosts(base, n)
	if len(c.s.phrases) > 0 {
		c.walkWords(base, n)
	}
	for b, high := range c.planes.high[:n] {
		if high != 0 {
			c.readHigh(base+b*blockBytes, high)
		}
	}
}

// walkHosts finds the ends of label runs that hold a dot followed by a label character: adding those characters to
// the run makes a carry ripple to the run's end, over block borders too.
func (c *cursor) walkHosts(base, n int) {
	filter, shift := c.s.hosts.filter, c.s.hosts.shift&63
	buf, k := c.buf, &c.carry
	for b := range n {
		label, dot := c.planes.label[b], c.planes.dot[b]
		starts := (dot<<1 | k.dot) & (label &^ dot)
		k.dot = dot >> 63
		sum, over := bits.Add64(label, starts, k.host)
		k.host = over
		boundary := ^label | dot
		for ends := sum &^ label; ends != 0; ends &= ends - 1 {
			at := bits.TrailingZeros64(ends)
			end := base + b*blockBytes + at
			window := boundary<<((63-uint(at))&63)<<1 | k.boundary>>(uint(at)&63) // its top bit stands for end-1
			last := bits.LeadingZeros64(window) + 1
			size := min(last+bits.LeadingZeros64(window<<uint(last)), maxKey)
			if last == 1 { // the run ends in dots
				end, size = stripDots(buf, end)
			}
			key := keyAt(buf, end, size)
			i := key >> shift
			if filter[i>>6]>>(i&63)&1 != 0 && c.s.hosts.has(key) {
				c.tryHost(end)
			}
			if c.s.addresses.v4 && buf[end-1]-'0' < 10 {
				c.tryIPv4(end)
			}
		}
		k.boundary = boundary
		dash := label &^ c.planes.word[b] &^ dot
		if pairs := dash & (dash<<1 | k.dash); pairs != 0 {
			c.findPunycode(base+b*blockBytes, pairs)
		}
		k.dash = dash >> 63
	}
}

// walkWords finds the ends of words that are at least as long as the shortest anchor.
func (c *cursor) walkWords(base, n int) {
	filter, shift := c.s.words.filter, c.s.words.shift&63
	buf, k := c.buf, &c.carry
	var any2, any3, any4 uint64
	if c.s.shortest < 2 {
		any2 = ^any2
	}
	if c.s.shortest < 3 {
		any3 = ^any3
	}
	if c.s.shortest < 4 {
		any4 = ^any4
	}
	for b := range n {
		word := c.planes.word[b]
		long := word & (word<<1 | k.word>>63 | any2) & (word<<2 | k.word>>62 | any3) & (word<<3 | k.word>>61 | any4)
		for ends := (long<<1 | k.long) &^ word; ends != 0; ends &= ends - 1 {
			at := bits.TrailingZeros64(ends)
			end := base + b*blockBytes + at
			window := ^word<<((63-uint(at))&63)<<1 | ^k.word>>(uint(at)&63)
			size := bits.LeadingZeros64(window)
			key := keyAt(buf, end, size)
			i := key >> shift
			if filter[i>>6]>>(i&63)&1 != 0 && c.s.words.has(key) {
				c.tryWord(end)
			}
		}
		k.long = long >> 63
		k.word = word
	}
}

// stripDots gives the end of a host token without its trailing dots, and the size of its last two labels.
func stripDots(buf []byte, end int) (int, int) {
	for buf[end-1] == '.' {
		end--
	}
	start, dots := end, 0
	for ; start > 0 && end-start < maxKey && isLabel(buf[start-1]); start-- {
		if buf[start-1] == '.' {
			if dots++; dots == 2 {
				break
			}
		}
	}
	return end, end - start
}

func (c *cursor) emit(start, end int, terms []int32, kind risk.MatchKind) {
	for _, t := range terms {
		c.hits = append(c.hits, Hit{Start: start, End: end, Term: int(t), Kind: kind})
	}
}
