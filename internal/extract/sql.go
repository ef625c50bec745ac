package extract

import (
	"bytes"
	"encoding/hex"

	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

// statement is the beginning of the INSERT, COPY or CREATE TABLE that was seen last on the way through a block.
type statement struct {
	searched int // up to here
	columns  []role
	row      int    // the row read last ended here
	table    []byte // of CREATE TABLE
}

// readInsert reads the row of an INSERT statement that a hit stands in, on a line of any length.
func (r *reader) readInsert(h match.Hit) (record, bool) {
	low, high := max(0, h.Start-maxLine), min(len(r.data), h.End+maxLine)
	at := low
	if r.insert.row <= h.Start {
		at = max(low, r.insert.row)
	}
	for at < h.Start {
		i := bytes.IndexByte(r.data[at:h.Start], '(')
		if i < 0 {
			break
		}
		at += i
		if !beginsRow(r.data[max(0, at-maxLine):at]) {
			at++
			continue
		}
		end, ok := r.sqlCells(span{at, high})
		if !r.spend(end - at) {
			break
		}
		switch {
		case !ok:
			at++
		case end <= h.Start:
			at, r.insert.row = end, end
		default:
			r.insert.row = end
			return r.readRow(r.insertRow(span{at, end}))
		}
	}
	return record{}, false
}

func (r *reader) insertRow(whole span) row {
	t := row{format: risk.FormatSQL, whole: whole, cells: r.cells}
	columns := r.insertColumns(whole.start)
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

// beginsRow says that what follows may be a row: a comma or VALUES stands before it.
func beginsRow(before []byte) bool {
	before = bytes.TrimRight(before, " \t\r\n")
	n := len(before)
	return n > 0 && before[n-1] == ',' || n >= 6 && bytes.EqualFold(before[n-6:], []byte("values"))
}

// sqlCells reads a row in parentheses into r.cells. end is after it, or where it ceased to be one.
func (r *reader) sqlCells(s span) (end int, ok bool) {
	b := r.data[:s.end]
	r.newRow()
	for at := s.start + 1; ; at++ {
		c, next, ok := sqlValue(b, skipSpace(b, at))
		if !ok {
			return next, false
		}
		r.cells = append(r.cells, c)
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

// sqlValue reads one value: a string, with or without a prefix, a number, 0x and hex digits, a word such as NULL, or
// the call of a function.
func sqlValue(b []byte, at int) (c cell, end int, ok bool) {
	word := at
	for at < len(b) && (isLetter(b[at]) || isDigit(b[at]) || bytes.IndexByte([]byte("_.+-"), b[at]) >= 0) {
		at++
	}
	name := b[word:at]
	quote := at
	if len(name) > 1 && name[0] == '_' { // _binary 'text'
		quote = skipSpace(b, at)
	}
	if quote < len(b) && (b[quote] == '\'' || b[quote] == '"') && (len(name) <= 1 || name[0] == '_') {
		c.style = styleSQL
		switch {
		case len(name) == 1 && name[0]|0x20 == 'n':
			c.style = styleStandard
		case len(name) == 1 && name[0]|0x20 == 'x':
			c.style = styleHex
		}
		end, ok = stringEnd(b, quote, c.style == styleSQL)
		c.span = span{quote + 1, end - 1}
		return c, end, ok
	}
	c.span = span{word, at}
	switch {
	case len(name) == 0:
		return c, at, false
	case len(name) > 2 && name[0] == '0' && name[1]|0x20 == 'x' && isHex(name[2:]):
		return cell{span: span{word + 2, at}, style: styleHex}, at, true
	case isDigit(name[0]) || bytes.IndexByte([]byte("+-."), name[0]) >= 0:
		return c, at, len(bytes.Trim(name, "0123456789.+-eE")) == 0
	case at < len(b) && b[at] == '(':
		end, ok = callEnd(b, at)
		return cell{span: span{word, end}, style: styleAbsent}, end, ok
	}
	c.style = styleAbsent
	return c, at, sqlWords[string(bytes.ToUpper(name[:min(len(name), 24)]))]
}

var sqlWords = map[string]bool{"NULL": true, "TRUE": true, "FALSE": true, "DEFAULT": true, "CURRENT_TIMESTAMP": true}

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

// insertColumns are the roles of the columns that the statement in front of a row lists, or that its table was created
// with; none when neither stands in the block.
func (r *reader) insertColumns(at int) []role {
	s := &r.insert
	keyword := []byte("INSERT ")
	for end := at; end > s.searched; {
		i := bytes.LastIndex(r.data[s.searched:end], keyword)
		if i < 0 {
			break
		}
		end = s.searched + i
		if startsStatement(r.data[max(0, end-8):end]) {
			head := r.data[end:min(end+maxLine, at)]
			if s.columns = listedColumns(head); s.columns == nil {
				s.columns = r.createdColumns(end, tableName(head[len(keyword):]))
			}
			break
		}
	}
	s.searched = max(s.searched, at)
	return s.columns
}

// startsStatement tells a keyword from the same word in a text: in front of it a line or a statement ends.
func startsStatement(before []byte) bool {
	before = bytes.TrimRight(before, " \t")
	return len(before) == 0 || before[len(before)-1] == '\n' || before[len(before)-1] == ';'
}

// listedColumns reads the list in parentheses after the table's name.
func listedColumns(head []byte) []role {
	list := bytes.IndexByte(head, '(')
	if list < 0 {
		return nil
	}
	length := bytes.IndexByte(head[list:], ')')
	if length < 0 || bytes.Contains(bytes.ToUpper(head[:list]), []byte("VALUES")) {
		return nil
	}
	var columns []role
	for name := range bytes.SplitSeq(head[list+1:list+length], []byte{','}) {
		columns = append(columns, roleOf(name))
	}
	return columns
}

// maxCreate bounds the statement that creates a table.
const maxCreate = 16 << 10

// createdColumns are the roles of a table's columns, if it is the one that was created last in front of at.
func (r *reader) createdColumns(at int, table []byte) []role {
	s := &r.created
	keyword := []byte("CREATE TABLE ")
	for end := at; end > s.searched; {
		i := bytes.LastIndex(r.data[s.searched:end], keyword)
		if i < 0 {
			break
		}
		end = s.searched + i
		if startsStatement(r.data[max(0, end-8):end]) {
			statement := r.data[end+len(keyword) : min(end+maxCreate, at)]
			s.table, s.columns = tableName(statement), declaredColumns(statement)
			break
		}
	}
	s.searched = max(s.searched, at)
	if !bytes.Equal(s.table, table) {
		return nil
	}
	return s.columns
}

// tableName is the name at the beginning of the rest of a statement, as it is written.
func tableName(b []byte) []byte {
	for _, word := range []string{"IGNORE ", "INTO ", "IF NOT EXISTS "} {
		b = bytes.TrimPrefix(b, []byte(word))
	}
	if end := bytes.IndexAny(b, " (\r\n"); end >= 0 {
		return b[:end]
	}
	return b
}

// declaredColumns reads the declarations in parentheses of a CREATE TABLE, but not those of its keys.
func declaredColumns(b []byte) []role {
	at := bytes.IndexByte(b, '(')
	if at < 0 {
		return nil
	}
	var columns []role
	for {
		at = skipSpace(b, at+1)
		end, ok := declarationEnd(b, at)
		if !ok {
			return nil
		}
		name, _, _ := bytes.Cut(b[at:end], []byte{' '})
		word, _, _ := bytes.Cut(name, []byte{'('})
		if !keyWords[string(bytes.ToUpper(word[:min(len(word), 16)]))] {
			columns = append(columns, roleOf(name))
		}
		if at = end; b[at] == ')' {
			return columns
		}
	}
}

// keyWords begin the declarations that are none of columns.
var keyWords = map[string]bool{
	"PRIMARY": true, "UNIQUE": true, "KEY": true, "INDEX": true, "CONSTRAINT": true, "FOREIGN": true, "FULLTEXT": true, "SPATIAL": true, "CHECK": true,
}

// declarationEnd is at the comma or parenthesis that ends a declaration.
func declarationEnd(b []byte, at int) (end int, ok bool) {
	for at < len(b) {
		next := at + 1
		switch b[at] {
		case ',', ')':
			return at, true
		case ';':
			return at, false
		case '(':
			next, ok = callEnd(b, at)
		case '\'':
			next, ok = stringEnd(b, at, true)
		default:
			ok = true
		}
		if !ok {
			return next, false
		}
		at = next
	}
	return at, false
}

// copyColumns are the roles of the columns of the COPY whose rows a line stands among; none when it stands elsewhere.
func (r *reader) copyColumns(line span) []role {
	s := &r.copied
	if bytes.IndexByte(line.of(r.data), '\t') < 0 {
		return nil
	}
	if line.start <= s.searched {
		return s.columns
	}
	stretch := r.data[s.searched:line.start]
	s.searched = line.start
	begun, ended := lastLine(stretch, "COPY "), lastLine(stretch, `\.`)
	switch {
	case begun > ended:
		head, _, _ := bytes.Cut(stretch[begun:], newline)
		s.columns = nil
		if bytes.HasSuffix(trimmed(head), []byte("FROM stdin;")) {
			s.columns = listedColumns(head)
		}
	case ended >= 0:
		s.columns = nil
	}
	return s.columns
}

func trimmed(b []byte) []byte { return bytes.TrimRight(b, "\r ") }

// lastLine is where the last line begins that begins so, -1 when none does.
func lastLine(b []byte, prefix string) int {
	if i := bytes.LastIndex(b, []byte("\n"+prefix)); i >= 0 {
		return i + 1
	}
	if bytes.HasPrefix(b, []byte(prefix)) {
		return 0
	}
	return -1
}
