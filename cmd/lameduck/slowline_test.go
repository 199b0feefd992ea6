package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"
)

// The app and lameduck have written the whole answer when the drain begins, and the hold ends while it is on its way to a client
// with a slow line.
func TestAnAnswerArrivesOverASlowLineInADrain(t *testing.T) {
	for _, v := range []struct {
		name string
		set  func(*http.Protocols, bool)
	}{
		{"HTTP/1", (*http.Protocols).SetHTTP1},
		{"HTTP/2", (*http.Protocols).SetUnencryptedHTTP2},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			protocols := new(http.Protocols)
			v.set(protocols, true)
			testSlowLine(t, protocols)
		})
	}
}

func testSlowLine(t *testing.T, protocols *http.Protocols) {
	t.Helper()
	root := publicDir(t)
	file := randomFile(t, filepath.Join(root, "file"), 2<<20) // the kernel takes all of it
	app, address := goHTTP2.start(t, root)
	p := startPod(t, app, address, append(realHold, "LAMEDUCK_GRACE_PERIOD=120s")...)
	transport := &http.Transport{Protocols: protocols, DialContext: dialSlowly}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	resp, err := client.Get("http://" + p.duck.front + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	eventually(t, "the answer has been written", func() bool { return p.duck.exchanges(t) == 1 })
	ended := make(chan struct{})
	hook := p.beginEnd(t)
	go func() {
		defer close(ended)
		p.end(t, hook)
	}()
	if b, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(b, file) {
		t.Errorf("%d bytes have arrived, %v, want the %d of the file", len(b), err, len(file))
	}
	<-ended
}

// dialSlowly connects over a line that takes 10 s for the file.
func dialSlowly(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	return slowConn{c}, err
}

type slowConn struct{ net.Conn }

func (c slowConn) Read(b []byte) (int, error) {
	<-time.After(80 * time.Millisecond)
	return c.Conn.Read(b[:min(len(b), 16<<10)])
}
