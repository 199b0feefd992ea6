package sockdiag

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

func listen(t *testing.T, network, address string, options ...func(fd int) error) (net.Listener, netip.AddrPort) {
	t.Helper()
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		_ = raw.Control(func(fd uintptr) {
			for _, set := range options {
				err = set(int(fd))
			}
		})
		return err
	}}
	ln, err := config.Listen(context.Background(), network, address)
	if err != nil {
		t.Skipf("listen on %s %s: %v", network, address, err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln, ln.Addr().(*net.TCPAddr).AddrPort()
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// accept accepts a connection and keeps it open: the garbage collector would close it.
func accept(t *testing.T, ln net.Listener) {
	t.Helper()
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
}

// eventually polls until a condition holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for begun := time.Now(); !ok(); time.Sleep(time.Millisecond) {
		if time.Since(begun) > time.Minute {
			t.Fatalf("timeout: not yet %s", what)
		}
	}
}

// gather returns the sockets that a dump reports.
func gather(dump func(query, func(*socket)) error) func(query) ([]socket, error) {
	return func(q query) (sockets []socket, err error) {
		err = dump(q, func(s *socket) { sockets = append(sockets, *s) })
		return sockets, err
	}
}

// eachSource runs a test with the netlink socket, and with the fallback where netlink is refused.
func eachSource(t *testing.T, test func(t *testing.T, dump func(query) ([]socket, error))) {
	t.Run("netlink", func(t *testing.T) {
		c := Open()
		defer c.Close()
		if c.source.netlink == nil {
			t.Skip("netlink is refused")
		}
		test(t, gather(c.source.ask))
	})
	t.Run("proc", func(t *testing.T) {
		test(t, gather(func(q query, f func(*socket)) error { return readTables("/proc/net", q, f) }))
	})
}

// only returns the single socket of a dump. The tables in /proc may miss it, or list it
// twice, while others come and go.
func only(t *testing.T, dump func(query) ([]socket, error), state State, address netip.AddrPort) (found socket) {
	t.Helper()
	q := query{states: states(state), ports: []uint16{address.Port()}, info: true}
	eventually(t, "one socket is found", func() bool {
		sockets, err := dump(q)
		sockets = slices.DeleteFunc(sockets, func(s socket) bool { return s.local != address })
		if err != nil {
			t.Fatal(err)
		}
		if len(sockets) == 1 {
			found = sockets[0]
		}
		return len(sockets) == 1
	})
	return found
}

func listenerAt(t *testing.T, dump func(query) ([]socket, error), address netip.AddrPort) Listener {
	t.Helper()
	s := only(t, dump, Listen, address)
	return s.listener()
}

func connectionAt(t *testing.T, dump func(query) ([]socket, error), address netip.AddrPort) Connection {
	t.Helper()
	s := only(t, dump, Established, address)
	return s.connection()
}

func TestConn_ListenersHaveTheirAcceptQueue(t *testing.T) {
	eachSource(t, func(t *testing.T, dump func(query) ([]socket, error)) {
		ln, address := listen(t, "tcp4", "127.0.0.1:0")
		if l := listenerAt(t, dump, address); l.Address != address || l.Queue != 0 {
			t.Errorf("%+v, want %v with an empty queue", l, address)
		}
		for range 3 {
			dial(t, address.String())
		}
		eventually(t, "three connections wait", func() bool { return listenerAt(t, dump, address).Queue == 3 })
		accept(t, ln)
		if l := listenerAt(t, dump, address); l.Queue != 2 {
			t.Errorf("%+v after one connection is accepted, want 2 waiting", l)
		}
	})
}

func TestConn_ListenersHaveTheirBacklog(t *testing.T) {
	c := Open()
	defer c.Close()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 7); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	listeners, err := c.Listeners(uint16(name.(*unix.SockaddrInet4).Port))
	if err != nil || len(listeners) != 1 || c.source.netlink != nil && listeners[0].Backlog != 7 {
		t.Errorf("listeners %+v, %v; want one with a backlog of 7", listeners, err)
	}
}

func TestConn_ListenersOfBothFamiliesAreFound(t *testing.T) {
	eachSource(t, func(t *testing.T, dump func(query) ([]socket, error)) {
		_, address := listen(t, "tcp6", "[::]:0", func(fd int) error {
			return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0)
		})
		l := listenerAt(t, dump, address)
		for _, host := range []string{"127.0.0.1", "::1"} {
			to := netip.AddrPortFrom(netip.MustParseAddr(host), address.Port())
			if !l.Accepts(to) {
				t.Errorf("%+v does not accept %v", l, to)
			}
		}
	})
}

func TestConn_AListenerOfIPv6AloneDoesNotAcceptIPv4(t *testing.T) {
	c := Open()
	defer c.Close()
	if c.source.netlink == nil {
		t.Skip("netlink is refused")
	}
	_, address := listen(t, "tcp6", "[::]:0")
	listeners, err := c.Listeners(address.Port())
	if err != nil || len(listeners) != 1 || listeners[0].Accepts(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), address.Port())) {
		t.Errorf("listeners %+v, %v; want one for IPv6 only", listeners, err)
	}
}

func TestConn_ListenersThatShareAPortAreAllFound(t *testing.T) {
	eachSource(t, func(t *testing.T, dump func(query) ([]socket, error)) {
		share := func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) }
		_, address := listen(t, "tcp4", "127.0.0.1:0", share)
		listen(t, "tcp4", address.String(), share)
		eventually(t, "two listeners are found", func() bool {
			sockets, err := dump(query{states: states(Listen), ports: []uint16{address.Port()}})
			return err == nil && len(sockets) == 2
		})
	})
}

