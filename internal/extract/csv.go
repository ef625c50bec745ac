package extract

import (
	"bytes"

	"github.com/wardline/wardline/internal/risk"
)

// delimiters separate the columns of a table.
const delimiters = "\t;,"

// minColumns tells a table from a list of logins and passwords.
const minColumns = 3

// header is what the first lines of a document say about its columns.
type header struct {
	read    bool
	columns []role // none: no line names columns
}

// readTable reads a line as a row of a table. A table whose header names no password is none of logins: known then
// says that the line is not to be read as a list either.
func (r *reader) readTable(line span) (rec record, known, ok bool) {
	if !r.row.whole.empty() {
		return record{}, false, false // one of INSERT
	}
	s := r.withoutEnd(line)
	if columns := r.copyColumns(s); columns != nil {
		if n := r.copyCells(s); n == len(columns) {
			rec, ok = r.readRow(r.tableRow(risk.FormatSQL, line, columns))
			return rec, true, ok
		}
	}
	for i := range len(delimiters) {
		delimiter := delimiters[i]
		if bytes.Count(s.of(r.data), []byte{delimiter}) < minColumns-1 {
			continue
		}
		columns := r.columns(i)
		if !r.tableCells(s, delimiter) || len(r.cells) < minColumns {
			continue
		}
		if len(columns) == len(r.cells) {
			rec, ok = r.readRow(r.tableRow(risk.FormatCSV, line, columns))
			return rec, true, ok
		}
		if r.holdsURL() {
			continue // a line of a list, with a password that holds the delimiter
		}
		if rec, ok = r.readRow(row{format: r.tableFormat(delimiter), whole: line, cells: r.cells}); ok {
			return rec, true, true
		}
		r.newRow() // commas also stand in sentences
	}
	return record{}, false, false
}

func (r *reader) tableRow(format risk.Format, line span, columns []role) row {
	for i := range r.cells {
		r.cells[i].role = columns[i]
	}
	return row{format: format, whole: line, cells: r.cells, named: true}
}

// tableFormat tells rows of COPY, whose beginning is out of sight, from others by their NULL.
func (r *reader) tableFormat(delimiter byte) risk.Format {
	for _, c := range r.cells {
		if delimiter == '\t' && string(c.of(r.data)) == `\N` {
			return risk.FormatSQL
		}
	}
	return risk.FormatCSV
}

func (r *reader) holdsURL() bool {
	for _, c := range []cell{r.cells[0], r.cells[len(r.cells)-1]} {
		if u, ok := readURL(r.data, trim(r.data, c.span)); ok && u.scheme {
			return true
		}
	}
	return false
}

// withoutEnd takes a carriage return and a byte order mark off a line, but not its blanks, which may be columns.
func (r *reader) withoutEnd(line span) span {
	if bytes.HasPrefix(line.of(r.data), bom) {
		line.start += len(bom)
	}
	if !line.empty() && r.data[line.end-1] == '\r' {
		line.end--
	}
	return line
}

// columns are the roles of the columns that the beginning of the document names, below a title at most. A block
// further on does not see them.
func (r *reader) columns(delimiter int) []role {
	h := &r.headers[delimiter]
	if h.read {
		return h.columns
	}
	h.read = true
	if r.cutInFront() || r.block.Place.Offset > int64(len(bom)) {
		return nil
	}
	line := span{0, min(len(r.data), maxLine)}
	if end := bytes.IndexByte(line.of(r.data), '\n'); end >= 0 {
		line.end = end
	}
	for range 2 {
		if h.columns = r.headerRoles(line, delimiters[delimiter]); h.columns != nil {
			break
		}
		var ok bool
		if line, ok = r.after(line); !ok {
			break
		}
	}
	return h.columns
}

// headerRoles reads a line of names, one of which is that of an account.
func (r *reader) headerRoles(line span, delimiter byte) []role {
	if !r.tableCells(r.withoutEnd(line), delimiter) || len(r.cells) < minColumns {
		return nil
	}
	account := false
	columns := make([]role, 0, len(r.cells))
	for _, c := range r.cells {
		name := bytes.TrimSpace(c.of(r.data))
		if !isColumnName(name) {
			return nil
		}
		role := roleOf(name)
		account = account || role == roleMail || role == roleLogin
		columns = append(columns, role)
	}
	if !account {
		return nil
	}
	return columns
}

func isColumnName(b []byte) bool {
	if len(b) > 0 && isDigit(b[0]) {
		return false
	}
	for _, c := range b {
		if !isLetter(c) && !isDigit(c) && bytes.IndexByte([]byte(" _-.()/"), c) < 0 && c < 0x80 {
			return false
		}
	}
	return true
}

// tableCells cuts a line into r.cells as RFC 4180 has it: a column may stand in quotes, and quotes in it are doubled.
func (r *reader) tableCells(s span, delimiter byte) bool {
	r.newRow()
	for at := s.start; ; at++ {
		for delimiter != '\t' && at < s.end && r.data[at] == ' ' {
			at++
		}
		c := cell{span: span{at, s.end}}
		if at < s.end && r.data[at] == '"' {
			end, ok := stringEnd(r.data[:s.end], at, false)
			if !ok {
				return false
			}
			c.span = span{at + 1, end - 1}
			at = end
		} else {
			if i := bytes.IndexByte(r.data[at:s.end], delimiter); i >= 0 {
				c.end = at + i
			}
			at = c.end
		}
		if text := c.of(r.data); string(text) == `\N` || string(text) == "NULL" {
			c.style = styleAbsent
		}
		r.cells = append(r.cells, c)
		if at == s.end {
			return true
		}
		if r.data[at] != delimiter {
			return false
		}
	}
}

// copyCells cuts a row of COPY into r.cells.
func (r *reader) copyCells(s span) int {
	r.newRow()
	for {
		c := cell{span: s, style: styleCopy}
		i := bytes.IndexByte(s.of(r.data), '\t')
		if i >= 0 {
			c.end = s.start + i
		}
		if string(c.of(r.data)) == `\N` {
			c.style = styleAbsent
		}
		r.cells = append(r.cells, c)
		if i < 0 {
			return len(r.cells)
		}
		s.start = c.end + 1
	}
}
