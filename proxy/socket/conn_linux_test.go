package socket

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/nettest"
	"golang.org/x/sys/unix"
)

// listen returns a listener at a loopback address.
func listen(t testing.TB, address string) *Listener {
	t.Helper()
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Skip(err) // no IPv6
	}
	l, err := NewListener(ln.(*net.TCPListener))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// connect returns both ends of a connection: one that was dialed and one that was accepted.
func connect(t testing.TB, address string) (dialed, accepted *Conn) {
	t.Helper()
	return connectTo(t, listen(t, address))
}

// connectTo is connect for a listener.
func connectTo(t testing.TB, l *Listener) (dialed, accepted *Conn) {
	t.Helper()
	dialed, err := Dial(t.Context(), portOf(l), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	accepted = c.(*Conn)
	t.Cleanup(func() {
		_ = dialed.Close()
		_ = accepted.Close()
	})
	return dialed, accepted
}

func portOf(l *Listener) netip.AddrPort { return l.Addr().(*net.TCPAddr).AddrPort() }

var loopback = []string{"127.0.0.1:0", "[::1]:0"}

func TestAConnectionIsANetConn(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		dialed, accepted := connect(t, loopback[0])
		return dialed, accepted, func() {}, nil
	})
}

func TestBothEndsKnowTheirAddresses(t *testing.T) {
	for _, address := range loopback {
		dialed, accepted := connect(t, address)
		if got, want := dialed.LocalAddr().String(), accepted.RemoteAddr().String(); got != want {
			t.Errorf("the dialed end is at %s, but the accepted one has the peer %s", got, want)
		}
		if got, want := accepted.LocalAddr().String(), dialed.RemoteAddr().String(); got != want {
			t.Errorf("the accepted end is at %s, but the dialed one has the peer %s", got, want)
		}
	}
}

func TestAnIPv4ClientOfAListenerForBothFamiliesHasAnIPv4Address(t *testing.T) {
	l := listen(t, "[::]:0")
	client, err := net.Dial("tcp4", net.JoinHostPort("127.0.0.1", portString(l)))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := c.(*Conn).RemoteAddrPort().String(); got != client.LocalAddr().String() {
		t.Errorf("client address %s, want %s", got, client.LocalAddr())
	}
}

func portString(l *Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func TestNoEndDelaysWhatIsWritten(t *testing.T) {
	for _, address := range loopback {
		dialed, accepted := connect(t, address)
		for _, c := range []*Conn{dialed, accepted} {
			if !sendsAtOnce(c) {
				t.Errorf("%s: %s delays small writes", address, c.LocalAddr())
			}
		}
	}
}

func sendsAtOnce(c *Conn) (yes bool) {
	_ = c.control("getsockopt", func(fd int) error {
		n, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY)
		yes = n != 0
		return err
	})
	return yes
}

// In an emulated kernel, connections may not inherit the option.
func TestNoEndDelaysWhatIsWrittenThoughTheListenerDoes(t *testing.T) {
	l := listen(t, loopback[0])
	err := l.raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NODELAY, 0) })
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, accepted := connectTo(t, l); !sendsAtOnce(accepted) {
			t.Error("an accepted connection delays small writes")
		}
	}
}

func TestCloseWriteEndsOneSide(t *testing.T) {
	dialed, accepted := connect(t, loopback[0])
	if err := dialed.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(accepted); err != nil || len(b) > 0 {
		t.Errorf("the peer read %q, %v; want EOF", b, err)
	}
	if _, err := accepted.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	var b [1]byte
	if _, err := dialed.Read(b[:]); err != nil || b[0] != 'x' {
		t.Errorf("the other direction delivered %q, %v; want x", b, err)
	}
}

func TestALingerOfZeroResetsTheConnection(t *testing.T) {
	dialed, accepted := connect(t, loopback[0])
	if err := dialed.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	_ = dialed.Close()
	_, err := accepted.Read(make([]byte, 1))
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the peer's read returned %v, want a reset", err)
	}
	if want := "read tcp " + accepted.RemoteAddr().String() + ": read: connection reset by peer"; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

// calls has all methods that wait for a connection or change it.
var calls = map[string]func(*Conn) error{
	"Read":             func(c *Conn) error { _, err := c.Read(make([]byte, 1)); return err },
	"Write":            func(c *Conn) error { _, err := c.Write([]byte("x")); return err },
	"Close":            (*Conn).Close,
	"CloseWrite":       (*Conn).CloseWrite,
	"SetLinger":        func(c *Conn) error { return c.SetLinger(0) },
	"SetDeadline":      func(c *Conn) error { return c.SetDeadline(time.Now()) },
	"SetReadDeadline":  func(c *Conn) error { return c.SetReadDeadline(time.Now()) },
	"SetWriteDeadline": func(c *Conn) error { return c.SetWriteDeadline(time.Now()) },
	"RawConn.Control":  func(c *Conn) error { return rawOf(c).Control(func(uintptr) {}) },
	"RawConn.Read":     func(c *Conn) error { return rawOf(c).Read(func(uintptr) bool { return false }) },
	"RawConn.Write":    func(c *Conn) error { return rawOf(c).Write(func(uintptr) bool { return false }) },
}

func rawOf(c *Conn) syscall.RawConn {
	raw, _ := c.SyscallConn()
	return raw
}

func TestAClosedConnectionReturnsErrClosed(t *testing.T) {
	dialed, _ := connect(t, loopback[0])
	_ = dialed.Close()
	for name, call := range calls {
		if err := call(dialed); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s returns %v, want net.ErrClosed", name, err)
		}
	}
	if got := dialed.LocalAddr().String(); got != ":0" {
		t.Errorf("local address %s, want none", got)
	}
}

func TestADeadlineInThePastEndsEveryWait(t *testing.T) {
	dialed, _ := connect(t, loopback[0])
	_ = dialed.SetDeadline(time.Unix(1, 0))
	for _, name := range []string{"Read", "Write", "RawConn.Read", "RawConn.Write"} {
		err := calls[name](dialed)
		var timeout net.Error
		if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("%s returns %v, want a timeout", name, err)
		}
	}
}

func TestCloseEndsAWait(t *testing.T) {
	dialed, _ := connect(t, loopback[0])
	time.AfterFunc(10*time.Millisecond, func() { _ = dialed.Close() })
	if err := calls["RawConn.Read"](dialed); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a wait returned %v, want net.ErrClosed", err)
	}
}

func TestCloseEndsAnAccept(t *testing.T) {
	l := listen(t, loopback[0])
	time.AfterFunc(10*time.Millisecond, func() { _ = l.Close() })
	_, err := l.Accept()
	if !errors.Is(err, net.ErrClosed) || !strings.Contains(err.Error(), l.Addr().String()) {
		t.Errorf("Accept returns %v, want net.ErrClosed with the address", err)
	}
}

func TestANewListenerIsTheOnlyOne(t *testing.T) {
	l := listen(t, loopback[0])
	_ = l.Close()
	if c, err := Dial(t.Context(), portOf(l), time.Second); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a closed listener still accepts: %v, %v", c, err)
	}
}
