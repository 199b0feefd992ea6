package integration

import (
	"io"
	"net/http"
	"syscall"
	"testing"
	"time"
)

// The app closes idle connections after 20 ms, its clients keep theirs and send after 10 to 30 ms of silence: around the app's
// close. Their GETs never fail.
func TestAnAppWithAShortKeepAliveLosesNoRequestOfClientsThatAreKept(t *testing.T) {
	t.Parallel()
	ln := listen(t)
	app := &http.Server{
		IdleTimeout: 20 * time.Millisecond,
		Handler:     http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }),
	}
	go func() { _ = app.Serve(ln) }()
	t.Cleanup(func() { _ = app.Close() })
	d := startServe(t, ln.Addr().String(), "LAMEDUCK_KEEP_CLIENT=true")
	c := dialClient(t, d.front) // one connection for all requests
	for n := range 200 {
		if told := c.get(t, "/"); told {
			t.Fatal("the client is told to leave while serving")
		}
		time.Sleep(time.Duration(10+n%21) * time.Millisecond)
	}
	if n := d.metric(t, "lameduck_app_redials_total"); n == "0" {
		t.Error("the app has never been dialled again: it was no app with a short keep-alive")
	}
	d.signal(t, syscall.SIGTERM)
	d.logged(t, "draining")
	if told := c.get(t, "/"); !told {
		t.Error("the client is not told to leave in the drain")
	}
	d.wantExit(t, exitOK)
}
