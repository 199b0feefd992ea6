package certs

import (
	"context"
	"crypto/tls"
	"fmt"

	"go.uber.org/zap"

	"lameduck/cmd/lameduck/filewatch"
)

// FilePaths are the PEM files of a certificate and its key.
type FilePaths struct{ Cert, Key string }

// Files is a Source that loads files again when they change.
type Files struct {
	watcher *filewatch.Watcher
	store   *Store
	log     *zap.Logger
}

// NewFiles returns a source that has loaded the files once.
func NewFiles(paths FilePaths, store *Store, log *zap.Logger) (*Files, error) {
	f := &Files{store: store, log: log}
	var err error
	f.watcher, err = filewatch.New(f.load,
		filewatch.File{Setting: "--tls-cert", Path: paths.Cert},
		filewatch.File{Setting: "--tls-key", Path: paths.Key})
	return f, err
}

// load applies the contents of the two files.
func (f *Files) load(contents [][]byte) error {
	certificate, err := tls.X509KeyPair(contents[0], contents[1])
	if err != nil {
		return fmt.Errorf("--tls-cert: must be the PEM file of a certificate, and --tls-key that of its key: %w", err)
	}
	if f.store.set(&certificate) {
		f.log.Info("TLS certificate loaded", zap.Time("not_after", certificate.Leaf.NotAfter))
	}
	return nil
}

// Run implements Source. If the new files are invalid, it logs that and the old certificate stays.
func (f *Files) Run(ctx context.Context) {
	f.watcher.Run(ctx, func() {}, func(err error) {
		f.store.metrics.failures.Inc()
		f.log.Error("new TLS certificate is invalid, keeping the old one", zap.Error(err))
	})
}

// Ready implements Source. The files were valid at the start.
func (f *Files) Ready() error { return nil }
