package match

import (
	"strings"

	"github.com/wardline/wardline/internal/risk"
)

// lookalikeNames bounds how many names of ASCII letters that only look like watched ones are looked for, over all terms:
// each is one more in the filter, which must stay small enough for the cache. A list of a few hundred domains has them
// all; in one of tens of thousands each has its likeliest few, and in a longer one none. Look-alikes in other scripts
// cost nothing there and are always found.
const lookalikeNames = 16 << 10

// lookalikeEach is how many of them one name has at most.
const lookalikeEach = 24

// swaps are what is taken for something else in many typefaces, the likeliest first. Letters for letters count in longer
// labels only: short words differ in one letter from too many others.
var swaps = []struct {
	from, to string
	long     bool
}{
	{"o", "0", false}, {"l", "1", false}, {"i", "1", false}, {"0", "o", false}, {"1", "l", false},
	{"rn", "m", true}, {"m", "rn", true}, {"l", "i", true}, {"i", "l", true}, {"vv", "w", true}, {"w", "vv", true},
	{"cl", "d", true}, {"d", "cl", true},
	{"e", "3", false}, {"s", "5", false}, {"a", "4", false}, {"b", "8", false},
}

// longLabel is the length from which letters for letters count.
const longLabel = 6

// addLookalikes adds the names in ASCII that look like watched domains and hosts.
func (b *builder) addLookalikes() {
	hosts := 0
	for _, t := range b.terms {
		if t.Kind == risk.TermDomain || t.Kind == risk.TermHost {
			hosts++
		}
	}
	most := min(lookalikeNames/max(hosts, 1), lookalikeEach)
	if most == 0 {
		return
	}
	for i, t := range b.terms {
		if t.Kind != risk.TermDomain && t.Kind != risk.TermHost || strings.Contains(t.Value, "xn--") {
			continue
		}
		for _, name := range lookalikes(t.Value, most) {
			b.alike.addOther(name, uint32(i))
			b.addHostKey(name)
		}
	}
}

// lookalikes are at most most names that look like name. The last label, which nobody can choose, stays. Each is of one
// swap, at one place or at all of them.
func lookalikes(name string, most int) (found []string) {
	last := strings.LastIndexByte(name, '.')
	labels, rest := name[:last], name[last:]
	for _, swap := range swaps {
		places := swapPlaces(labels, swap.from, swap.long)
		for _, at := range places {
			found = append(found, labels[:at]+swap.to+labels[at+len(swap.from):]+rest)
		}
		if len(places) > 1 {
			found = append(found, strings.ReplaceAll(labels, swap.from, swap.to)+rest)
		}
		if len(found) >= most {
			return found[:most]
		}
	}
	return found
}

func swapPlaces(labels, from string, long bool) (places []int) {
	start := 0
	for label := range strings.SplitSeq(labels, ".") {
		for at := 0; !long || len(label) >= longLabel; {
			i := strings.Index(label[at:], from)
			if i < 0 {
				break
			}
			places = append(places, start+at+i)
			at += i + len(from)
		}
		start += len(label) + 1
	}
	return places
}
