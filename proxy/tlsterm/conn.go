package tlsterm

import (
	"crypto/tls"
	"sync"
	"sync/atomic"

	"lameduck/proxy/pump"
)

// A Conn is a TLS connection that can be half-closed and reset like a TCP connection. A reset sends
// no close_notify, so that a part does not look like the whole. CloseWrite does not wait for the
// peer, and Close does not wait for a blocked write.
type Conn struct {
	*tls.Conn
	raw *Raw

	writing  sync.Mutex  // held by Write, and while our side is ended
	ending   atomic.Bool // our side is to end
	ended    bool        // our side has ended; guarded by writing
	cutShort atomic.Bool // our side ends without a close_notify (RFC 8446 section 6.1)
	reset    atomic.Bool // Close is to reset
}

// Server returns the server side of TLS on c. The handshake has not begun.
func Server(c pump.Conn, config *tls.Config) *Conn {
	raw := rawOf(c)
	return &Conn{Conn: tls.Server(raw, config), raw: raw}
}

// Client returns the client side of TLS on c. The handshake has not begun.
func Client(c pump.Conn, config *tls.Config) *Conn {
	raw := rawOf(c)
	return &Conn{Conn: tls.Client(raw, config), raw: raw}
}

// rawOf returns c as the connection below TLS.
func rawOf(c pump.Conn) *Raw {
	if raw, ok := c.(*Raw); ok {
		return raw
	}
	return &Raw{Conn: c}
}

// Beneath returns the connection below the TLS of c, or c itself if it is not a TLS connection.
func Beneath(c pump.Conn) pump.Conn {
	switch c := c.(type) {
	case *Conn:
		return c.raw.Conn
	case *Raw:
		return c.Conn
	}
	return c
}

// ReadBuffered implements [pump.ReadAhead]. An error is returned again by the next Read.
func (c *Conn) ReadBuffered(b []byte) int {
	c.raw.ahead = true
	n, _ := c.Conn.Read(b)
	c.raw.ahead = false
	return n
}

// Write implements [io.Writer]. It may be called by one goroutine at a time.
func (c *Conn) Write(b []byte) (int, error) {
	c.writing.Lock()
	n, err := c.Conn.Write(b)
	c.writing.Unlock()
	c.endIfDue()
	return n, err
}

// CloseWrite ends our side with a close_notify and a FIN, and does not wait. If a write is under way,
// they follow it. If the peer reads nothing, they are sent in the background.
func (c *Conn) CloseWrite() error {
	c.ending.Store(true)
	if writable(c.raw.Conn) {
		c.endIfDue()
	} else {
		go c.endIfDue() // crypto/tls waits for up to five seconds
	}
	return nil
}

func (c *Conn) endIfDue() {
	if !c.ending.Load() || !c.writing.TryLock() {
		return // the writer calls endIfDue again
	}
	defer c.writing.Unlock()
	if c.ended {
		return
	}
	c.ended = true
	if !c.cutShort.Load() {
		_ = c.Conn.CloseWrite() // the connection ends even if that fails
	}
	_ = c.raw.CloseWrite()
}

// Truncated reports whether the peer has ended its side without a close_notify, so that its data
// may be incomplete.
func (c *Conn) Truncated() bool { return c.raw.ended.Load() }

// SetLinger makes Close reset the connection if it is 0 seconds.
func (c *Conn) SetLinger(seconds int) error {
	c.reset.Store(seconds == 0)
	return c.raw.SetLinger(seconds)
}

// Close closes the connection. A reset sends no close_notify, which would make a part look
// complete. If a write or the end of our side still waits for the peer, it fails.
func (c *Conn) Close() error {
	if c.reset.Load() || c.cutShort.Load() || !c.writing.TryLock() {
		return c.raw.Close()
	}
	defer c.writing.Unlock()
	return c.Conn.Close()
}

// PassTruncation makes to end without a close_notify if from has ended without one and both are TLS
// connections.
func PassTruncation(from, to pump.Conn) {
	source, ok := from.(*Conn)
	if !ok || !source.Truncated() {
		return
	}
	if c, ok := to.(*Conn); ok {
		c.cutShort.Store(true)
	}
}
