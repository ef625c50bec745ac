package collect

import (
	"context"
	"strings"

	"github.com/PuerkitoBio/goquery"

	"github.com/wardline/wardline/internal/risk"
)

// readLeakSite reads a list of claimed victims, and each one's page when there is one. Only text is read: files that
// such a page offers are never fetched.
func readLeakSite(ctx context.Context, r *run) error {
	return r.list(ctx, r.gate.home, func(ctx context.Context, p *page, entries []entry) error {
		var onList []risk.Item
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
				onList, marks = append(onList, r.document(e, entryID(e), p.url.String(), e.text)), append(marks, mark)
			}
		}
		// What stands on the list goes first: a victim's page may end the run.
		if err := r.hand(ctx, p, onList, marks); err != nil {
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
	return r.hand(ctx, p, []risk.Item{r.document(e, entryID(e), e.link.String(), e.text+"\n\n"+detail)}, []risk.Mark{mark})
}

// entryID tells entries of one list apart also where they have no address of their own.
func entryID(e entry) string {
	if e.link == nil {
		return strings.TrimPrefix(e.key(), "entry:")
	}
	return e.link.Path[strings.LastIndexByte(e.link.Path, '/')+1:]
}

// claim is what an entry says of its victim, by the definition's selectors.
func (r *run) claim(s *goquery.Selection, victim string) risk.Claim {
	read := r.src.Read
	return risk.Claim{Victim: victim, Group: firstOf(r.pick(s, "read.group", read.Group), r.src.Name),
		Website: r.pick(s, "read.website", read.Website), Volume: r.pick(s, "read.volume", read.Volume)}
}
