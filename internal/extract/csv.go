package extract

import (
	"bytes"

	"github.com/wardline/wardline/internal/risk"
)

// delimiters separate the columns of a table. Of lines with | only those below a header are rows: others are of lists.
const delimiters = "\t;,|"

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
	if r.silent.has(line.start) {
		return record{}, true, false
	}
	if rec, known, ok = r.readNamed(line); known {
		if !ok {
			r.silent = span{line.start, line.end + 1}
		}
		return rec, known, ok
	}
	s := r.withoutEnd(line)
	for _, delimiter := range []byte(delimiters) {
		if delimiter == '|' || bytes.Count(s.of(r.data), []byte{delimiter}) < minColumns-1 {
			continue
		}
		if !r.tableCells(s, delimiter) || len(r.cells) < minColumns || r.holdsURL() {
			continue // also a line of a list, with a password that holds the delimiter
		}
		if rec, ok = r.readRow(row{format: r.tableFormat(delimiter), whole: line, cells: r.cells}); ok {
			return rec, true, true
		}
		r.newRow() // commas also stand in sentences
	}
	return record{}, false, false
}

// readNamed reads a line as a row of a table whose columns are named: by COPY, or by the document's header.
func (r *reader) readNamed(line span) (rec record, known, ok bool) {
	s := r.withoutEnd(line)
	if columns := r.copyColumns(s); columns != nil && r.copyCells(s) == len(columns) {
		rec, ok = r.readRow(r.tableRow(risk.FormatSQL, line, columns))
		return rec, true, ok
	}
	for i, delimiter := range []byte(delimiters) {
		columns := r.columns(i)
		if columns == nil {
			continue
		}
		if r.tableCells(s, delimiter) && len(columns) == len(r.cells) {
			rec, ok = r.readRow(r.tableRow(risk.FormatCSV, line, columns))
			return rec, true, ok
		}
		if whole, ok := r.rowOfLines(line, delimiter, len(columns)); ok {
			rec, ok = r.readRow(r.tableRow(risk.FormatCSV, whole, columns))
			return rec, true, ok
		}
		r.newRow()
	}
	return record{}, false, false
}

// maxRowLines bounds the lines of a row whose cells hold line ends.
const maxRowLines = 24

// rowOfLines finds the row of a number of columns that a line is only a part of, since a cell in quotes holds line ends.
func (r *reader) rowOfLines(line span, delimiter byte, columns int) (whole span, ok bool) {
	if delimiter == '|' {
		return span{}, false
	}
	start := line
	for range maxRowLines {
		if r.effort <= 0 {
			break
		}
		if end, ok := r.rowFrom(start.start, delimiter, columns); ok && end > line.start {
			return span{start.start, end}, true
		}
		if start, ok = r.before(start); !ok {
			break
		}
	}
	return span{}, false
}

// rowFrom reads a row of several lines that begins at a place, up to the first line that ends outside of quotes.
func (r *reader) rowFrom(at int, delimiter byte, columns int) (end int, ok bool) {
	line := span{at, at}
	for range maxRowLines {
		n := bytes.IndexByte(r.data[line.end:min(len(r.data), at+2*maxLine)], '\n')
		switch {
		case n >= 0:
			line.end += n
		case r.block.Trail == 0 && len(r.data) <= at+2*maxLine:
			line.end = len(r.data)
		default:
			return 0, false
		}
		if !r.spend(line.end - at) {
			return 0, false
		}
		if r.tableCells(r.withoutEnd(line), delimiter) {
			return line.end, len(r.cells) == columns
		}
		if line.end == len(r.data) {
			return 0, false
		}
		line.end++
	}
	return 0, false
}

// readLongRow reads the row of a table with named columns on a line that is longer than those of lists.
func (r *reader) readLongRow(at int) (rec record, ok bool) {
	if r.silent.has(at) || !r.row.whole.empty() || !r.namesColumns(at) {
		return record{}, false
	}
	low, high := max(0, at-maxRow), min(len(r.data), at+maxRow)
	line := span{low + bytes.LastIndexByte(r.data[low:at], '\n') + 1, high}
	n := bytes.IndexByte(r.data[at:high], '\n')
	if n >= 0 {
		line.end = at + n
	}
	if line.start > low && (n >= 0 || high == len(r.data) && r.block.Trail == 0) {
		rec, _, ok = r.readNamed(line)
	}
	if !ok {
		r.silent = line
	}
	return rec, ok
}

