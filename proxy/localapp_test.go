package proxy

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lameduck/lifecycle/sockdiag"
)

// localApp returns the app at port 80 in some surroundings.
func (s *surroundings) localApp(ours ...netip.AddrPort) *LocalApp {
	return &LocalApp{port: 80, usual: "127.0.0.1:80", listeners: s.presence("").listeners, ours: ours}
}

func TestLocalApp_IsFoundWhereItListens(t *testing.T) {
	for name, test := range map[string]struct {
		listeners []string
		ours      string
		want      []string
	}{
		"at ::1":                             {[]string{"[::1]:80"}, "", []string{"[::1]:80"}},
		"at the pod's address":               {[]string{"10.0.0.5:80"}, "", []string{"10.0.0.5:80"}},
		"at the pod's addresses":             {[]string{"10.0.0.5:80", "[fd00::5]:80"}, "", []string{"10.0.0.5:80", "[fd00::5]:80"}},
		"in IPv6 notation":                   {[]string{"[::ffff:10.0.0.5]:80"}, "", []string{"10.0.0.5:80"}},
		"at all addresses of IPv6":           {[]string{"[::]:80"}, "", []string{"[::1]:80"}},
		"with several sockets":               {[]string{"[::1]:80", "[::1]:80"}, "", []string{"[::1]:80"}},
		"where it has begun to listen now":   {[]string{"127.0.0.1:80", "0.0.0.0:80"}, "", nil},
		"at another port":                    {[]string{"10.0.0.5:81"}, "", nil},
		"beside us":                          {[]string{"10.0.0.5:80", "10.0.0.6:80"}, "10.0.0.5:80", []string{"10.0.0.6:80"}},
		"never where we listen":              {[]string{"10.0.0.5:80"}, "10.0.0.5:80", nil},
		"never where we listen, as dual one": {[]string{"[::ffff:10.0.0.5]:80"}, "10.0.0.5:80", nil},
	} {
		var ours []netip.AddrPort
		if test.ours != "" {
			ours = append(ours, netip.MustParseAddrPort(test.ours))
		}
		around := surroundings{listeners: listening(test.listeners...)}
		if got := around.localApp(ours...).elsewhere(); !slices.Equal(got, test.want) {
			t.Errorf("an app that listens %s was found at %q, want %q", name, got, test.want)
		}
	}
	unseen := surroundings{listeners: listening("[::1]:80"), err: errors.New("refused")}
	if got := unseen.localApp().elsewhere(); got != nil {
		t.Errorf("without access to the sockets it was found at %q", got)
	}
}

func TestLocalApp_IsNotLookedUpForEachClientThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		around, looks := surroundings{}, 0
		app := around.localApp()
		find := app.listeners
		app.listeners = func(port uint16) ([]sockdiag.Listener, error) { looks++; return find(port) }
		for range 1000 {
			app.elsewhere()
		}
		if looks != 1 {
			t.Errorf("%d looks for 1,000 clients at once, want 1", looks)
		}
		around.listeners = listening("[::1]:80")
		time.Sleep(lookPause)
		if listens, _ := app.Look(t.Context()); !listens {
			t.Error("a new listener is not found")
		}
	})
}

func TestLocalApp_IsDialedWhereItListens(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "127.0.0.2", "::1"} {
		ln, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Logf("no listener at %s: %v", host, err)
			continue
		}
		at := ln.Addr().(*net.TCPAddr).AddrPort()
		sockets := sockdiag.Open()
		c, err := NewLocalApp(at.Port(), sockets, nil).Dialer()(t.Context())
		if err != nil {
			t.Errorf("an app at %s is not reached: %v", host, err)
		} else {
			_ = c.Close()
		}
		if host != "127.0.0.1" {
			if c, err := NewLocalApp(at.Port(), sockets, []netip.AddrPort{at}).Dialer()(t.Context()); !isRefused(err) {
				t.Errorf("our own listener at %s was dialed: %v, %v", host, c, err)
			}
		}
		_ = ln.Close()
		if _, err := NewLocalApp(at.Port(), sockets, nil).Dialer()(t.Context()); !isRefused(err) {
			t.Errorf("without an app the error is %v, want connection refused", err)
		}
		sockets.Close()
	}
}
