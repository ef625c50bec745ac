package extract

import (
	"bytes"

	"github.com/wardline/wardline/internal/risk"
)

// style is how the text of a cell is written.
type style int

const (
	styleBare     style = iota // as it stands
	styleAbsent                // NULL, or something that holds no text
	styleSQL                   // backslashes escape, quotes are doubled
	styleStandard              // quotes are doubled
	styleHex                   // 0x1234
	styleCopy                  // backslashes escape
	styleJSON
)

// cell is a value of a row or object, without its quotes.
type cell struct {
	span
	style style
	role  role
	group int // in JSON: which of the nested objects it stands in, 0 = none
}

// row is a row of a table, or an object.
type row struct {
	format risk.Format
	whole  span
	cells  []cell
	named  bool // the cells' roles are known
}

// tables is what the readers of tables and objects hold of a block and its document.
type tables struct {
	row         row // that the hit at hand stands in
	cells       []cell
	values      []value // of the row that is read
	objects     objects
	insert      inserted
	insertCells []cell
	headers     [len(delimiters)]header
	unbroken    span // the stretch looked at last that holds no line end
	silent      span // the line read last that is a row of a table, and says nothing
	strings     dialect
	hearing     bool
	said        statements // up to heard
	heard       int
}

// cellAt is the cell of the row read last that holds a byte.
func (r *reader) cellAt(at int) (cell, bool) {
	if !r.row.whole.has(at) {
		return cell{}, false
	}
	for _, c := range r.row.cells {
		if c.has(at) {
			return c, true
		}
	}
	return cell{}, false
}

// spend counts what is read beside the lines of a list. A block that costs too much is not what it seems, and the
// rest of it is read as text.
func (r *reader) spend(n int) bool {
	r.effort -= n
	return r.effort > 0
}

// effortFor allows each byte of a block to be looked at this many times, and a small block to be read in any case.
func effortFor(b risk.Block) int { return 16*len(b.Data) + 16*maxLine }

// newRow drops the row read last, whose cells are about to be written over.
func (r *reader) newRow() { r.row, r.cells = row{}, r.cells[:0] }

// readRow makes a credential of a row that holds an account and one secret that is certain.
func (r *reader) readRow(t row) (record, bool) {
	r.row = t
	r.values = r.values[:0]
	for _, c := range t.cells {
		text, clear := r.text(c)
		r.values = append(r.values, value{text, clear})
	}
	pick := r.pickByShape
	if t.named {
		pick = r.pickByName
	}
	account, secret, ok := pick(t)
	if !ok {
		return record{}, false
	}
	rec := record{kind: risk.KindCredential, format: t.format, whole: t.whole, login: trim(r.data, account.span)}
	login, _ := r.text(account)
	if login = bytes.TrimSpace(login); !validLogin(login) {
		return record{}, false
	}
	if !bytes.Equal(login, rec.login.of(r.data)) {
		rec.account = string(login)
	}
	rec.secret = r.secretIn(t, secret)
	if rec.secret.Kind() == risk.SecretPlain {
		r.readAddress(t, &rec)
	}
	return rec, !rec.secret.Empty()
}

// pickByName takes the password's column and the account that stands beside it.
func (r *reader) pickByName(t row) (account, secret cell, ok bool) {
	for _, is := range []func(cell, []byte) bool{isSecret(roleSecret), isSecret(roleHash), isSecret(roleNTLM), isMarked} {
		if secret, ok = r.only(t, is); ok || r.any(t, is) {
			break
		}
	}
	if !ok {
		return account, secret, false
	}
	// An object that holds a password and an account means that account, and not the one around it.
	own := func(c cell, _ []byte) bool {
		return c.group == secret.group && (c.role == roleMail || c.role == roleLogin)
	}
	beside := func(c cell) bool { return c.group == secret.group }
	if !r.any(t, own) {
		beside = func(cell) bool { return true }
	}
	isMail := func(c cell, b []byte) bool { return c.role == roleMail && beside(c) && isMail(c, b) }
	mail, one := r.only(t, isMail)
	if !one && r.any(t, isMail) {
		return account, secret, false
	}
	login, named := r.only(t, func(c cell, _ []byte) bool { return c.role == roleLogin && beside(c) })
	if one && (!named || r.watchesAccount(mail) || !r.watchesAccount(login)) {
		return mail, secret, true
	}
	return login, secret, named
}

func isSecret(want role) func(cell, []byte) bool {
	return func(c cell, b []byte) bool { return c.role == want && !isPlaceholder(b) && !isMissingHash(b) }
}

