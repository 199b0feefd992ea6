// Package tlsterm terminates the TLS of clients, and re-encrypts to an app if it is asked to.
//
//	client ──TLS──> Raw ── Conn ──clear text──> relay ──clear text──> app
//	                                                  └──> Conn ──TLS──> app
//
// A [Terminator] belongs to a listener, and has its certificates. It chooses the protocol that a
// client gets in ALPN by what the app speaks. A [Handshake] belongs to one client. A [Conn] can be
// half-closed and reset like a TCP connection, so that the relay need not know about TLS.
//
// The package knows no relay: the way to the app, and what ends the wait for it, are functions of
// the caller.
package tlsterm
