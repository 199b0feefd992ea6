package lifecycle

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTheTerminationLogIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	for _, text := range []string{"a first and long text\n", "short\n"} {
		if err := writeTerminationLog(path, text); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != text {
			t.Errorf("the file has %q, %v; want %q", b, err, text)
		}
	}
}

func TestTheTerminationLogIsAtMostWhatAKubeletReads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := writeTerminationLog(path, strings.Repeat("x", 10_000)); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != 4096 {
		t.Errorf("%d bytes, %v; want 4096", info.Size(), err)
	}
}

func TestATerminationLogThatIsNotAFileIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	precious := filepath.Join(dir, "precious")
	if err := os.WriteFile(precious, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, create := range map[string]func(path string) error{
		"a FIFO":                         func(p string) error { return unix.Mkfifo(p, 0o600) },
		"a symbolic link":                func(p string) error { return os.Symlink(precious, p) },
		"a symbolic link to nothing":     func(p string) error { return os.Symlink(filepath.Join(dir, "new"), p) },
		"a symbolic link to a terminal":  func(p string) error { return os.Symlink("/dev/tty", p) },
		"a directory":                    func(p string) error { return os.Mkdir(p, 0o700) },
		"a symbolic link to a directory": func(p string) error { return os.Symlink(dir, p) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, "log")
			if err := create(path); err != nil {
				t.Fatal(err)
			}
			defer os.Remove(path)
			before, _ := os.Lstat(path)
			if err := writeTerminationLog(path, "text"); !errors.Is(err, errNotRegular) {
				t.Errorf("error %v, want %v", err, errNotRegular)
			}
			if after, err := os.Lstat(path); err != nil || after.Mode() != before.Mode() {
				t.Errorf("%v, %v; want it unchanged", after, err)
			}
			if b, _ := os.ReadFile(precious); string(b) != "precious" {
				t.Errorf("another file was changed to %q", b)
			}
			if _, err := os.Lstat(filepath.Join(dir, "new")); err == nil {
				t.Error("another file was created")
			}
		})
	}
	if err := writeTerminationLog("/dev/full", "text"); !errors.Is(err, errNotRegular) {
		t.Errorf("a device: error %v, want %v", err, errNotRegular)
	}
}

func TestAFIFOWithAReaderIsNotATerminationLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := writeTerminationLog(path, "text"); !errors.Is(err, errNotRegular) {
		t.Errorf("error %v, want %v", err, errNotRegular)
	}
}
