package sample

import (
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/seeds"
)

// when says at what time a piece of content is posted: ago before the start, or at the step-th drip after it.
type when struct {
	Ago  time.Duration `yaml:"ago"`
	Step int           `yaml:"step"`
}

func (w when) at(start time.Time, drip time.Duration) time.Time {
	if w.Step > 0 {
		return start.Add(time.Duration(w.Step) * drip)
	}
	return start.Add(-w.Ago)
}

type paste struct {
	Posted when      `yaml:",inline"`
	ID     string    `yaml:"-"`
	At     time.Time `yaml:"-"`
	Title  string    `yaml:"title"`
	Author string    `yaml:"author"`
	Text   string    `yaml:"text"`
}

type post struct {
	Posted when      `yaml:",inline"`
	ID     int       `yaml:"-"`
	At     time.Time `yaml:"-"`
	Author string    `yaml:"author"`
	Text   string    `yaml:"text"`
}

type thread struct {
	ID    int    `yaml:"-"`
	Title string `yaml:"title"`
	Posts []post `yaml:"posts"`
}

type board struct {
	ID      int      `yaml:"-"`
	Name    string   `yaml:"name"`
	Threads []thread `yaml:"threads"`
}

type victim struct {
	Posted when      `yaml:",inline"`
	ID     string    `yaml:"-"`
	At     time.Time `yaml:"-"`
	Name   string    `yaml:"name"`
	Site   string    `yaml:"site"`
	Volume string    `yaml:"volume"`
	Note   string    `yaml:"note"`
	Detail string    `yaml:"detail"`
}

type content struct {
	pastes  []paste
	boards  []board
	victims []victim
	ids     int // last id given to a thread or post
}

// loadContent reads seeds/demo and gives everything its id and time. Ids follow the order in the files, so that what
// appears later never renumbers what was there.
func loadContent(start time.Time, drip time.Duration) (*content, error) {
	var p struct {
		Pastes []paste `yaml:"pastes"`
	}
	var f struct {
		Boards []board `yaml:"boards"`
	}
	var l struct {
		Victims []victim `yaml:"victims"`
	}
	for name, to := range map[string]any{"pastes.yaml": &p, "forum.yaml": &f, "leaks.yaml": &l} {
		if err := load(name, to); err != nil {
			return nil, err
		}
	}
	c := &content{pastes: p.Pastes, boards: f.Boards, victims: l.Victims, ids: 100}
	for i := range c.pastes {
		c.pastes[i].ID, c.pastes[i].At = pasteID(i), c.pastes[i].Posted.at(start, drip)
	}
	for i := range c.victims {
		c.victims[i].ID, c.victims[i].At = slug(c.victims[i].Name), c.victims[i].Posted.at(start, drip)
	}
	for b := range c.boards {
		c.boards[b].ID = b + 1
		for t := range c.boards[b].Threads {
			th := &c.boards[b].Threads[t]
			th.ID = c.nextID()
			for i := range th.Posts {
				th.Posts[i].ID, th.Posts[i].At = c.nextID(), th.Posts[i].Posted.at(start, drip)
			}
		}
	}
	return c, nil
}

func (c *content) nextID() int { c.ids++; return c.ids }

// pasteID looks like a paste site's and is the same on every run.
func pasteID(n int) string {
	const letters = "abcdefghjkmnpqrstuvwxyz23456789"
	id, x := make([]byte, 8), uint64(n+1)*0x9E3779B97F4A7C15
	for i := range id {
		id[i], x = letters[x%uint64(len(letters))], x/uint64(len(letters))
	}
	return string(id)
}

func slug(name string) string { return strings.ReplaceAll(strings.ToLower(name), " ", "-") }

func load(name string, to any) error {
	data, err := fs.ReadFile(seeds.FS, "demo/"+name)
	if err != nil {
		return fmt.Errorf("read sample content: %w", err)
	}
	if err := yaml.UnmarshalWithOptions(data, to, yaml.Strict()); err != nil {
		return fmt.Errorf("read sample content %s: %w", name, err)
	}
	return nil
}

// part is a stretch of a post: running text, or a code block between ``` lines.
type part struct {
	Code bool
	Text string
}

// Lines are the text's lines, for line breaks.
func (p part) Lines() []string { return strings.Split(strings.Trim(p.Text, "\n"), "\n") }

// Parts cuts a post at its ``` lines.
func (p post) Parts() []part {
	var parts []part
	for i, text := range strings.Split(p.Text, "```\n") {
		if strings.TrimSpace(text) != "" {
			parts = append(parts, part{Code: i%2 == 1, Text: text})
		}
	}
	return parts
}

// Paragraphs are the detail's lines.
func (v victim) Paragraphs() []string { return strings.Split(strings.TrimSpace(v.Detail), "\n") }

// Suppliers are the invented hospital, first, and its suppliers.
func Suppliers() ([]risk.Supplier, error) {
	var file struct {
		Suppliers []supplier `yaml:"suppliers"`
	}
	if err := load("suppliers.yaml", &file); err != nil {
		return nil, err
	}
	out := make([]risk.Supplier, len(file.Suppliers))
	for i, s := range file.Suppliers {
		converted, err := s.supplier()
		if err != nil {
			return nil, fmt.Errorf("read sample supplier %s: %w", s.Name, err)
		}
		out[i] = converted
	}
	return out, nil
}

type person struct {
	Name  string `yaml:"name"`
	Email string `yaml:"email"`
}

type supplier struct {
	Name        string `yaml:"name"`
	Kind        string `yaml:"kind"`
	Relation    string `yaml:"relation"`
	Tier        int    `yaml:"tier"`
	PatientData string `yaml:"patient_data"`
	Employees   int    `yaml:"employees"`
	Owner       person `yaml:"owner"`
	Contact     person `yaml:"contact"`
	BAASigned   string `yaml:"baa_signed"`
	ContractEnd string `yaml:"contract_end"`
	Terms       []struct {
		Kind  string `yaml:"kind"`
		Value string `yaml:"value"`
	} `yaml:"terms"`
}

func (s supplier) supplier() (risk.Supplier, error) {
	out := risk.Supplier{
		Name: s.Name, Kind: s.Kind, Relation: risk.Relation(s.Relation), Tier: risk.Tier(s.Tier), PatientData: risk.Answer(s.PatientData),
		Employees: s.Employees, Owner: risk.Person(s.Owner), Contact: risk.Person(s.Contact),
	}
	for _, t := range s.Terms {
		term, err := risk.NewWatchTerm(risk.TermKind(t.Kind), t.Value)
		if err != nil {
			return out, err
		}
		out.Terms = append(out.Terms, term)
	}
	var err error
	if out.BAASigned, err = day(s.BAASigned); err != nil {
		return out, err
	}
	out.ContractEnd, err = day(s.ContractEnd)
	return out, err
}

func day(s string) (*time.Time, error) {
	if s == "" {
		return nil, nil
	}
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return nil, err
	}
	return &d, nil
}
