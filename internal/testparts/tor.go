package testparts

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TorNetwork is a whole Tor network on loopback: one directory authority, three relays, and a client that also serves
// an onion service. Nothing of it can reach the outside.
type TorNetwork struct {
	SocksAddr string // the client's SOCKS5 port, with IsolateSOCKSAuth
	SocksPath string // the same as a Unix socket
	Onion     string // the onion service's name; its port 80 leads to the web server given

	dir     string
	control string
	parts   []*torPart
	client  *torPart
}

const relays = 5

// Tor starts a network and gives it once a page of web, a host:port on loopback, came through the onion service. It
// takes some 20 seconds. The network is stopped, and its folder removed, with the test.
//
// The order makes it reliable: authority, relays, and the client only when the consensus names every relay.
func Tor(tb testing.TB, web string) *TorNetwork {
	tb.Helper()
	dir, err := os.MkdirTemp("", "wardline-tor-") // short: t.TempDir is too long for tor's own sockets
	if err != nil {
		tb.Fatal(err)
	}
	n := &TorNetwork{dir: dir}
	tb.Cleanup(func() {
		if err := n.stop(); err != nil {
			tb.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(tb.Context(), 3*startTimeout)
	defer cancel()
	if err := n.start(ctx, web); err != nil {
		tb.Fatalf("%v\n%s", err, n.complaints())
	}
	return n
}

func (n *TorNetwork) start(ctx context.Context, web string) error {
	ports, err := freePorts(2 + relays + 2)
	if err != nil {
		return err
	}
	authorityLine, err := n.startAuthority(ctx, ports[0], ports[1])
	if err != nil {
		return err
	}
	consensus := "http://127.0.0.1:" + ports[1] + "/tor/status-vote/current/consensus"
	if err := until(ctx, "the authority to listen", func() bool { return listens(ports[1]) }); err != nil {
		return err
	}
	for i := range relays {
		if err := n.startRelay(ctx, i, ports[2+i], authorityLine); err != nil {
			return err
		}
	}
	if err := until(ctx, "a consensus with every relay", func() bool { return namesEveryRelay(ctx, consensus) }); err != nil {
		return err
	}
	n.SocksAddr, n.control = "127.0.0.1:"+ports[2+relays], "127.0.0.1:"+ports[3+relays]
	if err := n.startClient(ctx, web, authorityLine); err != nil {
		return err
	}
	return until(ctx, "a page through the onion service", func() bool { return n.answers(ctx) })
}

// freePorts holds all ports open until the last one is found, so that none comes twice.
func freePorts(count int) ([]string, error) {
	var ports []string
	for range count {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		ports = append(ports, port)
	}
	return ports, nil
}

// until asks again every 100 ms.
func until(ctx context.Context, what string, done func() bool) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}

func listens(port string) bool {
	c, err := net.DialTimeout("tcp", "127.0.0.1:"+port, time.Second)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

const torCommon = `TestingTorNetwork 1
DataDirectory %[1]s
Log notice file %[1]s/log
PidFile %[1]s/pid
GeoIPFile %[1]s/geoip
GeoIPv6File %[1]s/geoip
ProtocolWarnings 1
AvoidDiskWrites 1
NumCPUs 1
MaxMemInQueues 512 MB
PathsNeededToBuildCircuits 0.67
ConfluxEnabled 0
VanguardsLiteEnabled 0
DormantCanceledByStartup 1
%[2]s
`

const torRelay = `Nickname %[1]s
ContactInfo nobody@wardline.test
Address 127.0.0.1
ORPort 127.0.0.1:%[2]s IPv4Only
SocksPort 0
AssumeReachable 1
ExtendAllowPrivateAddresses 1
ExitPolicyRejectPrivate 0
ExitPolicy reject *:*
`

const torAuthority = `DirPort 127.0.0.1:%s
AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
V3AuthVotingInterval 10
V3AuthVoteDelay 2
V3AuthDistDelay 2
V3AuthNIntervalsValid 6
TestingV3AuthInitialVotingInterval 5
TestingV3AuthInitialVoteDelay 2
TestingV3AuthInitialDistDelay 2
TestingDirAuthVoteExit *
TestingDirAuthVoteGuard *
TestingDirAuthVoteHSDir *
TestingMinExitFlagThreshold 0
MinUptimeHidServDirectoryV2 0 minutes
AuthDirMaxServersPerAddr 0
AuthDirTestReachability 0
`

const torClient = `SocksPort %s IsolateSOCKSAuth
SocksPort unix:%s IsolateSOCKSAuth
ControlPort %s
CookieAuthentication 1
HiddenServiceDir %s/onion
HiddenServiceVersion 3
HiddenServicePort 80 %s
`

// startAuthority makes its keys first: their fingerprints are in the line that every other part needs.
func (n *TorNetwork) startAuthority(ctx context.Context, orPort, dirPort string) (line string, err error) {
	dir, err := n.folder("authority", "keys")
	if err != nil {
		return "", err
	}
	gencert := exec.CommandContext(ctx, "tor-gencert", "--create-identity-key", "--passphrase-fd", "0", "-m", "24", "-a", "127.0.0.1:"+dirPort,
		"-i", "authority_identity_key", "-s", "authority_signing_key", "-c", "authority_certificate")
	gencert.Dir, gencert.Stdin = filepath.Join(dir, "keys"), strings.NewReader("invented\n")
	if out, err := gencert.CombinedOutput(); err != nil {
		return "", fmt.Errorf("make the authority's keys (Debian: apt-get install tor): %w: %s", err, out)
	}
	certificate, err := os.ReadFile(filepath.Join(dir, "keys", "authority_certificate"))
	if err != nil {
		return "", fmt.Errorf("read the authority's certificate: %w", err)
	}
	identity := regexp.MustCompile(`(?m)^fingerprint ([0-9A-F]{40})$`).FindSubmatch(certificate)
	if identity == nil {
		return "", errors.New("the authority's certificate holds no fingerprint")
	}
	relay := fmt.Sprintf(torRelay, "authority", orPort)
	draft := fmt.Sprintf(torCommon, dir, relay+"DirAuthority draft 127.0.0.1:1 ffffffffffffffffffffffffffffffffffffffff")
	fingerprint, err := n.fingerprint(ctx, dir, draft)
	if err != nil {
		return "", err
	}
	line = fmt.Sprintf("DirAuthority authority orport=%s no-v2 v3ident=%s 127.0.0.1:%s %s", orPort, identity[1], dirPort, fingerprint)
	_, err = n.run(dir, fmt.Sprintf(torCommon, dir, relay+fmt.Sprintf(torAuthority, dirPort)+line))
	return line, err
}

func (n *TorNetwork) fingerprint(ctx context.Context, dir, torrc string) (string, error) {
	file := filepath.Join(dir, "torrc.draft")
	if err := os.WriteFile(file, []byte(torrc), 0o600); err != nil {
		return "", fmt.Errorf("write torrc: %w", err)
	}
	out, err := exec.CommandContext(ctx, "tor", "--quiet", "-f", file, "--list-fingerprint").Output()
	if err != nil {
		return "", fmt.Errorf("ask the authority's fingerprint: %w: %s", err, out)
	}
	f := strings.Fields(string(out))
	if len(f) < 2 {
		return "", fmt.Errorf("ask the authority's fingerprint: tor said %q", out)
	}
	return strings.Join(f[1:], ""), nil
}

func (n *TorNetwork) startRelay(_ context.Context, i int, orPort, authority string) error {
	name := fmt.Sprintf("relay%d", i)
	dir, err := n.folder(name)
	if err != nil {
		return err
	}
	_, err = n.run(dir, fmt.Sprintf(torCommon, dir, fmt.Sprintf(torRelay, name, orPort)+authority))
	return err
}

func (n *TorNetwork) startClient(ctx context.Context, web, authority string) error {
	dir, err := n.folder("client", "onion")
	if err != nil {
		return err
	}
	n.SocksPath = filepath.Join(dir, "socks")
	n.client, err = n.run(dir, fmt.Sprintf(torCommon, dir, fmt.Sprintf(torClient, n.SocksAddr, n.SocksPath, n.control, dir, web)+authority))
	if err != nil {
		return err
	}
	return until(ctx, "the onion service's name", func() bool {
		name, err := os.ReadFile(filepath.Join(dir, "onion", "hostname"))
		n.Onion = strings.TrimSpace(string(name))
		return err == nil && n.Onion != ""
	})
}

func (n *TorNetwork) folder(name string, inside ...string) (string, error) {
	dir := filepath.Join(n.dir, name)
	if err := os.MkdirAll(filepath.Join(append([]string{dir}, inside...)...), 0o700); err != nil {
		return "", fmt.Errorf("make a folder for tor: %w", err)
	}
	return dir, os.WriteFile(filepath.Join(dir, "geoip"), nil, 0o600)
}

// torPart is one running tor.
type torPart struct {
	cmd  *exec.Cmd
	dir  string
	once sync.Once
}

func (n *TorNetwork) run(dir, torrc string) (*torPart, error) {
	file := filepath.Join(dir, "torrc")
	if err := os.WriteFile(file, []byte(torrc), 0o600); err != nil {
		return nil, fmt.Errorf("write torrc: %w", err)
	}
	p := &torPart{cmd: exec.Command("tor", "--quiet", "-f", file), dir: dir}
	dieWithTest(p.cmd)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start tor (Debian: apt-get install tor): %w", err)
	}
	n.parts = append(n.parts, p)
	return p, nil
}

// kill does not ask first: a relay that is asked to stop may take half a minute over it.
func (p *torPart) kill() {
	p.once.Do(func() {
		_ = p.cmd.Process.Kill() // gone already is as good
		_ = p.cmd.Wait()
	})
}

// namesEveryRelay reads the consensus: "r" lines name a relay, the "s" line after it its flags.
func namesEveryRelay(ctx context.Context, address string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false
	}
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}, Timeout: 5 * time.Second}).Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	found, name := 0, ""
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		f := strings.Fields(lines.Text())
		switch {
		case len(f) > 1 && f[0] == "r":
			name = f[1]
		case len(f) > 1 && f[0] == "s" && strings.HasPrefix(name, "relay") && strings.Contains(lines.Text(), " HSDir") && strings.Contains(lines.Text(), " Running"):
			found++
		}
	}
	return res.StatusCode == http.StatusOK && found == relays
}

