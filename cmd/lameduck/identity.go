package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// An identity is what clients whose TLS ends here are shown, and whom of them it trusts. Its files are read again when
// they change, as those of a mounted Secret do.
type identity struct {
	files   identityFiles
	read    [3][]byte // what the files held when they were last tried; owned by watch
	current atomic.Pointer[credentials]
}

// identityFiles are paths. An empty clientCA: clients need no certificate.
type identityFiles struct{ cert, key, clientCA string }

// credentials are the files' contents.
type credentials struct {
	certificate tls.Certificate
	clients     *x509.CertPool // nil: clients need no certificate
}

// loadIdentity reads the files. Its error says which of them is at fault.
func loadIdentity(files identityFiles) (*identity, error) {
	id := &identity{files: files}
	if _, err := id.reload(); err != nil {
		return nil, err
	}
	return id, nil
}

// reload takes up what the files hold, unless that has been tried already.
func (id *identity) reload() (changed bool, err error) {
	var contents [3][]byte
	for i, path := range []string{id.files.cert, id.files.key, id.files.clientCA} {
		if path == "" {
			continue
		}
		if contents[i], err = os.ReadFile(path); err != nil {
			return false, err
		}
	}
	if sameContents(contents, id.read) {
		return false, nil
	}
	id.read = contents
	c := &credentials{}
	if c.certificate, err = tls.X509KeyPair(contents[0], contents[1]); err != nil {
		return false, fmt.Errorf("%s and %s: %w", id.files.cert, id.files.key, err)
	}
	if id.files.clientCA != "" {
		c.clients = x509.NewCertPool()
		if !c.clients.AppendCertsFromPEM(contents[2]) {
			return false, fmt.Errorf("%s: no certificate in PEM", id.files.clientCA)
		}
	}
	id.current.Store(c)
	return true, nil
}

func sameContents(a, b [3][]byte) bool {
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// watchFiles is the time between two looks at the files: a kubelet takes a minute to bring a new Secret, so that there is no hurry.
const watchFiles = 2 * time.Second

// watch takes up changes until ctx is done. What cannot be used is logged, and the last that could be stays.
func (id *identity) watch(ctx context.Context, log *zap.Logger) {
	ticker := time.NewTicker(watchFiles)
	defer ticker.Stop()
	var last string // error that was logged
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		switch changed, err := id.reload(); {
		case err != nil && err.Error() != last:
			last = err.Error()
			log.Error("new TLS certificate refused, the old one stays", zap.Error(err))
		case changed:
			last = ""
			log.Info("TLS certificate taken up", zap.Time("not_after", id.notAfter()))
		}
	}
}

// notAfter is when the certificate expires.
func (id *identity) notAfter() time.Time { return id.current.Load().certificate.Leaf.NotAfter }

// config is what a server needs to show the identity.
func (id *identity) config() *tls.Config {
	c := &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &id.current.Load().certificate, nil },
	}
	if id.files.clientCA != "" {
		c.ClientAuth = tls.RequireAnyClientCert
		c.VerifyConnection = id.verifyClient // it knows of new authorities, which ClientCAs does not
	}
	return c
}

// verifyClient refuses a client whose certificate none of the authorities of this moment vouches for, also when it goes on with
// an earlier session.
func (id *identity) verifyClient(state tls.ConnectionState) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("client has no certificate")
	}
	options := x509.VerifyOptions{
		Roots:         id.current.Load().clients,
		Intermediates: x509.NewCertPool(),
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, c := range state.PeerCertificates[1:] {
		options.Intermediates.AddCert(c)
	}
	_, err := state.PeerCertificates[0].Verify(options)
	return err
}
