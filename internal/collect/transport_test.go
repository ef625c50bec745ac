package collect_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/wardline/wardline/internal/collect"
	"github.com/wardline/wardline/internal/risk"
)

func compressed(tb testing.TB, encoding string, body []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	switch encoding {
	case "gzip":
		w = gzip.NewWriter(&out)
	case "deflate":
		w = zlib.NewWriter(&out)
	case "br":
		w = brotli.NewWriter(&out)
	case "zstd":
		z, err := zstd.NewWriter(&out)
		if err != nil {
			tb.Fatal(err)
		}
		w = z
	}
	if _, err := w.Write(body); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// answering serves one handler for every path, and gives a paste source that reads it.
func answering(tb testing.TB, h http.HandlerFunc) (*httptest.Server, risk.Source) {
	s := httptest.NewServer(h)
	tb.Cleanup(s.Close)
	src := pasteSource(s.URL)
	src.Politeness = risk.Politeness{}
	return s, src
}

func crawl(tb testing.TB, src risk.Source, allow ...string) (*memory, risk.CrawlReport, error) {
	tb.Helper()
	m := newMemory()
	report, err := newCollector(tb, allow...).Crawl(tb.Context(), src, m.known, m.visit)
	return m, report, err
}

func TestEncodingsAreUndone(t *testing.T) {
	for _, encoding := range []string{"gzip", "deflate", "br", "zstd"} {
		long := strings.Repeat("a line of text\n", 40_000) // more than the encoders keep before they choose a window
		s, src := answering(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", encoding)
			w.Header().Set("Content-Type", "text/html")
			body := "text of the paste"
			if r.URL.Path == "/archive" {
				body = archive(pasteRow("aa", "1")) + "<!-- " + long + " -->"
			}
			w.Write(compressed(t, encoding, []byte(body)))
		})
		m, _, err := crawl(t, src, s.URL)
		if err != nil {
			t.Fatalf("%s: %v", encoding, err)
		}
		equal(t, encoding, titles(m.take()), []string{"Paste aa|aa|text of the paste"})
	}
}

func status(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		io.WriteString(w, "<html>no</html>")
	}
}

func page(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		io.WriteString(w, body)
	}
}

// raw answers with bytes as given and closes, whatever HTTP would say to them.
func raw(answer string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		io.WriteString(conn, answer)
		conn.Close()
	}
}

