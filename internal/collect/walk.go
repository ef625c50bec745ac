package collect

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/wardline/wardline/internal/risk"
)

// place is where in a list a run is, or an earlier one ended.
type place struct {
	depth  int
	at     *url.URL
	entry  string // begin at this one; "" = the page's first
	behind bool   // begin behind it: it ended the run, and would end the next one
}

// walk is a run's way through the pages of one list.
type walk struct {
	*run
	from  *url.URL
	left  place // where an earlier run ended early; at is nil when none did
	ahead bool  // left is still ahead: the front of the list is read first
	here  place
	each  func(context.Context, *page, []entry) error

	page    *page    // the last that could be read
	entries []entry  // on it
	at      *url.URL // the address that was fetched last
}

// list walks the pages of a list. It reads every page up to the depth: stopping at the first page without news would
// miss what a run that was killed had left behind. Only the first page's failure is the list's.
//
// A run that ends early leaves a mark, and the next one goes on there: at once when an entry ended it, else after the
// front of the list, which holds what is new and may use half of the pages.
func (r *run) list(ctx context.Context, from *url.URL, each func(context.Context, *page, []entry) error) error {
	left, err := r.leftOff(ctx, from)
	if err != nil {
		return err
	}
	w := &walk{run: r, from: from, left: left, here: place{at: from}, each: each}
	switch {
	case left.at != nil && left.behind:
		w.here = left
	case left.at != nil:
		w.ahead = true
		r.most = r.requests + (r.src.Limits.Pages-r.requests+1)/2
		defer w.liftLimit()
	}
	for more := true; more && w.here.depth < r.src.Limits.Depth; {
		if r.again("list "+w.here.at.String()) && w.here.entry == "" {
			break
		}
		if more, err = w.step(ctx); err != nil {
			return err
		}
	}
	if left.at == nil {
		return nil
	}
	return r.hand(ctx, w.page, nil, []risk.Mark{{Key: leftKey(from)}})
}

// step reads the page at hand and goes to the one that is to be read next, if there is one.
func (w *walk) step(ctx context.Context) (more bool, err error) {
	fetchFailed := w.fetchHere(ctx)
	if w.page == nil {
		return w.beginAnew(fetchFailed)
	}
	before, err := w.report.New, fetchFailed
	if err == nil {
		err = w.readEntries(ctx)
	}
	switch {
	case w.frontIsRead(err, w.report.New > before):
		w.goToLeft()
		return true, nil
	case fetchFailed != nil:
		w.here.entry, w.here.behind = "", false
		if err := w.skip(fetchFailed); err != nil {
			return false, w.leave(ctx, err)
		}
		return false, nil
	case err != nil:
		return false, w.leave(ctx, err)
	}
	return w.goOn(w.report.New > before), nil
}

// fetchHere fetches the page, unless it is at hand.
func (w *walk) fetchHere(ctx context.Context) error {
	if w.page != nil && w.here.at == w.at {
		return nil
	}
	w.at = w.here.at
	p, entries, err := w.listPage(ctx, w.at)
	if err != nil {
		return err
	}
	w.page, w.entries = p, entries
	return nil
}

// beginAnew is for a first page that cannot be read. Where an earlier run ended, that page may be no more; at the
// beginning of the list, the list has failed.
func (w *walk) beginAnew(why error) (more bool, err error) {
	if w.here.at != w.left.at || w.left.at.String() == w.from.String() {
		return false, why
	}
	if err := w.skip(why); err != nil {
		return false, err
	}
	w.here = place{at: w.from}
	return true, nil
}

// readEntries reads what the page at hand lists, from here on, and notes where it ended.
func (w *walk) readEntries(ctx context.Context) error {
	w.reading = ""
	err := w.each(ctx, w.page, entriesFrom(w.entries, w.here))
	w.here.entry, w.here.behind = w.reading, !errors.Is(err, errEnough)
	return err
}

