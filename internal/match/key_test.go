package match

import (
	"encoding/binary"
	"testing"
)

func (t *nameTails) passes(token string) bool {
	word, bit := t.place([]byte(token[len(token)-maxTail:]))
	return binary.LittleEndian.Uint64(t.words[8*word:])>>bit&1 == 1
}

// TestNameTailsLetNamesPass: whatever may stand before a name, its end passes.
func TestNameTailsLetNamesPass(t *testing.T) {
	for last, names := range map[int][]string{
		6: {"ab.de", "abc.de", "abcd.de", "abcde.de", "abcdef.de"},
		7: {"abc.de", "abcd.de", "abcde.de", "abcdef.de"},
		8: {"abcd.de", "abcde.de", "abcdef.de", "abcdefg.de", "vpn.abcdefg.de"},
	} {
		for _, name := range names {
			tails := openNameTails(make([]byte, minNameTails), last)
			if !tails.add(name) {
				t.Errorf("%d: %s is refused", last, name)
			}
			for before := range 256 {
				if b := byte(before); b == '.' || !isLabel(b) {
					if token := "s://x.y" + string([]byte{b}) + name; !tails.passes(token) {
						t.Errorf("%d: %s does not pass in %q", last, name, token)
					}
				}
			}
			if len(name) >= last && tails.passes("http://bcdefgh.de") {
				t.Errorf("%d: %s lets bcdefgh.de pass", last, name)
			}
		}
	}
	tails := openNameTails(make([]byte, minNameTails), 8)
	if tails.add("hospital.example"); !tails.passes("HOSPITAL.EXAMPLE") {
		t.Error("capitals do not pass")
	}
	if tails.add("ab.de") {
		t.Error("a name for which nearly everything would pass")
	}
}

// TestNameTailsAreAsDeepAsTheNamesAllow: the last bytes of names tell more of them apart, unless some names are short.
func TestNameTailsAreAsDeepAsTheNamesAllow(t *testing.T) {
	var health, short []string
	for x := uint32(1); len(short) < 500; {
		var name [8]byte
		for i := range name {
			x = x*1664525 + 1013904223
			name[i] = 'a' + byte(x>>24)%26
		}
		health, short = append(health, string(name[:])+".health"), append(short, string(name[:])+".de")
	}
	for _, c := range []struct {
		names []string
		last  int
	}{
		{health, 8},
		{append(short, "abc.de"), 6},
		{[]string{"t.co"}, 0},
		{nil, 0},
	} {
		if tails := newNameTails(c.names); tails.last != c.last {
			t.Errorf("%d names: the last %d bytes choose, not %d", len(c.names), tails.last, c.last)
		}
	}
}
