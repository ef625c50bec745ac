package dump

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A workbook of Excel or of LibreOffice is a zip of XML. It is read as its sheets are: one document each, a line for
// each row, the cells separated by TABs and quoted as in CSV where they must be. Formulas are not looked at; the value
// that was last worked out stands beside them.

const (
	maxBookParts = 4096    // of a workbook; a zip of more is read as one
	maxPartList  = 1 << 20 // bytes of the list of sheets and of their places
	maxColumns   = 1 << 14 // of a sheet, as Excel has it
)

// workbook is a zip that holds one.
type workbook struct {
	at      io.ReaderAt
	size    int64
	parts   map[string]*zipEntry
	sheets  []sheet
	strings sharedStrings
}

// sheet is a sheet's name and the part that holds it.
type sheet struct{ name, part string }

// workbook reads a zip that is a workbook. read is false for all others, and for one that cannot be read as such.
func (w *walk) workbook(entry string, depth int, at io.ReaderAt, size int64) (read bool, err error) {
	if !mayBeWorkbook(at) {
		return false, nil
	}
	book := workbook{at: at, size: size, parts: map[string]*zipEntry{}}
	if !book.list() {
		return false, nil
	}
	if f, ok := book.parts["content.xml"]; ok && book.parts["mimetype"] != nil {
		return w.openDocument(entry, depth, &book, f)
	}
	if book.parts["xl/workbook.xml"] == nil {
		return false, nil
	}
	if err := book.open(w); err != nil {
		w.skip(entry, fmt.Errorf("read it as a workbook: %w", err))
		return false, nil
	}
	for _, s := range book.sheets {
		part := book.parts[s.part]
		if part == nil {
			continue
		}
		packed := min(part.packed, size)
		err := w.entry(label(entry, s.name), depth, &packed, func() (io.ReadCloser, error) {
			in, err := w.openPart(&book, part)
			if err != nil {
				return nil, err
			}
			return readCloser{newSheetReader(in, book.strings), in}, nil
		})
		if err != nil {
			return true, err
		}
	}
	return true, nil
}

type readCloser struct {
	io.Reader
	io.Closer
}

// errOldOffice says what is not read of .xls, .doc and .msg, and of workbooks with a password, which have their form.
var errOldOffice = errors.New("it is of the old binary form of Office (.xls, .doc, .msg) or encrypted; only plain text in it was read")

func isOldOffice(head []byte) bool {
	return bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"))
}

// firstParts are what programs write first into a workbook.
var firstParts = []string{"[Content_Types].xml", "_rels/", "docProps/", "xl/", "mimetype", "META-INF/", "theme/", "customXml/"}

// mayBeWorkbook looks at how a zip begins.
func mayBeWorkbook(at io.ReaderAt) bool {
	var b [localHeaderBytes + 32]byte
	n, _ := at.ReadAt(b[:], 0)
	if n < localHeaderBytes || string(b[:4]) != "PK\x03\x04" {
		return false
	}
	name := string(b[localHeaderBytes:n])
	return slices.ContainsFunc(firstParts, func(first string) bool { return strings.HasPrefix(name, first) })
}

// list takes the parts, and reports whether they can be those of a workbook: no more than one has, and each once.
func (b *workbook) list() bool {
	d, err := findZipDirectory(b.at, b.size, nil)
	if err != nil {
		return false
	}
	err = d.each(func(i int, e *zipEntry) error {
		name := strings.TrimPrefix(strings.ToLower(e.name), "/")
		if _, twice := b.parts[name]; twice || i >= maxBookParts {
			return errZipDirectory
		}
		b.parts[name] = e
		return nil
	})
	return err == nil
}

// openPart unpacks a part up to the end of its packed bytes, whatever size was announced.
func (w *walk) openPart(b *workbook, part *zipEntry) (io.ReadCloser, error) {
	if part.encrypted() {
		return nil, errors.New("it is encrypted")
	}
	if part.method != methodStore && part.method != methodDeflate {
		return nil, fmt.Errorf("it is packed by method %d, which no workbook uses", part.method)
	}
	z, err := openZipEntry(b.at, part, b.size)
	if err != nil {
		return nil, err
	}
	in, err := w.unzipped(part.method, part.size, z.section(0))
	if err != nil {
		return nil, err
	}
	size := z.end - z.data
	return readCloser{w.limit(in, &size), in}, nil
}

