package entrypoint

import (
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// maxAnswer bounds one answer. Manifests and configurations have some KB.
const maxAnswer = 4 << 20

// Errors of the transport.
var (
	errTooLong = errors.New("answer is too long")
	errPlain   = errors.New("plain HTTP to another host than loopback")
)

// newTransport returns the transport for registries: with a bound for each answer, and without plain
// HTTP except on loopback.
func newTransport(inner http.RoundTripper) http.RoundTripper {
	if inner == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.IdleConnTimeout = time.Minute
		t.MaxIdleConns = 2 * maxFetches
		inner = t
	}
	return &guard{inner}
}

type guard struct{ http.RoundTripper }

func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !isLoopback(r.URL.Hostname()) {
		return nil, errPlain
	}
	answer, err := g.RoundTripper.RoundTrip(r)
	if err == nil {
		answer.Body = &bounded{ReadCloser: answer.Body, left: maxAnswer}
	}
	return answer, err
}

// CloseIdleConnections closes those of the inner transport.
func (g *guard) CloseIdleConnections() {
	if t, is := g.RoundTripper.(interface{ CloseIdleConnections() }); is {
		t.CloseIdleConnections()
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// bounded is a body that fails when it is too long.
type bounded struct {
	io.ReadCloser
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLong
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
