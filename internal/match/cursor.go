package match

import (
	"encoding/binary"
	"math/bits"

	"github.com/wardline/wardline/internal/risk"
)

// cursor is the state of one pass over one buffer; it is reused from pass to pass.
type cursor struct {
	s    *Scanner
	buf  []byte
	hits []Hit

	planes   planes
	seps     [chunkBlocks + 1]uint64 // what is no character of a label, or a dot
	hostOver uint64                  // 1: a run that holds an inner dot goes on in the next chunk
	last     [blockBytes]byte        // the end of the buffer, padded

	// Places in the chunk, found first and looked at then: loops without surprises for the processor.
	ends  [chunkBytes]uint16 // at most one for two bytes; the rest is room to write ahead
	found [chunkBytes]uint16
	keys  [chunkBytes / 2]uint64 // of the hosts in found

	unicodeDone int // the rune-by-rune way has read up to here
	punyDone    int // tokens with an xn-- label are decoded up to here

	fold []byte // a folded token or word
	skel []byte // its skeleton
}

func (c *cursor) start(s *Scanner, buf []byte) {
	c.s, c.buf, c.hits = s, buf, c.hits[:0]
	c.planes.label[0], c.planes.word[0], c.planes.dot[0], c.seps[0] = 0, 0, 0, ^uint64(0)
	c.hostOver, c.unicodeDone, c.punyDone = 0, 0, 0
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
	p := &c.planes
	for b, high := range p.high[1 : n+1] {
		if high != 0 {
			c.readHigh(base+b*blockBytes, high)
		}
	}
	p.label[0], p.word[0], p.dot[0], c.seps[0] = p.label[n], p.word[n], p.dot[n], c.seps[n]
}

// walkHosts looks at the host tokens that end in the chunk.
func (c *cursor) walkHosts(base, n int) {
	count := c.findHostEnds(base, n)
	if len(c.s.exact) > 0 {
		for _, at := range c.filterHosts(base, count) {
			c.tryHost(base, int(at))
		}
	}
	if c.s.addresses.v4 {
		for _, at := range c.ends[:count] {
			end := c.stripDots(base + int(at))
			if c.buf[end-1]-'0' < 10 {
				c.tryIPv4(end)
			}
		}
	}
}

// findHostEnds fills c.ends with the ends of label runs that hold a dot followed by a label character: adding those
// characters to the run makes a carry ripple to the run's end, over block borders too.
func (c *cursor) findHostEnds(base, n int) int {
	p, count := &c.planes, 0
	over := c.hostOver
	for b := 1; b <= n; b++ {
		label, dot := p.label[b], p.dot[b]
		starts := (dot<<1 | p.dot[b-1]>>63) & (label &^ dot)
		c.seps[b] = ^label | dot
		var sum uint64
		sum, over = bits.Add64(label, starts, over)
		count = c.flatten(sum&^label, (b-1)*blockBytes, count)

		dash := label &^ (p.word[b] | dot)
		before := p.label[b-1] &^ (p.word[b-1] | p.dot[b-1])
		if pairs := dash & (dash<<1 | before>>63); pairs != 0 {
			c.findPunycode(base+(b-1)*blockBytes, pairs)
		}
	}
	c.hostOver = over
	return count
}

