package collect

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// shelf reads the lists of one software or service, and what they lead to, in place of a definition's selectors. A list
// without entries is empty only where the answer says so in the service's own way.
type shelf struct {
	plain   bool // its lists and answers are JSON or XML
	dated   bool // its lists tell when an entry was posted
	entries func(r *run, p *page) ([]entry, error)
	next    func(p *page) (*url.URL, bool) // nil = the list has one page
	// open reads what was fetched at an entry's raw address; nil = it is the text. Its error is errGone, errOnce or
	// errLater where the answer says so.
	open func(r *run, p *page) ([]part, error)
}

// shelves are those that are known, under the engine's name that a definition gives.
var shelves map[string]*shelf

func init() {
	shelves = map[string]*shelf{
		"pastebin": {plain: true, dated: true, entries: pastebinEntries, open: pastebinText},
		"gists":    {plain: true, dated: true, entries: gistEntries, next: nextGists},
		"lenpaste": {entries: lenpasteEntries, open: lenpasteText},
		"haste":    {entries: hasteEntries},
		"opengist": {dated: true, entries: opengistEntries, next: nextOpengists, open: opengistFiles},

		"privatebin": {entries: privatebinEntries},

		"ransomware.live":     {plain: true, dated: true, entries: ransomwareLiveEntries},
		"ransomware.live-pro": {plain: true, dated: true, entries: ransomwareLiveEntries},
		"ransomlook":          {plain: true, dated: true, entries: ransomLookEntries},
		"ransomwatch":         {plain: true, dated: true, entries: ransomwatchEntries},
		"feed":                {plain: true, dated: true, entries: feedEntries},
	}
}

// follow is an address that an answer gives, when it may be followed.
func (r *run) follow(p *page, address string) *url.URL {
	u, ok := p.resolve(address)
	if !ok || r.gate.check(http.MethodGet, u) != nil {
		return nil
	}
	return u
}

// written finds addresses in text.
var written = regexp.MustCompile(`https?://[^\s"'<>\\)\]]+`)

// mostLinks is more than any list of links has that a person made.
const mostLinks = 20_000

// links are the addresses on a page, those in its text among them, as they stand there: what follows # may tell what a
// link leads to, and is kept nowhere.
func (p *page) links() []string {
	var out []string
	if p.doc != nil {
		for _, a := range p.doc.Find("a[href]").EachIter() {
			out = append(out, a.AttrOr("href", ""))
		}
	}
	for _, at := range written.FindAllString(string(p.body), mostLinks) {
		out = append(out, strings.ReplaceAll(at, "&amp;", "&"))
	}
	return out[:min(len(out), mostLinks)]
}

// linked are the entries that a page's links lead to. read tells from a link what it is an entry of, if it is one.
func (r *run) linked(p *page, what string, read func(u *url.URL) (entry, bool)) ([]entry, error) {
	var entries []entry
	met := map[string]bool{}
	for _, at := range p.links() {
		u, err := p.url.Parse(strings.TrimRight(strings.TrimSpace(at), ".,;"))
		if err != nil || len(at) > mostAddress || u.Scheme != "http" && u.Scheme != "https" {
			continue
		}
		if e, ok := read(u); ok && !met[e.key()] {
			met[e.key()] = true
			entries = append(entries, e)
		}
	}
	if len(entries) == 0 {
		return nil, p.refuses("a list with links to " + what)
	}
	return entries, nil
}

// at is an address on the host of another, without its fragment.
func at(u *url.URL, path, query string) *url.URL {
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: path, RawQuery: query}
}

// segments are the parts of an address's path.
func segments(u *url.URL) []string {
	return strings.FieldsFunc(u.Path, func(c rune) bool { return c == '/' })
}

// tidy is a line of an answer as it may be kept.
func tidy(s string) string { return strings.Join(strings.Fields(cleanText(s)), " ") }
