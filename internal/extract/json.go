package extract

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

const (
	maxObjects = 1024 // stepped over on the way out to the one that a hit stands in
	maxNesting = 3    // objects in an object that are looked into
)

// objects is what is known of the objects of a block.
type objects struct {
	barren        row  // the one read last that says nothing, nor does the one around it
	inner, holder span // no object that begins in these holds what stands behind them
	keys          keyRoles
}

// readObject reads the JSON object that a hit stands in, or the one around that: a password may stand one level above
// its account. A line may hold one object or a megabyte of them, and an object many lines. Python writes the same with
// its own quotes.
func (r *reader) readObject(h match.Hit) (record, bool) {
	inner, ok := r.objectAround(h, h.Start, &r.objects.inner)
	if !ok {
		return record{}, false
	}
	if inner.whole == r.objects.barren.whole {
		r.row = r.objects.barren
		return record{}, false
	}
	if rec, ok := r.readRow(inner); ok {
		return rec, true
	}
	r.objects.barren = row{format: inner.format, named: true, whole: inner.whole, cells: append(r.objects.barren.cells[:0], inner.cells...)}
	if at, ok := r.holderOf(inner.whole); ok {
		if outer, ok := r.objectAround(h, at, &r.objects.holder); ok {
			if rec, ok := r.readRow(outer); ok {
				r.objects.barren.whole = span{}
				return rec, true
			}
		}
	}
	r.newRow()
	r.row = r.objects.barren
	return record{}, false
}

// holderOf says whether an object is the value of a key, alone or as the only one in an array, and gives a place in
// the object that has the key.
func (r *reader) holderOf(object span) (at int, ok bool) {
	at = r.signBefore(object.start)
	if at >= 0 && r.data[at] == '[' {
		if end := skipSpace(r.data, object.end); end == len(r.data) || r.data[end] != ']' {
			return 0, false
		}
		at = r.signBefore(at)
	}
	return at, at >= 0 && r.data[at] == ':'
}

// signBefore is where the last sign stands in front of a place that is not blank, -1 when none is near.
func (r *reader) signBefore(at int) int {
	low := max(0, at-maxLine)
	return low + len(trimRight(r.data[low:at])) - 1
}

// objectAround finds the innermost object that begins before at and holds a hit. Those that do not hold it hold no
// later one either: passed says where they are, so that each is read once.
func (r *reader) objectAround(h match.Hit, at int, passed *span) (found row, ok bool) {
	low, from, stop := max(0, h.Start-maxRow), at, 0
	for range maxObjects {
		if at = r.braceBefore(low, at, *passed); at < 0 {
			stop = low
			break
		}
		stop = at + 1
		if r.effort <= 0 {
			break
		}
		if at == r.objects.barren.whole.start && r.objects.barren.whole.has(h.Start) {
			found, ok = r.objects.barren, true
			break
		}
		if found, ok = r.objectAt(at); ok && found.whole.has(h.Start) {
			break
		}
		ok, stop = false, at
	}
	if stop <= passed.end && stop <= from {
		passed.start = min(stop, passed.start)
		passed.end = max(from, passed.end)
	} else {
		*passed = span{stop, from}
	}
	return found, ok
}

// objectAt reads the object that begins at a place.
func (r *reader) objectAt(at int) (row, bool) {
	r.newRow()
	o := objectReader{b: r.data[:min(len(r.data), at+maxRow)], cells: r.cells, keys: &r.objects.keys}
	end, ok := o.object(at, slot{})
	r.cells = o.cells
	return row{format: risk.FormatJSON, whole: span{at, end}, cells: r.cells, named: true}, r.spend(end-at) && ok
}

// braceBefore is the last { in data[low:at] that is not passed, -1 when there is none.
func (r *reader) braceBefore(low, at int, passed span) int {
	switch {
	case passed.has(at - 1):
		return r.lastBrace(low, passed.start)
	case low < passed.end && passed.end < at:
		if i := r.lastBrace(passed.end, at); i >= 0 {
			return i
		}
		return r.lastBrace(low, passed.start)
	}
	return r.lastBrace(low, at)
}

