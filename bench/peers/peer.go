package peers

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// Name is a program that can be built.
type Name string

// The programs.
const (
	Traefik    Name = "traefik"
	QueueProxy Name = "queue-proxy"
)

// source is where a program comes from.
type source struct {
	module, version string
	pkg             string // of the program, below the module
	patch           patch  // empty: it is built as it is
}

// The versions are pinned, since what is compared must not change by itself.
var sources = map[Name]source{
	Traefik:    {module: "github.com/traefik/traefik/v3", version: "v3.6.12", pkg: "./cmd/traefik"},
	QueueProxy: {module: "knative.dev/serving", version: "v0.42.2", pkg: "./cmd/queue", patch: sharedAddress},
}

// Version returns the version that is built of a program, such as v3.6.12, and nothing where there is no such program.
func Version(name Name) string { return sources[name].version }

// Built reports whether Path would return at once.
func Built(name Name) bool {
	path, err := cached(name)
	if err != nil {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// cached returns where the program is kept once it is built.
func cached(name Name) (string, error) {
	s, known := sources[name]
	if !known {
		return "", fmt.Errorf("peer %q is not known: use %s or %s", name, Traefik, QueueProxy)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a place to keep %s: %w", name, err)
	}
	return filepath.Join(dir, "lameduck-bench", fmt.Sprintf("%s-%s-%s", name, s.version, runtime.Version())), nil
}
