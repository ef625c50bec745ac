package dump

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/wardline/wardline/internal/risk"
)

// S3Config says where an S3-compatible store is and who asks it.
type S3Config struct {
	Endpoint  string // https://host[:port]; http:// only where somebody wrote so
	Region    string // "" = the store is asked
	AccessKey string // "" with an empty SecretKey = a bucket that anybody may read
	SecretKey string
	Token     string        // of a session; "" = none
	CAFile    string        // PEM; "" = the system's
	PathStyle bool          // https://host/bucket/key, not https://bucket.host/key
	Stall     time.Duration // longest wait for the next byte; 0 = a minute
}

// S3 reads objects by ranges, never wholly into memory and never onto the disk. It is safe for concurrent use.
type S3 struct {
	client *minio.Client
	stall  time.Duration
}

// NewS3 makes a client; nothing is sent yet.
func NewS3(c S3Config) (*S3, error) {
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.Trim(u.Path, "/") != "" || u.User != nil {
		return nil, errors.New("connect to S3: its endpoint is not an address such as https://s3.example.org")
	}
	stall := c.Stall
	if stall <= 0 {
		stall = time.Minute
	}
	transport, err := s3Transport(c.CAFile, stall)
	if err != nil {
		return nil, err
	}
	lookup := minio.BucketLookupAuto
	if c.PathStyle {
		lookup = minio.BucketLookupPath
	}
	client, err := minio.New(u.Host, &minio.Options{
		Creds: credentials.NewStaticV4(c.AccessKey, c.SecretKey, c.Token), Secure: u.Scheme == "https",
		Transport: transport, Region: c.Region, BucketLookup: lookup, MaxRetries: s3Retries,
	})
	if err != nil {
		return nil, fmt.Errorf("connect to S3: %w", err)
	}
	return &S3{client: client, stall: stall}, nil
}

const s3Retries = 5 // of one request, with pauses of a second at most

// s3Transport goes straight to the endpoint: a proxy that the environment names is not for the operator's own dumps.
func s3Transport(caFile string, stall time.Duration) (*http.Transport, error) {
	t := &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: stall,
		IdleConnTimeout:       time.Minute,
		MaxIdleConnsPerHost:   16,
		DisableCompression:    true, // an object is read as it is
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if caFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("read the certificate authority of S3: %w", err)
	}
	t.TLSClientConfig.RootCAs = x509.NewCertPool()
	if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read the certificate authority of S3: %s holds no certificate", caFile)
	}
	return t, nil
}

const s3Scheme = "s3://"

// IsS3 tells the address of objects from a path.
func IsS3(path string) bool { return strings.HasPrefix(path, s3Scheme) }

// splitS3 gives bucket and key of an address.
func splitS3(address string) (bucket, key string, err error) {
	bucket, key, _ = strings.Cut(strings.TrimPrefix(address, s3Scheme), "/")
	if bucket == "" {
		return "", "", fmt.Errorf("read %s: it names no bucket; write s3://BUCKET/PREFIX", address)
	}
	return bucket, key, nil
}

var errNoS3 = errors.New("no S3 store is set up (WARDLINE_S3_ENDPOINT)")

// walk gives the object at an address or, when there is none, all whose keys begin so, in the order of their keys.
func (s *S3) walk(ctx context.Context, address string, visit func(listed) error) error {
	bucket, key, err := splitS3(address)
	if err != nil {
		return err
	}
	if s == nil {
		return fmt.Errorf("read %s: %w", address, errNoS3)
	}
	if key != "" && !strings.HasSuffix(key, "/") {
		info, err := s.client.StatObject(ctx, bucket, key, minio.StatObjectOptions{})
		if err == nil {
			one, err := s.withGroup(ctx, bucket, info)
			if err != nil {
				return err
			}
			return visit(one)
		}
		if code := minio.ToErrorResponse(err).Code; code != minio.NoSuchKey {
			return s.failed(ctx, "read "+address, err)
		}
	}
	groups, err := s.groups(ctx, bucket, key)
	if err != nil {
		return err
	}
	found := false
	err = s.list(ctx, bucket, key, func(info minio.ObjectInfo) error {
		found = true
		return visit(listed{info, groups[info.Key]})
	})
	if err == nil && !found && key != "" {
		return fmt.Errorf("read %s: there is no object whose key begins so", address)
	}
	return err
}

