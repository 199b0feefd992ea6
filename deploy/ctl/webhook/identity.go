package webhook

import (
	"bytes"
	"crypto/tls"
	"errors"
	"sync/atomic"
	"time"
)

// An identity is the certificate that clients are shown. It may change at any time.
type identity struct {
	current atomic.Pointer[tls.Certificate] // nil: none yet
	metrics *metrics
}

// show takes up a certificate, and says whether it is another one.
func (id *identity) show(c *tls.Certificate) (changed bool) {
	if old := id.current.Load(); old != nil && bytes.Equal(old.Leaf.Raw, c.Leaf.Raw) {
		return false
	}
	id.current.Store(c)
	id.metrics.expiry.Set(float64(c.Leaf.NotAfter.Unix()))
	return true
}

var errNoCertificate = errors.New("there is no certificate yet")

// check says why nobody would trust the certificate, if so.
func (id *identity) check(now time.Time) error {
	switch c := id.current.Load(); {
	case c == nil:
		return errNoCertificate
	case now.After(c.Leaf.NotAfter):
		return errors.New("the certificate has expired")
	}
	return nil
}

// config is what a server needs.
func (id *identity) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if c := id.current.Load(); c != nil {
				return c, nil
			}
			return nil, errNoCertificate
		},
	}
}
