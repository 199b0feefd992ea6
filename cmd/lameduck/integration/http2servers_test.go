package integration

import (
	"crypto/rand"
	"io"
	"net/http"
	"os"
	"testing"
)

// An http2App is an unmodified server of HTTP/2 without TLS.
type http2App struct {
	name     string
	start    func(t *testing.T, root string) (app *program, address string)
	upgrades bool // HTTP/1.1 may switch to HTTP/2
}

var (
	nghttpd     = http2App{"nghttpd", startNghttpd, false}
	apacheHTTP2 = http2App{"Apache httpd", startApacheHTTP2, true}
	goHTTP2     = http2App{"Go", startGoHTTP2, false}
	http2Apps   = []http2App{nghttpd, apacheHTTP2, goHTTP2}
)

// startNghttpd starts the server of nghttp2 with the files of a directory.
func startNghttpd(t *testing.T, root string) (app *program, address string) {
	t.Helper()
	path, port := requireProgram(t, "nghttpd"), freePort(t)
	app = start(t, nil, path, "--no-tls", "--address=127.0.0.1", "--htdocs="+root, port)
	return app, awaitListener(t, "127.0.0.1:"+port)
}

func startApacheHTTP2(t *testing.T, root string) (app *program, address string) {
	t.Helper()
	path, port := requireProgram(t, "apache2", "httpd"), freePort(t)
	app = start(t, nil, path, "-f", writeConfig(t, "apache-h2c.conf", root, port, apacheModules(t)), "-D", "FOREGROUND")
	return app, awaitListener(t, "127.0.0.1:"+port)
}

func startGoHTTP2(t *testing.T, root string) (app *program, address string) {
	t.Helper()
	return startPeerApp(t, "http2", root)
}

// runGoHTTP2 serves a directory by HTTP/2 without TLS, with Go's own server.
func runGoHTTP2(args []string) error {
	files := http.FileServer(http.Dir(args[1]))
	server := &http.Server{Addr: args[0], Protocols: new(http.Protocols), Handler: http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // no answer before the whole request has been read
			files.ServeHTTP(w, r)
		},
	)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	return server.ListenAndServe()
}

// page is the answer of the apps.
const page = "It works.\n"

func randomFile(t *testing.T, path string, size int64) []byte {
	t.Helper()
	b, _ := io.ReadAll(io.LimitReader(rand.Reader, size))
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return b
}
