package proxy

import (
	"errors"
	"io"

	"lameduck/proxy/h1"
	"lameduck/proxy/pump"
	"lameduck/proxy/tlsterm"
)

// newConn returns a connection that is ready for serve.
func (s *Server) newConn(r *route, client Conn) *conn {
	c := &conn{server: &s.shared, route: r, client: client, newRelayer: newRelayer, finished: s.finished}
	c.changed.L = &c.mu
	c.ledger.server, c.ledger.addr, c.ledger.opened = c.server, addrOf(client), s.now()
	c.notice.newcomer = s.draining()
	c.requests.Deadline.Watch(client)
	c.requests.Charge(s.budget, true)
	c.responses.Charge(s.budget, false)
	c.protocol = r.start()
	c.relayer = newRelayer(c, c.protocol)
	return c
}

// newRelayer returns the relayer of a protocol.
func newRelayer(c *conn, p protocol) relayer {
	switch p {
	case unknown:
		return &openingConn{base: base{c}}
	case http2:
		return newHTTP2(c)
	case websocket:
		return newWebSocket(c)
	case tunnel, tcp:
		return &tunnelConn{base{c}}
	}
	return newHTTP1(c)
}

// serve relays the connection. It dials the app first, even if the client has sent nothing, so that
// the app sees the same connections as without us. Only if we terminate TLS does the client have to
// begin first. It returns when the direction from the client has ended or is parked.
func (s *Server) serve(c *conn) {
	growStack()
	app, err := s.reach(c)
	if err != nil {
		s.answerUnavailable(c, err)
		c.finish()
		return
	}
	if !s.bind(c, app) {
		c.endBy(endedIdle)
		c.finish()
		return
	}
	go c.run(fromApp)
	c.run(fromClient)
}

// reach dials the app, and terminates the client's TLS if the route says so.
func (s *Server) reach(c *conn) (Conn, error) {
	if client, ok := c.client.(*tlsterm.Raw); ok {
		return newHandshake(c, client).secure()
	}
	return appLink{c}.dial()
}

// bind joins the app's connection to the client's. It returns false if the connection must end at
// once: it has been closed in the meantime, or the server has been closed and the client has sent
// nothing.
func (s *Server) bind(c *conn, app Conn) bool {
	closed := c.server.finishing.Load() && !hasUnread(c.client)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.attachLocked(app)
	if c.parkable() {
		c.server.parker.run() // for its sweeps, too
	}
	return !closed && !c.life.closing
}

// answerUnavailable ends a connection for which the app was not reached. A request is answered with
// a 503, anything else is not answered.
func (s *Server) answerUnavailable(c *conn, err error) {
	if errors.Is(err, errClientLeft) {
		c.endBy(endedByClient)
		return
	}
	if endHandshake(c, err) {
		return
	}
	c.endBy(endedRefused)
	if err == errLoop || c.server.appGone() {
		c.logEnd("fallback not reached", err)
		reset(c.client) // a refused connection is retried elsewhere, a 503 is not
		return
	}
	c.logEnd("app not reached", err)
	c.requests.Init(pump.NewEnd(c.client), pump.End{}, c.server.pipes, &c.server.stats.requestBytes)
	c.limitAll(lingerTimeout)
	if c.readsRequest() {
		_, _ = io.WriteString(c.client, string(answerUnavailable))
		_ = c.client.CloseWrite()
		closer{c}.discardRequests()
	}
	c.requests.Release()
}

// readsRequest reports whether the client of a connection without an app sends a request. It reads
// the head, and what comes before it.
func (c *conn) readsRequest() bool {
	if c.route.Proxied {
		if o := (&openingConn{base: base{c}}).relayProxyHeader(); o.stops() {
			return false
		}
	}
	_, o := newHTTP1(c).readRequest()
	return !o.stops() && h1.Recognize(c.requests.Pending()) == h1.Yes
}
