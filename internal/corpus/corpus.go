// Package corpus makes invented leak material with ground truth: a seeded mix of url:login:password lines, combolists
// and label blocks with junk between, a watchlist, and the list of every hit that a scan must find. It is what the
// benchmark measures on and what exactness is proved with.
package corpus

import (
	"bufio"
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/wardline/wardline/internal/risk"
)

// Options say what to make; the same options make the same bytes.
type Options struct {
	Seed  uint64
	Bytes int64   // at least this much, to the end of a record
	Share float64 // of records that are about a watched term; 0 = 0.0001
}

// Hit is one hit that a scan must find.
type Hit struct {
	Offset int64 // of its first byte
	Line   int   // 1-based
	Term   int   // index in the watchlist
	Kind   risk.MatchKind
}

// Everything watched has a 'w' inside its words and nothing else has one, save "www": so background never matches by
// chance, and what is expected is known without matching. Syllables are as varied as in real names: matchers that go by
// the last bytes of a literal live by that.
var (
	onsets = []string{"b", "c", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "br", "cl", "dr", "fl", "gr", "pr", "qu", "sh", "sp", "st", "th", "tr", "y"}
	nuclei = []string{"a", "a", "e", "e", "i", "i", "o", "o", "u", "ai", "ea", "io", "ou"}
	codas  = []string{"", "", "", "", "", "", "n", "r", "s", "t", "l", "m", "d", "k", "x", "nd", "ck", "ng", "st", "p", "by", "go"}
)

// Most names end in the shortest of the reserved suffixes, as most in the world end in a short one, and some in one of two
// labels.
var (
	suffixes  = append(slices.Repeat([]string{"test"}, 30), "co.test", "org.test")
	rarer     = []string{"example", "invalid", "org.example"} // of background only
	freemails = []string{"mailbox.test", "post.test", "inbox.invalid", "freemail.example"}
)

func word(r *rand.Rand, syllables int) string {
	b := make([]byte, 0, 4*syllables)
	for range syllables {
		for _, part := range [][]string{onsets, nuclei, codas} {
			b = append(b, part[r.IntN(len(part))]...)
		}
	}
	return string(b)
}

func watchedWord(r *rand.Rand) string {
	return word(r, 1+r.IntN(2)) + "w" + word(r, 1+r.IntN(2))
}

// Watchlist makes n terms of all kinds for invented suppliers, no value twice.
func Watchlist(seed uint64, n int) []risk.WatchTerm {
	r := rand.New(rand.NewPCG(seed, 1))
	seen := map[string]bool{}
	terms := make([]risk.WatchTerm, 0, n)
	for len(terms) < n {
		t, err := risk.NewWatchTerm(watchedValue(r))
		if err != nil || seen[strings.ToLower(t.Value)] {
			continue
		}
		seen[strings.ToLower(t.Value)] = true
		t.Supplier = "Supplier " + strconv.Itoa(len(terms)/8+1)
		terms = append(terms, t)
	}
	return terms
}

func watchedValue(r *rand.Rand) (risk.TermKind, string) {
	domain := func() string { return watchedWord(r) + word(r, r.IntN(2)) + "." + suffixes[r.IntN(len(suffixes))] }
	switch p := r.IntN(100); {
	case p < 70:
		return risk.TermDomain, domain()
	case p < 75:
		return risk.TermHost, "login." + domain()
	case p < 87:
		return risk.TermBrand, title(watchedWord(r)) + " " + title(watchedWord(r))
	case p < 92:
		return risk.TermProduct, title(watchedWord(r)+word(r, 2)) + []string{"", " Plus", " 9000"}[r.IntN(3)]
	case p < 96:
		return risk.TermAccount, word(r, 2) + "." + watchedWord(r) + word(r, 2) + "@" + freemails[r.IntN(len(freemails))]
	case p < 98:
		return risk.TermADDomain, "ST" + watchedWord(r) + word(r, 2)
	}
	return risk.TermIP, fmt.Sprintf("198.%d.%d.%d", 18+r.IntN(2), r.IntN(256), r.IntN(256))
}

func title(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// WriteWatchlist writes terms as a watchlist CSV.
func WriteWatchlist(w io.Writer, terms []risk.WatchTerm) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"supplier", "kind", "value"}}
	for _, t := range terms {
		rows = append(rows, []string{t.Supplier, string(t.Kind), t.Value})
	}
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("write watchlist: %w", err)
	}
	return nil
}

