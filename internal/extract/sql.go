package extract

import (
	"bytes"
	"encoding/hex"

	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

// maxRow bounds a row or an object. A table of people may hold their pictures.
const maxRow = 64 << 10

// readInsert reads the row of an INSERT statement that a hit stands in, on a line of any length.
func (r *reader) readInsert(h match.Hit) (record, bool) {
	if !r.insert.whole.has(h.Start) && !r.insertAround(h.Start) {
		return record{}, false
	}
	r.row = r.insert.row
	return r.insert.record, r.insert.ok
}

// inserted is the row of an INSERT that was read last, with what it says.
type inserted struct {
	row
	record record
	ok     bool
	next   int // no row that is not known yet begins in front of this
}

// insertAround reads rows one after the other up to the one that holds a place.
func (r *reader) insertAround(hit int) bool {
	at := max(r.insert.next, hit-maxRow)
	for at < hit {
		i := bytes.IndexByte(r.data[at:hit], '(')
		if i < 0 {
			at = hit
			break
		}
		at += i
		if !beginsRow(r.data[max(0, at-maxLine):at]) {
			at++
			continue
		}
		end, ok := r.sqlCells(span{at, min(len(r.data), at+maxRow)})
		if !r.spend(end - at) {
			break
		}
		switch {
		case !ok:
			at++
		case end <= hit:
			at = end
		default:
			r.insert.next = end
			r.insert.row = r.insertRow(span{at, end})
			r.insert.record, r.insert.ok = r.readRow(r.insert.row)
			return true
		}
	}
	r.insert.next = at
	return false
}

func (r *reader) insertRow(whole span) row {
	t := row{format: risk.FormatSQL, whole: whole, cells: r.insertCells}
	columns := r.columnsAt(whole.start)
	if columns == nil {
		columns = r.headInLine(whole.start)
	}
	if len(columns) != len(t.cells) {
		return t
	}
	t.named = true
	for i := range t.cells {
		// The address in a table of users is somebody's home page.
		if t.cells[i].role = columns[i]; columns[i] == roleHost {
			t.cells[i].role = noRole
		}
	}
	return t
}

// headInLine reads the list of columns of an INSERT that does not begin its line, but stands right in front of its row.
func (r *reader) headInLine(row int) []role {
	if !followsValues(r.data[max(0, row-maxLine):row]) {
		return nil
	}
	before := r.data[max(0, row-maxLine):row]
	for _, word := range []string{"INSERT ", "insert ", "Insert "} {
		i := bytes.LastIndex(before, []byte(word))
		if i < 0 || !startsStatement(before[:i]) {
			continue
		}
		p := sqlWordsOf(before[i+len(word):])
		if columns, listed, ok := p.insertHead(); ok && p.at == len(p.b) {
			if !listed {
				return r.said.columnsOf(p.table)
			}
			return columns
		}
	}
	return nil
}

// startsStatement tells a keyword from the same word in a text: in front of it a line or a statement ends.
func startsStatement(before []byte) bool {
	before = bytes.TrimRight(before, " \t")
	return len(before) == 0 || before[len(before)-1] == '\n' || before[len(before)-1] == ';'
}

// beginsRow says that what follows may be a row: a comma or VALUES stands before it.
func beginsRow(before []byte) bool {
	before = trimRight(before)
	return len(before) > 0 && before[len(before)-1] == ',' || followsValues(before)
}

func followsValues(before []byte) bool {
	before = trimRight(before)
	n := len(before)
	return n >= 6 && bytes.EqualFold(before[n-6:], []byte("values"))
}

func trimRight(b []byte) []byte {
	for len(b) > 0 && (isBlank(b[len(b)-1]) || b[len(b)-1] == '\n') {
		b = b[:len(b)-1]
	}
	return b
}

// sqlCells reads a row in parentheses into r.insertCells. end is after it, or where it ceased to be one.
func (r *reader) sqlCells(s span) (end int, ok bool) {
	b := r.data[:s.end]
	cells := r.insertCells[:0]
	r.insert.row = row{}
	defer func() { r.insertCells = cells }()
	for at := s.start + 1; ; at++ {
		c, next, ok := r.sqlExpression(b, skipSpace(b, at))
		if !ok {
			return next, false
		}
		cells = append(cells, c)
		at = skipSpace(b, next)
		switch {
		case at == len(b):
			return at, false
		case b[at] == ')':
			return at + 1, true
		case b[at] != ',':
			return at, false
		}
	}
}

func skipSpace(b []byte, at int) int {
	for at < len(b) && (isBlank(b[at]) || b[at] == '\n') {
		at++
	}
	return at
}

// sqlExpression reads one value with the type that may follow it, or several that are joined and say nothing here.
func (r *reader) sqlExpression(b []byte, at int) (c cell, end int, ok bool) {
	c, end, ok = sqlValue(b, at, r.standardStrings())
	for ok && end+1 < len(b) {
		switch next := skipSpace(b, end); {
		case bytes.HasPrefix(b[end:], []byte("::")):
			for end += 2; end < len(b) && (isNameByte(b[end]) || b[end] == '.' || b[end] == ' '); {
				end++
			}
		case bytes.HasPrefix(b[next:], []byte("||")):
			_, end, ok = sqlValue(b, skipSpace(b, next+2), r.standardStrings())
			c.style = styleAbsent
		default:
			return c, end, true
		}
	}
	return c, end, ok
}

// sqlValue reads one value: a string, with or without a prefix, a number, 0x and hex digits, a word such as NULL, or
// the call of a function. In standard strings no backslash escapes anything.
func sqlValue(b []byte, at int, standard bool) (c cell, end int, ok bool) {
	word := at
	for at < len(b) && isWordByte[b[at]] {
		at++
	}
	name := b[word:at]
	quote := at
	if len(name) > 1 && name[0] == '_' { // _binary 'text'
		quote = skipSpace(b, at)
	}
	if quote < len(b) && (b[quote] == '\'' || b[quote] == '"') && (len(name) <= 1 || name[0] == '_') {
		c.style = stringStyle(name, standard)
		end, ok = stringEnd(b, quote, c.style == styleSQL)
		c.span = span{quote + 1, end - 1}
		return c, end, ok
	}
	if quote > at && quote < len(b) { // _binary 0x1234
		word, at = quote, quote
		for at < len(b) && isWordByte[b[at]] {
			at++
		}
		name = b[word:at]
	}
	c.span = span{word, at}
	switch {
	case len(name) == 0:
		return c, at, false
	case len(name) >= 2 && name[0] == '0' && name[1]|0x20 == 'x' && isHex(name[2:]):
		return cell{span: span{word + 2, at}, style: styleHex}, at, true
	case isDigit(name[0]) || bytes.IndexByte([]byte("+-."), name[0]) >= 0:
		return c, at, len(bytes.Trim(name, "0123456789.+-eE")) == 0
	case at < len(b) && b[at] == '(':
		end, ok = callEnd(b, at)
		return cell{span: span{word, end}, style: styleAbsent}, end, ok
	}
	c.style = styleAbsent
	return c, at, isSQLWord(name)
}

// isWordByte tells what numbers, words and the names of functions are made of.
var isWordByte = func() (is [256]bool) {
	for c := range is {
		is[c] = isLetter(byte(c)) || isDigit(byte(c)) || bytes.IndexByte([]byte("_.+-"), byte(c)) >= 0
	}
	return is
}()

// stringStyle is how a string is written that a prefix stands in front of, or none.
func stringStyle(prefix []byte, standard bool) style {
	if len(prefix) == 1 {
		switch prefix[0] | 0x20 {
		case 'n':
			return styleStandard
		case 'x':
			return styleHex
		case 'e':
			return styleSQL
		}
	}
	if standard {
		return styleStandard
	}
	return styleSQL
}

func isSQLWord(name []byte) bool {
	for _, word := range []string{"NULL", "TRUE", "FALSE", "DEFAULT", "CURRENT_TIMESTAMP"} {
		if bytes.EqualFold(name, []byte(word)) {
			return true
		}
	}
	return false
}

// standardStrings says that the dump is of a database in whose strings a backslash is a backslash.
func (r *reader) standardStrings() bool {
	if r.strings == unknownStrings {
		r.strings = stringsOf(r.documentHead())
	}
	return r.strings == standardStrings
}

// dialect is how strings are written.
type dialect int

const (
	unknownStrings dialect = iota
	escapedStrings
	standardStrings
)

// standardMarks stand at the beginning of dumps of PostgreSQL, SQLite, SQL Server and Oracle.
var standardMarks = []string{"PostgreSQL database dump", "PRAGMA foreign_keys", "[dbo].", "SET ANSI_NULLS", "SET DEFINE OFF", "standard_conforming_strings = on"}

func stringsOf(head []byte) dialect {
	for _, mark := range standardMarks {
		if bytes.Contains(head, []byte(mark)) {
			return standardStrings
		}
	}
	return escapedStrings
}

// maxHead is how much of a document's beginning is known in each of its blocks.
const maxHead = 4 << 10

// documentHead is the beginning of the document, as far as it is known.
func (r *reader) documentHead() []byte {
	if r.block.Head != nil {
		return r.block.Head
	}
	if r.cutInFront() || r.block.Place.Offset > int64(len(bom)) {
		return nil
	}
	return r.data[:min(len(r.data), maxHead)]
}

// stringEnd is after the quote that ends the string at b[at].
func stringEnd(b []byte, at int, backslashes bool) (end int, ok bool) {
	quote := b[at]
	for i := at + 1; i < len(b); i++ {
		switch {
		case b[i] == '\\' && backslashes:
			i++
		case b[i] != quote:
		case i+1 < len(b) && b[i+1] == quote:
			i++
		default:
			return i + 1, true
		}
	}
	return len(b), false
}

// callEnd is after the parenthesis that ends the call of a function.
func callEnd(b []byte, at int) (end int, ok bool) {
	depth := 0
	for i := at; i < len(b); i++ {
		switch b[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1, true
			}
		case '\'':
			if i, ok = stringEnd(b, i, true); !ok {
				return i, false
			}
			i--
		}
	}
	return len(b), false
}

