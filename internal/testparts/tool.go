package testparts

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// tool gives the path of a program or script that `make test-deps` has put below .cache, or below the folder that
// WARDLINE_TOOLS names.
func tool(tb testing.TB, parts ...string) string {
	tb.Helper()
	folder := os.Getenv("WARDLINE_TOOLS")
	if folder == "" {
		root, err := moduleRoot()
		if err != nil {
			tb.Fatal(err)
		}
		folder = filepath.Join(root, ".cache")
	}
	path := filepath.Join(append([]string{folder}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		tb.Fatalf("this test needs %s: run make test-deps", path)
	}
	return path
}

func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the module's folder: %w", err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("find the module's folder: no go.mod above the working folder")
}
