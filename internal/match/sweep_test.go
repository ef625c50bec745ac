package match

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// sweepText draws text whose runs are short and long, dotted and not, with the bytes beside every class among them.
func sweepText(t *rapid.T) []byte {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{".", "..", "-", "--", "_", "@", ":", "/", "`", "{", "[", "^", "\x00", "\n", "a", "Zz", "9", "a.b", "x.co.uk", "www.hospital.example", "10.1.2.3", "é", "\xff", "7f", "\x7f"}),
		rapid.Custom(func(t *rapid.T) string {
			return strings.Repeat(rapid.SampledFrom([]string{"a", ".", "a.", "ab", "-", "q7"}).Draw(t, "part"), rapid.IntRange(1, 90).Draw(t, "times"))
		}),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 1, 70), func(b []byte) string { return string(b) }),
	)
	return []byte(strings.Join(rapid.SliceOfN(piece, 0, 60).Draw(t, "pieces"), ""))
}

// found is what the four parts of the kernel give for a text.
type kernelFound struct {
	Seps, Nonword, Keys                   []uint64
	Hosts, Words, Found, Shorts, Tails, W []uint16
	Names                                 []uint16
	High, Pairs                           bool
}

type kernel struct {
	sweep       func(*chunk, []byte, int)
	filterNames func(*chunk, []byte, int, []uint16, *nameTails, uint64) int
	filterHosts func(*chunk, []byte, int, []uint16, *keySet, hostRule, int) int
	filterTails func(*chunk, []byte, int, int, []byte) int
	filterWords func(*chunk, []byte, int, []uint16, *keySet) int
}

func (f kernel) read(text []byte, wanted wordEnd, keys *keySet, tails []byte, names *nameTails, rule hostRule) (all []kernelFound) {
	var k chunk
	k.start(&wanted)
	for base := 0; base+blockBytes <= len(text); {
		n := min(1+base/blockBytes%chunkBlocks, (len(text)-base)/blockBytes)
		f.sweep(&k, text[base:], n)
		one := kernelFound{
			Seps: slices.Clone(k.seps[:n+1]), Nonword: slices.Clone(k.nonword[:n+1]), High: k.high != 0, Pairs: k.pairs != 0,
			Hosts: slices.Clone(k.hostEnds[:k.hosts]), Words: slices.Clone(k.wordEnds[:k.words]),
		}
		if base >= maxKey {
			one.Names = slices.Clone(k.found[:f.filterNames(&k, text, base, k.hostEnds[:k.hosts], names, rule.numbers)])
			kept := f.filterHosts(&k, text, base, k.hostEnds[:k.hosts], keys, rule, 0)
			one.Shorts = slices.Clone(k.short[:k.shorts])
			kept = f.filterHosts(&k, text, base, k.short[:k.shorts], keys, hostRule{}, kept)
			one.Found, one.Keys = slices.Clone(k.found[:kept]), slices.Clone(k.keys[:kept])
			one.Tails = slices.Clone(k.found[:f.filterTails(&k, text, base, 0, tails)])
			kept = f.filterWords(&k, text, base, k.wordEnds[:k.words], keys)
			one.W = slices.Clone(k.found[:kept])
			one.Keys = append(one.Keys, k.keys[:kept]...)
		}
		all = append(all, one)
		base += n * blockBytes
	}
	return all
}

// TestSweepsAgree holds the kernel that this processor uses against the portable one.
func TestSweepsAgree(t *testing.T) {
	portable := kernel{sweepPortable, filterNamesPortable, filterHostsPortable, filterTailsPortable, filterWordsPortable}
	inUse := kernel{sweep, filterNames, filterHosts, filterTails, filterWords}
	rapid.Check(t, func(t *rapid.T) {
		text := sweepText(t)
		var letters wordLetters
		for _, b := range []byte(rapid.SampledFrom([]string{"abcdefghijklmnopqrstuvwxyz0123456789", "a7", "glmopqz", ""}).Draw(t, "letters")) {
			letters.add(b)
		}
		wanted := newWordEnd(rapid.IntRange(1, 4).Draw(t, "shortest"), letters[:])
		wanted.any = rapid.Uint64Range(0, 1).Draw(t, "words")
		rule := hostRule{short: shortLabel, numbers: rapid.Uint64Range(0, 1).Draw(t, "numbers")}
		var tails tailSet
		for i := range tails {
			tails[i] = byte(i * 37)
		}
		keys := keySet{filter: make([]byte, minFilter), shift: 64 - 9}
		for i := range keys.filter {
			keys.filter[i] = byte(i*i) | byte(i)
		}
		names := openNameTails(make([]byte, minNameTails), rapid.IntRange(6, 8).Draw(t, "last"))
		for i := range names.words {
			names.words[i] = byte(i * 29)
		}
		got, want := inUse.read(text, wanted, &keys, tails[:], &names, rule), portable.read(text, wanted, &keys, tails[:], &names, rule)
		for i := range want {
			if !equalFound(got[i], want[i]) {
				t.Fatalf("part %d of %q\n got %v\nwant %v", i, text, got[i], want[i])
			}
		}
	})
}

func equalFound(a, b kernelFound) bool {
	return slices.Equal(a.Seps, b.Seps) && slices.Equal(a.Nonword, b.Nonword) && slices.Equal(a.Keys, b.Keys) &&
		slices.Equal(a.Hosts, b.Hosts) && slices.Equal(a.Names, b.Names) && slices.Equal(a.Words, b.Words) && slices.Equal(a.Found, b.Found) &&
		slices.Equal(a.Shorts, b.Shorts) && slices.Equal(a.Tails, b.Tails) && slices.Equal(a.W, b.W) &&
		a.High == b.High && a.Pairs == b.Pairs
}
