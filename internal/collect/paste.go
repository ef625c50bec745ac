package collect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/wardline/wardline/internal/risk"
)

// What a paste's answer may say in place of its text.
var (
	errGone  = errors.New("the paste is gone")
	errOnce  = errors.New("the paste can be read only once")
	errLater = errors.New("the paste cannot be read yet")
)

// readPastes reads a paste site: its list, and every paste that is new there or whose marker changed. Those that were
// read before and are no more are noticed.
func readPastes(ctx context.Context, r *run) error {
	var listed []entry
	var last *page
	err := r.list(ctx, r.gate.home, func(ctx context.Context, p *page, entries []entry) error {
		last = p
		for _, e := range entries {
			if err := r.paste(ctx, p, e); err != nil {
				return err
			}
			listed = append(listed, e)
		}
		return nil
	})
	if err != nil || last == nil {
		return err
	}
	return r.noticeGone(ctx, last, listed)
}

// paste reads a paste of a list, unless it is known as it is, or is one to be counted only.
func (r *run) paste(ctx context.Context, list *page, e entry) error {
	r.reading = e.key()
	if r.again(e.key()) {
		return nil
	}
	switch {
	case e.once && !(r.src.Read.Burn && !e.sealed):
		r.report.Once++
		return nil
	case e.sealed:
		r.report.Encrypted++
		return nil
	}
	mark := risk.Mark{Key: e.key(), Marker: e.marker}
	old, found, err := r.known(ctx, mark.Key)
	if err != nil {
		return fmt.Errorf("look up what is known of %s: %w", r.src.Key, err)
	}
	if found && old.Marker == mark.Marker {
		r.report.Unchanged++
		return nil
	}
	err = r.readPaste(ctx, list, e, mark, found)
	switch {
	case errors.Is(err, errOnce):
		r.report.Once++
		return r.hand(ctx, list, nil, []risk.Mark{mark})
	case found && isGone(err):
		r.lost(e.address())
		return r.hand(ctx, list, nil, []risk.Mark{mark})
	case errors.Is(err, errGone), errors.Is(err, errLater):
		r.note("%s: %s", e.address(), err)
		return nil
	case err != nil:
		return r.skip(err)
	}
	return nil
}

func (e entry) address() string {
	switch {
	case e.link != nil:
		return e.link.String()
	case e.raw != nil:
		return e.raw.String()
	}
	return e.key()
}

// isGone says that the place of a paste answers, and has it no more.
func isGone(err error) bool {
	var fetch *risk.FetchError
	return errors.Is(err, errGone) || errors.As(err, &fetch) && (fetch.Status == http.StatusNotFound || fetch.Status == http.StatusGone)
}

// lost says that a paste that was read is no more.
func (r *run) lost(address string) {
	r.report.Gone++
	r.say("%s: read before, and gone since", address)
}

// readPaste fetches what a paste is made of. Its mark goes out with the last of it; a part that could not be read for now
// leaves it without one, so that the next run looks again.
func (r *run) readPaste(ctx context.Context, list *page, e entry, mark risk.Mark, edited bool) error {
	p, parts, err := r.partsOf(ctx, e)
	if err != nil {
		return err
	}
	if p == nil {
		p = list
	}
	marks, begun := []risk.Mark{mark}, r.report.New
	for i, part := range parts {
		if part.rest != nil {
			next, text, err := r.text(ctx, part.rest)
			switch {
			case err != nil && len(parts) == 1:
				return err
			case err != nil:
				if !neverReads(err) {
					marks = nil
				}
				if err = r.skip(err); err != nil {
					return err
				}
				continue
			}
			p, part.text = next, text
		}
		if strings.TrimSpace(part.text) == "" {
			r.missing(p, "the paste is empty")
			continue
		}
		item := r.pasteItem(e, part)
		item.Edited = edited
		if i < len(parts)-1 {
			err = r.hand(ctx, p, []risk.Item{item}, nil)
		} else {
			err, marks = r.hand(ctx, p, []risk.Item{item}, marks), nil
		}
		if err != nil {
			return err
		}
	}
	switch read := r.report.New - begun; {
	case read > 0 && edited:
		r.report.Edited++
	case read == 0 && len(parts) == 1:
		return nil
	}
	return r.hand(ctx, p, nil, marks)
}

// neverReads says that a page is of a kind that asking again does not change.
func neverReads(err error) bool {
	var fetch *risk.FetchError
	return errors.As(err, &fetch) && (fetch.Kind == risk.FailType || fetch.Kind == risk.FailTooLarge || isGone(err))
}

func (r *run) pasteItem(e entry, part part) risk.Item {
	if part.title != "" && e.title != part.title {
		e.title = strings.TrimSpace(e.title + " " + part.title)
	}
	return r.document(e, part.id, e.address(), part.text)
}

