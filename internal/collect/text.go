package collect

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/unicode/norm"
)

// toUTF8 decodes a body by its byte order mark, its header and its meta element, in this order. Where these name a
// charset of single bytes, text that is valid UTF-8 is UTF-8: no other text comes out so by chance.
func toUTF8(body []byte, contentType string) []byte {
	e, name, certain := charset.DetermineEncoding(body, contentType)
	if name == "utf-8" || (!certain || isSingleByte(name)) && utf8.Valid(body) || e == encoding.Nop || e == encoding.Replacement {
		return bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	}
	text, err := e.NewDecoder().Bytes(body)
	if err != nil {
		return body
	}
	return bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
}

func isSingleByte(name string) bool {
	return strings.HasPrefix(name, "windows-") || strings.HasPrefix(name, "iso-8859-") || strings.HasPrefix(name, "koi8-") || name == "macintosh"
}

// cleanText makes text safe to keep and to show: valid UTF-8 in NFC, lines ended by \n, and marks such as ⟦U+202E⟧ in
// place of controls and of invisible characters, which would make text read as something that it is not.
func cleanText(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	if strings.IndexFunc(s, isHidden) >= 0 {
		s = markHidden(s)
	}
	return norm.NFC.String(s)
}

func markHidden(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		if isHidden(r) {
			fmt.Fprintf(&b, "⟦U+%04X⟧", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// isHidden reports characters without a width of their own: controls, and Unicode's format characters, which hold the
// bidirectional overrides, the zero-width ones and the tags.
func isHidden(r rune) bool {
	return (unicode.IsControl(r) && r != '\n' && r != '\t') || unicode.Is(unicode.Cf, r)
}

// Limits on markup. x/net/html refuses a depth of 512 by itself, but only after work that grows with its square.
const (
	mostDepth      = 256
	mostAttributes = 256
)

// mostReopened bounds what x/net/html builds for formatting that is left open: every block, item or cell begins with a
// copy of each such element, so that a page of 80 KB became 700 MB.
const mostReopened = 1 << 18

var errMarkup = errors.New("the markup is nested too deeply or holds too many attributes")

var errCutMarkup = errors.New("the page ends inside a tag")

// checkMarkup reads through the tags, in one pass and without building anything, before a parser may see them.
func checkMarkup(page []byte) error {
	z := html.NewTokenizer(bytes.NewReader(page))
	open := map[string]int{}
	depth, formats, reopened := 0, 0, 0
	for {
		switch z.Next() {
		case html.ErrorToken:
			if errors.Is(z.Err(), io.EOF) && isOpenTag(z.Raw()) {
				return errCutMarkup
			}
			return nil
		case html.StartTagToken:
			name, more := z.TagName()
			if !countAttributes(z, more) {
				return errMarkup
			}
			tag := atom.Lookup(name)
			if !isFormatting(tag) {
				reopened += formats
			}
			if reopened > mostReopened {
				return errMarkup
			}
			if closesItself[tag] {
				continue
			}
			if isFormatting(tag) {
				formats++
			}
			open[string(name)]++
			if depth++; depth > mostDepth {
				return errMarkup
			}
		case html.EndTagToken:
			// An end tag without its start closes nothing: counting it would hide depth.
			name, _ := z.TagName()
			tag := atom.Lookup(name)
			if !isFormatting(tag) {
				reopened += formats
			}
			if open[string(name)] > 0 {
				open[string(name)]--
				depth--
				if isFormatting(tag) {
					formats--
				}
			}
		case html.SelfClosingTagToken:
			if _, more := z.TagName(); !countAttributes(z, more) {
				return errMarkup
			}
		}
	}
}

// isOpenTag reports that what was left at the end of the page is a tag or comment that never ended.
func isOpenTag(rest []byte) bool {
	return len(rest) > 1 && rest[0] == '<' && (rest[1] == '/' || rest[1] == '!' || unicode.IsLetter(rune(rest[1])))
}

func countAttributes(z *html.Tokenizer, more bool) bool {
	for n := 0; more; n++ {
		if n >= mostAttributes {
			return false
		}
		_, _, more = z.TagAttr()
	}
	return true
}

// isFormatting reports the elements that the parser opens again in the next block.
func isFormatting(a atom.Atom) bool {
	switch a {
	case atom.A, atom.B, atom.Big, atom.Code, atom.Em, atom.Font, atom.I, atom.Nobr, atom.S, atom.Small, atom.Strike, atom.Strong, atom.Tt, atom.U:
		return true
	}
	return false
}

// closesItself are elements that have no end tag, or whose next one ends them.
var closesItself = map[atom.Atom]bool{
	atom.Area: true, atom.Base: true, atom.Br: true, atom.Col: true, atom.Embed: true, atom.Hr: true, atom.Img: true, atom.Input: true,
	atom.Link: true, atom.Meta: true, atom.Param: true, atom.Source: true, atom.Track: true, atom.Wbr: true,
	atom.P: true, atom.Li: true, atom.Dt: true, atom.Dd: true, atom.Tr: true, atom.Td: true, atom.Th: true,
	atom.Tbody: true, atom.Thead: true, atom.Tfoot: true, atom.Option: true, atom.Optgroup: true,
}

// nodeText is an element's text: markup gone, block elements on lines of their own, table cells apart by tabs,
// preformatted text as it is.
func nodeText(n *html.Node) string { return textWithout(n, nil) }

// textWithout is nodeText without some of the elements in it.
func textWithout(n *html.Node, skip map[*html.Node]bool) string {
	w := textWriter{skip: skip}
	w.node(n, n.Parent != nil && n.Parent.DataAtom == atom.Pre)
	return cleanText(w.text())
}

type textWriter struct {
	b     strings.Builder
	skip  map[*html.Node]bool
	ended bool // what was written last ends with a line break
	space bool // a space is due before the next word
	line  bool // a line break is due before the next text
}

func (w *textWriter) node(n *html.Node, pre bool) {
	switch n.Type {
	case html.TextNode:
		w.write(n.Data, pre)
		return
	case html.ElementNode:
		if dropped[n.DataAtom] || n.Namespace != "" {
			return
		}
		if w.skip[n] {
			w.line = w.line || blocks[n.DataAtom]
			return
		}
	case html.CommentNode, html.DoctypeNode:
		return
	}
	if n.DataAtom == atom.Br {
		w.newline()
		return
	}
	block := blocks[n.DataAtom]
	w.line = w.line || block
	pre = pre || n.DataAtom == atom.Pre || n.DataAtom == atom.Textarea || n.DataAtom == atom.Listing || n.DataAtom == atom.Plaintext
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		w.node(c, pre)
	}
	w.line = w.line || block
	if n.DataAtom == atom.Td || n.DataAtom == atom.Th {
		w.b.WriteByte('\t')
		w.space = false
	}
}

func (w *textWriter) write(s string, pre bool) {
	if pre {
		if s != "" {
			w.due()
			w.b.WriteString(s)
			w.ended = strings.HasSuffix(s, "\n")
		}
		return
	}
	for i, word := range strings.Fields(s) {
		if i == 0 {
			w.space = w.space || unicode.IsSpace(firstRune(s))
		} else {
			w.space = true
		}
		w.due()
		w.b.WriteString(word)
	}
	if last, _ := utf8.DecodeLastRuneInString(s); s != "" && unicode.IsSpace(last) {
		w.space = true
	}
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

// due writes the break that stands before the next text; a line break makes a space needless.
func (w *textWriter) due() {
	switch {
	case w.b.Len() == 0:
	case w.line && !w.ended:
		w.newline()
	case w.space && !w.ended:
		w.b.WriteByte(' ')
	}
	w.line, w.space, w.ended = false, false, false
}

func (w *textWriter) newline() {
	w.b.WriteByte('\n')
	w.line, w.space, w.ended = false, false, true
}

func (w *textWriter) text() string {
	lines := strings.Split(w.b.String(), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " \t\r")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

var dropped = map[atom.Atom]bool{
	atom.Script: true, atom.Style: true, atom.Noscript: true, atom.Template: true, atom.Iframe: true, atom.Object: true, atom.Embed: true,
	atom.Video: true, atom.Audio: true, atom.Svg: true, atom.Math: true, atom.Canvas: true, atom.Head: true, atom.Select: true, atom.Button: true,
}

var blocks = map[atom.Atom]bool{
	atom.Address: true, atom.Article: true, atom.Aside: true, atom.Blockquote: true, atom.Center: true, atom.Dd: true, atom.Details: true,
	atom.Dialog: true, atom.Div: true, atom.Dl: true, atom.Dt: true, atom.Fieldset: true, atom.Figcaption: true, atom.Figure: true, atom.Footer: true,
	atom.Form: true, atom.H1: true, atom.H2: true, atom.H3: true, atom.H4: true, atom.H5: true, atom.H6: true, atom.Header: true, atom.Hr: true,
	atom.Legend: true, atom.Li: true, atom.Listing: true, atom.Main: true, atom.Nav: true, atom.Ol: true, atom.P: true, atom.Pre: true, atom.Section: true,
	atom.Summary: true, atom.Table: true, atom.Tbody: true, atom.Textarea: true, atom.Tfoot: true, atom.Thead: true, atom.Tr: true, atom.Ul: true,
}
