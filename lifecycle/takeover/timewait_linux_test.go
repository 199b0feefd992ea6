package takeover

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"testing"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// leaveTimeWait returns a port at which a closed connection is in TIME_WAIT. No program may be
// started meanwhile: until its execve it would have a copy of the listener.
func leaveTimeWait(t *testing.T) int {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	ln := listenBelowEphemeral(t)
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
	_ = server.Close() // the side that closes first has the state
	_, _ = client.Read(make([]byte, 1))
	return ln.Addr().(*net.TCPAddr).Port
}

// listenBelowEphemeral listens at a loopback address, at a port that is free at all addresses and that the
// kernel gives to no client: one at another local address would keep the port from a bind to all.
func listenBelowEphemeral(t *testing.T) net.Listener {
	t.Helper()
	for range 1000 {
		port := 10_000 + rand.IntN(10_000)
		if bindsWithoutReuse(t, port) != nil {
			continue
		}
		ln, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return ln
		}
	}
	t.Fatal("no free port from 10000 to 19999")
	return nil
}

// bindsWithoutReuse binds as an app does that does not set SO_REUSEADDR.
func bindsWithoutReuse(t *testing.T, port int) error {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	return unix.Bind(fd, &unix.SockaddrInet4{Port: port})
}

// The child has no SO_REUSEADDR either.
func TestTimeWaitKeepsNoChildFromItsPort(t *testing.T) {
	t.Parallel()
	port := leaveTimeWait(t)
	if err := bindsWithoutReuse(t, port); err != unix.EADDRINUSE {
		t.Fatalf("without takeover the bind returns %v, so the test shows nothing", err)
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
