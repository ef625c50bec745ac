package extract

import (
	"bytes"

	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

// readAssignments reads INSERT INTO t SET a = 'x', b = 'y', whose columns stand beside their values. The statement
// begins the line of the hit, or one above.
func (r *reader) readAssignments(line span, h match.Hit) (record, bool) {
	if r.assigned.has(h.Start) || r.effort <= 0 || bytes.IndexByte(r.data[line.start:h.Start], '=') < 0 {
		return record{}, false
	}
	start, ok := r.insertBefore(line)
	if !ok {
		r.assigned = span{line.start, line.end}
		return record{}, false
	}
	r.newRow()
	end, ok := r.assignments(span{start, min(len(r.data), start+maxRow)})
	r.assigned = span{start, max(end, h.Start+1)}
	if !r.spend(end-start) || !ok || end <= h.Start {
		r.newRow()
		return record{}, false
	}
	return r.readRow(row{format: risk.FormatSQL, whole: span{start, end}, cells: r.cells, named: true})
}

// insertBefore finds the INSERT or REPLACE that begins a line, or one of those above, none of which ends a statement.
func (r *reader) insertBefore(line span) (start int, ok bool) {
	for range maxRowLines {
		start = skipBlanks(r.data, line.start, line.end)
		if p := sqlWordsOf(r.data[start:line.end]); p.word("INSERT") || p.word("REPLACE") {
			return start, line.start > 0 || !r.cutInFront()
		}
		above, found := r.before(line)
		text := trim(r.data, above)
		if !found || r.assigned.has(above.start) || text.empty() || !goesOn(text.of(r.data)) || !r.spend(line.end-start) {
			return 0, false
		}
		line = above
	}
	return 0, false
}

// goesOn tells a line that a statement goes on behind: it ends in a comma, in SET, or within a text.
func goesOn(b []byte) bool {
	return b[len(b)-1] == ',' || endsInSet(b) || bytes.IndexByte(b, '\'') >= 0 && b[len(b)-1] != ';'
}

func endsInSet(b []byte) bool {
	const set = "set"
	return len(b) > len(set) && isBlank(b[len(b)-len(set)-1]) && bytes.EqualFold(b[len(b)-len(set):], []byte(set))
}

// assignments reads a statement into r.cells. end is after its last value, or where it ceased to be one.
func (r *reader) assignments(s span) (end int, ok bool) {
	b := r.data[:s.end]
	p := sqlWordsOf(s.of(r.data))
	if !p.word("INSERT") && !p.word("REPLACE") {
		return s.start, false
	}
	p.words("IGNORE", "LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED", "INTO")
	if !p.name() || !p.word("SET") {
		return s.start + p.at, false
	}
	for {
		if !p.name() || p.at == len(p.b) || p.b[p.at] != '=' {
			return s.start + p.at, false
		}
		column := roleOf(p.table[bytes.LastIndexByte(p.table, '.')+1:])
		if column == roleHost { // somebody's home page
			column = noRole
		}
		c, next, ok := r.sqlExpression(b, skipSpace(b, s.start+p.at+1))
		if !ok {
			return next, false
		}
		c.role = column
		r.cells = append(r.cells, c)
		end = next
		switch next = skipSpace(b, next); {
		case next == len(b):
			return end, next == len(r.data) && r.block.Trail == 0
		case b[next] == ',':
			p.at = skipSpace(b, next+1) - s.start
		default:
			return end, b[next] == ';' || bytes.IndexByte(b[end:next], '\n') >= 0 || endsAssignments(b[next:])
		}
	}
}

// endsAssignments tells what may follow upon the values: ON DUPLICATE KEY UPDATE …, or AS new.
func endsAssignments(b []byte) bool {
	p := sqlWordsOf(b)
	return p.word("ON") || p.word("AS")
}
