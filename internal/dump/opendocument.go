package dump

import (
	"errors"
	"fmt"
	"io"
	"strconv"
)

// openDocument reads the tables of a document of LibreOffice and its relatives, all of which stand in one part. read is
// false for one that holds none.
func (w *walk) openDocument(entry string, depth int, book *workbook, part *zipEntry) (read bool, err error) {
	in, err := w.openPart(book, part)
	if err != nil {
		return false, nil
	}
	defer in.Close()
	m := newMarkup(in)
	for {
		is, err := m.next()
		if errors.Is(err, io.EOF) {
			return read, nil
		}
		if err != nil {
			w.skip(entry, fmt.Errorf("read its tables: %w", err))
			return read, nil
		}
		if is != pieceOpen || m.name() != "table" {
			continue
		}
		read = true
		packed := min(part.packed, book.size)
		table := &tableReader{m: m}
		name := label(entry, string(m.attribute("name")))
		if err := w.entry(name, depth, &packed, func() (io.ReadCloser, error) { return io.NopCloser(table), nil }); err != nil {
			return true, err
		}
	}
}

// maxRepeated bounds how often a cell is repeated that says something.
const maxRepeated = 256

// tableReader turns the rows of one table into lines, up to the table's end.
type tableReader struct {
	m      *markup
	out    lineWriter
	column int // of the row that is being read
}

func (t *tableReader) Read(b []byte) (int, error) { return t.out.read(b, t.row) }

// row reads on up to the end of a row, or until enough was gathered.
func (t *tableReader) row() error {
	for !t.out.full() {
		is, err := t.m.next()
		if err != nil {
			return err
		}
		if is == pieceText {
			continue
		}
		switch name := t.m.name(); {
		case name == "table" && is == pieceClose:
			return io.EOF
		case name == "table-row" && is == pieceClose:
			t.out.endLine()
			t.column = 0
			return nil
		case is == pieceClose || name != "table-cell" && name != "covered-table-cell":
			continue
		}
		times := t.repeated()
		var value []byte
		if is == pieceOpen {
			if value, err = t.cell(t.m.name()); err != nil {
				return err
			}
		}
		for i := range min(times, maxRepeated) {
			if len(value) > 0 && !t.out.full() {
				t.out.cell(t.column+i, value)
			}
		}
		t.column = min(t.column+times, maxColumns)
	}
	return nil
}

// repeated is how many cells a tag stands for.
func (t *tableReader) repeated() int {
	n, err := strconv.Atoi(string(t.m.attribute("number-columns-repeated")))
	if err != nil || n < 1 {
		return 1
	}
	return min(n, maxColumns)
}

// cell reads the paragraphs of a cell up to its end.
func (t *tableReader) cell(element string) (value []byte, err error) {
	paragraphs := 0
	for {
		is, err := t.m.next()
		if err != nil {
			return nil, err
		}
		if is == pieceText {
			if paragraphs > 0 && len(value) < maxText {
				value = append(value, t.m.text...)
			}
			continue
		}
		switch name := t.m.name(); {
		case name == element && is == pieceClose:
			return value, nil
		case name == "p" && is == pieceOpen:
			if paragraphs++; len(value) > 0 {
				value = append(value, '\n')
			}
		case name == "p" && is == pieceClose:
			paragraphs--
		case name == "s" && paragraphs > 0 && len(value) < maxText:
			value = append(value, ' ')
		}
	}
}
