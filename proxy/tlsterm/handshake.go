package tlsterm

import (
	"context"
	"crypto/tls"
	"fmt"
	"slices"
	"time"

	"lameduck/proxy/pump"
)

// appTimeout bounds the TLS handshake with the app, which is on this host.
const appTimeout = 10 * time.Second

// An App connects a client to its app.
type App struct {
	Conn   pump.Conn // nil if the app has not been reached
	Err    error     // why it has not
	Header []byte    // of the PROXY protocol, which the client has sent; may be empty
	// Watch watches the client during the TLS handshake with the app. The context is canceled, with
	// a cause, when the client leaves. The caller calls stop when it no longer waits, with read if the
	// client's request is read next.
	Watch func() (staying context.Context, stop func(read bool))
}

// A Handshake is the TLS handshake with a client and, when re-encrypting, the one with its app.
type Handshake struct {
	// Conn is the connection to the client. It carries nothing before Run has returned, but it can
	// be closed and reset.
	Conn *Conn

	terminator *Terminator
	app        App
}

// Begin prepares the handshake with a client.
func (t *Terminator) Begin(client *Raw, app App) *Handshake {
	h := &Handshake{Conn: Server(client, t.base), terminator: t, app: app}
	client.handshake = h
	return h
}

// Run performs the handshake, without a limit of its own for the client. It returns the error of
// the client's part.
func (h *Handshake) Run() error { return h.Conn.HandshakeContext(context.Background()) }

// App returns the connection to the app, or the error why there is none.
func (h *Handshake) App() (pump.Conn, error) { return h.app.Conn, h.app.Err }

// negotiate chooses the protocol of a client that has offered some (RFC 7301).
func (h *Handshake) negotiate(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	t := h.terminator
	if h.app.Conn != nil && t.config.Reencrypt {
		protocol, err := h.reencrypt(hello)
		if err != nil {
			return nil, err
		}
		return t.offer(protocol), nil
	}
	http2 := func() bool { return h.app.Conn != nil && t.SpeaksHTTP2(slices.Clone(h.app.Header)) }
	return t.offer(t.config.Content.choose(hello.SupportedProtos, http2)), nil
}

// reencrypt begins TLS with the app, for the name and the protocols that the client has asked for.
// It returns the protocol that the app has chosen, or the empty string for none, and an error if
// the client has left. The app's certificate is not verified: it is on this host, and the client
// has no use for it.
func (h *Handshake) reencrypt(hello *tls.ClientHelloInfo) (protocol string, err error) {
	c := Client(h.app.Conn, &tls.Config{
		ServerName:         hello.ServerName,
		InsecureSkipVerify: true, //nolint:gosec // see above
		NextProtos:         hello.SupportedProtos,
	})
	staying, stop := h.app.Watch()
	defer func() { stop(h.app.Err == nil) }()
	ctx, cancel := context.WithTimeout(staying, appTimeout)
	defer cancel()
	if err := c.HandshakeContext(ctx); err != nil {
		_ = h.app.Conn.Close()
		h.app.Conn, h.app.Err = nil, fmt.Errorf("TLS handshake with app: %w", err)
		if cause := context.Cause(staying); cause != staying.Err() {
			h.app.Err = cause
			return "", cause
		}
		return firstOf(hello.SupportedProtos, ALPNHTTP1), nil // for the 503
	}
	h.app.Conn = c
	return c.ConnectionState().NegotiatedProtocol, nil
}
