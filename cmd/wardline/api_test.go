package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/job"
	"github.com/wardline/wardline/internal/seal"
)

// apiServer is the portal as served, on a database that the commands of the test share.
type apiServer struct {
	t       *testing.T
	app     *app
	handler http.Handler
	log     bytes.Buffer
}

func newAPIServer(t *testing.T) *apiServer {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, value := range map[string]string{"WARDLINE_DATA": filepath.Join(t.TempDir(), "data"), "WARDLINE_PUBLIC_URL": "http://localhost:8080", "WARDLINE_LOG_LEVEL": "error"} {
		t.Setenv(name, value)
	}
	s := &apiServer{t: t}
	a, err := openApp(t.Context())
	s.must(err)
	t.Cleanup(a.close)
	s.must(a.ready(t.Context()))
	a.log = slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	jobs, err := a.newJobs("", nil, nil, job.Workers{})
	s.must(err)
	a.store.UseQueue(jobs)
	keys, err := seal.Open(a.settings.KeyFile)
	s.must(err)
	s.app = a
	s.handler, err = a.newPortal(parts{keys: keys}, jobs)
	s.must(err)
	return s
}

func (s *apiServer) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// run is a command as typed; what it prints for scripts comes back.
func (s *apiServer) run(args ...string) (string, error) {
	var out, errs bytes.Buffer
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&errs)
	err := root.ExecuteContext(s.t.Context())
	return out.String(), err
}

func (s *apiServer) call(token, method, path, body string) (int, string) {
	r := httptest.NewRequest(method, "http://localhost:8080"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		r.Header.Set("Content-Type", "text/csv")
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// One watchlist feeds the API, the suppliers that it makes and a scan: the contract of the file.
func TestWatchlistFeedsTheAPIAndTheScan(t *testing.T) {
	s := newAPIServer(t)
	printed, err := s.run("token", "add", "procurement-sync", "--role", "procurement")
	s.must(err)
	token := strings.TrimSpace(printed)
	list := "\ufeffsupplier,kind,value\r\nMeridian Lab,domain,Meridian-Lab.example\r\n\"Vantor, Linen\",brand,Vantor Linen\r\nMeridian Lab,domain,a b\r\nNul\x00Co,brand,Nulco\r\n" +
		strings.Repeat("n", 201) + ",brand,Long name\r\n"
	code, body := s.call(token, http.MethodPost, "/api/v1/watchlist", list)
	var imported struct {
		New, Rejected int
		Lines         []struct {
			Line         int
			Outcome, Why string
		}
	}
	if err := json.Unmarshal([]byte(body), &imported); err != nil || code != http.StatusOK {
		t.Fatalf("%d %v %s", code, err, body)
	}
	want := `[{2 new new supplier} {3 new new supplier} {4 rejected value: "a b" is not a domain name; write it as hospital.example, without https:// or a path.} ` +
		`{5 rejected The line holds a control character.} {6 rejected name: The name is longer than 200 characters.}]`
	if got := fmt.Sprint(imported.Lines); got != want || imported.New != 2 || imported.Rejected != 3 {
		t.Errorf("lines\n got %s\nwant %s", got, want)
	}
	code, body = s.call(token, http.MethodGet, "/api/v1/suppliers", "")
	if code != http.StatusOK || !strings.Contains(body, `"total":2`) || !strings.Contains(body, `"name":"Meridian Lab"`) || !strings.Contains(body, `"name":"Vantor, Linen"`) {
		t.Errorf("suppliers: %d %s", code, body)
	}
	terms, _, err := s.app.store.WatchTerms(t.Context())
	if err != nil || len(terms) != 2 || terms[0].Value != "meridian-lab.example" || terms[1].Value != "Vantor Linen" {
		t.Errorf("watched: %+v, %v", terms, err)
	}
	good := "supplier,kind,value\nMeridian Lab,domain,Meridian-Lab.example\n"
	out, errs, exit := runScan(t, map[string]string{"w.csv": good, "dump.txt": "x.hale@meridian-lab.example:invented secret\n"}, "--watchlist", "w.csv", "--json", "dump.txt")
	if exit != 0 || !strings.Contains(out, `"supplier":"Meridian Lab"`) || !strings.Contains(out, `"term":"meridian-lab.example"`) {
		t.Errorf("scan: %d %s %s", exit, out, errs)
	}
}

func TestTokenLife(t *testing.T) {
	s := newAPIServer(t)
	printed, err := s.run("token", "add", "siem", "--role", "auditor", "--expires", "12h")
	s.must(err)
	token := strings.TrimSpace(printed)
	if code, body := s.call(token, http.MethodGet, "/api/v1/exposures", ""); code != http.StatusOK || !strings.Contains(body, `"total":0`) {
		t.Errorf("with the printed token: %d %s", code, body)
	}
	if code, _ := s.call(token, http.MethodPost, "/api/v1/watchlist", "supplier,kind,value\nA,domain,a.example\n"); code != http.StatusForbidden {
		t.Errorf("an auditor's token imports: %d", code)
	}
	listed, err := s.run("token", "list")
	s.must(err)
	if now := time.Now().UTC(); !strings.Contains(listed, "siem  auditor  live") || !strings.Contains(listed, now.Format(time.DateOnly)) || strings.Contains(listed, token[3:]) {
		t.Errorf("list:\n%s", listed)
	}
	for _, args := range [][]string{{"token", "add", "siem", "--role", "auditor"}, {"token", "add", "other", "--role", "respondent"}, {"token", "add", "other"},
		{"token", "add", "a@b.example", "--role", "auditor"}, {"token", "add", "other", "--role", "auditor", "--expires", "soon"}, {"token", "revoke", "nobody"}} {
		if out, err := s.run(args...); err == nil || out != "" {
			t.Errorf("%v: %q, %v", args, out, err)
		}
	}
	_, err = s.run("token", "revoke", "siem")
	s.must(err)
	if code, _ := s.call(token, http.MethodGet, "/api/v1/exposures", ""); code != http.StatusUnauthorized {
		t.Errorf("a revoked token: %d", code)
	}
	s.holdsNowhere(token)
}

// holdsNowhere looks for a token in the log and in every file of the database.
func (s *apiServer) holdsNowhere(token string) {
	s.t.Helper()
	if log := s.log.String(); strings.Contains(log, token) || !strings.Contains(log, "route=/api/v1/exposures") {
		s.t.Errorf("the log:\n%s", log)
	}
	found, err := s.app.store.FindTokens(s.t.Context())
	s.must(err)
	digest := false
	s.must(filepath.WalkDir(s.app.settings.Data, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		digest = digest || bytes.Contains(raw, []byte(found[0].Digest))
		if bytes.Contains(raw, []byte(token)) || bytes.Contains(raw, []byte(token[3:])) {
			s.t.Errorf("%s holds the token", path)
		}
		return err
	}))
	if !digest {
		s.t.Error("the database does not hold the digest: the wrong files were searched")
	}
}

func TestParseLife(t *testing.T) {
	for given, want := range map[string]time.Duration{"90d": 90 * 24 * time.Hour, "12h": 12 * time.Hour, "never": 0, "3650d": 3650 * 24 * time.Hour} {
		if got, err := parseLife(given); err != nil || got != want {
			t.Errorf("%s: %v, %v", given, got, err)
		}
	}
	for _, given := range []string{"", "d", "0d", "-1d", "3651d", "90", "90m", "99999999999999999999d", "1.5h"} {
		if got, err := parseLife(given); err == nil {
			t.Errorf("%q is read as %v", given, got)
		}
	}
}
