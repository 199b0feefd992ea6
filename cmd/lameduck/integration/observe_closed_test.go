package integration

import (
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A client may keep its side of a connection open for any time after the app has closed.
func TestObserve_WhatTheAppHasClosedIsNotKept(t *testing.T) {
	t.Parallel()
	app, ln := startApp(t), listen(t)
	defer ln.Close()
	go func() {
		for c, err := ln.Accept(); err == nil; c, err = ln.Accept() {
			_, _ = c.Read(make([]byte, 1))
			_ = c.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	d := startServe(t, app.addr, "LAMEDUCK_OBSERVE="+port)
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "x")
	_, _ = io.Copy(io.Discard, c) // until the app has closed it
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
	d.logged(t, "stopped")
	summary, err := os.ReadFile(d.terminationLog)
	if err != nil || strings.Contains(string(summary), "still open") {
		t.Errorf("summary %q (%v), want no connection that is still open", summary, err)
	}
}

// Where no sockets can be read, an app may listen at an address at which it is not looked for, such
// as that of the pod.
func TestObserve_AnAppThatCannotBeSeenHasNotExited(t *testing.T) {
	t.Parallel()
	requireUnshare(t)
	ln, err := net.Listen("tcp", "127.0.0.2:"+freePort(t))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	d, env := prepare(t, "1", "LAMEDUCK_ROUTES=", "LAMEDUCK_OBSERVE="+port, "LAMEDUCK_LB_DELAY=1s")
	d.program = start(t, env, programPath("confine"), "-hide", programPath("lameduck"), "serve")
	d.logged(t, "serving")
	signaled := time.Now() // the delay begins later
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
	held := time.Since(signaled)
	if f := d.logged(t, "stopped"); f["reason"] != "quiet" || held < time.Second {
		t.Errorf("summary %v after %v, want quiet after the load balancer's delay of 1s", f, held)
	}
}
