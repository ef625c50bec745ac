package extract

import "bytes"

// maxLine bounds how far from a hit a line is looked for. No record of a list is longer; a line that is may be the
// single line of a whole database dump, and is read as text.
const maxLine = 4096

// lineAround is the line that holds at, without its end. whole is false when it is longer than any record, or cut by
// the edge of the block.
func (r *reader) lineAround(at int) (line span, whole bool) {
	low, high := max(0, at-maxLine), min(len(r.data), at+maxLine)
	// Many hits may stand in one long line: what is known to hold no line end is not searched again.
	q := &r.unbroken
	if at < q.start || at > q.end {
		*q = span{at, at}
	}
	if low < q.start {
		q.start = low + bytes.LastIndexByte(r.data[low:q.start], '\n') + 1
	}
	if q.end < high {
		if n := bytes.IndexByte(r.data[q.end:high], '\n'); n >= 0 {
			q.end += n
		} else {
			q.end = high
		}
	}
	line = span{max(low, q.start), min(high, q.end)}
	begun := line.start > low || (low == 0 && !r.cutInFront()) || (low > 0 && r.data[low-1] == '\n')
	ended := q.end < high || (high == len(r.data) && r.block.Trail == 0)
	return line, begun && ended
}

// cutInFront says that the block's first byte may be in the middle of a line. A document may begin behind its byte
// order mark.
func (r *reader) cutInFront() bool { return r.block.Lead > 0 && r.block.Place.Offset > int64(len(bom)) }

// before and after are the neighbours of a line; ok is false at the edge of the block.
func (r *reader) before(line span) (span, bool) {
	if line.start == 0 {
		return span{}, false
	}
	end := line.start - 1
	low := max(0, end-maxLine)
	return span{low + bytes.LastIndexByte(r.data[low:end], '\n') + 1, end}, true
}

func (r *reader) after(line span) (span, bool) {
	start := line.end + 1
	if start >= len(r.data) {
		return span{}, false
	}
	high := min(len(r.data), start+maxLine)
	if n := bytes.IndexByte(r.data[start:high], '\n'); n >= 0 {
		return span{start, start + n}, true
	}
	return span{start, high}, true
}

// trim takes spaces, the carriage return and a byte order mark off both ends.
func trim(b []byte, s span) span {
	if !s.empty() && b[s.start] == bom[0] && bytes.HasPrefix(s.of(b), bom) {
		s.start += len(bom)
	}
	for !s.empty() && isBlank(b[s.start]) {
		s.start++
	}
	for !s.empty() && isBlank(b[s.end-1]) {
		s.end--
	}
	return s
}

var bom = []byte("\xef\xbb\xbf")

func isBlank(c byte) bool  { return c == ' ' || c == '\t' || c == '\r' }
func isDigit(c byte) bool  { return c-'0' < 10 }
func isLetter(c byte) bool { return c|0x20-'a' < 26 }

// isSep tells the separators between the fields of a record. The comma separates only lists of two fields.
func isSep(c byte) bool { return c == ':' || c == '|' || c == ';' || c == '\t' || c == ' ' }