func hang(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func hangInBody(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	io.WriteString(w, "<html>")
	w.(http.Flusher).Flush()
	<-r.Context().Done()
}

func TestBadAnswers(t *testing.T) {
	good := archive(pasteRow("aa", "1"))
	cut := compressed(t, "gzip", []byte(strings.Repeat(good, 50)))
	cases := []struct {
		name   string
		answer http.HandlerFunc
		want   risk.FailureKind
		status int
		retry  time.Duration
	}{
		{"403", status(403), risk.FailStatus, 403, 0},
		{"429 with seconds", status(429, "Retry-After", "120"), risk.FailStatus, 429, 2 * time.Minute},
		{"429 with a date", status(429, "Retry-After", "Tue, 24 Nov 2026 12:10:00 GMT"), risk.FailStatus, 429, 10 * time.Minute},
		{"429 for ever", status(429, "Retry-After", "99999999999"), risk.FailStatus, 429, 0},
		{"500", status(500), risk.FailStatus, 500, 0},
		{"204", status(204), risk.FailStatus, 204, 0},
		{"206", status(206), risk.FailStatus, 206, 0},
		{"redirect to nowhere", status(302), risk.FailStatus, 302, 0},
		{"no answer in time", hang, risk.FailTimeout, 0, 0},
		{"no end in time", hangInBody, risk.FailTimeout, 0, 0},
		{"captcha by the definition", page("text/html", strings.Replace(good, "<body>", "<body><div id=captcha-box></div>", 1)), risk.FailCaptcha, 0, 0},
		{"captcha by common signs", page("text/html", "<html><title>Just a moment...</title></html>"), risk.FailCaptcha, 0, 0},
		{"captcha as 403", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(403)
			io.WriteString(w, `<div class="g-recaptcha"></div>`)
		}, risk.FailCaptcha, 0, 0},
		{"body cut", raw("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5000\r\n\r\n" + good), risk.FailCut, 0, 0},
		{"chunks cut", raw("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n<html>"), risk.FailCut, 0, 0},
		{"stated too short", raw(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s", strings.Index(good, `href="/aa`)+3, good)), risk.FailCut, 0, 0},
		{"gzip cut", raw(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", len(cut)/2, cut[:len(cut)/2])), risk.FailCut, 0, 0},
		{"gzip that is none", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			io.WriteString(w, good)
		}, risk.FailCut, 0, 0},
		{"encoding unknown", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip, gzip")
			io.WriteString(w, good)
		}, risk.FailType, 0, 0},
		{"hangs up", raw(""), risk.FailNetwork, 0, 0},
		{"not HTTP", raw("SSH-2.0-OpenSSH\r\n"), risk.FailNetwork, 0, 0},
		{"image stated", page("image/png", "\x89PNG\r\n\x1a\n"), risk.FailType, 0, 0},
		{"zip as html", page("text/html", "PK\x03\x04rest of it"), risk.FailType, 0, 0},
		{"pdf as html", page("text/html", "%PDF-1.7\nrest"), risk.FailType, 0, 0},
		{"binary as text", page("text/plain", "\x01\x02\x03\x04\x05\x06"), risk.FailType, 0, 0},
		{"layout changed", page("text/html", "<html><body><div class=new-archive></div></body></html>"), risk.FailLayout, 0, 0},
		{"log-in form", page("text/html", "<html><body><form><input type=PASSWORD></form></body></html>"), risk.FailLogin, 0, 0},
		{"empty list", page("text/html", archive()), risk.FailLayout, 0, 0},
		{"empty page", page("text/html", ""), risk.FailLayout, 0, 0},
		{"waiting page", page("text/html", `<html><meta http-equiv=refresh content=0><p>queue</html>`), risk.FailSlow, 0, 0},
		{"json instead", page("application/json", `{"error":"x"}`), risk.FailLayout, 0, 0},
		{"nested bomb", page("text/html", archive(pasteRow("aa", "1"))+strings.Repeat("<div>", 100_000)), risk.FailLayout, 0, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, src := answering(t, c.answer)
			if c.want == risk.FailTimeout {
				src.Limits.Timeout = 50 * time.Millisecond
			}
			m, _, err := crawl(t, src, s.URL)
			fetch := wantKind(t, err, c.want)
			if fetch.Status != c.status {
				t.Errorf("status %d, want %d", fetch.Status, c.status)
			}
			if c.retry > 0 && fetch.RetryAfter != c.retry {
				t.Errorf("retry after %s, want %s", fetch.RetryAfter, c.retry)
			}
			if fetch.RetryAfter > 24*time.Hour {
				t.Errorf("retry after %s: a header may not switch a source off", fetch.RetryAfter)
			}
			if len(m.items) != 0 || len(m.marks) != 0 {
				t.Errorf("kept %v and %v from it", m.items, m.marks)
			}
			if strings.Contains(err.Error(), "<") {
				t.Errorf("the error holds page text: %v", err)
			}
		})
	}
}

func TestSlowDownEndsTheRun(t *testing.T) {
	var asked atomic.Int32
	s, src := answering(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path == "/archive" {
			page("text/html", archive(pasteRow("aa", "1"), pasteRow("bb", "1")))(w, r)
			return
		}
		status(429, "Retry-After", "60")(w, r)
	})
	_, _, err := crawl(t, src, s.URL)
	if fetch := wantKind(t, err, risk.FailStatus); fetch.RetryAfter != time.Minute || asked.Load() != 2 {
		t.Errorf("retry after %s and %d requests, want 1m and 2", fetch.RetryAfter, asked.Load())
	}
}

// A place that stops answering ends the run instead of costing a time limit for each page.
func TestThreeFailuresInARowEndTheRun(t *testing.T) {
	var asked atomic.Int32
	rows := []string{pasteRow("a", "1"), pasteRow("b", "1"), pasteRow("c", "1"), pasteRow("d", "1"), pasteRow("e", "1")}
	s, src := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/archive" {
			page("text/html", archive(rows...))(w, r)
			return
		}
		asked.Add(1)
		hang(w, r)
	})
	src.Limits.Timeout = 100 * time.Millisecond
	_, report, err := crawl(t, src, s.URL)
	wantKind(t, err, risk.FailTimeout)
	if asked.Load() != 3 || len(report.NotUnderstood) != 2 {
		t.Errorf("%d requests and %q, want 3 and two notes", asked.Load(), report.NotUnderstood)
	}
}

// zeros compresses 512 MiB of zeros, fewer under the race detector, without ever holding them.
func zeros(tb testing.TB, w io.WriteCloser) {
	chunk := make([]byte, 1<<20)
	for range 512 / slower {
		if _, err := w.Write(chunk); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
}

// T01: bombs by encoding, by content type and by name.
func TestBombs(t *testing.T) {
	var gz, br, zs bytes.Buffer
	zeros(t, gzip.NewWriter(&gz))
	zeros(t, brotli.NewWriterLevel(&br, 1))
	z, err := zstd.NewWriter(&zs)
	if err != nil {
		t.Fatal(err)
	}
	zeros(t, z)
	cases := []struct {
		name, path, contentType, encoding string
		body                              []byte
		want                              risk.FailureKind
	}{
		{"gzip", "/archive", "text/html", "gzip", gz.Bytes(), risk.FailTooLarge},
		{"br", "/archive", "text/html", "br", br.Bytes(), risk.FailTooLarge},
		{"zstd", "/archive", "text/html", "zstd", zs.Bytes(), risk.FailTooLarge},
		{"by content type", "/archive", "application/gzip", "", gz.Bytes(), risk.FailType},
		{"by content type, plain name", "/archive", "text/html; x=gzip", "", gz.Bytes(), risk.FailType},
		{"by name", "/sitemap.xml.gz", "text/xml", "", gz.Bytes(), risk.FailType},
		{"plain", "/archive", "text/html", "", bytes.Repeat([]byte("<p>"), 1<<20), risk.FailTooLarge},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, src := answering(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.contentType)
				if c.encoding != "" {
					w.Header().Set("Content-Encoding", c.encoding)
				}
				w.Write(c.body)
			})
			src.Address = s.URL + c.path
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			_, _, err := crawl(t, src, s.URL)
			runtime.ReadMemStats(&after)
			wantKind(t, err, c.want)
			if grown := after.HeapAlloc - min(after.HeapAlloc, before.HeapAlloc); grown > 32<<20 {
				t.Errorf("heap grew by %d MiB", grown>>20)
			}
		})
	}
}

// canary counts connections to an address that nothing may reach.
func canary(tb testing.TB) (address string, connects *atomic.Int32) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	connects = new(atomic.Int32)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			connects.Add(1)
			c.Close()
		}
	}()
	tb.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String(), connects
}

func TestRedirects(t *testing.T) {
	target, connects := canary(t)
	_, port, _ := net.SplitHostPort(target)
	cases := []struct {
		name, to string
		want     risk.FailureKind
	}{
		{"to a private address", "http://" + target + "/", risk.FailRefused},
		{"to another host", "http://elsewhere.example/", risk.FailRefused},
		{"to another port", "http://127.0.0.1:" + port + "/", risk.FailRefused},
		{"to metadata", "http://169.254.169.254/latest/", risk.FailRefused},
		{"to a file", "file:///etc/passwd", risk.FailRefused},
		{"to ftp", "ftp://127.0.0.1/", risk.FailRefused},
		{"to an onion", "http://abcdefghijklmnop.onion/", risk.FailRefused},
		{"with a user name", "http://me@127.0.0.1:" + port + "/", risk.FailRefused},
		{"to itself", "/archive", risk.FailRefused},
		{"to nonsense", "http://[::1", risk.FailNetwork},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var asked atomic.Int32
			s, src := answering(t, func(w http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				w.Header().Set("Location", c.to)
				w.WriteHeader(302)
			})
			_, _, err := crawl(t, src, s.URL, "http://"+target)
			wantKind(t, err, c.want)
			if n := asked.Load(); n > 4 {
				t.Errorf("%d requests, want at most the first and three redirects", n)
			}
		})
	}
	if connects.Load() != 0 {
		t.Errorf("%d connections to the canary", connects.Load())
	}
}

func TestRedirectWithinTheSourceIsFollowed(t *testing.T) {
	s := newSite(t, map[string]string{"/new": archive(pasteRow("aa", "1")), "/raw/aa": "text"})
	next := s.Config.Handler
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/archive" {
			http.Redirect(w, r, "/new", http.StatusMovedPermanently)
			return
		}
		next.ServeHTTP(w, r)
	})
	m, _, err := crawl(t, pasteSource(s.URL), s.URL)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "items", titles(m.take()), []string{"Paste aa|aa|text"})
	for _, r := range s.asked {
		if len(r.Header["Referer"])+len(r.Header["Cookie"]) > 0 {
			t.Errorf("%s carried %v", r.URL, r.Header)
		}
	}
}

// T13: every one of these is a source's own address, and still no connection leaves.
func TestForbiddenAddressesAreNeverDialled(t *testing.T) {
	target, connects := canary(t)
	_, port, _ := net.SplitHostPort(target)
	hosts := []string{
		"127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "192.0.0.1", "192.0.2.1",
		"198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]",
		"[::ffff:169.254.169.254]", "[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::1]", "[100::1]", "[2001::1]", "[2001:db8::1]", "[2002:7f00:1::]",
		"[2002:a9fe:a9fe::]", "[fc00::1]", "[fd00:ec2::254]", "[fe80::1]", "[fec0::1]", "[ff02::1]", "[5f00::1]", "[3fff::1]",
		"localhost", "LOCALHOST.", "2130706433", "0x7f000001", "0177.0.0.1",
	}
	for _, h := range hosts {
		src := pasteSource("http://" + h + ":" + port)
		src.Limits.Timeout = time.Second
		_, _, err := crawl(t, src)
		var fetch *risk.FetchError
		if !errors.As(err, &fetch) || (fetch.Kind != risk.FailRefused && fetch.Kind != risk.FailNetwork) {
			t.Errorf("%s: %v, want a refusal", h, err)
		}
	}
	if connects.Load() != 0 {
		t.Errorf("%d connections to the canary", connects.Load())
	}
}

// T16: nothing in the environment opens another way out, or writes pages to disk. net/http reads the proxy variables
// once in a process, so the crawl runs in a process of its own.
func TestEnvironmentIsIgnored(t *testing.T) {
	if os.Getenv("WARDLINE_TEST_PROXY") != "" {
		crawlUnderHostileEnvironment(t)
		return
	}
	proxy, connects := canary(t)
	cache := filepath.Join(t.TempDir(), "cache")
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestEnvironmentIsIgnored$")
	child.Env = append(os.Environ(), "WARDLINE_TEST_PROXY="+proxy, "NO_PROXY=", "COLLY_CACHE_DIR="+cache, "COLLY_ALLOWED_DOMAINS=nowhere.example",
		"COLLY_MAX_BODY_SIZE=10", "COLLY_FOLLOW_ROBOTS_TXT=y", "COLLY_MAX_REQUESTS=1", "COLLY_PARSE_HTTP_ERROR_RESPONSE=y", "COLLY_DETECT_CHARSET=y")
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		child.Env = append(child.Env, name+"=http://"+proxy)
	}
	if out, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if connects.Load() != 0 {
		t.Errorf("%d connections to the proxy of the environment", connects.Load())
	}
	if left, _ := filepath.Glob(cache + "*"); len(left) != 0 {
		t.Errorf("pages were written to %v", left)
	}
}

func crawlUnderHostileEnvironment(t *testing.T) {
	// The proxy is an address that may be dialled: only not asking it keeps the crawl away. It would never be asked
	// for a loopback address, so another one is crawled too.
	allowed := "http://" + os.Getenv("WARDLINE_TEST_PROXY")
	_, _, err := crawl(t, pasteSource("http://192.0.2.1"), allowed)
	wantKind(t, err, risk.FailRefused)
	s := newSite(t, forumPages())
	m, _, err := crawl(t, forumSource(s.URL), s.URL)
	if err != nil || len(m.items) != 6 || s.takePaths()[0] != "/" {
		t.Errorf("%v, %d items", err, len(m.items))
	}
}

// colly gunzips by name; a page that only has such a name must be read as it is.
func TestNameThatLooksCompressed(t *testing.T) {
	s := newSite(t, map[string]string{"/list.xml.gz": archive(pasteRow("aa", "1")), "/raw/aa": "text"})
	src := pasteSource(s.URL)
	src.Address = s.URL + "/list.xml.gz"
	m, _, err := crawl(t, src, s.URL)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "items", titles(m.take()), []string{"Paste aa|aa|text"})
}

// socks is a SOCKS5 server that sends every name to one web server, and writes down what it was asked.
type socks struct {
	net.Listener
	mu    sync.Mutex
	users []string
	names []string
	types []byte
	wg    sync.WaitGroup
}

func newSocks(tb testing.TB, network, address, web string) *socks {
	tb.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		tb.Fatal(err)
	}
	s := &socks{Listener: l}
	s.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.wg.Go(func() { s.serve(c, web) })
		}
	})
	tb.Cleanup(func() { l.Close(); s.wg.Wait() })
	return s
}

func (s *socks) serve(c net.Conn, web string) {
	defer c.Close()
	r := bufio.NewReader(c)
	block := func(n int) []byte {
		b := make([]byte, n)
		io.ReadFull(r, b)
		return b
	}
	block(int(block(2)[1]))
	c.Write([]byte{5, 2}) // user name and password, as tor prefers when both are offered
	user := string(block(int(block(2)[1])))
	block(int(block(1)[0]))
	c.Write([]byte{1, 0})
	kind := block(4)[3]
	name := ""
	if kind == 3 {
		name = string(block(int(block(1)[0])))
	} else {
		block(4)
	}
	port := binary.BigEndian.Uint16(block(2))
	s.mu.Lock()
	s.users, s.names, s.types = append(s.users, user), append(s.names, fmt.Sprintf("%s:%d", name, port)), append(s.types, kind)
	s.mu.Unlock()
	if strings.HasPrefix(name, "dead") {
		c.Write([]byte{5, 4, 0, 1, 0, 0, 0, 0, 0, 0})
		return
	}
	c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	up, err := net.Dial("tcp", web)
	if err != nil {
		return
	}
	defer up.Close()
	done := make(chan struct{})
	go func() { io.Copy(up, r); up.(*net.TCPConn).CloseWrite(); close(done) }()
	io.Copy(c, up)
	c.Close()
	<-done
}

func torCollector(tb testing.TB, proxy string) (*collect.Collector, func() []string) {
	tb.Helper()
	c, err := collect.New(collect.Config{TorProxy: proxy, Now: func() time.Time { return today }})
	if err != nil {
		tb.Fatal(err)
	}
	var mu sync.Mutex
	var dialed []string
	c.OnDial(func(network, address string) {
		mu.Lock()
		defer mu.Unlock()
		dialed = append(dialed, network+" "+address)
	})
	return c, func() []string { mu.Lock(); defer mu.Unlock(); return dialed }
}

func onionForum(key, host string) risk.Source {
	src := forumSource("http://" + host)
	src.Key, src.Route = key, risk.RouteTor
	return src
}

// T15: names travel as names, and every source has its own user.
func TestTorRouteOverTCPAndUnix(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		web := newSite(t, forumPages())
		address := "127.0.0.1:0"
		if network == "unix" {
			address = filepath.Join(t.TempDir(), "socks")
		}
		proxy := newSocks(t, network, address, web.Listener.Addr().String())
		config := proxy.Addr().String()
		if network == "unix" {
			config = "unix:" + address
		}
		col, dialed := torCollector(t, config)
		for _, key := range []string{"forum-a", "forum-b"} {
			m := newMemory()
			if _, err := col.Crawl(t.Context(), onionForum(key, key+"xyz.onion"), m.known, m.visit); err != nil {
				t.Fatal(err)
			}
			if len(m.items) != 6 {
				t.Errorf("%d items, want 6", len(m.items))
			}
		}
		equal(t, "users", proxy.users, []string{"forum-a/2026-11-24", "forum-b/2026-11-24"})
		equal(t, "names", proxy.names, []string{"forum-axyz.onion:80", "forum-bxyz.onion:80"})
		equal(t, "address types", []string{fmt.Sprint(proxy.types)}, []string{"[3 3]"})
		where := network + " " + proxy.Addr().String()
		equal(t, "dialled", dialed(), []string{where, where})
	}
}

func TestOnionNeverLeavesForClearnet(t *testing.T) {
	web := newSite(t, nil)
	proxy := newSocks(t, "tcp", "127.0.0.1:0", web.Listener.Addr().String())
	for _, to := range []string{"http://clear.example/", "https://clear.example/", "http://192.0.2.1/", "http://other.onion/"} {
		web.Config.Handler = http.RedirectHandler(to, 302)
		col, _ := torCollector(t, proxy.Addr().String())
		src := onionForum("f", "home.onion")
		src.Allowed = []string{"clear.example"}
		m := newMemory()
		_, err := col.Crawl(t.Context(), src, m.known, m.visit)
		wantKind(t, err, risk.FailRefused)
	}
	equal(t, "names", proxy.names, []string{"home.onion:80", "home.onion:80", "home.onion:80", "home.onion:80"})
}

// A board behind an onion that writes its clearnet name into its links is read at the onion; a redirect there is refused.
func TestClearnetTwinOfAnOnion(t *testing.T) {
	pages := map[string]string{}
	for path, body := range forumPages() {
		pages[path] = strings.ReplaceAll(body, `href="/`, `href="https://Board.example/`)
	}
	pages["/b/2"] = `<html><head><base href="http://board.example/b/"></head><body><ul class=threads><li class=thread><a href="../t/4">Thread 4</a><i class=last>m</i></ul>`
	web := newSite(t, pages)
	proxy := newSocks(t, "tcp", "127.0.0.1:0", web.Listener.Addr().String())
	col, _ := torCollector(t, proxy.Addr().String())
	src := onionForum("f", "home.onion")
	src.Read.Twins = []string{"BOARD.example"}
	m := newMemory()
	report, err := col.Crawl(t.Context(), src, m.known, m.visit)
	if err != nil || len(m.items) != 6 || len(report.NotUnderstood) != 0 {
		t.Errorf("%v, %d items, %q", err, len(m.items), report.NotUnderstood)
	}
	web.Config.Handler = http.RedirectHandler("https://board.example/", 302)
	_, err = col.Crawl(t.Context(), src, m.known, m.visit)
	wantKind(t, err, risk.FailRefused)
	for _, name := range proxy.names {
		if name != "home.onion:80" {
			t.Errorf("asked the proxy for %s", name)
		}
	}
}

func TestHTTPSDoesNotGoBack(t *testing.T) {
	src := forumSource("https://board.example")
	src.Read.Boards = ""
	for href, want := range map[string]int{"http://board.example/t/1": 1, "https://board.example/t/1": 1, "/t/1": 1, "http://board.example:80/t/1": 0, "http://sub.board.example/t/1": 0} {
		src.Allowed = []string{"sub.board.example"}
		got, _ := collect.Inspect(src, "text/html", []byte(`<ul class=threads><li class=thread><a href="`+href+`">T</a></ul>`))
		if got.Entries != want {
			t.Errorf("%s: %d entries, want %d", href, got.Entries, want)
		}
	}
}

func TestProxyDownMeansNoRequest(t *testing.T) {
	web := newSite(t, forumPages())
	host, connects := canary(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	down := l.Addr().String()
	l.Close()
	for name, address := range map[string]string{"onion": "http://abcdef.onion", "clearnet name over tor": "http://forum.example", "loopback over tor": "http://" + host} {
		src := forumSource(address)
		src.Route = risk.RouteTor
		c, err := collect.New(collect.Config{TorProxy: down, AllowLoopback: []netip.AddrPort{netip.MustParseAddrPort(host)}})
		if err != nil {
			t.Fatal(err)
		}
		var dialed []string
		c.OnDial(func(network, address string) { dialed = append(dialed, address) })
		m := newMemory()
		_, err = c.Crawl(t.Context(), src, m.known, m.visit)
		wantKind(t, err, risk.FailProxy)
		equal(t, name+": dialled", dialed, []string{down})
	}
	if n := len(web.takePaths()); n != 0 || connects.Load() != 0 {
		t.Errorf("%d requests and %d connections went another way", n, connects.Load())
	}
}

// Two walls stand before an onion name on the direct route, and each holds alone: the gate, and the dialer.
func TestOnionNamesAreNotDialledDirectly(t *testing.T) {
	src := forumSource("http://home.onion")
	src.Route = risk.RouteDirect
	if err := collect.Refusal(src, http.MethodGet, "http://home.onion/"); err == nil {
		t.Error("the gate let an onion name through")
	}
	c := newCollector(t)
	c.UseResolver(&net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		t.Error("a resolver was asked")
		return nil, errors.New("no resolver here")
	}})
	c.OnDial(func(_, address string) { t.Errorf("dialled %s", address) })
	for _, address := range []string{"home.onion:80", "HOME.Onion.:80", "www.home.onion:443"} {
		if err := c.DialDirectly(t.Context(), address); err == nil {
			t.Errorf("%s: no error", address)
		}
	}
}

func TestOnlyGetAndHead(t *testing.T) {
	src := forumSource("http://forum.example")
	for method, allowed := range map[string]bool{"GET": true, "HEAD": true, "POST": false, "PUT": false, "DELETE": false, "CONNECT": false, "": false} {
		if err := collect.Refusal(src, method, "http://forum.example/"); (err == nil) != allowed {
			t.Errorf("%q: %v", method, err)
		}
	}
}

func TestNoProxyConfigured(t *testing.T) {
	m := newMemory()
	_, err := newCollector(t).Crawl(t.Context(), onionForum("f", "home.onion"), m.known, m.visit)
	wantKind(t, err, risk.FailProxy)
}

// A proxy that accepts and says nothing sensible is down as well; one that cannot reach the site is up.
func TestProxyTroubleAndSiteTroubleAreToldApart(t *testing.T) {
	target, _ := canary(t)
	col, _ := torCollector(t, target)
	m := newMemory()
	_, err := col.Crawl(t.Context(), onionForum("f", "home.onion"), m.known, m.visit)
	wantKind(t, err, risk.FailProxy)

	proxy := newSocks(t, "tcp", "127.0.0.1:0", target)
	col, _ = torCollector(t, proxy.Addr().String())
	_, err = col.Crawl(t.Context(), onionForum("f", "dead.onion"), m.known, m.visit)
	wantKind(t, err, risk.FailNetwork)
}

// A proxy that is frozen still has its connections accepted by the kernel, and then says nothing.
func TestFrozenProxyIsTheProxysTrouble(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		address := "127.0.0.1:0"
		if network == "unix" {
			address = filepath.Join(t.TempDir(), "socks")
		}
		frozen, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { frozen.Close() })
		at := frozen.Addr().String()
		if network == "unix" {
			at = "unix:" + address
		}
		col, _ := torCollector(t, at)
		src := onionForum("f", "home.onion")
		src.Limits.Timeout = 400 * time.Millisecond
		m := newMemory()
		_, err = col.Crawl(t.Context(), src, m.known, m.visit)
		wantKind(t, err, risk.FailProxy)
	}
}

