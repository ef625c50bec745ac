package internal_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	linked = regexp.MustCompile(`\]\(([^)#]+)\)`)
	quoted = regexp.MustCompile("`([a-z_]+(?:/[a-z_0-9]+)+(?:\\.[a-z]+)?|[a-z_]+\\.go)`")
)

// Documents name only paths that exist: links from where the document lies, and quoted paths from there, from the
// root or below internal.
func TestDocumentsNamePathsThatExist(t *testing.T) {
	for _, doc := range []string{"../README.md", "ARCHITECTURE.md", "../seeds/sources/README.md", "../seeds/scoring/README.md", "../seeds/demo/README.md", "../seeds/questionnaires/README.md", "../web/email/README.md"} {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, m := range linked.FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(m[1], "://") && !exists(filepath.Dir(doc), m[1]) {
				t.Errorf("%s links to %s, which does not exist", doc, m[1])
			}
		}
		for _, m := range quoted.FindAllStringSubmatch(string(text), -1) {
			if !exists(filepath.Dir(doc), m[1]) && !exists("..", m[1]) && !exists(".", m[1]) {
				t.Errorf("%s names %s, which does not exist", doc, m[1])
			}
		}
	}
}

func exists(folder, path string) bool {
	_, err := os.Stat(filepath.Join(folder, filepath.FromSlash(path)))
	return err == nil
}
