package webhook

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"
)

// The keys of the Secret.
const (
	keyTrusted     = "ca.crt"  // the authorities that the API server is to trust, the newest first
	keyCurrent     = "tls.crt" // what is shown
	keyCurrentKey  = "tls.key"
	keyUpcoming    = "next.crt" // what is shown once the API server trusts its authority
	keyUpcomingKey = "next.key"
)

// maxTrusted bounds the authorities, also when somebody breaks the Secret again and again. In a renewal there are two.
const maxTrusted = 4

// shared is what the replicas share: the contents of the Secret. What becomes of it follows from it and the time alone, so that it does not
// matter which replica does it.
type shared struct {
	trusted []*x509.Certificate
	current *pair // nil: there is none of use
	next    *pair // nil: none is waiting
}

// readShared reads the Secret. What is of no use is left out, and the error says why.
func readShared(data map[string][]byte, name string, now time.Time) (*shared, error) {
	s := &shared{trusted: decodeBundle(data[keyTrusted])}
	var faults []error
	read := func(certKey, keyKey string) *pair {
		if len(data[certKey]) == 0 && len(data[keyKey]) == 0 {
			return nil
		}
		p, err := readPair(data[certKey], data[keyKey])
		if err == nil {
			err = p.check(name, s.trusted, now)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", certKey, err))
			return nil
		}
		return p
	}
	s.current, s.next = read(keyCurrent, keyCurrentKey), read(keyUpcoming, keyUpcomingKey)
	return s, errors.Join(faults...)
}

// write returns the Secret's contents, with what others have in it.
func (s *shared) write(data map[string][]byte) map[string][]byte {
	written := map[string][]byte{keyTrusted: encodeBundle(s.trusted)}
	for key, value := range data {
		switch key {
		case keyTrusted, keyCurrent, keyCurrentKey, keyUpcoming, keyUpcomingKey:
		default:
			written[key] = value
		}
	}
	if s.current != nil {
		written[keyCurrent], written[keyCurrentKey] = s.current.certPEM, s.current.keyPEM
	}
	if s.next != nil {
		written[keyUpcoming], written[keyUpcomingKey] = s.next.certPEM, s.next.keyPEM
	}
	return written
}

// advance takes the steps that are due. known says that the API server has trusted all the authorities for long enough.
//
//	none ──> current                         at once: nothing is shown that would have to stay
//	current ──(60 days)──> current + next    both authorities are trusted
//	current + next ──(known)──> next         the old authority stays until it has expired: somebody may show its certificate yet
func (s *shared) advance(name string, now time.Time, known bool) (changed bool, err error) {
	before := len(s.trusted)
	s.trusted = slices.DeleteFunc(s.trusted, func(a *x509.Certificate) bool { return now.After(a.NotAfter) })
	changed = len(s.trusted) != before
	switch {
	case s.next != nil && (s.current == nil || known):
		s.current, s.next = s.next, nil
	case s.current == nil:
		s.current, err = s.generate(name, now)
	case s.next == nil && !now.Before(s.current.made().Add(renewAfter)):
		s.next, err = s.generate(name, now)
	default:
		return changed, nil
	}
	return err == nil, err
}

// generate makes a pair, and has its authority trusted.
func (s *shared) generate(name string, now time.Time) (*pair, error) {
	g, err := newGeneration(name, now)
	if err != nil {
		return nil, err
	}
	s.trusted = slices.Insert(s.trusted, 0, g.authority)
	s.trusted = s.trusted[:min(len(s.trusted), maxTrusted)]
	return g.pair, nil
}
