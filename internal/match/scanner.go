// Package match owns the watch terms as a compiled scanner: bytes go in, hits come out. It is the hot path and it is
// pure. One pass finds every kind of term: domains and hosts on label boundaries, names on word boundaries, accounts
// and AD logins as whole tokens, addresses in ranges; what only looks like a watched domain is told apart.
//
// How it stays near memory speed: a kernel turns 64 bytes into bitmaps (label characters, word characters, dots,
// bytes ≥ 0x80); bit arithmetic finds the ends of dotted host tokens and of words; the last two labels, or the word,
// become a hash from two unaligned loads; a filter that fits the cache refuses nearly all of them. Only what is left
// is looked up and compared exactly. Text that holds bytes ≥ 0x80 takes a slower way of its own, rune by rune.
package match

import (
	"cmp"
	"slices"
	"sync"

	"github.com/wardline/wardline/internal/risk"
)

// Hit is one watched term found in a buffer. For a domain or host Start..End is the whole host token
// (vpn.hospital.example), for an AD domain the whole login (STMARY\jdoe), otherwise the term as it stands there.
type Hit struct {
	Start, End int
	Term       int // for Scanner.Term
	Kind       risk.MatchKind
}

// Scanner finds the terms that it was compiled from. It is safe for concurrent use. All of its tables are parts of one
// image (image.go).
type Scanner struct {
	image []byte

	records, ids, text, lists []byte // terms: see the sections of an image
	suppliers, supplierText   []byte

	exact, alike names
	nameTails    nameTails // of the names in exact and alike
	hostKeys     keySet    // keys of the names in exact and alike, see addHostKey
	shortNames   bool      // names of two labels whose first is short are among them
	maxLabels    int
	addresses    ranges

	tails    []byte // the last bytes of anchor words
	useTails bool
	wordKeys keySet // keys of the anchor words of phrases
	anchors  []byte // slots of folded anchor words
	phrases  []byte
	logins   []byte  // slots of folded accounts and AD domains
	wordEnd  wordEnd // what anchor words look like at their ends
	longest  int     // bytes of the longest anchor word

	pool sync.Pool // of *cursor
}

// hosts reports that domains or hosts are watched.
func (s *Scanner) hosts() bool { return len(s.exact.slots) > 0 }

// words reports that something is watched which is found by a word.
func (s *Scanner) words() bool { return len(s.phrases) > 0 }

// Scan calls visit for every hit in buf, in order of Start. A host token that is watched under several terms gives
// one hit for each. Nothing is allocated for bytes that do not match.
func (s *Scanner) Scan(buf []byte, visit func(Hit)) {
	c := s.pool.Get().(*cursor)
	defer s.pool.Put(c)
	c.start(s, buf)
	c.run()
	c.readSites()
	sortHits(c.hits)
	hits := slices.Compact(c.hits)
	c.buf = nil
	for _, h := range hits {
		visit(h)
	}
}

func sortHits(hits []Hit) {
	slices.SortFunc(hits, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End), cmp.Compare(a.Term, b.Term))
	})
}
