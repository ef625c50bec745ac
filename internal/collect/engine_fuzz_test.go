package collect_test

import (
	"path/filepath"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/wardline/wardline/internal/collect"
)

// FuzzEngines reads any bytes as a page of any software's board: nothing panics, and what is read is text.
func FuzzEngines(f *testing.F) {
	names := []string{"auto", "generic"}
	for _, dir := range engineFolders(f) {
		names = append(names, softwareOf(dir))
		for _, name := range []string{"read.txtar", "refuse.txtar"} {
			for _, page := range readArchive(f, filepath.Join(dir, name)).Files {
				f.Add(page.Data, byte(0))
				f.Add(page.Data, byte(len(names)-1))
			}
		}
	}
	f.Fuzz(func(t *testing.T, page []byte, engine byte) {
		in, err := collect.Inspect(engineSource("http://board.test/", names[int(engine)%len(names)]), typeOf(page), page)
		if err != nil && !utf8.ValidString(err.Error()) {
			t.Errorf("an error that is no text: %q", err)
		}
		for _, i := range in.Items {
			texts := slices.Concat([]string{i.Text, i.Author, i.URL}, i.Attachments, i.Code)
			for _, q := range i.Quotes {
				texts = append(texts, q.Author, q.Text)
			}
			for _, text := range texts {
				if !utf8.ValidString(text) {
					t.Errorf("no text: %q", text)
				}
			}
		}
	})
}
