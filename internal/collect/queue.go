package collect

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

const (
	mostQueueing = 15 * time.Minute // in front of one page
	mostRounds   = 60
	mostRefresh  = 2 * time.Minute // a page that is to be looked at again later is no queue
	fewLinks     = 10              // a page with more of them has something to read
)

// behindQueue waits as long as a page asks for that only has its visitor ask again, and gives the page behind it.
func (r *run) behindQueue(ctx context.Context, p *page) (*page, error) {
	waited := time.Duration(0)
	for range mostRounds {
		again, in, ok := p.queues()
		if !ok || r.gate.check(http.MethodGet, again) != nil {
			return p, nil
		}
		if waited += in; waited > mostQueueing {
			break
		}
		if !r.until.IsZero() && time.Now().Add(in).After(r.until) {
			return nil, errLate
		}
		r.session.sends = true // its place in the queue is in a cookie
		if err := sleep(ctx, in); err != nil {
			return nil, err
		}
		var err error
		if p, err = r.request(ctx, http.MethodGet, again, nil); err != nil {
			return nil, err
		}
	}
	return nil, p.failure(risk.FailSlow, errors.New("a queue that did not end"))
}

// queues reports a page that has nothing but a request to ask again, where, and after how long.
func (p *page) queues() (at *url.URL, in time.Duration, ok bool) {
	if p.doc == nil || p.doc.Find("a[href]").Length() >= fewLinks || p.doc.FindMatcher(passwordField).Length() > 0 || looksLikeCaptcha(p.body) {
		return nil, 0, false
	}
	text := p.doc.FindMatcher(refreshMeta).First().AttrOr("content", p.refresh)
	seconds, target, _ := strings.Cut(text, ";")
	wait, err := strconv.ParseFloat(strings.TrimSpace(seconds), 64)
	if err != nil || !(wait >= 0) || wait > mostRefresh.Seconds() {
		return nil, 0, false
	}
	at = p.url
	if target = strings.TrimSpace(target); target != "" {
		if name, value, found := strings.Cut(target, "="); found && strings.EqualFold(strings.TrimSpace(name), "url") {
			target = value
		}
		if at, ok = p.resolve(strings.Trim(target, ` '"`)); !ok {
			return nil, 0, false
		}
	}
	return at, time.Duration(wait * float64(time.Second)), true
}
