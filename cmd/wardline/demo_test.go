package main

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/config"
)

// startDemo runs the demo in this process on a free port and gives the line that it prints.
func startDemo(t *testing.T) string {
	t.Helper()
	settings, err := config.FromEnvironment(map[string]string{
		"WARDLINE_DATA": t.TempDir(), "WARDLINE_ADDR": "127.0.0.1:0", "WARDLINE_LOG_LEVEL": "warn", "WARDLINE_DRAIN_FOR": "5s",
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