func isMail(_ cell, b []byte) bool { return isAddress(bytes.TrimSpace(b)) }

// isMarked tells a hash that says itself what it is, isHashed also one that only looks like it.
func isMarked(_ cell, b []byte) bool { return markedKind(b) != risk.SecretNone }

func isHashed(c cell, b []byte) bool { return c.style != styleHex && secretKind(b) != risk.SecretPlain }

// pickByShape takes the one address, or the one watched account, and the one hash of a row whose columns have no names.
func (r *reader) pickByShape(t row) (account, secret cell, ok bool) {
	if secret, ok = r.only(t, isMarked); !ok && !r.any(t, isMarked) {
		secret, ok = r.only(t, isHashed)
	}
	if !ok {
		return account, secret, false
	}
	if account, ok = r.only(t, isMail); !ok && !r.any(t, isMail) {
		account, ok = r.only(t, func(_ cell, b []byte) bool { return r.watchedAccount(b) })
	}
	return account, secret, ok
}

// value is what a cell says.
type value struct {
	text  []byte // empty: nothing
	clear bool   // it cannot be read in two ways
}

// only finds the cell that is meant, if all cells that may be meant hold the same.
func (r *reader) only(t row, is func(cell, []byte) bool) (found cell, ok bool) {
	var text []byte
	for i, c := range t.cells {
		v := r.values[i]
		if len(v.text) == 0 || !is(c, v.text) {
			continue
		}
		if !v.clear || ok && !bytes.EqualFold(v.text, text) {
			return cell{}, false
		}
		if !ok {
			found, text, ok = c, v.text, true
		}
	}
	return found, ok
}

func (r *reader) any(t row, is func(cell, []byte) bool) bool {
	for i, c := range t.cells {
		if text := r.values[i].text; len(text) > 0 && is(c, text) {
			return true
		}
	}
	return false
}

func (r *reader) watchesAccount(c cell) bool {
	b, _ := r.text(c)
	_, kind, ok := r.scanner.MatchAccount(string(b))
	return ok && kind != risk.MatchLookalike
}

// secretIn is a row's secret, with its salt appended where that has a column of its own.
func (r *reader) secretIn(t row, c cell) risk.Secret {
	b, _ := r.text(c)
	kind := secretKind(b)
	if kind == risk.SecretMD5 && c.role == roleNTLM {
		kind = risk.SecretNTLM
	}
	if kind == risk.SecretPlain && (c.role == roleHash || isOpaque(b)) {
		kind = risk.SecretHash
	}
	if _, plainHex := hexKinds[len(b)]; plainHex && kind != risk.SecretPlain {
		if salt, ok := r.only(t, func(s cell, _ []byte) bool { return s.role == roleSalt && s.group == c.group }); ok {
			text, _ := r.text(salt)
			b = append(append(bytes.Clone(b), ':'), text...)
		}
	}
	return risk.NewSecret(kind, clean(b))
}

// readAddress reads the address that a row's password is for, as exports of browsers and password managers name it.
func (r *reader) readAddress(t row, rec *record) {
	for i, c := range t.cells {
		if c.role != roleHost || len(r.values[i].text) == 0 {
			continue
		}
		raw, text := trim(r.data, c.span), bytes.TrimSpace(r.values[i].text)
		u, ok := readURL(text, span{0, len(text)})
		if !ok {
			continue
		}
		host := u.host.of(text)
		at := bytes.Index(raw.of(r.data), host)
		if at < 0 {
			continue
		}
		rec.url, rec.host = raw, span{raw.start + at, raw.start + at + len(host)}
		if !bytes.Equal(text, raw.of(r.data)) {
			rec.address = string(text)
		}
		return
	}
}

// text is what a cell says; nil when it says nothing. clear is false where it may be read in two ways.
func (r *reader) text(c cell) (b []byte, clear bool) {
	b = c.of(r.data)
	switch c.style {
	case styleAbsent:
		return nil, true
	case styleHex:
		return hexText(b), true
	case styleSQL, styleStandard:
		b, clear = unquoteSQL(b, r.data[c.start-1], c.style == styleSQL)
		return byteaText(b), clear
	case styleCopy:
		b, clear = unquoteSQL(b, 0, true)
		return byteaText(b), clear
	case styleJSON:
		return unquoteJSON(b)
	}
	if c.start > 0 && c.end < len(r.data) && r.data[c.start-1] == '"' && r.data[c.end] == '"' && bytes.Contains(b, []byte(`""`)) {
		return bytes.ReplaceAll(b, []byte(`""`), []byte{'"'}), true
	}
	return b, true
}