// flatten appends the places of the bits of ends to c.ends. It writes four at a time whether they are there or not:
// how many there are is hard to foresee, so a branch for each would cost more.
func (c *cursor) flatten(ends uint64, base, count int) int {
	next := count + bits.OnesCount64(ends)
	for ends != 0 {
		out := (*[4]uint16)(c.ends[count : count+4])
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

// window shows the 64 places before at, the nearest in the top bit, of the plane whose blocks are before and here.
func window(before, here uint64, at uint) uint64 {
	return here<<((63-at)&63)<<1 | before>>(at&63)
}

// filterHosts fills c.found with those of the first count ends that watched names may end at: by their last two labels
// and, where those are only the end of longer names, by their last three. The filters take one pass each, and a pass
// does not branch on what a filter says.
func (c *cursor) filterHosts(base, count int) []uint16 {
	passed := c.filterPairs(base, count)
	passed = c.filterTriples(base, passed)
	found := c.found[:0]
	for i, at := range c.found[:passed] {
		key := c.keys[i]
		in, whole := c.s.hosts.find(key)
		if in && !whole {
			in, _ = c.s.deep.find(c.tripleKey(base, at))
		}
		if in {
			found = append(found, at)
		}
	}
	return found
}

// filterPairs keeps the ends whose last two labels pass, with their keys. Those few for which no key can be made from
// the bitmaps are looked at here and now.
func (c *cursor) filterPairs(base, count int) int {
	filter, shift := c.s.hosts.filter, c.s.hosts.shift&63
	buf, passed := c.buf, 0
	for _, at := range c.ends[:count] {
		end := base + int(at)
		w := c.labels(at)
		last := bits.LeadingZeros64(w) + 1
		if last == 1 || end < maxKey { // the run ends in dots, or the buffer has just begun
			c.tryHost(base, int(at))
			continue
		}
		key := keyAt(buf, end, min(last+bits.LeadingZeros64(w<<uint(last)), maxKey))
		i := key >> shift
		c.found[passed&(len(c.found)-1)] = at
		c.keys[passed&(len(c.keys)-1)] = key
		passed += int(filter[i>>6] >> (i & 63) & 1)
	}
	return passed
}

// filterTriples keeps, of the ends that filterPairs kept, those whose two labels may be a watched name or whose three
// may be the end of one.
func (c *cursor) filterTriples(base, count int) int {
	whole, shift := c.s.hosts.whole, c.s.hosts.shift&63
	deep, deepShift := c.s.deep.filter, c.s.deep.shift&63
	passed := 0
	for n, at := range c.found[:count] {
		key := c.keys[n]
		i, j := key>>shift, c.tripleKey(base, at)>>deepShift
		c.found[passed&(len(c.found)-1)] = at
		c.keys[passed&(len(c.keys)-1)] = key
		passed += int((whole[i>>6]>>(i&63) | deep[j>>6]>>(j&63)) & 1)
	}
	return passed
}

// tripleKey is the key of the last three labels before a place of the chunk.
func (c *cursor) tripleKey(base int, at uint16) uint64 {
	w, size := c.labels(at), 0
	for range 3 {
		size += 1 + bits.LeadingZeros64(w<<uint(size))
	}
	return keyAt(c.buf, base+int(at), min(size-1, maxKey))
}

// labels is a window on what separates labels before a place of the chunk.
func (c *cursor) labels(at uint16) uint64 {
	b := at / blockBytes % chunkBlocks
	return window(c.seps[b], c.seps[b+1], uint(at))
}

// walkWords looks at the words that end in the chunk and are at least as long as the shortest anchor.
func (c *cursor) walkWords(base, n int) {
	for _, at := range c.filterWords(base, c.filterTails(base, n)) {
		if in, _ := c.s.words.find(c.wordKey(base, at)); in {
			c.tryWord(base + int(at))
		}
	}
}

// filterWords keeps, in c.found, those of ends whose words pass. The words that begin the buffer are looked at here.
func (c *cursor) filterWords(base int, ends []uint16) []uint16 {
	filter, shift, passed := c.s.words.filter, c.s.words.shift&63, 0
	for _, at := range ends {
		if base+int(at) < maxKey {
			c.tryWord(base + int(at))
			continue
		}
		i := c.wordKey(base, at) >> shift
		c.found[passed&(len(c.found)-1)] = at
		passed += int(filter[i>>6] >> (i & 63) & 1)
	}
	return c.found[:passed]
}

func (c *cursor) wordKey(base int, at uint16) uint64 {
	p, b := &c.planes, at/blockBytes%chunkBlocks
	return keyAt(c.buf, base+int(at), bits.LeadingZeros64(window(^p.word[b], ^p.word[b+1], uint(at))))
}

// filterTails fills c.found with the ends of words whose last four bytes are those of an anchor.
func (c *cursor) filterTails(base, n int) []uint16 {
	var any2, any3, any4 uint64
	switch c.s.shortest {
	case 1:
		any2, any3, any4 = ^any2, ^any3, ^any4
	case 2:
		any3, any4 = ^any3, ^any4
	case 3:
		any4 = ^any4
	}
	p, buf, tails, passed := &c.planes, c.buf, &c.s.tails, 0
	for b := 1; b <= n; b++ {
		before, here := p.word[b-1], p.word[b]
		ends := (here<<1 | before>>63) &^ here // the places after words
		ends &= here<<2 | before>>62 | any2
		ends &= here<<3 | before>>61 | any3
		ends &= here<<4 | before>>60 | any4
		for first := (b - 1) * blockBytes; ends != 0; ends &= ends - 1 {
			at := first + bits.TrailingZeros64(ends)
			c.found[passed&(len(c.found)-1)] = uint16(at)
			if end := base + at; end < 4 {
				passed++
			} else {
				passed += int(tails.has(binary.LittleEndian.Uint32(buf[end-4:])))
			}
		}
	}
	return c.found[:passed]
}

func (c *cursor) emit(start, end int, terms []int32, kind risk.MatchKind) {
	for _, t := range terms {
		c.hits = append(c.hits, Hit{Start: start, End: end, Term: int(t), Kind: kind})
	}
}
