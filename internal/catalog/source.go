// Package catalog turns source definitions in YAML, those under seeds and an operator's own, and watchlists in CSV into
// risk types. It refuses what it does not know and names every problem by file and line; a broken file or line never
// hides a good one.
package catalog

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones of dates must load on machines without a zone database

	"github.com/goccy/go-yaml/ast"

	"github.com/wardline/wardline/internal/risk"
)

// Sample names two pages beside a definition, relative to it: one that it must read and one that it must refuse.
type Sample struct {
	Read   string
	Refuse string
}

// Definition is one file under seeds/sources.
type Definition struct {
	File   string
	Source risk.Source
	Sample Sample
}

// LoadSources reads every definition in a folder. Good files load even when others are broken; each problem reads
// "file:line: sentence".
func LoadSources(fsys fs.FS, dir string) ([]risk.Source, []error) {
	definitions, problems := LoadDefinitions(fsys, dir)
	sources := make([]risk.Source, len(definitions))
	for i, d := range definitions {
		sources[i] = d.Source
	}
	return sources, problems
}

// LoadDefinitions is LoadSources with the file and the samples of each definition.
func LoadDefinitions(fsys fs.FS, dir string) ([]Definition, []error) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, []error{fmt.Errorf("read source definitions in %s: %w", dir, err)}
	}
	var definitions []Definition
	var problems []error
	keyAt := map[string]string{}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if e.IsDir() || (path.Ext(name) != ".yaml" && path.Ext(name) != ".yml") {
			continue
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			problems = append(problems, fmt.Errorf("read source definition %s: %w", name, err))
			continue
		}
		d, found := parse(name, data)
		if first, taken := keyAt[d.Source.Key]; taken && len(found) == 0 {
			found = []error{risk.Invalid(name+":1", "The key %q is already used by %s.", d.Source.Key, first)}
		}
		if len(found) > 0 {
			problems = append(problems, found...)
			continue
		}
		keyAt[d.Source.Key] = name
		definitions = append(definitions, d)
	}
	return definitions, problems
}

// ParseSource reads one definition; name is what problems call the file. The error joins every problem.
func ParseSource(name string, data []byte) (risk.Source, error) {
	d, problems := parse(name, data)
	return d.Source, errors.Join(problems...)
}

func parse(name string, data []byte) (Definition, []error) {
	d := Definition{File: name}
	d.Source.Enabled, d.Source.Reliability = true, defaultReliability
	r := &reader{file: name}
	top := r.source(data, &d)
	if len(r.problems) > 0 {
		return d, r.problems
	}
	r.check(d, top)
	if len(r.problems) > 0 {
		return d, r.problems
	}
	addDefaults(&d.Source)
	return d, nil
}

// places remembers at which line each key stood, so that a check across keys can name one.
type places struct{ top, read, login map[string]int }

func (r *reader) source(data []byte, d *Definition) places {
	s := &d.Source
	var at places
	at.top = r.document(data, keys{
		"key":         r.text(&s.Key),
		"name":        r.text(&s.Name),
		"kind":        r.oneOf(func(v string) { s.Kind = risk.SourceKind(v) }, string(risk.SourcePaste), string(risk.SourceForum), string(risk.SourceLeakSite), string(risk.SourceFeed), string(risk.SourceAccount), string(risk.SourceDrop)),
		"route":       r.oneOf(func(v string) { s.Route = risk.Route(v) }, string(risk.RouteDirect), string(risk.RouteTor), string(risk.RouteFile)),
		"address":     r.text(&s.Address),
		"every":       r.duration(&s.Every, time.Second, 31*24*time.Hour),
		"owner":       r.text(&s.Owner),
		"legal_basis": r.text(&s.LegalBasis),
		"review_by":   r.day(&s.ReviewBy),
		"reliability": r.share(&s.Reliability),
		"enabled":     r.flag(&s.Enabled),
		"allowed":     r.texts(&s.Allowed),
		"approval":    r.text(&s.Approval),
		"login":       func(n ast.Node) { at.login = r.login(n, &s.Login) },
		"limits":      func(n ast.Node) { r.limits(n, &s.Limits) },
		"politeness":  func(n ast.Node) { r.politeness(n, &s.Politeness) },
		"read":        func(n ast.Node) { at.read = r.reading(n, &s.Read) },
		"sample": func(n ast.Node) {
			r.mapping(n, "sample.", keys{"read": r.text(&d.Sample.Read), "refuse": r.text(&d.Sample.Refuse)})
		},
	})
	return at
}

