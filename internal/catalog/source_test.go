package catalog_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/wardline/wardline/internal/catalog"
	"github.com/wardline/wardline/internal/risk"
)

const forum = `key: forum-f07
name: Example board
kind: forum
route: tor
address: http://boardexample.onion/index
every: 15m
owner: Security operations
legal_basis: "Legitimate interest"
review_by: 2027-12-31
reliability: 0.6
allowed: [mirrorexample.onion]
limits: {body: 2MiB, timeout: 2m, pages: 40}
politeness: {delay: 2s, jitter: 500ms}
read:
  boards: "a.board"
  list: "tr.thread"
  link: "a.title"
  marker: "td.last @data-at"
  post: "div.post"
  post_id: "@id"
  body: "div.body"
  date: "time @datetime"
  expect: "table.threads"
sample: {read: samples/a.html, refuse: samples/b.html}
`

func TestParseSourceFillsEverything(t *testing.T) {
	got, err := catalog.ParseSource("f.yaml", []byte(forum))
	if err != nil {
		t.Fatal(err)
	}
	want := risk.Source{
		Key: "forum-f07", Name: "Example board", Kind: risk.SourceForum, Route: risk.RouteTor,
		Address: "http://boardexample.onion/index", Every: 15 * time.Minute,
		Owner: "Security operations", LegalBasis: "Legitimate interest",
		ReviewBy: time.Date(2027, 12, 31, 0, 0, 0, 0, time.UTC), Reliability: 0.6, Enabled: true,
		Limits: risk.Limits{BodyBytes: 2 << 20, Timeout: 2 * time.Minute, Redirects: 3, Depth: 10, Pages: 40,
			ContentTypes: []string{"text/html", "application/xhtml+xml", "text/plain", "text/csv", "application/json", "application/xml", "text/xml"}},
		Politeness: risk.Politeness{Delay: 2 * time.Second, Jitter: 500 * time.Millisecond},
		Read: risk.Reading{Boards: "a.board", List: "tr.thread", Link: "a.title", Marker: "td.last @data-at", Post: "div.post",
			PostID: "@id", Body: "div.body", Date: "time @datetime", Dates: []string{time.RFC3339}, Expect: "table.threads"},
		Allowed: []string{"mirrorexample.onion"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestDefaultLimitsByRoute(t *testing.T) {
	for route, want := range map[string]time.Duration{"tor": 90 * time.Second, "direct": 30 * time.Second} {
		def := strings.Replace(forum, "route: tor", "route: "+route, 1)
		def = strings.Replace(def, "timeout: 2m, ", "", 1)
		if route == "direct" {
			def = strings.ReplaceAll(def, ".onion", ".example")
		}
		s, err := catalog.ParseSource("f.yaml", []byte(def))
		if err != nil {
			t.Fatal(err)
		}
		if s.Limits.Timeout != want {
			t.Errorf("route %s: timeout %s, want %s", route, s.Limits.Timeout, want)
		}
	}
}

func TestProblemsAreNamedByFileAndLine(t *testing.T) {
	cases := []struct {
		name, old, new string
		want           []string
	}{
		{"unknown key", "every: 15m", "evry: 15m", []string{`f.yaml:6: The key "evry" is not known.`}},
		{"unknown key below read", `  body: "div.body"`, `  bodies: "div.body"`, []string{`f.yaml:21: The key "read.bodies" is not known.`}},
		{"key given twice", "every: 15m", "name: Again", []string{`f.yaml:6: The key "name" is already given in line 2.`}},
		{"no legal basis", "legal_basis: \"Legitimate interest\"\n", "", []string{`f.yaml:1: The key "legal_basis" is required.`}},
		{"no review day", "review_by: 2027-12-31\n", "", []string{`f.yaml:1: The key "review_by" is required.`}},
		{"variable", "owner: Security operations", "owner: ${OWNER}", []string{"f.yaml:7: Variables are not expanded in definitions; write the value itself."}},
		{"duration", "every: 15m", "every: often", []string{`f.yaml:6: "often" is not a duration such as 30s, 10m or 6h.`}},
		{"selector", `"tr.thread"`, `"tr[thread"`, []string{`f.yaml:16: "tr[thread" is not a CSS selector.`}},
		{"onion over direct", "route: tor", "route: direct", []string{"f.yaml:5: An onion address needs the route tor."}},
		{"onion to clearnet", "mirrorexample.onion", "mirror.example", []string{`f.yaml:11: "mirror.example" is not an onion host; an onion source stays inside .onion.`}},
		{"allowed IP", "mirrorexample.onion", "192.0.2.7", []string{`f.yaml:11: "192.0.2.7" is an IP address; links may lead to named hosts only.`}},
		{"twin with a scheme", `  boards: "a.board"`, "  twins: [\"https://board.example\"]", []string{`f.yaml:15: "https://board.example" is not a host name; write it without scheme, port and path.`}},
		{"scheme", "http://boardexample", "ftp://boardexample", []string{"f.yaml:5: The address must be a whole http or https address."}},
		{"user in address", "http://board", "http://me:pw@board", []string{"f.yaml:5: The address must not hold a user name or password."}},
		{"missing for kind", "  body: \"div.body\"\n", "", []string{`f.yaml:14: A source of the kind forum needs the key "read.body".`}},
		{"file route", "route: tor", "route: file", []string{"f.yaml:4: The route file is for the kind drop, and only for it."}},
		{"size", "2MiB", "2GiB", []string{`f.yaml:12: "2GiB" is not a size such as 512KiB or 5MiB, at most 1GiB.`}},
		{"layout without year", `"time @datetime"`, "\"time\"\n  dates: [\"Jan 2\"]", []string{`f.yaml:23: "Jan 2" is not a Go date layout such as "2006-01-02 15:04", and not unix.`}},
		{"zone", `"time @datetime"`, "\"time\"\n  zone: Mars/North", []string{`f.yaml:23: "Mars/North" is not a time zone such as Europe/London.`}},
		{"syntax", "owner: Security operations", "owner: [", []string{"f.yaml:7: This is not valid YAML: sequence end token ']' not found."}},
		{"alias", "owner: Security operations", "owner: *other", []string{"f.yaml:7: A single value is expected here."}},
		{"attribute where an element is meant", `"tr.thread"`, `"tr.thread @id"`, []string{`f.yaml:16: "tr.thread @id" is not a CSS selector; an attribute after @ is not read here.`}},
		{"tab", "  boards:", "\tboards:", []string{"f.yaml:15: This is not valid YAML: a tab stands where only spaces may."}},
		{"unknown key below limits", "pages: 40", "pagez: 40", []string{`f.yaml:12: The key "limits.pagez" is not known.`}},
		{"unknown key below politeness", "jitter", "jiter", []string{`f.yaml:13: The key "politeness.jiter" is not known.`}},
		{"unknown key below sample", "refuse", "refuze", []string{`f.yaml:24: The key "sample.refuze" is not known.`}},
		{"key given twice below read", `  body: "div.body"`, "  body: \"div.body\"\n  body: b", []string{`f.yaml:22: The key "read.body" is already given in line 21.`}},
		{"merge key", "every: 15m", "<<: {every: 15m}", []string{`f.yaml:6: The key "<<" is not known.`}},
		{"anchor", "every: 15m", "every: &e 15m", []string{"f.yaml:6: A single value is expected here."}},
		{"tag", "every: 15m", "every: !!str 15m", []string{"f.yaml:6: A single value is expected here."}},
		{"no value", "every: 15m", "every:", []string{"f.yaml:6: A single value is expected here."}},
		{"not text", "Example board", "Ex\xffmple", []string{"f.yaml:2: This is not UTF-8 text."}},
		{"NUL", "Example board", "Ex\x00mple", []string{"f.yaml:2: This is not UTF-8 text."}},
		{"list in place of keys", "politeness: {delay: 2s, jitter: 500ms}", "politeness: [2s]", []string{`f.yaml:13: Keys with values are expected here, such as "name: value".`}},
		{"several at once", "every: 15m\nowner: Security operations", "every: soon\nowner: {}", []string{
			`f.yaml:6: "soon" is not a duration such as 30s, 10m or 6h.`, "f.yaml:7: A single value is expected here."}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(forum, c.old) {
				t.Fatalf("the definition does not hold %q", c.old)
			}
			_, err := catalog.ParseSource("f.yaml", []byte(strings.Replace(forum, c.old, c.new, 1)))
			if err == nil {
				t.Fatal("accepted")
			}
			if !errors.Is(err, risk.ErrInvalid) {
				t.Errorf("%v is not risk.ErrInvalid", err)
			}
			if got := strings.Split(err.Error(), "\n"); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// What no definition is gets refused at once, whatever the parser would make of it.
func TestHostileDefinitions(t *testing.T) {
	laughs := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c < 'l'; c++ {
		laughs += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.Repeat(fmt.Sprintf("*%c, ", c-1), 9))
	}
	for name, c := range map[string]struct{ data, want string }{
		"huge":            {forum + "# " + strings.Repeat("x", 8<<20), "f.yaml:1: The file has 8389190 bytes; a definition has at most 65536."},
		"brackets":        {"key: x\n" + "a: " + strings.Repeat("[", 60_000), "f.yaml:2: More than 32 brackets are open here."},
		"mappings":        {strings.Repeat("{a: ", 16_000), "f.yaml:1: More than 32 brackets are open here."},
		"dashes":          {strings.Repeat("- ", 32_000), "f.yaml:1: More than 200 dashes stand in this line."},
		"billion laughs":  {laughs, `f.yaml:1: The key "a" is not known.`},
		"only a list":     {"- key: a\n- key: b\n", `f.yaml:1: Keys with values are expected here, such as "name: value".`},
		"only a text":     {"hello", `f.yaml:1: Keys with values are expected here, such as "name: value".`},
		"empty":           {"", "f.yaml:1: The file must hold exactly one definition."},
		"two definitions": {forum + "---\n" + forum, "f.yaml:1: The file must hold exactly one definition."},
		"UTF-16":          {"\xff\xfek\x00e\x00y\x00", "f.yaml:1: This is not UTF-8 text."},
	} {
		started := time.Now()
		_, err := catalog.ParseSource("f.yaml", []byte(c.data))
		if took := time.Since(started); took > 3*time.Second {
			t.Errorf("%s: took %s", name, took)
		}
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if got, _, _ := strings.Cut(err.Error(), "\n"); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestByteOrderMarkAndLineEndings(t *testing.T) {
	want, err := catalog.ParseSource("f.yaml", []byte(forum))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{"byte order mark": "\xef\xbb\xbf" + forum, "CRLF": strings.ReplaceAll(forum, "\n", "\r\n"), "document marks": "---\n" + forum + "...\n"} {
		got, err := catalog.ParseSource("f.yaml", []byte(data))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, %+v", name, err, got)
		}
	}
}

func TestLoadSourcesKeepsTheGoodOnes(t *testing.T) {
	fsys := fstest.MapFS{
		"s/a.yaml":    {Data: []byte(forum)},
		"s/b.yaml":    {Data: []byte("key: [")},
		"s/c.yaml":    {Data: []byte(strings.Replace(forum, "forum-f07", "forum-f08", 1))},
		"s/d.yaml":    {Data: []byte(forum)},
		"s/README.md": {Data: []byte("# not a definition")},
	}
	sources, problems := catalog.LoadSources(fsys, "s")
	if len(sources) != 2 || sources[0].Key != "forum-f07" || sources[1].Key != "forum-f08" {
		t.Errorf("sources: %+v", sources)
	}
	want := []string{"s/b.yaml:1: This is not valid YAML: sequence end token ']' not found.", `s/d.yaml:1: The key "forum-f07" is already used by s/a.yaml.`}
	var got []string
	for _, p := range problems {
		got = append(got, p.Error())
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("problems %q, want %q", got, want)
	}
}

func FuzzParseSource(f *testing.F) {
	f.Add([]byte(forum))
	f.Add([]byte("a: &x [*x]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := catalog.ParseSource("f", data)
		if err == nil && (s.Key == "" || s.LegalBasis == "" || s.Limits.BodyBytes == 0 && s.Kind != risk.SourceDrop) {
			t.Errorf("accepted without what is required: %+v", s)
		}
	})
}

func TestAnEngineTakesThePlaceOfSelectors(t *testing.T) {
	const head = "key: b\nname: B\nkind: forum\nroute: direct\naddress: https://board.example/\nevery: 1h\nowner: o\nlegal_basis: l\nreview_by: 2030-01-01\nread:\n"
	src, err := catalog.ParseSource("b.yaml", []byte(head+"  engine: auto\n  zone: Europe/Berlin\n  dates: [\"02.01.2006 15:04\"]\n"))
	if err != nil || src.Read.Engine != "auto" || src.Read.Zone != "Europe/Berlin" || !slices.Contains(src.Limits.ContentTypes, "application/vnd.api+json") {
		t.Errorf("%+v, %v", src.Read, err)
	}
	for text, want := range map[string]string{
		"  engine: phpbb\n  include: []\n":        `b.yaml:12: The key "read.include" names no board.`,
		"  engine: phpbb\n  include: [\"*\"]\n":   `b.yaml:12: A pattern under "read.include" stands for every board.`,
		"  engine: phpbb\n  exclude: Staff\n":     `b.yaml:12: A list is expected here.`,
		"  exclude: [Staff]\n":                    `b.yaml:11: The key "read.exclude" needs a forum with "read.engine" or "read.boards".`,
		"  engine: phpnuke\n":                     `b.yaml:11: `,
		"  engine: phpbb\n  post: div.post\n":     `b.yaml:12: The key "read.post" cannot stand beside "read.engine", which takes its place.`,
		"  zone: Europe/Berlin\n":                 `A source of the kind forum needs the key "read.list".`,
		"  engine: phpbb\n  dates: [\"15:04\"]\n": `b.yaml:12: "15:04" is not a Go date layout`,
	} {
		if _, err := catalog.ParseSource("b.yaml", []byte(head+text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	src, err = catalog.ParseSource("b.yaml", []byte(head+"  engine: vbulletin\n  include: [\"Data*\", \"/forumdisplay.php?f=2\"]\n  exclude: [Staff]\n"))
	if err != nil || !slices.Equal(src.Read.Include, []string{"Data*", "/forumdisplay.php?f=2"}) || !slices.Equal(src.Read.Exclude, []string{"Staff"}) {
		t.Errorf("%+v, %v", src.Read, err)
	}
	paste := strings.Replace(head, "kind: forum", "kind: paste", 1) + "  engine: phpbb\n"
	if _, err := catalog.ParseSource("b.yaml", []byte(paste)); err == nil || !strings.Contains(err.Error(), `b.yaml:11: "phpbb" does not read sources of the kind paste.`) {
		t.Errorf("a paste site with a forum's engine: %v", err)
	}
}

func TestServicesTakeThePlaceOfSelectors(t *testing.T) {
	const head = "key: b\nname: B\nroute: direct\naddress: https://service.example/\nevery: 1h\nowner: o\nlegal_basis: l\nreview_by: 2030-01-01\n"
	const asked = "  domains:\n    - domain: STMARY.example\n      basis: TXT record of 2026-11-02, ticket 114\n"
	src, err := catalog.ParseSource("b.yaml", []byte(head+"kind: account\nread:\n  engine: hibp\n"+asked))
	want := []risk.Domain{{Name: "stmary.example", Basis: "TXT record of 2026-11-02, ticket 114"}}
	if err != nil || src.Read.Engine != "hibp" || !slices.Equal(src.Read.Domains, want) {
		t.Errorf("%+v, %v", src.Read, err)
	}
	for text, want := range map[string]string{
		"kind: account\nread:\n  engine: hibp\n":                                                             `b.yaml:10: A source of the kind account needs the key "read.domains"`,
		"kind: account\nread:\n  engine: hibp\n  domains:\n    - domain: stmary.example\n":                   `b.yaml:13: The domain stmary.example needs a basis`,
		"kind: account\nread:\n  engine: hibp\n  domains:\n    - domain: stmary.example\n      basis: yes\n": `b.yaml:13: The domain stmary.example needs a basis`,
		"kind: account\nread:\n  engine: hibp\n  domains: [stmary.example]\n":                                `b.yaml:12: Keys with values are expected here`,
		"kind: account\nread:\n" + asked:                                                                     `A source of the kind account needs the key "read.engine".`,
		"kind: paste\nread:\n  engine: gists\n" + asked:                                                      `b.yaml:12: The key "read.domains" cannot stand beside "read.engine"`,
		"kind: leak_site\nread:\n  engine: gists\n":                                                          `b.yaml:11: "gists" does not read sources of the kind leak_site.`,
		"kind: feed\nread:\n  engine: feed\n  burn: true\n":                                                  `b.yaml:12: The key "read.burn" cannot stand beside "read.engine"`,
		"kind: account\nread:\n  engine: hibp\n  api_key: 00112233445566778899aabbccddeeff\n" + asked:        `b.yaml:12: The key "read.api_key" is not known.`,
	} {
		if _, err := catalog.ParseSource("b.yaml", []byte(head+text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	keyed := strings.Replace(head, "service.example/", "service.example/?d=x&API_Key=y", 1) + "kind: feed\nread:\n  engine: feed\n"
	if _, err := catalog.ParseSource("b.yaml", []byte(keyed)); err == nil || !strings.Contains(err.Error(), "b.yaml:4: The address must not hold a key (API_Key)") {
		t.Errorf("a key in the address: %v", err)
	}
}
