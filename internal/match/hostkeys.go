package match

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/wardline/wardline/internal/risk"
)

// Keyer gathers the keys of what stands in texts: of the last two and the last three labels of every host token, as it
// is written and as it looks; of the networks of IPv4 addresses; of what stands before a backslash. Kept beside a
// text, they tell later whether the text can hold a term that nobody looked for when it was read (CluesOf). It may hold
// keys too many, never one too few. KeyVersion names how they are made. A Keyer is not safe for concurrent use.
type Keyer struct {
	seen   keyTable
	recent [recentNames]uint64 // keys in seen of whole names: most names are read again and again
	fresh  [placesRoom]freshName
	pairs  uint64 // of the chunk before
	done   int    // high bytes before this place have been read
	folded []byte
	r      reading
	whole  *cursor // over the text; it finds what the scanner reads a second time, decoded
	inner  *cursor // over what was decoded
}

// recentNames are about as many as the first-level cache has room for.
const recentNames = 1 << 12

// KeyVersion changes with the way in which keys are made, so that old ones are not compared with new ones.
const KeyVersion = 2

// Keys are the distinct keys so far, in no order. They are valid until the next call.
func (k *Keyer) Keys() []uint64 { return k.seen.keys }

// Reset forgets all keys.
func (k *Keyer) Reset() {
	k.seen.reset()
	clear(k.recent[:])
}

// Read adds the keys of one text: as it stands, and of its stretches that the scanner reads decoded too.
func (k *Keyer) Read(text []byte) {
	if k.whole == nil {
		k.whole, k.inner = new(cursor), &cursor{decoded: true}
		k.whole.decoder.read = func(text []byte) { k.readText(k.inner, text) }
	}
	k.readText(k.whole, text)
	k.whole.readSites()
	k.whole.buf, k.inner.buf = nil, nil
}

// anyWords is a scanner that looks at words of any length, and finds nothing that anybody writes.
var anyWords = sync.OnceValue(func() *Scanner {
	s, err := Compile([]risk.WatchTerm{{Kind: risk.TermBrand, Value: strings.Repeat("z", 250)}})
	if err != nil {
		panic(err)
	}
	return s
})

// readText goes over a text as the scanner does, chunk by chunk, the last block padded.
func (k *Keyer) readText(c *cursor, text []byte) {
	c.start(anyWords(), text)
	c.chunk.wanted.any = 0 // no keys are made of them
	k.pairs, k.done = 0, 0
	whole := len(text) / blockBytes
	for b := 0; b < whole; b += chunkBlocks {
		k.readChunk(c, text[b*blockBytes:], b*blockBytes, min(chunkBlocks, whole-b))
	}
	clear(c.last[:])
	copy(c.last[:], text[whole*blockBytes:])
	k.readChunk(c, c.last[:], whole*blockBytes, 1)
	k.readLogins(text)
}

// readChunk reads the n blocks of p, which stand at base in the text of c.
func (k *Keyer) readChunk(c *cursor, p []byte, base, n int) {
	sweep(&c.chunk, p, n)
	c.walkSigns(p, base, n)
	k.addTokens(c, base)
	k.pairs = c.chunk.pairs
	if c.chunk.high == 0 {
		return
	}
	if !c.decoded {
		c.walkHigh(base, n)
	}
	for b := range n {
		for high := highBits(p[b*blockBytes : (b+1)*blockBytes]); high != 0; high &= high - 1 {
			if at := base + b*blockBytes + bits.TrailingZeros64(high); at >= k.done {
				k.readRun(c.buf, at)
			}
		}
	}
}

