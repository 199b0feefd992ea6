package peers

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// A Name is the name of a program that can be built.
type Name string

// The programs.
const (
	Traefik    Name = "traefik"
	QueueProxy Name = "queue-proxy"
)

// A source is the source of a program.
type source struct {
	module, version string
	pkg             string // of the program, below the module
	patch           patch  // empty if it is built unmodified
}

// The versions are pinned, so that comparisons do not change by themselves.
var sources = map[Name]source{
	Traefik: {module: "github.com/traefik/traefik/v3", version: "v3.6.12", pkg: "./cmd/traefik"},
	QueueProxy: {
		module: "knative.dev/serving", version: "v0.42.2", pkg: "./cmd/queue", patch: sharedAddress,
	},
}

// Version returns the version of a program, such as v3.6.12, or "" if there is no such program.
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

// cached returns the path of the program in the cache.
func cached(name Name) (string, error) {
	s, known := sources[name]
	if !known {
		return "", fmt.Errorf("unknown peer %q: want %s or %s", name, Traefik, QueueProxy)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a directory to keep %s in: %w", name, err)
	}
	file := fmt.Sprintf("%s-%s-%s", name, s.version, runtime.Version())
	return filepath.Join(dir, "lameduck-bench", file), nil
}
