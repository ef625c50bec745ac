package collect

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
	"golang.org/x/net/proxy"

	"github.com/wardline/wardline/internal/risk"
)

// proxyAddress is where the route tor begins; the zero value means that there is no such route.
type proxyAddress struct{ network, address string }

func parseProxy(s string) (proxyAddress, error) {
	if s == "" {
		return proxyAddress{}, nil
	}
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		if path == "" {
			return proxyAddress{}, risk.Invalid("tor_proxy", "unix: needs the path of the socket after it.")
		}
		return proxyAddress{"unix", path}, nil
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" || port == "" {
		return proxyAddress{}, risk.Invalid("tor_proxy", "%q is not host:port or unix:/path.", s)
	}
	return proxyAddress{"tcp", s}, nil
}

// errProxy marks that the proxy itself did not do its part, as against a site that it could not reach.
var errProxy = errors.New("proxy is not available")

// errForbidden marks an address that we must not reach.
var errForbidden = errors.New("address is not allowed")

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// dialer is the only place where connections begin, one route per source. No route leads into another.
func (c *Collector) dialer(src risk.Source, g gate) (dialFunc, error) {
	switch src.Route {
	case risk.RouteDirect:
		return c.directDialer(g), nil
	case risk.RouteTor:
		return c.torDialer(src)
	}
	return nil, fmt.Errorf("route %q leads nowhere: %w", src.Route, risk.ErrInvalid)
}

// directDialer checks each address after its name was resolved, so that a name cannot be turned to a private one.
func (c *Collector) directDialer(g gate) dialFunc {
	guard := ssrf.New(ssrf.WithPorts(g.ports()...))
	control := func(network, address string, raw syscall.RawConn) error {
		if at, err := netip.ParseAddrPort(address); err == nil && c.allow[at] {
			return nil
		}
		if err := guard.Safe(network, address, raw); err != nil {
			return fmt.Errorf("%w: %w", errForbidden, err)
		}
		return nil
	}
	d := &net.Dialer{Control: control, Resolver: c.resolver}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if host, _, err := net.SplitHostPort(address); err != nil || isOnion(host) {
			return nil, fmt.Errorf("dial %s directly: %w", address, errForbidden)
		}
		c.dialed(network, address)
		return d.DialContext(ctx, network, address)
	}
}

// torDialer hands names to the SOCKS proxy as names. The user is the source and the day: with IsolateSOCKSAuth no two
// sources share a circuit, and none keeps one for longer than a day.
func (c *Collector) torDialer(src risk.Source) (dialFunc, error) {
	if c.proxy.address == "" {
		return nil, &risk.FetchError{Kind: risk.FailProxy, URL: src.Address, Err: errors.New("no Tor proxy is configured: set WARDLINE_TOR_PROXY")}
	}
	user := src.Key + "/" + c.now().UTC().Format(time.DateOnly)
	forward := proxyOnly{c, min(src.Limits.Timeout/2, mostGreeting)}
	socks, err := proxy.SOCKS5(c.proxy.network, c.proxy.address, &proxy.Auth{User: user, Password: "wardline"}, forward)
	if err != nil {
		return nil, fmt.Errorf("set up SOCKS: %w", err)
	}
	dial := socks.(proxy.ContextDialer)
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial.DialContext(ctx, network, address)
		if err != nil && ctx.Err() == nil && !proxyAnswered(err) {
			return nil, fmt.Errorf("%w: %w", errProxy, err)
		}
		return conn, err
	}, nil
}

// mostGreeting is how long a proxy may take to say that it is there. It answers from memory: one that is frozen, whose
// connections the kernel still accepts, must not be taken for a site that is slow.
const mostGreeting = 10 * time.Second

// proxyOnly dials the proxy and nothing else, whatever it is asked.
type proxyOnly struct {
	c        *Collector
	greeting time.Duration
}

func (p proxyOnly) Dial(string, string) (net.Conn, error) {
	return nil, fmt.Errorf("dial without a context: %w", errForbidden)
}

func (p proxyOnly) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if network != p.c.proxy.network || address != p.c.proxy.address {
		return nil, fmt.Errorf("dial %s instead of the proxy: %w", address, errForbidden)
	}
	p.c.dialed(network, address)
	d := net.Dialer{Timeout: p.greeting}
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &greeted{Conn: conn, silent: time.AfterFunc(p.greeting, func() { conn.Close() })}, nil
}

// greeted is a connection to a proxy that is closed when its first bytes do not come in time. A deadline would take the
// place of the one by which x/net/proxy ends the handshake with its context.
type greeted struct {
	net.Conn
	silent *time.Timer
}

func (g *greeted) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	if n > 0 {
		g.silent.Stop()
	}
	return n, err
}

func (g *greeted) Close() error {
	g.silent.Stop()
	return g.Conn.Close()
}

// proxyAnswered reports that the proxy is up and said that it could not reach the site. x/net/proxy has no type for a
// SOCKS reply, only this prefix before its text.
func proxyAnswered(err error) bool {
	return strings.Contains(err.Error(), "unknown error ")
}

// gate says which addresses a source's requests may have.
type gate struct {
	home    *url.URL
	allowed map[string]bool
	onion   bool
	direct  bool
	form    *url.URL // the declared log-in form while it is sent; nil else
}

func newGate(src risk.Source) (gate, error) {
	home, err := url.Parse(src.Address)
	if err != nil {
		return gate{}, fmt.Errorf("read the source's address: %w", err)
	}
	g := gate{home: home, allowed: map[string]bool{}, onion: isOnion(home.Hostname()), direct: src.Route == risk.RouteDirect}
	for _, h := range src.Allowed {
		g.allowed[hostname(h)] = true
	}
	return g, nil
}

func (g gate) ports() []uint16 {
	ports := []uint16{80, 443}
	if p, err := strconv.ParseUint(g.home.Port(), 10, 16); err == nil {
		ports = append(ports, uint16(p))
	}
	return ports
}

// check is asked for every request, redirects included.
func (g gate) check(method string, u *url.URL) error {
	host := hostname(u.Hostname())
	atHome := host == hostname(g.home.Hostname())
	_, notAnIP := netip.ParseAddr(host)
	port := u.Port()
	why := ""
	switch {
	case method != http.MethodGet && method != http.MethodHead && !(method == http.MethodPost && g.form != nil && g.form.String() == u.String()):
		why = "only GET and HEAD are sent"
	case u.Scheme != "http" && u.Scheme != "https":
		why = "the scheme is not http or https"
	case g.home.Scheme == "https" && u.Scheme == "http":
		why = "a source on https does not go back to http"
	case u.User != nil:
		why = "the address holds a user name"
	case host == "":
		why = "the address has no host"
	case g.onion && !isOnion(host):
		why = "an onion source does not leave .onion"
	case g.direct && isOnion(host):
		why = "an onion name needs the route tor"
	case notAnIP == nil && !atHome:
		why = "IP addresses are not followed"
	case !atHome && !g.allowed[host]:
		why = "the host is not one of this source's"
	case port != "" && port != "80" && port != "443" && !(atHome && port == g.home.Port()):
		why = "the port is not 80, 443 or the source's own"
	default:
		return nil
	}
	return fmt.Errorf("%w: %s", errForbidden, why)
}

func hostname(h string) string { return strings.TrimSuffix(strings.ToLower(h), ".") }

func isOnion(host string) bool { return strings.HasSuffix(hostname(host), ".onion") }
