package match

import "github.com/wardline/wardline/internal/risk"

// cursor is the state of one pass over one buffer; it is reused from pass to pass.
type cursor struct {
	s    *Scanner
	buf  []byte
	hits []Hit

	chunk chunk
	last  [blockBytes]byte // the end of the buffer, padded

	unicodeDone int // the rune-by-rune way has read up to here
	punyDone    int // tokens with an xn-- label are decoded up to here

	fold []byte // a folded token or word
	skel []byte // its skeleton

	decoder decoder
	decoded bool // buf is what a decoder decoded
}

func (c *cursor) start(s *Scanner, buf []byte) {
	c.s, c.buf, c.hits = s, buf, c.hits[:0]
	c.chunk.start(&s.wordEnd)
	c.unicodeDone, c.punyDone = 0, 0
	c.decoder.sites, c.decoder.quoted = c.decoder.sites[:0], quoted{}
}

// run sweeps and walks the buffer chunk by chunk. The last block is always a padded one, perhaps empty, so that every
// run of characters ends inside some block.
func (c *cursor) run() {
	whole := len(c.buf) / blockBytes
	for b := 0; b < whole; b += chunkBlocks {
		n := min(chunkBlocks, whole-b)
		sweep(&c.chunk, c.buf[b*blockBytes:], n)
		c.walkSigns(c.buf[b*blockBytes:], b*blockBytes, n)
		c.walk(b*blockBytes, n)
	}
	clear(c.last[:])
	copy(c.last[:], c.buf[whole*blockBytes:])
	sweep(&c.chunk, c.last[:], 1)
	c.walkSigns(c.last[:], whole*blockBytes, 1)
	c.walk(whole*blockBytes, 1)
}

func (c *cursor) walk(base, n int) {
	c.walkHosts(base)
	c.walkWords(base)
	if c.chunk.pairs != 0 {
		c.walkPairs(base, n)
	}
	if c.chunk.high != 0 {
		c.walkHigh(base, n)
	}
}

// walkHosts looks at the host tokens that end in the chunk. Those that end with the first bytes of the buffer are
// looked at without a filter, which would read what stands before it.
func (c *cursor) walkHosts(base int) {
	if !c.s.hosts() && !c.s.addresses.v4 {
		return
	}
	k := &c.chunk
	early := 0
	for early < k.hosts && base+int(k.hostEnds[early]) < maxKey {
		c.tryToken(base + int(k.hostEnds[early]))
		early++
	}
	rule := hostRule{short: shortLabel}
	if c.s.addresses.v4 {
		rule.numbers = 1
	}
	ends := k.hostEnds[early:k.hosts]
	if len(c.s.nameTails.words) > 0 {
		ends = k.found[:filterNames(k, c.buf, base, ends, &c.s.nameTails, rule.numbers)]
	}
	passed := filterHosts(k, c.buf, base, ends, &c.s.hostKeys, rule, 0)
	if c.s.shortNames {
		passed = filterHosts(k, c.buf, base, k.short[:k.shorts], &c.s.hostKeys, hostRule{}, passed)
	}
	for i, at := range k.found[:passed] {
		end := base + int(at)
		in, _ := c.s.hostKeys.find(k.keys[i])
		if last := c.buf[end-1]; in || last == '.' || c.s.addresses.v4 && last-'0' < 10 {
			c.tryToken(end)
		}
	}
}

// tryToken compares the host token that ends at end.
func (c *cursor) tryToken(end int) {
	end = c.stripDots(end)
	if c.s.addresses.v4 && c.buf[end-1]-'0' < 10 {
		c.tryIPv4(end)
	}
	if c.s.hosts() {
		c.tryHost(end)
	}
}

// walkWords looks at the words that end in the chunk, save those that are shorter than every anchor or end as none does.
func (c *cursor) walkWords(base int) {
	if !c.s.words() {
		return
	}
	k := &c.chunk
	early := 0
	for early < k.words && base+int(k.wordEnds[early]) < maxKey {
		c.tryWord(base + int(k.wordEnds[early]))
		early++
	}
	ends := k.wordEnds[early:k.words]
	if c.s.useTails {
		ends = k.found[:filterTails(k, c.buf, base, early, c.s.tails)]
	}
	passed := filterWords(k, c.buf, base, ends, &c.s.wordKeys)
	for i, at := range k.found[:passed] {
		if in, _ := c.s.wordKeys.find(k.keys[i]); in {
			c.tryWord(base + int(at))
		}
	}
}

// walkPairs looks for the two dashes of punycode.
func (c *cursor) walkPairs(base, n int) {
	for b := 1; b <= n; b++ {
		dash := c.chunk.dashes(b)
		if pairs := dash & (dash<<1 | c.chunk.dashes(b-1)>>63); pairs != 0 {
			c.findPunycode(base+(b-1)*blockBytes, pairs)
		}
	}
}

func (c *cursor) walkHigh(base, n int) {
	for b := range n {
		at := base + b*blockBytes
		block := c.last[:]
		if at+blockBytes <= len(c.buf) {
			block = c.buf[at : at+blockBytes]
		}
		if anyHigh(block) {
			c.readHigh(at, highBits(block))
		}
	}
}

func (c *cursor) emit(start, end int, terms termList, kind risk.MatchKind) {
	for i := range terms.len() {
		c.hits = append(c.hits, Hit{Start: start, End: end, Term: terms.at(i), Kind: kind})
	}
}