// frontIsRead reports that it is time to go where the earlier run ended: the front's share of the pages is used up, or it
// holds no news any more.
func (w *walk) frontIsRead(err error, news bool) bool {
	if !w.ahead || w.here.depth > w.left.depth {
		return false
	}
	return errors.Is(err, errEnough) || err == nil && !news && w.here.depth < w.left.depth
}

func (w *walk) goToLeft() {
	w.liftLimit()
	delete(w.seen, w.reading) // it was only begun
	if w.at.String() == w.left.at.String() {
		w.left.at = w.at // the page is at hand
	}
	w.here = w.left
}

// liftLimit gives the rest of the list all pages that are left.
func (w *walk) liftLimit() { w.ahead, w.most = false, w.src.Limits.Pages }

// goOn goes to the next page.
func (w *walk) goOn(news bool) (more bool) {
	next, more := w.next(w.page)
	if !more {
		return false
	}
	w.here = place{depth: w.here.depth + 1, at: next}
	if w.here.depth > w.left.depth {
		w.liftLimit()
	}
	if w.here.depth == w.src.Limits.Depth && news {
		w.note("%s: the limit of %d list pages was reached, and the last one still held news", w.from, w.src.Limits.Depth)
	}
	return true
}

func leftKey(from *url.URL) string { return "left:" + from.String() }

// leave remembers where the run ended early, and gives back why.
func (w *walk) leave(ctx context.Context, why error) error {
	if !endsEarly(ctx, why) {
		return why
	}
	mark := risk.Mark{Key: leftKey(w.from), Marker: fmt.Sprintf("%d %t %s\n%s", w.here.depth, w.here.behind, w.here.at, w.here.entry)}
	if err := w.hand(ctx, w.page, nil, []risk.Mark{mark}); err != nil {
		return err
	}
	return why
}

// endsEarly reports an end after which the next run is to go on here. The end of ctx leaves nothing: nothing can be kept
// then.
func endsEarly(ctx context.Context, why error) bool {
	var fetch *risk.FetchError
	return ctx.Err() == nil && (errors.Is(why, errEnough) || errors.As(why, &fetch))
}

// leftOff is where an earlier run ended early; at is nil when none did.
func (r *run) leftOff(ctx context.Context, from *url.URL) (place, error) {
	m, found, err := r.known(ctx, leftKey(from))
	if err != nil {
		return place{}, fmt.Errorf("look up what is known of %s: %w", r.src.Key, err)
	}
	var p place
	head, entry, _ := strings.Cut(m.Marker, "\n")
	var at string
	if _, err := fmt.Sscanf(head, "%d %t %s", &p.depth, &p.behind, &at); !found || err != nil {
		return place{}, nil
	}
	if p.at, err = url.Parse(at); err != nil || p.depth >= r.src.Limits.Depth {
		return place{}, nil
	}
	p.entry = entry
	return p, nil
}

// entriesFrom are the entries of a page from a place on; all of them when the one that it names has moved away.
func entriesFrom(entries []entry, from place) []entry {
	at := slices.IndexFunc(entries, func(e entry) bool { return from.entry != "" && e.key() == from.entry })
	switch {
	case at < 0:
		return entries
	case from.behind:
		return entries[at+1:]
	}
	return entries[at:]
}

func (r *run) listPage(ctx context.Context, at *url.URL) (*page, []entry, error) {
	p, err := r.fetch(ctx, at)
	if err != nil {
		return nil, nil, err
	}
	var entries []entry
	err = p.guard(func() error {
		entries, err = r.entries(p)
		return err
	})
	return p, entries, err
}

func (r *run) next(p *page) (*url.URL, bool) {
	switch {
	case r.engine != nil:
		return r.engine.next(p)
	case r.shelf != nil && r.shelf.next == nil:
		return nil, false
	case r.shelf != nil:
		return r.shelf.next(p)
	}
	if r.src.Read.Next == "" || p.doc == nil {
		return nil, false
	}
	next, ok := p.resolve(href(p.doc.Selection, r.src.Read.Next))
	r.count("read.next", r.src.Read.Next, ok)
	return next, ok
}
