package collect

import (
	"context"
	"net/url"
	"path"
	"strings"

	"github.com/wardline/wardline/internal/risk"
)

// readPastes reads a paste site: its archive list, and every paste that is new there or whose marker changed.
func readPastes(ctx context.Context, r *run) error {
	return r.list(ctx, r.gate.home, func(ctx context.Context, _ *page, entries []entry) error {
		for _, e := range entries {
			if err := r.paste(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *run) paste(ctx context.Context, e entry) error {
	r.reading = e.key()
	mark := risk.Mark{Key: e.key(), Marker: e.marker}
	if r.again(mark.Key) {
		return nil
	}
	if same, err := r.unchanged(ctx, mark); same || err != nil {
		return err
	}
	id := path.Base(e.link.Path)
	p, err := r.fetch(ctx, r.rawAddress(e.link, id))
	if err != nil {
		return r.skip(err)
	}
	if p.has(r.src.Read.NotFound) {
		r.missing(p, "the paste is gone (read.not_found)")
		return nil
	}
	var text string
	err = p.guard(func() error {
		text, err = r.pasteText(p)
		return err
	})
	if err != nil {
		return r.skip(err)
	}
	if strings.TrimSpace(text) == "" {
		r.missing(p, "the paste is empty")
		return nil
	}
	return r.hand(ctx, p, []risk.Item{r.document(e, id, e.link.String(), text)}, []risk.Mark{mark})
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
