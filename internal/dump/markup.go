package dump

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"unicode/utf8"
)

// markup reads XML piece by piece and keeps only the piece at hand. It knows no entities but those of XML itself, and
// refuses documents that declare others.
type markup struct {
	in   *bufio.Reader
	text []byte // of the last text
	tag  []byte // of the last tag, without < and >
}

// piece is what a document is made of.
type piece int

const (
	pieceText piece = iota
	pieceOpen
	pieceClose
	pieceEmpty // <name/>
)

const (
	markupBuffer = 64 << 10
	maxTag       = 64 << 10
	maxText      = 1 << 20 // the rest of a longer one is left out
)

var (
	errDoctype = errors.New("its XML declares a document type, which no program does that writes such files")
	errLongTag = errors.New("its XML holds a tag that is too long")
	errNoUTF8  = errors.New("its XML is not in UTF-8")
)

func newMarkup(r io.Reader) *markup { return &markup{in: bufio.NewReaderSize(r, markupBuffer)} }

// next gives the next text that is not empty, or tag.
func (m *markup) next() (piece, error) {
	for {
		first, err := m.in.ReadByte()
		switch {
		case err != nil:
			return 0, err
		case first == 0 || first == 0xff || first == 0xfe:
			return 0, errNoUTF8
		case first != '<':
			if err := m.in.UnreadByte(); err != nil {
				return 0, err
			}
			m.text = m.text[:0]
			if err := m.readText('<'); err != nil {
				return 0, err
			}
			m.text = unescapeXML(m.text)
			return pieceText, nil
		}
		start, err := m.in.Peek(2)
		if err != nil {
			return 0, err
		}
		switch start[0] {
		case '?':
			err = m.skipPast("?>")
		case '!':
			var data bool
			if data, err = m.declaration(); data {
				return pieceText, err
			}
		default:
			return m.readTag()
		}
		if err != nil {
			return 0, err
		}
	}
}

// readText appends what stands in front of a sign, which is left to be read.
func (m *markup) readText(end byte) error {
	for {
		b, err := m.in.ReadSlice(end)
		found := err == nil
		if found {
			b, err = b[:len(b)-1], m.in.UnreadByte()
		}
		m.text = append(m.text, b[:min(len(b), maxText-len(m.text))]...)
		switch {
		case found || err != nil && !errors.Is(err, bufio.ErrBufferFull) && !errors.Is(err, io.EOF):
			return err
		case errors.Is(err, io.EOF):
			return nil
		}
	}
}

// declaration steps over a comment, and reads the text of CDATA.
func (m *markup) declaration() (data bool, err error) {
	const cdata = "![CDATA["
	if start, err := m.in.Peek(len(cdata)); err == nil && string(start) == cdata {
		if _, err := m.in.Discard(len(cdata)); err != nil {
			return false, err
		}
		m.text = m.text[:0]
		return true, m.until("]]>", &m.text)
	}
	if start, err := m.in.Peek(3); err != nil || string(start) != "!--" {
		return false, errDoctype
	}
	if _, err := m.in.Discard(3); err != nil {
		return false, err
	}
	return false, m.skipPast("-->")
}

func (m *markup) skipPast(end string) error { return m.until(end, nil) }

// until reads up to and past a mark, and keeps what stands in front of it.
func (m *markup) until(end string, keep *[]byte) error {
	matched := 0
	for {
		c, err := m.in.ReadByte()
		if err != nil {
			return err
		}
		if keep != nil && len(*keep) < maxText {
			*keep = append(*keep, c)
		}
		switch {
		case c == end[matched]:
			matched++
		case matched == 2 && c == end[1] && end[0] == end[1]: // "]]]>"
		case c == end[0]:
			matched = 1
		default:
			matched = 0
		}
		if matched == len(end) {
			if keep != nil {
				*keep = bytes.TrimSuffix(*keep, []byte(end))
			}
			return nil
		}
	}
}

// readTag reads a tag up to its >, which may also stand in the quotes of an attribute.
func (m *markup) readTag() (piece, error) {
	m.tag = m.tag[:0]
	for quotes := 0; ; {
		b, err := m.in.ReadSlice('>')
		m.tag = append(m.tag, b...)
		quotes += bytes.Count(b, []byte{'"'})
		switch {
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return 0, err
		case len(m.tag) > maxTag:
			return 0, errLongTag
		}
		if err == nil && quotes%2 == 0 {
			break
		}
	}
	m.tag = m.tag[:len(m.tag)-1]
	switch {
	case bytes.HasPrefix(m.tag, []byte{'/'}):
		m.tag = m.tag[1:]
		return pieceClose, nil
	case bytes.HasSuffix(m.tag, []byte{'/'}):
		m.tag = m.tag[:len(m.tag)-1]
		return pieceEmpty, nil
	}
	return pieceOpen, nil
}

// name is the last tag's, without what a program may put in front of it.
func (m *markup) name() string {
	name := m.tag
	if i := bytes.IndexAny(name, " \t\r\n"); i >= 0 {
		name = name[:i]
	}
	return string(name[bytes.LastIndexByte(name, ':')+1:])
}

// attribute is the value of the last tag's attribute, nil when it has none of that name.
func (m *markup) attribute(name string) []byte {
	for rest := m.tag; ; {
		i := bytes.Index(rest, []byte(name))
		if i < 0 {
			return nil
		}
		begins := i > 0 && (isXMLSpace(rest[i-1]) || rest[i-1] == ':')
		rest = rest[i+len(name):]
		value := bytes.TrimLeft(rest, " \t\r\n")
		if !begins || len(value) == 0 || value[0] != '=' {
			continue
		}
		value = bytes.TrimLeft(value[1:], " \t\r\n")
		if len(value) == 0 || value[0] != '"' && value[0] != '\'' {
			return nil
		}
		end := bytes.IndexByte(value[1:], value[0])
		if end < 0 {
			return nil
		}
		return unescapeXML(bytes.Clone(value[1 : 1+end]))
	}
}

func isXMLSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

var xmlEntities = map[string]byte{"lt": '<', "gt": '>', "amp": '&', "quot": '"', "apos": '\''}

// unescapeXML takes the escapes out of a text, in place. What is none stays as it is.
func unescapeXML(b []byte) []byte {
	at := bytes.IndexByte(b, '&')
	if at < 0 {
		return b
	}
	out := b[:at]
	for at < len(b) {
		if b[at] != '&' {
			out = append(out, b[at])
			at++
			continue
		}
		end := bytes.IndexByte(b[at:min(len(b), at+12)], ';')
		if end < 0 {
			out = append(out, '&')
			at++
			continue
		}
		name := b[at+1 : at+end]
		if c, ok := xmlEntities[string(name)]; ok {
			out = append(out, c)
		} else if c, ok := numberedRune(name); ok {
			out = utf8.AppendRune(out, c)
		} else {
			out = append(out, b[at:at+end+1]...)
		}
		at += end + 1
	}
	return out
}

// numberedRune reads #65 or #x41.
func numberedRune(name []byte) (rune, bool) {
	if len(name) < 2 || name[0] != '#' {
		return 0, false
	}
	digits, base := string(name[1:]), 10
	if digits[0] == 'x' || digits[0] == 'X' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 21)
	return rune(n), err == nil && n > 0
}
