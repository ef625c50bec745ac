package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/andybalholm/cascadia"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/wardline/wardline/internal/risk"
)

// reader walks one YAML document and collects every problem with its line, where a decoder would stop at the first.
type reader struct {
	file     string
	problems []error
}

// keys says what each key of a mapping sets. A key that is not listed is a problem.
type keys map[string]func(ast.Node)

func (r *reader) problem(line int, format string, args ...any) {
	r.problems = append(r.problems, risk.Invalid(fmt.Sprintf("%s:%d", r.file, line), format, args...))
}

// document reads the file's only document, which must be a mapping.
func (r *reader) document(data []byte, k keys) (lines map[string]int) {
	data, ok := r.plausible(data)
	if !ok {
		return nil
	}
	file, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		line, why := syntaxProblem(err)
		r.problem(line, "This is not valid YAML%s.", why)
		return nil
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		r.problem(1, "The file must hold exactly one definition.")
		return nil
	}
	return r.mapping(file.Docs[0].Body, "", k)
}

// A definition is a page of text. The parser's work grows with the square of nesting: 100 KB of brackets took it 15 GB.
const (
	mostDefinitionBytes = 64 << 10
	mostNesting         = 32
	mostDashes          = 200
)

// plausible refuses, before the parser sees it, what no definition is. A byte order mark, which some editors write, goes.
func (r *reader) plausible(data []byte) ([]byte, bool) {
	if len(data) > mostDefinitionBytes {
		r.problem(1, "The file has %d bytes; a definition has at most %d.", len(data), mostDefinitionBytes)
		return nil, false
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	line, open, dashes := 1, 0, 0
	for rest := data; len(rest) > 0; {
		c, size := utf8.DecodeRune(rest)
		switch {
		case c == utf8.RuneError && size == 1, c == 0:
			r.problem(line, "This is not UTF-8 text.")
			return nil, false
		case c == '\n':
			line, dashes = line+1, 0
		case c == '-':
			dashes++ // each, at the beginning of a line, is a list in a list
		case c == '[', c == '{':
			open++
		case c == ']', c == '}':
			open = max(open-1, 0)
		}
		if open > mostNesting {
			r.problem(line, "More than %d brackets are open here.", mostNesting)
			return nil, false
		}
		if dashes > mostDashes {
			r.problem(line, "More than %d dashes stand in this line.", mostDashes)
			return nil, false
		}
		rest = rest[size:]
	}
	return data, true
}

func syntaxProblem(err error) (line int, why string) {
	var syntax *yaml.SyntaxError
	switch {
	case !errors.As(err, &syntax) || syntax.Token == nil:
		return 1, ""
	case strings.Contains(syntax.Message, "\t"):
		return syntax.Token.Position.Line, ": a tab stands where only spaces may"
	}
	return syntax.Token.Position.Line, ": " + syntax.Message
}

// mapping calls the setter of every key and tells at which line each key stood.
func (r *reader) mapping(n ast.Node, prefix string, k keys) map[string]int {
	values, ok := mappingValues(n)
	if !ok {
		r.problem(line(n), "Keys with values are expected here, such as \"name: value\".")
		return nil
	}
	lines := make(map[string]int, len(values))
	for _, v := range values {
		name := v.Key.GetToken().Value
		at := v.Key.GetToken().Position.Line
		set, known := k[name]
		switch {
		case !known:
			r.problem(at, "The key %q is not known.", prefix+name)
		case lines[name] != 0:
			r.problem(at, "The key %q is already given in line %d.", prefix+name, lines[name])
		default:
			lines[name] = at
			set(v.Value)
		}
	}
	return lines
}

func mappingValues(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch m := n.(type) {
	case *ast.MappingNode:
		return m.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}, true
	}
	return nil, false
}

func line(n ast.Node) int {
	if n == nil || n.GetToken() == nil {
		return 1
	}
	return n.GetToken().Position.Line
}

// scalar gives a plain value's text. Anchors, aliases and tags are refused: a definition says what it means in place.
func (r *reader) scalar(n ast.Node) (string, bool) {
	var s string
	switch v := n.(type) {
	case *ast.StringNode:
		s = v.Value
	case *ast.LiteralNode:
		s = v.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		s = n.GetToken().Value
	default:
		r.problem(line(n), "A single value is expected here.")
		return "", false
	}
	if strings.Contains(s, "${") {
		r.problem(line(n), "Variables are not expanded in definitions; write the value itself.")
		return "", false
	}
	return strings.TrimSpace(s), true
}

func (r *reader) text(to *string) func(ast.Node) {
	return func(n ast.Node) {
		if s, ok := r.scalar(n); ok {
			*to = s
		}
	}
}

// element reads a CSS selector that finds whole elements.
func (r *reader) element(to *string) func(ast.Node) {
	return func(n ast.Node) {
		s, ok := r.scalar(n)
		if !ok {
			return
		}
		if _, err := cascadia.ParseGroup(s); err != nil {
			hint := ""
			if css, _, found := strings.Cut(s, "@"); found && strings.TrimSpace(css) != "" {
				hint = "; an attribute after @ is not read here"
			}
			r.problem(line(n), "%q is not a CSS selector%s.", s, hint)
			return
		}
		*to = s
	}
}

// selector reads a CSS selector of a value; " @name" after it, or "@name" alone, reads that attribute.
func (r *reader) selector(to *string) func(ast.Node) {
	return func(n ast.Node) {
		s, ok := r.scalar(n)
		if !ok {
			return
		}
		css, attribute, reads := strings.Cut(s, "@")
		if css = strings.TrimSpace(css); css != "" {
			if _, err := cascadia.ParseGroup(css); err != nil {
				r.problem(line(n), "%q is not a CSS selector.", css)
				return
			}
		}
		if s == "" || reads && strings.TrimSpace(attribute) == "" {
			r.problem(line(n), "A CSS selector is expected here.")
			return
		}
		*to = s
	}
}

