package dump

import (
	"bufio"
	"errors"
	"io"
	"math/bits"
)

// inflate64 unpacks "enhanced" deflate, method 9 of zip, which Windows writes for files over 2 GiB. It differs from
// deflate in three places: the window is 64 KiB, the last length code has sixteen bits more, and there are two more
// distance codes. No kept-up library reads it.
type inflate64 struct {
	in     io.ByteReader
	acc    uint64 // bits that were read and not used
	n      uint
	window [1 << 16]byte
	at     int // where the next byte goes
	given  int // up to where the window was handed out
	state  inflateState
	last   bool // the present block is the last one
	stored int  // bytes left of a stored block
	length int  // of a match that is being copied
	dist   int
	filled bool // the whole window has been written once
	lit    huffman64
	far    huffman64
	err    error
}

type inflateState int

const (
	atBlock inflateState = iota
	inStored
	inCodes
)

var errInflate = errors.New("its packed bytes are broken")

func newInflate64(r io.Reader) io.ReadCloser {
	in, ok := r.(io.ByteReader)
	if !ok {
		in = bufio.NewReaderSize(r, zipBuffer)
	}
	return io.NopCloser(&inflate64{in: in})
}

func (f *inflate64) Read(b []byte) (int, error) {
	for n := 0; ; {
		c := copy(b[n:], f.window[f.given:f.at])
		f.given += c
		if n += c; n == len(b) {
			return n, nil
		}
		if f.at == len(f.window) {
			f.at, f.given, f.filled = 0, 0, true
		}
		if f.err != nil {
			if n > 0 {
				return n, nil
			}
			return 0, f.err
		}
		f.err = f.step()
	}
}

