// Package handshake has the TLS configuration of all clients in bench/overhead, which is the same
// for every peer: TLS 1.3, X25519, and the suite that is checked below.
package handshake

import (
	"crypto/tls"
	"fmt"
)

// ServerName is the name in the certificate of all peers.
const ServerName = "app.example"

// Suite is the cipher suite of every connection.
const Suite = tls.TLS_AES_128_GCM_SHA256

// Config returns the configuration of a client. Sessions are resumed from the cache, if there is
// one. The certificate is not verified, since that costs the proxy nothing.
func Config(cache tls.ClientSessionCache) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		ServerName: ServerName,
		// OpenSSL 3.0 does not support the hybrid key exchange that Go prefers.
		CurvePreferences:   []tls.CurveID{tls.X25519},
		ClientSessionCache: cache,
		InsecureSkipVerify: true,
	}
}

// Check returns an error if a connection is not as those to other peers are.
func Check(state tls.ConnectionState, resumed bool) error {
	switch {
	case state.CipherSuite != Suite:
		return fmt.Errorf("the cipher suite is %s, want %s",
			tls.CipherSuiteName(state.CipherSuite), tls.CipherSuiteName(Suite))
	case state.DidResume != resumed:
		return fmt.Errorf("the session is resumed: %t, want %t", state.DidResume, resumed)
	}
	return nil
}

// Forget is a cache that offers no session. With it a client asks for session tickets, as browsers
// do, and makes a full handshake each time.
type Forget struct{}

// Get returns no session.
func (Forget) Get(string) (*tls.ClientSessionState, bool) { return nil, false }

// Put discards the session.
func (Forget) Put(string, *tls.ClientSessionState) {}
