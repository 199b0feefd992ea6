package integration

import (
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"lameduck/lifecycle/sockdiag"
)

// queueOf returns how many connections wait to be accepted at an address.
func queueOf(t *testing.T, address string) (n int) {
	t.Helper()
	var sockets sockdiag.Conn
	defer sockets.Close()
	listeners, err := sockets.Listeners(netip.MustParseAddrPort(address).Port())
	if err != nil {
		lack(t, "needs socket diagnostics: "+err.Error())
	}
	for _, l := range listeners {
		n += l.Queue
	}
	return n
}

// unaccepting returns an app that accepts no connection, like a single-threaded one that is busy.
func unaccepting(t *testing.T) net.Listener {
	t.Helper()
	app := listen(t)
	t.Cleanup(func() { _ = app.Close() })
	return app
}

func TestADrainTakesNoPlaceInTheAppsBacklog(t *testing.T) {
	t.Parallel()
	app := unaccepting(t)
	d := startServe(t, app.Addr().String(), "LAMEDUCK_HOLD_MIN=2s")
	hook := d.hold(t)
	d.awaitHook(t)
	d.signal(t, syscall.SIGTERM)
	receive(t, hook, "answer to the hook")
	if n := queueOf(t, app.Addr().String()); n != 0 {
		t.Errorf("%d connections wait for the app without a client, want 0", n)
	}
	_ = app.Close()
	d.wantExit(t, exitOK)
}

// fullBacklog starts an app that accepts nothing, with a full backlog.
func fullBacklog(t *testing.T) (address string) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address = net.JoinHostPort("127.0.0.1", strconv.Itoa(name.(*unix.SockaddrInet4).Port))
	c, err := net.Dial("tcp", address) // a backlog of zero has room for one connection
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	eventually(t, "the backlog is full", func() bool { return queueOf(t, address) == 1 })
	return address
}

func TestFullBacklogOfTheApp_TheClientGets503AfterTheWait(t *testing.T) {
	t.Parallel()
	d := startServe(t, fullBacklog(t), "LAMEDUCK_APP_WAIT=700ms")
	if a := d.get(t, "/"); a.status != http.StatusServiceUnavailable || !a.closes {
		t.Errorf("answer %+v, want 503 with the close option", a)
	}
}

func TestFullBacklogOfTheApp_ADisconnectedClientEndsTheWait(t *testing.T) {
	t.Parallel()
	d := startServe(t, fullBacklog(t), "LAMEDUCK_APP_WAIT=1h")
	client := dialClient(t, d.front)
	client.send(t, "/")
	d.awaitMetric(t, "lameduck_connections", "1")
	_ = client.conn.(*net.TCPConn).SetLinger(0)
	_ = client.conn.Close()
	d.awaitMetric(t, "lameduck_connections", "0")
}
