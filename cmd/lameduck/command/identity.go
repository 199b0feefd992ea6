package command

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"lameduck/cmd/lameduck/filewatch"
)

// An identity is the certificate for terminating TLS, and the CAs of client certificates. Its files
// are reloaded when they change.
type identity struct {
	files   identityFiles
	watcher *filewatch.Watcher
	current atomic.Pointer[credentials]
}

// identityFiles are the paths of an identity. If clientCA is empty, clients need no certificate.
type identityFiles struct{ cert, key, clientCA string }

// credentials are the contents of the files.
type credentials struct {
	certificate tls.Certificate
	clients     *x509.CertPool // nil if clients need no certificate
}

// loadIdentity reads the files. An error names the variable of the file that is invalid.
func loadIdentity(files identityFiles) (*identity, error) {
	id := &identity{files: files}
	var err error
	id.watcher, err = filewatch.New(id.load,
		filewatch.File{Setting: "LAMEDUCK_TLS_CERT", Path: files.cert},
		filewatch.File{Setting: "LAMEDUCK_TLS_KEY", Path: files.key},
		filewatch.File{Setting: "LAMEDUCK_TLS_CLIENT_CA", Path: files.clientCA})
	if err != nil {
		return nil, err
	}
	return id, nil
}

// load applies the contents of the three files.
func (id *identity) load(contents [][]byte) error {
	c := &credentials{}
	var err error
	if c.certificate, err = tls.X509KeyPair(contents[0], contents[1]); err != nil {
		return fmt.Errorf("LAMEDUCK_TLS_CERT: must be the PEM file of a certificate, "+
			"and LAMEDUCK_TLS_KEY that of its key: %w", err)
	}
	if id.files.clientCA != "" {
		c.clients = x509.NewCertPool()
		if !c.clients.AppendCertsFromPEM(contents[2]) {
			return errors.New("LAMEDUCK_TLS_CLIENT_CA: must be a PEM file with a CA certificate in it")
		}
	}
	id.current.Store(c)
	return nil
}

// watch loads changed files until ctx is done. If new files are invalid, it logs an error and keeps
// the old contents.
func (id *identity) watch(ctx context.Context, log *zap.Logger) {
	id.watcher.Run(ctx,
		func() { log.Info("TLS certificate loaded", zap.Time("not_after", id.notAfter())) },
		func(err error) { log.Error("new TLS certificate is invalid, keeping the old one", zap.Error(err)) })
}

// notAfter returns the expiry of the certificate.
func (id *identity) notAfter() time.Time { return id.current.Load().certificate.Leaf.NotAfter }

// config returns the TLS configuration of a server with this identity.
func (id *identity) config() *tls.Config {
	c := &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return &id.current.Load().certificate, nil
		},
	}
	if id.files.clientCA != "" {
		c.ClientAuth = tls.RequireAnyClientCert
		c.VerifyConnection = id.verifyClient // unlike ClientCAs it uses the current CAs
	}
	return c
}

// verifyClient returns an error if no current CA has issued the client's certificate, even for a
// resumed session.
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
