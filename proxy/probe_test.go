package proxy

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	reference "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"lameduck/lifecycle/silence"
	"lameduck/proxy/h2"
)

// classOf returns the class of a client address that has sent traffic.
func (r *rig) classOf(ip string) silence.Class {
	r.t.Helper()
	synctest.Wait()
	s := r.server.sources.Acquire(netip.MustParseAddr(ip), 0)
	defer r.server.sources.Release(s)
	return s.Class()
}

// getWith returns a request with field lines.
func getWith(fields ...string) string {
	return "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Join(fields, "\r\n") + "\r\n\r\n"
}

// An h2Client writes the requests of a connection.
type h2Client struct {
	block   bytes.Buffer
	encoder *hpack.Encoder
	stream  uint32
}

func newH2Client() *h2Client {
	c := &h2Client{stream: 1}
	c.encoder = hpack.NewEncoder(&c.block)
	return c
}

// next returns the HEADERS frame of a request. Its fields, after the pseudo-fields, are pairs of
// name and value.
func (c *h2Client) next(path string, pairs ...string) string {
	c.block.Reset()
	fields := append([]string{":method", "GET", ":scheme", "http", ":authority", "a", ":path", path}, pairs...)
	for i := 0; i < len(fields); i += 2 {
		if err := c.encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}); err != nil {
			panic(err)
		}
	}
	defer func() { c.stream += 2 }()
	return frames(func(f *reference.Framer) {
		f.WriteHeaders(reference.HeadersFrameParam{
			StreamID: c.stream, BlockFragment: c.block.Bytes(), EndStream: true, EndHeaders: true,
		})
	})
}

// requestFrame returns the frame of a request whose fields do not refer to the dynamic table.
func requestFrame(stream uint32, path string, pairs ...string) string {
	c := newH2Client()
	c.stream = stream
	return c.next(path, pairs...)
}

const preface = h2.Preface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00"

const agent, kubelet = "user-agent", "kube-probe/1.34"

