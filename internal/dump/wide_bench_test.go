package dump

import (
	"bytes"
	"io"
	"testing"
)

// BenchmarkTextReader measures what looking for UTF-16 costs on text that holds none, beside reading alone.
func BenchmarkTextReader(b *testing.B) {
	text := bytes.Repeat([]byte("https://portal.test/login:jdoe@mail.example:secret1\n"), 8<<20/52)
	buf := make([]byte, 1<<20)
	for name, open := range map[string]func() io.Reader{
		"alone":      func() io.Reader { return bytes.NewReader(text) },
		"textReader": func() io.Reader { return newTextReader(text[:512], bytes.NewReader(text[512:])) },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for range b.N {
				in := open()
				for {
					if _, err := in.Read(buf); err != nil {
						break
					}
				}
			}
		})
	}
}
