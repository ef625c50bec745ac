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

const anyGroup = -1

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
	assigned    span // the INSERT … SET that was read last, or what is none
	headers     [len(delimiters)]header
	decoded     bool // the block is a line that held escapes
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
	r.values = append(r.values[:0], make([]value, len(t.cells))...)
	pick := r.pickByShape
	if t.named {
		pick = r.pickByName
	}
	account, secret, ok := pick()
	if !ok {
		return record{}, false
	}
	login := bytes.TrimSpace(r.valueAt(account).text)
	if !validLogin(login) {
		return record{}, false
	}
	rec := record{kind: risk.KindCredential, format: t.format, whole: t.whole, login: trim(r.data, t.cells[account].span)}
	if !bytes.Equal(login, rec.login.of(r.data)) {
		rec.account = string(login)
	}
	rec.secret = r.secretIn(secret)
	if rec.secret.Kind() == risk.SecretPlain {
		r.readAddress(&rec)
	}
	return rec, !rec.secret.Empty()
}

// secretColumns are tried in this order.
var secretColumns = [...]role{roleSecret, roleHash, roleNTLM}

// pickByName takes the password's column and the account that stands beside it.
func (r *reader) pickByName() (account, secret int, ok bool) {
	var some bool
	for _, is := range secretColumns {
		if secret, some, ok = r.only(is, anyGroup, isSecret); some {
			break
		}
	}
	if !some {
		secret, _, ok = r.only(anyRole, anyGroup, isMarked)
	}
	if !ok {
		return 0, 0, false
	}
	account, ok = r.accountBeside(secret)
	return account, secret, ok
}

// accountBeside finds the account that a password belongs to. An object that holds a password and an account means that
// account, and not the one around it.
func (r *reader) accountBeside(secret int) (account int, ok bool) {
	group := r.row.cells[secret].group
	if !r.says(roleMail, group) && !r.says(roleLogin, group) {
		group = anyGroup
	}
	mail, some, one := r.only(roleMail, group, isMail)
	if some && !one {
		return 0, false
	}
	login, _, named := r.only(roleLogin, group, isAnything)
	if one && (!named || r.watchesAccount(mail) || !r.watchesAccount(login)) {
		return mail, true
	}
	return login, named
}

func isAnything(*cell, []byte) bool { return true }

func isSecret(_ *cell, b []byte) bool { return !isPlaceholder(b) && !isMissingHash(b) }

func isMail(_ *cell, b []byte) bool { return isAddress(bytes.TrimSpace(b)) }

// isMarked tells a hash that says itself what it is, isHashed also one that only looks like it.
func isMarked(_ *cell, b []byte) bool { return markedKind(b) != risk.SecretNone }

func isHashed(c *cell, b []byte) bool {
	return c.style != styleHex && secretKind(b) != risk.SecretPlain
}

// pickByShape takes the one address, or the one watched account, and the one hash of a row whose columns have no names.
func (r *reader) pickByShape() (account, secret int, ok bool) {
	secret, some, ok := r.only(anyRole, anyGroup, isMarked)
	if !some {
		secret, _, ok = r.only(anyRole, anyGroup, isHashed)
	}
	if !ok {
		return 0, 0, false
	}
	if account, some, ok = r.only(anyRole, anyGroup, isMail); !some {
		account, _, ok = r.only(anyRole, anyGroup, func(_ *cell, b []byte) bool { return r.watchedAccount(b) })
	}
	return account, secret, ok
}

// value is what a cell says.
type value struct {
	text  []byte // empty: nothing
	clear bool   // it cannot be read in two ways
	known bool   // it was asked for
}

// valueAt is what a cell of the row at hand says. Most cells of a row are never asked.
func (r *reader) valueAt(i int) *value {
	v := &r.values[i]
	if !v.known {
		v.text, v.clear = r.text(r.row.cells[i])
		v.known = true
	}
	return v
}

// among says that a cell has a role and stands in a group.
func (c *cell) among(want role, group int) bool {
	return (want == anyRole || c.role == want) && (group == anyGroup || c.group == group)
}

// only finds the cell that is meant, if all cells of a role and group that may be meant hold the same; some says that
// there are such.
func (r *reader) only(want role, group int, is func(*cell, []byte) bool) (found int, some, ok bool) {
	for i := range r.row.cells {
		c := &r.row.cells[i]
		if !c.among(want, group) {
			continue
		}
		v := r.valueAt(i)
		if len(v.text) == 0 || !is(c, v.text) {
			continue
		}
		if !v.clear || some && !bytes.EqualFold(v.text, r.values[found].text) {
			return 0, true, false
		}
		if !some {
			found, some = i, true
		}
	}
	return found, some, some
}

// says is true when a cell of a role and group holds text.
func (r *reader) says(want role, group int) bool {
	for i := range r.row.cells {
		if r.row.cells[i].among(want, group) && len(r.valueAt(i).text) > 0 {
			return true
		}
	}
	return false
}

func (r *reader) watchesAccount(i int) bool {
	_, kind, ok := r.scanner.MatchAccount(string(r.valueAt(i).text))
	return ok && kind != risk.MatchLookalike
}

// secretIn is a row's secret, with its salt appended where that has a column of its own.
func (r *reader) secretIn(i int) risk.Secret {
	c, b := &r.row.cells[i], r.valueAt(i).text
	kind := secretKind(b)
	if kind == risk.SecretMD5 && c.role == roleNTLM {
		kind = risk.SecretNTLM
	}
	if kind == risk.SecretPlain && (c.role == roleHash || isOpaque(b)) {
		kind = risk.SecretHash
	}
	if _, plainHex := hexKind(len(b)); plainHex && kind != risk.SecretPlain {
		if salt, _, ok := r.only(roleSalt, c.group, isAnything); ok {
			b = append(append(bytes.Clone(b), ':'), r.values[salt].text...)
		}
	}
	return risk.NewSecret(kind, clean(b))
}

// readAddress reads the address that a row's password is for, as exports of browsers and password managers name it.
func (r *reader) readAddress(rec *record) {
	for i, c := range r.row.cells {
		if c.role != roleHost || len(r.valueAt(i).text) == 0 {
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
