package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"time"

	"lameduck/proxy/pp"
)

// appHandshakeTimeout is how long the app may take for its part of TLS. It is on this host.
const appHandshakeTimeout = 10 * time.Second

// A handshake is the beginning of a connection whose TLS is terminated.
type handshake struct {
	conn   *conn
	client *outer
	header []byte // of the PROXY protocol
	app    Conn   // nil: it is not reached
	fault  error  // why not
}

// errHandshake says that the client and we have not come to terms.
var errHandshake = errors.New("TLS handshake")

func newHandshake(c *conn, client *outer) *handshake {
	h := &handshake{conn: c, client: client}
	client.handshake = h
	client.held.deadline = &c.requests.Deadline
	return h
}

// secure makes the connection that the client's is bound to, and ends the client's TLS. The app comes first, as soon as the client has
// begun: where it has gone, the fallback gets the client's TLS untouched.
func (h *handshake) secure() (Conn, error) {
	c, client := h.conn, h.client
	if err := client.peek(); err != nil {
		return nil, err
	}
	c.setProgress(arriving)
	defer client.held.handshakeEnded()
	var app Conn
	err := c.limitHead(func() (err error) {
		app, err = h.shake()
		return err
	})
	c.setProgress(idle)
	if err != nil && h.app != nil {
		_ = h.app.Close()
	}
	return app, err
}

// shake is secure once the client has begun.
func (h *handshake) shake() (Conn, error) {
	c := h.conn
	if err := h.awaitProxyHeader(); err != nil {
		return nil, err
	}
	h.app, h.fault = appLink{c}.dial()
	switch {
	case h.fault == nil && c.fellBack:
		h.pass()
		return h.app, nil
	case h.fault == errClientLeft, h.fault != nil && c.server.appGone():
		return nil, h.fault
	}
	if h.fault == nil && len(h.header) > 0 {
		if _, err := h.app.Write(h.header); err != nil {
			return nil, fmt.Errorf("write to app: %w", err)
		}
	}
	h.client.begin = h.client.begin[len(h.header):]
	if err := h.endTLS(); err != nil {
		return nil, fmt.Errorf("%w: %w", errHandshake, err)
	}
	return h.app, h.fault
}

// awaitProxyHeader waits for the header of the PROXY protocol, if the route has one.
func (h *handshake) awaitProxyHeader() error {
	for h.conn.route.Proxied {
		if size, ok := pp.Size(h.client.begin); ok && size <= len(h.client.begin) {
			h.header = h.client.begin[:size]
			h.conn.sniffing.proxyHeaderDone = true
			return nil
		}
		if err := h.client.peek(); err != nil {
			return err
		}
	}
	return nil
}

// pass makes the connection one of bytes that nobody follows: the fallback's.
func (h *handshake) pass() {
	c := h.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sniffing.proxyHeaderDone = true
	c.speakLocked(tcp)
}

// endTLS has the client's connection end in TLS from now on.
func (h *handshake) endTLS() error {
	c, client := h.conn, h.client
	s := &secured{Conn: tls.Server(client, c.route.security.base), outer: client}
	c.mu.Lock()
	c.client = s
	c.mu.Unlock()
	return s.HandshakeContext(context.Background()) // its time is that of limitHead
}

// negotiate chooses the protocol of a client that has offered some (RFC 7301).
func (h *handshake) negotiate(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	r := h.conn.route
	if h.app != nil && r.AppTLS {
		protocol := h.secureApp(hello)
		if h.fault == errClientLeft {
			return nil, h.fault
		}
		return r.security.offer(protocol), nil
	}
	http2 := func() bool { return h.app != nil && h.appSpeaksHTTP2() }
	return r.security.offer(chooseALPN(r.Protocol, hello.SupportedProtos, http2)), nil
}

// appSpeaksHTTP2 reports whether the app speaks HTTP/2 without TLS.
func (h *handshake) appSpeaksHTTP2() bool {
	r, s := h.conn.route, &h.conn.route.security.http2
	header := slices.Clone(h.header)
	return s.get(func() {
		r.conns.Go(func() { // Serve waits for it, as it does for the caller
			if yes, asked := r.askHTTP2(header); asked {
				s.answer(yes)
			} else {
				s.noAnswer()
			}
		})
	})
}

// secureApp begins TLS with the app, for the name and the protocols that the client has asked for. It
// returns the protocol that the app has chosen, or the empty string for none. The app's certificate is not
// verified: it is on this host, and the client has no use for it.
func (h *handshake) secureApp(hello *tls.ClientHelloInfo) (protocol string) {
	below := &outer{Conn: h.app}
	s := &secured{outer: below, Conn: tls.Client(below, &tls.Config{
		ServerName:         hello.ServerName,
		InsecureSkipVerify: true, //nolint:gosec // see above
		NextProtos:         hello.SupportedProtos,
	})}
	staying, departure := watchDeparture(h.conn)
	defer departure.stop()
	ctx, cancel := context.WithTimeout(staying, appHandshakeTimeout)
	defer cancel()
	err := s.HandshakeContext(ctx)
	if err != nil {
		_ = h.app.Close()
		h.app, h.fault = nil, fmt.Errorf("TLS handshake with app: %w", err)
		if context.Cause(staying) == errClientLeft {
			h.fault = errClientLeft
		}
		return firstOf(hello.SupportedProtos, alpnHTTP1) // for the 503
	}
	h.app = s
	return s.ConnectionState().NegotiatedProtocol
}

// endHandshake accounts for a connection that has ended before it was bound. True: it was one of those.
func endHandshake(c *conn, err error) bool {
	client, unsecured := c.client.(*outer)
	switch {
	case errors.Is(err, errHandshake) || err == errHeadTimeout:
		c.server.stats.handshakeFailures.Add(1)
		c.endBy(endedRefused)
		c.logEnd("TLS refused", err)
	case unsecured && client.handshake.fault == nil:
		c.endBy(endedByClient) // before it has begun, as health checks do
	default:
		return false
	}
	return true
}
