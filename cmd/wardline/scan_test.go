package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/corpus"
)

// runScan runs the command as a user would, in a folder that holds files; "zip:" makes an archive of the rest of its
// name's text.
func runScan(t *testing.T, files map[string]string, args ...string) (out, errs string, code int) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var stdout, stderr bytes.Buffer
	cmd := scanCommand()
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

const (
	watchlistCSV = "supplier,kind,value\nAcme Lab,domain,hospital.example\nAcme Lab,brand,Acme Lab\n"
	leak         = "https://vpn.hospital.example/login:jdoe@hospital.example:Winter2024!\nhttps://nothospital.example/:a:b\nhttps://shop.test/:mary@hospital.example:hunter2\n"
)

func zipOf(t *testing.T, name, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create(name)
	if err == nil {
		_, err = f.Write([]byte(text))
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestScanJSONIsTheContract(t *testing.T) {
	files := map[string]string{"w.csv": watchlistCSV, "d/leak.zip": zipOf(t, "in/ulp.txt", leak)}
	out, errs, code := runScan(t, files, "--watchlist", "w.csv", "--json", "d")
	want := `{"path":"d/leak.zip","entry":"in/ulp.txt","line":1,"offset":8,"kind":"credential","supplier":"Acme Lab","term":"hospital.example","match":"exact","class":"employee","url":"https://vpn.hospital.example/login","account":"j•••••@hospital.example","secret":{"kind":"plain","length_band":"8–11"}}
{"path":"d/leak.zip","entry":"in/ulp.txt","line":3,"offset":126,"kind":"credential","supplier":"Acme Lab","term":"hospital.example","match":"exact","class":"third_party","url":"https://shop.test/","account":"m•••••@hospital.example","secret":{"kind":"plain","length_band":"1–7"}}
`
	if out != want || errs != "" || code != 0 {
		t.Errorf("code %d, errors %q, got\n%swant\n%s", code, errs, out, want)
	}
	out, _, _ = runScan(t, files, "--watchlist", "w.csv", "--json", "--reveal", "d")
	if !strings.Contains(out, `"account":"jdoe@hospital.example","secret":{"kind":"plain","length_band":"8–11","value":"Winter2024!"}`) {
		t.Errorf("with --reveal: %s", out)
	}
}

// However a file falls into blocks, each line that mentions a supplier is one.
func TestScanTellsEveryMention(t *testing.T) {
	text := "Acme Lab is down\nsee www.hospital.example\n" + strings.Repeat("nothing of note\n", 1<<17) + "acme lab again\n"
	out, _, _ := runScan(t, map[string]string{"w.csv": watchlistCSV, "x": text}, "--json", "-w", "w.csv", "x")
	var got []string
	for line := range strings.Lines(out) {
		var m struct {
			Line              int
			Kind, Term, Match string
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%d %s %s %s", m.Line, m.Kind, m.Term, m.Match))
	}
	want := []string{"1 mention Acme Lab brand", "2 mention hospital.example subdomain", fmt.Sprintf("%d mention Acme Lab brand", 1<<17+3)}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestScanTextShowsNoSecretAndMovesNoCursor(t *testing.T) {
	out, _, code := runScan(t, map[string]string{"w.csv": watchlistCSV, "leak.txt": leak + "https://hospital.example/\x1b[2J\u202e:eve@hospital.example:pässword\n"}, "-w", "w.csv", "leak.txt")
	if code != 0 || !strings.HasPrefix(out, "leak.txt:1: Acme Lab: employee credential j•••••@hospital.example at https://vpn.hospital.example/login, secret plain of 8–11 characters (exact hospital.example)\n") {
		t.Errorf("code %d\n%s", code, out)
	}
	for _, bad := range []string{"Winter2024", "hunter2", "pässword", "jdoe", "mary", "\x1b", "\u202e"} {
		if strings.Contains(out, bad) {
			t.Errorf("output holds %q:\n%s", bad, out)
		}
	}
}

func TestScanExitCodes(t *testing.T) {
	for _, c := range []struct {
		name    string
		files   map[string]string
		args    []string
		code    int
		stdout  string
		stderrs []string
	}{
		{"found", map[string]string{"w.csv": watchlistCSV, "x": leak}, []string{"--count", "-w", "w.csv", "x"}, 0,
			"2 indicators from 3 hits in 1 document, 151 bytes\n", nil},
		{"nothing", map[string]string{"w.csv": watchlistCSV, "x": "nothospital.example\n"}, []string{"-w", "w.csv", "x"}, 1, "", nil},
		{"no such path, the rest is read", map[string]string{"w.csv": watchlistCSV, "x": leak}, []string{"--count", "-w", "w.csv", "none", "x"}, 2,
			"2 indicators from 3 hits in 1 document, 151 bytes\n", []string{"none: no such file or directory"}},
		{"broken archive", map[string]string{"w.csv": watchlistCSV, "x": "PK\x03\x04broken"}, []string{"-w", "w.csv", "x"}, 2, "", []string{"wardline: x: not read: zip: not a valid zip file"}},
		{"broken watchlist line", map[string]string{"w.csv": watchlistCSV + "Acme Lab,domain,no domain\n", "x": leak}, []string{"--count", "-w", "w.csv", "x"}, 0,
			"2 indicators from 3 hits in 1 document, 151 bytes\n", []string{"w.csv:4: "}},
		{"no usable term", map[string]string{"w.csv": "supplier,kind,value\nA,domain,-\n", "x": leak}, []string{"-w", "w.csv", "x"}, 2, "", []string{"w.csv:2: ", "holds no term that can be used"}},
		{"no watchlist", map[string]string{"x": leak}, []string{"-w", "w.csv", "x"}, 2, "", []string{"open watchlist"}},
		{"no arguments", nil, []string{"-w", "w.csv"}, 2, "", []string{"requires at least 1 arg"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, errs, code := runScan(t, c.files, c.args...)
			if code != c.code || out != c.stdout {
				t.Errorf("code %d, want %d; output %q, want %q", code, c.code, out, c.stdout)
			}
			for _, want := range c.stderrs {
				if !strings.Contains(errs, want) {
					t.Errorf("errors %q do not say %q", errs, want)
				}
			}
			if len(c.stderrs) == 0 && errs != "" {
				t.Errorf("errors %q", errs)
			}
		})
	}
}

func TestScanFindsEveryHitInOrderHoweverManyThreads(t *testing.T) {
	terms := corpus.Watchlist(5, 300)
	var list, text bytes.Buffer
	if err := corpus.WriteWatchlist(&list, terms); err != nil {
		t.Fatal(err)
	}
	hits, err := corpus.Write(&text, terms, corpus.Options{Seed: 5, Bytes: 6 << 20, Share: 0.002})
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"w.csv": list.String(), "x": text.String()}
	one, _, _ := runScan(t, files, "--json", "--threads", "1", "-w", "w.csv", "x")
	three, _, _ := runScan(t, files, "--json", "--threads", "3", "-w", "w.csv", "x")
	if one != three || one == "" {
		t.Error("three threads print something else than one")
	}
	out, _, _ := runScan(t, files, "--json", "--count", "-w", "w.csv", "x")
	var total scanTotals
	if err := json.Unmarshal([]byte(out), &total); err != nil {
		t.Fatal(err)
	}
	if total.Hits != len(hits) || total.Bytes != int64(text.Len()) || total.Documents != 1 {
		t.Errorf("%+v; there are %d hits in %d bytes", total, len(hits), text.Len())
	}
}

// What a stealer log tells of a machine and its user is shown as the portal shows it, and whole with --reveal.
func TestScanShowsOfAMachineWhatThePortalDoes(t *testing.T) {
	files := map[string]string{
		"w.csv":                 watchlistCSV,
		"log/System.txt":        "Computer: WS-JANE-07\nUser Name: jane.roe\nIP: 203.0.113.77\nOS: Windows 11 Pro\nHWID: 4711-AA\nInstall Date: 2026-03-04 05:06:07\n",
		"log/All Passwords.txt": "URL: https://vpn.hospital.example/\nUsername: jdoe@hospital.example\nPassword: Winter2024!\n",
	}
	out, errs, _ := runScan(t, files, "--json", "-w", "w.csv", "log")
	if !strings.Contains(out, `{"name":"ip","value":"203.0.113.0/24"}`) || strings.Contains(out, "jane.roe") || !strings.Contains(out, `{"name":"os","value":"Windows 11 Pro"}`) {
		t.Errorf("%s%s", out, errs)
	}
	if out, errs, _ = runScan(t, files, "--json", "--reveal", "-w", "w.csv", "log"); !strings.Contains(out, `"jane.roe"`) || !strings.Contains(out, `"203.0.113.77"`) {
		t.Errorf("revealed: %s%s", out, errs)
	}
}

func TestEachOfSeveralErrorsSaysWhoSpeaks(t *testing.T) {
	var b bytes.Buffer
	printError(&b, errors.Join(errors.New("one is wrong"), errors.New("another too")))
	if want := "wardline: one is wrong\nwardline: another too\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

func TestAWatchlistIsNotWrittenWhereThereIsNoFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("w.csv", []byte(watchlistCSV), 0o600); err != nil {
		t.Fatal(err)
	}
	err := compileWatchlist("w.csv", "none/w.bin", io.Discard, io.Discard)
	if want := "write compiled watchlist none/w.bin: no such file or directory"; fmt.Sprint(err) != want {
		t.Errorf("%v, want %s", err, want)
	}
}
