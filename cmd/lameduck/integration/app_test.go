package integration

import (
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
)

// A testApp is an app in the process of the test. It answers "hello". The exceptions: /echo answers
// with the body of the request, /endless never ends its response, /silent never responds, /wait
// responds when it is released, and /deaf does not notice that its client has disconnected.
type testApp struct {
	addr    string
	server  *http.Server
	arrived chan struct{} // one value per request for /wait
	release chan struct{} // closed: /wait is answered
}

func startApp(t *testing.T) *testApp {
	t.Helper()
	ln := listen(t)
	a := &testApp{addr: ln.Addr().String(), arrived: make(chan struct{}, 100), release: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	mux.HandleFunc("/endless", func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 16<<10)); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/wait", a.wait)
	over := make(chan struct{})
	mux.HandleFunc("/silent", func(http.ResponseWriter, *http.Request) { <-over })
	mux.HandleFunc("/deaf", func(http.ResponseWriter, *http.Request) {
		a.arrived <- struct{}{}
		<-over
	})
	a.server = &http.Server{Handler: mux}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = a.server.Serve(ln)
	}()
	t.Cleanup(func() {
		close(over)
		a.die()
		<-served
	})
	return a
}

// listen does not use a port that the kernel chooses: it may have been the port of an app that has
// exited, to which clients still connect.
func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// keepBusy sends a request that stays in flight until the app is released, which keeps a hold from
// ending.
func (a *testApp) keepBusy(t *testing.T, d *lameduck) *keepAliveClient {
	t.Helper()
	return a.keepBusyWith(t, d, "/wait")
}

func (a *testApp) keepBusyWith(t *testing.T, d *lameduck, path string) *keepAliveClient {
	t.Helper()
	c := dialClient(t, d.front)
	c.send(t, path)
	receive(t, a.arrived, "request")
	return c
}

func (a *testApp) wait(w http.ResponseWriter, r *http.Request) {
	a.arrived <- struct{}{}
	select {
	case <-a.release:
		_, _ = io.WriteString(w, "waited")
	case <-r.Context().Done():
	}
}

// die closes the app's listener and its connections, like SIGKILL. A program that is being
// started has a copy of the listener until its execve, which would continue to accept.
func (a *testApp) die() {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	_ = a.server.Close()
}
