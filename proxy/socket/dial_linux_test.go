package socket

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"
)

func TestDialReportsARefusal(t *testing.T) {
	l := listen(t, loopback[0])
	_ = l.Close()
	_, err := Dial(t.Context(), portOf(l), time.Second)
	if want := "dial tcp " + l.Addr().String() + ": connect: connection refused"; err == nil || err.Error() != want {
		t.Errorf("Dial returns %v, want %q", err, want)
	}
}

// fullListener returns a listener whose backlog is full, so that the kernel drops every SYN.
func fullListener(t *testing.T) (fd int, to netip.AddrPort) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	address, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	to = addrPort(address)
	for range 8 {
		c, err := Dial(t.Context(), to, 100*time.Millisecond)
		if err != nil {
			return fd, to
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	t.Fatal("the backlog is not full")
	return fd, to
}

func TestDialWaitsForAtMostTheTimeout(t *testing.T) {
	_, to := fullListener(t)
	_, err := Dial(t.Context(), to, 50*time.Millisecond)
	var timeout net.Error
	if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("Dial returns %v, want a timeout", err)
	}
}

func TestDialGivesUpWhenItsContextEnds(t *testing.T) {
	_, full := fullListener(t)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	gaveUp := make(chan error, 1)
	go func() {
		_, err := Dial(ctx, full, time.Hour)
		gaveUp <- err
	}()
	select {
	case err := <-gaveUp:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Dial returns %v, want context.Canceled", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Dial still waits")
	}
	if _, err := Dial(ctx, portOf(listen(t, loopback[0])), time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("Dial with a context that has ended returns %v, want context.Canceled", err)
	}
}

// After a second, the kernel repeats a SYN that was dropped.
func TestDialWaitsUntilABacklogHasRoom(t *testing.T) {
	fd, to := fullListener(t)
	time.AfterFunc(20*time.Millisecond, func() {
		for {
			if _, _, err := acceptNow(fd); err != nil {
				return
			}
		}
	})
	c, err := Dial(t.Context(), to, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("x")); err != nil {
		t.Errorf("write on the connection: %v", err)
	}
}

func TestAConnectionToItselfIsNoticed(t *testing.T) {
	l := listen(t, loopback[0])
	to := portOf(l)
	_ = l.Close()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, address := sockaddr(to)
	if err := syscall.Bind(fd, address); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Connect(fd, address); err != nil && !isPending(err) {
		t.Fatal(err)
	}
	c, err := newConn(fd, to)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if !c.isItsOwnPeer() {
		t.Error("a connection to itself was not detected")
	}
	dialed, accepted := connect(t, loopback[0])
	if dialed.isItsOwnPeer() || accepted.isItsOwnPeer() {
		t.Error("a connection to a listener was taken for one to itself")
	}
}

func TestEphemeralPorts(t *testing.T) {
	first, last := ephemeralPorts()
	if first < 1 || last < first {
		t.Fatalf("range %d to %d", first, last)
	}
	for port, want := range map[uint16]bool{first: true, last: true, first - 1: false, last + 1: false} {
		if got := isEphemeral(port); got != want {
			t.Errorf("port %d: %t, want %t", port, got, want)
		}
	}
}
