//go:build e2e

package e2e

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
)

// Ports of a pod.
const (
	routePort = "18080" // Lameduck's
	adminPort = "18081"
	appPort   = "8080" // the app's
)

// url returns the URL of a port of a pod.
func (s *stage) url(pod, port string) string {
	return "http://" + net.JoinHostPort(s.podIP(pod), port)
}

// call makes a request over a new connection.
func call(ctx context.Context, method, url string) (status int, text string, err error) {
	r, err := http.NewRequestWithContext(ctx, method, url, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

// expectOK checks that a request is answered with 200.
func expectOK(t *testing.T, method, url string) {
	t.Helper()
	if status, _, err := call(t.Context(), method, url); err != nil || status != http.StatusOK {
		t.Errorf("%s %s is answered with %d, %v", method, url, status, err)
	}
}

// metrics returns the metrics of the Lameduck in a pod.
func (s *stage) metrics(t *testing.T, pod string) string {
	t.Helper()
	status, text, err := call(t.Context(), http.MethodGet, s.url(pod, adminPort)+"/metrics")
	if err != nil || status != http.StatusOK {
		t.Fatalf("the metrics of %s: %d, %v", pod, status, err)
	}
	return text
}
