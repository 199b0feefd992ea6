package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"
)

// The keys of the Secret.
const (
	keyTrusted    = "ca.crt"  // CAs that the API server must trust, the newest first
	keyCurrent    = "tls.crt" // the certificate that is served
	keyCurrentKey = "tls.key"
	keyNext       = "next.crt" // served as soon as the API server trusts its CA
	keyNextKey    = "next.key"
)

// maxTrusted bounds the CAs, in case the Secret is corrupted again and again. A renewal needs two.
const maxTrusted = 4

// secretState is the contents of the Secret that the replicas share. Its next state depends on it
// and the time alone, so it does not matter which replica writes it.
type secretState struct {
	trusted []*x509.Certificate
	current *keyPair // nil if there is no valid one
	next    *keyPair // nil unless a renewal is under way
}

// decodeSecret reads the Secret. Invalid parts are left out, and the error names them.
func decodeSecret(data map[string][]byte, host string, now time.Time) (*secretState, error) {
	s := &secretState{trusted: decodeBundle(data[keyTrusted])}
	var errs []error
	read := func(certKey, keyKey string) *keyPair {
		if len(data[certKey]) == 0 && len(data[keyKey]) == 0 {
			return nil
		}
		p, err := parseKeyPair(data[certKey], data[keyKey])
		if err == nil {
			err = p.verify(host, s.trusted, now)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", certKey, err))
			return nil
		}
		return p
	}
	s.current, s.next = read(keyCurrent, keyCurrentKey), read(keyNext, keyNextKey)
	return s, errors.Join(errs...)
}

// encode returns the contents of the Secret. Keys of others stay as they are.
func (s *secretState) encode(data map[string][]byte) map[string][]byte {
	encoded := map[string][]byte{keyTrusted: encodeBundle(s.trusted)}
	for key, value := range data {
		switch key {
		case keyTrusted, keyCurrent, keyCurrentKey, keyNext, keyNextKey:
		default:
			encoded[key] = value
		}
	}
	if s.current != nil {
		encoded[keyCurrent], encoded[keyCurrentKey] = s.current.certPEM, s.current.keyPEM
	}
	if s.next != nil {
		encoded[keyNext], encoded[keyNextKey] = s.next.certPEM, s.next.keyPEM
	}
	return encoded
}

// advance takes the steps that are due. propagated reports that the API server has trusted all CAs
// for long enough.
//
//	nothing        ──────────────> current          at once
//	current        ──(60 days)───> current, next    both CAs are trusted
//	current, next  ──(propagated)> next             the old CA is trusted until it expires, as some
//	                                                replica may still serve its certificate
func (s *secretState) advance(host string, now time.Time, propagated bool) (changed bool, err error) {
	before := len(s.trusted)
	s.trusted = slices.DeleteFunc(s.trusted, func(ca *x509.Certificate) bool { return now.After(ca.NotAfter) })
	changed = len(s.trusted) != before
	switch {
	case s.next != nil && (s.current == nil || propagated):
		s.current, s.next = s.next, nil
	case s.current == nil:
		s.current, err = s.issue(host, now)
	case s.next == nil && !now.Before(s.current.issuedAt().Add(renewAfter)):
		s.next, err = s.issue(host, now)
	default:
		return changed, nil
	}
	return err == nil, err
}

// issue returns a new certificate and adds its CA to the trusted ones.
func (s *secretState) issue(host string, now time.Time) (*keyPair, error) {
	issued, err := issue(host, now)
	if err != nil {
		return nil, err
	}
	s.trusted = slices.Insert(s.trusted, 0, issued.ca)
	s.trusted = s.trusted[:min(len(s.trusted), maxTrusted)]
	return issued.keyPair, nil
}
