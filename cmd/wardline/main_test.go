package main

import (
	"bytes"
	"net"
	"path/filepath"
	"strings"
	"testing"
)

// runCommand runs a whole command line.
func runCommand(t *testing.T, line string) (out string, err error) {
	t.Helper()
	var b bytes.Buffer
	root := rootCommand()
	root.SetArgs(strings.Fields(line))
	root.SetOut(&b)
	root.SetErr(&b)
	err = root.ExecuteContext(t.Context())
	return b.String(), err
}

func TestMistakesInACommandLineSayWhatIsRight(t *testing.T) {
	t.Chdir(t.TempDir())
	for line, want := range map[string]string{
		"serv":                       "serv: no such command; see `wardline --help`",
		"user bla":                   "bla: no such command; see `wardline user --help`",
		"user add":                   "accepts 1 arg(s), received 0; use it as `wardline user add EMAIL [flags]`, see --help",
		"scan x":                     "required flag(s) \"watchlist\" not set; see `wardline scan --help`",
		"scan --foo":                 "unknown flag: --foo; see `wardline scan --help`",
		"scan -w w.csv x":            "open watchlist: w.csv: no such file or directory",
		"scan -w w.csv -":            "standard input is not scanned, since archives are read in any order: give a file's path",
		"supplier import none.csv":   "none.csv: no such file or directory",
		"source test none.yaml":      "read the definition: none.yaml: no such file or directory",
		"migrate --help extra words": "",
	} {
		_, err := runCommand(t, line)
		if (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("wardline %s: %v\nwant %s", line, err, want)
		}
	}
	if out, err := runCommand(t, "user"); err != nil || !strings.Contains(out, "add") {
		t.Errorf("wardline user: %q, %v", out, err)
	}
}

func TestTakenPortIsSaidBeforeAnythingWorks(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	data := t.TempDir()
	t.Chdir(data)
	t.Setenv("WARDLINE_DATA", data)
	t.Setenv("WARDLINE_ADDR", taken.Addr().String())
	_, err = runCommand(t, "serve --all")
	want := taken.Addr().String() + " is in use by another program: choose another address with WARDLINE_ADDR, such as 127.0.0.1:9000"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	if locks, _ := filepath.Glob(filepath.Join(data, "locks", "*")); len(locks) > 0 {
		t.Errorf("the process had begun to work: %v", locks)
	}
}

func TestSourcesFolderThatIsNotThere(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("WARDLINE_SOURCES", "none")
	if _, err := runCommand(t, "collect"); err == nil || err.Error() != "WARDLINE_SOURCES: none: no such file or directory" {
		t.Errorf("got %v", err)
	}
}
