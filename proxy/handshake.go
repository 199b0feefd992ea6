package proxy

import (
	"context"
	"errors"
	"fmt"

	"lameduck/proxy/pp"
	"lameduck/proxy/tlsterm"
)

// A handshake sets up a connection on which TLS is terminated.
type handshake struct {
	conn   *conn
	client *tlsterm.Raw
	header []byte // of the PROXY protocol
	app    Conn   // nil if the app has not been reached
	fault  error  // why it has not
}

// The reasons why TLS does not begin.
var (
	errHandshake = errors.New("TLS handshake")            // with the client
	errNotBegun  = errors.New("client has not begun TLS") // as a health check
)

func newHandshake(c *conn, client *tlsterm.Raw) *handshake {
	client.LimitHandshake(&c.requests.Deadline)
	return &handshake{conn: c, client: client}
}

// secure dials the app and terminates the client's TLS. It dials as soon as the client has begun:
// if the app has exited, the fallback gets the client's TLS untouched.
func (h *handshake) secure() (Conn, error) {
	c := h.conn
	if err := h.client.Peek(); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotBegun, err)
	}
	c.setProgress(arriving)
	defer h.client.HandshakeEnded()
	err := c.limitHead(h.shake)
	c.setProgress(idle)
	if err == nil {
		err = h.fault
	}
	if err == nil {
		return h.app, nil
	}
	if h.app != nil {
		_ = h.app.Close()
	}
	return nil, err
}

// shake is secure once the client has begun. It returns only errors of the client, since limitHead takes
// a timeout for one of the client. Those of the app are in fault.
func (h *handshake) shake() error {
	c := h.conn
	if err := h.awaitProxyHeader(); err != nil {
		return fmt.Errorf("%w: %w", errNotBegun, err)
	}
	h.app, h.fault = appLink{c}.dial()
	switch {
	case h.fault == nil && c.fellBack:
		h.passthrough()
		return nil
	case h.fault == errClientLeft, h.fault != nil && c.server.appGone():
		return nil
	}
	h.sendProxyHeader()
	if err := h.terminate(); err != nil {
		return fmt.Errorf("%w: %w", errHandshake, err)
	}
	return nil
}

// awaitProxyHeader waits for the header of the PROXY protocol, if the route has one.
func (h *handshake) awaitProxyHeader() error {
	for h.conn.route.Proxied {
		peeked := h.client.Peeked()
		if size, ok := pp.Size(peeked); ok && size <= len(peeked) {
			h.header = peeked[:size]
			h.conn.sniffing.proxyHeaderDone = true
			return nil
		}
		if err := h.client.Peek(); err != nil {
			return err
		}
	}
	return nil
}

// sendProxyHeader sends the header of the PROXY protocol to the app, in front of anything else.
func (h *handshake) sendProxyHeader() {
	h.client.Take(len(h.header))
	if h.fault != nil || len(h.header) == 0 {
		return
	}
	if _, err := h.app.Write(h.header); err != nil {
		_ = h.app.Close()
		h.app, h.fault = nil, fmt.Errorf("write to app: %w", err)
	}
}

// passthrough relays the client's TLS untouched.
func (h *handshake) passthrough() {
	c := h.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sniffing.proxyHeaderDone = true
	c.speakLocked(tcp)
}

// terminate terminates the client's TLS.
func (h *handshake) terminate() error {
	c := h.conn
	app := tlsterm.App{Conn: h.app, Err: h.fault, Header: h.header, Watch: h.watch}
	t := c.route.tls.Begin(h.client, app)
	c.mu.Lock()
	c.client = t.Conn
	c.mu.Unlock()
	err := t.Run() // within the time of limitHead
	h.app, h.fault = t.App()
	return err
}

// watch watches the client during the TLS handshake with the app.
func (h *handshake) watch() (staying context.Context, stop func(read bool)) {
	staying, departure := watchDeparture(h.conn)
	return staying, departure.stop
}

// endHandshake accounts for a connection that ended before TLS was terminated. It returns false if
// err is not the reason for such an end.
func endHandshake(c *conn, err error) bool {
	switch {
	case errors.Is(err, errHandshake) || err == errHeadTimeout:
		c.server.stats.handshakeFailures.Add(1)
		c.endBy(endedRefused)
		c.logEnd("TLS refused", err)
	case errors.Is(err, errNotBegun):
		c.endBy(endedByClient)
	default:
		return false
	}
	return true
}