// unquoteSQL takes the escapes out of a string. Not all databases know backslashes: one that would make a line end or
// another sign that is in no password leaves a doubt.
func unquoteSQL(b []byte, quote byte, backslashes bool) (text []byte, clear bool) {
	clear = true
	escaped := backslashes && bytes.IndexByte(b, '\\') >= 0
	if !escaped && (quote == 0 || bytes.IndexByte(b, quote) < 0) {
		return b, true
	}
	text = make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if last := i+1 == len(b); !last && quote != 0 && b[i] == quote && b[i+1] == quote {
			i++
		} else if !last && escaped && b[i] == '\\' {
			switch b[i+1] {
			case '\\', '\'', '"':
				i++
			case '0', 'n', 'r', 't', 'b', 'Z', 'f', 'v':
				clear = false
			}
		}
		text = append(text, b[i])
	}
	return text, clear
}

// byteaText is the text that a string of PostgreSQL's binary type stands for.
func byteaText(b []byte) []byte {
	if len(b) > 2 && b[0] == '\\' && b[1] == 'x' && isHex(b[2:]) {
		return hexText(b[2:])
	}
	return b
}

// hexText is the text that hex digits stand for, or they themselves when it is none, as of a hash in binary.
func hexText(b []byte) []byte {
	text := make([]byte, hex.DecodedLen(len(b)))
	if _, err := hex.Decode(text, b); err != nil {
		return b
	}
	for _, c := range text {
		if c < ' ' || c > '~' {
			return b
		}
	}
	return text
}

// columnsAt are the roles of the columns of the rows that stand at a place, as far as the document has said.
func (r *reader) columnsAt(at int) []role {
	r.hear(at)
	if r.said.copying {
		return nil
	}
	return r.said.columns
}

// copyColumns are the roles of the columns of the COPY whose rows a line stands among; none when it stands elsewhere.
func (r *reader) copyColumns(line span) []role {
	if bytes.IndexByte(line.of(r.data), '\t') < 0 {
		return nil
	}
	r.hear(line.start)
	if !r.said.copying {
		return nil
	}
	return r.said.columns
}

// hear goes on through the statements in front of a place.
func (r *reader) hear(at int) {
	if !r.hearing {
		r.hearing, r.said = true, saidBefore(r.block)
		if r.block.Context != nil {
			r.heard = r.block.Lead
		}
	}
	if at > r.heard {
		r.said.read(r.data, r.heard, at)
		r.heard = at
	}
}
