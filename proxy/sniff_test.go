package proxy

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lameduck/proxy/h2"
)

func TestTheProtocolIsDetectedFromTheFirstBytes(t *testing.T) {
	for name, test := range map[string]struct {
		bytes string
		want  protocol
	}{
		"a request":                      {get, http1},
		"a request behind empty lines":   {"\r\n\n" + get, http1},
		"a request of another version":   {"GET / HTTP/2.0\r\n\r\n", tcp},
		"no request line":                {"GET / HTTP/1.1 x\r\n\r\n", tcp},
		"a mention of HTTP":              {"LOG fetched /x via HTTP/1.1\n", tcp},
		"half a request-line":            {"GET / HT", unknown},
		"half a method":                  {"PRO", unknown},
		"no method":                      {"(GET / HTTP/1.1\r\n", tcp},
		"a line without version":         {"EHLO example\r\n", tcp},
		"a word":                         {"PING\r\n", tcp},
		"an endless word":                {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", tcp},
		"a ClientHello":                  {"\x16\x03\x01\x02\x00\x01", tcp},
		"the preface":                    {h2.Preface, http2},
		"the preface and more":           {h2.Preface + "\x00\x00\x00\x04", http2},
		"half the preface":               {h2.Preface[:20], unknown},
		"what only begins like it":       {"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", tcp},
		"a method that begins like it":   {"PRINT / HTTP/1.1\r\n", http1},
		"the beginning of an empty line": {"\r", unknown},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := r.connect()
				client.send(test.bytes)
				synctest.Wait()
				if got := only(r.server).speaks(); got != test.want {
					t.Errorf("protocol %v, want %v", got, test.want)
				}
				client.resets()
				app.takesAll()
			})
		})
	}
}

// only returns the only connection of a server.
func only(s *Server) *conn { return s.all()[0] }

// takesAll reads and drops all available bytes.
func (p *peer) takesAll() { synctest.Wait(); p.available() }

func TestARouteDeterminesTheProtocol(t *testing.T) {
	for route, want := range map[Protocol]protocol{Auto: unknown, HTTP1: http1, H2C: http2, TCP: unknown} {
		onRoute(t, route, Config{}, func(r *rig) {
			r.connect()
			if got := only(r.server).speaks(); got != want {
				t.Errorf("route %v: protocol %v, want %v", route, got, want)
			}
		})
	}
}

func TestAnythingPassesWhereTCPIsSpoken(t *testing.T) {
	const banner, line = "220 example ESMTP\r\n", "EHLO example\r\n"
	t.Run("the client speaks first", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			client, app := r.connect()
			client.sendSlowly("\x16\x03\x01 anything")
			app.wants("\x16\x03\x01 anything")
			app.sendSlowly("HTTP/1.1 answer")
			client.wants("HTTP/1.1 answer")
			client.ends()
			app.wantsEnd()
			app.send("more")
			client.wants("more")
			app.ends()
			client.wantsEnd()
		})
	})
	for name, route := range map[string]Protocol{"the app speaks first": TCP, "the app speaks first where that is not said": Auto} {
		t.Run(name, func(t *testing.T) {
			onRoute(t, route, Config{}, func(r *rig) {
				client, app := r.connect()
				app.send(banner)
				client.wants(banner)
				if got := only(r.server).speaks(); got != tcp {
					t.Errorf("protocol %v, want tcp", got)
				}
				client.send(line)
				app.wants(line)
			})
		})
	}
	t.Run("an incomplete line", func(t *testing.T) {
		inBubble(t, Config{HeaderTimeout: 10 * time.Second}, func(r *rig) {
			client, app := r.connect()
			client.send("abc")
			app.wants("abc")
			time.Sleep(11 * time.Second)
			client.wantsOpen()
			if got := only(r.server).speaks(); got != tcp {
				t.Errorf("protocol %v, want tcp", got)
			}
			client.send("def")
			app.wants("def")
		})
	})
}

func TestATCPConnectionIsInFlightUntilItEnds(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		if n := r.server.stats.inFlight.Load(); n != 0 {
			t.Errorf("%d exchanges in flight before the first byte", n)
		}
		client.send("\x00")
		app.wants("\x00")
		r.server.Drain()
		r.server.CloseIdle()
		time.Sleep(time.Hour)
		client.wantsOpen()
		if n := r.server.stats.inFlight.Load(); n != 1 {
			t.Errorf("%d exchanges in flight, want 1", n)
		}
		second, secondApp := r.connect()
		second.send("\x01")
		secondApp.wants("\x01")
		client.closes()
		app.closes()
		synctest.Wait()
		if n := r.server.stats.inFlight.Load(); n != 1 {
			t.Errorf("%d exchanges in flight, want only the second one", n)
		}
		if connections, exchanges := r.server.Cut(); connections != 1 || exchanges != 1 {
			t.Errorf("cut %d connections and %d exchanges, want 1 and 1", connections, exchanges)
		}
		second.wantsReset()
		secondApp.wantsReset()
	})
}

