package main

import (
	"io"
	"net/http"
	"testing"
)

// startNghttpd starts nghttp2's server. It answers with a file, and with the request's body where a flag says so.
func startNghttpd(t *testing.T, flags ...string) (address string) {
	t.Helper()
	path := requireProgram(t, "nghttpd")
	port := freePort(t)
	args := append([]string{"--no-tls", "--address=127.0.0.1", "--htdocs=" + publicDir(t)}, flags...)
	start(t, nil, path, append(args, port)...)
	address = "127.0.0.1:" + port
	awaitListener(t, address)
	return address
}

// startGoHTTP2 starts Go's own server of HTTP/2.
func startGoHTTP2(t *testing.T) (address string) {
	t.Helper()
	_, address = startPeerApp(t, "http2")
	return address
}

// runGoHTTP2 serves HTTP/2 without TLS at an address: it answers with the request's body, or with a few words.
func runGoHTTP2(args []string) error {
	server := &http.Server{Addr: args[0], Protocols: new(http.Protocols), Handler: http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			if n, _ := io.Copy(w, r.Body); n == 0 {
				_, _ = io.WriteString(w, "It works.\n")
			}
		},
	)}
	server.Protocols.SetUnencryptedHTTP2(true)
	return server.ListenAndServe()
}
