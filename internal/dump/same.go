package dump

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
)

const (
	sampleBytes = 64 << 10 // of each stretch
	sampleParts = 4        // the first at the beginning, the last at the end
)

// Sample is a digest of a file's size and of a few stretches of it. Files of the same content have the same; those of
// the same sample are told apart by Digest.
func Sample(ctx context.Context, path string, o Options) (string, error) {
	return digest(ctx, path, o, func(c opened, h hash.Hash) error {
		if err := binary.Write(h, binary.LittleEndian, c.size); err != nil {
			return err
		}
		if c.size <= sampleParts*sampleBytes {
			_, err := io.Copy(h, io.NewSectionReader(c, 0, c.size))
			return err
		}
		for i := range int64(sampleParts) {
			at := (c.size - sampleBytes) / (sampleParts - 1) * i
			if _, err := io.Copy(h, io.NewSectionReader(c, at, sampleBytes)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Digest is the SHA-256 of a file, in hex.
func Digest(ctx context.Context, path string, o Options) (string, error) {
	return digest(ctx, path, o, func(c opened, h hash.Hash) error {
		_, err := io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{&counted{ctx: ctx, content: c, tell: func(int) {}}}, make([]byte, 256<<10))
		return err
	})
}

// errNotOne is the path of no file, or of several.
var errNotOne = errors.New("it is not one file")

func digest(ctx context.Context, path string, o Options, write func(opened, hash.Hash) error) (string, error) {
	h := sha256.New()
	n := 0
	w := &walk{ctx: ctx, o: o.withDefaults()}
	err := w.each(path, func(f found) error {
		if n++; n > 1 || f.Path != path {
			return errNotOne
		}
		c, err := f.open()
		if err != nil {
			return err
		}
		defer c.Close()
		return write(c, h)
	})
	if err == nil && n != 1 {
		err = errNotOne
	}
	if err != nil {
		return "", fmt.Errorf("digest of %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