// addTokens adds the keys of the ASCII host tokens that end in a chunk, unless they are local parts. Where the labels of
// a name of usual length lie is read off the sweep's bitmap. Most names were seen just before: what is new is gathered
// first and added then, since a branch for each would be foreseen badly.
func (k *Keyer) addTokens(c *cursor, base int) {
	text, decoys, n := c.buf, k.pairs|c.chunk.pairs, 0
	for _, at := range c.hostsAlone(base) {
		end := base + int(at)
		l := labelsOf(c.chunk.window(&c.chunk.seps, at))
		two, three := l.two(), l.three()
		last := text[end-1]
		if last == '.' || last-'0' < 10 || three >= shortName || end < shortName || decoys != 0 && l.hidePunycode(text, end) {
			k.addToken(text, end)
			continue
		}
		three = two + int(same(text[end-two-1], '.'))*(1+l.third)
		key := idAt(text, end, three).key(keyHost)
		recent := &k.recent[key>>32%recentNames]
		differs := *recent ^ key
		*recent = key
		k.fresh[n] = freshName{key: key, end: at, two: uint16(two)}
		n += int((differs | -differs) >> 63)
	}
	for _, name := range k.fresh[:n] {
		k.seen.add(name.key)
		k.seen.add(idAt(text, base+int(name.end), int(name.two)).key(keyHost))
	}
}

// freshName is a name that was not read just before: the key of its last three labels, its end, and the length of its
// last two.
type freshName struct {
	key      uint64
	end, two uint16
}

// hostsAlone keeps, in found, the host ends of the chunk that no '@' follows.
func (c *cursor) hostsAlone(base int) []uint16 {
	k, text, n := &c.chunk, c.buf[base:], 0
	ends := k.hostEnds[:k.hosts]
	for len(ends) > 0 && int(ends[len(ends)-1]) >= len(text) { // at most one, which nothing follows
		ends = ends[:len(ends)-1]
	}
	for _, at := range ends {
		k.found[n] = at
		n += int(1 - same(text[at], '@'))
	}
	n += copy(k.found[n:], k.hostEnds[len(ends):k.hosts])
	return k.found[:n]
}

// addToken adds the keys of the ASCII host token that ends at end, which is no local part.
func (k *Keyer) addToken(text []byte, end int) {
	for text[end-1] == '.' {
		end--
	}
	two, three, last := lastThree(text, end)
	if digits(text[last:end]) {
		k.addAddress(text, three, end)
		return
	}
	k.addName(text[three:end], two-three)
	if isPunycode(text[three:end]) || isPunycode(text[two:end]) || isPunycode(text[last:end]) {
		k.addLooks(text[three:end])
	}
}

// hidePunycode reports that one of the labels before end may be in punycode.
func (l labels) hidePunycode(text []byte, end int) bool {
	return isPunycode(text[end-l.one:end]) || isPunycode(text[end-l.two():end]) || isPunycode(text[end-l.three():end])
}

func isPunycode(label []byte) bool {
	return len(label) > 4 && binary.LittleEndian.Uint32(label)|foldBits&0xffffffff == punycodeMark
}

var punycodeMark = binary.LittleEndian.Uint32([]byte("xn--"))

// addAddress adds the networks of the IPv4 address that ends at end and whose last three numbers begin at from. Other
// tokens that end in a number are no names.
func (k *Keyer) addAddress(text []byte, from, end int) {
	for from > 0 && end-from < 16 && isLabel(text[from-1]) {
		from--
	}
	for text[from] == '.' {
		from++
	}
	if a, ok := parseIPv4(text[from:end]); ok {
		b := a.As4()
		k.seen.add(netKey(b[:3]))
		k.seen.add(netKey(b[:2]))
	}
}

// addName adds a name of at most three labels; its last two begin at two.
func (k *Keyer) addName(name []byte, two int) {
	k.seen.add(keyed(keyHost, name[two:]))
	if two > 0 {
		k.seen.add(keyed(keyHost, name))
	}
}

// addLooks adds a folded name as it looks.
func (k *Keyer) addLooks(name []byte) {
	k.folded = appendLower(k.folded[:0], name)
	k.r.skel = appendSkeleton(k.r.skel[:0], k.folded)
	k.addWhole(k.r.skel)
}

