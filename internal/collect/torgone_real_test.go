//go:build real

package collect_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/collect"
	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/testparts"
)

// T14: tor freezes in the middle of a crawl and later dies in the middle of another. The crawls run in a process of
// their own whose every connect and every datagram the kernel's tracer writes down: all lead to the SOCKS port.
func TestRealTorGone(t *testing.T) {
	if onion := os.Getenv("WARDLINE_TEST_ONION"); onion != "" {
		crawlWhileTorGoes(t, onion)
		return
	}
	control, seen := canary(t)
	web := newSite(t, forumPages())
	web.set("/b/2", threads([]string{threadRow("4", "p6"), `<li class=thread><a href="http://` + control + `/t/5">clearnet</a><span class=last>x</span></li>`}, ""))
	tor := testparts.Tor(t, web.Listener.Addr().String())

	trace := filepath.Join(t.TempDir(), "trace")
	child := exec.CommandContext(t.Context(), "strace", "-f", "-qq", "-e", "signal=none", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", trace,
		os.Args[0], "-test.run", "^TestRealTorGone$")
	child.Env = append(os.Environ(), "WARDLINE_TEST_ONION="+tor.Onion, "WARDLINE_TEST_SOCKS="+tor.SocksAddr+" unix:"+tor.SocksPath, "WARDLINE_TEST_CONTROL="+control)
	child.Stderr = os.Stderr
	said, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	answers, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatalf("start strace (Debian: apt-get install strace): %v", err)
	}
	var ends []string
	for lines := bufio.NewScanner(said); lines.Scan(); {
		what, rest, _ := strings.Cut(lines.Text(), " ")
		err := error(nil)
		switch what {
		case "freeze":
			err = tor.FreezeClient()
		case "thaw":
			err = tor.ThawClient()
		case "kill":
			tor.KillClient()
			web.takePaths()
		case "end":
			ends = append(ends, rest)
			continue
		default:
			continue
		}
		if err == nil {
			_, err = fmt.Fprintln(answers, "done")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := child.Wait(); err != nil {
		t.Fatalf("the crawls ended with %v", err)
	}
	equal(t, "ends", ends, []string{"frozen: proxy", "still frozen: proxy", "killed: proxy", "15m0s later: proxy", "30m0s later: proxy"})
	equal(t, "asked without tor", web.takePaths(), nil)

	connects, datagrams := traced(t, trace)
	ours := []string{tor.SocksAddr, tor.SocksPath}
	for _, to := range connects {
		if !slices.Contains(ours, to) && to != control {
			t.Errorf("a connection to %s", to)
		}
	}
	if !slices.Contains(connects, tor.SocksAddr) || !slices.Contains(connects, tor.SocksPath) {
		t.Errorf("connections %q, want some to each of %q", connects, ours)
	}
	if n := len(slices.DeleteFunc(slices.Clone(connects), func(to string) bool { return to != control })); n != 1 || seen.Load() != 1 {
		t.Errorf("%d connections to the canary were traced and %d came, want the one of the control", n, seen.Load())
	}
	if len(datagrams) > 0 {
		t.Errorf("datagrams: %q", datagrams)
	}
}

// crawlWhileTorGoes runs in the traced process. It tells what tor is to do, and how each crawl ended.
func crawlWhileTorGoes(t *testing.T, onion string) {
	answers := bufio.NewScanner(os.Stdin)
	tell := func(what string) {
		fmt.Println("\n" + what)
		if !answers.Scan() {
			t.Error("no answer to " + what)
		}
	}
	c, err := net.Dial("tcp", os.Getenv("WARDLINE_TEST_CONTROL")) // the tracer must see this one
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	now := today
	crawl := func(socks, name, tor string) {
		col, err := collect.New(collect.Config{TorProxy: socks, Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		src := onionForum("forum-a", onion)
		src.Limits.Timeout = 8 * time.Second
		m, told := newMemory(), false
		for range 3 { // tor's network drops a stream now and then
			_, err = col.Crawl(t.Context(), src, m.known, func(ctx context.Context, p risk.Page) error {
				if tor != "" && !told {
					told = true
					tell(tor)
				}
				return m.visit(ctx, p)
			})
			if tor == "" || told {
				break
			}
		}
		if told != (tor != "") {
			t.Errorf("%s: nothing was read: %v", name, err)
		}
		fmt.Printf("\nend %s: %s\n", name, wantKind(t, err, risk.FailProxy).Kind)
	}
	tcp, unix, _ := strings.Cut(os.Getenv("WARDLINE_TEST_SOCKS"), " ")
	crawl(unix, "frozen", "freeze")
	crawl(tcp, "still frozen", "")
	tell("thaw")
	crawl(tcp, "killed", "kill")
	for _, socks := range []string{unix, tcp} {
		now = now.Add(15 * time.Minute)
		crawl(socks, now.Sub(today).String()+" later", "")
	}
}

var (
	tracedInet = regexp.MustCompile(`sin6?_port=htons\((\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6, )"([^"]+)"`)
	tracedUnix = regexp.MustCompile(`sun_path="([^"]+)"`)
)

// traced reads the tracer's file: where every connect led, and every datagram that had an address of its own.
func traced(t *testing.T, file string) (connects, datagrams []string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(data), "\n") {
		to := ""
		if m := tracedInet.FindStringSubmatch(line); m != nil {
			to = net.JoinHostPort(m[2], m[1])
		} else if m := tracedUnix.FindStringSubmatch(line); m != nil {
			to = m[1]
		}
		switch {
		case strings.Contains(line, " connect("):
			connects = append(connects, to)
		case to != "":
			datagrams = append(datagrams, to)
		}
	}
	return connects, datagrams
}
