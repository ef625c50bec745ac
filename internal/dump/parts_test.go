package dump

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestPartsOfOneFileAreOneGroup(t *testing.T) {
	for _, c := range []struct {
		names   string
		want    string // groups, each as its parts; - = one that is missing
		missing []string
	}{
		{"a.txt b.zip", "a.txt | b.zip", nil},
		{"d.zip.001 d.zip.002 d.zip.003", "d.zip.001 d.zip.002 d.zip.003", nil},
		{"d.7z.001 d.7z.003", "d.7z.001 - d.7z.003", []string{"its part 2 of 3 is missing"}},
		{"d.7z.002 d.7z.003 d.7z.004", "- d.7z.002 d.7z.003 d.7z.004", []string{"its part 1 of 4 is missing"}},
		{"d.z01 d.z02 d.zip e.zip", "d.z01 d.z02 d.zip | e.zip", nil},
		{"d.z01 d.z02", "d.z01 d.z02 -", []string{"its part 3 of 3 is missing"}},
		{"d.z02 d.zip", "- d.z02 d.zip", []string{"its part 1 of 3 is missing"}},
		{"d.part1.rar d.part2.rar d.part3.rar d.rar", "d.part1.rar d.part2.rar d.part3.rar | d.rar", nil},
		{"d.part01.exe d.part02.rar d.part10.rar", "d.part01.exe d.part02.rar - - - - - - - d.part10.rar", []string{"its parts 3, 4, 5, 6, 7, 8, 9 of 10 are missing"}},
		{"d.rar d.r00 d.r01", "d.rar d.r00 d.r01", nil},
		{"D.RAR D.R00", "D.RAR D.R00", nil},
		{"d.r00 d.r01", "- d.r00 d.r01", []string{"its part 1 of 3 is missing"}},
		{"d.tar.gz.aa d.tar.gz.ab d.tar.gz.ac", "d.tar.gz.aa d.tar.gz.ab d.tar.gz.ac", nil},
		{"d.aa", "d.aa", nil},                                   // alone it is a name like any other
		{"d.ab d.ac", "d.ab | d.ac", nil},                       // and so is what does not begin at the beginning
		{"log.2024", "log.2024", nil},                           // a year is no part
		{"log.2023 log.2024", "log.2023 | log.2024", nil},       // nor are two
		{"dump.001", "dump.001", nil},                           // a part, perhaps the only one
		{"ip.192.168.001 x.000", "ip.192.168.001 | x.000", nil}, // a part from 0 is not one
		{"a.001 b.001 b.002", "a.001 | b.001 b.002", nil},       // apart by their names
		{"x.001 x.0001", "x.0001 | x.001", nil},
		{"x.001 x.002 x.0001 x.0002", "x.0001 x.0002 | x.001 x.002", nil},
		{"x.998 x.999 x.1000", "x.1000 | x.998 | x.999", nil}, // hundreds are missing: they are files of their own
		{"d.part1.rar d.part01.rar d.part2.rar d.part02.rar", "d.part01.rar d.part02.rar | d.part1.rar d.part2.rar", nil},
		{"d.part1.rar d.PART1.RAR", "d.PART1.RAR | d.part1.rar", nil},
		{"d.rar d.r00 d.R00 D.rar", "D.rar | - d.r00 | d.rar d.R00", []string{"its part 1 of 2 is missing"}},
		{"host.r99x host.zip z.z00", "host.r99x | host.zip | z.z00", nil},
	} {
		var got, missing []string
		for _, g := range groupParts(strings.Fields(c.names)) {
			if len(g.Parts) == 1 && g.Parts[0] != g.Name {
				t.Errorf("%s: group %+v", c.names, g)
			}
			parts := slices.Clone(g.Parts)
			for i, p := range parts {
				if p == "" {
					parts[i] = "-"
				}
			}
			got = append(got, strings.Join(parts, " "))
			if g.Missing != "" {
				missing = append(missing, g.Missing)
			}
		}
		if strings.Join(got, " | ") != c.want || !slices.Equal(missing, c.missing) {
			t.Errorf("%s: %q, missing %q; want %q, %q", c.names, got, missing, c.want, c.missing)
		}
	}
}

func TestGroupsAreListedOnce(t *testing.T) {
	got := GroupParts([]string{"b.zip", "d.7z.001", "d.7z.003"})
	if want := "map[b.zip:[b.zip] d.7z.001:[d.7z.001 d.7z.003]]"; fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
}

func TestJoinedPartsAreReadAcrossTheirEnds(t *testing.T) {
	parts := []part{{strings.NewReader("abc"), 3}, {strings.NewReader(""), 0}, {strings.NewReader("defg"), 4}, {nil, 0}, {strings.NewReader("hi"), 2}}
	j := join(parts)
	if j.size != 13 {
		t.Errorf("size %d, want 13: the missing part counts as long as the others", j.size)
	}
	b := make([]byte, 5)
	if n, err := j.ReadAt(b, 1); n != 5 || err != nil || string(b) != "bcdef" {
		t.Errorf("%q, %d, %v", b[:n], n, err)
	}
	if n, err := j.ReadAt(b, 5); n != 2 || !errors.Is(err, errMissingPart) || string(b[:n]) != "fg" {
		t.Errorf("%q, %d, %v", b[:n], n, err)
	}
	if n, _ := j.ReadAt(b, 11); n != 2 || string(b[:n]) != "hi" {
		t.Errorf("%q, %d", b[:n], n)
	}
}
