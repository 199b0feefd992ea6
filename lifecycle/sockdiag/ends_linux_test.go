package sockdiag

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func watchEnds(t *testing.T, ports ...uint16) *Ends {
	t.Helper()
	return watchEndsOf(t, ports, nil)
}

func watchEndsOf(t *testing.T, ports, remote []uint16) *Ends {
	t.Helper()
	e, err := WatchEnds(ports, remote)
	if err != nil {
		t.Skipf("the kernel does not report ends of connections: %v", err)
	}
	t.Cleanup(e.Close)
	return e
}

// pair returns both sides of a connection.
func pair(t *testing.T, ln net.Listener) (client, app *net.TCPConn) {
	t.Helper()
	client = dial(t, ln.Addr().String()).(*net.TCPConn)
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return client, c.(*net.TCPConn)
}

// resetPairs opens n connections, and resets each from the client.
func resetPairs(t *testing.T, ln net.Listener, n int) {
	t.Helper()
	for range n {
		client, app := pair(t, ln)
		_ = client.SetLinger(0)
		_, _ = client.Close(), app.Close()
	}
}

// receive returns the next connections that end, n at least.
func receive(t *testing.T, e *Ends, n int) (ended []Connection) {
	t.Helper()
	e.SetDeadline(time.Now().Add(time.Minute))
	for len(ended) < n {
		if err := e.Wait(); err != nil {
			t.Fatal(err)
		}
		drained, err := e.Drain(func(c *Connection) { ended = append(ended, *c) })
		if err != nil || drained == 0 {
			t.Fatalf("%d ends, %v after %d of %d", drained, err, len(ended), n)
		}
	}
	return ended
}

func TestEnds_HaveWhatTheConnectionHasDone(t *testing.T) {
	for name, end := range map[string]func(client, app *net.TCPConn){
		"the client ends first": func(client, app *net.TCPConn) { _ = client.Close(); _, _ = io.Copy(io.Discard, app); _ = app.Close() },
		"the app ends first": func(client, app *net.TCPConn) {
			_ = app.Close()
			_, _ = io.Copy(io.Discard, client)
			_ = client.Close()
		},
		"the client resets": func(client, app *net.TCPConn) { _ = client.SetLinger(0); _ = client.Close(); _ = app.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			ln, address := listen(t, "tcp", "127.0.0.1:0")
			e := watchEnds(t, address.Port())
			client, app := pair(t, ln)
			_, _ = client.Write([]byte("hello"))
			_, _ = io.ReadFull(app, make([]byte, 5))
			_, _ = app.Write([]byte("hi"))
			_, _ = io.ReadFull(client, make([]byte, 2))
			end(client, app)
			c := receive(t, e, 1)[0]
			if c.Local != address || c.Remote.String() != client.LocalAddr().String() || !c.Measured ||
				c.Info.BytesReceived < 5 || c.Info.DataSegmentsReceived == 0 || c.Info.DataSegmentsSent == 0 {
				t.Errorf("%+v, want a connection from %v that has received and sent", c, client.LocalAddr())
			}
		})
	}
}

func TestEnds_AConnectionThatTheAppResetsKeepsTheClientsAddress(t *testing.T) {
	for name, reset := range map[string]func(ln net.Listener, app *net.TCPConn){
		"by closing it":           func(_ net.Listener, app *net.TCPConn) { _ = app.SetLinger(0); _ = app.Close() },
		"by closing the listener": func(ln net.Listener, app *net.TCPConn) { _ = ln.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			ln, address := listen(t, "tcp", "127.0.0.1:0")
			e := watchEnds(t, address.Port())
			_, app := pair(t, ln)
			dial(t, ln.Addr().String()) // it waits to be accepted
			reset(ln, app)
			c := receive(t, e, 1)[0]
			if c.Local.Port() != address.Port() || c.Remote.Addr() != address.Addr() || c.Remote.Port() != 0 {
				t.Errorf("%+v, want the client's address %v and no port", c, address.Addr())
			}
		})
	}
}

func TestEnds_OthersAreDroppedInTheKernel(t *testing.T) {
	ln, address := listen(t, "tcp", "127.0.0.1:0")
	other, _ := listen(t, "tcp", "127.0.0.1:0")
	relayed, relayedAt := listen(t, "tcp", "127.0.0.1:0")
	e := watchEndsOf(t, []uint16{1, address.Port()}, []uint16{relayedAt.Port()})
	for range 20 { // the kernel may report two ends in any order
		for _, ln := range []net.Listener{other, relayed} {
			client, app := pair(t, ln)
			_, _ = client.Close(), app.Close()
		}
	}
	client, app := pair(t, ln)
	_, _ = client.Close(), app.Close()
	for _, c := range receive(t, e, 1) {
		if c.Local.Port() != address.Port() {
			t.Errorf("received an end at %v, want only those at %v", c.Local, address)
		}
	}
}

// watchOverflowing returns an [Ends] whose buffer cannot hold the n ends that it was sent.
func watchOverflowing(t *testing.T, n int) *Ends {
	t.Helper()
	ln, address := listen(t, "tcp", "127.0.0.1:0")
	e, all := watchEnds(t, address.Port()), watchEnds(t, address.Port())
	var err error
	controlErr := e.raw.Control(func(fd uintptr) { err = setReceiveBuffer(int(fd), 1) }) // as small as the kernel allows
	if controlErr != nil || err != nil {
		t.Fatal(controlErr, err)
	}
	resetPairs(t, ln, n)
	// The kernel reports ends after the connections have closed. To drain earlier would make room.
	receive(t, all, n)
	return e
}