func (r *reader) lastBrace(low, at int) int {
	if low >= at {
		return -1
	}
	if i := bytes.LastIndexByte(r.data[low:at], '{'); i >= 0 {
		return low + i
	}
	return -1
}

// objectReader collects the values of an object, and of the objects in it.
type objectReader struct {
	b      []byte
	cells  []cell
	groups int
	keys   *keyRoles
}

// key reads the key of a value. Programs write it without quotes.
func (o *objectReader) key(at int) (key []byte, end int, ok bool) {
	if start, quoted := o.quote(at); quoted {
		end, ok = jsonStringEnd(o.b, start)
		return o.b[start+1 : max(start+1, end-1)], end, ok
	}
	end = at
	for end < len(o.b) && isNameByte(o.b[end]) {
		end++
	}
	return o.b[at:end], end, end > at && !isDigit(o.b[at])
}

// keyRoles are roles of keys that were met: objects of a dump repeat a handful.
type keyRoles [256]struct {
	text []byte
	role role
}

func (k *keyRoles) of(key []byte) role {
	if len(key) == 0 {
		return noRole
	}
	hash := ((uint(len(key))*31+uint(key[0]))*31+uint(key[len(key)/2]))*31 + uint(key[len(key)-1])
	kept := &k[hash%uint(len(k))]
	if !bytes.Equal(kept.text, key) {
		kept.text, kept.role = key, roleOf(key)
	}
	return kept.role
}

// slot is where a value stands.
type slot struct {
	role    role
	group   int
	depth   int
	wrapped bool // in an object of Extended JSON, such as {"$numberLong": "1"}, which stands for a single value
}

// object reads the object at b[at], which stands in a slot. end is after it, or where it ceased to be one.
func (o *objectReader) object(at int, in slot) (end int, ok bool) {
	at = skipSpace(o.b, at+1)
	if o.is(at, '}') {
		return at + 1, true
	}
	for {
		key, end, ok := o.key(at)
		if !ok {
			return end, false
		}
		if at = skipSpace(o.b, end); !o.is(at, ':') {
			return at, false
		}
		if at, ok = o.value(skipSpace(o.b, at+1), o.under(in, key)); !ok {
			return at, false
		}
		switch at = skipSpace(o.b, at); {
		case o.is(at, '}'):
			return at + 1, true
		case !o.is(at, ','):
			return at, false
		}
		if at = skipSpace(o.b, at+1); o.is(at, '}') { // as a program's own writer leaves it
			return at + 1, true
		}
	}
}

// under is the slot of a key's value in the object that stands in a slot.
func (o *objectReader) under(in slot, key []byte) slot {
	value := slot{group: in.group, depth: in.depth, wrapped: in.wrapped}
	switch {
	case in.wrapped && bytes.HasPrefix(key, []byte("$")):
		value.role = in.role
	case in.wrapped || in.depth > 1: // too far from its account to say whose it is
	case in.role == roleMail && (string(key) == "address" || string(key) == "value"):
		value.role = roleMail
	default:
		value.role = o.keys.of(key)
	}
	return value
}

func (o *objectReader) is(at int, c byte) bool { return at < len(o.b) && o.b[at] == c }

// quote is where the quote of a string stands, behind the u or b that Python may put in front of it.
func (o *objectReader) quote(at int) (int, bool) {
	if at+1 < len(o.b) && (o.b[at] == 'u' || o.b[at] == 'b') && (o.b[at+1] == '\'' || o.b[at+1] == '"') {
		return at + 1, true
	}
	return at, o.is(at, '"') || o.is(at, '\'')
}

