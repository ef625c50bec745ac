package extract

import (
	"bytes"

	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

// maxObjects bounds how many objects are stepped over on the way out to the one that a hit stands in.
const maxObjects = 32

// readObject reads the JSON object that a hit stands in, or the one around that: a password may stand one level above
// its account. A line may hold one object or a megabyte of them, and an object many lines.
func (r *reader) readObject(h match.Hit) (record, bool) {
	inner, ok := r.objectAround(h, h.Start)
	if !ok {
		return record{}, false
	}
	if rec, ok := r.readRow(inner); ok {
		return rec, true
	}
	c, found := r.cellAt(h.Start)
	if before := bytes.TrimRight(r.data[max(0, inner.whole.start-maxLine):inner.whole.start], " \t\r\n"); bytes.HasSuffix(before, []byte(":")) {
		if outer, ok := r.objectAround(h, inner.whole.start); ok {
			if rec, ok := r.readRow(outer); ok {
				return rec, true
			}
		}
	}
	r.newRow()
	if found {
		r.row = row{format: risk.FormatJSON, whole: inner.whole, cells: []cell{c}}
	}
	return record{}, false
}

// objectAround finds the innermost object that begins before at and holds a hit.
func (r *reader) objectAround(h match.Hit, at int) (row, bool) {
	low, high := max(0, h.Start-maxLine), min(len(r.data), h.End+maxLine)
	for range maxObjects {
		i := bytes.LastIndexByte(r.data[low:max(low, at)], '{')
		if i < 0 {
			break
		}
		at = low + i
		r.newRow()
		o := objectReader{b: r.data[:high], cells: r.cells}
		end, ok := o.object(at, slot{})
		r.cells = o.cells
		if !r.spend(end - at) {
			break
		}
		if ok && end > h.Start {
			return row{format: risk.FormatJSON, whole: span{at, end}, cells: r.cells, named: true}, true
		}
	}
	return row{}, false
}

// objectReader collects the values of an object, and of the objects in it one level down.
type objectReader struct {
	b      []byte
	cells  []cell
	groups int
}

// slot is where a value stands.
type slot struct {
	role    role
	group   int
	wrapped bool // in an object of Extended JSON, such as {"$numberLong": "1"}, which stands for a single value
}

// object reads the object at b[at], which stands in a slot. end is after it, or where it ceased to be one.
func (o *objectReader) object(at int, in slot) (end int, ok bool) {
	at = skipSpace(o.b, at+1)
	if o.is(at, '}') {
		return at + 1, true
	}
	for {
		if !o.is(at, '"') {
			return at, false
		}
		keyEnd, ok := jsonStringEnd(o.b, at)
		if !ok {
			return keyEnd, false
		}
		value := slot{group: in.group, wrapped: in.wrapped}
		if key := o.b[at+1 : keyEnd-1]; !in.wrapped {
			value.role = roleOf(key)
		} else if bytes.HasPrefix(key, []byte("$")) {
			value.role = in.role
		}
		if at = skipSpace(o.b, keyEnd); !o.is(at, ':') {
			return at, false
		}
		if at, ok = o.value(skipSpace(o.b, at+1), value); !ok {
			return at, false
		}
		switch at = skipSpace(o.b, at); {
		case o.is(at, '}'):
			return at + 1, true
		case !o.is(at, ','):
			return at, false
		}
		at = skipSpace(o.b, at+1)
	}
}

func (o *objectReader) is(at int, c byte) bool { return at < len(o.b) && o.b[at] == c }

func (o *objectReader) value(at int, in slot) (end int, ok bool) {
	switch {
	case o.is(at, '"'):
		if end, ok = jsonStringEnd(o.b, at); ok {
			o.cells = append(o.cells, cell{span: span{at + 1, end - 1}, style: styleJSON, role: in.role, group: in.group})
		}
		return end, ok
	case o.is(at, '{') && !in.wrapped && isWrapper(o.b, at):
		in.wrapped = true
		return o.object(at, in)
	case o.is(at, '{') && !in.wrapped && in.group == 0:
		o.groups++
		return o.object(at, slot{group: o.groups})
	case o.is(at, '{'), o.is(at, '['):
		return nestedEnd(o.b, at)
	}
	end = at
	for end < len(o.b) && (isLetter(o.b[end]) || isDigit(o.b[end]) || bytes.IndexByte([]byte("+-."), o.b[end]) >= 0) {
		end++
	}
	if o.is(end, '(') { // ObjectId("…")
		return callEnd(o.b, end)
	}
	if end > at && isDigit(o.b[end-1]) {
		o.cells = append(o.cells, cell{span: span{at, end}, role: in.role, group: in.group})
	}
	return end, end > at
}

// isWrapper tells an object of Extended JSON, which stands for a single value.
func isWrapper(b []byte, at int) bool {
	at = skipSpace(b, at+1)
	return bytes.HasPrefix(b[at:], []byte(`"$`))
}

// jsonStringEnd is after the quote that ends the string at b[at]. A string holds no line end, so that one that is not
// closed does not run on.
func jsonStringEnd(b []byte, at int) (end int, ok bool) {
	for i := at + 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1, true
		case '\n':
			return i, false
		}
	}
	return len(b), false
}

// nestedEnd steps over an array or object.
func nestedEnd(b []byte, at int) (end int, ok bool) {
	depth := 0
	for i := at; i < len(b); i++ {
		switch b[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1, true
			}
		case '"':
			if i, ok = jsonStringEnd(b, i); !ok {
				return i, false
			}
			i--
		}
	}
	return len(b), false
}
