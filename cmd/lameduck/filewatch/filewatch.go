// Package filewatch reads files again when their contents change, such as those of a mounted
// Secret.
//
// It polls, because a Secret is mounted through symbolic links that are replaced, and because the
// kubelet needs up to a minute to update them anyway.
package filewatch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"
)

// Interval is the time between two reads.
const Interval = 2 * time.Second

// A File is a file to watch.
type File struct {
	Setting string // the variable or flag that has the path, for errors
	Path    string // the file is not read if it is empty
}

// A Watcher reads files and passes their contents on when they have changed.
type Watcher struct {
	files []File
	load  func(contents [][]byte) error
	tried [][]byte // contents at the last attempt; nil before the first
}

// New returns a watcher that has loaded the files once. load gets the contents in the order of
// files, nil for one without a path. It is called by one goroutine at a time.
func New(load func(contents [][]byte) error, files ...File) (*Watcher, error) {
	w := &Watcher{files: files, load: load}
	_, err := w.reload()
	return w, err
}

// reload loads the files if their contents differ from those at the last attempt. Errors do not
// contain a path: the setting may be the secret itself.
func (w *Watcher) reload() (loaded bool, err error) {
	contents := make([][]byte, len(w.files))
	for i, f := range w.files {
		if f.Path == "" {
			continue
		}
		if contents[i], err = readRegular(f.Path); err != nil {
			return false, fmt.Errorf("%s: must be the path of a readable file: %w", f.Setting, withoutPath(err))
		}
	}
	if w.tried != nil && slices.EqualFunc(contents, w.tried, bytes.Equal) {
		return false, nil
	}
	w.tried = contents
	return true, w.load(contents)
}

// errNotRegular is the error of a path that is not that of a file.
var errNotRegular = errors.New("not a regular file")

// readRegular reads a file. It does not wait for the other end of a FIFO.
func readRegular(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNotRegular
	}
	return io.ReadAll(f)
}

// withoutPath returns an error of the file system without its path.
func withoutPath(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}

// Run loads changed files until ctx is done. It calls loaded after new contents have been loaded,
// and failed for an error unless it is the same as the one before.
func (w *Watcher) Run(ctx context.Context, loaded func(), failed func(error)) {
	ticker := time.NewTicker(Interval)
	defer ticker.Stop()
	var last string // the error that was reported, until new contents are loaded
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		switch changed, err := w.reload(); {
		case err != nil && err.Error() != last:
			last = err.Error()
			failed(err)
		case changed && err == nil:
			last = ""
			loaded()
		}
	}
}
