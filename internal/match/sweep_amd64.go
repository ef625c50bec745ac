//go:build !purego

package match

import "golang.org/x/sys/cpu"

func init() {
	if cpu.X86.HasAVX2 && cpu.X86.HasBMI1 && cpu.X86.HasBMI2 && cpu.X86.HasPOPCNT && hasLZCNT() {
		sweep, filterTails, filterWords = sweepWide, filterTailsWide, filterWordsWide
		filterNames, filterHosts = filterNamesWide, filterHostsWide
	}
}

// hasLZCNT asks the processor itself, since package cpu does not tell. A processor without the instruction would run
// another one in its place.
func hasLZCNT() bool

// sweepWide is sweepPortable, 64 bytes at a time.
func sweepWide(k *chunk, p []byte, n int) {
	k.begin(n)
	if n == 0 {
		return
	}
	if n < 0 || n > chunkBlocks || len(p) < n*blockBytes {
		panic("match: sweep beyond its buffers")
	}
	sweepAVX2(k, &p[0], n)
}

func filterNamesWide(k *chunk, buf []byte, base int, ends []uint16, tails *nameTails, numbers uint64) int {
	if len(ends) == 0 {
		return 0
	}
	checkEnds(buf, base, ends)
	return filterNamesBMI(k, &buf[0], base, &ends[0], len(ends), &tails.words[0], tails.shift, tails.last, 1+11*numbers)
}

func filterHostsWide(k *chunk, buf []byte, base int, ends []uint16, keys *keySet, r hostRule, n int) int {
	k.shorts = 0
	if len(ends) == 0 {
		return n
	}
	checkEnds(buf, base, ends)
	if r.short == 0 { // ends are short themselves, which is written in the course of it
		ends = k.found[n : n+copy(k.found[n:], ends)]
	}
	return filterHostsBMI(k, &buf[0], base, &ends[0], len(ends), &keys.filter[0], keys.shift, r.short, r.numbers, n)
}

func filterTailsWide(k *chunk, buf []byte, base, first int, tails []byte) int {
	ends := k.wordEnds[first:k.words]
	if len(ends) == 0 {
		return 0
	}
	checkEnds(buf, base, ends)
	return filterTailsBMI(k, &buf[0], base, &ends[0], len(ends), &tails[0])
}

func filterWordsWide(k *chunk, buf []byte, base int, ends []uint16, keys *keySet) int {
	if len(ends) == 0 {
		return 0
	}
	checkEnds(buf, base, ends)
	return filterWordsBMI(k, &buf[0], base, &ends[0], len(ends), &keys.filter[0], keys.shift)
}

// checkEnds holds the ends, which are in order, to the buffer.
func checkEnds(buf []byte, base int, ends []uint16) {
	if base+int(ends[0]) < maxKey || base+int(ends[len(ends)-1]) > len(buf) {
		panic("match: places beyond the buffer")
	}
}

//go:noescape
func sweepAVX2(k *chunk, p *byte, n int)

// The filters give how many places are in found.

// filterNamesBMI keeps what ends in one of so many bytes from the dot on: the slash ends none.
//
//go:noescape
func filterNamesBMI(k *chunk, buf *byte, base int, ends *uint16, count int, words *byte, shift uint, last int, kept uint64) int

//go:noescape
func filterHostsBMI(k *chunk, buf *byte, base int, ends *uint16, count int, filter *byte, shift uint, short int, numbers uint64, n int) int

//go:noescape
func filterTailsBMI(k *chunk, buf *byte, base int, ends *uint16, count int, tails *byte) int

//go:noescape
func filterWordsBMI(k *chunk, buf *byte, base int, ends *uint16, count int, filter *byte, shift uint) int