func (r *reader) texts(to *[]string) func(ast.Node) {
	return func(n ast.Node) {
		list, ok := n.(*ast.SequenceNode)
		if !ok {
			r.problem(line(n), "A list is expected here.")
			return
		}
		*to = nil
		for _, v := range list.Values {
			if s, ok := r.scalar(v); ok && s != "" {
				*to = append(*to, s)
			}
		}
	}
}

// domains reads a list of domains, each with the basis on which it may be asked about.
func (r *reader) domains(to *[]risk.Domain) func(ast.Node) {
	return func(n ast.Node) {
		list, ok := n.(*ast.SequenceNode)
		if !ok {
			r.problem(line(n), "A list is expected here, of domains with the basis of each.")
			return
		}
		for _, v := range list.Values {
			var d risk.Domain
			r.mapping(v, "read.domains.", keys{"domain": r.text(&d.Name), "basis": r.text(&d.Basis)})
			term, err := risk.NewWatchTerm(risk.TermDomain, d.Name)
			switch {
			case err != nil:
				r.problem(line(v), "%q is not a domain name.", d.Name)
			case utf8.RuneCountInString(d.Basis) < leastBasis:
				r.problem(line(v), "The domain %s needs a basis: the record that proves it, or the contract and its clause.", d.Name)
			default:
				d.Name = term.Value
				*to = append(*to, d)
			}
		}
	}
}

// leastBasis is shorter than any sentence that names a record or a contract.
const leastBasis = 8

func (r *reader) duration(to *time.Duration, least, most time.Duration) func(ast.Node) {
	return func(n ast.Node) {
		s, ok := r.scalar(n)
		if !ok {
			return
		}
		d, err := time.ParseDuration(s)
		if err != nil {
			r.problem(line(n), "%q is not a duration such as 30s, 10m or 6h.", s)
			return
		}
		if d < least || d > most {
			r.problem(line(n), "%s is outside %s to %s.", s, least, most)
			return
		}
		*to = d
	}
}

// hours reads "22:00-06:00".
func (r *reader) hours(to *risk.Hours) func(ast.Node) {
	return func(n ast.Node) {
		s, ok := r.scalar(n)
		if !ok {
			return
		}
		from, until, _ := strings.Cut(s, "-")
		begin, beginErr := time.Parse("15:04", strings.TrimSpace(from))
		end, endErr := time.Parse("15:04", strings.TrimSpace(until))
		if beginErr != nil || endErr != nil || begin.Equal(end) {
			r.problem(line(n), "%q are not hours of the day such as 22:00-06:00.", s)
			return
		}
		to.From, to.To = begin.Hour()*60+begin.Minute(), end.Hour()*60+end.Minute()
	}
}

func (r *reader) zone(to *string) func(ast.Node) {
	return func(n ast.Node) {
		s, ok := r.scalar(n)
		if !ok {
			return
		}
		if _, err := time.LoadLocation(s); err != nil || s == "Local" {
			r.problem(line(n), "%q is not a time zone such as Europe/London.", s)
			return
		}
		*to = s
	}
}

func (r *reader) count(to *int, least, most int) func(ast.Node) {
	return func(n ast.Node) {
		s, ok := r.scalar(n)
		if !ok {
			return
		}
		v, err := strconv.Atoi(s)
		if err != nil || v < least || v > most {
			r.problem(line(n), "%q is not a whole number from %d to %d.", s, least, most)
			return
		}
		*to = v
	}
}

func (r *reader) share(to *float64) func(ast.Node) {
	return func(n ast.Node) {
		s, ok := r.scalar(n)
		if !ok {
			return
		}
		v, err := strconv.ParseFloat(s, 64)
		if err != nil || !(v >= 0 && v <= 1) {
			r.problem(line(n), "%q is not a number from 0 to 1.", s)
			return
		}
		*to = v
	}
}

func (r *reader) flag(to *bool) func(ast.Node) {
	return func(n ast.Node) {
		v, ok := n.(*ast.BoolNode)
		if !ok {
			r.problem(line(n), "true or false is expected here.")
			return
		}
		*to = v.Value
	}
}

func (r *reader) day(to *time.Time) func(ast.Node) {
	return func(n ast.Node) {
		s, ok := r.scalar(n)
		if !ok {
			return
		}
		d, err := time.Parse(time.DateOnly, s)
		if err != nil {
			r.problem(line(n), "%q is not a day such as 2027-12-31.", s)
			return
		}
		*to = d
	}
}

var byteUnits = []struct {
	suffix string
	factor int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}}

const mostBytes = 1 << 30

func (r *reader) bytes(to *int64) func(ast.Node) {
	return func(n ast.Node) {
		s, ok := r.scalar(n)
		if !ok {
			return
		}
		digits, factor := s, int64(1)
		for _, u := range byteUnits {
			if d, found := strings.CutSuffix(s, u.suffix); found {
				digits, factor = strings.TrimSpace(d), u.factor
			}
		}
		v, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || v < 1 || v > mostBytes/factor {
			r.problem(line(n), "%q is not a size such as 512KiB or 5MiB, at most 1GiB.", s)
			return
		}
		*to = v * factor
	}
}

func (r *reader) oneOf(set func(string), allowed ...string) func(ast.Node) {
	return func(n ast.Node) {
		s, ok := r.scalar(n)
		if !ok {
			return
		}
		for _, a := range allowed {
			if s == a {
				set(s)
				return
			}
		}
		r.problem(line(n), "%q is not one of: %s.", s, strings.Join(allowed, ", "))
	}
}
