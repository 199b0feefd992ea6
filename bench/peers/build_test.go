package peers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// module writes a module with one program and returns its directory.
func module(t *testing.T, program string) string {
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module tiny\n", "main.go": program} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o444); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCompile(t *testing.T) {
	output := filepath.Join(t.TempDir(), "program")
	var said strings.Builder
	program := fmt.Sprintf("package main; func main() { print(`quack`) } // %d", time.Now().UnixNano()) // in no build cache
	if err := compile(t.Context(), module(t, program), ".", output, &said); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(output).CombinedOutput(); string(out) != "quack" {
		t.Errorf("output of the program %q, %v", out, err)
	}
	if !strings.Contains(said.String(), "tiny\n") {
		t.Errorf("progress was %q", &said)
	}
}

func TestCompileReportsErrors(t *testing.T) {
	err := compile(t.Context(), module(t, `package main; func main() { quack() }`), ".", os.DevNull, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "undefined: quack") {
		t.Errorf("got %v", err)
	}
}

func TestCompileCanBeGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := compile(ctx, module(t, "package main"), ".", os.DevNull, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestPatch(t *testing.T) {
	from := module(t, "one two two")
	dir, err := patch{{"main.go", "one", "three"}, {"new/file.go", "", "new"}}.copy(from, filepath.Join(t.TempDir(), "copy"))
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		filepath.Join(dir, "main.go"):     "three two two",
		filepath.Join(dir, "new/file.go"): "new",
		filepath.Join(from, "main.go"):    "one two two",
	} {
		if text, err := os.ReadFile(file); string(text) != want {
			t.Errorf("%s is %q, %v; want %q", file, text, err, want)
		}
	}
}

func TestPatchThatDoesNotFitIsRefused(t *testing.T) {
	for old, times := range map[string]string{"two": "2", "four": "0"} {
		_, err := patch{{"main.go", old, "x"}}.copy(module(t, "one two two"), filepath.Join(t.TempDir(), "copy"))
		if want := `patch main.go: "` + old + `" occurs ` + times + " times, want once"; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// Where the module has been downloaded. Whether the copy compiles shows when it is built.
func TestPatchFitsQueueProxy(t *testing.T) {
	cache, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	s := sources[QueueProxy]
	dir := filepath.Join(strings.TrimSpace(string(cache)), s.module+"@"+s.version)
	if _, err := os.Stat(dir); err != nil {
		t.Skip("queue-proxy has not been built here: " + err.Error())
	}
	if _, err := s.patch.copy(dir, filepath.Join(t.TempDir(), "copy")); err != nil {
		t.Error(err)
	}
}
