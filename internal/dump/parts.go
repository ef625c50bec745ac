package dump

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/wardline/wardline/internal/risk"
)

// partGroup is a file that came in several parts, or a single one.
type partGroup struct {
	Name    string   // of the first part that there is, under which it is listed
	Parts   []string // in order; "" = one that is missing
	Missing string   // what is missing, in one sentence; "" = nothing is known to be
}

// groupParts puts the names of one folder together that are parts of one file. Names that are not stand for themselves.
// Groups are in the order of their names.
func groupParts(names []string) []partGroup {
	sets := map[string]*partSet{}
	var groups []partGroup
	for _, name := range slices.Sorted(slices.Values(names)) {
		p := partOf(name)
		if p.style == noPart {
			groups = append(groups, partGroup{Name: name, Parts: []string{name}})
			continue
		}
		s := setOf(sets, p)
		s.names[p.number] = name
	}
	lastOfSplit(sets, &groups)
	for _, s := range sets {
		groups = append(groups, s.groups()...)
	}
	slices.SortFunc(groups, func(a, b partGroup) int { return cmp.Compare(a.Name, b.Name) })
	return groups
}

// setOf is the set that a name belongs to. x.001 is none of x.0001's, but x.1000 may follow x.999; and names that differ in
// nothing that counts are of different sets.
func setOf(sets map[string]*partSet, p partName) *partSet {
	key := p.key
	for width := p.width; width > 0; width-- {
		if padded := p.key + ":" + strconv.Itoa(width); p.padded || sets[padded] != nil {
			key = padded
			break
		}
	}
	for sets[key] != nil && sets[key].names[p.number] != "" {
		key += "'"
	}
	if sets[key] == nil {
		sets[key] = &partSet{style: p.style, names: map[int]string{}}
	}
	return sets[key]
}

// GroupParts is groupParts for who lists files: the names under which files are to be listed, and for each the names of
// all its parts where there are several.
func GroupParts(names []string) map[string][]string {
	listed := map[string][]string{}
	for _, g := range groupParts(names) {
		listed[g.Name] = slices.DeleteFunc(slices.Clone(g.Parts), func(p string) bool { return p == "" })
	}
	return listed
}

type partStyle int

const (
	noPart     partStyle = iota
	partRaw              // x.001, x.002: cut anywhere
	partLetter           // x.aa, x.ab: as split does
	partRAR              // x.part1.rar, x.part2.rar
	partOldRAR           // x.rar, x.r00, x.r01
	partZip              // x.z01, x.z02, and x.zip at the end
)

var (
	rawPart    = regexp.MustCompile(`^(.+)\.(\d{3,4})$`)
	letterPart = regexp.MustCompile(`^(.+)[.\-_](a[a-z])$`)
	rarPart    = regexp.MustCompile(`(?i)^(.+)\.part(\d{1,5})\.(rar|exe)$`)
	oldRARPart = regexp.MustCompile(`(?i)^(.+)\.([r-z])(\d\d)$`)
	zipPart    = regexp.MustCompile(`(?i)^(.+)\.z(\d{2,5})$`)
)

// partName is what a name says that it is a part of.
type partName struct {
	key    string
	number int // from 0
	width  int // of the number as it is written
	padded bool
	style  partStyle
}

func partOf(name string) partName {
	if m := zipPart.FindStringSubmatch(name); m != nil && atoi(m[2]) > 0 {
		return numbered("zip:"+m[1], m[2], partZip)
	}
	if m := rarPart.FindStringSubmatch(name); m != nil && atoi(m[2]) > 0 {
		return numbered("rar:"+m[1], m[2], partRAR)
	}
	if m := oldRARPart.FindStringSubmatch(name); m != nil {
		return partName{key: "old:" + m[1], number: 1 + atoi(m[3]) + 100*int(strings.ToLower(m[2])[0]-'r'), style: partOldRAR}
	}
	if m := rawPart.FindStringSubmatch(name); m != nil && atoi(m[2]) > 0 {
		return numbered("raw:"+m[1], m[2], partRaw)
	}
	if m := letterPart.FindStringSubmatch(name); m != nil {
		return partName{key: "let:" + m[1], number: int(m[2][1] - 'a'), style: partLetter}
	}
	return partName{}
}

