package collect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// transport is the only http.RoundTripper that colly gets: it checks the address, sends a fixed set of headers over
// the source's one route, and gives a body that is whole, uncompressed and within the limits, or a *risk.FetchError.
type transport struct {
	gate    gate
	limits  risk.Limits
	agent   string
	wire    *http.Transport
	now     func() time.Time
	terms   apiTerms
	session *session // nil = none
}

func newTransport(src risk.Source, g gate, dial dialFunc, agent string, now func() time.Time) *transport {
	return &transport{gate: g, limits: src.Limits, agent: agent, now: now, wire: &http.Transport{
		Proxy:                  nil, // not ProxyFromEnvironment: HTTP_PROXY must not open a second way out
		DialContext:            dial,
		DisableCompression:     true, // decompressed here, under the limit
		MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConnsPerHost:    1,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    src.Limits.Timeout,
	}}
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.gate.check(req.Method, req.URL); err != nil {
		return nil, t.failure(req, risk.FailRefused, err)
	}
	ctx, cancel := context.WithTimeoutCause(req.Context(), t.limits.Timeout, errTimeLimit)
	defer cancel() // the body is read to its end below
	res, err := t.wire.RoundTrip(t.dressed(ctx, req))
	if err != nil {
		return nil, t.classify(ctx, req, err)
	}
	defer res.Body.Close()
	t.session.take(req.URL, res.Cookies())
	if isRedirect(res) {
		return t.plain(req, res, nil), nil
	}
	if res.StatusCode != http.StatusOK {
		return nil, t.refusal(ctx, req, res)
	}
	body, err := t.body(res)
	if err != nil {
		return nil, t.classify(ctx, req, err)
	}
	if err := t.checkType(res.Header.Get("Content-Type"), body); err != nil {
		return nil, t.failure(req, risk.FailType, err)
	}
	return t.plain(req, res, body), nil
}

var errTimeLimit = errors.New("no complete answer within the time limit")

// dressed is the request with our headers and no others: no referrer, nothing that names us, no cookies but those of an
// account that a person gave.
func (t *transport) dressed(ctx context.Context, req *http.Request) *http.Request {
	out := req.Clone(ctx)
	if req.Method != http.MethodPost {
		out.Body, out.GetBody, out.ContentLength = nil, nil, 0
	}
	out.Header = http.Header{
		"User-Agent":      {t.agent},
		"Accept":          {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
		"Accept-Language": {"en-US,en;q=0.5"},
		"Accept-Encoding": {"gzip, deflate, br, zstd"},
	}
	if req.Method == http.MethodPost {
		out.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		out.Header.Set("Origin", req.URL.Scheme+"://"+req.URL.Host)
	}
	if cookies := t.session.header(req.URL); cookies != "" {
		out.Header.Set("Cookie", cookies)
	}
	t.terms.dress(out, t.gate.home)
	return out
}

func isRedirect(res *http.Response) bool {
	switch res.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return res.Header.Get("Location") != ""
	}
	return false
}

// body reads, decompresses and counts. Whatever is wrong with it comes back as a bodyError.
func (t *transport) body(res *http.Response) ([]byte, error) {
	plain, err := decompress(res.Body, res.Header.Get("Content-Encoding"), t.limits.BodyBytes)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	body, err := io.ReadAll(io.LimitReader(plain, t.limits.BodyBytes+1))
	if int64(len(body)) > t.limits.BodyBytes {
		return nil, bodyError{risk.FailTooLarge, fmt.Errorf("more than %d bytes after decompression", t.limits.BodyBytes)}
	}
	if err != nil {
		return nil, err
	}
	// A decoder may stop before the end of what was sent; only the end tells whether the stated length came.
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, t.limits.BodyBytes)); err != nil {
		return nil, err
	}
	return body, nil
}

// bodyError is a body that came, but is not one that we take.
type bodyError struct {
	kind risk.FailureKind
	err  error
}

func (e bodyError) Error() string { return e.err.Error() }
func (e bodyError) Unwrap() error { return e.err }

// checkType holds the body against what the server says it is, and both against what we read.
func (t *transport) checkType(stated string, body []byte) error {
	sniffed := sniff(body)
	if isBinary(sniffed, body) {
		return fmt.Errorf("stated as %q, but the bytes are %s", mediaType(stated), sniffed)
	}
	if stated == "" {
		stated = sniffed
	}
	if !slices.Contains(t.limits.ContentTypes, mediaType(stated)) {
		return fmt.Errorf("content type %q is not read", mediaType(stated))
	}
	return nil
}

