package keepalive

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Pool keeps idle connections to one address. Like in nginx, the connection used last is taken
// first. It is safe for concurrent use.
type Pool struct {
	addr   string
	size   int
	dialer net.Dialer

	mu     sync.Mutex
	idle   []*Conn // the one used last is at the end
	closed bool
}

// NewPool returns a pool of up to size idle connections to the given host:port. With size zero each
// Take dials. Source is the local address of connections; with the zero value the system chooses.
func NewPool(addr string, size int, source netip.Addr) *Pool {
	return &Pool{addr: addr, size: size, dialer: dialFrom(source)}
}

// dialFrom returns a dialer with the given local address.
func dialFrom(source netip.Addr) net.Dialer {
	if !source.IsValid() {
		return net.Dialer{}
	}
	return net.Dialer{
		LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(source, 0)), ControlContext: portLater,
	}
}

// portLater delays the choice of the local port until the connection is made, as without a source
// address. A port that is chosen by bind could be used for a single peer only, and there are just
// 28,000 ports.
func portLater(_ context.Context, _, _ string, raw syscall.RawConn) error {
	var set error
	err := raw.Control(func(fd uintptr) {
		set = unix.SetsockoptInt(int(fd), unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	})
	return errors.Join(err, set)
}

// Take returns an idle connection that the peer has not closed, or else a new one.
func (p *Pool) Take(ctx context.Context) (*Conn, error) {
	if c := p.Idle(); c != nil {
		return c, nil
	}
	return p.Dial(ctx)
}

// Idle returns an idle connection that the peer has not closed, or nil if there is none.
func (p *Pool) Idle() *Conn {
	c := p.pop()
	for c != nil && !c.quiet() {
		c.Close()
		c = p.pop()
	}
	return c
}

// Dial returns a new connection, even if there are idle ones.
func (p *Pool) Dial(ctx context.Context) (*Conn, error) {
	c, err := p.dialer.DialContext(ctx, "tcp", p.addr)
	if err != nil {
		return nil, err
	}
	return newConn(c.(*net.TCPConn)), nil
}

// Put returns a connection to the pool after a complete exchange. If the pool is full or closed, it
// closes the connection.
func (p *Pool) Put(c *Conn) {
	if c.rest() != nil || !p.push(c) {
		c.Close()
	}
}

// Close closes the idle connections. Connections in use stay open until Put.
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
