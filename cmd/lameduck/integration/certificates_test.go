package integration

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// An authority is a CA.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

// issue returns a certificate for servers and clients with a serial number, and its key, both in
// PEM.
func (a *authority) issue(t *testing.T, serial int64) (cert, key []byte) {
	t.Helper()
	private := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), DNSNames: []string{"app.example"}, NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, private.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

func (a *authority) trusting(cert, key []byte) *tls.Config {
	config := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "app.example"}
	config.RootCAs.AddCert(a.certificate)
	if pair, err := tls.X509KeyPair(cert, key); err == nil {
		config.Certificates = []tls.Certificate{pair}
	}
	return config
}

// A secret is a directory as the kubelet mounts it: its files are symbolic links to a directory
// that is replaced atomically.
type secret struct {
	dir      string
	versions int
}

func newSecret(t *testing.T, cert, key []byte) *secret {
	t.Helper()
	s := &secret{dir: t.TempDir()}
	s.replace(t, cert, key)
	for _, name := range []string{"tls.crt", "tls.key"} {
		if err := os.Symlink(filepath.Join("..data", name), s.path(name)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *secret) path(name string) string { return filepath.Join(s.dir, name) }

func (s *secret) replace(t *testing.T, cert, key []byte) {
	t.Helper()
	s.versions++
	version := fmt.Sprintf("..version_%d", s.versions)
	if err := os.Mkdir(s.path(version), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"tls.crt": cert, "tls.key": key} {
		if err := os.WriteFile(filepath.Join(s.path(version), name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(version, s.path("..data_tmp")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(s.path("..data_tmp"), s.path("..data")); err != nil {
		t.Fatal(err)
	}
}

func (s *secret) env() []string {
	return []string{"LAMEDUCK_TLS_CERT=" + s.path("tls.crt"), "LAMEDUCK_TLS_KEY=" + s.path("tls.key")}
}

// shown returns the serial number of the certificate that the server presents to a new client.
func shown(t *testing.T, address string, config *tls.Config) (int64, error) {
	t.Helper()
	c, err := tls.Dial("tcp", address, config)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if _, err := fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n"); err != nil {
		return 0, err
	}
	_ = c.SetReadDeadline(time.Now().Add(waitTimeout))
	if b, err := io.ReadAll(c); err != nil || !bytes.Contains(b, []byte("hello")) {
		return 0, fmt.Errorf("answered %q, %w", b, err)
	}
	return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64(), nil
}
