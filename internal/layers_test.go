package internal_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/wardline/wardline/"

// layers has a row for every package: what it may import of ours. A package without a row fails the test.
var layers = map[string][]string{
	"web":   {},
	"seeds": {},

	// vocabulary
	"internal/risk": {},

	// pure steps
	"internal/match":   {"internal/risk"},
	"internal/extract": {"internal/risk", "internal/match"},
	"internal/score":   {"internal/risk", "seeds"},
	"internal/alert":   {"internal/risk"},
	"internal/seal":    {"internal/risk"},
	"internal/catalog": {"internal/risk", "seeds"},

	// workflow
	"internal/pipeline": {"internal/risk", "internal/match", "internal/extract", "internal/score", "internal/alert", "internal/seal"},

	// adapters
	"internal/config":  {"internal/risk"},
	"internal/dump":    {"internal/risk"},
	"internal/hunt":    {"internal/risk"},
	"internal/collect": {"internal/risk"},
	"internal/store":   {"internal/risk"},
	"internal/job":     {"internal/risk"},
	"internal/mail":    {"internal/risk", "web"},
	"internal/portal":  {"internal/risk", "web"},
	"internal/sample":  {"internal/risk", "internal/catalog", "seeds"}, // its sites are read by the shipped definitions
	"internal/corpus":  {"internal/risk"},

	// real parts for tests
	"internal/testparts": {},

	"cmd/wardline": {"*"},
}

// pure packages decide; they get values and return values.
var pure = []string{"internal/risk", "internal/match", "internal/extract", "internal/score", "internal/alert"}

var impure = []string{"net", "net/http", "os", "os/exec", "database/sql", "log", "log/slog"}

// only names, for imports that one part of the tree alone may have, who that is.
var only = map[string][]string{
	"gorm.io":                       {"internal/store"},
	"github.com/gin-gonic/gin":      {"internal/portal", "cmd/wardline"},
	"github.com/danielgtaylor/huma": {"internal/portal"},
	"github.com/gocolly/colly":      {"internal/collect"},
	"golang.org/x/net/proxy":        {"internal/collect"},
	"github.com/riverqueue/river":   {"internal/job"},
	"github.com/wneessen/go-mail":   {"internal/mail"},
	"net/smtp":                      {},
	"database/sql":                  {"internal/store", "internal/job"},
}

// testOnly are packages that nothing but tests may import.
var testOnly = []string{"internal/testparts"}

func TestLayers(t *testing.T) {
	root := ".."
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" || name == "static") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		pkg, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		pkg = filepath.ToSlash(pkg)
		if pkg == "internal" {
			return nil
		}
		seen[pkg] = true
		allowed, ok := layers[pkg]
		if !ok {
			t.Errorf("%s: package has no row in layers", pkg)
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			imp, _ := strconv.Unquote(spec.Path.Value)
			checkImport(t, pkg, path, imp, allowed)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range layers {
		if !seen[pkg] {
			t.Errorf("%s: row in layers, but no such package", pkg)
		}
	}
}

func checkImport(t *testing.T, pkg, path, imp string, allowed []string) {
	t.Helper()
	isTest := strings.HasSuffix(path, "_test.go")
	if ours, found := strings.CutPrefix(imp, module); found {
		if slices.Contains(testOnly, ours) && !isTest {
			t.Errorf("%s imports %s outside a test", path, ours)
		}
		if isTest && (slices.Contains(testOnly, ours) || ours == pkg) {
			return
		}
		if !slices.Contains(allowed, ours) && !slices.Contains(allowed, "*") {
			t.Errorf("%s imports %s: not in its row", path, ours)
		}
		return
	}
	if isTest {
		return
	}
	if slices.Contains(pure, pkg) && slices.Contains(impure, imp) {
		t.Errorf("%s imports %s: %s is pure", path, imp, pkg)
	}
	for prefix, owners := range only {
		if (imp == prefix || strings.HasPrefix(imp, prefix+"/")) && !slices.Contains(owners, pkg) {
			t.Errorf("%s imports %s: only %v may", path, imp, owners)
		}
	}
}
