package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Sizes of the answers at /small, /large and /huge in bytes.
const (
	smallBody = 64
	largeBody = 1 << 20
	hugeBody  = 64 << 20
)

// nginxApp answers HTTP/1.1 and h2c.
func nginxApp() peer {
	return peer{
		Name:    "app",
		Speaks:  []protocol{http1, h2c},
		Tool:    tool{"nginx", "nginx-light"},
		Config:  "app.tmpl",
		Command: []string{"{{.Binary}}", "-e", "stderr", "-p", "{{.Dir}}", "-c", "{{.Config}}"},
	}
}

// grpcApp answers every call with the same message and the status OK. nghttpd
// answers a POST with a file and with trailers, which is all that a unary call
// needs, and is faster than any library for gRPC.
func grpcApp() peer {
	return peer{
		Name:   "grpc-app",
		Speaks: []protocol{grpc},
		Tool:   tool{"nghttpd", "nghttp2-server"},
		Config: "app.mime.tmpl",
		Command: []string{
			"{{.Binary}}", "--no-tls", "--address=127.0.0.1", "--htdocs={{.Files}}",
			"--mime-types-file={{.Config}}", "--trailer=grpc-status: 0", "{{.ListenPort}}",
		},
	}
}

// tunnelApp answers WebSocket and TCP.
func tunnelApp() peer {
	return peer{
		Name:    "tunnel",
		Speaks:  []protocol{webSocket, tcp},
		Build:   "lameduck/bench/overhead/tunnel",
		Command: []string{"{{.Binary}}", "app", "{{.Listen}}"},
	}
}

// writeFiles writes what the apps answer with.
func writeFiles(dir string) error {
	call := filepath.Join(dir, callPath)
	if err := os.MkdirAll(filepath.Dir(call), 0o755); err != nil {
		return err
	}
	for path, content := range map[string][]byte{
		// Written out, since a hole would be read from one page over and over.
		filepath.Join(dir, "large"): make([]byte, largeBody),
		filepath.Join(dir, "huge"):  make([]byte, hugeBody),
		call:                        message(),
	} {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// app returns the app of a protocol, and starts it when it is needed for the
// first time.
func (b *bench) app(ctx context.Context, p protocol) (*instance, error) {
	if app := b.apps[p]; app != nil {
		return app, nil
	}
	at, err := b.appPlace(ctx, p)
	if err != nil {
		return nil, err
	}
	app, err := startInstance(ctx, p.app(), at, b.cores.Others)
	if err == nil {
		b.apps[p] = app
	}
	return app, err
}

func (b *bench) appPlace(ctx context.Context, p protocol) (place, error) {
	at := b.place
	at.Protocol = p
	at.Descriptors = b.appConnections() + otherFiles
	app := p.app()
	if b.binaries[app.Name] == "" {
		if err := b.find(ctx, app, nil); err != nil {
			return at, err
		}
	}
	at.Binary = b.binaries[app.Name]
	return at, nil
}

// smallText is the body of the small answer.
func smallText() string { return strings.Repeat("x", smallBody) }

// check asks for every answer at address, so that no misconfigured peer is
// measured doing something else.
func (p protocol) check(ctx context.Context, address string) error {
	switch p {
	case http1:
	case webSocket, tcp:
		return p.echo(ctx, address, largeBody)
	default:
		return p.greet(ctx, address)
	}
	for path, want := range map[string]int64{"/small": smallBody, "/large": largeBody, "/huge": hugeBody} {
		got, err := fetch(ctx, overHTTP1(), "http://"+address+path)
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("get %s: %d bytes came instead of %d", path, got, want)
		}
	}
	return nil
}
