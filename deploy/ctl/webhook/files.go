package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"time"

	"go.uber.org/zap"
)

// watchFiles is the time between two looks at the files. A kubelet takes a minute to bring a new Secret, so that there is no hurry.
const watchFiles = 2 * time.Second

// Files are a certificate that others make and renew, in PEM, such as those of a mounted Secret.
type Files struct{ Cert, Key string }

// A fileSource takes up what the files have.
type fileSource struct {
	files    Files
	identity *identity
	tried    [2][]byte // what the files had when they were last tried; owned by run
	log      *zap.Logger
}

// reload takes up what the files have, unless that has been tried already.
func (s *fileSource) reload() error {
	var contents [2][]byte
	for i, path := range []string{s.files.Cert, s.files.Key} {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		contents[i] = text
	}
	if bytes.Equal(contents[0], s.tried[0]) && bytes.Equal(contents[1], s.tried[1]) {
		return nil
	}
	s.tried = contents
	certificate, err := tls.X509KeyPair(contents[0], contents[1])
	if err != nil {
		return fmt.Errorf("%s and %s: %w", s.files.Cert, s.files.Key, err)
	}
	if s.identity.show(&certificate) {
		s.log.Info("TLS certificate taken up", zap.Time("not_after", certificate.Leaf.NotAfter))
	}
	return nil
}

// run takes up changes until ctx is done. What cannot be used is logged, and the last that could be stays.
func (s *fileSource) run(ctx context.Context) {
	ticker := time.NewTicker(watchFiles)
	defer ticker.Stop()
	var last string // error that was logged
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := s.reload()
		if err == nil {
			last = ""
			continue
		}
		if err.Error() != last {
			last = err.Error()
			s.identity.metrics.failures.Inc()
			s.log.Error("new TLS certificate refused, the old one stays", zap.Error(err))
		}
	}
}

// ready says whether what was asked for is there: the files were read at the start.
func (s *fileSource) ready() error { return nil }
