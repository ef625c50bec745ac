package match

import (
	"testing"

	"pgregory.net/rapid"
)

// TestKernelsAgree holds whatever kernel this processor uses against a byte-by-byte reading, and so the portable one.
func TestKernelsAgree(t *testing.T) {
	kernels := map[string]func([]byte, *planes, int){"portable": classifyPortable, "in use": classify}
	agree := func(t rapid.TB, text []byte) {
		t.Helper()
		n := len(text) / blockBytes
		want := planes{}
		for i, b := range text[:n*blockBytes] {
			bit := uint64(1) << (i % blockBytes)
			for plane, is := range map[*uint64]bool{
				&want.label[i/blockBytes+1]: isLabel(b), &want.word[i/blockBytes+1]: isWord(b),
				&want.dot[i/blockBytes+1]: b == '.', &want.high[i/blockBytes+1]: b >= 0x80,
			} {
				if is {
					*plane |= bit
				}
			}
		}
		for name, kernel := range kernels {
			var got planes
			kernel(text, &got, n)
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
	rapid.Check(t, func(t *rapid.T) {
		agree(t, rapid.SliceOfN(rapid.Byte(), 0, 6*blockBytes).Draw(t, "text"))
	})
	agree(t, make([]byte, chunkBytes))
}
