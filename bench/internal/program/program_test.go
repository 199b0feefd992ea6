package program

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	if path, err := Find("go"); err != nil || filepath.Base(path) != "go" {
		t.Errorf("go is %q, %v", path, err)
	}
	if path, err := Find("no-such-program"); err == nil {
		t.Errorf("a program that does not exist is %q", path)
	}
}

func TestFindSearchesSbin(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	all, err := filepath.Glob("/usr/sbin/*")
	for _, path := range all {
		if _, missing := exec.LookPath(path); missing == nil {
			if got, err := Find(filepath.Base(path)); got != path || err != nil {
				t.Errorf("%s is %q, %v", filepath.Base(path), got, err)
			}
			return
		}
	}
	t.Skip("/usr/sbin has no program: ", err)
}

func TestBuildNamesThePackageThatFails(t *testing.T) {
	err := Build(t.Context(), "lameduck/bench/missing", filepath.Join(t.TempDir(), "missing"))
	if err == nil || !strings.Contains(err.Error(), "build lameduck/bench/missing inside the repository") {
		t.Errorf("got %v, want the package", err)
	}
}
