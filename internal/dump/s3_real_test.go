//go:build real

package dump_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/wardline/wardline/internal/dump"
	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/testparts"
)

// A prefix with plain and packed objects is read by ranges, taken up behind any block, and what the store refuses is
// named.
func TestRealS3Prefix(t *testing.T) {
	store := testparts.S3(t)
	client, err := minio.New(store.Host, &minio.Options{Creds: credentials.NewStaticV4(store.AccessKey, store.SecretKey, ""), Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.MakeBucket(t.Context(), "dumps", minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	text := manyLines(1, 900_000)
	put := func(key string, b []byte) {
		if _, err := client.PutObject(t.Context(), "dumps", key, bytes.NewReader(b), int64(len(b)), minio.PutObjectOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	put("2026/a.txt", text)
	put("2026/b.gz", gzipped(t, text))
	put("2026/c.zip", zipped(t, member{"in.txt", string(text)}))
	put("other/d.txt", []byte("elsewhere\n"))
	s3, err := dump.NewS3(dump.S3Config{Endpoint: "http://" + store.Host, Region: "us-east-1", AccessKey: store.AccessKey, SecretKey: store.SecretKey, PathStyle: true})
	if err != nil {
		t.Fatal(err)
	}
	o := dump.Options{S3: s3}
	sizes := map[string]int{}
	skipped, err := dump.Blocks(t.Context(), "s3://dumps/2026", o, func(b risk.Block) error {
		sizes[b.Place.Path+":"+b.Place.Entry] += len(b.Body())
		return nil
	})
	want := map[string]int{"s3://dumps/2026/a.txt:": len(text), "s3://dumps/2026/b.gz:": len(text), "s3://dumps/2026/c.zip:in.txt": len(text)}
	if err != nil || len(skipped) > 0 || fmt.Sprint(sizes) != fmt.Sprint(want) {
		t.Errorf("%v %v %v", sizes, skipped, err)
	}
	for name := range want {
		path, _, _ := strings.Cut(strings.TrimPrefix(name, "s3://"), ":")
		path = "s3://" + path
		var first risk.Position
		ended := errors.New("ended")
		if _, err := dump.Blocks(t.Context(), path, o, func(b risk.Block) error { first = b.At; return ended }); !errors.Is(err, ended) {
			t.Fatal(err)
		}
		from, rest := o, 0
		from.From = first
		if _, err := dump.Blocks(t.Context(), path, from, func(b risk.Block) error { rest += len(b.Body()); return nil }); err != nil || int64(rest) != int64(len(text))-first.Offset {
			t.Errorf("%s from %d: %d bytes, %v", path, first.Offset, rest, err)
		}
	}
	for path, say := range map[string]string{"s3://nowhere/x": "no such bucket", "s3://dumps/none": "no object whose key begins so"} {
		if _, err := dump.Blocks(t.Context(), path, o, func(risk.Block) error { return nil }); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%s: %v", path, err)
		}
	}
	wrong, err := dump.NewS3(dump.S3Config{Endpoint: "http://" + store.Host, Region: "us-east-1", AccessKey: "nobody", SecretKey: "wrong-key", PathStyle: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dump.Blocks(t.Context(), "s3://dumps/2026", dump.Options{S3: wrong}, func(risk.Block) error { return nil }); err == nil || !strings.Contains(err.Error(), "denies access") {
		t.Errorf("with a wrong key: %v", err)
	}
}
