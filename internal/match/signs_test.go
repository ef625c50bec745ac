package match

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestSignsAreFoundByEveryKernel holds whatever kernel this processor uses against a byte-by-byte reading, and so the
// portable one.
func TestSignsAreFoundByEveryKernel(t *testing.T) {
	agree := func(t rapid.TB, text []byte) {
		t.Helper()
		n := len(text) / blockBytes
		var want signs
		for i, b := range text[:n*blockBytes] {
			followed := i%blockBytes < blockBytes-1 && strings.IndexByte(escapeSigns, text[i+1]) >= 0
			if strings.IndexByte(escapeSigns, b) >= 0 && (b == '\\' || !followed) {
				want[i/blockBytes] |= 1 << (i % blockBytes)
			}
		}
		for name, find := range map[string]func(*signs, []byte, int) uint64{"portable": findSignsPortable, "in use": findSigns} {
			var found, got signs
			groups := find(&found, text, n)
			for b := range n {
				if groups>>(b/signGroup)&1 != 0 {
					got[b] = found[b]
				}
			}
			if got != want {
				t.Fatalf("%s kernel on %q\n got %x\nwant %x", name, text, got, want)
			}
		}
	}
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	agree(t, all)
	agree(t, make([]byte, chunkBytes))
	rapid.Check(t, func(t *rapid.T) {
		agree(t, rapid.SliceOfN(rapid.Byte(), 0, 6*blockBytes).Draw(t, "text"))
		agree(t, rapid.SliceOfN(rapid.SampledFrom([]byte(escapeSigns+"=\\.aZ")), 0, 9*blockBytes).Draw(t, "signs"))
	})
}

func BenchmarkFindSigns(b *testing.B) {
	text := bytes.Repeat([]byte("https://portal.test/login:jdoe@mail.example:secret1\n"), chunkBytes/52+1)[:chunkBytes]
	var found signs
	b.SetBytes(chunkBytes)
	for range b.N {
		findSigns(&found, text, chunkBlocks)
	}
}