// namesColumns says that the document has named columns of rows that stand at a place.
func (r *reader) namesColumns(at int) bool {
	for i := range len(delimiters) {
		if r.columns(i) != nil {
			return true
		}
	}
	r.hear(at)
	return r.said.copying
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

// maxPreface bounds the lines in front of a header: a title, "sep=;", the frame of a table.
const maxPreface = 4

// columns are the roles of the columns that the beginning of the document names.
func (r *reader) columns(delimiter int) []role {
	h := &r.headers[delimiter]
	if h.read {
		return h.columns
	}
	h.read = true
	rest := bytes.TrimPrefix(r.documentHead(), bom)
	for range maxPreface {
		line, below, ended := bytes.Cut(rest, newline)
		if !ended && len(line) >= maxHead {
			break
		}
		if h.columns = headerRoles(bytes.TrimSuffix(line, []byte{'\r'}), delimiters[delimiter]); h.columns != nil {
			break
		}
		rest = below
	}
	return h.columns
}

// headerRoles reads a line of names, one of which is that of an account. Two words alone must name its password, too.
func headerRoles(line []byte, delimiter byte) []role {
	cells, ok := appendCells(nil, line, span{0, len(line)}, delimiter)
	framed := delimiter == '|' && bytes.HasPrefix(line, []byte{'|'})
	if !ok || len(cells) < minColumns-1 && !framed {
		return nil
	}
	account, secret := false, framed
	columns := make([]role, 0, len(cells))
	for _, c := range cells {
		name := bytes.TrimSpace(c.of(line))
		if !isColumnName(name) {
			return nil
		}
		role := roleOf(name)
		account = account || role == roleMail || role == roleLogin
		secret = secret || role == roleSecret || role == roleHash || role == roleNTLM
		columns = append(columns, role)
	}
	if !account || len(cells) < minColumns && !secret {
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

// tableCells cuts a line into r.cells.
func (r *reader) tableCells(s span, delimiter byte) (ok bool) {
	r.newRow()
	r.cells, ok = appendCells(r.cells, r.data, s, delimiter)
	return ok
}

// appendCells cuts a line as RFC 4180 has it: a column may stand in quotes, and quotes in it are doubled. A table drawn
// with | may have one at either end.
func appendCells(cells []cell, b []byte, s span, delimiter byte) ([]cell, bool) {
	blanks := delimiter != '\t'
	if delimiter == '|' {
		s = withoutFrame(b, s)
	}
	for at := s.start; ; at++ {
		for blanks && at < s.end && b[at] == ' ' {
			at++
		}
		c := cell{span: span{at, s.end}}
		if at < s.end && b[at] == '"' {
			end, ok := stringEnd(b[:s.end], at, false)
			if !ok {
				return cells, false
			}
			c.span = span{at + 1, end - 1}
			for at = end; blanks && at < s.end && b[at] == ' '; {
				at++
			}
		} else {
			if i := bytes.IndexByte(b[at:s.end], delimiter); i >= 0 {
				c.end = at + i
			}
			at = c.end
			for delimiter == '|' && c.end > c.start && b[c.end-1] == ' ' {
				c.end--
			}
		}
		if text := c.of(b); string(text) == `\N` || string(text) == "NULL" {
			c.style = styleAbsent
		}
		cells = append(cells, c)
		if at == s.end {
			return cells, true
		}
		if b[at] != delimiter {
			return cells, false
		}
	}
}

// withoutFrame takes the | off both ends of a row, and the blanks around them.
func withoutFrame(b []byte, s span) span {
	s = trim(b, s)
	if s.empty() || b[s.start] != '|' {
		return s
	}
	s.start++
	if !s.empty() && b[s.end-1] == '|' {
		s.end--
	}
	return s
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
