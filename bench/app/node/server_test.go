package node

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lameduck/bench/internal/wait"
	"lameduck/bench/port"
)

// serving runs the program and returns its URL.
func serving(t *testing.T) string {
	path, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is missing: apt-get install nodejs")
	}
	script := filepath.Join(t.TempDir(), "server.js")
	if err := os.WriteFile(script, []byte(Server), 0o644); err != nil {
		t.Fatal(err)
	}
	addr, err := port.Addr()
	if err != nil {
		t.Fatal(err)
	}
	host, port, _ := strings.Cut(addr, ":")
	cmd := exec.Command(path, script, host, port)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	await(t, "http://"+addr)
	return "http://" + addr
}

func await(t *testing.T, url string) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		resp, err := new(http.Client).Get(url)
		if err == nil {
			resp.Body.Close()
			return
		}
		if wait.For(ctx, 20*time.Millisecond) != nil {
			t.Fatalf("node does not serve: %v", err)
		}
	}
}

func TestServer(t *testing.T) {
	url := serving(t)
	for name, tc := range map[string]struct {
		method, target, body string
		status               int
		answer               string
		atLeast              time.Duration
	}{
		"GET answers a few bytes": {"GET", "/", "", 200, "hello\n", 0},
		"POST echoes":             {"POST", "/", "abc", 200, "abc", 0},
		"a large POST too":        {"POST", "/x", strings.Repeat("x", 1<<20), 200, strings.Repeat("x", 1<<20), 0},
		"wait delays a GET":       {"GET", "/?wait=50ms", "", 200, "hello\n", 50 * time.Millisecond},
		"wait delays a POST":      {"POST", "/?wait=0.1s", "abc", 200, "abc", 100 * time.Millisecond},
		"a malformed wait fails": {"GET", "/?wait=soon", "", 400,
			"wait: must be a duration (for example wait=50ms)\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequest(tc.method, url+tc.target, strings.NewReader(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			resp, err := new(http.Client).Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if body, _ := io.ReadAll(resp.Body); resp.StatusCode != tc.status || string(body) != tc.answer {
				t.Errorf("answered %d %.80q", resp.StatusCode, body)
			}
			if took := time.Since(began); took < tc.atLeast {
				t.Errorf("took %v, want at least %v", took, tc.atLeast)
			}
		})
	}
}
