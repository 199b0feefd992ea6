package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"lameduck/deploy/ctl/webhook/certs"
	"lameduck/deploy/deploytest"
)

// validity is the lifetime of the certificate.
const validity = 90 * 24 * time.Hour

// A testServer is a running server with a client for each of its ports.
type testServer struct {
	t        *testing.T
	server   *Server
	requests *pipeListener
	client   *http.Client // of the webhook
	admin    *http.Client
	stop     context.CancelFunc // SIGTERM
	ended    chan error
	ca       *x509.Certificate
}

func testConfig(t *testing.T) (Config, *deploytest.Certificate) {
	t.Helper()
	c := deploytest.NewCertificate(t, host, validity)
	cert, key := c.Write(t, t.TempDir())
	return Config{
		Listen: "127.0.0.1:0", Metrics: "127.0.0.1:0", Settings: settings(), Namespace: own,
		Version: "1.2.3",
		Drain:   10 * time.Second, Files: certs.FilePaths{Cert: cert, Key: key}, Log: zap.NewNop(),
	}, c
}

// runInMemory starts a server in the test's bubble.
func runInMemory(t *testing.T, edits ...func(*Config)) *testServer {
	t.Helper()
	c, certificate := testConfig(t)
	for _, edit := range edits {
		edit(&c)
	}
	s, err := assemble(c)
	if err != nil {
		t.Fatal(err)
	}
	r := &testServer{t: t, server: s, requests: newPipeListener(), ended: make(chan error, 1),
		ca: certificate.Leaf}
	admin := newPipeListener()
	s.setListeners(r.requests, admin)
	ctx, stop := context.WithCancel(t.Context())
	r.stop = stop
	go func() { r.ended <- s.Run(ctx) }()
	dial := func(l *pipeListener) func(context.Context, string, string) (net.Conn, error) {
		return func(ctx context.Context, _, _ string) (net.Conn, error) { return l.dial(ctx) }
	}
	r.client = &http.Client{Transport: &http.Transport{DialContext: dial(r.requests),
		TLSClientConfig: r.trust()}}
	r.admin = &http.Client{Transport: &http.Transport{DialContext: dial(admin),
		DisableKeepAlives: true}}
	return r
}

func (r *testServer) trust() *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(r.ca)
	return &tls.Config{RootCAs: pool, ServerName: host}
}

func (r *testServer) end() {
	r.t.Helper()
	r.stop()
	if err := <-r.ended; err != nil {
		r.t.Errorf("the server returned %v", err)
	}
	r.client.CloseIdleConnections()
}

// ask sends a review and returns whether the answer closes the connection.
func (r *testServer) ask() (closes bool, err error) {
	answer, err := r.client.Post("https://"+host+"/mutate?timeout=2s", "application/json",
		strings.NewReader(question{}.String()))
	if err != nil {
		return false, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return false, err
	}
	if allowed(r.t, text).Patch == nil {
		return false, fmt.Errorf("no patch: %s", text)
	}
	return answer.Close, nil
}

func (r *testServer) get(path string) (int, string) {
	r.t.Helper()
	answer, err := r.admin.Get("http://admin" + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text)
}
