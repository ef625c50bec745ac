package collect_test

import (
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/wardline/wardline/internal/collect"
)

// FuzzEngines reads any bytes as a board's page: nothing panics, and what is read is text.
func FuzzEngines(f *testing.F) {
	for _, dir := range engineFolders(f) {
		for _, name := range []string{"read.txtar", "refuse.txtar"} {
			for _, page := range readArchive(f, filepath.Join(dir, name)).Files {
				f.Add(page.Data)
			}
		}
	}
	src := engineSource("http://board.test/", "auto")
	f.Fuzz(func(t *testing.T, page []byte) {
		in, err := collect.Inspect(src, typeOf(page), page)
		if err != nil && !utf8.ValidString(err.Error()) {
			t.Errorf("an error that is no text: %q", err)
		}
		for _, i := range in.Items {
			for _, text := range append([]string{i.Text, i.Author, i.URL}, i.Attachments...) {
				if !utf8.ValidString(text) {
					t.Errorf("no text: %q", text)
				}
			}
		}
	})
}