func (r *reader) limits(n ast.Node, l *risk.Limits) {
	r.mapping(n, "limits.", keys{
		"body":          r.bytes(&l.BodyBytes),
		"timeout":       r.duration(&l.Timeout, time.Second, 10*time.Minute),
		"redirects":     r.count(&l.Redirects, 1, 10),
		"depth":         r.count(&l.Depth, 1, 10_000),
		"pages":         r.count(&l.Pages, 1, 1_000_000),
		"content_types": r.texts(&l.ContentTypes),
	})
}

func (r *reader) politeness(n ast.Node, p *risk.Politeness) {
	r.mapping(n, "politeness.", keys{
		"delay":  r.duration(&p.Delay, 0, time.Hour),
		"jitter": r.duration(&p.Jitter, 0, time.Hour),
		"hours":  r.hours(&p.Hours),
		"zone":   r.zone(&p.Hours.Zone),
	})
}

func (r *reader) reading(n ast.Node, to *risk.Reading) map[string]int {
	return r.mapping(n, "read.", keys{
		"list":      r.element(&to.List),
		"link":      r.element(&to.Link),
		"title":     r.selector(&to.Title),
		"marker":    r.selector(&to.Marker),
		"raw":       r.text(&to.Raw),
		"boards":    r.element(&to.Boards),
		"include":   r.texts(&to.Include),
		"exclude":   r.texts(&to.Exclude),
		"next":      r.element(&to.Next),
		"post":      r.element(&to.Post),
		"post_id":   r.selector(&to.PostID),
		"author":    r.selector(&to.Author),
		"date":      r.selector(&to.Date),
		"body":      r.element(&to.Body),
		"dates":     r.texts(&to.Dates),
		"zone":      r.text(&to.Zone),
		"expect":    r.element(&to.Expect),
		"captcha":   r.element(&to.Captcha),
		"not_found": r.element(&to.NotFound),
		"twins":     r.texts(&to.Twins),
		"once":      r.element(&to.Once),
		"burn":      r.flag(&to.Burn),
		"group":     r.selector(&to.Group),
		"website":   r.selector(&to.Website),
		"volume":    r.selector(&to.Volume),
		"files":     r.element(&to.Files),
		"domains":   r.domains(&to.Domains),
		"engine":    r.oneOf(func(v string) { to.Engine = v }, allEngines()...),
	})
}

var keyForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// check holds what concerns several keys, or keys that are missing.
func (r *reader) check(d Definition, at places) {
	s := d.Source
	for _, need := range []struct {
		key     string
		missing bool
	}{
		{"key", s.Key == ""}, {"name", s.Name == ""}, {"kind", s.Kind == ""}, {"route", s.Route == ""},
		{"address", s.Address == ""}, {"every", s.Every == 0}, {"owner", s.Owner == ""},
		{"legal_basis", s.LegalBasis == ""}, {"review_by", s.ReviewBy.IsZero()},
	} {
		if need.missing {
			r.problem(max(at.top[need.key], 1), "The key %q is required.", need.key)
		}
	}
	if s.Key != "" && !keyForm.MatchString(s.Key) {
		r.problem(at.top["key"], "The key %q may hold lower-case letters, digits and single hyphens.", s.Key)
	}
	if s.Kind != "" && s.Route != "" && (s.Kind == risk.SourceDrop) != (s.Route == risk.RouteFile) {
		r.problem(at.top["route"], "The route file is for the kind drop, and only for it.")
		return
	}
	if s.Kind == risk.SourceDrop {
		return
	}
	r.checkAddress(s, at)
	r.checkReading(s, at)
	r.checkLogin(s, at)
}

