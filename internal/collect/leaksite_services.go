package collect

import (
	"cmp"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// loose is a field that services fill with text, a number, nothing at all, or another thing altogether.
type loose string

func (l *loose) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*l = loose(s)
		return nil
	}
	var n json.Number
	if json.Unmarshal(b, &n) == nil {
		*l = loose(n)
	}
	return nil
}

// leakPost is a victim as the services that watch leak sites write it. They differ in names, not in what they say.
type leakPost struct {
	Victim      loose `json:"victim"`
	PostTitle   loose `json:"post_title"`
	Group       loose `json:"group"`
	GroupName   loose `json:"group_name"`
	Discovered  loose `json:"discovered"`
	Published   loose `json:"published"`
	AttackDate  loose `json:"attackdate"`
	PostURL     loose `json:"post_url"`
	ClaimURL    loose `json:"claim_url"`
	Website     loose `json:"website"`
	Domain      loose `json:"domain"`
	Description loose `json:"description"`
	Country     loose `json:"country"`
	Activity    loose `json:"activity"`
}

// ransomwareLiveEntries reads ransomware.live: a list, or its paid service's answer around one.
func ransomwareLiveEntries(r *run, p *page) ([]entry, error) {
	var list []leakPost
	if json.Unmarshal(p.body, &list) == nil {
		return r.leakEntries(p, list)
	}
	var paid struct {
		Victims *[]leakPost `json:"victims"`
	}
	if err := p.answer(&paid, "a list of victims"); err != nil {
		return nil, err
	}
	if paid.Victims == nil {
		return nil, p.refuses("a list of victims")
	}
	return r.leakEntries(p, *paid.Victims)
}

// ransomLookEntries reads RansomLook: a list of posts, or a group with its posts behind it.
func ransomLookEntries(r *run, p *page) ([]entry, error) {
	var list []leakPost
	var group []json.RawMessage
	if json.Unmarshal(p.body, &list) == nil {
		return r.leakEntries(p, list)
	}
	if json.Unmarshal(p.body, &group) != nil || len(group) != 2 || json.Unmarshal(group[1], &list) != nil {
		return nil, p.refuses("a list of posts")
	}
	return r.leakEntries(p, list)
}

// ransomwatchEntries reads ransomwatch's file of all posts.
func ransomwatchEntries(r *run, p *page) ([]entry, error) {
	var list []leakPost
	if err := p.answer(&list, "a list of posts"); err != nil {
		return nil, err
	}
	return r.leakEntries(p, list)
}

// leakEntries makes entries of posts. A list of things that are none has changed its form.
func (r *run) leakEntries(p *page, posts []leakPost) ([]entry, error) {
	var entries []entry
	for _, post := range posts {
		if e, ok := r.leakEntry(post); ok {
			entries = append(entries, e)
		}
	}
	switch nameless := len(posts) - len(entries); {
	case len(posts) == 0:
		r.say("%s: the service answered with an empty list", p.url)
	case len(entries) == 0:
		return nil, p.refuses("posts with a victim")
	case nameless > 0:
		r.note("%s: %d posts without a victim", p.url, nameless)
	}
	return entries, nil
}

func (r *run) leakEntry(post leakPost) (entry, bool) {
	said := func(l loose) string {
		if s := tidy(string(l)); !strings.EqualFold(s, "not found") && !strings.EqualFold(s, "n/a") {
			return s
		}
		return ""
	}
	about := cleanText(htmlText(said(post.Description)))
	claim := risk.Claim{
		Victim:  cmp.Or(said(post.Victim), said(post.PostTitle)),
		Group:   cmp.Or(said(post.Group), said(post.GroupName)),
		Website: cmp.Or(said(post.Website), said(post.Domain)),
		Country: said(post.Country), Sector: said(post.Activity), Volume: volumeIn(about),
	}
	e := entry{title: claim.Victim, claim: claim, text: claimText(claim, about), place: said(post.PostURL)}
	if e.place == "" {
		e.place = said(post.ClaimURL)
	}
	for _, date := range []loose{post.Discovered, post.Published, post.AttackDate} {
		if t, ok := r.whenever(string(date)); ok {
			e.posted = t
			break
		}
	}
	e.id = "victim " + digestOf(claim.Group, claim.Victim)
	e.marker = digestOf(claim.Website, about)
	return e, claim.Victim != ""
}

