package collect

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/wardline/wardline/internal/risk"
)

// decompress undoes one Content-Encoding. Chains of encodings are refused: nobody honest sends them, and each link
// multiplies what a small body can become.
func decompress(body io.Reader, encoding string, limit int64) (io.ReadCloser, error) {
	var plain io.ReadCloser
	var err error
	switch e := strings.ToLower(strings.TrimSpace(encoding)); e {
	case "", "identity":
		return io.NopCloser(body), nil
	case "gzip", "x-gzip":
		plain, err = gzip.NewReader(body)
	case "deflate":
		plain, err = inflate(body)
	case "br":
		plain = io.NopCloser(brotli.NewReader(body))
	case "zstd":
		var d *zstd.Decoder
		d, err = zstd.NewReader(body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(max(limit, mostWindow))+1), zstd.WithDecoderMaxWindow(mostWindow))
		if err == nil {
			plain = d.IOReadCloser()
		}
	default:
		return nil, bodyError{risk.FailType, fmt.Errorf("content encoding %q is not read", e)}
	}
	if err != nil {
		return nil, decodeError(err)
	}
	return decoded{plain}, nil
}

// mostWindow is the window that zstd encoders use for bodies of unknown length. A memory limit below it would refuse
// every one of them; what is read is counted by the transport.
const mostWindow = 8 << 20

// inflate reads "deflate" in both of its readings: zlib as the standard says, and raw as some servers send it.
func inflate(body io.Reader) (io.ReadCloser, error) {
	b := bufio.NewReader(body)
	head, err := b.Peek(2)
	if err != nil {
		return nil, err
	}
	if head[0]&0x0f == 8 && (uint(head[0])<<8|uint(head[1]))%31 == 0 {
		return zlib.NewReader(b)
	}
	return flate.NewReader(b), nil
}

// decoded gives a decoder's complaints their kind: bytes that do not decode are a body that was cut or falsified.
type decoded struct{ io.ReadCloser }

func (d decoded) Read(p []byte) (int, error) {
	n, err := d.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = decodeError(err)
	}
	return n, err
}

func decodeError(err error) error {
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded):
		return bodyError{risk.FailTooLarge, err}
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	if isNetwork(err) {
		return err
	}
	return bodyError{risk.FailCut, fmt.Errorf("decompress: %w", err)}
}

// isNetwork reports that the bytes stopped coming, as against bytes that came wrong.
func isNetwork(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
