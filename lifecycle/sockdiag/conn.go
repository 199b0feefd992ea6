package sockdiag

import (
	"errors"
	"sync"
)

// ErrUnavailable is returned where the sockets of the namespace cannot be read at all.
var ErrUnavailable = errors.New("socket diagnostics are not available")

// ErrLost is returned if connections have ended faster than their ends were received.
var ErrLost = errors.New("ends of connections were lost: the receive buffer is full")

// A Conn reads sockets. Its methods may be called by any goroutine, one dump is made at a time. The
// zero value is ready: it opens what it needs with the first dump.
type Conn struct {
	mu     sync.Mutex
	source source
}

// Open returns a Conn that has already opened what it needs, so that it works when descriptors run
// out.
func Open() *Conn {
	c := new(Conn)
	c.source.open()
	return c
}

// Listeners returns the listeners at a port, or at all ports if port is 0. If there are none, the
// port is free, or its listener is in another network namespace.
func (c *Conn) Listeners(port uint16) (listeners []Listener, err error) {
	q := query{states: states(Listen)}
	if port != 0 {
		q.ports = []uint16{port}
	}
	err = c.dump(q, func(s *socket) { listeners = append(listeners, s.listener()) })
	return listeners, err
}

// EachListener calls f for each listener at one of the local ports.
func (c *Conn) EachListener(ports []uint16, f func(Listener)) error {
	return c.dump(query{states: states(Listen), ports: ports}, func(s *socket) { f(s.listener()) })
}

// EachConnection calls f for each connection at one of the local ports in which data can still
// arrive, be read or be sent. On a busy node f may be called twice for one of them: the kernel makes
// a long dump in parts, and sockets come and go in between. After an error it may have been called
// for some of them.
func (c *Conn) EachConnection(ports []uint16, f func(*Connection)) error {
	var connection Connection
	return c.dump(query{states: connected, ports: ports, info: true}, func(s *socket) {
		connection = s.connection()
		f(&connection)
	})
}

func (c *Conn) dump(q query, f func(*socket)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.source.dump(q, f)
}

// Close releases the resources of the Conn.
func (c *Conn) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.source.close()
}
