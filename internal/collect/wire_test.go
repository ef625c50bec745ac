package collect_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/collect"
	"github.com/wardline/wardline/internal/risk"
)

// wire is a server below HTTP: it reads one request's head at a time and writes what a test says, byte by byte.
type wire struct {
	net.Listener
	wg    sync.WaitGroup
	lines sync.Map // request line → true
}

func newWire(tb testing.TB, answer func(c net.Conn, line string)) *wire {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	w := &wire{Listener: l}
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	w.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[c] = true
			mu.Unlock()
			w.wg.Go(func() {
				defer c.Close()
				for r := bufio.NewReader(c); ; {
					line, err := r.ReadString('\n')
					for head := line; err == nil && strings.TrimSpace(head) != ""; {
						head, err = r.ReadString('\n')
					}
					if err != nil {
						return
					}
					line = strings.TrimSpace(line)
					w.lines.Store(line, true)
					answer(c, line)
				}
			})
		}
	})
	tb.Cleanup(func() {
		l.Close()
		mu.Lock()
		for c := range open {
			c.Close()
		}
		mu.Unlock()
		w.wg.Wait()
	})
	return w
}

func (w *wire) url() string { return "http://" + w.Addr().String() }

func ok(body string, headers ...string) string {
	head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n", len(body))
	for _, h := range headers {
		head += h + "\r\n"
	}
	return head + "\r\n" + body
}

// drip writes for ever, a piece at a time, until the other side is gone.
func drip(c net.Conn, head, piece string, pause time.Duration) {
	_, err := io.WriteString(c, head)
	for err == nil {
		time.Sleep(pause)
		_, err = io.WriteString(c, piece)
	}
}

func TestServersThatNeverEnd(t *testing.T) {
	endless := func(head, piece string, pause time.Duration) func(net.Conn, string) {
		return func(c net.Conn, _ string) { drip(c, head, piece, pause) }
	}
	chunked := "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"
	for name, c := range map[string]struct {
		answer func(net.Conn, string)
		want   []risk.FailureKind
	}{
		"status line":         {endless("HTTP/1.1 2", "", 10*time.Millisecond), []risk.FailureKind{risk.FailTimeout}},
		"headers":             {endless("HTTP/1.1 200 OK\r\n", "X: y\r\n", time.Millisecond), []risk.FailureKind{risk.FailTimeout, risk.FailNetwork}},
		"header bomb":         {endless("HTTP/1.1 200 OK\r\nX: ", strings.Repeat("y", 4096), 0), []risk.FailureKind{risk.FailNetwork}},
		"early hints":         {endless("", "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n", time.Millisecond), []risk.FailureKind{risk.FailTimeout, risk.FailNetwork}},
		"body byte by byte":   {endless(chunked, "1\r\nx\r\n", 5*time.Millisecond), []risk.FailureKind{risk.FailTimeout}},
		"body in torrents":    {endless(chunked, "10000\r\n"+strings.Repeat("x", 0x10000)+"\r\n", 0), []risk.FailureKind{risk.FailTooLarge}},
		"body without length": {endless("HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n", strings.Repeat("x", 0x10000), 0), []risk.FailureKind{risk.FailTooLarge}},
		"chunk extension":     {endless(chunked+"1;", strings.Repeat("e", 1024), 0), []risk.FailureKind{risk.FailNetwork, risk.FailCut, risk.FailTimeout}},
		"trailers":            {endless(chunked+"1\r\nx\r\n0\r\n", "T: y\r\n", time.Millisecond), []risk.FailureKind{risk.FailTimeout, risk.FailNetwork, risk.FailCut}},
		"redirect with body": {func(c net.Conn, _ string) {
			drip(c, "HTTP/1.1 302 Found\r\nLocation: /archive?x\r\nContent-Length: 99999999\r\n\r\n", "x", time.Millisecond)
		}, []risk.FailureKind{risk.FailRefused, risk.FailTimeout}},
		"error with body": {endless("HTTP/1.1 503 Busy\r\nContent-Length: 99999999\r\n\r\n", "x", time.Millisecond), []risk.FailureKind{risk.FailStatus, risk.FailTimeout}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWire(t, c.answer)
			src := pasteSource(w.url())
			src.Limits.Timeout = 300 * time.Millisecond
			started := time.Now()
			m, _, err := crawl(t, src, w.url())
			var fetch *risk.FetchError
			fits := false
			for _, kind := range c.want {
				fits = fits || errors.As(err, &fetch) && fetch.Kind == kind
			}
			if took := time.Since(started); !fits || took > 5*time.Second || len(m.pages) > 0 {
				t.Errorf("%v after %s, want one of %v", err, took, c.want)
			}
		})
	}
}