func (n *TorNetwork) answers(ctx context.Context) bool {
	proxy := &url.URL{Scheme: "socks5h", Host: n.SocksAddr, User: url.UserPassword("readiness", "x")}
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy), DisableKeepAlives: true}, Timeout: 20 * time.Second}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.Onion+"/", nil)
	if err != nil {
		return false
	}
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return err == nil
}

// KillClient ends the client at once, as a crash would; the SOCKS port refuses from then on.
func (n *TorNetwork) KillClient() { n.client.kill() }

// FreezeClient stops the client as it stands: connections to it are still accepted, and nothing answers. ThawClient lets
// it go on.
func (n *TorNetwork) FreezeClient() error { return n.client.cmd.Process.Signal(syscall.SIGSTOP) }

// ThawClient ends FreezeClient.
func (n *TorNetwork) ThawClient() error { return n.client.cmd.Process.Signal(syscall.SIGCONT) }

// SocksUsers are the SOCKS users for whom the client has circuits now, once for each circuit.
func (n *TorNetwork) SocksUsers() ([]string, error) {
	cookie, err := os.ReadFile(filepath.Join(n.client.dir, "control_auth_cookie"))
	if err != nil {
		return nil, fmt.Errorf("read tor's cookie: %w", err)
	}
	c, err := textproto.Dial("tcp", n.control)
	if err != nil {
		return nil, fmt.Errorf("reach tor's control port: %w", err)
	}
	defer c.Close()
	var answer string
	for _, command := range []string{"AUTHENTICATE " + hex.EncodeToString(cookie), "GETINFO circuit-status"} {
		if err := c.PrintfLine("%s", command); err != nil {
			return nil, fmt.Errorf("ask tor: %w", err)
		}
		if answer, err = readReply(c); err != nil {
			return nil, fmt.Errorf("ask tor: %w", err)
		}
	}
	var users []string
	for _, m := range regexp.MustCompile(`SOCKS_USERNAME="([^"]*)"`).FindAllStringSubmatch(answer, -1) {
		users = append(users, m[1])
	}
	return users, nil
}