// open reads the list of sheets and the table of strings.
func (b *workbook) open(w *walk) error {
	places, err := b.places(w)
	if err != nil {
		return fmt.Errorf("read where its sheets are: %w", err)
	}
	if err := b.order(w, places); err != nil {
		return fmt.Errorf("read its list of sheets: %w", err)
	}
	if part := b.parts["xl/sharedstrings.xml"]; part != nil {
		in, err := w.openPart(b, part)
		if err != nil {
			return fmt.Errorf("read its strings: %w", err)
		}
		defer in.Close()
		if err := b.strings.read(in, w.o.MaxMemory/2); err != nil {
			return fmt.Errorf("read its strings: %w", err)
		}
	}
	return nil
}

// places gives the part behind each reference of the list of sheets.
func (b *workbook) places(w *walk) (map[string]string, error) {
	places := map[string]string{}
	part := b.parts["xl/_rels/workbook.xml.rels"]
	if part == nil {
		return nil, errors.New("it does not say")
	}
	return places, w.eachTag(b, part, func(m *markup) {
		target := strings.ToLower(string(m.attribute("Target")))
		if m.name() != "Relationship" || target == "" {
			return
		}
		if !strings.HasPrefix(target, "/") {
			target = path.Join("xl", target)
		}
		places[string(m.attribute("Id"))] = strings.TrimPrefix(target, "/")
	})
}

// order reads the sheets in their order. A part is one sheet only, whatever else refers to it.
func (b *workbook) order(w *walk, places map[string]string) error {
	taken := map[string]bool{}
	return w.eachTag(b, b.parts["xl/workbook.xml"], func(m *markup) {
		if m.name() != "sheet" {
			return
		}
		part := places[string(m.attribute("id"))]
		if part == "" || taken[part] {
			return
		}
		taken[part] = true
		b.sheets = append(b.sheets, sheet{string(m.attribute("name")), part})
	})
}

// eachTag calls visit for every tag that opens in a small part.
func (w *walk) eachTag(b *workbook, part *zipEntry, visit func(*markup)) error {
	in, err := w.openPart(b, part)
	if err != nil {
		return err
	}
	defer in.Close()
	m := newMarkup(io.LimitReader(in, maxPartList))
	for {
		is, err := m.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case is == pieceOpen || is == pieceEmpty:
			visit(m)
		}
	}
}

// sharedStrings are the texts that cells refer to by number.
type sharedStrings struct {
	text []byte
	ends []uint32
}

// read reads the table of strings as far as it fits into a number of bytes.
func (s *sharedStrings) read(r io.Reader, most int) error {
	m := newMarkup(r)
	said := said{m: m, element: "si"}
	for {
		ok, err := said.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil || !ok {
			return err
		}
		s.text = append(s.text, said.text...)
		s.ends = append(s.ends, uint32(len(s.text)))
		if len(s.text)+4*len(s.ends) > min(most, 1<<30) {
			return fmt.Errorf("they take more than %d MiB of memory", most>>20)
		}
	}
}

func (s *sharedStrings) at(number []byte) []byte {
	n, err := strconv.Atoi(string(number))
	if err != nil || n < 0 || n >= len(s.ends) {
		return nil
	}
	start := uint32(0)
	if n > 0 {
		start = s.ends[n-1]
	}
	return s.text[start:s.ends[n]]
}

// said gathers the texts of elements one by one, without how they are pronounced.
type said struct {
	m       *markup
	element string
	text    []byte
}

// next reads the next element.
func (s *said) next() (bool, error) {
	for {
		is, err := s.m.next()
		switch {
		case err != nil:
			return false, err
		case is == pieceText || s.m.name() != s.element:
		case is == pieceEmpty:
			s.text = s.text[:0]
			return true, nil
		case is == pieceOpen:
			return true, s.inside()
		}
	}
}

// inside reads the text of the element that was opened: what stands in its t, but in no rPh.
func (s *said) inside() error {
	s.text = s.text[:0]
	texts, spoken := 0, 0
	for {
		is, err := s.m.next()
		if err != nil {
			return err
		}
		if is == pieceText {
			if texts > 0 && spoken == 0 && len(s.text) < maxText {
				s.text = append(s.text, s.m.text...)
			}
			continue
		}
		step := map[piece]int{pieceOpen: 1, pieceClose: -1}[is]
		switch name := s.m.name(); {
		case name == s.element && is == pieceClose:
			return nil
		case name == "t":
			texts += step
		case name == "rPh":
			spoken += step
		}
	}
}

