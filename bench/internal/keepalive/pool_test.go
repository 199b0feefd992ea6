package keepalive

import (
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listener returns a pool for a listener and a function that accepts the next connection.
func listener(t *testing.T, size int) (*Pool, func() *net.TCPConn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	p := NewPool(l.Addr().String(), size, netip.Addr{})
	t.Cleanup(p.Close)
	return p, func() *net.TCPConn {
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c.(*net.TCPConn)
	}
}

func take(t *testing.T, p *Pool) *Conn {
	c, err := p.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestIdleConnectionIsUsedAgain(t *testing.T) {
	p, accept := listener(t, 1)
	first := take(t, p)
	accept()
	p.Put(first)
	if take(t, p) != first {
		t.Error("a new connection was dialed while an open one lay idle")
	}
}

func TestConnectionUsedLastIsTakenFirst(t *testing.T) {
	p, _ := listener(t, 2)
	a, b := take(t, p), take(t, p)
	p.Put(a)
	p.Put(b)
	if take(t, p) != b {
		t.Error("the connection used last was not taken first")
	}
}

func TestDeadlineDoesNotOutliveAnExchange(t *testing.T) {
	p, _ := listener(t, 1)
	c := take(t, p)
	c.SetDeadline(time.Unix(1, 0))
	p.Put(c)
	if take(t, p) != c {
		t.Error("a connection was dropped because of the deadline of its last exchange")
	}
}

// disturbed takes a connection, lets the peer disturb it while it is idle, and takes
// again.
func disturbed(t *testing.T, disturb func(*net.TCPConn)) (old, next *Conn) {
	p, accept := listener(t, 1)
	old = take(t, p)
	peer := accept()
	p.Put(old)
	disturb(peer)
	waitReadable(t, old)
	return old, take(t, p)
}

// waitReadable returns when the connection is readable: a byte, an end or
// a reset.
func waitReadable(t *testing.T, c *Conn) {
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Read(func(fd uintptr) bool {
		_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return err != syscall.EAGAIN
	})
}

func TestConnectionThatThePeerLeftIsNotUsed(t *testing.T) {
	cases := map[string]func(*net.TCPConn){
		"closed": func(c *net.TCPConn) { c.Close() },
		"reset":  func(c *net.TCPConn) { c.SetLinger(0); c.Close() },
		"spoken": func(c *net.TCPConn) { c.Write([]byte("HTTP/1.1 408 Request Timeout\r\n")) },
	}
	for name, disturb := range cases {
		t.Run(name, func(t *testing.T) {
			if old, next := disturbed(t, disturb); old == next {
				t.Error("the disturbed connection was handed out again")
			}
		})
	}
}

func TestFullOrClosedPoolClosesWhatItIsGiven(t *testing.T) {
	for _, name := range []string{"full", "closed"} {
		t.Run(name, func(t *testing.T) {
			p, _ := listener(t, 0)
			c := take(t, p)
			if name == "closed" {
				p.size = 1
				p.Close()
			}
			p.Put(c)
			if _, err := c.Write([]byte("x")); err == nil {
				t.Error("the connection is still open")
			}
		})
	}
}
