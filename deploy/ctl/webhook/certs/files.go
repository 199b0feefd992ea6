package certs

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"time"

	"go.uber.org/zap"
)

// pollFiles is the time between two reads of the files. The kubelet needs up to a minute to update a
// mounted Secret, so there is no hurry.
const pollFiles = 2 * time.Second

// FilePaths are the PEM files of a certificate and its key.
type FilePaths struct{ Cert, Key string }

// Files is a Source that reads files again when they change.
type Files struct {
	paths FilePaths
	store *Store
	tried [2][]byte // contents at the last attempt; owned by Run
	log   *zap.Logger
}

// NewFiles returns a source that has read the files once.
func NewFiles(paths FilePaths, store *Store, log *zap.Logger) (*Files, error) {
	f := &Files{paths: paths, store: store, log: log}
	return f, f.reload()
}

// reload reads the files and updates the store if they have changed since the last attempt.
func (f *Files) reload() error {
	var contents [2][]byte
	for i, path := range []string{f.paths.Cert, f.paths.Key} {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		contents[i] = text
	}
	if bytes.Equal(contents[0], f.tried[0]) && bytes.Equal(contents[1], f.tried[1]) {
		return nil
	}
	f.tried = contents
	certificate, err := tls.X509KeyPair(contents[0], contents[1])
	if err != nil {
		return fmt.Errorf("%s and %s: %w", f.paths.Cert, f.paths.Key, err)
	}
	if f.store.set(&certificate) {
		f.log.Info("TLS certificate loaded", zap.Time("not_after", certificate.Leaf.NotAfter))
	}
	return nil
}

// Run implements Source. If the new files are invalid, it logs that and the old certificate stays.
func (f *Files) Run(ctx context.Context) {
	ticker := time.NewTicker(pollFiles)
	defer ticker.Stop()
	var logged string // the last error
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := f.reload()
		if err == nil {
			logged = ""
			continue
		}
		if err.Error() != logged {
			logged = err.Error()
			f.store.metrics.failures.Inc()
			f.log.Error("new TLS certificate is invalid, keeping the old one", zap.Error(err))
		}
	}
}

// Ready implements Source. The files were valid at the start.
func (f *Files) Ready() error { return nil }
