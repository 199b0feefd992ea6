package certs

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"sync/atomic"
	"time"
)

// A Source keeps the certificate of a Store up to date.
type Source interface {
	// Run updates the Store until ctx is done.
	Run(ctx context.Context)

	// Ready returns an error while the API server may not trust the certificate yet.
	Ready() error
}

// A Store has the certificate that is served. It may change at any time.
type Store struct {
	current atomic.Pointer[tls.Certificate] // nil until there is one
	metrics *Metrics
}

// NewStore returns an empty store.
func NewStore(m *Metrics) *Store { return &Store{metrics: m} }

// set replaces the certificate and reports whether it is a different one.
func (s *Store) set(c *tls.Certificate) (changed bool) {
	if old := s.current.Load(); old != nil && bytes.Equal(old.Leaf.Raw, c.Leaf.Raw) {
		return false
	}
	s.current.Store(c)
	s.metrics.expiry.Set(float64(c.Leaf.NotAfter.Unix()))
	return true
}

var errNoCertificate = errors.New("there is no certificate yet")

// Check returns an error if there is no certificate or if it has expired.
func (s *Store) Check(now time.Time) error {
	switch c := s.current.Load(); {
	case c == nil:
		return errNoCertificate
	case now.After(c.Leaf.NotAfter):
		return errors.New("the certificate has expired")
	}
	return nil
}

// TLSConfig returns a server configuration that serves the current certificate.
func (s *Store) TLSConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if c := s.current.Load(); c != nil {
				return c, nil
			}
			return nil, errNoCertificate
		},
	}
}