// Write makes the material for terms and gives the hits in it, in order.
func Write(w io.Writer, terms []risk.WatchTerm, o Options) ([]Hit, error) {
	if o.Share == 0 {
		o.Share = 0.0001
	}
	g := newGenerator(terms, o)
	out := bufio.NewWriterSize(w, 1<<20)
	for g.offset < o.Bytes {
		g.b = g.b[:0]
		g.record(o.Share)
		if _, err := out.Write(g.b); err != nil {
			return nil, fmt.Errorf("write corpus: %w", err)
		}
		g.offset += int64(len(g.b))
	}
	if err := out.Flush(); err != nil {
		return nil, fmt.Errorf("write corpus: %w", err)
	}
	return g.hits, nil
}

type generator struct {
	r     *rand.Rand
	terms []risk.WatchTerm
	hosts []string
	mails []string
	words []string
	zipf  *rand.Zipf

	b      []byte // the present record
	eol    string
	offset int64 // of b[0]
	line   int   // at the end of b
	hits   []Hit
}

func newGenerator(terms []risk.WatchTerm, o Options) *generator {
	r := rand.New(rand.NewPCG(o.Seed, 2))
	g := &generator{r: r, terms: terms, line: 1, eol: "\n"}
	for range 50_000 {
		tail := []string{"", "", "-" + word(r, 2), strconv.Itoa(r.IntN(99))}[r.IntN(4)]
		suffix := g.pick(suffixes)
		if r.IntN(10) == 0 {
			suffix = g.pick(rarer)
		}
		g.hosts = append(g.hosts, word(r, 2+r.IntN(3))+tail+"."+suffix)
	}
	for range 3 {
		g.mails = append(g.mails, freemails...)
	}
	g.mails = append(g.mails, g.hosts[:6]...)
	for range 5_000 {
		g.words = append(g.words, word(r, 1+r.IntN(3)))
	}
	g.zipf = rand.NewZipf(r, 1.15, 3, uint64(len(g.hosts)-1))
	return g
}

func (g *generator) record(share float64) {
	switch p := g.r.Float64(); {
	case p < share && len(g.terms) > 0:
		g.watched()
	case p < 1.5*share && len(g.terms) > 0:
		g.decoy()
	case p < 1.5*share+0.002:
		g.junk()
	default:
		g.background()
	}
}

func (g *generator) pick(from []string) string { return from[g.r.IntN(len(from))] }

func (g *generator) host() string { return g.hosts[g.zipf.Uint64()] }

func (g *generator) background() {
	switch p := g.r.IntN(100); {
	case p < 55:
		g.put("https://", g.pick([]string{"", "www.", "login.", "account."}), g.host())
		g.put(g.pick([]string{"", "/", "/login", "/signin.php", "/auth/register"}), ":")
		g.login()
		g.put(":")
		g.secret()
	case p < 95:
		g.login()
		g.put(g.pick([]string{":", ":", ":", ";", "|"}))
		g.secret()
	default:
		g.put("URL: https://", g.host(), "/", g.pick(g.words), g.eol, "Username: ")
		g.login()
		g.put(g.eol, "Password: ")
		g.secret()
		g.put(g.eol, "Application: Brave_[Default]", g.eol, "===============")
	}
	g.put(g.eol)
}

func (g *generator) put(parts ...string) {
	for _, p := range parts {
		g.b = append(g.b, p...)
		g.line += strings.Count(p, "\n")
	}
}

func (g *generator) login() {
	g.put(g.pick(g.words))
	switch g.r.IntN(4) {
	case 0:
		g.put(".", g.pick(g.words))
	case 1:
		g.number(9999)
	}
	if g.r.IntN(5) > 0 {
		g.put("@", g.pick(g.mails))
	}
}

func (g *generator) secret() {
	word := g.pick(g.words)
	if g.r.IntN(2) == 0 {
		word = title(word)
	}
	g.put(word)
	g.number(99999)
	g.put(g.pick([]string{"", "!", "@", "#", "$$"}))
}

func (g *generator) number(n int) { g.b = strconv.AppendInt(g.b, g.r.Int64N(int64(n)), 10) }

// hit notes that what is put next is a hit.
func (g *generator) hit(term int, kind risk.MatchKind) {
	g.hits = append(g.hits, Hit{Offset: g.offset + int64(len(g.b)), Line: g.line, Term: term, Kind: kind})
}

