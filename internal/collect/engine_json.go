package collect

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"

	"github.com/wardline/wardline/internal/risk"
)

// jsonPage decodes a page that is a JSON object; false for all others.
func jsonPage[T any](p *page) (*T, bool) {
	if p.doc != nil || !bytes.HasPrefix(bytes.TrimLeft(p.body, " \t\r\n"), []byte("{")) {
		return nil, false
	}
	v := new(T)
	return v, isReadJSON(json.Unmarshal(p.body, v))
}

// isReadJSON reports that JSON could be read, though perhaps with fields of other types than they should be, which stay
// empty: an extension of the software must not hide the rest.
func isReadJSON(err error) bool {
	var other *json.UnmarshalTypeError
	return err == nil || errors.As(err, &other)
}

// fragment parses HTML that comes as a string; nothing when it is not safe to parse.
func fragment(text string) *goquery.Selection {
	if checkMarkup([]byte(text)) != nil {
		return &goquery.Selection{}
	}
	root, err := parseHTML(strings.NewReader(text))
	if err != nil {
		return &goquery.Selection{}
	}
	return goquery.NewDocumentFromNode(root).Find("body")
}

// readFragment takes a post's text apart that comes as a string of HTML.
func (a anatomy) readFragment(text string, item *risk.Item) bool {
	body := fragment(text)
	if body.Length() == 0 {
		return false
	}
	a.read(body, item)
	return true
}

// truth is a boolean that some software writes as a number.
type truth bool

func (t *truth) UnmarshalJSON(b []byte) error {
	*t = truth(!slices.Contains([]string{"false", "0", "null", `""`, `"0"`}, string(b)))
	return nil
}

// label is an id that some software writes as a number and some as a string.
type label string

func (l *label) UnmarshalJSON(b []byte) error {
	*l = label(strings.Trim(string(b), `"`))
	if *l == "null" {
		*l = ""
	}
	return nil
}

// instant is a moment as programs write it; zero when it is not one.
type instant struct{ time.Time }

func (i *instant) UnmarshalJSON(b []byte) error {
	i.Time, _ = calendar{zone: time.UTC}.stamp(strings.Trim(string(b), `"`))
	return nil
}

// splitAt parts an address's path where the software's own routes begin: the folder that it is installed in, with a
// slash at its end, and the rest, which is empty where no route is named.
func splitAt(u *url.URL, routes ...string) (root, rest string) {
	segments := strings.Split(strings.Trim(u.Path, "/"), "/")
	for i, s := range segments {
		if name, _, _ := strings.Cut(s, "."); slices.Contains(routes, name) {
			return folder(segments[:i]), strings.Join(segments[i:], "/")
		}
	}
	if path.Ext(u.Path) != "" {
		segments = segments[:len(segments)-1]
	}
	return folder(segments), ""
}

func folder(segments []string) string {
	if p := strings.Join(segments, "/"); p != "" {
		return "/" + p + "/"
	}
	return "/"
}

// at is an address on the page's host.
func (p *page) at(path, query string) *url.URL {
	u := *p.url
	u.Path, u.RawPath, u.RawQuery, u.Fragment, u.RawFragment = path, "", query, "", ""
	return &u
}

// pageNumber is the page that an address asks for; the first when it asks for none.
func pageNumber(u *url.URL) int {
	n, err := strconv.Atoi(u.Query().Get("page"))
	if err != nil || n < 1 || n > 1<<20 {
		return 1
	}
	return n
}

var errMembersOnly = errors.New("the board's API says that one must be logged in")

// strangeJSON says what an answer of an API is that is not what was asked for.
func (p *page) strangeJSON(e engine, what string) error {
	refusal, ok := jsonPage[struct {
		Type   string `json:"error_type"`
		Errors []any  `json:"errors"`
		Status struct {
			Code string `json:"code"`
		} `json:"status"`
	}](p)
	if ok && (slices.Contains([]string{"not_logged_in", "invalid_access"}, refusal.Type) || slices.Contains([]string{"not-authorised", "forbidden"}, refusal.Status.Code)) {
		return p.failure(risk.FailLogin, errMembersOnly)
	}
	return p.strange(e.name(), what)
}

// fragmentRoot is the document around a string of HTML; an empty one when it is not safe to parse.
func fragmentRoot(text string) *html.Node {
	if body := fragment(text); body.Length() > 0 {
		return body.Nodes[0]
	}
	return &html.Node{Type: html.DocumentNode}
}
