package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// An identity is the certificate with which TLS is terminated, and the CAs of clients'
// certificates. Its files are read again when they change, as those of a mounted Secret do.
type identity struct {
	files   identityFiles
	read    [3][]byte // what the files held when they were last tried; owned by watch
	current atomic.Pointer[credentials]
}

// identityFiles are paths. Clients need no certificate if clientCA is empty. No error has a path in
// it: somebody may have put a key in its place.
type identityFiles struct{ cert, key, clientCA string }

// credentials are the files' contents.
type credentials struct {
	certificate tls.Certificate
	clients     *x509.CertPool // nil if clients need no certificate
}

// loadIdentity reads the files. Its error names the variable of the one at fault.
func loadIdentity(files identityFiles) (*identity, error) {
	id := &identity{files: files}
	if _, err := id.reload(); err != nil {
		return nil, err
	}
	return id, nil
}

// reload applies the contents of the files, unless that has been tried already.
func (id *identity) reload() (changed bool, err error) {
	var contents [3][]byte
	for i, file := range []struct{ variable, path string }{
		{"LAMEDUCK_TLS_CERT", id.files.cert},
		{"LAMEDUCK_TLS_KEY", id.files.key},
		{"LAMEDUCK_TLS_CLIENT_CA", id.files.clientCA},
	} {
		if file.path == "" {
			continue
		}
		if contents[i], err = os.ReadFile(file.path); err != nil {
			return false, fmt.Errorf("%s: must be the path of a readable PEM file: %w",
				file.variable, withoutPath(err))
		}
	}
	if sameContents(contents, id.read) {
		return false, nil
	}
	id.read = contents
	c := &credentials{}
	if c.certificate, err = tls.X509KeyPair(contents[0], contents[1]); err != nil {
		return false, fmt.Errorf("LAMEDUCK_TLS_CERT: must be the PEM file of a certificate, "+
			"and LAMEDUCK_TLS_KEY that of its key: %w", err)
	}
	if id.files.clientCA != "" {
		c.clients = x509.NewCertPool()
		if !c.clients.AppendCertsFromPEM(contents[2]) {
			return false, errors.New("LAMEDUCK_TLS_CLIENT_CA: must be a PEM file with a CA certificate in it")
		}
	}
	id.current.Store(c)
	return true, nil
}

// withoutPath returns the reason alone of an error of the file system.
func withoutPath(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}

func sameContents(a, b [3][]byte) bool {
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// watchFiles is the time between two looks at the files: a kubelet takes a minute to bring a new
// Secret, so that there is no hurry.
const watchFiles = 2 * time.Second

// watch applies changes until ctx is done. What cannot be used is logged, and the last that could
// be stays.
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
			log.Info("TLS certificate loaded", zap.Time("not_after", id.notAfter()))
		}
	}
}

// notAfter is when the certificate expires.
func (id *identity) notAfter() time.Time { return id.current.Load().certificate.Leaf.NotAfter }

// config is what a server needs to show the identity.
func (id *identity) config() *tls.Config {
	c := &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return &id.current.Load().certificate, nil
		},
	}
	if id.files.clientCA != "" {
		c.ClientAuth = tls.RequireAnyClientCert
		c.VerifyConnection = id.verifyClient // it knows of new authorities, which ClientCAs does not
	}
	return c
}

// verifyClient refuses a client whose certificate none of the authorities of this moment vouches
// for, also when it goes on with an earlier session.
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