// An answer that nobody asked for, sent ahead on a connection that is kept, is not taken for the next page's.
func TestAnswersSentAhead(t *testing.T) {
	w := newWire(t, func(c net.Conn, line string) {
		switch {
		case strings.Contains(line, "/archive"):
			io.WriteString(c, ok(archive(pasteRow("aa", "1"), pasteRow("bb", "1")))+ok("poison"))
		case strings.Contains(line, "/raw/aa"):
			io.WriteString(c, ok("text of aa")+ok("poison"))
		default:
			io.WriteString(c, ok("text of bb"))
		}
	})
	src := pasteSource(w.url())
	src.Politeness.Delay = 20 * time.Millisecond
	m, _, err := crawl(t, src, w.url())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "items", titles(m.items), []string{"Paste aa|aa|text of aa", "Paste bb|bb|text of bb"})
}

func TestAnswersThatContradictThemselves(t *testing.T) {
	good := archive(pasteRow("aa", "1"))
	for name, answer := range map[string]string{
		"two lengths":            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\n" + good,
		"negative length":        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: -5\r\n\r\n" + good,
		"chunked of length":      "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + good,
		"unknown coding":         "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: gzip, chunked\r\n\r\n" + good,
		"not modified":           "HTTP/1.1 304 Not Modified\r\n\r\n",
		"partial":                "HTTP/1.1 206 Partial Content\r\nContent-Type: text/html\r\nContent-Range: bytes 0-4/5\r\nContent-Length: 5\r\n\r\n<html",
		"switching protocols":    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n" + good,
		"status 999":             "HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n",
		"status 20":              "HTTP/1.1 20 OK\r\n\r\n" + good,
		"header without a name":  "HTTP/1.1 200 OK\r\n: x\r\n\r\n" + good,
		"NUL in a header":        "HTTP/1.1 200 OK\r\nContent-Type: text/\x00html\r\n\r\n" + good,
		"gzip called identity":   "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n" + string(compressed(t, "gzip", []byte(good))),
		"gzip within gzip":       "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n" + string(compressed(t, "gzip", compressed(t, "gzip", []byte(good)))),
		"gzip called brotli":     "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: br\r\nConnection: close\r\n\r\n" + string(compressed(t, "gzip", []byte(good))),
		"two encodings, headers": "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\nContent-Encoding: br\r\nConnection: close\r\n\r\n" + string(compressed(t, "br", compressed(t, "gzip", []byte(good)))),
		"html as plain text":     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n" + good,
		"json as html":           "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n" + `{"pastes":[]}`,
		"html as an image":       "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nConnection: close\r\n\r\n" + good,
	} {
		w := newWire(t, func(c net.Conn, _ string) { io.WriteString(c, answer); c.Close() })
		src := pasteSource(w.url())
		src.Limits.Timeout = 2 * time.Second
		m, _, err := crawl(t, src, w.url())
		var fetch *risk.FetchError
		if !errors.As(err, &fetch) || len(m.pages) > 0 {
			t.Errorf("%s: %v and %d pages, want a failure", name, err, len(m.pages))
		}
	}
}

// Content-Encoding in two headers is a chain like any other.
func TestContentTypeOfAHostileServerIsKeptClean(t *testing.T) {
	w := newWire(t, func(c net.Conn, line string) {
		if strings.Contains(line, "/archive") {
			io.WriteString(c, ok(archive(pasteRow("aa", "1"))))
			return
		}
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: text/plain; x=\xff\xfe"+strings.Repeat("y", 30_000)+"\r\nContent-Length: 4\r\n\r\ntext")
	})
	m, report, err := crawl(t, pasteSource(w.url()), w.url())
	if err != nil || len(m.items) != 1 {
		t.Fatal(err, report)
	}
	if got := m.pages[0].Capture.ContentType; len(got) > 1000 || strings.Contains(got, "\xff") || !strings.HasPrefix(got, "text/plain; x=") {
		t.Errorf("content type of %d bytes: %.40q", len(got), got)
	}
}

