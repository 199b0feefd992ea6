package main

import (
	"net"
	"net/netip"
	"syscall"
	"testing"

	"lameduck/sockdiag"
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

// unaccepting is an app that accepts no connection, as a single-threaded one that is busy.
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
		t.Errorf("%d connections wait for an app that has no client, want none", n)
	}
	_ = app.Close()
	d.wantExit(t, exitOK)
}
