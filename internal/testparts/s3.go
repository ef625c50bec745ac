package testparts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// ObjectStore is a versitygw: a real S3 server over a folder.
type ObjectStore struct {
	Host      string // "127.0.0.1:PORT"
	AccessKey string
	SecretKey string
}

// S3 starts an object store that is stopped with the test.
func S3(tb testing.TB) *ObjectStore {
	tb.Helper()
	return startedS3(tb)
}

// S3WithTLS is S3 with a certificate, whose files are PEM.
func S3WithTLS(tb testing.TB, certificate, key string) *ObjectStore {
	tb.Helper()
	return startedS3(tb, "--cert", certificate, "--key", key)
}

func startedS3(tb testing.TB, options ...string) *ObjectStore {
	tb.Helper()
	binary := tool(tb, "bin", "versitygw")
	var problems error
	for range 3 { // somebody may take a free port before the server does
		s, err := startS3(tb, binary, options)
		if err == nil {
			return s
		}
		problems = errors.Join(problems, err)
	}
	tb.Fatal(problems)
	return nil
}

func startS3(tb testing.TB, binary string, options []string) (*ObjectStore, error) {
	dir := tb.TempDir()
	for _, name := range []string{"data", "meta"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			return nil, fmt.Errorf("start S3: %w", err)
		}
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &ObjectStore{Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), AccessKey: "wardline", SecretKey: "only-for-tests"}
	args := append([]string{"--access", s.AccessKey, "--secret", s.SecretKey, "--port", s.Host}, options...)
	cmd := exec.Command(binary, append(args, "posix", "--sidecar", filepath.Join(dir, "meta"), filepath.Join(dir, "data"))...)
	var log bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &log, &log
	dieWithTest(cmd)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start S3: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	stop := func() {
		_ = cmd.Process.Kill()
		<-ended
	}
	if err := awaitPort(s.Host, ended); err != nil {
		stop()
		return nil, fmt.Errorf("start S3: %w\n%s", err, log.String())
	}
	tb.Cleanup(stop)
	return s, nil
}

// awaitPort tries until somebody listens.
func awaitPort(host string, ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", host)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ended:
			return errors.New("it ended by itself")
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}