// list gives all objects whose keys begin so, but not what stands for a folder.
func (s *S3) list(ctx context.Context, bucket, prefix string, visit func(minio.ObjectInfo) error) error {
	return s.listAs(ctx, bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}, visit)
}

// listFolder gives those that lie in no folder below.
func (s *S3) listFolder(ctx context.Context, bucket, prefix string, visit func(minio.ObjectInfo) error) error {
	return s.listAs(ctx, bucket, minio.ListObjectsOptions{Prefix: prefix}, visit)
}

func (s *S3) listAs(ctx context.Context, bucket string, o minio.ListObjectsOptions, visit func(minio.ObjectInfo) error) error {
	listing, cancel := context.WithCancel(ctx)
	defer cancel()
	for info := range s.client.ListObjectsIter(listing, bucket, o) {
		if info.Err != nil {
			return s.failed(ctx, "list "+s3Scheme+bucket+"/"+o.Prefix, info.Err)
		}
		if strings.HasSuffix(info.Key, "/") {
			continue
		}
		if err := visit(info); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// file finds one object below a prefix; false when it is gone, or is read with another.
func (s *S3) file(ctx context.Context, folder, name string) (risk.File, bool, error) {
	bucket, key, err := splitS3(Join(folder, name))
	if err != nil {
		return risk.File{}, false, err
	}
	if s == nil {
		return risk.File{}, false, fmt.Errorf("find dump file in %s: %w", folder, errNoS3)
	}
	info, err := s.client.StatObject(ctx, bucket, key, minio.StatObjectOptions{})
	if err != nil && minio.ToErrorResponse(err).Code == minio.NoSuchKey {
		return risk.File{}, false, nil
	}
	if err != nil {
		return risk.File{}, false, s.failed(ctx, "find dump file in "+folder, err)
	}
	one, err := s.withGroup(ctx, bucket, info)
	if err != nil || one.later() {
		return risk.File{}, false, err
	}
	return one.file(name), true, nil
}

// failed says in our words what the store answered.
func (s *S3) failed(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%s: %w", what, s3Error(err, s.stall))
}

// s3Error puts the answers that people meet into a sentence.
func s3Error(err error, stall time.Duration) error {
	answer := minio.ToErrorResponse(err)
	switch {
	case answer.Code == minio.NoSuchKey:
		return errors.New("there is no such object")
	case answer.Code == minio.NoSuchBucket:
		return errors.New("there is no such bucket")
	case strings.HasPrefix(answer.Code, "InvalidAccessKey"), answer.Code == "XAdminUserNotFound":
		return fmt.Errorf("the store denies access: it does not know the key WARDLINE_S3_ACCESS_KEY (%s)", answer.Code)
	case answer.Code == "SignatureDoesNotMatch":
		return fmt.Errorf("the store denies access: WARDLINE_S3_SECRET_KEY does not belong to the key (%s)", answer.Code)
	case answer.Code == minio.AccessDenied, answer.StatusCode == http.StatusForbidden:
		return fmt.Errorf("the store denies access: look at WARDLINE_S3_ACCESS_KEY, WARDLINE_S3_SECRET_KEY and what the key may read (%s)", answer.Code)
	case answer.Code == minio.PreconditionFailed, answer.StatusCode == http.StatusPreconditionFailed:
		return errReplaced
	case answer.StatusCode >= 500:
		return fmt.Errorf("the store fails (status %d), also when asked again", answer.StatusCode)
	}
	return s3Unreached(err, stall)
}

// s3Unreached says why there was no answer.
func s3Unreached(err error, stall time.Duration) error {
	var slow net.Error
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var lookup *net.DNSError
	switch {
	case errors.As(err, &slow) && slow.Timeout():
		return fmt.Errorf("the store did not answer within %s", stall)
	case errors.As(err, &unknown):
		return errors.New("the store's certificate is signed by nobody who is trusted here: name its authority in WARDLINE_S3_CA_FILE")
	case errors.As(err, &name):
		return fmt.Errorf("the store's certificate is for another name than %s", name.Host)
	case errors.As(err, &lookup):
		return fmt.Errorf("the store's name %s is not known", lookup.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("the store cannot be reached: nothing listens at WARDLINE_S3_ENDPOINT")
	}
	return err
}

var errReplaced = errors.New("it was replaced while it was read")

// object is an object that is being read. A request is open from the last place on, so that reading forward costs one
// request, whether it is done by Read or by ReadAt.
type object struct {
	s      *S3
	ctx    context.Context // of the reading that the object is opened for
	bucket string
	info   minio.ObjectInfo
	read   int64 // where Read goes on

	body   io.ReadCloser
	cancel context.CancelFunc
	at     int64 // where body goes on
}

func (s *S3) open(ctx context.Context, bucket string, info minio.ObjectInfo) *object {
	return &object{s: s, ctx: ctx, bucket: bucket, info: info}
}

func (o *object) Read(b []byte) (int, error) {
	n, err := o.ReadAt(b[:min(len(b), s3Piece)], o.read)
	o.read += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

const (
	s3Piece   = 256 << 10 // what is asked of the network at a time
	s3Forward = 128 << 10 // to read over so many bytes costs less than a new request
	s3Again   = 3         // times in a row that a body may end early without a byte
)

// ReadAt reads on where a body broke off; one that breaks off again and again without a byte is an error.
func (o *object) ReadAt(b []byte, off int64) (n int, err error) {
	for failures := 0; n < len(b) && off+int64(n) < o.info.Size; {
		read, err := o.readOn(b[n:], off+int64(n))
		n += read
		switch {
		case o.ctx.Err() != nil:
			return n, o.ctx.Err()
		case err == nil || read > 0:
			failures = 0
		case !errors.Is(err, errCut):
			return n, err
		default:
			if failures++; failures >= s3Again {
				return n, fmt.Errorf("the store ends it at byte %d of %d: %w", off+int64(n), o.info.Size, err)
			}
		}
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// errCut is a body that ended early or whose bytes ceased to come: what was not read is asked for again.
var errCut = errors.New("its body was cut off")

func (o *object) readOn(b []byte, off int64) (int, error) {
	if err := o.seek(off); err != nil {
		return 0, err
	}
	slow := time.AfterFunc(o.s.stall, o.cancel)
	n, err := o.body.Read(b)
	late := !slow.Stop()
	o.at += int64(n)
	if err == nil {
		return n, nil
	}
	o.close()
	switch {
	case errors.Is(err, io.EOF) && o.at >= o.info.Size:
		return n, nil
	case late:
		return n, fmt.Errorf("%w: nothing came for %s", errCut, o.s.stall)
	}
	return n, fmt.Errorf("%w: %w", errCut, err)
}

// seek opens a body at off, unless the open one is there already or just in front of it.
func (o *object) seek(off int64) error {
	if o.body != nil && off > o.at && off-o.at <= s3Forward {
		slow := time.AfterFunc(o.s.stall, o.cancel)
		n, err := io.CopyN(io.Discard, o.body, off-o.at)
		slow.Stop()
		if o.at += n; err != nil {
			o.close()
		}
	}
	if o.body != nil && off == o.at {
		return nil
	}
	o.close()
	ctx, cancel := context.WithCancel(o.ctx)
	var options minio.GetObjectOptions
	if off > 0 {
		if err := options.SetRange(off, 0); err != nil {
			cancel()
			return err
		}
	}
	if err := options.SetMatchETag(o.info.ETag); err != nil {
		cancel()
		return err
	}
	body, _, _, err := minio.Core{Client: o.s.client}.GetObject(ctx, o.bucket, o.info.Key, options)
	if err != nil {
		cancel()
		return s3Error(err, o.s.stall)
	}
	o.body, o.cancel, o.at = body, cancel, off
	return nil
}

func (o *object) close() {
	if o.body != nil {
		o.cancel() // first: closing must not read the rest
		_ = o.body.Close()
		o.body = nil
	}
}

// Close ends the open request.
func (o *object) Close() error {
	o.close()
	return nil
}

// objectFile is an object as a dump file of a name.
func objectFile(name string, info minio.ObjectInfo) risk.File {
	return risk.File{Path: name, Bytes: info.Size, Modified: info.LastModified.UTC().Truncate(time.Microsecond), Version: info.ETag}
}
