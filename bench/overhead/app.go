package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Sizes of the answers at /small, /large and /huge in bytes.
const (
	smallBody = 64
	largeBody = 1 << 20
	hugeBody  = 64 << 20
)

func appTool() tool { return tool{"nginx", "nginx-light"} }

// appCommand starts nginx as the app, in the foreground.
func appCommand() []string {
	return []string{"{{.Binary}}", "-e", "stderr", "-p", "{{.Dir}}", "-c", "{{.Config}}"}
}

// startApp starts the app that stands behind every peer and waits for it.
func startApp(ctx context.Context, at place, set unix.CPUSet) (*process, error) {
	for name, size := range map[string]int{"large": largeBody, "huge": hugeBody} {
		// Written out, since a hole would be read from one page over and over.
		if err := os.WriteFile(filepath.Join(at.Files, name), make([]byte, size), 0o644); err != nil {
			return nil, err
		}
	}
	if err := at.writeConfig("app.tmpl"); err != nil {
		return nil, err
	}
	command, err := at.renderAll(appCommand())
	if err != nil {
		return nil, err
	}
	p, err := startProcess("app", command, nil, set)
	if err != nil {
		return nil, err
	}
	if err := p.awaitReady(ctx, "http://"+at.App+"/small"); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// smallText is the body of the small answer.
func smallText() string { return strings.Repeat("x", smallBody) }

// checkBodies asks for every answer at address and compares their lengths, so
// that no misconfigured peer is measured doing something else.
func checkBodies(ctx context.Context, address string) error {
	for path, want := range map[string]int64{"/small": smallBody, "/large": largeBody, "/huge": hugeBody} {
		got, err := fetch(ctx, "http://"+address+path)
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("get %s: %d bytes came instead of %d", path, got, want)
		}
	}
	return nil
}