func TestATCPRouteAsksNothing(t *testing.T) {
	for _, bytes := range []string{get, h2.Preface, "GE"} {
		onRoute(t, TCP, Config{}, func(r *rig) {
			client, app := r.connect()
			client.send(bytes)
			app.wants(bytes)
			r.server.Drain()
			app.send(ok)
			client.wants(ok)
			client.send(get) // it was not asked to disconnect
			app.wants(get)
		})
	}
}

// proxyV2 is a header of version 2.
const proxyV2 = "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\xdc\x04\x01\xbb"

func TestAProxyHeaderIsPassedOn(t *testing.T) {
	const (
		v1 = "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n"
		v2 = proxyV2
	)
	for name, test := range map[string]struct {
		route  Protocol
		header string
		bytes  string
		want   protocol
	}{
		"version 1, HTTP/1":                {Auto, v1, get, http1},
		"version 2, HTTP/1":                {Auto, v2, get, http1},
		"version 2, HTTP/2":                {Auto, v2, h2.Preface, http2},
		"version 1, HTTP/2 as it was said": {H2C, v1, h2.Preface, http2},
		"version 1, HTTP/1 as it was said": {HTTP1, v1, get, http1},
		"version 1, TCP":                   {Auto, v1, "\x16\x03\x01 anything", tcp},
		"version 2, TCP as it was said":    {TCP, v2, get, tcp},
		"a second one is no header":        {TCP, v1, v1, tcp},
		"none":                             {Auto, "", get, http1},
	} {
		t.Run(name, func(t *testing.T) {
			through(t, Route{Protocol: test.route, Proxied: true}, Config{HeaderTimeout: 10 * time.Second}, func(r *rig) {
				client, app := r.connect()
				for i := range len(test.header) {
					client.send(test.header[i : i+1])
					app.wants(test.header[i : i+1])
				}
				client.sendSlowly(test.bytes)
				app.wants(test.bytes)
				if got := only(r.server).speaks(); got != test.want {
					t.Errorf("protocol %v, want %v", got, test.want)
				}
				client.resets()
			})
		})
	}
}

func TestARequestBehindAProxyHeaderHasA503WhenTheAppIsNotReached(t *testing.T) {
	for name, test := range map[string]struct {
		route  Protocol
		header string
	}{
		"version 1":                 {Auto, "PROXY UNKNOWN\r\n"},
		"version 2":                 {Auto, proxyV2},
		"version 1, HTTP/1 alone":   {HTTP1, "PROXY UNKNOWN\r\n"},
		"a long one of version 2":   {Auto, "\r\n\r\n\x00\r\nQUIT\n\x21\x00\xff\xff" + strings.Repeat("x", 0xffff)},
		"version 1, and empty ones": {Auto, "PROXY UNKNOWN\r\n\r\n\r\n"},
		"none":                      {Auto, ""},
	} {
		t.Run(name, func(t *testing.T) {
			through(t, Route{Protocol: test.route, Proxied: true}, Config{AppWait: time.Second}, func(r *rig) {
				r.setRefuse(true)
				client := r.client("192.0.2.1")
				go func() { _, _ = io.WriteString(client.conn, test.header+get[:10]) }()
				time.Sleep(2 * time.Second)
				client.wantsOpen()
				client.send(get[10:])
				client.wantsAnswer("503")
			})
		})
	}
	t.Run("and a header alone gets none", func(t *testing.T) {
		through(t, Route{Proxied: true}, Config{AppWait: time.Second}, func(r *rig) {
			r.setRefuse(true)
			client := r.client("192.0.2.1")
			client.send(proxyV2)
			time.Sleep(time.Second + 2*lingerTimeout)
			client.wantsEnd()
		})
	})
}

func TestHalfAProxyHeaderEnds(t *testing.T) {
	t.Run("by the app, if it stays incomplete", func(t *testing.T) {
		through(t, Route{Proxied: true}, Config{HeaderTimeout: 10 * time.Second}, func(r *rig) {
			client, app := r.connect()
			client.sendSlowly("PROXY TCP4 192")
			app.wants("PROXY TCP4 192")
			time.Sleep(11 * time.Second)
			client.wantsOpen()
			client.send("x")
			app.wants("x")
		})
	})
	t.Run("with its client", func(t *testing.T) {
		through(t, Route{Proxied: true}, Config{}, func(r *rig) {
			client, app := r.connect()
			client.send("PROXY TCP4 192")
			client.ends()
			app.wants("PROXY TCP4 192")
			app.wantsEnd()
		})
	})
}
