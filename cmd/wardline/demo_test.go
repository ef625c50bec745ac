package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/config"
)

// startDemo runs the demo in this process on a free port, over a folder of data, and gives the line that it prints.
func startDemo(t *testing.T, data string) string {
	t.Helper()
	settings, err := config.FromEnvironment(map[string]string{
		"WARDLINE_DATA": data, "WARDLINE_ADDR": "127.0.0.1:0", "WARDLINE_LOG_LEVEL": "warn", "WARDLINE_DRAIN_FOR": "5s",
		"WARDLINE_WATCH_DUTY": "watch.duty@st-aldhelm.example", "WARDLINE_SMTP_TLS": "none", "WARDLINE_SMTP_FROM": "wardline@st-aldhelm.example",
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- runDemo(ctx, settings, in) }()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("demo ended with: %v", err)
			}
		case <-time.After(30 * time.Second):
			t.Error("demo did not end")
		}
	})
	line := make(chan string, 1)
	go func() {
		buf := make([]byte, 4096)
		n, _ := out.Read(buf)
		line <- string(buf[:n])
	}()
	select {
	case l := <-line:
		address, found := strings.CutPrefix(strings.TrimSpace(l), "open ")
		if !found {
			t.Fatalf("the demo printed %q", l)
		}
		return address
	case err := <-ended:
		ended <- err
		t.Fatalf("the demo ended before it printed its address: %v", err)
	case <-time.After(time.Minute):
		t.Fatal("the demo printed no address within a minute")
	}
	return ""
}

func TestDemosKeepApartAndLeaveRealDataAlone(t *testing.T) {
	data := t.TempDir()
	first, endFirst, err := claimDemo(data)
	if err != nil {
		t.Fatal(err)
	}
	second, endSecond, err := claimDemo(data)
	if err != nil {
		t.Fatal(err)
	}
	if first != filepath.Join(data, "demo") || second != filepath.Join(data, "demo-2") {
		t.Errorf("two demos run in %s and %s", first, second)
	}
	var out strings.Builder
	if err := removeDemos(&out, data); err == nil || !strings.Contains(err.Error(), "a demo runs in "+first) {
		t.Errorf("removing a running demo: %v", err)
	}
	endFirst()
	endSecond()
	real := filepath.Join(data, "wardline.db")
	if err := os.WriteFile(real, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := removeDemos(&out, data); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(data); err != nil || len(left) != 1 || left[0].Name() != "wardline.db" {
		t.Errorf("left %v, %v", left, err)
	}
	if err := os.Mkdir(filepath.Join(data, "demo"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := removeDemos(&out, data); err == nil || !strings.Contains(err.Error(), "left alone") {
		t.Errorf("a folder that is nobody's demo: %v", err)
	}
}
