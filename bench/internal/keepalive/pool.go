package keepalive

import (
	"context"
	"net"
	"sync"
)

// Pool keeps idle connections to one address. The connection used last is taken first, as nginx does.
// It is safe for use by several goroutines.
type Pool struct {
	addr string
	size int

	mu     sync.Mutex
	idle   []*Conn // the one used last is at the end
	closed bool
}

// NewPool returns a pool for the given host:port which keeps up to size connections while they are idle.
// With size zero none is kept and each Take dials.
func NewPool(addr string, size int) *Pool {
	return &Pool{addr: addr, size: size}
}

// Take returns an idle connection whose peer still holds it open, or else a new one.
// Its error is the dialer's.
func (p *Pool) Take(ctx context.Context) (*Conn, error) {
	for c := p.pop(); c != nil; c = p.pop() {
		if c.quiet() {
			return c, nil
		}
		c.Close()
	}
	return p.Dial(ctx)
}

// Dial returns a new connection, whatever lies idle.
func (p *Pool) Dial(ctx context.Context) (*Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", p.addr)
	if err != nil {
		return nil, err
	}
	return newConn(c.(*net.TCPConn)), nil
}

// Put gives a connection back after a whole exchange. It is closed when the pool is full or closed.
func (p *Pool) Put(c *Conn) {
	if c.rest() != nil || !p.push(c) {
		c.Close()
	}
}

// Close closes the idle connections. Those in use stay open, and Put will close them.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.idle {
		c.Close()
	}
	p.idle = nil
}

func (p *Pool) pop() *Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	last := len(p.idle) - 1
	c := p.idle[last]
	p.idle = p.idle[:last]
	return c
}

func (p *Pool) push(c *Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= p.size {
		return false
	}
	p.idle = append(p.idle, c)
	return true
}
