package hunt

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/wardline/wardline/internal/risk"
)

// What a position has in common with the one before it is not written again: the columns of a table are long, and hold
// for many stretches.
const (
	sameEntry = 1 << iota
	sameContext
	sameFacts
)

func samePosition(a, b risk.Position) bool {
	return a.Document == b.Document && a.Entry == b.Entry && a.Offset == b.Offset && a.Line == b.Line && a.Lead == b.Lead &&
		bytes.Equal(a.Context, b.Context) && slices.Equal(a.Facts, b.Facts)
}

func appendPosition(out []byte, p, last risk.Position) []byte {
	same := uint64(0)
	if p.Entry == last.Entry {
		same |= sameEntry
	}
	if bytes.Equal(p.Context, last.Context) {
		same |= sameContext
	}
	if slices.Equal(p.Facts, last.Facts) {
		same |= sameFacts
	}
	for _, n := range []uint64{same, uint64(p.Document), uint64(p.Offset), uint64(p.Line), uint64(p.Lead + 1)} {
		out = binary.AppendUvarint(out, n)
	}
	if same&sameEntry == 0 {
		out = appendText(out, p.Entry)
	}
	if same&sameContext == 0 {
		out = appendText(out, string(p.Context))
	}
	if same&sameFacts == 0 {
		out = binary.AppendUvarint(out, uint64(len(p.Facts)))
		for _, f := range p.Facts {
			out = appendText(appendText(out, f.Name), f.Value)
		}
	}
	return out
}

func appendText(out []byte, s string) []byte {
	return append(binary.AppendUvarint(out, uint64(len(s))), s...)
}

// decoder reads what was written, and remembers that it could not.
type decoder struct {
	rest   []byte
	failed bool
}

// number reads one that is at most limit.
func (d *decoder) number(limit uint64) uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 || v > limit {
		d.failed, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) fixed() uint64 {
	if len(d.rest) < 8 {
		d.failed, d.rest = true, nil
		return 0
	}
	v := binary.LittleEndian.Uint64(d.rest)
	d.rest = d.rest[8:]
	return v
}

func (d *decoder) text() string {
	n := d.number(uint64(len(d.rest)))
	if n > uint64(len(d.rest)) {
		d.failed, d.rest = true, nil
		return ""
	}
	s := string(d.rest[:n])
	d.rest = d.rest[n:]
	return s
}

func (d *decoder) position(last risk.Position) risk.Position {
	same := d.number(sameEntry | sameContext | sameFacts)
	p := risk.Position{Document: int(d.number(1 << 40)), Offset: int64(d.number(1 << 62)), Line: int(d.number(1 << 62)), Lead: int(d.number(1<<32)) - 1}
	p.Entry, p.Context, p.Facts = last.Entry, last.Context, last.Facts
	if same&sameEntry == 0 {
		p.Entry = d.text()
	}
	if same&sameContext == 0 {
		p.Context = nil
		if text := d.text(); text != "" {
			p.Context = []byte(text)
		}
	}
	if same&sameFacts == 0 {
		p.Facts = nil
		for range d.number(uint64(len(d.rest))) {
			p.Facts = append(p.Facts, risk.Fact{Name: d.text(), Value: d.text()})
		}
	}
	return p
}