// A busy app closes thousands of connections a second, and not every one may wake the process.
func TestEnds_TheProcessIsWokenOnlyWhileItWaits(t *testing.T) {
	for name, wait := range map[string]func(t *testing.T, e *Ends, ln net.Listener){
		"after an end": func(t *testing.T, e *Ends, ln net.Listener) {
			client, app := pair(t, ln)
			_, _ = client.Close(), app.Close()
			receive(t, e, 1)
		},
		"after the deadline": func(t *testing.T, e *Ends, _ net.Listener) {
			e.SetDeadline(time.Now().Add(time.Millisecond))
			if err := e.Wait(); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			ln, address := listen(t, "tcp", "127.0.0.1:0")
			e, all := watchEnds(t, address.Port()), watchEnds(t, address.Port())
			wait(t, e, ln)
			for range 5 {
				resetPairs(t, ln, 1)
				receive(t, all, 1)
				var n int
				var err error
				_ = e.ready.Control(func(set uintptr) { n, err = unix.EpollWait(int(set), make([]unix.EpollEvent, 1), 0) })
				if n != 0 || err != nil {
					t.Fatalf("%d events, %v while nothing waits, want none", n, err)
				}
			}
			receive(t, e, 5)
		})
	}
}

func TestEnds_AFullBufferIsReported(t *testing.T) {
	e := watchOverflowing(t, 20)
	n, err := e.Drain(func(*Connection) {})
	if err != ErrLost || n >= 20 {
		t.Errorf("%d of 20 ends, %v; want fewer, and %v", n, err, ErrLost)
	}
	if _, err := e.Drain(func(*Connection) {}); err != nil {
		t.Errorf("the same loss was reported twice: %v", err)
	}
}

func TestEnds_WaitReportsALossToTheNextDrain(t *testing.T) {
	e := watchOverflowing(t, 20)
	e.SetDeadline(time.Now().Add(time.Minute))
	if err := e.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Drain(func(*Connection) {}); err != ErrLost {
		t.Errorf("error %v, want %v", err, ErrLost)
	}
}

func TestEnds_NoneAreReceivedInAPause(t *testing.T) {
	ln, address := listen(t, "tcp", "127.0.0.1:0")
	e, all := watchEnds(t, address.Port()), watchEnds(t, address.Port())
	resetPairs(t, ln, 2)
	receive(t, all, 2)
	if err := e.Pause(); err != nil {
		t.Fatal(err)
	}
	receive(t, e, 2) // from before
	resetPairs(t, ln, 3)
	receive(t, all, 3)
	if n, err := e.Drain(func(*Connection) {}); n != 0 || err != nil {
		t.Errorf("%d ends, %v in a pause, want none", n, err)
	}
	if err := e.Resume(); err != nil {
		t.Fatal(err)
	}
	resetPairs(t, ln, 1)
	if n := len(receive(t, e, 1)); n != 1 {
		t.Errorf("%d ends after the pause, want 1", n)
	}
	e.Close()
	if e.Pause() == nil || e.Resume() == nil {
		t.Error("no error after Close")
	}
}

func TestEnds_WaitReturnsAtTheDeadlineAndAfterClose(t *testing.T) {
	e := watchEnds(t, 1)
	e.SetDeadline(time.Now())
	if err := e.Wait(); err != nil {
		t.Errorf("error %v at the deadline, want none", err)
	}
	e.SetDeadline(time.Time{})
	failed := make(chan error)
	go func() { failed <- e.Wait() }()
	e.Close()
	if err := <-failed; err == nil {
		t.Error("no error after Close")
	}
}

// Connections of several ports are selected by a program in the kernel. Other processes may have
// connections at the same ports.
func TestConn_ConnectionsAtSeveralPorts(t *testing.T) {
	c := Open()
	defer c.Close()
	if c.source.netlink == nil {
		t.Skip("netlink is refused")
	}
	const pairs, asked = 6, 3 // every second port is asked for
	var ports []uint16
	var clients [pairs]netip.AddrPort
	for i := range pairs {
		ln, address := listen(t, "tcp", "127.0.0.1:0")
		client, _ := pair(t, ln)
		clients[i] = client.LocalAddr().(*net.TCPAddr).AddrPort()
		if i%2 == 0 {
			ports = append(ports, address.Port())
		}
	}
	expect := func(what string, n int, found map[netip.AddrPort]bool) {
		t.Helper()
		for i, client := range clients {
			if want := i%2 == 0 && i/2 < n; found[client] != want {
				t.Errorf("%s: found the connection at port %d of %d: %v, want %v", what, i+1, pairs, found[client], want)
			}
		}
	}
	for n := 1; n <= asked; n++ {
		found := map[netip.AddrPort]bool{}
		q := query{states: states(Established), ports: ports[:n]}
		if err := c.source.askAll(q, func(s *socket) { found[s.remote] = true }); err != nil {
			t.Fatal(err)
		}
		expect(fmt.Sprintf("%d ports", n), n, found)
	}
	many := make([]uint16, MaxPorts+1)
	many[MaxPorts] = ports[0]
	found := map[netip.AddrPort]bool{}
	if err := c.EachConnection(many, func(c *Connection) { found[c.Remote] = true }); err != nil {
		t.Error(err)
	}
	expect("more ports than the kernel compares", 1, found)
}
