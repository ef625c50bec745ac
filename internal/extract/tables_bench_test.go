package extract_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/extract"
	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

// BenchmarkDumps measures dumps of people, of whom one in ten is of a watched organisation: what is read of them with
// the hits known, and what is carried from block to block.
func BenchmarkDumps(b *testing.B) {
	s := scanner(b)
	for _, c := range []struct{ name, head, row string }{
		{"INSERT", "CREATE TABLE `u` (`id` int, `name` text, `street` text, `city` text, `email` text, `pass` text, `at` datetime);\nINSERT INTO `u` VALUES ",
			"(%d,'Jane O\\'Neil','12 Station Road','Little Whinging','%s','$2y$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234','2024-01-01 10:00:00'),"},
		{"COPY", "COPY u (id, name, street, city, email, pass, at) FROM stdin;\n",
			"%d\tJane O'Neil\t12 Station Road\tLittle Whinging\t%s\t$2y$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234\t2024-01-01 10:00:00\n"},
		{"CSV", "id,name,street,city,email,password,at\n",
			"%d,\"O'Neil, Jane\",12 Station Road,Little Whinging,%s,$2y$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234,2024-01-01 10:00:00\n"},
		{"JSON", "", `{"_id":{"$oid":"%024d"},"name":"Jane O'Neil","address":{"street":"12 Station Road","city":"Little Whinging"},"email":"%s","password":"$2y$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234"}` + "\n"},
	} {
		var text strings.Builder
		text.WriteString(c.head)
		for i := 0; text.Len() < 1<<20; i++ {
			mail := fmt.Sprintf("user%d@other.test", i)
			if i%10 == 0 {
				mail = fmt.Sprintf("user%d@lab.example", i)
			}
			fmt.Fprintf(&text, c.row, i, mail)
		}
		block := fromFile(text.String())
		var hits []match.Hit
		s.Scan(block.Data, func(h match.Hit) { hits = append(hits, h) })
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(block.Data)))
			b.ReportAllocs()
			for b.Loop() {
				extract.Indicators(s, block, hits, func(risk.Indicator) {})
				extract.Context(block)
			}
		})
	}
}
