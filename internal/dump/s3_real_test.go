//go:build real

package dump_test

import (
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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
	put := bucketIn(t, store, nil)
	text := manyLines(1, 900_000)
	put("2026/a.txt", text)
	put("2026/b.gz", gzipped(t, text))
	put("2026/c.zip", zipped(t, member{"in.txt", string(text)}))
	put("other/d.txt", []byte("elsewhere\n"))
	o := dump.Options{S3: storeAt(t, store, dump.S3Config{})}
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
}

// bucketIn makes a bucket and gives a function that puts objects into it. transport is for a store with a certificate.
func bucketIn(t *testing.T, store *testparts.ObjectStore, transport *http.Transport) func(key string, b []byte) {
	t.Helper()
	o := &minio.Options{Creds: credentials.NewStaticV4(store.AccessKey, store.SecretKey, ""), Region: "us-east-1"}
	if transport != nil {
		o.Secure, o.Transport = true, transport
	}
	client, err := minio.New(store.Host, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.MakeBucket(t.Context(), "dumps", minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	return func(key string, b []byte) {
		if _, err := client.PutObject(t.Context(), "dumps", key, bytes.NewReader(b), int64(len(b)), minio.PutObjectOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

// storeAt fills in what c leaves open with what the store is.
func storeAt(t *testing.T, store *testparts.ObjectStore, c dump.S3Config) *dump.S3 {
	t.Helper()
	c.Endpoint, c.AccessKey, c.SecretKey = cmp.Or(c.Endpoint, "http://"+store.Host), cmp.Or(c.AccessKey, store.AccessKey), cmp.Or(c.SecretKey, store.SecretKey)
	c.Region, c.PathStyle = "us-east-1", true
	s3, err := dump.NewS3(c)
	if err != nil {
		t.Fatal(err)
	}
	return s3
}

// Archives that came in parts are one in a prefix as they are in a folder, and plain logs have the facts of their machine.
func TestRealS3PartsAndLogs(t *testing.T) {
	store := testparts.S3(t)
	put := bucketIn(t, store, nil)
	archive, split := zipped(t, member{"a.txt", shortText}), splitZip(t, []int{70}, member{"a.txt", shortText}, member{"b.txt", "second\n"})
	put("x/cut.zip.001", archive[:50])
	put("x/cut.zip.002", archive[50:])
	put("x/cut.zip.0001", archive)
	put("x/gone.7z.002", sevenZipped(member{"g", shortText}))
	put("x/gone.7z.003", []byte("more"))
	put("x/s.z01", []byte(split[0]))
	put("x/s.zip", []byte(split[1]))
	put("x/s/other.zip", archive)
	put("log/System.txt", []byte("system: PC-7\n"))
	put("log/Browser/Passwords.txt", []byte("jdoe\n"))
	o := dump.Options{S3: storeAt(t, store, dump.S3Config{}), Machine: func(name string, text []byte) []risk.Fact {
		if machine, found := strings.CutPrefix(string(text), "system: "); found {
			return []risk.Fact{{Name: risk.FactMachine, Value: strings.TrimSpace(machine)}}
		}
		return nil
	}}
	var got []string
	skipped, err := dump.Blocks(t.Context(), "s3://dumps/", o, func(b risk.Block) error {
		line := strings.TrimPrefix(b.Place.Path, "s3://dumps/") + ":" + b.Place.Entry
		for _, f := range b.Facts {
			line += " " + f.Value
		}
		got = append(got, line)
		return nil
	})
	want := []string{"log/Browser/Passwords.txt: PC-7", "log/System.txt: PC-7", "x/cut.zip.0001:a.txt", "x/cut.zip.001:a.txt", "x/gone.7z.002:g", "x/s.z01:a.txt", "x/s.z01:b.txt", "x/s/other.zip:a.txt"}
	if err != nil || !slices.Equal(got, want) || len(skipped) != 1 || skipped[0].Path != "s3://dumps/x/gone.7z.002" || !strings.Contains(skipped[0].Why, "its part 1 of 3 is missing") {
		t.Errorf("%q %v %v", got, skipped, err)
	}
	files, err := dump.Files(t.Context(), "s3://dumps/x", o, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	got = nil
	for _, f := range files {
		got = append(got, fmt.Sprintf("%s %d", f.Path, f.Bytes))
		if one, found, err := dump.File(t.Context(), "s3://dumps/x", f.Path, o, time.Now()); err != nil || !found || fmt.Sprint(one) != fmt.Sprint(f) {
			t.Errorf("%+v found as %+v %v %v", f, one, found, err)
		}
	}
	want = []string{fmt.Sprintf("cut.zip.0001 %d", len(archive)), fmt.Sprintf("cut.zip.001 %d", len(archive)), fmt.Sprintf("gone.7z.002 %d", len(sevenZipped(member{"g", shortText}))+4), fmt.Sprintf("s.z01 %d", len(split[0])+len(split[1])), fmt.Sprintf("s/other.zip %d", len(archive))}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for _, later := range []string{"cut.zip.002", "s.zip"} {
		if _, found, err := dump.File(t.Context(), "s3://dumps/x", later, o, time.Now()); found || err != nil {
			t.Errorf("%s is a file of its own, %v", later, err)
		}
	}
}

// relay stands between a store and who reads it, and does harm to each connection after so many bytes.
type relay struct {
	net.Listener
	after int64        // of each connection
	left  atomic.Int64 // connections that get so many; further ones get nothing
	stall bool         // it goes silent; else it is cut
	do    func()
}

func relayTo(t *testing.T, host string, r *relay) string {
	t.Helper()
	var err error
	if r.left.Load() == 0 {
		r.left.Store(math.MaxInt64)
	}
	if r.Listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	go func() {
		for {
			client, err := r.Accept()
			if err != nil {
				return
			}
			go r.serve(client, host)
		}
	}()
	return "http://" + r.Addr().String()
}

func (r *relay) serve(client net.Conn, host string) {
	defer client.Close()
	server, err := net.Dial("tcp", host)
	if err != nil {
		return
	}
	defer server.Close()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(server, client)
	}()
	if r.left.Add(-1) >= 0 {
		_, err = io.CopyN(client, server, r.after)
	}
	if r.do != nil && err == nil {
		r.do()
	}
	if r.stall && err == nil {
		<-ended // until the client has had enough
	}
}

// A connection that is cut is taken up by a range; one that goes silent for good, an object that was replaced, a
// certificate of nobody and a wrong key are told in words.
func TestRealS3InTrouble(t *testing.T) {
	store := testparts.S3(t)
	put := bucketIn(t, store, nil)
	text := manyLines(1, 900_000)
	put("a.txt", text)
	reading := func(c dump.S3Config) (string, error) {
		var got bytes.Buffer
		skipped, err := dump.Blocks(t.Context(), "s3://dumps/a.txt", dump.Options{S3: storeAt(t, store, c)}, func(b risk.Block) error { got.Write(b.Body()); return nil })
		if len(skipped) > 0 {
			err = errors.Join(err, errors.New(skipped[0].Why))
		}
		return got.String(), err
	}
	if got, err := reading(dump.S3Config{Endpoint: relayTo(t, store.Host, &relay{after: 300_000})}); err != nil || got != string(text) {
		t.Errorf("cut again and again: %d bytes of %d, %v", len(got), len(text), err)
	}
	if got, err := reading(dump.S3Config{Endpoint: relayTo(t, store.Host, &relay{after: 300_000, stall: true}), Stall: 300 * time.Millisecond}); err != nil || got != string(text) {
		t.Errorf("silent again and again: %d bytes of %d, %v", len(got), len(text), err)
	}
	dead := &relay{after: 300_000, stall: true}
	dead.left.Store(2)
	says := func(what string, c dump.S3Config, words string, least int) {
		t.Helper()
		got, err := reading(c)
		if err == nil || !strings.Contains(err.Error(), words) || strings.ContainsAny(err.Error(), "<>") || len(got) < least || !strings.HasPrefix(string(text), got) {
			t.Errorf("%s: %d bytes, %v", what, len(got), err)
		}
	}
	says("a server that goes silent for good", dump.S3Config{Endpoint: relayTo(t, store.Host, dead), Stall: 300 * time.Millisecond}, "the store did not answer within 300ms", 1)
	says("nobody there", dump.S3Config{Endpoint: "http://127.0.0.1:1"}, "nothing listens at WARDLINE_S3_ENDPOINT", 0)
	says("an unknown key", dump.S3Config{AccessKey: "nobody"}, "does not know the key WARDLINE_S3_ACCESS_KEY", 0)
	says("a wrong secret", dump.S3Config{SecretKey: "wrong-key"}, "the store denies access: look at WARDLINE_S3_ACCESS_KEY, WARDLINE_S3_SECRET_KEY", 0)
	once := sync.OnceFunc(func() { put("a.txt", []byte("another\n")) })
	says("replaced", dump.S3Config{Endpoint: relayTo(t, store.Host, &relay{after: 300_000, do: once})}, "it was replaced while it was read", 1)
}

func TestRealS3WithItsOwnCertificate(t *testing.T) {
	certificate, key, pool := selfSigned(t)
	store := testparts.S3WithTLS(t, certificate, key)
	put := bucketIn(t, store, &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}})
	put("a.txt", []byte(shortText))
	for file, say := range map[string]string{certificate: "", "": "name its authority in WARDLINE_S3_CA_FILE"} {
		s3 := storeAt(t, store, dump.S3Config{Endpoint: "https://" + store.Host, CAFile: file})
		got := ""
		_, err := dump.Blocks(t.Context(), "s3://dumps/a.txt", dump.Options{S3: s3}, func(b risk.Block) error { got += string(b.Data); return nil })
		if fine := say == ""; fine != (err == nil && got == shortText) || !fine && !strings.Contains(err.Error(), say) {
			t.Errorf("with %q: %q, %v", file, got, err)
		}
	}
}

// selfSigned writes a certificate for the loopback address and its key.
func selfSigned(t *testing.T) (certificate, key string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	pem509 := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := errors.Join(os.WriteFile(certificate, pem509, 0o600), os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600)); err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(pem509)
	return certificate, key, pool
}
