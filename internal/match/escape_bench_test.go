package match

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wardline/wardline/internal/risk"
)

// BenchmarkEscapes measures what escapes cost: each text is scanned with and without looking for them, turn and turn
// about, and "x" is by how much the best time with them is longer. Plain text holds none; in the others they stand as
// densely as such text ever has them, and in noise.
func BenchmarkEscapes(b *testing.B) {
	var terms []risk.WatchTerm
	for i := range 10_000 {
		w, err := risk.NewWatchTerm(risk.TermDomain, fmt.Sprintf("supplier%d-clinic.example", i*7919))
		if i%5 == 4 {
			w, err = risk.NewWatchTerm(risk.TermBrand, fmt.Sprintf("Supplier%dx Clinic", i*7919))
		}
		if err != nil {
			b.Fatal(err)
		}
		terms = append(terms, w)
	}
	s, err := Compile(terms)
	if err != nil {
		b.Fatal(err)
	}
	noise := make([]byte, 1<<20)
	for i, x := 0, uint32(1); i < len(noise); i++ {
		x = x*1664525 + 1013904223
		noise[i] = byte(x >> 24)
	}
	texts := map[string][]byte{
		"plain":     []byte("https://portal.test/login:jdoe.smith@mail.example:Secret1!\n"),
		"queries":   []byte("https://portal.test/login?a=1&next=https%3A%2F%2Fmail.test%2Fx%3Fy%3D1&z=2:jdoe@mail.example:Secret1!\n"),
		"JSON":      []byte(`{"url":"https:\/\/portal.test\/login","text":"one\r\ntwo\tthree","name":"Gr\u00f6\u00dfe"},`),
		"HTML":      []byte("<a href=&quot;https://portal.test/?a=1&amp;b=2&quot;>Gr&ouml;&szlig;e&nbsp;&#64;</a>\n"),
		"all of it": []byte("%61%62%2e"),
		"signs":     []byte(`%&\=[(`),
		"Latin-1":   []byte("M\xfcller stra\xdfe jdoe@mail.example:Gr\xf6\xdfe\n"),
		"noise":     noise,
	}
	for name, piece := range texts {
		text := bytes.Repeat(piece, max(1, (1<<20)/len(piece)))
		b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			with, without := time.Duration(1<<62), time.Duration(1<<62)
			for range b.N {
				without = min(without, timed(func() { s.scanPlain(text) }))
				with = min(with, timed(func() { s.Scan(text, func(Hit) {}) }))
			}
			b.ReportMetric(float64(with)/float64(without), "x")
			b.ReportMetric(float64(len(text))/with.Seconds()/1e9, "GB/s")
		})
	}
}

// timed is the time of this process: other programs on the machine do not lengthen it.
func timed(run func()) time.Duration {
	start := processTime()
	run()
	return processTime() - start
}

func processTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}

func (s *Scanner) scanPlain(text []byte) {
	c := s.pool.Get().(*cursor)
	defer s.pool.Put(c)
	c.decoded = true
	c.start(s, text)
	c.run()
	c.decoded = false
}
