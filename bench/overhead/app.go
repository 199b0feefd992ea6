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

// grpcApp answers every call with the same message and the status OK. nghttpd answers a POST with a
// file and trailers, which is enough for a unary call, and is faster than any gRPC library.
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

// writeFiles writes the files that the apps serve.
func writeFiles(dir string) error {
	call := filepath.Join(dir, callPath)
	if err := os.MkdirAll(filepath.Dir(call), 0o755); err != nil {
		return err
	}
	for path, content := range map[string][]byte{
		// Written in full, since a hole would be read from a single page.
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

// app returns the app of a protocol. It starts the app at the first call.
func (b *bench) app(ctx context.Context, p protocol) (*instance, error) {
	p = p.appSide()
	if app := b.apps[p]; app != nil {
		return app, nil
	}
	at, err := b.appPaths(ctx, p)
	if err != nil {
		return nil, err
	}
	app, err := startInstance(ctx, p.app(), at, b.cores.Others)
	if err == nil {
		b.apps[p] = app
	}
	return app, err
}

func (b *bench) appPaths(ctx context.Context, p protocol) (paths, error) {
	at := b.paths
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

// check requests every response at address, so that a misconfigured peer is detected.
func (p protocol) check(ctx context.Context, address string) error {
	switch p {
	case http1, https:
	case webSocket, tcp:
		return p.echo(ctx, address, largeBody)
	default:
		return p.greet(ctx, address)
	}
	sizes := map[string]int64{"/small": smallBody, "/large": largeBody, "/huge": hugeBody}
	for path, want := range sizes {
		got, err := fetch(ctx, overHTTP1(), p.scheme()+address+path)
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("get %s: got %d bytes, want %d", path, got, want)
		}
	}
	return nil
}