// Redirects that a source may not lead to, from a server of its own host; nothing but that server is connected to.
func TestRedirectsOutInEveryDisguise(t *testing.T) {
	target, connects := canary(t)
	_, port, _ := net.SplitHostPort(target)
	for _, to := range []string{
		"http://127.0.0.1:" + port + "/", "//127.0.0.1:" + port + "/", "http://[::ffff:127.0.0.1]:" + port + "/", "http://2130706433:" + port + "/", "http://0x7f000001:" + port + "/",
		"http://0177.0.0.1:" + port + "/", "http://127.1:" + port + "/", "http://%31%32%37.0.0.1:" + port + "/", "http://127.0.0.1%3a" + port + "/", "http://localhost:" + port + "/",
		"http://LOCALHOST.:" + port + "/", "http://１２７.0.0.1:" + port + "/", "http://127。0。0。1:" + port + "/", "http://x@127.0.0.1:" + port + "/", "http://127.0.0.1:" + port + "\\@x/",
		"http:\\\\127.0.0.1:" + port, "http:/127.0.0.1:" + port, "https://127.0.0.1:" + port + "/", "HTTP://127.0.0.1:" + port, "gopher://127.0.0.1:" + port + "/", "ftp://127.0.0.1:" + port,
		"http://[::1%25lo]:" + port + "/", "http://[fe80::1]:" + port + "/", "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "\thttp://127.0.0.1:" + port,
	} {
		w := newWire(t, func(c net.Conn, line string) {
			if strings.Contains(line, "/archive") {
				io.WriteString(c, "HTTP/1.1 302 Found\r\nLocation: "+to+"\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")
				return
			}
			io.WriteString(c, ok("<html></html>"))
		})
		src := pasteSource(w.url())
		src.Limits.Timeout = time.Second
		// The canary may be dialled: only the check of the address keeps the crawl away from it.
		_, _, err := crawl(t, src, w.url(), "http://"+target)
		var fetch *risk.FetchError
		if !errors.As(err, &fetch) {
			t.Errorf("%s: %v, want a failure", to, err)
		}
	}
	if n := connects.Load(); n != 0 {
		t.Errorf("%d connections to the canary", n)
	}
}

