package dump

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/wardline/wardline/internal/risk"
)

// breaksDown gives a text and then breaks down as a decoder does over hostile bytes.
type breaksDown struct{ text io.Reader }

func (b breaksDown) Read(p []byte) (int, error) {
	n, err := b.text.Read(p)
	if err != nil {
		panic("index out of range")
	}
	return n, nil
}

// Whoever works on a block has its buffer, also when the decoder breaks down behind it.
func TestABufferThatWasHandedOnIsNotWrittenTo(t *testing.T) {
	line := bytes.Repeat([]byte("in flight\n"), 2000)
	var first, kept []byte
	w := &walk{ctx: t.Context(), o: Options{BlockBytes: 8000, Overlap: 100}.withDefaults(), at: resume{arrived: true}}
	w.visit = func(b risk.Block, _ []byte, _ []Skip) ([]byte, error) {
		if first == nil {
			first, kept = b.Data, bytes.Clone(b.Data)
		}
		return nil, nil
	}
	w.keys = newKeyring(w.ctx, w.o, "x", nil)
	w.buf = make([]byte, 0, 8200)
	if err := w.document("a", 1, source{reader: breaksDown{bytes.NewReader(line)}}); err == nil {
		t.Fatal("it did not break down")
	}
	if err := w.document("b", 1, source{reader: bytes.NewReader(bytes.Repeat([]byte("another\n"), 2000))}); err != nil {
		t.Fatal(err)
	}
	if first == nil || !bytes.Equal(first, kept) {
		t.Errorf("%.40q was written over by %.40q", kept, first)
	}
}

// Trying passwords reads nothing of the file, and may take minutes.
func TestTryingPasswordsEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	tried := 0
	err := newKeyring(ctx, Options{Passwords: []string{"a", "b", "c"}}.withDefaults(), "x", nil).open(1, func(string) bool {
		tried++
		cancel()
		return false
	})
	if tried != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d tried, error %v", tried, err)
	}
}