func TestConn_NoListenerIsFoundAtAFreePort(t *testing.T) {
	eachSource(t, func(t *testing.T, dump func(query) ([]socket, error)) {
		ln, address := listen(t, "tcp4", "127.0.0.1:0")
		dial(t, address.String())
		_ = ln.Close()
		if sockets, err := dump(query{states: states(Listen), ports: []uint16{address.Port()}}); err != nil || len(sockets) != 0 {
			t.Errorf("found %+v, %v; want none", sockets, err)
		}
	})
}

func TestConn_UnacceptedConnectionsAreDistinguishedFromAcceptedOnes(t *testing.T) {
	eachSource(t, func(t *testing.T, dump func(query) ([]socket, error)) {
		ln, address := listen(t, "tcp4", "127.0.0.1:0")
		client := dial(t, address.String())
		if _, err := client.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the bytes have arrived", func() bool { return connectionAt(t, dump, address).Unread == 5 })
		if c := connectionAt(t, dump, address); c.Accepted || c.Remote.String() != client.LocalAddr().String() {
			t.Errorf("%+v, want a connection from %v that is not accepted", c, client.LocalAddr())
		}
		accept(t, ln)
		if c := connectionAt(t, dump, address); !c.Accepted {
			t.Errorf("%+v, want it accepted", c)
		}
	})
}

func TestConn_ConnectionsHaveWhatTheKernelHasMeasured(t *testing.T) {
	c := Open()
	defer c.Close()
	if c.source.netlink == nil {
		t.Skip("netlink is refused")
	}
	_, address := listen(t, "tcp4", "127.0.0.1:0")
	_, _ = dial(t, address.String()).Write([]byte("hello"))
	eventually(t, "five bytes are counted", func() bool {
		counted := false
		err := c.EachConnection([]uint16{address.Port()}, func(c *Connection) {
			counted = counted || c.Local == address && c.Measured && c.Info.BytesReceived == 5
		})
		return err == nil && counted
	})
}

// A closed netlink socket stands for one that seccomp or an emulated kernel refuses.
func TestConn_WhereNetlinkIsRefusedTheTablesAreRead(t *testing.T) {
	c := Open()
	defer c.Close()
	if c.source.netlink == nil {
		t.Skip("netlink is refused")
	}
	_, address := listen(t, "tcp4", "127.0.0.1:0")
	eventually(t, "the tables have the listener", func() bool { // they may miss a socket while others change
		if c.source.netlink == nil {
			c.source.open()
		}
		_ = c.source.netlink.Close()
		listeners, err := c.Listeners(address.Port())
		if c.source.netlink != nil {
			t.Error("a failed netlink socket was kept")
		}
		return err == nil && len(listeners) == 1
	})
	if listeners, err := c.Listeners(address.Port()); err != nil || len(listeners) != 1 || listeners[0].Backlog == 0 {
		t.Errorf("listeners %+v, %v after netlink answers again; want one with its backlog", listeners, err)
	}
}

func TestConn_ItWorksWhenDescriptorsAreExhausted(t *testing.T) {
	if c, err := netlink.Dial(unix.NETLINK_SOCK_DIAG, nil); err != nil {
		t.Skipf("netlink is refused: %v", err)
	} else {
		_ = c.Close()
	}
	c := Open()
	defer c.Close()
	_, address := listen(t, "tcp4", "127.0.0.1:0")
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Setrlimit(unix.RLIMIT_NOFILE, &limit) }()
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	listeners, err := c.Listeners(address.Port())
	if err != nil || len(listeners) != 1 {
		t.Errorf("listeners %+v, %v; want one", listeners, err)
	}
}

// The rest of one dump must not be taken for the answer to the next one.
func TestConn_DumpsAreApart(t *testing.T) {
	c := Open()
	defer c.Close()
	var ports []uint16
	for range 20 {
		_, address := listen(t, "tcp4", "127.0.0.1:0")
		ports = append(ports, address.Port())
	}
	failed := make(chan string, len(ports))
	for _, port := range ports {
		go func() {
			listeners, err := c.Listeners(port)
			if err != nil || len(listeners) != 1 || listeners[0].Address.Port() != port {
				failed <- fmt.Sprintf("listeners at %d are %+v, %v", port, listeners, err)
				return
			}
			failed <- ""
		}()
	}
	for range ports {
		if message := <-failed; message != "" {
			t.Error(message)
		}
	}
	all, err := c.Listeners(0)
	for _, port := range ports {
		if err != nil || !slices.ContainsFunc(all, func(l Listener) bool { return l.Address.Port() == port }) {
			t.Errorf("listeners %+v, %v; want one at %d among them", all, err, port)
		}
	}
}

func TestReadTables_AnErrorIsErrUnavailable(t *testing.T) {
	if err := readTables(t.TempDir(), query{}, nil); err == nil || !strings.Contains(err.Error(), ErrUnavailable.Error()) {
		t.Errorf("error %v, want %v", err, ErrUnavailable)
	}
}

func BenchmarkConn_Listeners(b *testing.B) {
	c := Open()
	defer c.Close()
	for b.Loop() {
		if _, err := c.Listeners(8080); err != nil {
			b.Fatal(err)
		}
	}
}

func TestPassiveOpens_CountsConnections(t *testing.T) {
	ln, address := listen(t, "tcp", "127.0.0.1:0")
	c := new(Conn)
	before, err := c.PassiveOpens()
	if err != nil {
		t.Skip(err)
	}
	dial(t, address.String())
	accepted, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	if after, err := c.PassiveOpens(); after <= before || err != nil { // others may connect too
		t.Errorf("passive opens: %d before a connection, %d after it, %v", before, after, err)
	}
}
