package peers

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestProgramIsKeptUnderItsVersions(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	for _, name := range []Name{Traefik, QueueProxy} {
		path, err := cached(name)
		want := filepath.Join(os.Getenv("XDG_CACHE_HOME"), "lameduck-bench", string(name)+"-"+Version(name)+"-"+runtime.Version())
		if err != nil || path != want || Version(name) == "" {
			t.Errorf("path %s, %v; want %s", path, err, want)
		}
	}
}

func TestWhatIsBuiltIsNotBuiltAgain(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("PATH", "") // no Go command
	if Built(Traefik) {
		t.Fatal("it is said to be built")
	}
	want, _ := cached(Traefik)
	if err := os.MkdirAll(want, 0o755); err != nil {
		t.Fatal(err)
	}
	if Built(Traefik) {
		t.Error("a directory was taken for the program")
	}
	os.Remove(want)
	if err := os.WriteFile(want, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if path, err := Path(t.Context(), Traefik, io.Discard); !Built(Traefik) || path != want || err != nil {
		t.Errorf("it is at %s, %v; want %s", path, err, want)
	}
}

func TestUnknownPeerIsRefused(t *testing.T) {
	const want = `unknown peer "envoy": want traefik or queue-proxy`
	if _, err := Path(t.Context(), "envoy", io.Discard); err == nil || err.Error() != want {
		t.Errorf("Path: %v", err)
	}
	if err := Build(t.Context(), "envoy", filepath.Join(t.TempDir(), "x"), io.Discard); err == nil || err.Error() != want {
		t.Errorf("Build: %v", err)
	}
	if Built("envoy") {
		t.Error("it is said to be built")
	}
}

func TestCounterReportsPeriodically(t *testing.T) {
	var said strings.Builder
	c := &counter{w: &said, name: Traefik}
	for range reportEvery {
		io.WriteString(c, "go: downloading x v1\nexample.com/pack")
		io.WriteString(c, "age\n")
	}
	if said.String() != "traefik: 100 packages\n" {
		t.Errorf("said %q", &said)
	}
}
