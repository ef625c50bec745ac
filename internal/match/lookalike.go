package match

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// confusables are the letters that are taken for an ASCII letter: the lower-case ones of the scripts in which
// look-alike names are registered. The full list of Unicode TR 39 is far longer.
var confusables = invert(map[rune]string{
	'a': "аαɑа", 'b': "ƅь", 'c': "сϲⅽⲥ", 'd': "ԁɗđⅾժ", 'e': "еεєҽɛ", 'f': "ƒғք", 'g': "ɡցɢ", 'h': "һհʜħի",
	'i': "іιıɩɪⅰ", 'j': "јϳյ", 'k': "кκқĸ", 'l': "ӏłⅼʟլ", 'm': "мⅿ", 'n': "пηոռɴ", 'o': "оοօøσɵⲟ", 'p': "рρϱⲣþ",
	'q': "ԛզգ", 'r': "гʀг", 's': "ѕꜱ", 't': "тτŧ", 'u': "υսʋ", 'v': "ѵνⅴ", 'w': "ԝωա", 'x': "хχⅹⲭ", 'y': "уγүʏ", 'z': "ᴢʐ",
})

func invert(in map[rune]string) map[rune]rune {
	out := map[rune]rune{}
	for ascii, letters := range in {
		for _, r := range letters {
			out[r] = ascii
		}
	}
	return out
}

// appendSkeleton writes what a folded host name looks like: punycode labels decoded, characters that show nothing
// left out, accents taken off, foreign letters replaced by the ASCII letters that they are taken for.
func appendSkeleton(dst, host []byte) []byte {
	for len(host) > 0 {
		label := host
		if dot := bytes.IndexByte(host, '.'); dot >= 0 {
			label = host[:dot+1]
		}
		host = host[len(label):]
		dst = appendLabelSkeleton(dst, label)
	}
	return dst
}

func appendLabelSkeleton(dst, label []byte) []byte {
	name := bytes.TrimSuffix(label, []byte("."))
	var runes [64]rune
	if decoded, ok := decodePunycode(runes[:0], name); ok {
		for _, r := range decoded {
			dst = appendRuneSkeleton(dst, foldRune(r))
		}
		if len(name) < len(label) {
			dst = append(dst, '.')
		}
		return dst
	}
	for len(label) > 0 {
		r, n := utf8.DecodeRune(label)
		if r == utf8.RuneError && n <= 1 {
			dst = append(dst, label[0])
		} else {
			dst = appendRuneSkeleton(dst, r)
		}
		label = label[n:]
	}
	return dst
}

func appendRuneSkeleton(dst []byte, r rune) []byte {
	if r < utf8.RuneSelf {
		return append(dst, byte(r))
	}
	if ignorable(r) || unicode.Is(unicode.Mn, r) {
		return dst
	}
	if as, ok := confusables[r]; ok {
		return utf8.AppendRune(dst, as)
	}
	var in [utf8.UTFMax]byte
	if parts := norm.NFKD.Properties(in[:utf8.EncodeRune(in[:], r)]).Decomposition(); len(parts) > 0 {
		base, _ := utf8.DecodeRune(parts)
		return appendRuneSkeleton(dst, base)
	}
	return utf8.AppendRune(dst, r)
}

func skeleton(host string) string { return string(appendSkeleton(nil, []byte(host))) }

// decodePunycode decodes one lower-case label that begins with xn-- (RFC 3492) into dst, without allocating while it
// fits. It reports false for any other label and for a broken one.
func decodePunycode(dst []rune, label []byte) ([]rune, bool) {
	code, ok := bytes.CutPrefix(label, []byte("xn--"))
	if !ok || len(code) == 0 || len(code) > 63 {
		return dst, false
	}
	if dash := bytes.LastIndexByte(code, '-'); dash > 0 {
		for _, b := range code[:dash] {
			dst = append(dst, rune(b))
		}
		code = code[dash+1:]
	}
	n, i, bias := 128, 0, 72
	for len(code) > 0 {
		before, weight := i, 1
		for k := 36; ; k += 36 {
			if len(code) == 0 {
				return dst, false
			}
			digit := punycodeDigit(code[0])
			code = code[1:]
			if digit < 0 {
				return dst, false
			}
			i += digit * weight
			t := min(max(k-bias, 1), 26)
			if digit < t {
				break
			}
			if weight *= 36 - t; weight > 1<<26 || i > 1<<26 {
				return dst, false
			}
		}
		size := len(dst) + 1
		bias = adaptBias(i-before, size, before == 0)
		n += i / size
		i %= size
		if n > unicode.MaxRune || len(dst) == cap(dst) {
			return dst, false
		}
		dst = append(dst, 0)
		copy(dst[i+1:], dst[i:])
		dst[i] = rune(n)
		i++
	}
	return dst, true
}

func punycodeDigit(b byte) int {
	switch {
	case b-'a' < 26:
		return int(b - 'a')
	case b-'0' < 10:
		return int(b-'0') + 26
	}
	return -1
}

func adaptBias(delta, size int, first bool) int {
	if first {
		delta /= 700
	} else {
		delta /= 2
	}
	delta += delta / size
	k := 0
	for ; delta > 35*26/2; k += 36 {
		delta /= 35
	}
	return k + 36*delta/(delta+38)
}

// unicodeForm is a watched name in Unicode, lower case and composed, or "" when it has none.
func unicodeForm(ascii string) string {
	if !strings.Contains(ascii, "xn--") {
		return ""
	}
	labels := strings.Split(ascii, ".")
	for i, label := range labels {
		if runes, ok := decodePunycode(make([]rune, 0, 64), []byte(label)); ok {
			labels[i] = norm.NFKC.String(foldText(string(runes)))
		}
	}
	return strings.Join(labels, ".")
}