// A proxy that greets and then takes long over the site is up: a first circuit takes many seconds.
func TestSlowSiteBehindAProxyIsNotTheProxysTrouble(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		c.Write([]byte{5, 2})
		c.Read(make([]byte, 4))
		c.Write([]byte{1, 0})
		io.Copy(io.Discard, c)
	}()
	col, _ := torCollector(t, l.Addr().String())
	src := onionForum("f", "home.onion")
	src.Limits.Timeout = 400 * time.Millisecond
	m := newMemory()
	_, err = col.Crawl(t.Context(), src, m.known, m.visit)
	wantKind(t, err, risk.FailTimeout)
}

func TestProxyKilledMidCrawlEndsTheRun(t *testing.T) {
	var proxy *socks
	web := newSite(t, forumPages())
	next := web.Config.Handler
	web.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		if r.URL.Path == "/t/1" { // the proxy takes no more, and this connection is not used again
			proxy.Close()
			w.Header().Set("Connection", "close")
		}
	})
	proxy = newSocks(t, "tcp", "127.0.0.1:0", web.Listener.Addr().String())
	web.Config.SetKeepAlivesEnabled(false)
	col, dialed := torCollector(t, proxy.Addr().String())
	m := newMemory()
	_, err := col.Crawl(t.Context(), onionForum("f", "home.onion"), m.known, m.visit)
	wantKind(t, err, risk.FailProxy)
	equal(t, "items before it", titles(m.take()), []string{"Thread 1|p1|one", "Thread 1|p2|two"})
	for _, d := range dialed() {
		if d != "tcp "+proxy.Addr().String() {
			t.Errorf("dialled %s", d)
		}
	}
	_, err = col.Crawl(t.Context(), onionForum("f", "home.onion"), m.known, m.visit)
	wantKind(t, err, risk.FailProxy)
}

func TestConfigIsChecked(t *testing.T) {
	for _, c := range []collect.Config{
		{TorProxy: "localhost"}, {TorProxy: "unix:"}, {TorProxy: ":9050"}, {AllowLoopback: []netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:80")}},
	} {
		if _, err := collect.New(c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}

func TestRetryAfterNeverPanicsOrRunsAway(t *testing.T) {
	for header, want := range map[string]time.Duration{"": 0, "30": 30 * time.Second, "-5": 0, "999999999": 24 * time.Hour, "soon": 0,
		"Tue, 24 Nov 2026 12:00:30 GMT": 30 * time.Second, "Mon, 23 Nov 2026 12:00:30 GMT": 0} {
		if got := collect.RetryAfter(header, today); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}

// The end of the caller's context is not the source's failure.
func TestCancelledIsNotAFailure(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s, src := answering(t, func(w http.ResponseWriter, r *http.Request) { cancel(); hang(w, r) })
	m := newMemory()
	_, err := newCollector(t, s.URL).Crawl(ctx, src, m.known, m.visit)
	var fetch *risk.FetchError
	if !errors.Is(err, context.Canceled) || errors.As(err, &fetch) {
		t.Errorf("error %v, want the context's own", err)
	}
}
