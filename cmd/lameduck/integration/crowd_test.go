package integration

import (
	"io"
	"net"
	"strconv"
	"testing"
	"time"
)

// crowdAddress is the client address of the crowds, which is not the kubelet's.
const crowdAddress = "127.0.0.66"

// dialFrom connects from a client address.
func dialFrom(t *testing.T, from, address string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

// crowd sends a request from the crowd's address on each of n connections, whose responses it does
// not read.
func crowd(t *testing.T, n int, address, request string) []net.Conn {
	t.Helper()
	var conns []net.Conn
	for range n {
		c := dialFrom(t, crowdAddress, address)
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	return conns
}

const holdRequest = "GET /hold HTTP/1.1\r\nHost: lameduck\r\n\r\n"

// hookWaiters returns the number of callers that /hold keeps waiting.
func (d *duck) hookWaiters(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(d.metric(t, "lameduck_hook_waiters"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestACrowdAtTheHookReleasesNeitherTheAppNorItself(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr, "LAMEDUCK_HOOK_WINDOW=1m")
	busy := app.keepBusy(t, d)
	first := crowd(t, 1000, d.admin, holdRequest)
	eventually(t, "1,000 callers wait", func() bool { return d.hookWaiters(t) == 1000 })
	hook := d.hold(t)
	eventually(t, "the app's hook waits too", func() bool { return d.hookWaiters(t) == 1001 })
	d.beginDrain(t)
	crowd(t, 1500, d.admin, holdRequest)
	eventually(t, "the limit is reached", func() bool { return d.hookWaiters(t) == 1001+1024 })
	select {
	case a := <-hook:
		t.Fatalf("the app's hook is answered %+v in the middle of the drain", a)
	default:
	}
	close(app.release)
	busy.receive(t)
	if a := receive(t, hook, "answer to the hook"); a.body != "drained\n" {
		t.Errorf("the hook is answered %q, want drained", a.body)
	}
	for i, c := range first {
		if b, _ := io.ReadAll(c); len(b) == 0 {
			t.Fatalf("caller %d, which has waited since before the drain, has been dropped for a later one", i)
		}
	}
	app.die()
	d.wantExit(t, exitOK)
}

func TestWhileServingACrowdAtTheHookDisplacesOnlyItself(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr, "LAMEDUCK_HOOK_WINDOW=1m")
	hook := d.hold(t)
	d.awaitHook(t)
	conns := crowd(t, 1500, d.admin, holdRequest)
	eventually(t, "the limit is reached", func() bool { return d.hookWaiters(t) == 1024 })
	if b, err := io.ReadAll(conns[0]); len(b) > 0 {
		t.Errorf("a caller that is dropped reads %q, %v, want nothing: every answer is a release", b, err)
	}
	d.beginDrain(t)
	if a := receive(t, hook, "answer to the hook"); a.body != "drained\n" {
		t.Errorf("the hook is answered %q, want drained", a.body)
	}
	app.die()
	d.wantExit(t, exitOK)
}
