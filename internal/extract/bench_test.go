package extract_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/wardline/wardline/internal/extract"
	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

// BenchmarkIndicators measures reading alone, with the hits known, for one hit in a hundred lines and one in each.
func BenchmarkIndicators(b *testing.B) {
	s := scanner(b)
	for _, every := range []int{100, 1} {
		data := lines(1<<20, every)
		var hits []match.Hit
		s.Scan(data, func(h match.Hit) { hits = append(hits, h) })
		block := risk.Block{Place: risk.Place{Line: 1}, Source: risk.SourceDrop, Data: data}
		b.Run(fmt.Sprintf("one hit in %d lines", every), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				extract.Indicators(s, block, hits, func(risk.Indicator) {})
			}
			b.ReportMetric(float64(len(hits))*float64(b.N)/b.Elapsed().Seconds(), "hits/s")
		})
	}
}

// BenchmarkTables measures rows of dumps on one line, each of which holds a hit.
func BenchmarkTables(b *testing.B) {
	s := scanner(b)
	for _, c := range []struct{ name, head, row string }{
		{"INSERT", "INSERT INTO u (id,name,email,pass) VALUES ", "(%d,'Jane O\\'Neil','user%[1]d@lab.example','secret%[1]d'),"},
		{"INSERT without a list", "INSERT INTO u VALUES ", "(%d,'Jane O\\'Neil','user%[1]d@lab.example','secret%[1]d'),"},
		{"JSON", "[", `{"id":{"$numberLong":"%d"},"name":"Jane","email":"user%[1]d@lab.example","password":"secret%[1]d"},`},
		{"CSV", "id,email,password\n", "%d,user%[1]d@lab.example,secret%[1]d\n"},
	} {
		var text bytes.Buffer
		text.WriteString(c.head)
		for i := 0; text.Len() < 1<<20; i++ {
			fmt.Fprintf(&text, c.row, i)
		}
		var hits []match.Hit
		s.Scan(text.Bytes(), func(h match.Hit) { hits = append(hits, h) })
		block := risk.Block{Place: risk.Place{Line: 1}, Source: risk.SourceDrop, Data: text.Bytes()}
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(text.Len()))
			b.ReportAllocs()
			for b.Loop() {
				extract.Indicators(s, block, hits, func(risk.Indicator) {})
			}
			b.ReportMetric(float64(len(hits))*float64(b.N)/b.Elapsed().Seconds(), "hits/s")
		})
	}
}

func lines(size, every int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < size; i++ {
		host := "shop.other.test"
		if i%every == 0 {
			host = "vpn.hospital.example"
		}
		fmt.Fprintf(&b, "https://%s/login/%d:user%d@mail.test:pa:ss%d\n", host, i, i, i)
	}
	return b.Bytes()
}

// BenchmarkStealerLog measures the records of stealer logs, with the facts of their machine, where one in a hundred is
// watched, and where each is.
func BenchmarkStealerLog(b *testing.B) {
	s := scanner(b)
	facts := []risk.Fact{{Name: risk.FactInfected, Value: "2023-11-01T11:57:58Z"}, {Name: risk.FactMachine, Value: "WARD-3"}, {Name: risk.FactUser, Value: "jane"}, {Name: risk.FactMalware, Value: "Vidar 7.4"}}
	for _, c := range []struct{ name, record string }{
		{"RedLine", "URL: https://%[2]s/login/%[1]d\nUsername: user%[1]d@mail.test\nPassword: pa:ss%[1]d\nApplication: Google_[Chrome]_Default\n===============\n"},
		{"Lumma", "SOFT: Chrome Default (120.0.6099.130)\r\nURL: https://%[2]s/login/%[1]d\r\nUSER: user%[1]d\r\nPASS: pa:ss%[1]d\r\n\r\n"},
		{"without separators", "URL: https://%[2]s/login/%[1]d\nUSER: user%[1]d\nPASS: pa:ss%[1]d\n"},
		{"in one line", "URL: https://%[2]s/login/%[1]d | Username: user%[1]d | Password: pa:ss%[1]d\n"},
		{"cookies", ".%[2]s\tTRUE\t/\tTRUE\t1790000000\tsession%[1]d\t0123456789abcdef0123456789abcdef0123456789abcdef\n"},
		{"JSON cookies", `{"domain":".%[2]s","expirationDate":1790000000.5,"hostOnly":false,"httpOnly":true,"name":"session%[1]d","path":"/","secure":true,"session":false,"storeId":"0","value":"0123456789abcdef0123456789abcdef"},`},
	} {
		for _, every := range []int{100, 1} {
			var text bytes.Buffer
			for i := 0; text.Len() < 1<<20; i++ {
				host := "portal.shop.test"
				if i%every == 0 {
					host = "portal.lab.example"
				}
				fmt.Fprintf(&text, c.record, i, host)
			}
			var hits []match.Hit
			s.Scan(text.Bytes(), func(h match.Hit) { hits = append(hits, h) })
			block := risk.Block{Place: risk.Place{Path: "Passwords.txt", Line: 1}, Source: risk.SourceDrop, Data: text.Bytes(), Facts: facts}
			b.Run(fmt.Sprintf("%s, one record in %d", c.name, every), func(b *testing.B) {
				b.SetBytes(int64(text.Len()))
				b.ReportAllocs()
				for b.Loop() {
					extract.Indicators(s, block, hits, func(risk.Indicator) {})
				}
				b.ReportMetric(float64(len(hits))*float64(b.N)/b.Elapsed().Seconds(), "hits/s")
			})
		}
	}
}
