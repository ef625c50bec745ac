package dump

import (
	"encoding/binary"
	"errors"
	"io"
)

// What a rar archive costs to open is in headers that its reader keeps to itself: how many rounds each key takes, and
// how many keys there are. They are walked here first.

// rarSeals says what is encrypted in an archive, as far as its headers can be read.
type rarSeals struct {
	headers bool  // they are encrypted too
	solid   bool  // each file is packed together with those in front of it
	entries bool  // at least one is
	rounds  int64 // of the first key
	all     int64 // of all keys together
	cut     bool  // the headers break off
}

var errKeyRounds = errors.New("it is encrypted; its keys take more rounds than one file may cost")

const (
	maxKeyRounds = 1 << 22 // of one key; the usual programs take an eighth of it at most
	maxAllRounds = 1 << 30 // of all keys of an archive
	rar4Rounds   = 1 << 18
)

// fits refuses an archive that makes its reader work for hours.
func (s rarSeals) fits() error {
	if s.rounds > maxKeyRounds || s.all > maxAllRounds {
		return errKeyRounds
	}
	return nil
}

func scanRAR(at io.ReaderAt, size int64, entries int) rarSeals {
	var b [8]byte
	if n, _ := at.ReadAt(b[:], 0); n < len(b) {
		return rarSeals{cut: true}
	}
	if string(b[:]) == "Rar!\x1a\x07\x01\x00" {
		return scanRAR5(at, size, entries)
	}
	return scanRAR4(at, size, entries)
}

func scanRAR4(at io.ReaderAt, size int64, entries int) (s rarSeals) {
	const (
		main, file          = 0x73, 0x74
		sealedHeaders       = 0x80
		solid               = 8
		sealed, large, salt = 4, 0x100, 0x400
		hasData             = 0x8000
	)
	le := binary.LittleEndian
	last := ""
	for pos, i := int64(7), 0; i <= entries; i++ {
		var b [40 + 8]byte
		n, _ := at.ReadAt(b[:], pos)
		if n < 7 {
			s.cut = pos > size
			return s
		}
		kind, flags, length := b[2], le.Uint16(b[3:]), int64(le.Uint16(b[5:]))
		if length < 7 {
			s.cut = true
			return s
		}
		if kind == main && flags&sealedHeaders != 0 {
			return rarSeals{headers: true, solid: flags&solid != 0, rounds: rar4Rounds, all: rar4Rounds}
		}
		s.solid = s.solid || kind == main && flags&solid != 0
		data := int64(0)
		if flags&hasData != 0 || kind == file {
			data = int64(le.Uint32(b[7:]))
			if kind == file && flags&large != 0 {
				data |= int64(le.Uint32(b[32:])) << 32
			}
		}
		if kind == file && flags&sealed != 0 {
			s.entries, s.rounds = true, rar4Rounds
			if this := rar4Salt(at, pos, length, b[:n], flags&large != 0); flags&salt != 0 && this != last {
				last = this
				s.all += rar4Rounds
			}
		}
		if data < 0 || pos+length+data <= pos {
			s.cut = true
			return s
		}
		pos += length + data
	}
	return s
}

// rar4Salt reads the eight bytes behind an entry's name.
func rar4Salt(at io.ReaderAt, pos, length int64, b []byte, large bool) string {
	if len(b) < 40 {
		return ""
	}
	name := int64(32)
	if large {
		name += 8
	}
	name += int64(binary.LittleEndian.Uint16(b[26:]))
	var salt [8]byte
	if name+int64(len(salt)) > length {
		return ""
	}
	_, _ = at.ReadAt(salt[:], pos+name) // what is missing makes a salt of its own
	return string(salt[:])
}

func scanRAR5(at io.ReaderAt, size int64, entries int) (s rarSeals) {
	const (
		main, file        = 1, 2
		sealedHeaders     = 4
		solid             = 4
		hasExtra, hasData = 1, 2
		maxHeader         = 2 << 20
	)
	last := ""
	buf := make([]byte, 512)
	for pos, i := int64(8), 0; i <= entries; i++ {
		n, _ := at.ReadAt(buf[:16], pos)
		if n < 7 {
			s.cut = pos > size
			return s
		}
		p := rarParser{b: buf[4:n]}
		length := p.number()
		start := pos + int64(n-len(p.b))
		if length == 0 || length > maxHeader {
			s.cut = true
			return s
		}
		if int(length) > len(buf) {
			buf = make([]byte, length)
		}
		if n, _ := at.ReadAt(buf[:length], start); n < int(length) {
			s.cut = true
			return s
		}
		p = rarParser{b: buf[:length]}
		kind, flags := p.number(), p.number()
		var extra, data uint64
		if flags&hasExtra != 0 {
			extra = p.number()
		}
		if flags&hasData != 0 {
			data = p.number()
		}
		switch kind {
		case main:
			s.solid = p.number()&solid != 0
		case sealedHeaders:
			p.number()
			p.number()
			s.headers, s.solid, s.rounds = true, true, p.rounds() // as far as anybody knows
			s.all = s.rounds
			return s
		case file:
			if rounds, salt := rar5Seal(p.b, extra); rounds > 0 {
				if s.entries = true; s.rounds == 0 || rounds > s.rounds {
					s.rounds = rounds
				}
				if salt != last {
					last = salt
					s.all += rounds
				}
			}
		}
		next := start + int64(length) + int64(data)
		if next <= pos || next > size {
			s.cut = next != size
			return s
		}
		pos = next
	}
	return s
}

// rar5Seal finds the record of encryption among those at the end of a header.
func rar5Seal(header []byte, extra uint64) (rounds int64, salt string) {
	if extra == 0 || extra > uint64(len(header)) {
		return 0, ""
	}
	p := rarParser{b: header[uint64(len(header))-extra:]}
	for len(p.b) > 0 {
		length := p.number()
		if length == 0 || length > uint64(len(p.b)) {
			return 0, ""
		}
		r := rarParser{b: p.b[:length]}
		p.b = p.b[length:]
		if r.number() != 1 {
			continue
		}
		r.number()
		r.number()
		rounds = r.rounds()
		return rounds, string(r.b[:min(16, len(r.b))])
	}
	return 0, ""
}

// rarParser reads numbers of seven bits a byte.
type rarParser struct{ b []byte }

func (p *rarParser) number() (v uint64) {
	for i := 0; i < 10 && len(p.b) > 0; i++ {
		b := p.b[0]
		p.b = p.b[1:]
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			return v
		}
	}
	return v
}

func (p *rarParser) rounds() int64 {
	if len(p.b) == 0 {
		return 0
	}
	n := p.b[0]
	p.b = p.b[1:]
	return 1 << min(n, 40)
}
