package catalog

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/wardline/wardline/internal/risk"
)

// maxWatchlistLine is far above any true line; what is longer is no watchlist.
const maxWatchlistLine = 1 << 20

// ParseWatchlist reads a watchlist CSV with the columns supplier, kind and value, in any order. It gives the suppliers
// in the order of their first line, names compared without case, each as a third party with its terms. Broken lines are
// in the errors, named by file and line; the good ones are read all the same.
func ParseWatchlist(name string, r io.Reader) ([]risk.Supplier, []error) {
	w := watchlist{name: name, index: map[string]int{}, seen: map[termKey]bool{}}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxWatchlistLine)
	for lines.Scan() {
		w.line++
		text := strings.TrimSuffix(lines.Text(), "\r")
		if w.line == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		if strings.TrimSpace(text) == "" {
			continue
		}
		if w.columns == nil {
			if !w.header(text) {
				return nil, w.problems
			}
			continue
		}
		w.row(text)
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		w.line++
		w.problem("The line is longer than 1 MiB; it and what follows was not read.")
	case err != nil:
		w.problems = append(w.problems, fmt.Errorf("read %s: %w", name, err))
	case w.columns == nil:
		w.line = 1
		w.problem("The file is empty; its first line must be supplier,kind,value.")
	}
	return w.suppliers, w.problems
}

type watchlist struct {
	name      string
	line      int
	columns   map[string]int
	suppliers []risk.Supplier
	index     map[string]int // folded name → suppliers
	seen      map[termKey]bool
	problems  []error
}

type termKey struct {
	supplier int
	kind     risk.TermKind
	value    string
}

func (w *watchlist) problem(format string, args ...any) {
	w.wrap(risk.Invalid("", format, args...))
}

func (w *watchlist) wrap(err error) {
	w.problems = append(w.problems, fmt.Errorf("%s:%d: %w", w.name, w.line, err))
}

func (w *watchlist) header(text string) bool {
	fields, err := splitRow(text)
	if err != nil {
		w.problem("The header is not CSV: %v.", err)
		return false
	}
	columns := map[string]int{}
	for i, f := range fields {
		columns[strings.ToLower(strings.TrimSpace(f))] = i
	}
	for _, want := range []string{"supplier", "kind", "value"} {
		if _, ok := columns[want]; !ok {
			w.problem("The header has no column %s; it must be supplier,kind,value.", want)
			return false
		}
	}
	w.columns = columns
	return true
}

func (w *watchlist) row(text string) {
	fields, err := splitRow(text)
	if err != nil {
		w.problem("The line is not CSV: %v.", err)
		return
	}
	if !utf8.ValidString(text) {
		w.problem("The line is not UTF-8.")
		return
	}
	field := func(column string) string {
		if i := w.columns[column]; i < len(fields) {
			return strings.TrimSpace(fields[i])
		}
		return ""
	}
	if len(fields) != len(w.columns) {
		w.problem("The line has %d fields where the header has %d.", len(fields), len(w.columns))
		return
	}
	name := field("supplier")
	if name == "" {
		w.problem("The line names no supplier.")
		return
	}
	term, err := risk.NewWatchTerm(risk.TermKind(strings.ToLower(field("kind"))), field("value"))
	if err != nil {
		w.wrap(err)
		return
	}
	w.add(name, term)
}

func (w *watchlist) add(name string, term risk.WatchTerm) {
	folded := strings.ToLower(name)
	i, known := w.index[folded]
	if !known {
		i = len(w.suppliers)
		w.index[folded] = i
		w.suppliers = append(w.suppliers, risk.Supplier{Name: name, Relation: risk.ThirdParty})
	}
	s := &w.suppliers[i]
	if key := (termKey{i, term.Kind, term.Value}); !w.seen[key] {
		w.seen[key] = true
		term.Supplier = s.Name
		s.Terms = append(s.Terms, term)
	}
}

// splitRow reads one line as CSV. Lines stand alone, so that a quote that is never closed breaks its own line only.
func splitRow(text string) ([]string, error) {
	if !strings.Contains(text, `"`) {
		return strings.Split(text, ","), nil
	}
	fields, err := csv.NewReader(strings.NewReader(text)).Read()
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return nil, parse.Err
	}
	return fields, err
}
