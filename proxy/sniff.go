package proxy

import (
	"bytes"

	"lameduck/proxy/h1"
	"lameduck/proxy/h2"
	"lameduck/proxy/pp"
)

// sniff waits for the first bytes of a client, without passing them on, until it is settled what the connection
// speaks.
func (c *conn) sniff() error {
	f := &c.requests
	if c.route.Proxied {
		if err := c.passProxyHeader(); err != nil {
			return c.endStart(err)
		}
	}
	for {
		f.Pass(h1.EmptyLines(f.Pending())) // they mean nothing, in front of a request-line or at all
		if len(f.Pending()) > 0 {
			if p := c.recognize(f.Pending()); p != unknown {
				return c.settle(p)
			}
		}
		if err := c.readStart(); err != nil {
			return c.endStart(err)
		}
	}
}

// endStart ends the wait for the first bytes with what has ended reading: a client that has begun what is not even a method, or
// no whole header of the PROXY protocol, and waits, speaks TCP.
func (c *conn) endStart(err error) error {
	f := &c.requests
	switch {
	case err == errParked:
		return err // and nothing more: another goroutine may be at it already
	case err == errHeadTimeout && (bytes.IndexByte(f.Pending(), ' ') < 0 || c.route.Proxied && !c.introduced):
		return c.settle(tcp)
	case len(f.Pending()) > 0:
		return c.refuseRequest(err)
	}
	return err
}

// passProxyHeader passes on what a load balancer says of the connection before the client's first byte.
func (c *conn) passProxyHeader() error {
	f := &c.requests
	for !c.introduced {
		if size, ok := pp.Size(f.Pending()); ok {
			header := h1.FixedBody(int64(size))
			if err := f.CopyBody(&header); err != nil {
				return err
			}
			c.introduced = true
			continue
		}
		if err := c.readStart(); err != nil {
			return err
		}
	}
	return nil
}

// readStart reads on, without end where nothing has come yet and for as long as a head may take from the first byte on.
func (c *conn) readStart() error {
	if len(c.requests.Pending()) == 0 {
		return c.await(fromClient)
	}
	c.setProgress(arriving)
	return c.withHeadTimeout(c.requests.Fill)
}

// recognize tells what the client begins with b, which is not empty: unknown as long as that is open.
func (c *conn) recognize(b []byte) protocol {
	switch c.route.Protocol {
	case TCP:
		return tcp
	case HTTP1:
		return http1
	case H2C:
		return http2
	}
	preface := b[:min(len(b), len(h2.Preface))]
	if bytes.HasPrefix([]byte(h2.Preface), preface) {
		if len(preface) < len(h2.Preface) {
			return unknown
		}
		return http2
	}
	switch h1.Recognize(b) {
	case h1.Yes:
		return http1
	case h1.No:
		return tcp
	}
	return unknown
}

// recognizeApp tells what it means that the app begins with b, which is not empty, before the client has said anything. An HTTP/2
// server may send its SETTINGS at once (RFC 9113 section 3.4); an HTTP/1 server, a 408.
func (c *conn) recognizeApp(b []byte) protocol {
	h, whole := h2.ParseHeader(b)
	switch {
	case c.route.Protocol == TCP:
		return tcp
	case b[0] == 'H':
		return http1
	case whole && h.Type == h2.Settings && h.Stream == 0 && h.Flags == 0:
		return http2
	case whole || b[0] != 0:
		return tcp
	}
	return unknown
}

// settle notes what the connection speaks, if that is still open, and asks the direction to look again.
func (c *conn) settle(p protocol) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.request = nothing
	if c.protocol == unknown {
		c.speak(p)
	}
	return errSpeaks
}

// start notes what the route says that is spoken.
func (c *conn) start() {
	c.protocol = c.route.start()
	if c.protocol == http2 {
		c.h2 = newHTTP2()
	}
}

// speak notes what the connection speaks from now on. The caller holds mu.
func (c *conn) speak(p protocol) {
	c.protocol = p
	switch p {
	case http2:
		c.h2 = newHTTP2()
	case websocket:
		c.ws = new(messages)
	case tcp:
		c.account(exchange{}) // in flight until it ends
	}
	c.tell()
	c.scheduleLeave()
}
