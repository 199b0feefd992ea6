package proxy

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	reference "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"lameduck/lifecycle"
	"lameduck/lifecycle/silence"
	"lameduck/proxy/h2"
)

// classOf returns the class of the source of an address that has sent traffic.
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

// next returns the HEADERS frame of a request whose fields, after the pseudo-fields, are pairs of
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

// requestFrame returns the frame of a request whose fields refer to no other one.
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
		sends    []string // one piece after the other
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
					t.Errorf("the source is %v, want %v", got, test.want)
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
			t.Errorf("the direct caller is %v beside a proxy", got)
		}
		if got := r.classOf("192.0.2.2"); got != silence.Proxy {
			t.Errorf("the proxy is %v after a request without a header", got)
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
			t.Errorf("the last request came at %v, its connection at %v; want 1s and none", f.LastRequest, f.LastConnection)
		}
		client, app = r.connect()
		time.Sleep(time.Second)
		client.send(get)
		app.wants(get)
		if f := r.server.Forecast(silence.Rule{Risk: 1}); f.LastConnection != time.Second {
			t.Errorf("the last connection came at %v, want 1s", f.LastConnection)
		}
	})
}

// checkOf returns the request of a health checker.
func checkOf(agent, path string) string {
	return fmt.Sprintf("GET %s HTTP/1.1\r\nHost: a\r\nUser-Agent: %s\r\n\r\n", path, agent)
}

func TestHealthCheck_IsRecognized(t *testing.T) {
	type kinds = map[silence.Checker]bool
	config := Config{ProbeAgents: append(DefaultProbeAgents, "nginx/"), ProbePaths: []string{"/up"}, HealthPaths: []string{"/lb"}}
	for name, test := range map[string]struct {
		request string
		want    kinds
		traffic bool
	}{
		"AWS":                                {checkOf("ELB-HealthChecker/2.0", "/"), kinds{silence.ELB: true}, false},
		"Google":                             {checkOf("GoogleHC/1.0", "/"), kinds{silence.Google: true}, false},
		"Azure Load Balancer":                {checkOf("Load Balancer Agent", "/"), kinds{silence.Azure: true}, false},
		"Azure at its edge":                  {checkOf("Edge Health Probe", "/"), kinds{silence.Azure: true}, false},
		"Envoy":                              {checkOf("Envoy/HC", "/"), kinds{silence.Envoy: true}, false},
		"HAProxy":                            {checkOf("HAProxy Health Check/1.0", "/"), kinds{silence.HAProxy: true}, false},
		"nginx":                              {checkOf("nginx/1.27", "/"), kinds{silence.Nginx: true}, false},
		"a health path of a draining server": {checkOf("curl/8", "/lb?a=b"), kinds{silence.OtherChecker: true}, false},
		"a health path of a draining server, checked by AWS": {checkOf("ELB-HealthChecker/2.0", "/lb"), kinds{silence.ELB: true}, false},
		"a health path with a body":                          {"POST /lb HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", nil, true},
		"the kubelet":                                        {checkOf("kube-probe/1.34", "/"), nil, false},
		"the kubelet, on a health path":                      {checkOf("kube-probe/1.34", "/lb"), nil, false},
		"a monitoring system":                                {checkOf("Prometheus/3.0", "/metrics"), nil, false},
		"a probe path":                                       {checkOf("curl/8", "/up"), nil, false},
		"a client":                                           {checkOf("curl/8 ELB-HealthChecker/2.0", "/"), nil, true},
		"AWS, by HTTP/2":                                     {preface + requestFrame(1, "/", "user-agent", "ELB-HealthChecker/2.0"), kinds{silence.ELB: true}, false},
		"a health path, by HTTP/2":                           {preface + requestFrame(1, "/lb", "user-agent", "grpc-go/1.70"), kinds{silence.OtherChecker: true}, false},
		"the kubelet, by HTTP/2":                             {preface + requestFrame(1, "/grpc.health.v1.Health/Check", "user-agent", "kube-probe/1.34 grpc-go/1.70"), nil, false},
		"a client by HTTP/2":                                 {preface + requestFrame(1, "/", "user-agent", "grpc-go/1.70"), nil, true},
		"another request behind an HTTP/2 check":             {preface + requestFrame(1, "/", "user-agent", "Envoy/HC") + requestFrame(3, "/"), kinds{silence.Envoy: true}, true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, config, func(r *rig) {
				client, app := r.connect()
				r.server.Drain()
				time.Sleep(time.Second)
				client.send(test.request)
				if strings.HasPrefix(name, "a health path of a draining server") {
					client.wants(string(answerDraining))
				} else {
					app.wants(test.request)
				}
				f := r.server.Forecast(silence.Rule{Risk: 1})
				for kind, at := range f.Checks {
					if got := at > 0; got != test.want[silence.Checker(kind)] {
						t.Errorf("a check of %v is reported: %v", silence.Checker(kind), got)
					}
				}
				if got := f.InFlight > 0; got != test.traffic {
					t.Errorf("traffic is in flight: %v, want %v", got, test.traffic)
				}
				if got := r.server.DrainStats().Exchanges > 0; got != test.traffic {
					t.Errorf("an exchange is counted: %v, want %v", got, test.traffic)
				}
			})
		})
	}
}

