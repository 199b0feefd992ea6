package integration

import (
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

// A client may keep its side of a connection that the app has closed, for as long as it likes.
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
		t.Errorf("the summary is %q (%v), want no connection that is still open", summary, err)
	}
}