// partsOf gives the texts of a paste: as its list tells, or as its own page does.
func (r *run) partsOf(ctx context.Context, e entry) (*page, []part, error) {
	if len(e.parts) > 0 {
		return nil, e.parts, nil
	}
	raw, id := e.raw, e.id
	if id == "" {
		id = path.Base(e.link.Path)
	}
	if raw == nil {
		raw = r.rawAddress(e.link, id)
	}
	if r.shelf == nil || r.shelf.open == nil {
		p, text, err := r.text(ctx, raw)
		return p, []part{{id: id, text: text}}, err
	}
	p, err := r.fetch(ctx, raw)
	if err != nil {
		return nil, nil, err
	}
	var parts []part
	err = p.guard(func() error {
		parts, err = r.shelf.open(r, p)
		return err
	})
	for i := range parts {
		if parts[i].id == "" {
			parts[i].id = id
		}
	}
	return p, parts, err
}

// text fetches a page that holds nothing but a text.
func (r *run) text(ctx context.Context, raw *url.URL) (*page, string, error) {
	p, err := r.fetch(ctx, raw)
	if err != nil {
		return nil, "", err
	}
	if p.has(r.src.Read.NotFound) {
		return nil, "", fmt.Errorf("%w (read.not_found)", errGone)
	}
	var text string
	err = p.guard(func() error {
		text, err = r.pasteText(p)
		return err
	})
	return p, text, err
}

func (r *run) rawAddress(link *url.URL, id string) *url.URL {
	if r.src.Read.Raw == "" {
		return link
	}
	raw, err := link.Parse(strings.ReplaceAll(r.src.Read.Raw, "{id}", url.PathEscape(id)))
	if err != nil {
		return link
	}
	return raw
}

// pasteText takes a raw page as it is. Many sites send plain text as text/html: without a tag in it, its lines would be
// lost to an HTML reader.
func (r *run) pasteText(p *page) (string, error) {
	switch body := r.src.Read.Body; {
	case p.doc == nil:
		return cleanText(string(p.body)), nil
	case body != "" && p.has(body):
		return content(p.doc.Selection, body), nil
	case body != "":
		return "", p.unexpected("read.body", body)
	case p.doc.Find("body *").Length() == 0:
		return cleanText(string(p.body)), nil
	case p.has("pre"):
		return content(p.doc.Selection, "pre"), nil
	}
	return "", p.unexpected("a raw page", "text, or one pre element")
}

const (
	mostListed  = 500 // pastes of a list that are remembered from run to run
	mostMissing = 10  // of them that are looked for in one run
)

// noticeGone looks for pastes that have left the list while older ones still stand there: a list that moves on drops its
// end, and nothing from its middle. Each is asked for before it is called gone.
func (r *run) noticeGone(ctx context.Context, list *page, listed []entry) error {
	key := "listed:" + r.gate.home.String()
	before, _, err := r.known(ctx, key)
	if err != nil {
		return fmt.Errorf("look up what is known of %s: %w", r.src.Key, err)
	}
	now := map[string]bool{}
	var lines []string
	for _, e := range listed {
		now[e.key()] = true
		if raw := r.textAddress(e); raw != nil && len(lines) < mostListed {
			lines = append(lines, e.key()+"\t"+raw.String())
		}
	}
	var marks []risk.Mark
	for _, m := range missing(strings.Split(before.Marker, "\n"), now) {
		gone, err := r.isLost(ctx, m)
		if err != nil {
			return err
		}
		if gone {
			r.lost(m.address)
			marks = append(marks, risk.Mark{Key: m.key, Marker: "gone"})
		}
	}
	if after := strings.Join(lines, "\n"); after != before.Marker {
		marks = append(marks, risk.Mark{Key: key, Marker: after})
	}
	return r.hand(ctx, list, nil, marks)
}

// textAddress is where a paste can be looked for; nil where looking would open it, or where it was never read.
func (r *run) textAddress(e entry) *url.URL {
	switch {
	case e.sealed, e.once:
		return nil
	case e.raw != nil:
		return e.raw
	case len(e.parts) > 0:
		return e.parts[0].rest
	case e.link != nil:
		return r.rawAddress(e.link, path.Base(e.link.Path))
	}
	return nil
}

// listedPaste is a paste of an earlier list.
type listedPaste struct{ key, address string }

// missing are those of an earlier list that are not on this one, though some behind them are.
func missing(before []string, now map[string]bool) []listedPaste {
	var out, waiting []listedPaste
	for _, line := range before {
		key, address, ok := strings.Cut(line, "\t")
		switch {
		case !ok:
		case now[key]:
			out, waiting = append(out, waiting...), nil
		default:
			waiting = append(waiting, listedPaste{key, address})
		}
	}
	return out[:min(len(out), mostMissing)]
}

// isLost asks for a paste that was read.
func (r *run) isLost(ctx context.Context, m listedPaste) (bool, error) {
	old, found, err := r.known(ctx, m.key)
	if err != nil {
		return false, fmt.Errorf("look up what is known of %s: %w", r.src.Key, err)
	}
	u, wrong := url.Parse(m.address)
	if !found || old.Marker == "gone" || wrong != nil {
		return false, nil
	}
	p, err := r.fetch(ctx, u)
	switch {
	case isGone(err):
		return true, nil
	case err != nil:
		return false, r.skip(err)
	case p.has(r.src.Read.NotFound):
		return true, nil
	case r.shelf != nil && r.shelf.open != nil:
		_, err = r.shelf.open(r, p)
	}
	return isGone(err), nil
}
