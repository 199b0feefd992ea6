package takeover

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
)

// A Port is a port of the app that Lameduck has taken over. Its methods may be called by any
// goroutine.
type Port struct {
	listener netip.AddrPort // ours
	moved    uint16         // where the app listens instead

	ipv4, ipv6 atomic.Bool // whether a socket of the family has been moved
}

// NewPort returns the Port of a listener of ours, and chooses the port to which the app is moved,
// other than those to avoid.
func NewPort(listener net.Addr, avoid []uint16) (*Port, error) {
	tcp, ok := listener.(*net.TCPAddr)
	if !ok {
		return nil, fmt.Errorf("take over %v: not a TCP address", listener)
	}
	at := tcp.AddrPort()
	p := &Port{listener: netip.AddrPortFrom(at.Addr().Unmap(), at.Port())}
	var err error
	if p.moved, err = freePort(avoid); err != nil {
		return nil, fmt.Errorf("take over port %d: %w", at.Port(), err)
	}
	return p, nil
}

// Moved returns the port at which the app listens.
func (p *Port) Moved() uint16 { return p.moved }

// Addresses returns the addresses at which the app may listen, host:port, the likely one first.
func (p *Port) Addresses() [2]string {
	port := strconv.Itoa(int(p.moved))
	v4, v6 := net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("::1", port)
	if p.ipv6.Load() && !p.ipv4.Load() {
		return [2]string{v6, v4}
	}
	return [2]string{v4, v6}
}

// collides reports whether a bind of the address would fail because of our listener.
func (p *Port) collides(to netip.AddrPort) bool {
	if to.Port() != p.listener.Port() {
		return false
	}
	ours, theirs := p.listener.Addr(), to.Addr().Unmap()
	return ours.IsUnspecified() || theirs.IsUnspecified() || ours.WithZone("") == theirs
}

// noteMoved takes note of the family of a socket that has been moved.
func (p *Port) noteMoved(to netip.Addr) {
	if to.Unmap().Is4() {
		p.ipv4.Store(true)
	} else {
		p.ipv6.Store(true)
	}
}

// forget forgets which families have been moved.
func (p *Port) forget() {
	p.ipv4.Store(false)
	p.ipv6.Store(false)
}

// freePort returns a port at which nobody listens. It is outside of the kernel's ephemeral ports if
// there is one, so that no connection takes it while the app is not listening, as in a reload.
func freePort(avoid []uint16) (uint16, error) {
	low, high := ephemeralPorts()
	for _, r := range [][2]int{{high + 1, 1 << 16}, {10000, low}, {1024, min(low, 10000)}} {
		size := r[1] - r[0]
		if size <= 0 {
			continue
		}
		start := rand.IntN(size)
		for i := range min(size, 1000) {
			port := uint16(r[0] + (start+i)%size)
			if !slices.Contains(avoid, port) && isFree(port) {
				return port, nil
			}
		}
	}
	ln, err := listen("127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("no free port: %w", err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).AddrPort().Port(), nil
}

// listen does not wait, so there is nothing to cancel.
func listen(address string) (net.Listener, error) {
	var config net.ListenConfig
	return config.Listen(context.Background(), "tcp", address)
}

// isFree reports whether nobody listens at a port, at any address. No program may be started
// meanwhile: until its execve it would have a copy of the listener, which would keep the port from
// the app.
func isFree(port uint16) bool {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	ln, err := listen(":" + strconv.Itoa(int(port)))
	if err != nil {
		return false
	}
	_ = ln.Close()
	return true
}

// ephemeralPorts returns the range of ports that the kernel gives to connections.
func ephemeralPorts() (low, high int) {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if n, _ := fmt.Sscan(string(text), &low, &high); err != nil || n != 2 {
		return 32768, 60999 // Linux's default
	}
	return low, high
}
