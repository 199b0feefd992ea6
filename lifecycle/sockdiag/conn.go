package sockdiag

import (
	"errors"
	"sync"
)

// ErrUnavailable is returned where the sockets of the namespace cannot be read at all.
var ErrUnavailable = errors.New("socket diagnostics are not available")

// A Conn reads sockets. Its methods may be called by any goroutine, one dump is made at a time. The
// zero value is ready: it opens what it needs with the first dump.
type Conn struct {
	mu     sync.Mutex
	source source
}

// Open returns a Conn that has what it needs already, so that it works when the process's
// descriptors are exhausted.
func Open() *Conn {
	c := new(Conn)
	c.source.open()
	return c
}

// Listeners returns the listeners at a port; port 0 stands for all. Where none is found the port is
// free, or the listener is in another network namespace.
func (c *Conn) Listeners(port uint16) ([]Listener, error) {
	sockets, err := c.dump(query{state: stateListen, port: port})
	listeners := make([]Listener, len(sockets))
	for i, s := range sockets {
		listeners[i] = s.listener()
	}
	return listeners, err
}

// Established returns the established connections to or from a local port; port 0 stands for all.
func (c *Conn) Established(port uint16) ([]Connection, error) {
	sockets, err := c.dump(query{state: stateEstablished, port: port, info: true})
	connections := make([]Connection, len(sockets))
	for i, s := range sockets {
		connections[i] = s.connection()
	}
	return connections, err
}

func (c *Conn) dump(q query) ([]socket, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.source.dump(q)
}

// Close gives back what the Conn holds.
func (c *Conn) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.source.close()
}
