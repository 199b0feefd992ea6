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

// Pool keeps idle connections to one address. The connection used last is taken first, as nginx
// does. It is safe for use by several goroutines.
type Pool struct {
	addr   string
	size   int
	dialer net.Dialer

	mu     sync.Mutex
	idle   []*Conn // the one used last is at the end
	closed bool
}

// NewPool returns a pool for the given host:port which keeps up to size connections while they are
// idle. With size zero none is kept and each Take dials. Connections come from the given source
// address; the zero value leaves that to the system.
func NewPool(addr string, size int, source netip.Addr) *Pool {
	return &Pool{addr: addr, size: size, dialer: dialFrom(source)}
}

// dialFrom returns a dialer whose connections come from the given address.
func dialFrom(source netip.Addr) net.Dialer {
	if !source.IsValid() {
		return net.Dialer{}
	}
	return net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(source, 0)), ControlContext: portLater}
}

// portLater leaves the choice of the local port to the moment of connecting, as it is without a
// source address. A port chosen before that could be used for one peer only, and there are just
// 28,000 of them.
func portLater(_ context.Context, _, _ string, raw syscall.RawConn) error {
	var set error
	err := raw.Control(func(fd uintptr) {
		set = unix.SetsockoptInt(int(fd), unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	})
	return errors.Join(err, set)
}

// Take returns an idle connection whose peer still holds it open, or else a new one.
// Its error is the dialer's.
func (p *Pool) Take(ctx context.Context) (*Conn, error) {
	if c := p.Idle(); c != nil {
		return c, nil
	}
	return p.Dial(ctx)
}

// Idle returns an idle connection whose peer still holds it open, or nil where there is none.
func (p *Pool) Idle() *Conn {
	c := p.pop()
	for c != nil && !c.quiet() {
		c.Close()
		c = p.pop()
	}
	return c
}

// Dial returns a new connection, whatever lies idle.
func (p *Pool) Dial(ctx context.Context) (*Conn, error) {
	c, err := p.dialer.DialContext(ctx, "tcp", p.addr)
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