// sheetReader turns the rows of a sheet into lines.
type sheetReader struct {
	m       *markup
	said    said
	strings sharedStrings
	out     lineWriter
}

func newSheetReader(r io.Reader, strings sharedStrings) *sheetReader {
	m := newMarkup(r)
	return &sheetReader{m: m, said: said{m: m, element: "is"}, strings: strings}
}

func (s *sheetReader) Read(b []byte) (int, error) { return s.out.read(b, s.row) }

// row reads on up to the end of a row, or until enough was gathered.
func (s *sheetReader) row() error {
	for !s.out.full() {
		is, err := s.m.next()
		switch {
		case err != nil:
			return err
		case is == pieceText:
		case is == pieceClose && s.m.name() == "row":
			s.out.endLine()
			return nil
		case is == pieceOpen && s.m.name() == "c":
			if err := s.cell(); err != nil {
				return err
			}
		}
	}
	return nil
}

// cell reads a cell up to its end.
func (s *sheetReader) cell() error {
	column := columnOf(s.m.attribute("r"))
	kind := string(s.m.attribute("t"))
	var value []byte
	inValue := false
	for {
		is, err := s.m.next()
		if err != nil {
			return err
		}
		if is == pieceText {
			if inValue && len(value) < maxText {
				value = append(value, s.m.text...)
			}
			continue
		}
		switch name := s.m.name(); {
		case name == "v":
			inValue = is == pieceOpen
		case name == "is" && is == pieceOpen:
			if err := s.said.inside(); err != nil {
				return err
			}
			value = append(value, s.said.text[:min(len(s.said.text), maxText-min(len(value), maxText))]...)
		case name == "c" && is == pieceClose:
			if kind == "s" {
				value = s.strings.at(bytes.TrimSpace(value))
			}
			s.out.cell(column, value)
			return nil
		}
	}
}

// columnOf reads the letters of a reference such as AB12, from 0; -1 = none.
func columnOf(reference []byte) int {
	n := 0
	for _, c := range reference {
		if c < 'A' || c > 'Z' {
			break
		}
		if n = n*26 + int(c-'A') + 1; n > maxColumns {
			return -1
		}
	}
	return n - 1
}

// lineWriter gathers the cells of a row and gives them away as lines.
type lineWriter struct {
	line    []byte
	columns int // of the row so far
	at      int // the column that was reached by TABs
	width   int // of the widest row, which those below it are filled up to
	given   int // of line
	err     error
}

// cell adds a cell at its column, or at the next for -1.
func (l *lineWriter) cell(column int, value []byte) {
	column = max(column, l.columns)
	if len(value) == 0 || column >= maxColumns {
		return
	}
	l.goTo(column)
	l.columns = column + 1
	if bytes.ContainsAny(value, "\t\r\n\"") {
		l.line = append(l.line, '"')
		l.line = append(l.line, bytes.ReplaceAll(value, []byte{'"'}, []byte(`""`))...)
		l.line = append(l.line, '"')
	} else {
		l.line = append(l.line, value...)
	}
}

func (l *lineWriter) goTo(column int) {
	for ; l.at < column; l.at++ {
		l.line = append(l.line, '\t')
	}
}

// endLine ends a row. One that says nothing is left out.
func (l *lineWriter) endLine() {
	if l.columns > 0 {
		l.width = max(l.width, l.columns)
		l.goTo(l.width - 1)
		l.line = append(l.line, '\n')
	}
	l.columns, l.at = 0, 0
}

// full asks for what was gathered to be given away before more is, also in the midst of a row.
func (l *lineWriter) full() bool { return len(l.line) >= markupBuffer }

// read gives away what there is, and has the next row read where nothing is left.
func (l *lineWriter) read(b []byte, row func() error) (int, error) {
	for l.given == len(l.line) && l.err == nil {
		l.line, l.given = l.line[:0], 0
		for l.err == nil && !l.full() {
			l.err = row()
		}
	}
	if l.given == len(l.line) {
		return 0, l.err
	}
	n := copy(b, l.line[l.given:])
	l.given += n
	return n, nil
}
