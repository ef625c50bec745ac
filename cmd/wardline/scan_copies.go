package main

import (
	"bytes"
	"context"
	"io"
	"os"

	"github.com/wardline/wardline/internal/dump"
	"github.com/wardline/wardline/internal/risk"
)

// copies finds files whose content was met before in a run. A size that nobody shares costs nothing; files of one size
// are told apart by samples, and those of one sample compared as a whole. A nil copies finds none.
type copies struct {
	bySize map[int64][]copied
	count  int
}

type copied struct {
	path   string
	sample string // "" = not made yet
}

// maxCopies bounds how many files are remembered; further ones are scanned without being compared.
const maxCopies = 200_000

// of gives the path of an earlier file with the same content; "" = there is none, or it cannot be told.
func (c *copies) of(ctx context.Context, f risk.File, s3 *dump.S3) string {
	if c == nil || f.Bytes == 0 {
		return ""
	}
	o := dump.Options{S3: s3}
	met := c.bySize[f.Bytes]
	one := copied{path: f.Path}
	for i := range met {
		if one.sample == "" {
			one.sample, _ = dump.Sample(ctx, f.Path, o) // the scan itself says what is wrong with a file
		}
		if met[i].sample == "" {
			met[i].sample, _ = dump.Sample(ctx, met[i].path, o)
		}
		if one.sample != "" && one.sample == met[i].sample && sameBytes(ctx, f.Path, met[i].path, o) {
			return met[i].path
		}
	}
	if c.count < maxCopies {
		c.count++
		c.bySize[f.Bytes] = append(met, one)
	}
	return ""
}

func sameBytes(ctx context.Context, a, b string, o dump.Options) bool {
	if dump.IsS3(a) || dump.IsS3(b) {
		x, errX := dump.Digest(ctx, a, o)
		y, errY := dump.Digest(ctx, b, o)
		return errX == nil && errY == nil && x == y
	}
	f, err := os.Open(a)
	if err != nil {
		return false
	}
	defer f.Close()
	g, err := os.Open(b)
	if err != nil {
		return false
	}
	defer g.Close()
	left, right := make([]byte, 256<<10), make([]byte, 256<<10)
	for ctx.Err() == nil {
		n, errF := io.ReadFull(f, left)
		m, errG := io.ReadFull(g, right)
		if n != m || !bytes.Equal(left[:n], right[:m]) {
			return false
		}
		if errF != nil || errG != nil { // the ends, of files that are as long
			return errF != nil && errG != nil
		}
	}
	return false
}