func (o *objectReader) value(at int, in slot) (end int, ok bool) {
	if start, quoted := o.quote(at); quoted {
		if end, ok = jsonStringEnd(o.b, start); ok {
			o.cells = append(o.cells, cell{span: span{start + 1, end - 1}, style: styleJSON, role: in.role, group: in.group})
		}
		return end, ok
	}
	switch {
	case o.is(at, '{') && !in.wrapped && isWrapper(o.b, at):
		in.wrapped = true
		return o.object(at, in)
	case o.is(at, '{') && !in.wrapped && in.depth < maxNesting:
		o.groups++
		return o.object(at, slot{role: in.role, group: o.groups, depth: in.depth + 1})
	case o.is(at, '[') && !in.wrapped && in.depth < maxNesting:
		return o.array(at, in)
	case o.is(at, '{'), o.is(at, '['):
		return nestedEnd(o.b, at)
	}
	end = at
	for end < len(o.b) && isWordByte[o.b[end]] && o.b[end] != '_' {
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

// array reads the array at b[at]. Several objects in it are of several people or places, and say nothing of the one
// around them.
func (o *objectReader) array(at int, in slot) (end int, ok bool) {
	cells, objects := len(o.cells), 0
	at = skipSpace(o.b, at+1)
	for !o.is(at, ']') {
		if o.is(at, '{') {
			objects++
		}
		if at, ok = o.value(at, in); !ok {
			return at, false
		}
		if at = skipSpace(o.b, at); o.is(at, ',') {
			at = skipSpace(o.b, at+1)
		} else if !o.is(at, ']') {
			return at, false
		}
	}
	if objects > 1 {
		o.cells = o.cells[:cells]
	}
	return at + 1, true
}

// isWrapper tells an object of Extended JSON, which stands for a single value.
func isWrapper(b []byte, at int) bool {
	at = skipSpace(b, at+1)
	return bytes.HasPrefix(b[at:], []byte(`"$`))
}

// jsonStringEnd is after the quote that ends the string at b[at]. A string holds no line end, so that one that is not
// closed does not run on.
func jsonStringEnd(b []byte, at int) (end int, ok bool) {
	quote := b[at]
	for i := at + 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case quote:
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
		case '"', '\'':
			if i, ok = jsonStringEnd(b, i); !ok {
				return i, false
			}
			i--
		}
	}
	return len(b), false
}

// unquoteJSON takes the escapes out of a string. clear is false where one is none of JSON's or Python's.
func unquoteJSON(b []byte) (text []byte, clear bool) {
	at := bytes.IndexByte(b, '\\')
	if at < 0 {
		return b, true
	}
	text = append(make([]byte, 0, len(b)), b[:at]...)
	for at < len(b) {
		if b[at] != '\\' {
			text = append(text, b[at])
			at++
			continue
		}
		c, n := jsonEscape(b[at:])
		if n == 0 {
			return b, false
		}
		text = utf8.AppendRune(text, c)
		at += n
	}
	return text, true
}

// jsonEscape reads the escape that b begins with, of n bytes.
func jsonEscape(b []byte) (c rune, n int) {
	if len(b) < 2 {
		return 0, 0
	}
	switch b[1] {
	case '"', '\'', '\\', '/':
		return rune(b[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'x':
		return hexRune(b, 2)
	case 'u':
		c, n = hexRune(b, 4)
		if utf16.IsSurrogate(c) && n > 0 && len(b) > n+1 && b[n] == '\\' && b[n+1] == 'u' {
			if low, m := hexRune(b[n:], 4); m > 0 {
				return utf16.DecodeRune(c, low), n + m
			}
		}
		return c, n
	}
	return 0, 0
}

// hexRune reads the hex digits behind \x or \u.
func hexRune(b []byte, digits int) (c rune, n int) {
	if len(b) < 2+digits || !isHex(b[2:2+digits]) {
		return 0, 0
	}
	for _, d := range b[2 : 2+digits] {
		if isDigit(d) {
			c = c<<4 | rune(d-'0')
		} else {
			c = c<<4 | rune(d|0x20-'a'+10)
		}
	}
	return c, 2 + digits
}
