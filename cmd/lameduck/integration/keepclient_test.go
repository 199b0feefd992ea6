package integration

import (
	"io"
	"net/http"
	"syscall"
	"testing"
	"time"
)

// The app closes idle connections after 20 ms. The client keeps its connection and sends a GET
// after 10 to 30 ms of silence, around the app's close. No GET fails.
func TestAnAppWithAShortKeepAliveLosesNoRequestOfAKeptClient(t *testing.T) {
	t.Parallel()
	ln := listen(t)
	app := &http.Server{
		IdleTimeout: 20 * time.Millisecond,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "hello")
		}),
	}
	go func() { _ = app.Serve(ln) }()
	t.Cleanup(func() { _ = app.Close() })
	d := startServe(t, ln.Addr().String(), "LAMEDUCK_KEEP_CLIENT=true", "LAMEDUCK_HOLD_MIN=5s")
	c := dialClient(t, d.front) // one connection for all requests
	for n := range 200 {
		if closes := c.get(t, "/"); closes {
			t.Fatal("a response has the close option while serving")
		}
		time.Sleep(time.Duration(10+n%21) * time.Millisecond)
	}
	if n := d.metric(t, "lameduck_app_redials_total"); n == "0" {
		t.Error("the app was never dialed again: its keep-alive timeout is not short")
	}
	d.signal(t, syscall.SIGTERM)
	d.logged(t, "draining")
	if closes := c.get(t, "/"); !closes {
		t.Error("a response in the drain has no close option")
	}
	d.wantExit(t, exitOK)
}
