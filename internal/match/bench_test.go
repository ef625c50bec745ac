package match_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

const benchBytes = 16 << 20

func benchWord(r *rand.Rand) string {
	const letters = "aabcdeefghiijklmnooprstuvwz"
	b := make([]byte, 4+r.IntN(9))
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return string(b)
}

func benchTerms(b *testing.B, r *rand.Rand, n int) []risk.WatchTerm {
	tlds := []string{"com", "de", "org", "co.uk", "example", "health"}
	terms := make([]risk.WatchTerm, n)
	for i := range terms {
		if i%5 == 4 {
			terms[i] = term(b, risk.TermBrand, benchWord(r)+" "+benchWord(r))
		} else {
			terms[i] = term(b, risk.TermDomain, benchWord(r)+benchWord(r)+"."+tlds[r.IntN(len(tlds))])
		}
	}
	return terms
}

// benchText is a mix of url:login:password lines and combolists with a skewed choice of hosts.
func benchText(r *rand.Rand, terms []risk.WatchTerm) []byte {
	hosts := make([]string, 20000)
	for i := range hosts {
		hosts[i] = benchWord(r) + []string{".com", ".net", ".de", ".com.br", ".co.uk", ".ru"}[r.IntN(6)]
	}
	zipf := rand.NewZipf(r, 1.2, 4, uint64(len(hosts)-1))
	var text bytes.Buffer
	for text.Len() < benchBytes {
		host := hosts[zipf.Uint64()]
		if r.IntN(10000) == 0 {
			host = terms[r.IntN(len(terms))].Value
		}
		if r.IntN(2) == 0 {
			fmt.Fprintf(&text, "https://www.%s/%s/login.php:%s.%s%d@%s:%s%d!\n", host, benchWord(r), benchWord(r), benchWord(r), r.IntN(99), hosts[zipf.Uint64()], benchWord(r), r.IntN(9999))
		} else {
			fmt.Fprintf(&text, "%s%d@%s:%s%d\n", benchWord(r), r.IntN(999), host, benchWord(r), r.IntN(9999))
		}
	}
	return text.Bytes()
}

func BenchmarkScan(b *testing.B) {
	for _, n := range []int{100, 10000, 1000000} {
		for _, set := range []string{"all", "domains"} {
			b.Run(fmt.Sprintf("%s/%d", set, n), func(b *testing.B) {
				r := rand.New(rand.NewPCG(1, uint64(n)))
				terms := benchTerms(b, r, n)
				text := benchText(r, terms)
				if set == "domains" {
					terms = onlyDomains(terms)
				}
				s, err := match.Compile(terms)
				if err != nil {
					b.Fatal(err)
				}
				hits := 0
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				b.ResetTimer()
				before := cpuTime(b)
				for range b.N {
					s.Scan(text, func(match.Hit) { hits++ })
				}
				b.ReportMetric(float64(hits)/float64(b.N), "hits/op")
				b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N)/float64(len(text)), "cpu-s/GB")
			})
		}
	}
}

// cpuTime is what this process has taken so far: other programs on the machine do not lengthen it.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func onlyDomains(terms []risk.WatchTerm) (out []risk.WatchTerm) {
	for _, t := range terms {
		if t.Kind == risk.TermDomain {
			out = append(out, t)
		}
	}
	return out
}