func (k *Keyer) addWhole(name []byte) {
	if two, three, ok := lastNames(name); ok {
		k.addName(name[three:], two-three)
	}
}

// lastThree gives where the last two and three labels of the ASCII token that ends at end begin, and its last one.
func lastThree(text []byte, end int) (two, three, last int) {
	starts, n, at := [3]int{}, 0, end
	for first := max(0, end-maxHost-3); at > first; at-- {
		b := text[at-1]
		if !labelBytes[b] {
			break
		}
		if b != '.' {
			continue
		}
		starts[n] = at
		if n++; n == len(starts) {
			break
		}
	}
	for ; n < len(starts); n++ {
		starts[n] = at
	}
	return starts[1], starts[2], starts[0]
}

var labelBytes = func() (is [256]bool) {
	for b := range is {
		is[b] = isLabel(byte(b))
	}
	return is
}()

// lastNames gives where the last two and three labels of a name in any script begin; false for one of a single label.
func lastNames(name []byte) (two, three int, ok bool) {
	dots := 0
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] != '.' {
			continue
		}
		if dots++; dots == 2 {
			two = i + 1
		} else if dots == 3 {
			return two, i + 1, true
		}
	}
	return two, 0, dots > 0
}

// readRun reads the run of label characters and bytes ≥ 0x80 around a high byte in the ways in which the scanner may
// read it: token by token, and folded to ASCII as the text around an account is.
func (k *Keyer) readRun(text []byte, at int) {
	start, end := at, at
	for start > k.done && runByte(text[start-1]) {
		start--
	}
	for end < len(text) && runByte(text[end]) {
		end++
	}
	k.done = end
	token, dots := start, false
	for i := start; i < end; {
		r, n := utf8.DecodeRune(text[i:end])
		if r >= utf8.RuneSelf && !carriesOn(r, n) {
			k.addUnicode(text[token:i])
			token = i + n
		}
		dots = dots || foldRune(r) == '.'
		i += n
	}
	k.addUnicode(text[token:end])
	if dots {
		k.folded = appendFold(k.folded[:0], text[start:end])
		k.addFolded()
	}
}

// addUnicode adds a host token beyond ASCII, as it is written and as it looks.
func (k *Keyer) addUnicode(token []byte) {
	if asciiOnly(token) || bytes.IndexByte(token, '.') < 0 {
		return
	}
	start, end := trimToken(token, 0, len(token))
	token = token[max(start, end-maxToken):end]
	if asciiOnly(token) {
		k.addStripped(token, len(token))
		return
	}
	k.r.skel = norm.NFKC.Append(k.r.skel[:0], token...)
	k.r.fold = appendFold(k.r.fold[:0], k.r.skel)
	k.addWhole(k.r.fold)
	k.r.skel = appendSkeleton(k.r.skel[:0], k.r.fold)
	k.addWhole(k.r.skel)
}

// addFolded adds the ASCII host tokens of k.folded.
func (k *Keyer) addFolded() {
	dotted := false
	for i := 0; i <= len(k.folded); i++ {
		if i < len(k.folded) && isLabel(k.folded[i]) {
			dotted = dotted || k.folded[i] == '.' && i > 0
			continue
		}
		if dotted {
			k.addStripped(k.folded, i)
		}
		dotted = false
	}
}

// addStripped adds the keys of the token that ends at end, if it is more than dots.
func (k *Keyer) addStripped(text []byte, end int) {
	for end > 0 && text[end-1] == '.' {
		end--
	}
	if end == 0 || !isLabel(text[end-1]) {
		return
	}
	two, three, last := lastThree(text, end)
	if digits(text[last:end]) {
		k.addAddress(text, three, end)
		return
	}
	k.addName(text[three:end], two-three)
}

