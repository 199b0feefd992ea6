package webhook

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

// How long a certificate of ours is used.
const (
	lifetime   = 90 * 24 * time.Hour
	renewAfter = 60 * 24 * time.Hour // a month is left for whoever has to find out why this does not work
	backdate   = time.Hour           // for clocks that are slow
)

// A generation is a certificate with the authority that vouches for it, and for nothing else: its key is forgotten at once, so that
// whoever can read the Secret can pass for this webhook, and for nobody else.
type generation struct {
	authority *x509.Certificate
	*pair
}

// A pair is a certificate with its key.
type pair struct {
	certPEM, keyPEM []byte
	certificate     tls.Certificate
}

// newGeneration makes one for a DNS name.
func newGeneration(name string, now time.Time) (*generation, error) {
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template, err := newTemplate(now)
	if err != nil {
		return nil, err
	}
	// A name of its own: who verifies need not try the others.
	template.Subject = pkix.Name{CommonName: fmt.Sprintf("lameduck webhook authority %x", template.SerialNumber)}
	template.IsCA, template.MaxPathLenZero = true, true
	template.KeyUsage = x509.KeyUsageCertSign
	template.PermittedDNSDomainsCritical, template.PermittedDNSDomains = true, []string{name}
	der, err := x509.CreateCertificate(rand.Reader, template, template, authorityKey.Public(), authorityKey)
	if err != nil {
		return nil, err
	}
	authority, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	p, err := newPair(name, now, authority, authorityKey)
	if err != nil {
		return nil, err
	}
	return &generation{authority, p}, nil
}

func newPair(name string, now time.Time, authority *x509.Certificate, authorityKey *ecdsa.PrivateKey) (*pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template, err := newTemplate(now)
	if err != nil {
		return nil, err
	}
	template.Subject = pkix.Name{CommonName: "lameduck webhook"}
	template.DNSNames = []string{name}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	der, err := x509.CreateCertificate(rand.Reader, template, authority, key.Public(), authorityKey)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return readPair(encodePEM("CERTIFICATE", der), encodePEM("PRIVATE KEY", keyDER))
}

// newTemplate has what both certificates have.
func newTemplate(now time.Time) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)) // RFC 5280 section 4.1.2.2: at most 20 octets
	if err != nil {
		return nil, err
	}
	return &x509.Certificate{
		SerialNumber: serial, NotBefore: now.Add(-backdate), NotAfter: now.Add(lifetime), BasicConstraintsValid: true,
	}, nil
}

func readPair(certPEM, keyPEM []byte) (*pair, error) {
	certificate, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, err
	}
	return &pair{certPEM, keyPEM, certificate}, nil
}

// made is when a pair of ours was made.
func (p *pair) made() time.Time { return p.certificate.Leaf.NotBefore.Add(backdate) }

// check says why clients that trust the authorities would not trust the pair.
func (p *pair) check(name string, trusted []*x509.Certificate, now time.Time) error {
	roots := x509.NewCertPool()
	for _, authority := range trusted {
		roots.AddCert(authority)
	}
	_, err := p.certificate.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, CurrentTime: now})
	return err
}

func encodePEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// encodeBundle writes authorities in their order.
func encodeBundle(authorities []*x509.Certificate) []byte {
	var text bytes.Buffer
	for _, a := range authorities {
		text.Write(encodePEM("CERTIFICATE", a.Raw))
	}
	return text.Bytes()
}

// decodeBundle reads authorities and leaves out what is none.
func decodeBundle(text []byte) []*x509.Certificate {
	var authorities []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if a, err := x509.ParseCertificate(block.Bytes); err == nil && a.IsCA {
			authorities = append(authorities, a)
		}
	}
	return authorities
}