// Load balancers keep a connection for their checks.
func TestHealthCheck_OnAnHTTP2ConnectionOfChecksIsNoTraffic(t *testing.T) {
	inBubble(t, Config{ProbeAgents: DefaultProbeAgents}, func(r *rig) {
		client, app := speaksHTTP2(r)
		checker := newH2Client()
		for i := range uint32(5) {
			check := checker.next("/grpc.health.v1.Health/Check", agent, "Envoy/HC")
			client.send(check)
			app.wants(check)
			r.wantsInFlight(0, "during a check")
			app.send(headers(2*i+1, true, true))
			synctest.Wait()
			time.Sleep(10 * time.Second)
		}
		if f := r.server.Forecast(silence.Rule{}); f.ChecksIn != 20*time.Second || r.server.sources.Len() != 0 {
			t.Errorf("the checks are considered stopped in %v, want 20s; %d sources, want none", f.ChecksIn, r.server.sources.Len())
		}
		if n := r.server.stats.probes.Load(); n != 5 {
			t.Errorf("%d probes are counted, want 5", n)
		}
		request := checker.next("/", agent, "curl/8")
		client.send(request)
		app.wants(request)
		r.wantsInFlight(1, "during a request that is no check")
		client.send(checker.next("/", agent, "Envoy/HC"))
		client.send(rst(11))
		synctest.Wait()
		r.wantsInFlight(0, "when only a check is left")
	})
}

func TestHealthCheck_OfAHealthPathIsNoTrafficWhileServing(t *testing.T) {
	inBubble(t, Config{HealthPaths: []string{"/lb"}}, func(r *rig) {
		for range 5 {
			client, app := r.connect()
			client.send(checkOf("curl/8", "/lb"))
			app.wants(checkOf("curl/8", "/lb"))
			app.send(ok)
			client.wants(ok)
			time.Sleep(10 * time.Second)
		}
		if n := r.server.sources.Len(); n != 0 {
			t.Errorf("%d sources are known, want none", n)
		}
		if f := r.server.Forecast(silence.Rule{}); f.ChecksIn != 20*time.Second {
			t.Errorf("the checks are considered stopped in %v, want 20s: three periods after the last", f.ChecksIn)
		}
	})
}

// A probe's stream is in flight, but is no traffic, until it ends in any way.
func TestHealthCheck_EndsWithItsStream(t *testing.T) {
	check := requestFrame(1, "/", "user-agent", "Envoy/HC")
	for name, end := range map[string]func(client, app *peer){
		"the app answers":    func(client, app *peer) { app.send(headers(1, true, true)) },
		"the client resets":  func(client, app *peer) { client.send(rst(1)) },
		"the app refuses it": func(client, app *peer) { app.send(goAway(0, 0, "")) },
		"the connection ends": func(client, app *peer) {
			client.closes()
			app.closes()
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{ProbeAgents: DefaultProbeAgents}, func(r *rig) {
				client, app := speaksHTTP2(r)
				client.send(check + requestFrame(3, "/"))
				app.wants(check + requestFrame(3, "/"))
				r.wantsInFlight(1, "beside a probe")
				if name != "the connection ends" && name != "the app refuses it" {
					app.send(headers(3, true, true))
					r.wantsInFlight(0, "when the probe is left")
				}
				end(client, app)
				synctest.Wait()
				r.wantsInFlight(0, "after the probe")
				if n := r.server.stats.probes.Load(); n != 1 {
					t.Errorf("%d probes are counted, want 1", n)
				}
			})
		})
	}
}

// checks has an address send health checks, one in each period.
func (d *drain) checks(ip, agent string, n int, period time.Duration) {
	d.t.Helper()
	for range n {
		client := d.client(ip)
		app := d.app()
		client.send(checkOf(agent, "/"))
		app.wants(checkOf(agent, "/"))
		app.send(ok)
		synctest.Wait()
		client.closes()
		app.closes()
		time.Sleep(period)
	}
}

// holdOf returns how long a hold lasts after traffic, and the class of 192.0.2.1 at its end.
func holdOf(t *testing.T, before, after func(d *drain)) (hold time.Duration, class silence.Class) {
	t.Helper()
	inDrain(t, rule, before, func(d *drain) {
		go after(d)
		for d.lifecycle.Phase() == lifecycle.Draining {
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
		}
		hold, class = time.Since(d.start), d.classOf("192.0.2.1")
	})
	return hold, class
}

// What others send shortens nobody's hold: neither health checks that stop, nor headers.
func TestHealthCheck_CountsOnlyForItsAddress(t *testing.T) {
	slow := func(d *drain) {
		for range 8 {
			d.calls("192.0.2.1", get, 0)
			time.Sleep(20 * time.Second)
		}
		d.calls("192.0.2.1", get, 0)
	}
	alone, _ := holdOf(t, slow, func(*drain) {})
	others := map[string]func(d *drain){
		"health checks": func(d *drain) { d.checks("192.0.2.66", "ELB-HealthChecker/2.0", 20, 5*time.Second) },
		"headers": func(d *drain) {
			for range 20 {
				d.calls("192.0.2.66", getWith("Via: 1.1 a", "X-Forwarded-For: 192.0.2.1"), 0)
				time.Sleep(5 * time.Second)
			}
		},
	}
	for name, other := range others {
		hold, class := holdOf(t, func(d *drain) { other(d); slow(d) }, func(*drain) {})
		if class != silence.Direct {
			t.Errorf("%s of others: the caller is %v", name, class)
		}
		if hold < alone {
			t.Errorf("%s of others: the hold lasts %v, and alone %v", name, hold, alone)
		}
	}
	_, class := holdOf(t, func(d *drain) {
		d.checks("192.0.2.1", "ELB-HealthChecker/2.0", 20, 5*time.Second)
		slow(d)
	}, func(*drain) {})
	if class != silence.Proxy {
		t.Errorf("a source with health checks is %v", class)
	}
}

func TestHealthCheck_AgentsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/loadbalancers.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range checkers {
		known := slices.Contains(DefaultProbeAgents, c.agent)
		if documented := strings.Contains(string(page), "`"+c.agent+"`"); documented != known {
			t.Errorf("%s: documented %t, known by default %t", c.agent, documented, known)
		}
	}
}
