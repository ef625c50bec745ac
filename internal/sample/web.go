// Package sample is the demo's world: an invented hospital and its suppliers, three small dark-web sites served on
// loopback (a paste site, a threaded forum, a ransomware-style leak site) on which posts go on appearing, a mailbox
// that keeps what is sent to it, and dump files for the drop folder. Everything in it is made up and the same on
// every run.
package sample

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/wardline/wardline/internal/catalog"
	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/seeds"
)

// Options of the sample web; zero values are sensible.
type Options struct {
	Addresses string           // where the sites listened last time, as Listening gave it; one that is taken now is replaced
	Drip      time.Duration    // time between two appearing posts, 0 = 20 s
	Now       func() time.Time // nil = time.Now
}

// Site names one of the three sites.
type Site string

const (
	SitePaste Site = "paste"
	SiteForum Site = "forum"
	SiteLeaks Site = "leaks"
)

var sites = []Site{SitePaste, SiteForum, SiteLeaks}

// Web is the running sample web.
type Web struct {
	now     func() time.Time
	sources []risk.Source
	addrs   map[Site]netip.AddrPort
	servers []*http.Server
	wg      sync.WaitGroup

	mu      sync.Mutex
	content *content
}

// Start serves the three sites until Close.
func Start(ctx context.Context, o Options) (*Web, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Drip == 0 {
		o.Drip = 20 * time.Second
	}
	content, err := loadContent(o.Now().Truncate(time.Minute), o.Drip)
	if err != nil {
		return nil, err
	}
	w := &Web{now: o.Now, addrs: map[Site]netip.AddrPort{}, content: content}
	last := strings.Split(o.Addresses, ",")
	for i, site := range sites {
		addr := ""
		if len(last) == len(sites) {
			addr = last[i]
		}
		if err := w.serve(ctx, site, addr); err != nil {
			return nil, errors.Join(err, w.Close())
		}
	}
	if w.sources, err = w.locate(); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

func (w *Web) serve(ctx context.Context, site Site, addr string) error {
	l, err := listenLoopback(ctx, addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		l, err = listenLoopback(ctx, "")
	}
	if err != nil {
		return fmt.Errorf("start sample site %s: %w", site, err)
	}
	w.addrs[site] = l.Addr().(*net.TCPAddr).AddrPort()
	s := &http.Server{Handler: w.handler(site), ReadHeaderTimeout: 5 * time.Second}
	w.servers = append(w.servers, s)
	w.wg.Go(func() { _ = s.Serve(l) }) // ends with Close, which says why
	return nil
}

// listenLoopback refuses anything but loopback: the sample world must not be found by others. "" is a free port.
func listenLoopback(ctx context.Context, addr string) (net.Listener, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	at, err := netip.ParseAddrPort(addr)
	if err != nil || !at.Addr().IsLoopback() {
		return nil, fmt.Errorf("%q is not a loopback address with a port: %w", addr, risk.ErrInvalid)
	}
	return new(net.ListenConfig).Listen(ctx, "tcp", addr)
}

// sampleHosts are the hosts that the definitions under seeds/sources give for the three sites.
var sampleHosts = map[string]Site{"paste.sample.test": SitePaste, "forum.sample.test": SiteForum, "leaks.sample.test": SiteLeaks}

// locate points the shipped definitions of the sample sites at where these run.
func (w *Web) locate() ([]risk.Source, error) {
	all, problems := catalog.LoadSources(seeds.FS, "sources")
	if len(problems) > 0 {
		return nil, fmt.Errorf("load the sample sources: %w", errors.Join(problems...))
	}
	var out []risk.Source
	for _, src := range all {
		u, err := url.Parse(src.Address)
		if err != nil {
			return nil, fmt.Errorf("read the address of %s: %w", src.Key, err)
		}
		if site, ours := sampleHosts[u.Hostname()]; ours {
			u.Host = w.addrs[site].String()
			src.Address, src.Enabled = u.String(), true
			out = append(out, src)
		}
	}
	return out, nil
}

// Sources are the definitions of the three sites at their loopback addresses.
func (w *Web) Sources() []risk.Source { return slices.Clone(w.sources) }

// Address is where one site is served.
func (w *Web) Address(s Site) netip.AddrPort { return w.addrs[s] }

// Addresses are what a collector must be allowed to reach.
func (w *Web) Addresses() []netip.AddrPort {
	var out []netip.AddrPort
	for _, s := range sites {
		if a, ok := w.addrs[s]; ok {
			out = append(out, a)
		}
	}
	return out
}

// Listening are the addresses in a form for Options.Addresses: at the same ones, posts keep their addresses.
func (w *Web) Listening() string {
	var out []string
	for _, a := range w.Addresses() {
		out = append(out, a.String())
	}
	return strings.Join(out, ",")
}

// Close stops the sites and waits for them.
func (w *Web) Close() error {
	var errs []error
	for _, s := range w.servers {
		errs = append(errs, s.Close())
	}
	w.wg.Wait()
	return errors.Join(errs...)
}

// Post is something to publish on a site now. Board and Thread are the forum's, made when missing.
type Post struct {
	Site   Site
	Board  string
	Thread string
	Title  string // of a paste; the victim's name on the leak site
	Author string
	Text   string
}

// Publish puts a post on a site, newest first, and gives its address.
func (w *Web) Publish(p Post) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var path string
	c, now := w.content, w.now()
	switch p.Site {
	case SitePaste:
		id := pasteID(len(c.pastes))
		c.pastes = append(c.pastes, paste{ID: id, At: now, Title: p.Title, Author: p.Author, Text: p.Text})
		path = "/" + id
	case SiteForum:
		t := c.thread(p.Board, p.Thread)
		id := c.nextID()
		t.Posts = append(t.Posts, post{ID: id, At: now, Author: p.Author, Text: p.Text})
		path = fmt.Sprintf("/viewtopic.php?t=%d#p%d", t.ID, id)
	case SiteLeaks:
		c.victims = append(c.victims, victim{ID: slug(p.Title), At: now, Name: p.Title, Detail: p.Text})
		path = "/v/" + slug(p.Title)
	default:
		return "", fmt.Errorf("publish on %q: %w", p.Site, risk.ErrNotFound)
	}
	return "http://" + w.addrs[p.Site].String() + path, nil
}

func (c *content) thread(boardName, title string) *thread {
	b := slices.IndexFunc(c.boards, func(b board) bool { return b.Name == boardName })
	if b < 0 {
		c.boards = append(c.boards, board{ID: len(c.boards) + 1, Name: boardName})
		b = len(c.boards) - 1
	}
	threads := &c.boards[b].Threads
	t := slices.IndexFunc(*threads, func(t thread) bool { return t.Title == title })
	if t < 0 {
		*threads = append(*threads, thread{ID: c.nextID(), Title: title})
		t = len(*threads) - 1
	}
	return &(*threads)[t]
}
