package collect

import (
	"net/url"
	"path"
	"strings"
	"sync"

	"github.com/PuerkitoBio/goquery"
	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"

	"github.com/wardline/wardline/internal/risk"
)

// anatomy says how a software marks up what a post is made of: CSS selectors inside the post's text.
type anatomy struct {
	quote       string
	quoteAuthor string // inside a quote: who is quoted; "@name" reads the quote's own attribute
	quoteHead   string // inside a quote: what is not the quoted person's words
	quoteTitle  string // the element right before a quote that names who is quoted, where that is not inside
	code        string
	attachment  string // its text is the file's name
	noise       string // captions and controls that are nobody's words
}

// read takes a post's text apart: the author's own words stay in Text, with code in its place.
func (a anatomy) read(body *goquery.Selection, item *risk.Item) {
	skip := map[*html.Node]bool{}
	for _, q := range outermost(find(body, a.quote)) {
		skip[q.Nodes[0]] = true
		quote := risk.Quote{Author: a.quoted(q), Text: textWithout(q.Nodes[0], nodes(find(q, a.quoteHead), find(q, a.quoteTitle), find(q, a.noise)))}
		if quote.Text != "" {
			item.Quotes = append(item.Quotes, quote)
		}
	}
	for n := range nodes(find(body, a.noise), find(body, a.quoteTitle)) {
		skip[n] = true
	}
	for _, c := range outermost(find(body, a.code)) {
		if text := textWithout(c.Nodes[0], skip); text != "" && !within(c.Nodes[0], skip) {
			item.Code = append(item.Code, text)
		}
	}
	item.Attachments = append(item.Attachments, fileNames(body, a.attachment)...)
	item.Text = textWithout(body.Nodes[0], skip)
}

func (a anatomy) quoted(q *goquery.Selection) string {
	if a.quoteTitle == "" {
		return quotedAuthor(pick(q, a.quoteAuthor))
	}
	before := q.Prev()
	if nodes(find(before.Parent(), a.quoteTitle))[firstNode(before)] {
		return quotedAuthor(oneLine(before))
	}
	return ""
}

func firstNode(s *goquery.Selection) *html.Node {
	if s.Length() == 0 {
		return nil
	}
	return s.Nodes[0]
}

// quotedAuthor drops what boards write behind the name: "anna wrote:", "anna schrieb:", "Quote from: anna on today".
func quotedAuthor(head string) string {
	head = strings.TrimSuffix(strings.TrimSpace(head), ":")
	if when, rest, ok := strings.Cut(head, ")"); ok && strings.HasPrefix(when, "(") && strings.ContainsAny(when, "0123456789") {
		head = strings.TrimSpace(rest) // MyBB begins with the date
	}
	for _, said := range []string{" wrote", " said", " schrieb", " a écrit", " escribió", " ha scritto", " escreveu", " schreef", " napisał", " pisze", " hat geschrieben", " yazdı", " 写道", " 写了", " писал", " написал", " сказал", " Wrote"} {
		if at := strings.LastIndex(head, said); at > 0 {
			head = head[:at]
		}
	}
	for _, begin := range []string{"Quote from: ", "Originally Posted by ", "Originally posted by ", "Оригинал от ", "Сообщение от ", "Citation de ", "Cita de: ", "Citazione di: ", "Cytat: ", "Alıntı: ", "Zitat von: ", "Zitat von ", "Цитата: "} {
		head = strings.TrimPrefix(head, begin)
	}
	if at := strings.LastIndex(head, " on "); at > 0 && strings.ContainsAny(head[at:], "0123456789:") {
		head = head[:at]
	}
	return strings.TrimSpace(head)
}

func fileNames(in *goquery.Selection, selector string) []string {
	var names []string
	for _, a := range find(in, selector).EachIter() {
		name := strings.Join(strings.Fields(nodeText(a.Nodes[0])), " ")
		if name == "" { // a picture: its own name says more than none
			name = firstOf(titledName(a.AttrOr("alt", "")), titledName(a.AttrOr("title", "")), lastSegment(a.AttrOr("href", a.AttrOr("src", ""))))
		}
		if name = cleanText(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// titledName is a name that stands as a picture's description, alone or on a line of its own among others, behind what
// it is: "Filename: proof.png".
func titledName(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r", "\n"), "\n")
	if len(lines) == 1 {
		return text
	}
	for _, l := range lines {
		if _, name, ok := strings.Cut(l, ":"); ok {
			return strings.TrimSpace(name)
		}
	}
	return lines[0]
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t = strings.TrimSpace(t); t != "" {
			return t
		}
	}
	return ""
}

func lastSegment(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Path == "" {
		return ""
	}
	return path.Base(u.Path)
}

// outermost are the elements that lie in none of the others.
func outermost(s *goquery.Selection) []*goquery.Selection {
	all := nodes(s)
	var out []*goquery.Selection
	for _, one := range s.EachIter() {
		if !within(one.Nodes[0].Parent, all) {
			out = append(out, one)
		}
	}
	return out
}

func within(n *html.Node, set map[*html.Node]bool) bool {
	for ; n != nil; n = n.Parent {
		if set[n] {
			return true
		}
	}
	return false
}

func nodes(lists ...*goquery.Selection) map[*html.Node]bool {
	set := map[*html.Node]bool{}
	for _, l := range lists {
		for _, n := range l.Nodes {
			set[n] = true
		}
	}
	return set
}

// compiled holds the engines' selectors, a fixed number; a definition's are not kept here.
var compiled sync.Map

// find is Find with an engine's selector, compiled once; "" finds nothing.
func find(in *goquery.Selection, selector string) *goquery.Selection {
	if selector == "" {
		return &goquery.Selection{}
	}
	m, ok := compiled.Load(selector)
	if !ok {
		m, _ = compiled.LoadOrStore(selector, goquery.Matcher(cascadia.MustCompile(selector)))
	}
	return in.FindMatcher(m.(goquery.Matcher))
}
