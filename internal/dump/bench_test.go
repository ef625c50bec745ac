package dump_test

import (
	"archive/tar"
	"bytes"
	"compress/bzip2"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/bodgit/sevenzip"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zip"
	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz/lzma"

	"github.com/wardline/wardline/internal/dump"
	"github.com/wardline/wardline/internal/risk"
)

// benchText is like a list of logins: some megabytes that pack to a third or so.
func benchText(size int) []byte {
	var b bytes.Buffer
	x := uint32(1)
	next := func(n uint32) uint32 {
		x = x*1664525 + 1013904223
		return x >> 8 % n
	}
	for b.Len() < size {
		fmt.Fprintf(&b, "https://portal%d.host%d.example/login:person%d@clinic%d.example:%s!\n", next(9), next(5000), next(100_000), next(300),
			base64.RawStdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, x))[:5])
	}
	return b.Bytes()[:size]
}

// unpacking is a format with how it is unpacked without us.
type unpacking struct {
	format string
	packed []byte
	bare   func(packed []byte) (io.Reader, error)
}

func unpackings(b *testing.B, text []byte) []unpacking {
	var all []unpacking
	add := func(format string, packed []byte, bare func([]byte) (io.Reader, error)) {
		all = append(all, unpacking{format, packed, bare})
	}
	var gz, zs, lz, zipped, many, tarred bytes.Buffer
	pack := func(w io.WriteCloser, err error) {
		if err != nil {
			b.Fatal(err)
		}
		if _, err := w.Write(text); err != nil {
			b.Fatal(err)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
	pack(gzip.NewWriter(&gz), nil)
	pack(zstd.NewWriter(&zs))
	pack(lz4.NewWriter(&lz), nil)
	add("gzip", gz.Bytes(), func(p []byte) (io.Reader, error) { return gzip.NewReader(bytes.NewReader(p)) })
	add("zstd", zs.Bytes(), func(p []byte) (io.Reader, error) {
		return zstd.NewReader(bytes.NewReader(p), zstd.WithDecoderConcurrency(1))
	})
	add("lz4", lz.Bytes(), func(p []byte) (io.Reader, error) { return lz4.NewReader(bytes.NewReader(p)), nil })
	zipOf := func(out *bytes.Buffer, size int) {
		w := zip.NewWriter(out)
		for at := 0; at < len(text); at += size {
			f, err := w.Create(fmt.Sprint(at))
			if err != nil {
				b.Fatal(err)
			}
			if _, err := f.Write(text[at:min(at+size, len(text))]); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
	bareZip := func(p []byte) (io.Reader, error) {
		r, err := zip.NewReader(bytes.NewReader(p), int64(len(p)))
		if err != nil {
			return nil, err
		}
		var entries []io.Reader
		for _, f := range r.File {
			raw, err := f.OpenRaw()
			if err != nil {
				return nil, err
			}
			entries = append(entries, &lazy{open: func() io.Reader { return flate.NewReader(raw) }})
		}
		return io.MultiReader(entries...), nil
	}
	zipOf(&zipped, len(text))
	add("zip", zipped.Bytes(), bareZip)
	zipOf(&many, 20_000)
	add("zip, small entries", many.Bytes(), bareZip)
	tw := tar.NewWriter(&tarred)
	if err := tw.WriteHeader(&tar.Header{Name: "a", Size: int64(len(text)), Mode: 0o600}); err != nil {
		b.Fatal(err)
	}
	if _, err := tw.Write(text); err != nil {
		b.Fatal(err)
	}
	var tgz bytes.Buffer
	w := gzip.NewWriter(&tgz)
	if _, err := w.Write(tarred.Bytes()); err != nil {
		b.Fatal(err)
	}
	w.Close()
	add("tar.gz", tgz.Bytes(), func(p []byte) (io.Reader, error) { return gzip.NewReader(bytes.NewReader(p)) })
	two := lzma2Packed(b, text)
	add("7z", sevenPacked(two, text), func(p []byte) (io.Reader, error) {
		r, err := sevenzip.NewReader(bytes.NewReader(p), int64(len(p)))
		if err != nil {
			return nil, err
		}
		return r.File[0].Open()
	})
	for _, tool := range []string{"xz", "bzip2"} { // which Go cannot write
		cmd := exec.Command(tool, "-c")
		cmd.Stdin = bytes.NewReader(text)
		packed, err := cmd.Output()
		if err != nil {
			b.Logf("without %s: %v", tool, err)
			continue
		}
		bare := func(p []byte) (io.Reader, error) { return bzip2.NewReader(bytes.NewReader(p)), nil }
		if tool == "xz" {
			bare = func(p []byte) (io.Reader, error) { return xz.NewReader(bytes.NewReader(p), 1<<28) }
		}
		add(tool, packed, bare)
	}
	return all
}

// lazy opens an entry when it is its turn.
type lazy struct {
	open func() io.Reader
	r    io.Reader
}

func (l *lazy) Read(b []byte) (int, error) {
	if l.r == nil {
		l.r = l.open()
	}
	return l.r.Read(b)
}

func lzma2Packed(b *testing.B, text []byte) []byte {
	var out bytes.Buffer
	w, err := lzma.Writer2Config{DictCap: 1 << 20}.NewWriter2(&out)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		b.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}

func sevenPacked(packed, text []byte) []byte {
	number := func(n int) string { return "\xff" + string(binary.LittleEndian.AppendUint64(nil, uint64(n))) }
	header := "\x01\x04\x06\x00\x01\x09" + number(len(packed)) + "\x00\x07\x0b\x01\x00\x01\x21\x21\x01\x10\x0c" + number(len(text)) + "\x00\x08\x0a\x01" +
		string(le32(crc32.ChecksumIEEE(text))) + "\x00\x00\x05\x01\x11\x05\x00a\x00\x00\x00\x00\x00"
	return sevenHeaded(string(packed), header)
}

// BenchmarkUnpack sets how fast an archive becomes blocks beside how fast it is unpacked and nothing else, in turns:
// of-bare is the share of that speed, in per cent.
func BenchmarkUnpack(b *testing.B) {
	text := benchText(8 << 20)
	for _, u := range unpackings(b, text) {
		b.Run(u.format, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "x")
			if err := os.WriteFile(path, u.packed, 0o600); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(text)))
			var bare, ours time.Duration
			for b.Loop() {
				start := processorTime(b)
				r, err := u.bare(u.packed)
				if err != nil {
					b.Fatal(err)
				}
				if n, err := io.Copy(writeOnly{}, r); n < int64(len(text)) {
					b.Fatal(n, err)
				}
				between := processorTime(b)
				bare += between - start
				out := 0
				_, err = dump.Blocks(b.Context(), path, dump.Options{}, func(block risk.Block) error { out += len(block.Body()); return nil })
				if err != nil || out != len(text) {
					b.Fatal(out, err)
				}
				ours += processorTime(b) - between
			}
			b.ReportMetric(100*float64(bare)/float64(ours), "%of-bare")
			b.ReportMetric(float64(len(text))*float64(b.N)/ours.Seconds()/1e6, "MB/s-ours")
		})
	}
}

// processorTime is what the process used so far, which others on the machine disturb less than the clock.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// writeOnly takes what it is given, in pieces as large as they come.
type writeOnly struct{}

func (writeOnly) Write(b []byte) (int, error) { return len(b), nil }