// isBinary asks for more than the sniffed type: a paste that begins with "BM" would else be a bitmap, and a leaked
// list with one stray control byte would be lost as a whole.
func isBinary(sniffed string, body []byte) bool {
	head := body[:min(len(body), 1024)]
	controls := 0
	for _, b := range head {
		if b < ' ' && b != '\t' && b != '\n' && b != '\f' && b != '\r' && b != 0x1b {
			controls++
		}
	}
	switch {
	case len(body) == 0, strings.HasPrefix(sniffed, "text/"):
		return false
	case sniffed == "application/octet-stream":
		return controls*10 > len(head)
	}
	return sniffed == "application/pdf" || controls > 0
}

func sniff(body []byte) string { return mediaType(http.DetectContentType(body)) }

func mediaType(header string) string {
	if m, _, err := mime.ParseMediaType(header); err == nil {
		return m
	}
	m, _, _ := strings.Cut(header, ";")
	return strings.ToLower(strings.TrimSpace(m))
}

// plain is the answer as colly gets it. Uncompressed keeps colly from gunzipping a body by its name or type. The
// charset leaves the content type: colly would convert by it alone, where a page may say otherwise.
func (t *transport) plain(req *http.Request, res *http.Response, body []byte) *http.Response {
	h := http.Header{"Content-Type": {mediaType(res.Header.Get("Content-Type"))}, statedType: {res.Header.Get("Content-Type")}}
	if l := res.Header.Get("Location"); l != "" {
		h.Set("Location", l)
	}
	if refresh := res.Header.Get("Refresh"); refresh != "" {
		h.Set(asksAgain, refresh)
	}
	return &http.Response{
		Status: res.Status, StatusCode: res.StatusCode, Proto: res.Proto, ProtoMajor: res.ProtoMajor, ProtoMinor: res.ProtoMinor,
		Header: h, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Uncompressed: true, Request: req,
	}
}

// statedType carries the server's whole Content-Type past colly.
const statedType = "Wardline-Stated-Type"

// asksAgain carries the header by which a server has a browser ask again.
const asksAgain = "Wardline-Refresh"

// refusal turns any status but 200 into its failure. A block page often comes as 403 or 503.
func (t *transport) refusal(ctx context.Context, req *http.Request, res *http.Response) error {
	mayBlock := res.StatusCode == http.StatusForbidden || res.StatusCode == http.StatusServiceUnavailable
	body, err := t.body(res)
	if err == nil && t.terms.says(res.StatusCode, body) {
		return &risk.FetchError{Kind: risk.FailStatus, URL: req.URL.String(), Status: res.StatusCode, Err: errNone}
	}
	if t.terms.known && res.StatusCode == http.StatusUnauthorized {
		return &risk.FetchError{Kind: risk.FailDenied, URL: req.URL.String(), Status: res.StatusCode, Err: errors.New("status 401: the service does not take the key")}
	}
	if err == nil && mayBlock && looksLikeCaptcha(body) {
		return t.failure(req, risk.FailCaptcha, fmt.Errorf("a captcha or block page with status %d", res.StatusCode))
	} else if ctx.Err() != nil {
		return t.classify(ctx, req, ctx.Err())
	}
	refused := &risk.FetchError{Kind: risk.FailStatus, URL: req.URL.String(), Status: res.StatusCode,
		RetryAfter: max(retryAfter(res.Header.Get("Retry-After"), t.now()), quotaBack(res.Header, t.now())), Err: fmt.Errorf("status %d", res.StatusCode)}
	if err == nil && !t.terms.known {
		explain(refused, req.URL, res.Header.Get("Content-Type"), body)
	}
	return refused
}

// mostRetryAfter keeps a hostile header from switching a source off for good.
const mostRetryAfter = 24 * time.Hour

func retryAfter(header string, now time.Time) time.Duration {
	var d time.Duration
	if s, err := strconv.Atoi(strings.TrimSpace(header)); err == nil {
		d = time.Duration(min(max(s, 0), int(mostRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		d = at.Sub(now)
	}
	return min(max(d, 0), mostRetryAfter)
}

// classify says what an error of dialling, sending or reading means. The end of the caller's own context stays what it
// is: nobody failed.
func (t *transport) classify(ctx context.Context, req *http.Request, err error) error {
	var body bodyError
	var timeout net.Error
	switch {
	case req.Context().Err() != nil:
		return req.Context().Err()
	case errors.As(err, &body):
		return t.failure(req, body.kind, err)
	case errors.Is(context.Cause(ctx), errTimeLimit):
		return t.failure(req, risk.FailTimeout, errTimeLimit)
	case errors.Is(err, errForbidden):
		return t.failure(req, risk.FailRefused, err)
	case errors.Is(err, errProxy):
		return t.failure(req, risk.FailProxy, err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return t.failure(req, risk.FailCut, err)
	case errors.As(err, &timeout) && timeout.Timeout():
		return t.failure(req, risk.FailTimeout, err)
	}
	return t.failure(req, risk.FailNetwork, err)
}

func (t *transport) failure(req *http.Request, kind risk.FailureKind, err error) error {
	return &risk.FetchError{Kind: kind, URL: req.URL.String(), Err: err}
}