func (g *generator) watched() {
	i := g.r.IntN(len(g.terms))
	t := g.terms[i]
	switch t.Kind {
	case risk.TermDomain, risk.TermHost:
		g.watchedHost(i, t.Value)
	case risk.TermBrand, risk.TermProduct:
		g.put("new data of ")
		g.hit(i, risk.MatchBrand)
		g.put(strings.ReplaceAll(g.cased(t.Value), " ", g.pick([]string{" ", "-", "_", "  "})), " for sale, write to ")
		g.login()
	case risk.TermAccount:
		g.hit(i, risk.MatchAccount)
		g.put(g.cased(t.Value), ":")
		g.secret()
	case risk.TermADDomain:
		g.put("https://", g.host(), "/:")
		g.hit(i, risk.MatchAccount)
		g.put(g.cased(t.Value), `\`, g.pick(g.words), ":")
		g.secret()
	case risk.TermIP:
		g.put("http://")
		g.hit(i, risk.MatchIP)
		g.put(t.Value, ":8080/admin:")
		g.login()
		g.put(":")
		g.secret()
	}
	g.put(g.eol)
}

func (g *generator) watchedHost(i int, name string) {
	kind, sub := risk.MatchExact, ""
	if g.r.IntN(3) == 0 {
		kind, sub = risk.MatchSubdomain, "vpn."
	}
	if g.r.IntN(2) == 0 {
		g.put(g.pick(g.words), "@")
		g.hit(i, kind)
		g.put(g.cased(sub+name), ":")
	} else {
		g.put(g.pick([]string{"https://", ""}))
		g.hit(i, kind)
		g.put(g.cased(sub+name), "/login:")
		g.login()
		g.put(":")
	}
	g.secret()
}

func (g *generator) cased(s string) string {
	switch g.r.IntN(6) {
	case 0:
		return strings.ToUpper(s)
	case 1:
		return title(s)
	}
	return s
}

// decoy looks like a hit and is none.
func (g *generator) decoy() {
	t := g.terms[g.r.IntN(len(g.terms))]
	switch t.Kind {
	case risk.TermDomain, risk.TermHost:
		g.put("https://")
		switch g.r.IntN(5) {
		case 0:
			g.put("not", t.Value, "/:")
		case 1:
			g.put(t.Value, ".evil.test/:")
		case 2:
			g.put("x-", t.Value, "/:")
		case 3:
			g.put(t.Value, "a/:")
		default:
			g.put(g.host(), "/:", t.Value, "@post.test:")
		}
	case risk.TermBrand, risk.TermProduct:
		g.put("x", strings.ReplaceAll(t.Value, " ", ""), "y ")
	case risk.TermAccount:
		g.put("x", t.Value, ":")
	case risk.TermADDomain:
		g.put(t.Value, "/", g.pick(g.words), ":")
	case risk.TermIP:
		g.put("http://1", t.Value, ".5/:")
	}
	g.secret()
	g.put(g.eol)
}

func (g *generator) junk() {
	switch p := g.r.IntN(1000); {
	case p < 300: // from here on, lines end in the other way
		g.eol = map[string]string{"\n": "\r\n", "\r\n": "\n"}[g.eol]
		g.background()
	case p < 600:
		g.put("M\xfcller stra\xdfe ", g.pick(g.words), ":Gr\xf6\xdfe")
		g.number(99)
		g.put(g.eol)
	case p < 900:
		g.put("Продам базу ", g.pick(g.words), ".пример: 数据库 ", g.pick(g.words), " größer", g.eol)
	case p < 990:
		g.utf16()
	case p < 998:
		noise := make([]byte, 1024)
		for i := 0; i < len(noise); i += 8 {
			binary.LittleEndian.PutUint64(noise[i:], g.r.Uint64())
		}
		g.put(string(noise), g.eol)
	default:
		for range 2000 + g.r.IntN(4000) {
			g.login()
			g.put(":")
			g.secret()
			g.put(",")
		}
		g.put(g.eol)
	}
}

// utf16 puts a few lines as UTF-16, the way some sellers' files mix them in.
func (g *generator) utf16() {
	start := len(g.b)
	for range 4 {
		g.background()
	}
	wide := make([]byte, 0, 2*(len(g.b)-start))
	for _, b := range g.b[start:] {
		wide = append(wide, b, 0)
	}
	g.b = append(g.b[:start], wide...)
}
