package extract

import (
	"bytes"

	"github.com/wardline/wardline/internal/risk"
)

// A dump of a database names the columns of a row megabytes in front of it: in the CREATE TABLE of its table, or at the
// beginning of its INSERT or COPY. What was named is carried from block to block in risk.Block.Context.

// Context gives what the block behind b must know of b and of what is in front of it. A document that shows no
// statement in its first 64 KiB is no dump of a database, and costs nothing from there on.
func Context(b risk.Block) []byte {
	end := len(b.Data) - b.Trail
	if b.Context == nil && b.Place.Offset+int64(b.Lead) >= maxSilent {
		return nil
	}
	said := saidBefore(b)
	said.read(b.Data, b.Lead, end)
	if said.found {
		said.keepUnfinished(b.Data[:end])
	}
	return said.encode(b.Context)
}

const (
	maxSilent    = 64 << 10
	maxStatement = 16 << 10 // the head of an INSERT or COPY, or a whole CREATE TABLE
	maxTables    = 32 << 10 // bytes kept of the tables of a dump
	maxTableName = 256
)

// statements is what a dump has said up to some place.
type statements struct {
	found      bool
	copying    bool
	columns    []role // of the rows that follow an INSERT or COPY; nil = not known
	tables     []byte // of CREATE TABLE: lines of name, TAB and a letter for each column's role
	unfinished []byte // a statement that the block in front ended in
	begun      int    // where in the present block one begins that its end cuts off; -1 = none
	effort     int    // left for what looks like a statement and is none
	last       insertion
}

// insertion is the beginning of an INSERT with a list of columns: a dump may repeat it in front of each row.
type insertion struct {
	head    []byte // up to its rows
	columns []role
}

func (i *insertion) begins(b []byte) bool {
	return len(i.head) > 0 && len(b) > len(i.head) && b[len(i.head)] == '(' && bytes.HasPrefix(b, i.head)
}

func saidBefore(b risk.Block) statements {
	s := statements{begun: -1, effort: 4*len(b.Data) + 4*maxStatement}
	s.decode(b.Context)
	return s
}

// read goes through the lines that begin in data[from:to], and reads the statements among them beyond to.
func (s *statements) read(data []byte, from, to int) {
	if len(s.unfinished) > 0 {
		s.finish(data, from, to)
	}
	at := from
	if from > 0 && data[from-1] != '\n' {
		at = nextLine(data, from, to)
	}
	for ; at < to; at = nextLine(data, at, to) {
		start := skipBlanks(data, at, to)
		if start < to && opensStatement[data[start]] {
			s.statement(data, start)
		}
	}
}

func nextLine(data []byte, at, to int) int {
	if i := bytes.IndexByte(data[at:to], '\n'); i >= 0 {
		return at + i + 1
	}
	return to
}

func skipBlanks(data []byte, at, to int) int {
	for at < to && isBlank(data[at]) {
		at++
	}
	return at
}

// opensStatement are the first letters of INSERT, REPLACE, COPY and CREATE, and the sign that ends the rows of COPY.
var opensStatement = [256]bool{'I': true, 'i': true, 'R': true, 'r': true, 'C': true, 'c': true, '\\': true}

// finish reads the statement that the block in front ended in, with what goes on here.
func (s *statements) finish(data []byte, from, to int) {
	begun := s.unfinished
	s.unfinished = nil
	s.statement(append(begun, data[from:min(len(data), from+maxStatement)]...), 0)
	if s.begun == 0 && len(begun)+to-from < maxStatement {
		s.unfinished = append(begun, data[from:to]...)
	}
	s.begun = -1
}

// keepUnfinished keeps the beginning of a statement that a block ends in.
func (s *statements) keepUnfinished(data []byte) {
	if s.begun >= 0 && s.begun < len(data) && len(data)-s.begun < maxStatement {
		s.unfinished = bytes.Clone(data[s.begun:])
	}
}

// statement reads what begins at data[at], if that is a statement.
func (s *statements) statement(data []byte, at int) {
	b := data[at:min(len(data), at+maxStatement)]
	if s.effort < 0 {
		return
	}
	if s.last.begins(b) {
		s.found, s.copying, s.columns = true, false, s.last.columns
		return
	}
	p := sqlWordsOf(b)
	switch {
	case bytes.HasPrefix(b, []byte(`\.`)):
		s.copying, s.columns = false, nil
		return
	case p.word("CREATE"):
		if !p.createsTable() {
			return
		}
		if columns, ok := declaredColumns(b[p.at:]); ok {
			s.found = true
			s.addTable(p.table, columns)
			return
		}
		s.effort -= len(b)
	case p.word("INSERT"), p.word("REPLACE"):
		columns, listed, ok := p.insertHead()
		if ok {
			s.found, s.copying, s.columns = true, false, columns
			if listed {
				s.last = insertion{b[:p.at], columns}
			} else {
				s.columns = s.columnsOf(p.table)
			}
			return
		}
	case p.word("COPY"):
		columns, listed, ok := p.copyHead()
		if ok {
			s.found, s.copying, s.columns = true, true, columns
			if !listed {
				s.columns = s.columnsOf(p.table)
			}
			return
		}
	default:
		return
	}
	s.effort -= p.at + len(b)/64 // what was read, and searched for a parenthesis
	if p.short && len(b) < maxStatement {
		s.found, s.begun = true, at
	}
}