// readReply reads to the line that ends an answer, "250 OK"; "250+" begins a block that a lone dot ends.
func readReply(c *textproto.Conn) (string, error) {
	var all strings.Builder
	for {
		line, err := c.ReadLine()
		switch {
		case err != nil:
			return "", err
		case strings.HasPrefix(line, "250 "):
			return all.String(), nil
		case !strings.HasPrefix(line, "250"):
			return "", fmt.Errorf("tor said %q", line)
		case strings.HasPrefix(line, "250+"):
			block, err := c.ReadDotLines()
			if err != nil {
				return "", err
			}
			all.WriteString(strings.Join(block, "\n"))
		}
		all.WriteString(line + "\n")
	}
}

func (n *TorNetwork) stop() error {
	for _, p := range n.parts {
		p.kill()
	}
	if err := os.RemoveAll(n.dir); err != nil {
		return fmt.Errorf("remove tor's folder: %w", err)
	}
	return nil
}

// complaints are the warnings of every part, for a start that failed.
func (n *TorNetwork) complaints() string {
	var out strings.Builder
	for _, p := range n.parts {
		log, err := os.ReadFile(filepath.Join(p.dir, "log"))
		if err != nil {
			continue
		}
		for _, l := range strings.Split(string(log), "\n") {
			if strings.Contains(l, "[warn]") || strings.Contains(l, "[err]") {
				fmt.Fprintf(&out, "%s: %s\n", filepath.Base(p.dir), l)
			}
		}
	}
	return out.String()
}