func (r *reader) checkAddress(s risk.Source, at places) {
	if s.Address == "" {
		return
	}
	line := at.top["address"]
	u, err := url.Parse(s.Address)
	if err != nil || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https") {
		r.problem(line, "The address must be a whole http or https address.")
		return
	}
	if u.User != nil {
		r.problem(line, "The address must not hold a user name or password.")
	}
	for name := range u.Query() {
		if holdsKey.MatchString(name) {
			r.problem(line, "The address must not hold a key (%s): keys come from the environment.", name)
		}
	}
	onion := isOnion(u.Hostname())
	if onion && s.Route != risk.RouteTor {
		r.problem(line, "An onion address needs the route tor.")
	}
	for _, host := range s.Read.Twins {
		if !isHostName(host) {
			r.problem(at.read["twins"], "%q is not a host name; write it without scheme, port and path.", host)
		}
	}
	for _, host := range s.Allowed {
		if !isHostName(host) {
			r.problem(at.top["allowed"], "%q is not a host name; write it without scheme, port and path.", host)
		} else if _, err := netip.ParseAddr(host); err == nil {
			r.problem(at.top["allowed"], "%q is an IP address; links may lead to named hosts only.", host)
		} else if onion && !isOnion(host) {
			r.problem(at.top["allowed"], "%q is not an onion host; an onion source stays inside .onion.", host)
		}
	}
}

// holdsKey are names of parameters in which keys are sent.
var holdsKey = regexp.MustCompile(`(?i)^(api[_-]?key|access[_-]?token|auth[_-]?token|token|apitoken|secret|password|lic)$`)

func isHostName(host string) bool {
	return !strings.ContainsAny(host, "/:@* ") && strings.Contains(host, ".")
}

func isOnion(host string) bool {
	return strings.HasSuffix(strings.TrimSuffix(strings.ToLower(host), "."), ".onion")
}

// needs lists the keys under read without which a kind cannot be read.
var needs = map[risk.SourceKind][]string{
	risk.SourcePaste:    {"list", "link", "expect"},
	risk.SourceForum:    {"list", "link", "marker", "post", "post_id", "body", "expect"},
	risk.SourceLeakSite: {"list", "title", "expect"},
	risk.SourceFeed:     {"engine"},
	risk.SourceAccount:  {"engine"},
}

// engines are the board softwares whose pages are read without selectors.
var engines = []string{"auto", "phpbb", "mybb", "smf", "vbulletin", "fluxbb", "xenforo", "invision", "discourse", "nodebb", "flarum", "generic"}

// besideEngine are the keys under read that may stand beside an engine; it takes the place of the others.
var besideEngine = []string{"engine", "dates", "zone", "captcha", "not_found", "twins"}

// services are, by kind, the softwares and services whose lists and answers are read without selectors.
var services = map[risk.SourceKind][]string{
	risk.SourcePaste:    {"pastebin", "gists", "lenpaste", "haste", "opengist", "privatebin"},
	risk.SourceLeakSite: {"ransomware.live", "ransomware.live-pro", "ransomlook", "ransomwatch", "feed"},
	risk.SourceFeed:     {"feed"},
	risk.SourceAccount:  {"hibp", "hudsonrock"},
}

// besideService are the further keys under read that may stand beside a service of a kind.
var besideService = map[risk.SourceKind][]string{
	risk.SourcePaste:   {"burn"},
	risk.SourceForum:   {"include", "exclude"},
	risk.SourceAccount: {"domains"},
}

func allEngines() []string {
	all := slices.Clone(engines)
	for _, kind := range slices.Sorted(maps.Keys(services)) {
		all = append(all, services[kind]...)
	}
	return slices.Compact(all)
}

func (r *reader) checkEngine(s risk.Source, at places) {
	ofKind := services[s.Kind]
	if s.Kind == risk.SourceForum {
		ofKind = engines
	}
	if !slices.Contains(ofKind, s.Read.Engine) {
		r.problem(at.read["engine"], "%q does not read sources of the kind %s.", s.Read.Engine, s.Kind)
	}
	for _, key := range slices.Sorted(maps.Keys(at.read)) {
		if !slices.Contains(besideEngine, key) && !slices.Contains(besideService[s.Kind], key) {
			r.problem(at.read[key], "The key %q cannot stand beside %q, which takes its place.", "read."+key, "read.engine")
		}
	}
}

