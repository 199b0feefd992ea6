package integration

import (
	"os"
	"path/filepath"
	"testing"
)

func TestInstallCopiesTheProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lameduck")
	start(t, nil, programPath("lameduck"), "install", path).wantExit(t, exitOK)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("mode %v, error %v; want a program that every user may execute", info.Mode(), err)
	}
	start(t, nil, path, "version").wantExit(t, exitOK)
	if left, _ := filepath.Glob(path + ".*"); left != nil {
		t.Errorf("files left behind: %q", left)
	}
}

func TestInstallReplacesARunningProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lameduck")
	sleep, err := os.ReadFile("/bin/sleep")
	if err != nil {
		t.Skip(err)
	}
	if err := os.WriteFile(path, sleep, 0o755); err != nil {
		t.Fatal(err)
	}
	start(t, nil, path, "60")
	start(t, nil, programPath("lameduck"), "install", path).wantExit(t, exitOK)
	start(t, nil, path, "version").wantExit(t, exitOK)
}

func TestInstallReportsItsErrors(t *testing.T) {
	p := start(t, nil, programPath("lameduck"), "install", filepath.Join(t.TempDir(), "no", "such"))
	p.wantExit(t, exitFailure)
	if p.stderr.String() == "" {
		t.Error("no error was printed")
	}
	start(t, nil, programPath("lameduck"), "install").wantExit(t, exitUsage)
}