// dns is a resolver of our own that gives a public address for the first questions, and then another.
func dns(t *testing.T, answers ...string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	var asked atomic.Int32
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			q := buf[:n]
			end := 12
			for q[end] != 0 {
				end += int(q[end]) + 1
			}
			question := q[12 : end+5]
			out := append([]byte{q[0], q[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question...)
			if binary.BigEndian.Uint16(question[len(question)-4:]) == 1 { // A
				ip := net.ParseIP(answers[min(int(asked.Add(1))-1, len(answers)-1)]).To4()
				out[7] = 1
				out = append(append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4), ip...)
			}
			conn.WriteTo(out, from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// A name that turns to this machine, or to one behind it, after it was looked up once is refused at the connection.
func TestNamesThatTurn(t *testing.T) {
	target, connects := canary(t)
	_, port, _ := net.SplitHostPort(target)
	for _, answers := range [][]string{{"127.0.0.1"}, {"198.51.100.7", "127.0.0.1"}, {"169.254.169.254"}, {"10.0.0.1", "127.0.0.1"}, {"0.0.0.0"}} {
		col := newCollector(t)
		col.UseResolver(dns(t, answers...))
		src := pasteSource("http://rebind.example:" + port)
		src.Limits.Timeout = time.Second
		m := newMemory()
		for range 3 {
			_, err := col.Crawl(t.Context(), src, m.known, m.visit)
			wantKind(t, err, risk.FailRefused)
		}
	}
	if n := connects.Load(); n != 0 {
		t.Errorf("%d connections to the canary", n)
	}
}

// Cookies of one source, or of one page, go nowhere.
func TestCookiesGoNowhere(t *testing.T) {
	w := newWire(t, nil)
	w.Close()
	var carried atomic.Int32
	next := newWild(t, func(path string) string {
		if path == "/archive" {
			return archive(pasteRow("aa", "1"))
		}
		return "<pre>text</pre>"
	})
	handler := next.Config.Handler
	next.Config.Handler = http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if len(r.Header["Cookie"])+len(r.Header["Referer"])+len(r.Header["Authorization"]) > 0 {
			carried.Add(1)
		}
		http.SetCookie(out, &http.Cookie{Name: "who", Value: "you"})
		handler.ServeHTTP(out, r)
	})
	col := newCollector(t, next.URL)
	for _, key := range []string{"a", "b"} {
		src := pasteSource(next.URL)
		src.Key = key
		m := newMemory()
		if _, err := col.Crawl(t.Context(), src, m.known, m.visit); err != nil {
			t.Fatal(err)
		}
	}
	if carried.Load() != 0 {
		t.Errorf("%d requests carried a cookie, a referrer or a password", carried.Load())
	}
}

// Cancelled in every phase, a crawl ends at once and leaves no goroutine behind.
func TestCancelledInEveryPhase(t *testing.T) {
	phases := map[string]func(c net.Conn, line string, cancel func()){
		"before an answer": func(c net.Conn, _ string, cancel func()) { cancel(); io.Copy(io.Discard, c) },
		"in the headers": func(c net.Conn, _ string, cancel func()) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nX:")
			cancel()
			io.Copy(io.Discard, c)
		},
		"in the body": func(c net.Conn, _ string, cancel func()) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 500\r\n\r\n<html>")
			cancel()
			io.Copy(io.Discard, c)
		},
		"in a compressed body": func(c net.Conn, _ string, cancel func()) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: zstd\r\nContent-Length: 5000\r\n\r\n"+string(compressed(t, "zstd", []byte(strings.Repeat("x", 1<<20)))[:20]))
			cancel()
			io.Copy(io.Discard, c)
		},
		"in a redirect": func(c net.Conn, line string, cancel func()) {
			if strings.Contains(line, "next") {
				cancel()
				io.Copy(io.Discard, c)
			}
			io.WriteString(c, "HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n")
		},
		"in an error": func(c net.Conn, _ string, cancel func()) {
			io.WriteString(c, "HTTP/1.1 503 Busy\r\nContent-Length: 500\r\n\r\nx")
			cancel()
			io.Copy(io.Discard, c)
		},
	}
	for _, route := range []risk.Route{risk.RouteDirect, risk.RouteTor} {
		for name, phase := range phases {
			t.Run(string(route)+" "+name, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				w := newWire(t, func(c net.Conn, line string) { phase(c, line, cancel) })
				src, col := pasteSource(w.url()), newCollector(t, w.url())
				if route == risk.RouteTor {
					proxy := newSocks(t, "tcp", "127.0.0.1:0", w.Addr().String())
					col, _ = torCollector(t, proxy.Addr().String())
					src.Address, src.Route = "http://home.onion/archive", route
				}
				endsAtOnce(ctx, t, col, src)
			})
		}
	}
	t.Run("in the proxy's greeting", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			if c, err := l.Accept(); err == nil {
				cancel()
				io.Copy(io.Discard, c)
				c.Close()
			}
		}()
		col, _ := torCollector(t, l.Addr().String())
		endsAtOnce(ctx, t, col, onionForum("f", "home.onion"))
	})
}

func endsAtOnce(ctx context.Context, t *testing.T, col *collect.Collector, src risk.Source) {
	t.Helper()
	src.Limits.Timeout = time.Minute
	m := newMemory()
	started := time.Now()
	_, err := col.Crawl(ctx, src, m.known, m.visit)
	if !errors.Is(err, context.Canceled) || time.Since(started) > 5*time.Second || len(m.pages) > 0 {
		t.Errorf("%v after %s", err, time.Since(started))
	}
	stack := make([]byte, 1<<20)
	for until := time.Now().Add(3 * time.Second); ; runtime.Gosched() {
		all := string(stack[:runtime.Stack(stack, true)])
		if !strings.Contains(all, "internal/socks") && !strings.Contains(all, "(*persistConn)") && !strings.Contains(all, "collect.(*") && !strings.Contains(all, "zstd.") {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("goroutines are left:\n%s", all)
		}
	}
}