// readLogins adds what stands before each backslash.
func (k *Keyer) readLogins(text []byte) {
	for end := bytes.IndexByte(text, '\\'); end >= 0; {
		k.addLogin(text, end)
		next := bytes.IndexByte(text[end+1:], '\\')
		if next < 0 {
			return
		}
		end += 1 + next
	}
}

func (k *Keyer) addLogin(text []byte, end int) {
	start := end
	for start > 0 {
		r, n := utf8.DecodeLastRune(text[:start])
		if !loginRune(r, n) {
			break
		}
		start -= n
	}
	if start == end || end-start > maxToken || start > 0 && text[start-1] == '@' {
		return
	}
	k.r.fold = appendFold(k.r.fold[:0], text[start:end])
	k.seen.add(keyed(keyLogin, k.r.fold))
}

// loginRune reports what an AD domain before a backslash is made of.
func loginRune(r rune, n int) bool { return r != '@' && r != '\\' && accountRune(r, n) }

func digits(b []byte) bool {
	for _, x := range b {
		if x-'0' > 9 {
			return false
		}
	}
	return true
}

// CluesOf tells under which keys texts that hold a term are found: such a text holds all keys of at least one of the
// lists. It reports false for terms that no key tells of: names, bare logins, IPv6 and wide ranges.
func CluesOf(t risk.WatchTerm) (clues risk.Clues, ok bool) {
	switch t.Kind {
	case risk.TermDomain, risk.TermHost:
		return hostClues(t.Value)
	case risk.TermAccount:
		if at := strings.LastIndexByte(t.Value, '@'); at >= 0 {
			return accountClues(t.Value[at+1:])
		}
		if domain, _, found := strings.Cut(t.Value, `\`); found {
			return loginClues(domain)
		}
	case risk.TermADDomain:
		return loginClues(t.Value)
	case risk.TermIP:
		return addressClues(t.Value)
	}
	return nil, false
}

// hostClues has an alternative for each way in which a name may be written: the names that Compile puts in its tables.
func hostClues(ascii string) (risk.Clues, bool) {
	forms := []string{ascii, skeleton(ascii)}
	if written := unicodeForm(ascii); written != "" {
		forms = append(forms, written, skeleton(written))
	}
	if !strings.Contains(ascii, "xn--") {
		forms = append(forms, lookalikes(ascii, lookalikeEach)...)
	}
	slices.Sort(forms)
	var all risk.Clues
	for _, form := range slices.Compact(forms) {
		keys, ok := nameClues(form)
		if !ok {
			return nil, false
		}
		all = append(all, keys)
	}
	return all, true
}

func nameClues(name string) ([]uint64, bool) {
	id := []byte(name)
	two, three, ok := lastNames(id)
	if !ok || digits(lastLabels(id, 1)) {
		return nil, false
	}
	keys := []uint64{keyed(keyHost, id[two:])}
	if two > 0 {
		keys = append(keys, keyed(keyHost, id[three:]))
	}
	return keys, true
}

func accountClues(domain string) (risk.Clues, bool) {
	domain = strings.Trim(domain, ".")
	for i := range len(domain) {
		if !isLabel(domain[i]) {
			return nil, false
		}
	}
	keys, ok := nameClues(domain)
	return risk.Clues{keys}, ok
}

func loginClues(domain string) (risk.Clues, bool) {
	for _, r := range domain {
		if !loginRune(r, utf8.RuneLen(r)) {
			return nil, false
		}
	}
	return risk.Clues{{keyed(keyLogin, []byte(foldText(domain)))}}, domain != ""
}

func addressClues(value string) (risk.Clues, bool) {
	p, err := risk.ParseRange(value)
	if err != nil || !p.Addr().Is4() || p.Bits() < 16 {
		return nil, false
	}
	b := p.Addr().As4()
	if p.Bits() < 24 {
		return risk.Clues{{netKey(b[:2])}}, true
	}
	return risk.Clues{{netKey(b[:3])}}, true
}

// Kinds of key.
const (
	keyHost  = 0x9e3779b97f4a7c15
	keyLogin = 0xd6e8feb86659fd93
	keyNet   = 0xbf58476d1ce4e5b9

	keyFirst  = 0xa24baed4963ee407
	keySecond = 0x8ebc6af09c88c6e3
)

// shortName is how long a name is whose key is made of its bytes at once.
const shortName = 32

// keptBytes has, for a name of n bytes, the masks of what the four words before its end hold of it.
var keptBytes = func() (of [shortName + 1][4]uint64) {
	for n := range of {
		for i := range 4 {
			of[n][i] = ^uint64(0) << (64 - 8*min(max(n-8*(3-i), 0), 8))
		}
	}
	return of
}()

// shortID is an identifier of at most shortName bytes without regard to case, behind as many zeros as there is room for.
type shortID struct{ first, second, third, fourth uint64 }

// idAt is text[end-n:end] for n ≤ shortName ≤ end.
func idAt(text []byte, end, n int) shortID {
	b, kept := text[end-shortName:end:end], &keptBytes[n]
	return shortID{
		(binary.LittleEndian.Uint64(b) | foldBits) & kept[0],
		(binary.LittleEndian.Uint64(b[8:]) | foldBits) & kept[1],
		(binary.LittleEndian.Uint64(b[16:]) | foldBits) & kept[2],
		(binary.LittleEndian.Uint64(b[24:]) | foldBits) & kept[3],
	}
}

func (id shortID) key(kind uint64) uint64 {
	high, low := bits.Mul64(id.first^kind, id.second^keyFirst)
	high2, low2 := bits.Mul64(id.third^keySecond, id.fourth^kind)
	return mixKey(high^low^bits.RotateLeft64(high2^low2, 32)) | 1
}

// keyed is the key of an identifier without regard to case. It is written to disk: a change of it is a new KeyVersion.
func keyed(kind uint64, id []byte) uint64 {
	if len(id) <= shortName {
		var b [shortName]byte
		copy(b[shortName-len(id):], id)
		return idAt(b[:], shortName, len(id)).key(kind)
	}
	h := kind + uint64(len(id))
	for ; len(id) >= 8; id = id[8:] {
		h = mixKey(h ^ (binary.LittleEndian.Uint64(id) | foldBits))
	}
	var rest uint64
	for i, x := range id {
		rest |= uint64(x|0x20) << (8 * i)
	}
	return mixKey(mixKey(h^rest)^kind) | 1
}

// netKey is the key of the first two or three bytes of an IPv4 address.
func netKey(b []byte) uint64 {
	h := uint64(keyNet)
	for _, x := range b {
		h = mixKey(h ^ uint64(x) + 1)
	}
	return h | 1
}

func mixKey(x uint64) uint64 {
	hi, lo := bits.Mul64(x, 0xa0761d6478bd642f)
	return hi ^ lo
}

// keyTable is a set of keys that are not 0, open-addressed and at most half full.
type keyTable struct {
	table []uint64
	keys  []uint64
}

func (t *keyTable) reset() {
	clear(t.table)
	t.keys = t.keys[:0]
}

func (t *keyTable) add(key uint64) {
	if 2*len(t.keys) >= len(t.table) {
		t.grow()
	}
	if at := t.place(key); t.table[at] == 0 {
		t.table[at] = key
		t.keys = append(t.keys, key)
	}
}

func (t *keyTable) place(key uint64) uint64 {
	mask := uint64(len(t.table) - 1)
	at := key >> 20 & mask
	for t.table[at] != 0 && t.table[at] != key {
		at = (at + 1) & mask
	}
	return at
}

func (t *keyTable) grow() {
	t.table = make([]uint64, max(1<<12, 2*len(t.table)))
	for _, key := range t.keys {
		t.table[t.place(key)] = key
	}
}
