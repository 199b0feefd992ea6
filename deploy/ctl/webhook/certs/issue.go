package certs

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
	"math/big"
	"time"
)

// Validity of the certificates that we issue.
const (
	validity   = 90 * 24 * time.Hour
	renewAfter = 60 * 24 * time.Hour // leaves a month to fix what prevents a renewal
	backdate   = time.Hour           // for clocks that are slow
)

// An issuedCert is a certificate with the CA that has signed it. The CA has signed nothing else,
// and its key has been discarded.
type issuedCert struct {
	ca *x509.Certificate
	*keyPair
}

// A keyPair is a certificate with its key.
type keyPair struct {
	certPEM, keyPEM []byte
	certificate     tls.Certificate
}

// issue returns a certificate for a DNS name, signed by a new CA that is valid for that name only.
func issue(host string, now time.Time) (*issuedCert, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template, err := newTemplate(now)
	if err != nil {
		return nil, err
	}
	// A unique name, so that verifiers need not try the other CAs of a bundle.
	template.Subject = pkix.Name{CommonName: fmt.Sprintf("lameduck webhook authority %x",
		template.SerialNumber)}
	template.IsCA, template.MaxPathLenZero = true, true
	template.KeyUsage = x509.KeyUsageCertSign
	template.PermittedDNSDomainsCritical, template.PermittedDNSDomains = true, []string{host}
	der, err := x509.CreateCertificate(rand.Reader, template, template, caKey.Public(), caKey)
	if err != nil {
		return nil, err
	}
	ca, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	p, err := issueLeaf(host, now, ca, caKey)
	if err != nil {
		return nil, err
	}
	return &issuedCert{ca, p}, nil
}

func issueLeaf(host string, now time.Time, ca *x509.Certificate, caKey *ecdsa.PrivateKey) (*keyPair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template, err := newTemplate(now)
	if err != nil {
		return nil, err
	}
	template.Subject = pkix.Name{CommonName: "lameduck webhook"}
	template.DNSNames = []string{host}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	der, err := x509.CreateCertificate(rand.Reader, template, ca, key.Public(), caKey)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return parseKeyPair(encodePEM("CERTIFICATE", der), encodePEM("PRIVATE KEY", keyDER))
}

// newTemplate returns the fields that the CA and the leaf have in common.
func newTemplate(now time.Time) (*x509.Certificate, error) {
	// RFC 5280 section 4.1.2.2: at most 20 octets.
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	return &x509.Certificate{
		SerialNumber: serial, BasicConstraintsValid: true,
		NotBefore: now.Add(-backdate), NotAfter: now.Add(validity),
	}, nil
}

func parseKeyPair(certPEM, keyPEM []byte) (*keyPair, error) {
	certificate, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, err
	}
	return &keyPair{certPEM, keyPEM, certificate}, nil
}

// issuedAt returns when we issued the certificate.
func (p *keyPair) issuedAt() time.Time { return p.certificate.Leaf.NotBefore.Add(backdate) }

// verify returns an error if clients that trust the CAs would reject the certificate.
func (p *keyPair) verify(host string, trusted []*x509.Certificate, now time.Time) error {
	roots := x509.NewCertPool()
	for _, ca := range trusted {
		roots.AddCert(ca)
	}
	_, err := p.certificate.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: roots, CurrentTime: now})
	return err
}

func encodePEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// encodeBundle returns CAs as PEM, in order.
func encodeBundle(cas []*x509.Certificate) []byte {
	var text bytes.Buffer
	for _, ca := range cas {
		text.Write(encodePEM("CERTIFICATE", ca.Raw))
	}
	return text.Bytes()
}

// decodeBundle returns the CAs of a PEM bundle, without anything else that it has.
func decodeBundle(text []byte) []*x509.Certificate {
	var cas []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if ca, err := x509.ParseCertificate(block.Bytes); err == nil && ca.IsCA {
			cas = append(cas, ca)
		}
	}
	return cas
}