// addTable remembers a table's columns, and forgets those of the table that was named longest ago where there are too
// many.
func (s *statements) addTable(name []byte, columns []role) {
	if len(name) == 0 || len(name) > maxTableName || len(columns) == 0 {
		return
	}
	line := append(bytes.ToLower(name), '\t')
	old := s.tables
	if start, end, ok := s.findTable(line); ok {
		old = append(bytes.Clone(old[:start]), old[end:]...)
	}
	for _, is := range columns {
		line = append(line, 'a'+byte(is))
	}
	line = append(line, '\n')
	for len(old)+len(line) > maxTables {
		_, rest, found := bytes.Cut(old, newline)
		if !found {
			return
		}
		old = rest
	}
	s.tables = append(old[:len(old):len(old)], line...)
}

// findTable finds the line of a name that a TAB follows.
func (s *statements) findTable(name []byte) (start, end int, ok bool) {
	for at := 0; at < len(s.tables); at = end {
		end = nextLine(s.tables, at, len(s.tables))
		if bytes.HasPrefix(s.tables[at:end], name) {
			return at, end, true
		}
	}
	return 0, 0, false
}

func (s *statements) columnsOf(table []byte) []role {
	if len(table) == 0 || len(table) > maxTableName {
		return nil
	}
	name := append(bytes.ToLower(table), '\t')
	start, end, ok := s.findTable(name)
	if !ok {
		return nil
	}
	return rolesOf(s.tables[start+len(name) : end-1])
}

func rolesOf(letters []byte) []role {
	if len(letters) == 0 {
		return nil
	}
	columns := make([]role, len(letters))
	for i, c := range letters {
		columns[i] = role(c - 'a')
	}
	return columns
}

// encode writes down what was said; old is given back where nothing has changed. The first line says how rows follow
// and names their columns, those after it are tables, and behind a NUL stands an unfinished statement.
func (s *statements) encode(old []byte) []byte {
	if !s.found {
		return old
	}
	out := make([]byte, 0, 2+len(s.columns)+len(s.tables)+1+len(s.unfinished))
	if s.copying {
		out = append(out, 'C')
	} else {
		out = append(out, 'I')
	}
	for _, is := range s.columns {
		out = append(out, 'a'+byte(is))
	}
	out = append(out, '\n')
	out = append(out, s.tables...)
	out = append(out, 0)
	out = append(out, s.unfinished...)
	if bytes.Equal(out, old) {
		return old
	}
	return out
}

func (s *statements) decode(context []byte) {
	said, unfinished, ok := bytes.Cut(context, []byte{0})
	head, tables, lined := bytes.Cut(said, newline)
	if !ok || !lined || len(head) == 0 {
		return
	}
	s.found, s.copying, s.columns = true, head[0] == 'C', rolesOf(head[1:])
	s.tables, s.unfinished = tables[:len(tables):len(tables)], unfinished[:len(unfinished):len(unfinished)]
}

// phrase reads the words at the beginning of a statement.
type phrase struct {
	b     []byte
	at    int
	table []byte // its name without quotes, once read
	short bool   // b ended where more was expected
}

func sqlWordsOf(b []byte) *phrase { return &phrase{b: b} }

// word steps over a word, in any case, and the blanks behind it.
func (p *phrase) word(w string) bool {
	end := p.at + len(w)
	if end > len(p.b) {
		p.short = p.short || bytes.EqualFold(p.b[p.at:], []byte(w[:len(p.b)-p.at]))
		return false
	}
	if !bytes.EqualFold(p.b[p.at:end], []byte(w)) || end < len(p.b) && isNameByte(p.b[end]) {
		return false
	}
	p.at = skipSpace(p.b, end)
	return true
}

func isNameByte(c byte) bool {
	return isLetter(c) || isDigit(c) || c == '_' || c == '$' || c == '#' || c >= 0x80
}

func (p *phrase) words(all ...string) {
	for again := true; again; {
		again = false
		for _, w := range all {
			again = again || p.word(w)
		}
	}
}

