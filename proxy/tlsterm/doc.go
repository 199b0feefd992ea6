// Package tlsterm terminates the TLS of clients and can re-encrypt to the app.
//
//	client ──TLS──> Raw ── Conn ──clear text──> relay ──clear text──> app
//	                                                  └──> Conn ──TLS──> app
//
// A [Terminator] belongs to a listener, and has its certificates. It chooses the ALPN protocol of a
// client by what the app speaks. A [Handshake] belongs to one client. A [Conn] can be half-closed
// and reset like a TCP connection, so that the relay need not know about TLS.
//
// The package does not know the relay: the caller provides functions to dial the app and to end the
// wait for it.
package tlsterm
