package match

import (
	"encoding/binary"
	"testing"
)

// TestNameTailsLetNamesPass: whatever may stand before a name, the eight bytes before its end pass.
func TestNameTailsLetNamesPass(t *testing.T) {
	passes := func(words []byte, token string) bool {
		tails := openNameTails(words)
		word, bit := tails.place(binary.LittleEndian.Uint64([]byte(token[len(token)-8:])))
		return binary.LittleEndian.Uint64(words[8*word:])>>bit&1 == 1
	}
	for _, name := range []string{"ab.de", "abc.de", "abcd.de", "abcde.de", "vpn.abcde.de"} {
		words := newNameTails([]string{name})
		for before := range 256 {
			if b := byte(before); b == '.' || !isLabel(b) {
				if token := "://y" + string([]byte{b}) + name; !passes(words, token) {
					t.Errorf("%s is refused in %q", name, token)
				}
			}
		}
		if len(name) >= 8 && !passes(words, "//VPN.ABCDE.DE") {
			t.Errorf("%s is refused in capitals", name)
		}
		if len(name) > 5 && passes(words, "xy.bcdef.de") {
			t.Errorf("%s lets bcdef.de pass", name)
		}
	}
	if words := newNameTails([]string{"t.co"}); words != nil {
		t.Error("a filter for a name that nearly everything would pass")
	}
}