// step goes on until the window's end or that of the document.
func (f *inflate64) step() error {
	for f.at < len(f.window) {
		var err error
		switch f.state {
		case atBlock:
			if f.last {
				return io.EOF
			}
			err = f.block()
		case inStored:
			err = f.copyStored()
		case inCodes:
			err = f.codes()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *inflate64) block() error {
	v, err := f.take(3)
	if err != nil {
		return err
	}
	f.last = v&1 != 0
	switch v >> 1 {
	case 0:
		f.drop(f.n & 7)
		sizes, err := f.take(32)
		if err != nil {
			return err
		}
		if sizes&0xffff != ^sizes>>16&0xffff {
			return errInflate
		}
		f.stored, f.state = int(sizes&0xffff), inStored
	case 1:
		f.fixed()
		f.state = inCodes
	case 2:
		f.state = inCodes
		return f.dynamic()
	default:
		return errInflate
	}
	return nil
}

func (f *inflate64) copyStored() error {
	for ; f.stored > 0 && f.at < len(f.window); f.stored-- {
		v, err := f.take(8)
		if err != nil {
			return err
		}
		f.window[f.at] = byte(v)
		f.at++
	}
	if f.stored == 0 {
		f.state = atBlock
	}
	return nil
}

func (f *inflate64) codes() error {
	for f.at < len(f.window) {
		if f.length > 0 {
			f.copyMatch()
			continue
		}
		s, err := f.symbol(&f.lit)
		switch {
		case err != nil:
			return err
		case s < 256:
			f.window[f.at] = byte(s)
			f.at++
		case s == 256:
			f.state = atBlock
			return nil
		default:
			if err := f.match(s); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *inflate64) copyMatch() {
	from := (f.at - f.dist) & (len(f.window) - 1)
	n := min(f.length, len(f.window)-f.at)
	for i := range n {
		f.window[f.at+i] = f.window[(from+i)&(len(f.window)-1)]
	}
	f.at += n
	f.length -= n
}

var (
	lengthBase  = [...]int{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 3}
	lengthExtra = [...]uint{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 16}
	farBase     = [...]int{
		1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
		8193, 12289, 16385, 24577, 32769, 49153,
	}
)

func (f *inflate64) match(s int) error {
	s -= 257
	if s >= len(lengthBase) {
		return errInflate
	}
	more, err := f.take(lengthExtra[s])
	if err != nil {
		return err
	}
	d, err := f.symbol(&f.far)
	if err != nil {
		return err
	}
	extra := uint(max(d/2-1, 0))
	far, err := f.take(extra)
	if err != nil {
		return err
	}
	f.length, f.dist = lengthBase[s]+int(more), farBase[d]+int(far)
	if f.dist > f.at && !f.filled || f.dist > len(f.window) {
		return errInflate
	}
	return nil
}

func (f *inflate64) fixed() {
	var lengths [288]uint8
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	f.lit.build(lengths[:])
	var far [32]uint8
	for i := range far {
		far[i] = 5
	}
	f.far.build(far[:])
}

var lengthOrder = [...]int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

func (f *inflate64) dynamic() error {
	v, err := f.take(14)
	if err != nil {
		return err
	}
	lits, fars, codes := int(v&31)+257, int(v>>5&31)+1, int(v>>10&15)+4
	var lengths [320]uint8
	for i := range codes {
		n, err := f.take(3)
		if err != nil {
			return err
		}
		lengths[lengthOrder[i]] = uint8(n)
	}
	var code huffman64
	if !code.build(lengths[:19]) {
		return errInflate
	}
	clear(lengths[:])
	if err := f.lengths(&code, lengths[:lits+fars]); err != nil {
		return err
	}
	if lits > 286 || !f.lit.build(lengths[:lits]) || !f.far.build(lengths[lits:lits+fars]) {
		return errInflate
	}
	return nil
}

func (f *inflate64) lengths(code *huffman64, into []uint8) error {
	for i := 0; i < len(into); {
		s, err := f.symbol(code)
		if err != nil {
			return err
		}
		var repeat uint64
		var value uint8
		switch s {
		case 16:
			if i == 0 {
				return errInflate
			}
			value = into[i-1]
			repeat, err = f.take(2)
			repeat += 3
		case 17:
			repeat, err = f.take(3)
			repeat += 3
		case 18:
			repeat, err = f.take(7)
			repeat += 11
		default:
			value, repeat = uint8(s), 1
		}
		if err != nil {
			return err
		}
		if i+int(repeat) > len(into) {
			return errInflate
		}
		for range repeat {
			into[i] = value
			i++
		}
	}
	return nil
}

// take gives the next n bits, 32 at most.
func (f *inflate64) take(n uint) (uint64, error) {
	for f.n < n {
		if err := f.more(); err != nil {
			return 0, err
		}
	}
	v := f.acc & (1<<n - 1)
	f.drop(n)
	return v, nil
}

func (f *inflate64) drop(n uint) { f.acc, f.n = f.acc>>n, f.n-n }

func (f *inflate64) more() error {
	b, err := f.in.ReadByte()
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	f.acc |= uint64(b) << f.n
	f.n += 8
	return err
}

// symbol reads one code: at once where it is short, bit by bit where it is long.
func (f *inflate64) symbol(h *huffman64) (int, error) {
	for {
		e := h.short[f.acc&(1<<shortBits-1)]
		if n := uint(e & 15); n > 0 && n <= f.n {
			f.drop(n)
			return int(e >> 4), nil
		}
		if f.n >= maxCodeBits {
			break
		}
		if err := f.more(); err != nil {
			if s, n := h.long(f.acc, f.n); n > 0 { // the last codes of a document
				f.drop(n)
				return s, nil
			}
			return 0, err
		}
	}
	s, n := h.long(f.acc, f.n)
	if n == 0 {
		return 0, errInflate
	}
	f.drop(n)
	return s, nil
}

const (
	maxCodeBits = 15
	shortBits   = 10
)

// huffman64 decodes canonical codes.
type huffman64 struct {
	count   [maxCodeBits + 1]int
	symbols [320]uint16
	short   [1 << shortBits]uint16 // symbol and length of the codes that are short; 0 = a long one
}

// build reports whether the lengths can be a code. One that leaves codes unused is fine where it has at most one.
func (h *huffman64) build(lengths []uint8) bool {
	*h = huffman64{}
	for _, n := range lengths {
		h.count[n]++
	}
	used := len(lengths) - h.count[0]
	h.count[0] = 0
	left := 1
	var next [maxCodeBits + 2]int
	for n := 1; n <= maxCodeBits; n++ {
		if left = left<<1 - h.count[n]; left < 0 {
			return false
		}
		next[n+1] = next[n] + h.count[n]
	}
	if left > 0 && used > 1 {
		return false
	}
	for s, n := range lengths {
		if n > 0 {
			h.symbols[next[n]] = uint16(s)
			next[n]++
		}
	}
	h.buildShort()
	return true
}

func (h *huffman64) buildShort() {
	code, i := 0, 0
	for n := 1; n <= shortBits; n++ {
		for range h.count[n] {
			reversed := int(bits.Reverse16(uint16(code)) >> (16 - n))
			for at := reversed; at < len(h.short); at += 1 << n {
				h.short[at] = h.symbols[i]<<4 | uint16(n)
			}
			code++
			i++
		}
		code <<= 1
	}
}

// long walks the code bit by bit; n = 0 says that there is none.
func (h *huffman64) long(acc uint64, have uint) (symbol int, n uint) {
	code, first, index := 0, 0, 0
	for n := 1; n <= min(maxCodeBits, int(have)); n++ {
		code |= int(acc >> (n - 1) & 1)
		count := h.count[n]
		if code-count < first {
			return int(h.symbols[index+code-first]), uint(n)
		}
		index += count
		first = (first + count) << 1
		code <<= 1
	}
	return 0, 0
}
