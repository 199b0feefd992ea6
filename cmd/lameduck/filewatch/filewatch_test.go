package filewatch

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// errBad is the error of loading a file that begins with "bad".
var errBad = errors.New("bad contents")

// A testWatcher is a watcher of one file. It records loads and errors.
type testWatcher struct {
	path   string
	loaded []string
	failed []string
}

func startWatcher(t *testing.T, first string) *testWatcher {
	t.Helper()
	r := &testWatcher{path: filepath.Join(t.TempDir(), "file")}
	r.write(t, first)
	var current string
	w, err := New(func(contents [][]byte) error {
		if bytes.HasPrefix(contents[0], []byte("bad")) {
			return errBad
		}
		current = string(contents[0])
		return nil
	}, File{"SETTING", r.path}, File{"NONE", ""})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Run(ctx,
			func() { r.loaded = append(r.loaded, current) },
			func(err error) { r.failed = append(r.failed, err.Error()) })
	}()
	t.Cleanup(func() { stop(); <-done })
	time.Sleep(Interval / 2) // so that no read meets a write
	return r
}

func (r *testWatcher) write(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(r.path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// pass waits until the watcher has read the file several times.
func pass() {
	time.Sleep(5 * Interval)
	synctest.Wait()
}

func TestChangedFilesAreLoadedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startWatcher(t, "one")
		pass()
		r.write(t, "two")
		pass()
		r.write(t, "three")
		pass()
		if want := []string{"two", "three"}; !slices.Equal(r.loaded, want) || len(r.failed) > 0 {
			t.Errorf("loaded %q and failed %q, want %q", r.loaded, r.failed, want)
		}
	})
}

func TestAnErrorIsReportedOnceUntilTheFilesAreGoodAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startWatcher(t, "one")
		r.write(t, "bad 1")
		pass()
		r.write(t, "bad 2")
		pass()
		r.write(t, "one")
		pass()
		r.write(t, "bad 3")
		pass()
		if want := []string{errBad.Error(), errBad.Error()}; !slices.Equal(r.failed, want) {
			t.Errorf("failed %q, want %q", r.failed, want)
		}
		if want := []string{"one"}; !slices.Equal(r.loaded, want) {
			t.Errorf("loaded %q, want %q", r.loaded, want)
		}
	})
}

func TestAMissingFileIsAnErrorWithTheSettingAndWithoutThePath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	_, err := New(func([][]byte) error { return nil }, File{"SETTING", path})
	if err == nil || !strings.HasPrefix(err.Error(), "SETTING: must be the path of a readable file: ") ||
		strings.Contains(err.Error(), "secret") || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	synctest.Test(t, func(t *testing.T) {
		r := startWatcher(t, "one")
		if err := os.Remove(r.path); err != nil {
			t.Fatal(err)
		}
		pass()
		r.write(t, "one")
		pass()
		if len(r.failed) != 1 || len(r.loaded) > 0 {
			t.Errorf("failed %q and loaded %q", r.failed, r.loaded)
		}
	})
}

// A read of a FIFO without a writer never returns, so Run would not return either.
func TestWhatIsNoFileIsAnErrorAndNeverRead(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{fifo, t.TempDir(), os.DevNull} {
		_, err := New(func([][]byte) error { return nil }, File{"SETTING", path})
		if !errors.Is(err, errNotRegular) {
			t.Errorf("error %v of %s, want %v", err, path, errNotRegular)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		r := startWatcher(t, "one")
		if err := os.Rename(fifo, r.path); err != nil {
			t.Fatal(err)
		}
		pass()
		if len(r.failed) != 1 || len(r.loaded) > 0 {
			t.Errorf("failed %q and loaded %q, want one failure", r.failed, r.loaded)
		}
	})
}
