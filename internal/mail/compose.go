package mail

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	htmltemplate "html/template"
	netmail "net/mail"
	"net/netip"
	"strings"
	texttemplate "text/template"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/web"
)

var (
	htmlNotice = htmltemplate.Must(htmltemplate.New("notice.html").Option("missingkey=error").ParseFS(web.Email, "email/notice.html"))
	textNotice = texttemplate.Must(texttemplate.New("notice.txt").Option("missingkey=error").Funcs(textFuncs).ParseFS(web.Email, "email/notice.txt"))
	textFuncs  = texttemplate.FuncMap{"number": func(index int) int { return index + 1 }}
)

// notice is a risk.Notice as the templates print it: every field is one clean line, "" where there is nothing to say.
type notice struct {
	Subject  string
	Ref      string // one word, such as "EX-2041"
	Opens    string // what the link opens: the reference, or such as "47 exposures"
	Severity string // a word
	Rank     string // such as "3 of 4"
	Title    string
	Supplier string
	Tier     string
	Account  string
	Where    string
	More     string // what was only counted
	Seen     string
	Due      string
	Steps    []string
	Link     string
	Portal   string
}

// compose writes the mail. Everything in it comes from the message, so that a second composing gives the same mail.
func (s *Sender) compose(m risk.Message) (*gomail.Msg, error) {
	if !plainAddress(m.To.Email) {
		return nil, risk.Invalid("to", "The recipient is not an e-mail address.")
	}
	n := s.notice(m.Notice)
	var text, html bytes.Buffer
	if err := textNotice.Execute(&text, n); err != nil {
		return nil, fmt.Errorf("write the text part: %w", err)
	}
	if err := htmlNotice.Execute(&html, n); err != nil {
		return nil, fmt.Errorf("write the HTML part: %w", err)
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(&s.from)
	msg.ToMailAddress(&netmail.Address{Name: clean(m.To.Name, maxName), Address: m.To.Email})
	msg.Subject(n.Subject)
	msg.SetMessageIDWithValue(s.messageID(m.Key))
	if !m.Created.IsZero() {
		msg.SetDateWithValue(m.Created.UTC())
	}
	msg.SetGenHeader("List-Id", "Wardline alerts <alerts."+s.listHost()+">")
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader("X-Auto-Response-Suppress", "All") // Exchange: no out-of-office answers
	msg.SetBodyString(gomail.TypeTextPlain, text.String())
	msg.AddAlternativeString(gomail.TypeTextHTML, html.String())
	return msg, nil
}

func (s *Sender) messageID(key string) string {
	sum := sha256.Sum256([]byte(key))
	host := s.portal.Hostname()
	if ip, err := netip.ParseAddr(host); err == nil {
		host = "[" + ip.WithZone("").String() + "]"
	}
	return hex.EncodeToString(sum[:])[:32] + "@" + host
}

// listHost is the portal's host in the characters that a List-Id allows.
func (s *Sender) listHost() string {
	return strings.Map(func(r rune) rune {
		if r == '.' || unicode.IsDigit(r) || unicode.IsLetter(r) {
			return r
		}
		return '-'
	}, s.portal.Hostname())
}

const (
	maxName = 100 // characters: of a person's or supplier's name, a reference
	maxLine = 300 // of a title, a place or a step
)

func (s *Sender) notice(n risk.Notice) notice {
	v := notice{
		Opens:    clean(n.Ref, maxName),
		Title:    withholdAddresses(clean(n.Title, maxLine)),
		Supplier: clean(n.Supplier, maxName),
		Account:  withholdAccount(clean(n.Account, maxName)),
		Where:    clean(n.Where, maxLine),
		More:     clean(n.More, maxLine),
		Seen:     inUTC(n.FirstSeen),
		Due:      inUTC(n.Due),
		Link:     s.link(n.Path),
		Portal:   s.link("/"),
	}
	if !strings.Contains(v.Opens, " ") {
		v.Ref = v.Opens
	}
	if word := n.Severity.String(); word != "" {
		v.Severity = strings.ToUpper(word[:1]) + word[1:]
		v.Rank = fmt.Sprintf("%d of %d", n.Severity, risk.SeverityCritical)
	}
	if n.Tier > 0 {
		v.Tier = fmt.Sprintf("tier %d", n.Tier)
	}
	for _, step := range n.Steps {
		v.Steps = append(v.Steps, clean(step, maxLine))
	}
	v.Subject = v.subject()
	return v
}

func (n notice) subject() string {
	s := "[Wardline] "
	if n.Severity != "" {
		s += n.Severity + ": "
	}
	s += n.Title
	if n.Supplier != "" && !strings.Contains(n.Title, n.Supplier) {
		s += " (" + n.Supplier + ")"
	}
	if n.Ref != "" {
		s += " " + n.Ref
	}
	return s
}

// link leads to a page of the portal and to nowhere else: a path that is not one becomes the first page.
func (s *Sender) link(path string) string {
	path = clean(path, maxLine)
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, ` \@`) {
		path = "/"
	}
	return s.portal.Scheme + "://" + s.portal.Host + strings.TrimSuffix(s.portal.EscapedPath(), "/") + path
}

func inUTC(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2 Jan 2006, 15:04 UTC")
}

// clean makes one line of valid, visible text. Control, line and direction characters could end a header or turn a name
// round; "=?" would begin an encoded word that only the reader's mail program decodes.
func clean(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r):
			return ' '
		case unicode.Is(unicode.Cf, r):
			return '\uFFFD'
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	s = strings.ReplaceAll(s, "=?", "= ?")
	if r := []rune(s); len(r) > limit {
		s = string(r[:limit-1]) + "…"
	}
	return s
}

const (
	maskDot  = "•" // stands in every masked account name
	withheld = "•••••"
)

// withholdAccount is the last gate of a promise that earlier steps keep: no whole account name leaves by mail.
func withholdAccount(account string) string {
	if account == "" || strings.Contains(account, maskDot) {
		return account
	}
	return withheld
}

// withholdAddresses does the same for addresses within a text.
func withholdAddresses(text string) string {
	words := strings.Split(text, " ")
	for i, word := range words {
		if local, domain, found := strings.Cut(word, "@"); found && local != "" && !strings.Contains(local, maskDot) {
			words[i] = withheld + "@" + domain
		}
	}
	return strings.Join(words, " ")
}

// plainAddress reports an address that needs neither quoting nor decoding, so that it cannot become two.
func plainAddress(s string) bool {
	local, domain, found := strings.Cut(s, "@")
	if !found || local == "" || domain == "" || len(s) > 254 || strings.Contains(s, "=?") {
		return false
	}
	for _, r := range s {
		if r <= ' ' || r >= unicode.MaxASCII || strings.ContainsRune(`"(),:;<>[\]`, r) {
			return false
		}
	}
	parsed, err := netmail.ParseAddress(s)
	return err == nil && parsed.Name == "" && parsed.Address == s
}
