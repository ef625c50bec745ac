package dump_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/dump"
	"github.com/wardline/wardline/internal/risk"
)

// blocksOf cuts a file that holds text.
func blocksOf(t *testing.T, text string, o dump.Options) []risk.Block {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dump.txt")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var blocks []risk.Block
	skipped, err := dump.Blocks(context.Background(), path, o, func(b risk.Block) error {
		b.Data = bytes.Clone(b.Data)
		blocks = append(blocks, b)
		return nil
	})
	if err != nil || len(skipped) > 0 {
		t.Fatal(err, skipped)
	}
	return blocks
}

func TestBlocksKnowTheirDocumentsBeginning(t *testing.T) {
	var text strings.Builder
	text.WriteString("\xef\xbb\xbfid;email;password\n")
	for i := range 3000 {
		fmt.Fprintf(&text, "%d;user%[1]d@lab.example;secret\n", i)
	}
	blocks := blocksOf(t, text.String(), dump.Options{BlockBytes: 16 << 10, Overlap: 256})
	if len(blocks) < 5 {
		t.Fatalf("%d blocks", len(blocks))
	}
	want := strings.TrimPrefix(text.String(), "\xef\xbb\xbf")[:4096]
	for i, b := range blocks {
		switch {
		case i == 0 && b.Head != nil:
			t.Error("the first block has its beginning twice")
		case i > 0 && string(b.Head) != want:
			t.Errorf("block %d: begins with %q", i, b.Head[:min(20, len(b.Head))])
		}
	}
}

func TestContextGoesFromBlockToBlock(t *testing.T) {
	text := strings.Repeat("a line of the document\n", 3000)
	seen := 0
	count := func(b risk.Block) []byte {
		if string(b.Context) != strings.Repeat("x", seen) {
			t.Errorf("block %d came with %q", seen, b.Context)
		}
		seen++
		return append(bytes.Clone(b.Context), 'x')
	}
	blocks := blocksOf(t, text, dump.Options{BlockBytes: 16 << 10, Overlap: 256, Context: count})
	for i, b := range blocks {
		if len(b.Context) != i {
			t.Errorf("block %d is given %q", i, b.Context)
		}
	}
	if seen != len(blocks) || seen < 4 {
		t.Errorf("asked %d times for %d blocks", seen, len(blocks))
	}
}

// The one line of a dump is cut where a row ends.
func TestLongLinesAreCutBetweenRows(t *testing.T) {
	for name, c := range map[string]struct{ row string }{
		"INSERT":           {"(%d,'jdoe@lab.example','so (it, is), they (say)'),"},
		"with blanks":      {"(%d, 'jdoe@lab.example', 'x'), "},
		"array of objects": {`{"id":%d,"of":[{"a":1},2],"email":"jdoe@lab.example"},`},
	} {
		var text strings.Builder
		for i := range 3000 {
			fmt.Fprintf(&text, c.row, i)
		}
		blocks := blocksOf(t, text.String(), dump.Options{BlockBytes: 16 << 10, Overlap: 64})
		for i, b := range blocks {
			if i > 0 && !bytes.HasPrefix(b.Body(), []byte(c.row[:strings.Index(c.row, "%d")])) {
				t.Errorf("%s: block %d begins with %.20q", name, i, b.Body())
			}
		}
		if len(blocks) < 5 {
			t.Errorf("%s: %d blocks", name, len(blocks))
		}
	}
	whole := strings.Repeat("x", 100<<10)
	for _, b := range blocksOf(t, whole, dump.Options{BlockBytes: 16 << 10, Overlap: 64}) {
		if n := len(b.Body()); n > 16<<10 {
			t.Errorf("a body of %d bytes", n)
		}
	}
}

// Objects that are written over many lines are not cut, as long as what is cut is smaller than a block.
func TestBordersStandBehindObjects(t *testing.T) {
	var text strings.Builder
	text.WriteString("[\n")
	for i := range 60 {
		fmt.Fprintf(&text, "  {\n    \"login\": \"user%d\",\n    \"orders\": [\n", i)
		for j := range 40 {
			fmt.Fprintf(&text, "      {\n        \"id\": %d\n      },\n", i*j)
		}
		fmt.Fprintf(&text, "      {}\n    ],\n    \"password\": \"invented-%d\"\n  },\n", i)
	}
	text.WriteString("  {}\n]\n")
	blocks := blocksOf(t, text.String(), dump.Options{BlockBytes: 16 << 10, Overlap: 64})
	if len(blocks) < 4 {
		t.Fatalf("%d blocks", len(blocks))
	}
	for i, b := range blocks[:len(blocks)-1] {
		body := string(b.Data[b.Lead : len(b.Data)-b.Trail])
		if !strings.HasSuffix(body, "\n  },\n") {
			t.Errorf("block %d ends in the middle of an object: %q", i, body[len(body)-40:])
		}
	}
}