// name reads a name with the schema in front of it.
func (p *phrase) name() bool {
	p.table = p.table[:0]
	for p.at < len(p.b) {
		start, end := p.at, p.at
		if closing := quoteOf(p.b[p.at]); closing != 0 {
			n := bytes.IndexByte(p.b[p.at+1:], closing)
			if n < 0 || n > maxTableName {
				p.short = n < 0
				return false
			}
			start, end, p.at = p.at+1, p.at+1+n, p.at+n+2
		} else {
			for end < len(p.b) && isNameByte(p.b[end]) {
				end++
			}
			p.at = end
		}
		if end == start || bytes.ContainsAny(p.b[start:end], "\t\n\x00") {
			return false
		}
		p.table = append(p.table, p.b[start:end]...)
		if p.at == len(p.b) || p.b[p.at] != '.' {
			break
		}
		p.table = append(p.table, '.')
		p.at++
	}
	p.short = p.short || p.at == len(p.b)
	p.at = skipSpace(p.b, p.at)
	return len(p.table) > 0 && len(p.table) <= maxTableName
}

// quoteOf is the sign that closes a quoted name.
func quoteOf(c byte) byte {
	switch c {
	case '`', '"', '\'':
		return c
	case '[':
		return ']'
	}
	return 0
}

// createsTable reads on behind CREATE up to the declarations.
func (p *phrase) createsTable() bool {
	p.words("GLOBAL", "LOCAL", "TEMPORARY", "TEMP", "UNLOGGED", "OR", "REPLACE")
	if !p.word("TABLE") {
		return false
	}
	p.words("IF", "NOT", "EXISTS")
	if !p.name() {
		return false
	}
	p.short = true // whatever is missing now is the end
	return true
}

// insertHead reads on behind INSERT up to VALUES.
func (p *phrase) insertHead() (columns []role, listed, ok bool) {
	p.words("IGNORE", "LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED", "OR", "REPLACE", "INTO")
	if !p.name() {
		return nil, false, false
	}
	columns, listed, ok = p.list()
	if !ok {
		return nil, false, false
	}
	p.words("OVERRIDING", "SYSTEM", "USER", "VALUE")
	return columns, listed, p.word("VALUES")
}

// copyHead reads on behind COPY up to the end of its line.
func (p *phrase) copyHead() (columns []role, listed, ok bool) {
	if !p.name() {
		return nil, false, false
	}
	columns, listed, ok = p.list()
	if !ok || !p.word("FROM") {
		return nil, false, false
	}
	return columns, listed, p.word("stdin")
}

// list reads names in parentheses, if some stand here.
func (p *phrase) list() (columns []role, listed, ok bool) {
	if p.at == len(p.b) {
		p.short = true
		return nil, false, false
	}
	if p.b[p.at] != '(' {
		return nil, false, true
	}
	length := bytes.IndexByte(p.b[p.at:], ')')
	if length < 0 {
		p.short = true
		return nil, false, false
	}
	for name := range bytes.SplitSeq(p.b[p.at+1:p.at+length], []byte{','}) {
		columns = append(columns, roleOf(name))
	}
	p.at = skipSpace(p.b, p.at+length+1)
	return columns, true, true
}

// declaredColumns reads the declarations in parentheses of a CREATE TABLE, but not those of its keys.
func declaredColumns(b []byte) (columns []role, ok bool) {
	if len(b) == 0 || b[0] != '(' {
		return nil, len(b) > 0
	}
	for at := 0; ; {
		at = skipSpace(b, at+1)
		end, ok := declarationEnd(b, at)
		if !ok {
			return nil, false
		}
		name := declaredName(b[at:end])
		if word, _, _ := bytes.Cut(name, []byte{'('}); !keyWords[string(bytes.ToUpper(word[:min(len(word), 16)]))] {
			columns = append(columns, roleOf(name))
		}
		if at = end; b[at] == ')' {
			return columns, true
		}
	}
}

// declaredName is the first word of a declaration.
func declaredName(b []byte) []byte {
	if len(b) > 0 && quoteOf(b[0]) != 0 {
		if i := bytes.IndexByte(b[1:], quoteOf(b[0])); i >= 0 {
			return b[:i+2]
		}
	}
	if i := bytes.IndexAny(b, " \t\r\n"); i >= 0 {
		return b[:i]
	}
	return b
}

// keyWords begin the declarations that are none of columns.
var keyWords = map[string]bool{
	"PRIMARY": true, "UNIQUE": true, "KEY": true, "INDEX": true, "CONSTRAINT": true, "FOREIGN": true, "FULLTEXT": true, "SPATIAL": true, "CHECK": true,
	"EXCLUDE": true, "LIKE": true, "PERIOD": true,
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
		case '\'', '"', '`':
			next, ok = stringEnd(b, at, b[at] == '\'')
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