func (r *reader) checkReading(s risk.Source, at places) {
	needed := needs[s.Kind]
	if s.Read.Engine != "" {
		r.checkEngine(s, at)
		needed = nil
	}
	for _, key := range needed {
		if at.read[key] == 0 {
			r.problem(max(at.top["read"], 1), "A source of the kind %s needs the key %q.", s.Kind, "read."+key)
		}
	}
	read := s.Read
	if s.Kind == risk.SourceAccount && len(read.Domains) == 0 {
		r.problem(max(at.top["read"], 1), `A source of the kind account needs the key "read.domains": what may be asked about, and why.`)
	}
	if len(read.Domains) > 0 && s.Kind != risk.SourceAccount {
		r.problem(at.read["domains"], `"read.domains" is for the kind account only.`)
	}
	if s.Kind == risk.SourcePaste && read.Engine == "" && read.Raw == "" && read.Body == "" {
		r.problem(max(at.top["read"], 1), `A paste source needs "read.raw" or "read.body".`)
	}
	if read.Raw != "" && !strings.Contains(read.Raw, "{id}") {
		r.problem(at.read["raw"], "The template of the raw page must hold {id}.")
	}
	r.checkBoards(s, at)
	if len(read.Dates) > 0 && read.Date == "" && read.Engine == "" {
		r.problem(at.read["dates"], `"read.dates" needs "read.date".`)
	}
	for _, layout := range read.Dates {
		if !isLayout(layout) {
			r.problem(at.read["dates"], "%q is not a Go date layout such as \"2006-01-02 15:04\", and not unix.", layout)
		}
	}
	if _, err := time.LoadLocation(read.Zone); err != nil {
		r.problem(at.read["zone"], "%q is not a time zone such as Europe/London.", read.Zone)
	}
}

// checkBoards asks that patterns of boards stand where boards are chosen from, and say something.
func (r *reader) checkBoards(s risk.Source, at places) {
	for _, c := range []struct {
		key      string
		patterns []string
	}{{"include", s.Read.Include}, {"exclude", s.Read.Exclude}} {
		line := at.read[c.key]
		if line == 0 {
			continue
		}
		if s.Kind != risk.SourceForum || s.Read.Engine == "" && s.Read.Boards == "" {
			r.problem(line, `The key "read.%s" needs a forum with "read.engine" or "read.boards".`, c.key)
		}
		if len(c.patterns) == 0 {
			r.problem(line, `The key "read.%s" names no board.`, c.key)
		}
		if slices.ContainsFunc(c.patterns, func(p string) bool { return strings.Trim(p, "* ") == "" }) {
			r.problem(line, `A pattern under "read.%s" stands for every board.`, c.key)
		}
	}
}

// isLayout asks that a layout carry the whole day: a date without its year would silently land in year 0.
func isLayout(layout string) bool {
	if layout == "unix" {
		return true
	}
	a := time.Date(2019, 3, 14, 15, 16, 17, 0, time.UTC)
	got, err := time.Parse(layout, a.Format(layout))
	return err == nil && got.Year() == a.Year() && got.YearDay() == a.YearDay()
}

const defaultReliability = 0.5

// addDefaults fills limits that the definition leaves open. Tor gets more time: a first circuit takes many seconds.
func addDefaults(s *risk.Source) {
	l := &s.Limits
	if l.BodyBytes == 0 {
		l.BodyBytes = 5 << 20
	}
	if l.Timeout == 0 {
		l.Timeout = 30 * time.Second
		if s.Route == risk.RouteTor {
			l.Timeout = 90 * time.Second
		}
	}
	if l.Redirects == 0 {
		l.Redirects = 3
	}
	if l.Depth == 0 {
		l.Depth = 10
	}
	if l.Pages == 0 {
		l.Pages = 500
	}
	if len(l.ContentTypes) == 0 {
		l.ContentTypes = slices.Clone(defaultTypes)
		if s.Read.Engine != "" {
			l.ContentTypes = append(l.ContentTypes, "application/vnd.api+json") // Flarum's
		}
		if s.Read.Engine == "feed" {
			l.ContentTypes = append(l.ContentTypes, "application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/feed+json")
		}
	}
	if s.Read.Date != "" && len(s.Read.Dates) == 0 {
		s.Read.Dates = []string{time.RFC3339}
	}
}

var defaultTypes = []string{"text/html", "application/xhtml+xml", "text/plain", "text/csv", "application/json", "application/xml", "text/xml"}
