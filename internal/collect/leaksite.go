package collect

import (
	"context"
	"errors"
	"strings"

	"github.com/PuerkitoBio/goquery"

	"github.com/wardline/wardline/internal/risk"
)

// readLeakSite reads a list of claimed victims, and each one's page when there is one. Only text is read: files that
// such a page offers are never fetched. A feed is such a list, without pages behind it.
func readLeakSite(ctx context.Context, r *run) error {
	err := r.list(ctx, r.gate.home, func(ctx context.Context, p *page, entries []entry) error {
		// What stands on the list goes first: a victim's page may end the run.
		if err := r.onList(ctx, p, entries); err != nil {
			return err
		}
		for _, e := range entries {
			if e.link == nil {
				continue
			}
			if err := r.victim(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, errNone) {
		r.say("%s: %s", r.gate.home, errNone)
		return nil
	}
	return err
}

// mostAtOnce is how many entries of a list are handed over together: a list may hold all that ever was.
const mostAtOnce = 500

// onList reads the entries that have no page of their own.
func (r *run) onList(ctx context.Context, p *page, entries []entry) error {
	var items []risk.Item
	var marks []risk.Mark
	for _, e := range entries {
		if e.link != nil {
			continue
		}
		mark := risk.Mark{Key: e.key(), Marker: e.change()}
		fresh, err := r.news(ctx, mark)
		if err != nil {
			return err
		}
		if fresh {
			items, marks = append(items, r.document(e, entryID(e), firstOf(e.place, p.url.String()), e.text)), append(marks, mark)
		}
		if len(items) == mostAtOnce {
			if err := r.hand(ctx, p, items, marks); err != nil {
				return err
			}
			items, marks = nil, nil
		}
	}
	return r.hand(ctx, p, items, marks)
}

// change is what differs when an entry does.
func (e entry) change() string {
	if e.marker != "" {
		return e.marker
	}
	return digestOf(e.text)
}

func (r *run) news(ctx context.Context, m risk.Mark) (bool, error) {
	if r.again(m.Key) {
		return false, nil
	}
	same, err := r.unchanged(ctx, m)
	return !same, err
}

func (r *run) victim(ctx context.Context, e entry) error {
	r.reading = e.key()
	mark := risk.Mark{Key: e.key(), Marker: e.change()}
	if fresh, err := r.news(ctx, mark); !fresh || err != nil {
		return err
	}
	p, err := r.fetch(ctx, e.link)
	if err != nil {
		return r.skip(err)
	}
	if p.has(r.src.Read.NotFound) {
		r.missing(p, "the entry is gone (read.not_found)")
		return nil
	}
	selector := r.src.Read.Post
	if selector == "" {
		selector = "body"
	}
	if !p.has(selector) {
		return r.skip(p.unexpected("read.post", selector))
	}
	var detail string
	err = p.guard(func() error {
		detail = content(p.doc.Selection, selector)
		return nil
	})
	if err != nil {
		return r.skip(err)
	}
	if strings.TrimSpace(detail) == "" {
		r.missing(p, "the entry's text is empty (read.post)")
		return nil
	}
	names, err := r.files(ctx, p)
	if err != nil {
		return err
	}
	item := r.document(e, entryID(e), e.link.String(), e.text+"\n\n"+detail)
	item.Attachments = names
	return r.hand(ctx, p, []risk.Item{item}, []risk.Mark{mark})
}

// files are the names on the page that lists what was taken. That page is an index: none of the files is ever fetched.
func (r *run) files(ctx context.Context, p *page) ([]string, error) {
	if r.src.Read.Files == "" {
		return nil, nil
	}
	at, ok := p.resolve(href(p.doc.Selection, r.src.Read.Files))
	r.count("read.files", r.src.Read.Files, ok)
	switch {
	case !ok:
		return nil, nil
	case isFile(at):
		r.say("%s: its list of files is a file itself, and was not fetched", p.url)
		return nil, nil
	}
	index, err := r.fetch(ctx, at)
	if err != nil {
		return nil, r.skip(err)
	}
	var names []string
	err = index.guard(func() error {
		names = index.fileIndex()
		return nil
	})
	if err != nil {
		return nil, r.skip(err)
	}
	if len(names) == 0 {
		r.missing(index, "a list of files without any name (read.files)")
	}
	return names, nil
}

// entryID tells entries of one list apart also where they have no address of their own.
func entryID(e entry) string {
	switch {
	case e.id != "":
		return e.id[strings.LastIndexByte(e.id, ' ')+1:]
	case e.link == nil:
		return strings.TrimPrefix(e.key(), "entry:")
	}
	return e.link.Path[strings.LastIndexByte(e.link.Path, '/')+1:]
}

// claim is what an entry says of its victim, by the definition's selectors.
func (r *run) claim(s *goquery.Selection, victim string) risk.Claim {
	read := r.src.Read
	return risk.Claim{Victim: victim, Group: r.pick(s, "read.group", read.Group),
		Website: r.pick(s, "read.website", read.Website), Volume: firstOf(r.pick(s, "read.volume", read.Volume), volumeIn(nodeText(s.Nodes[0])))}
}
