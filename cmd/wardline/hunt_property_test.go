package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/wardline/wardline/internal/risk"
)

// cut has dumps read, and read again, in blocks of a size.
func (w *aviary) cut(again *countedTraces, block int) {
	d := w.steps.Dumps.(dumps)
	d.block = block
	w.steps.Dumps, again.Traces = d, traces{folder: again.Traces.(traces).folder, dumps: d}
}

// grown are terms of each kind that an index answers or does not; a look-alike and a subdomain stand in the dumps too.
func grown(r *rand.Rand) []risk.WatchTerm {
	var all []risk.WatchTerm
	for i, name := range []string{"meridian", "corvane", "otterly", "quillon", "nimbus", "vantor"} { // none looks like another
		terms := []risk.WatchTerm{
			{Kind: risk.TermDomain, Value: name + "-group.example"},
			{Kind: risk.TermHost, Value: "login.shared-" + name + ".example"},
			{Kind: risk.TermADDomain, Value: strings.ToUpper(name)},
			{Kind: risk.TermIP, Value: fmt.Sprintf("192.0.%d.0/24", 10+i)},
			{Kind: risk.TermAccount, Value: name + ".desk@webmail.example"},
			{Kind: risk.TermBrand, Value: "Grüne " + name},
		}
		for _, t := range terms {
			t.Supplier = name
			all = append(all, t)
		}
	}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// leakOf writes a term as dumps do: plain, escaped, or as a look-alike.
func leakOf(r *rand.Rand, t risk.WatchTerm, n int) string {
	user, value := fmt.Sprintf("user%d", n), t.Value
	switch t.Kind {
	case risk.TermDomain:
		forms := []string{
			user + "@" + value + ":invented-1",
			"https://vpn." + value + "/in:" + user + "@" + strings.ToUpper(value) + ":invented-2",
			url.QueryEscape("https://"+value+"/?next=/a") + ":" + user + "%40" + value + ":invented-3",
			user + "&#64;" + value + ":invented-4",
			user + "[at]" + strings.ReplaceAll(value, ".", "[dot]") + ":invented-5",
			`{"email":"` + user + `\u0040` + value + `","password":"invented-6"}`,
			user + "@" + strings.Replace(value, "p", "р", 1) + ":invented-7", // a Cyrillic letter
			user + "@" + strings.Replace(value, "l", "1", 1) + ":invented-8",
		}
		return forms[r.IntN(len(forms))]
	case risk.TermADDomain:
		return value + `\` + user + ":invented-9"
	case risk.TermIP:
		return fmt.Sprintf("http://%s.%d:8443/:%s:invented-10", strings.TrimSuffix(value, ".0/24"), 1+r.IntN(200), user)
	case risk.TermAccount:
		return value + ":invented-11"
	case risk.TermBrand:
		return "somebody sells " + strings.ToUpper(value) + " here"
	}
	return "https://" + value + "/:" + user + ":invented-12"
}

// leakedText hides leaks of the terms among lines about nobody.
func leakedText(r *rand.Rand, terms []risk.WatchTerm) []byte {
	var out bytes.Buffer
	for n := range 40 {
		fmt.Fprintf(&out, "%s\n", leakOf(r, terms[r.IntN(len(terms))], n))
		for range r.IntN(300) {
			fmt.Fprintf(&out, "nobody%d@elsewhere%d.example:invented\n", r.IntN(1000), r.IntN(50))
		}
	}
	return out.Bytes()
}

// packed puts a text into one of the containers and encodings in which dumps come.
func packed(t *testing.T, r *rand.Rand, text []byte) (name string, data []byte) {
	t.Helper()
	var out bytes.Buffer
	switch r.IntN(4) {
	case 0:
		return "dump.txt", text
	case 1:
		wide := utf16.Encode([]rune(string(text)))
		out.Write([]byte{0xff, 0xfe})
		for _, u := range wide {
			out.Write([]byte{byte(u), byte(u >> 8)})
		}
		return "dump-wide.txt", out.Bytes()
	case 2:
		w := gzip.NewWriter(&out)
		if _, err := w.Write(text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return "dump.txt.gz", out.Bytes()
	}
	w := zip.NewWriter(&out)
	for i, part := range [][]byte{text[:len(text)/2], text[len(text)/2:]} {
		f, err := w.Create(fmt.Sprintf("part%d.txt", i))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return "dump.zip", out.Bytes()
}

// However dumps are written and packed, cut into blocks, and the watchlist grows: a scan with some terms and a hunt for the
// others find what one scan with all of them finds. What the first scan took for a look-alike stays, though with all terms
// it would have been told as something else.
func TestHuntsFindWhatOneScanFinds(t *testing.T) {
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 21))
		all := grown(r)
		dumps := map[string][]byte{}
		for range 2 {
			name, data := packed(t, r, leakedText(r, all))
			dumps[name] = data
		}
		block := []int{4 << 10, 64 << 10, 0}[r.IntN(3)]
		run := func(steps ...[]risk.WatchTerm) (after []string) {
			w, again := newHunted(t)
			w.cut(again, block)
			for name, data := range dumps {
				w.must(os.WriteFile(filepath.Join(w.drop, name), data, 0o600))
			}
			for _, terms := range steps {
				w.addTerms(terms)
				w.settle()
				after = append(after, w.exposed())
			}
			return after
		}
		a := 1 + r.IntN(len(all)-1)
		grew, want := run(all[:a], all[a:]), run(all)[0]
		first, got := grew[0], grew[1]
		missed, more := onlyIn(want, got), onlyIn(onlyIn(got, want), first)
		if missed != "" || more != "" || strings.Count(want, "\n") < 15 {
			t.Errorf("seed %d, blocks of %d, %d terms at first: the hunt missed\n%s\nand found what no scan finds\n%s", seed, block, a, missed, more)
		}
	}
}

// onlyIn are the lines of one text that another lacks.
func onlyIn(text, other string) string {
	lines := strings.Split(other, "\n")
	return strings.Join(slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool { return slices.Contains(lines, line) }), "\n")
}
