package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

// runWatchlist runs the command in the present folder.
func runWatchlist(t *testing.T, args ...string) (out, errs string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := watchlistCommand()
	cmd.SetArgs(args)
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err := cmd.ExecuteContext(t.Context())
	var exit exitCode
	switch {
	case errors.As(err, &exit):
		code = int(exit)
	case err != nil:
		fmt.Fprintln(&stderr, err)
		code = 2
	}
	return stdout.String(), stderr.String(), code
}

func TestCompiledWatchlistScansLikeItsCSV(t *testing.T) {
	files := map[string]string{"w.csv": watchlistCSV, "leak.txt": leak}
	want, _, code := runScan(t, files, "--watchlist", "w.csv", "--json", "leak.txt")
	if code != 0 || strings.Count(want, "\n") != 2 {
		t.Fatalf("code %d, %q", code, want)
	}
	out, errs, code := runWatchlist(t, "compile", "w.csv", "-o", "w.watch")
	if code != 0 || errs != "" || !strings.HasPrefix(out, "w.watch: 2 terms (1 domain, 1 brand), ") {
		t.Fatalf("code %d, %q, %q", code, out, errs)
	}
	if out, errs, code := runWatchlist(t, "check", "w.watch"); code != 0 || errs != "" || out != "2 terms (1 domain, 1 brand)\n" {
		t.Errorf("code %d, %q, %q", code, out, errs)
	}
	compiled, err := os.ReadFile("w.watch")
	if err != nil {
		t.Fatal(err)
	}
	got, errs, code := runScan(t, map[string]string{"w.watch": string(compiled), "leak.txt": leak}, "--watchlist", "w.watch", "--json", "leak.txt")
	if code != 0 || errs != "" || got != want {
		t.Errorf("code %d, %q\n got %s\nwant %s", code, errs, got, want)
	}
}

func TestDamagedCompiledWatchlistIsRefused(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("w.csv", []byte(watchlistCSV), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := runWatchlist(t, "compile", "w.csv", "--output", "w.watch"); code != 0 {
		t.Fatal(errs)
	}
	compiled, err := os.ReadFile("w.watch")
	if err != nil {
		t.Fatal(err)
	}
	compiled[len(compiled)/2] ^= 1
	_, errs, code := runScan(t, map[string]string{"w.watch": string(compiled), "leak.txt": leak}, "--watchlist", "w.watch", "leak.txt")
	if code != 2 || errs != "w.watch: load compiled watchlist: it is damaged\n" {
		t.Errorf("code %d, %q", code, errs)
	}
}

func TestWatchlistCheckNamesBrokenLines(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("w.csv", []byte(watchlistCSV+"Acme Lab,domain,not a domain\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, code := runWatchlist(t, "check", "w.csv")
	if code != 2 || out != "2 terms (1 domain, 1 brand)\n" || !strings.HasPrefix(errs, "wardline: w.csv:4: ") {
		t.Errorf("code %d, %q, %q", code, out, errs)
	}
	if _, errs, code := runWatchlist(t, "compile", "missing.csv", "-o", "w.watch"); code != 2 || errs != "open watchlist: missing.csv: no such file or directory\n" {
		t.Errorf("code %d, %q", code, errs)
	}
}
