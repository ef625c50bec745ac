package catalog

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wardline/wardline/internal/risk"
)

// maxWatchlistLine is far above any true line; what is longer is no watchlist.
const maxWatchlistLine = 1 << 20

// ParseWatchlist reads a watchlist CSV with the columns supplier, kind and value, in any order; a semicolon may stand
// for the comma when it does so in the header. It gives the suppliers in the order of their first line, names compared
// without case, each as a third party with its terms. Broken lines are in the errors, named by file and line; the good
// ones are read all the same.
func ParseWatchlist(name string, r io.Reader) ([]risk.Supplier, []error) {
	w := watchlist{index: map[string]int{}, seen: map[termKey]bool{}}
	rows, err := ReadWatchlist(r)
	var problems []error
	for _, row := range rows {
		if row.Outcome == risk.ImportRejected {
			problems = append(problems, fmt.Errorf("%s:%d: %w", name, row.Line, risk.Problem{Say: row.Why}))
			continue
		}
		w.add(row)
	}
	if err != nil {
		problems = append(problems, fmt.Errorf("read %s: %w", name, err))
	}
	return w.suppliers, problems
}

// watchlist gathers rows by supplier.
type watchlist struct {
	suppliers []risk.Supplier
	index     map[string]int // folded name → suppliers
	seen      map[termKey]bool
}

type termKey struct {
	supplier int
	kind     risk.TermKind
	value    string
}

func (w *watchlist) add(row risk.ImportRow) {
	folded := strings.ToLower(row.Supplier)
	i, known := w.index[folded]
	if !known {
		i = len(w.suppliers)
		w.index[folded] = i
		w.suppliers = append(w.suppliers, risk.Supplier{Name: row.Supplier, Relation: risk.ThirdParty})
	}
	s := &w.suppliers[i]
	if key := (termKey{i, row.Kind, row.Value}); !w.seen[key] {
		w.seen[key] = true
		s.Terms = append(s.Terms, risk.WatchTerm{Supplier: s.Name, Kind: row.Kind, Value: row.Value})
	}
}

// ReadWatchlist reads the same CSV line by line: a row for every line with content below the header, normalised, or
// rejected with the reason. A file that is no watchlist has one row, rejected. The error is that of reading r; the rows
// before it stand.
func ReadWatchlist(r io.Reader) ([]risk.ImportRow, error) {
	var rows []risk.ImportRow
	var header *watchlistHeader
	separator, line := ',', 0
	reject := func(err error) {
		rows = append(rows, risk.ImportRow{Line: line, Outcome: risk.ImportRejected, Why: err.Error()})
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxWatchlistLine)
	for lines.Scan() {
		line++
		text := strings.TrimSuffix(lines.Text(), "\r")
		if line == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		if strings.TrimSpace(text) == "" {
			continue
		}
		if header == nil {
			var err error
			if !strings.Contains(text, ",") && strings.Contains(text, ";") {
				separator = ';' // what Excel writes where the comma is the decimal sign
			}
			if header, err = readHeader(text, separator); err != nil {
				reject(err)
				return rows, nil
			}
			continue
		}
		row, err := watchlistRow(header, text, separator)
		if err != nil {
			reject(err)
			continue
		}
		row.Line = line
		rows = append(rows, row)
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		line++
		reject(risk.Invalid("", "The line is longer than 1 MiB; it and what follows was not read."))
	case err != nil:
		return rows, err
	case header == nil:
		line = 1
		reject(risk.Invalid("", "The file is empty; its first line must be supplier,kind,value."))
	}
	return rows, nil
}

var errNotUTF8 = risk.Invalid("", "The line is not UTF-8: save the file as CSV UTF-8.")

// watchlistHeader says where a watchlist's columns are, and how many there are in all.
type watchlistHeader struct {
	at    map[string]int
	width int
}

func readHeader(text string, separator rune) (*watchlistHeader, error) {
	if !utf8.ValidString(text) {
		return nil, errNotUTF8
	}
	fields, err := splitRow(text, separator)
	if err != nil {
		return nil, risk.Invalid("", "The header is not CSV: %v.", err)
	}
	header := &watchlistHeader{at: map[string]int{}, width: len(fields)}
	for i, f := range fields {
		header.at[strings.ToLower(strings.TrimSpace(f))] = i
	}
	for _, want := range []string{"supplier", "kind", "value"} {
		if _, ok := header.at[want]; !ok {
			return nil, risk.Invalid("", "The header has no column %s; it must be supplier,kind,value.", want)
		}
	}
	return header, nil
}

func watchlistRow(header *watchlistHeader, text string, separator rune) (risk.ImportRow, error) {
	fields, err := splitRow(text, separator)
	if err != nil {
		return risk.ImportRow{}, risk.Invalid("", "The line is not CSV: %v.", err)
	}
	if !utf8.ValidString(text) {
		return risk.ImportRow{}, errNotUTF8
	}
	if strings.ContainsFunc(text, notText) {
		return risk.ImportRow{}, risk.Invalid("", "The line holds a control character.")
	}
	if len(fields) != header.width {
		return risk.ImportRow{}, risk.Invalid("", "The line has %d fields where the header has %d.", len(fields), header.width)
	}
	field := func(column string) string { return strings.TrimSpace(fields[header.at[column]]) }
	name := field("supplier")
	if name == "" {
		return risk.ImportRow{}, risk.Invalid("", "The line names no supplier.")
	}
	if problems := (risk.Supplier{Name: name, Relation: risk.ThirdParty}).Validate(); len(problems) > 0 {
		return risk.ImportRow{}, problems[0]
	}
	term, err := risk.NewWatchTerm(risk.TermKind(strings.ToLower(field("kind"))), field("value"))
	if err != nil {
		return risk.ImportRow{}, err
	}
	return risk.ImportRow{Supplier: name, Kind: term.Kind, Value: term.Value}, nil
}

func notText(r rune) bool { return r != '\t' && unicode.IsControl(r) }

// splitRow reads one line as CSV. Lines stand alone, so that a quote that is never closed breaks its own line only.
func splitRow(text string, separator rune) ([]string, error) {
	if !strings.Contains(text, `"`) {
		return strings.Split(text, string(separator)), nil
	}
	reader := csv.NewReader(strings.NewReader(text))
	reader.Comma = separator
	fields, err := reader.Read()
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return nil, parse.Err
	}
	return fields, err
}