func TestSource_IsClassifiedByWhatItSends(t *testing.T) {
	probed, proxied := newH2Client(), newH2Client()
	for name, test := range map[string]struct {
		proxied  bool     // the route begins with the PROXY protocol
		protocol Protocol // of the route
		sends    []string // in pieces
		want     silence.Class
	}{
		"a request":                     {sends: []string{get}, want: silence.Direct},
		"a request in pieces":           {sends: []string{get[:2], get[2:]}, want: silence.Direct},
		"X-Forwarded-For":               {sends: []string{getWith("X-Forwarded-For: 192.0.2.1")}, want: silence.Proxy},
		"in small letters":              {sends: []string{getWith("x-forwarded-for:192.0.2.1")}, want: silence.Proxy},
		"Forwarded":                     {sends: []string{getWith("Accept: a", "Forwarded: for=192.0.2.1")}, want: silence.Proxy},
		"Via":                           {sends: []string{getWith("Via: 1.1 a")}, want: silence.Proxy},
		"an empty Via":                  {sends: []string{getWith("Via:")}, want: silence.Proxy},
		"X-Amzn-Trace-Id":               {sends: []string{getWith("X-Amzn-Trace-Id: Root=1")}, want: silence.Proxy},
		"fields of the same length":     {sends: []string{getWith("Age: 1", "Accepting: a", "Accept-Language: via", "X-Forwarded-Foo: 1")}, want: silence.Direct},
		"a second request with Via":     {sends: []string{get, getWith("Via: 1.1 a")}, want: silence.Proxy},
		"a second request without":      {sends: []string{getWith("Via: 1.1 a"), get}, want: silence.Proxy},
		"the PROXY protocol":            {proxied: true, sends: []string{"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + get}, want: silence.Proxy},
		"its version 2, in pieces":      {proxied: true, sends: []string{"\r\n\r\n\x00\r\nQUIT\n", "\x20\x00\x00\x00", get}, want: silence.Proxy},
		"the PROXY protocol before TCP": {proxied: true, sends: []string{"PROXY UNKNOWN\r\n", "\x00\x01"}, want: silence.Proxy},
		"no header where one may be":    {proxied: true, sends: []string{get}, want: silence.Direct},
		"TCP":                           {sends: []string{"\x00\x01"}, want: silence.Unknown},
		"TCP by configuration":          {protocol: TCP, sends: []string{get}, want: silence.Unknown},
		"TLS that is relayed":           {sends: []string{"\x16\x03\x01\x02\x00\x01\x00"}, want: silence.Unknown},
		"HTTP/2":                        {sends: []string{preface + requestFrame(1, "/")}, want: silence.Direct},
		"HTTP/2 by configuration":       {protocol: H2C, sends: []string{preface, requestFrame(1, "/")}, want: silence.Direct},
		"HTTP/2 with X-Forwarded-For":   {sends: []string{preface, requestFrame(1, "/", "x-forwarded-for", "192.0.2.1")}, want: silence.Proxy},
		"HTTP/2 with Via later":         {sends: []string{preface, requestFrame(1, "/"), requestFrame(3, "/", "via", "2 a")}, want: silence.Direct},
		"HTTP/2 in pieces":              {sends: []string{preface + requestFrame(1, "/")[:12], requestFrame(1, "/")[12:]}, want: silence.Unknown},
		"HTTP/2 that is malformed":      {sends: []string{preface + headers(1, true, true)}, want: silence.Unknown},
		"HTTP/2 behind a probe":         {sends: []string{preface, probed.next("/", agent, kubelet), probed.next("/")}, want: silence.Direct},
		"behind a probe, with Via":      {sends: []string{preface, proxied.next("/", agent, kubelet), proxied.next("/", "via", "2 a")}, want: silence.Proxy},
		"behind a probe, in pieces":     {sends: []string{preface, requestFrame(1, "/", agent, kubelet), requestFrame(3, "/")[:12], requestFrame(3, "/")[12:]}, want: silence.Unknown},
		"no HTTP/2 behind its preface":  {protocol: H2C, sends: []string{"\x00\x01"}, want: silence.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			config := Config{ProbeAgents: DefaultProbeAgents}
			through(t, Route{Protocol: test.protocol, Proxied: test.proxied}, config, func(r *rig) {
				client, app := r.connect()
				for _, piece := range test.sends {
					client.send(piece)
					app.wants(piece)
				}
				if got := r.classOf("192.0.2.10"); got != test.want {
					t.Errorf("class %v, want %v", got, test.want)
				}
			})
		})
	}
}

func TestSource_AHeaderMovesItOnlyToAMoreCautiousClass(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		for _, call := range []struct{ ip, request string }{
			{"192.0.2.1", get}, {"192.0.2.2", getWith("Via: 1.1 a")}, {"192.0.2.2", get}, {"192.0.2.1", get},
		} {
			client := r.client(call.ip)
			app := r.app()
			client.send(call.request)
			app.wants(call.request)
			app.send(ok)
			client.wants(ok)
		}
		if got := r.classOf("192.0.2.1"); got != silence.Direct {
			t.Errorf("class of the direct caller %v beside a proxy", got)
		}
		if got := r.classOf("192.0.2.2"); got != silence.Proxy {
			t.Errorf("class of the proxy %v after a request without a header", got)
		}
	})
}

// A request on a connection from before the drain needs no route to this pod.
func TestSource_IsOpenedWhenItsConnectionWasAccepted(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		time.Sleep(time.Second)
		r.server.Drain()
		time.Sleep(time.Second)
		client.send(get)
		app.wants(get)
		f := r.server.Forecast(silence.Rule{Risk: 1})
		if f.LastRequest != time.Second || f.LastConnection > 0 {
			t.Errorf("the last request arrived at %v, its connection at %v; want 1s and none", f.LastRequest, f.LastConnection)
		}
		client, app = r.connect()
		time.Sleep(time.Second)
		client.send(get)
		app.wants(get)
		if f := r.server.Forecast(silence.Rule{Risk: 1}); f.LastConnection != time.Second {
			t.Errorf("the last connection was opened at %v, want 1s", f.LastConnection)
		}
	})
}