func numbered(key, digits string, style partStyle) partName {
	return partName{key: key, number: atoi(digits) - 1, width: len(digits), padded: digits[0] == '0', style: style}
}

func atoi(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}

type partSet struct {
	style partStyle
	names map[int]string
	last  string // of a split zip: the file that ends it
}

// maxGroup is how many parts a file may have, and the most that can be missing between two.
const maxGroup = 10_000

// lastOfSplit finds the files with a usual name that belong to parts: x.zip ends x.z01, x.rar begins x.r00.
func lastOfSplit(sets map[string]*partSet, groups *[]partGroup) {
	*groups = slices.DeleteFunc(*groups, func(g partGroup) bool {
		ext := path.Ext(g.Name)
		base := strings.TrimSuffix(g.Name, ext)
		switch strings.ToLower(ext) {
		case ".zip", ".zipx":
			if s := free(sets, "zip:"+base, func(s *partSet) bool { return s.last == "" }); s != nil {
				s.last = g.Name
				return true
			}
		case ".rar", ".exe":
			if s := free(sets, "old:"+base, func(s *partSet) bool { return s.names[0] == "" }); s != nil {
				s.names[0] = g.Name
				return true
			}
		}
		return false
	})
}

// free is the first set of a key that lacks something.
func free(sets map[string]*partSet, key string, lacks func(*partSet) bool) *partSet {
	const widest = 5
	for width := range widest + 1 {
		name := key
		if width > 0 {
			name += ":" + strconv.Itoa(width)
		}
		for ; sets[name] != nil; name += "'" {
			if lacks(sets[name]) {
				return sets[name]
			}
		}
	}
	return nil
}

// groups is one group, unless the names do not look like parts after all.
func (s *partSet) groups() []partGroup {
	numbers := make([]int, 0, len(s.names))
	for n := range s.names {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	end := numbers[len(numbers)-1] + 1
	alone := len(numbers) == 1 && s.last == ""
	gone := end - len(numbers)
	if s.style == partLetter && (alone || numbers[0] != 0) || s.style == partRaw && alone && numbers[0] != 0 || end > maxGroup || gone > len(numbers)+100 {
		return s.single(numbers)
	}
	g := partGroup{Parts: make([]string, end)}
	for n, name := range s.names {
		g.Parts[n] = name
	}
	if s.style == partZip {
		g.Parts = append(g.Parts, s.last)
	}
	first := slices.IndexFunc(g.Parts, func(p string) bool { return p != "" })
	g.Name = g.Parts[first]
	g.Missing = s.missing(g.Parts)
	return []partGroup{g}
}

func (s *partSet) single(numbers []int) (groups []partGroup) {
	for _, n := range numbers {
		groups = append(groups, partGroup{Name: s.names[n], Parts: []string{s.names[n]}})
	}
	if s.last != "" {
		groups = append(groups, partGroup{Name: s.last, Parts: []string{s.last}})
	}
	return groups
}

func (s *partSet) missing(parts []string) string {
	var gone []string
	for i, p := range parts {
		if p == "" {
			gone = append(gone, strconv.Itoa(i+1))
		}
	}
	switch {
	case len(gone) == 0:
		return ""
	case len(gone) > 20:
		return fmt.Sprintf("%d of its parts are missing", len(gone))
	case len(gone) == 1:
		return fmt.Sprintf("its part %s of %d is missing", gone[0], len(parts))
	}
	return fmt.Sprintf("its parts %s of %d are missing", strings.Join(gone, ", "), len(parts))
}

var errMissingPart = errors.New("it goes on in a part that is missing")

// part is one file of several. One that is missing has no reader and the size that the others have.
type part struct {
	at   io.ReaderAt
	size int64
}

// joined is the files of a group, one behind the other.
type joined struct {
	parts  []part
	starts []int64
	size   int64
}

func join(parts []part) *joined {
	j := &joined{parts: parts}
	usual := int64(0) // of all but the last
	for i, p := range parts {
		if p.at != nil && (i+1 < len(parts) || usual == 0) {
			usual = max(usual, p.size)
		}
	}
	for i := range parts {
		j.starts = append(j.starts, j.size)
		if parts[i].at == nil {
			parts[i].size = usual
		}
		j.size += parts[i].size
	}
	return j
}

func (j *joined) ReadAt(b []byte, off int64) (n int, err error) {
	for n < len(b) {
		pos := off + int64(n)
		if pos >= j.size {
			return n, io.EOF
		}
		i, found := slices.BinarySearch(j.starts, pos)
		if !found {
			i--
		}
		for j.parts[i].size == 0 { // several begin at one place where some are empty
			i++
		}
		p := j.parts[i]
		if p.at == nil {
			return n, errMissingPart
		}
		m, err := p.at.ReadAt(b[n:n+int(min(int64(len(b)-n), p.size-(pos-j.starts[i])))], pos-j.starts[i])
		if n += m; m == 0 {
			return n, cutShort(err)
		}
	}
	return n, nil
}

// headless reads a file whose first part is missing: a zip by the directory at its end, all others from the first part
// that there is.
func (w *walk) headless(entry string, depth int, src source) error {
	if _, err := findZipDirectory(src.at, src.size, src.parts); err == nil {
		return w.zip(entry, depth, src)
	}
	for i, start := range src.parts {
		var b [1]byte
		if n, _ := src.at.ReadAt(b[:], start); n == 0 {
			continue
		}
		rest := io.NewSectionReader(src.at, start, src.size-start)
		next := source{reader: rest, at: rest, size: src.size - start}
		for _, s := range src.parts[i:] {
			next.parts = append(next.parts, s-start)
		}
		return w.document(entry, depth, next)
	}
	return errMissingPart
}

// learnParts notes which files of a folder are parts of one.
func (w *walk) learnParts(folder string) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return // the walk says so
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	for _, g := range groupParts(names) {
		if len(g.Parts) == 1 {
			continue
		}
		if w.parts == nil {
			w.parts = map[string]*partGroup{}
		}
		for _, name := range g.Parts {
			if name != "" {
				w.parts[filepath.Join(folder, name)] = &g
			}
		}
	}
}

