package integration

import (
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

func TestServeRelaysToTheApp(t *testing.T) {
	t.Parallel()
	d := startServe(t, startApp(t).addr)
	if a := d.get(t, "/"); a.body != "hello" || a.closes {
		t.Errorf("answer %+v, want the app's own, without a close option", a)
	}
	if a, err := request(http.MethodPost, "http://"+d.front+"/echo", "a body"); err != nil || a.body != "a body" {
		t.Errorf("answer %+v, %v, want the body that was sent", a, err)
	}
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
}

// Some apps listen only at the address of the pod, or at ::1.
func TestAnAppThatListensElsewhereIsReachedByItsPort(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	ln, err := net.Listen("tcp", "127.0.0.2:"+port)
	if err != nil {
		t.Skip(err)
	}
	app := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hello")
	})}
	go func() { _ = app.Serve(ln) }()
	t.Cleanup(func() { _ = app.Close() })
	d := startServe(t, port, "LAMEDUCK_HOLD_MIN=500ms")
	if a := d.get(t, "/"); a.body != "hello" {
		t.Errorf("answer %+v, want the app's", a)
	}
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
	if f := d.logged(t, "stopped"); f["reason"] != "quiet" {
		t.Errorf("the hold ended with the reason %v, want quiet: the app has not exited", f["reason"])
	}
}

func TestARouteThatLeadsBackByAnAddressOfTheHostIsRefused(t *testing.T) {
	t.Parallel()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		ip, ok := a.(*net.IPNet)
		if !ok || ip.IP.IsLoopback() || ip.IP.To4() == nil {
			continue
		}
		_, env := prepare(t, "1")
		port := freePort(t)
		env = append(env, "LAMEDUCK_ROUTES="+port+"="+net.JoinHostPort(ip.IP.String(), port))
		p := start(t, env, programPath("lameduck"), "serve")
		p.wantExit(t, exitUsage)
		p.stderr.await(t, "the reason", func(l string) bool {
			return strings.Contains(l, "LAMEDUCK_ROUTES: route 1 must not relay to "+ip.IP.String()) &&
				strings.Contains(l, "lameduck itself listens there")
		})
		return
	}
	t.Skip("needs an address that is not on the loopback interface")
}

func TestEveryUnavailableAddressIsReported(t *testing.T) {
	t.Parallel()
	first, second := listen(t), listen(t)
	defer first.Close()
	defer second.Close()
	a, b := first.Addr().String(), second.Addr().String()
	env := []string{"LAMEDUCK_ROUTES=" + a + "=1", "LAMEDUCK_ADMIN=" + freeAddress(t), "LAMEDUCK_CONTROL=" + b}
	p := start(t, env, programPath("lameduck"))
	p.wantExit(t, exitFailure)
	for _, name := range []string{"LAMEDUCK_ROUTES", "LAMEDUCK_CONTROL"} {
		p.stderr.await(t, name, func(l string) bool {
			return strings.Contains(l, name+": ") && strings.Contains(l, "in use")
		})
	}
}

// LAMEDUCK_MAX_HEADER_SIZE applies to requests and to responses.
func TestAHeadIsRelayedUpToTheConfiguredSize(t *testing.T) {
	t.Parallel()
	ln := listen(t)
	app := &http.Server{
		MaxHeaderBytes: 1 << 20,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Echo", r.Header.Get("X-Large"))
		}),
	}
	go func() { _ = app.Serve(ln) }()
	t.Cleanup(func() { _ = app.Close() })
	for _, test := range []struct {
		setting string
		size    int
		status  int
	}{
		{"LAMEDUCK_MAX_HEADER_SIZE=", 50 << 10, http.StatusOK},
		{"LAMEDUCK_MAX_HEADER_SIZE=", 70 << 10, http.StatusRequestHeaderFieldsTooLarge},
		{"LAMEDUCK_MAX_HEADER_SIZE=256KiB", 200 << 10, http.StatusOK},
		{"LAMEDUCK_MAX_HEADER_SIZE=2048", 3 << 10, http.StatusRequestHeaderFieldsTooLarge},
	} {
		d := startServe(t, ln.Addr().String(), test.setting)
		req, err := http.NewRequest(http.MethodGet, "http://"+d.front, nil)
		if err != nil {
			t.Fatal(err)
		}
		large := strings.Repeat("x", test.size)
		req.Header.Set("X-Large", large)
		resp, err := (&http.Transport{MaxResponseHeaderBytes: 1 << 20}).RoundTrip(req)
		if err != nil {
			t.Fatalf("%s, %d bytes: %v", test.setting, test.size, err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != test.status {
			t.Errorf("%s: a head with a field of %d bytes got status %d, want %d",
				test.setting, test.size, resp.StatusCode, test.status)
		}
		if resp.StatusCode == http.StatusOK && resp.Header.Get("X-Echo") != large {
			t.Errorf("%s: the response lacks the field of %d bytes", test.setting, test.size)
		}
	}
}
