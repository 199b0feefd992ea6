package takeover

import (
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"testing"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"lameduck/bench/port"
)

// leaveTimeWait returns a port at which a closed connection is in TIME_WAIT. No program may be
// started meanwhile: until its execve it would have a copy of the listener.
func leaveTimeWait(t *testing.T) int {
	t.Helper()
	at, err := port.Addr()
	if err != nil {
		t.Fatal(err)
	}
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	ln, err := net.Listen("tcp4", at)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, err := net.Dial("tcp4", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = server.Close() // the side that closes first gets the state TIME_WAIT
	_, _ = client.Read(make([]byte, 1))
	return ln.Addr().(*net.TCPAddr).Port
}

// bindsWithoutReuse binds like an app that does not set SO_REUSEADDR.
func bindsWithoutReuse(t *testing.T, port int) error {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	return unix.Bind(fd, &unix.SockaddrInet4{Port: port})
}

// The child does not set SO_REUSEADDR either.
func TestTimeWaitKeepsNoChildFromItsPort(t *testing.T) {
	t.Parallel()
	port := leaveTimeWait(t)
	if err := bindsWithoutReuse(t, port); err != unix.EADDRINUSE {
		t.Fatalf("without takeover the bind returned %v, so the test proves nothing", err)
	}
	held, err := Hold(net.JoinHostPort("", strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = held.Close() })
	front := func(network string, at netip.AddrPort) error {
		ln, err := new(net.ListenConfig).Listen(t.Context(), network, at.String())
		if err == nil {
			t.Cleanup(func() { _ = ln.Close() })
		}
		return err
	}
	p, err := NewPort(held, nil, front)
	if err != nil {
		t.Fatal(err)
	}
	c := startChildOf(t, New([]*Port{p}, zap.NewNop()), "socket:tcp4", "bind:PORT", "listen")
	c.wantLine(t, "bind ok 127.0.0.1:MOVED")
	c.wantLine(t, "listen ok")
	if !p.Listening() {
		t.Error("Lameduck does not listen in place of the child")
	}
}

// The app may bind it without SO_REUSEADDR.
func TestAPortInTimeWaitIsNotFree(t *testing.T) {
	t.Parallel()
	if port := leaveTimeWait(t); isFree(uint16(port)) {
		t.Errorf("port %d is free, of which a connection is in TIME_WAIT", port)
	}
}