// partsBeside looks for the other parts of a file that is to be read by itself.
func (w *walk) partsBeside(file string) {
	if partOf(filepath.Base(file)).style == noPart {
		ext := filepath.Ext(file)
		next := map[string]string{".zip": ".z01", ".rar": ".r00"}[strings.ToLower(ext)]
		if next == "" {
			return
		}
		if _, err := os.Lstat(strings.TrimSuffix(file, ext) + next); err != nil {
			return
		}
	}
	w.learnParts(filepath.Dir(file))
}

// group is the files of a group as one, named by the first.
func (w *walk) group(folder string, g *partGroup) found {
	f := found{File: risk.File{Path: filepath.Join(folder, g.Name)}}
	listed := make([]fs.FileInfo, len(g.Parts))
	for i, name := range g.Parts {
		if name == "" {
			continue
		}
		file := filepath.Join(folder, name)
		info, err := os.Lstat(file)
		if err == nil && !info.Mode().IsRegular() {
			err = errors.New("it is not a regular file")
		}
		if err != nil {
			w.skipFile(file, err)
			continue
		}
		listed[i] = info
		one := newFile(file, info)
		f.Bytes += one.Bytes
		if one.Modified.After(f.Modified) {
			f.Modified = one.Modified
		}
	}
	f.open = func() (opened, error) { return w.openGroup(folder, g, listed) }
	return f
}

func (w *walk) openGroup(folder string, g *partGroup, listed []fs.FileInfo) (opened, error) {
	parts := make([]part, len(g.Parts))
	var files closers
	for i, name := range g.Parts {
		if listed[i] == nil {
			continue
		}
		file := filepath.Join(folder, name)
		f, err := openRegular(file, listed[i])
		if err != nil {
			w.skipFile(file, err)
			continue
		}
		files = append(files, f)
		parts[i] = part{at: f, size: f.size}
	}
	if g.Missing != "" {
		w.skipFile(filepath.Join(folder, g.Name), errors.New(g.Missing+"; the rest was read as far as it goes"))
	}
	j := join(parts)
	o := opened{content: io.NewSectionReader(j, 0, j.size), Closer: files, size: j.size}
	if len(parts) > 1 {
		o.parts = j.starts
	}
	return o, nil
}

type closers []io.Closer

func (c closers) Close() error {
	var errs []error
	for _, f := range c {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