// claimText is a leak post as text: the victim's website first, since what stands there is claimed and not only mentioned.
func claimText(c risk.Claim, about string) string {
	var lines []string
	for _, line := range []string{c.Website, about} {
		if line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// volume is how posts write how much was taken.
var volume = regexp.MustCompile(`(?i)\b\d{1,6}(?:[.,]\d{1,3})?\s?(?:[kmgtp]i?b|gigabytes?|terabytes?|megabytes?)\b`)

// volumeIn is the largest amount that a text names, as it writes it.
func volumeIn(text string) string {
	most, found := 0.0, ""
	for _, v := range volume.FindAllString(text, 16) {
		if n := bytesOf(v); n > most {
			most, found = n, v
		}
	}
	return found
}

func bytesOf(written string) float64 {
	at := strings.IndexFunc(written, func(c rune) bool { return c != '.' && c != ',' && (c < '0' || c > '9') })
	if at < 0 {
		return 0
	}
	var n float64
	if err := json.Unmarshal([]byte(strings.ReplaceAll(written[:at], ",", ".")), &n); err != nil {
		return 0
	}
	unit := strings.ToLower(strings.TrimSpace(written[at:]))
	for i, prefix := range "kmgtp" {
		if strings.HasPrefix(unit, string(prefix)) {
			for range i + 1 {
				n *= 1000
			}
		}
	}
	return n
}

// wheneverLayouts are how services write times, where they do not write them as the standards say.
var wheneverLayouts = []string{
	time.RFC3339, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02T15:04:05.999999999", "2006-01-02",
	time.RFC1123Z, time.RFC1123, time.RFC822Z, time.RFC822, "Mon, 2 Jan 2006 15:04:05 MST", "Mon, 2 Jan 2006 15:04:05 -0700",
}

// whenever reads a date however it is written; years of nought mean never.
func (r *run) whenever(text string) (time.Time, bool) {
	text = tidy(text)
	if text == "" || strings.HasPrefix(text, "0000") {
		return time.Time{}, false
	}
	for _, layout := range wheneverLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return r.calendar().read(text)
}

// fileIndex reads the names on a page that lists files.
func (p *page) fileIndex() []string {
	var names []string
	met := map[string]bool{}
	add := func(name string) {
		if name = tidy(name); name != "" && !met[name] && len(names) < mostFileNames {
			met[name] = true
			names = append(names, name)
		}
	}
	if p.doc == nil {
		for line := range strings.Lines(cleanText(string(p.body))) {
			add(line)
		}
		return names
	}
	for _, a := range p.doc.Find("a[href]").EachIter() {
		add(firstOf(nodeText(a.Nodes[0]), lastSegment(a.AttrOr("href", ""))))
	}
	for _, row := range p.doc.Find("pre, li, td").EachIter() {
		for line := range strings.Lines(nodeText(row.Nodes[0])) {
			add(line)
		}
	}
	return names
}

// mostFileNames is what is read of an index: enough to see whose files they are.
const mostFileNames = 2000

// isFile says that an address is one of data itself, by its name: it is never fetched.
func isFile(u *url.URL) bool { return dataFile.MatchString(u.Path) }

var dataFile = regexp.MustCompile(`(?i)\.(zip|rar|7z|tar|gz|tgz|bz2|xz|zst|lz4|iso|torrent|sql|bak|mdb|accdb|csv|xlsx?|docx?|pptx?|pdf|pst|ost|eml|msg|jpe?g|png|gif|bmp|tiff?|mp4|avi|mov|mkv|mp3|wav|dcm|exe|dll|part\d+|\d{3})$`)
