package proxy

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lameduck/lifecycle"
	"lameduck/lifecycle/silence"
)

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
		"another request after an HTTP/2 check":              {preface + requestFrame(1, "/", "user-agent", "Envoy/HC") + requestFrame(3, "/"), kinds{silence.Envoy: true}, true},
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
					t.Errorf("traffic in flight: %v, want %v", got, test.traffic)
				}
				if got := r.server.DrainStats().Exchanges > 0; got != test.traffic {
					t.Errorf("exchange counted: %v, want %v", got, test.traffic)
				}
			})
		})
	}
}

// Load balancers keep a connection for their checks.
func TestHealthCheck_OnAnHTTP2ConnectionOfChecksIsNotTraffic(t *testing.T) {
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
			t.Errorf("%d probes counted, want 5", n)
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

func TestHealthCheck_OfAHealthPathIsNotTrafficWhileServing(t *testing.T) {
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
			t.Errorf("%d sources known, want none", n)
		}
		if f := r.server.Forecast(silence.Rule{}); f.ChecksIn != 20*time.Second {
			t.Errorf("the checks are considered stopped in %v, want 20s: three periods after the last", f.ChecksIn)
		}
	})
}

// The stream of a probe is in flight until it ends, but it is not traffic.
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
					t.Errorf("%d probes counted, want 1", n)
				}
			})
		})
	}
}

// checks sends health checks from an address, one in each period.
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

// holdOf returns how long a hold lasts, and the class of 192.0.2.1 at its end. during is called
// again and again in the drain.
func holdOf(t *testing.T, hold lifecycle.Hold, before, during func(d *drain)) (lasts time.Duration, class silence.Class) {
	t.Helper()
	inDrain(t, hold, before, func(d *drain) {
		synctest.Wait()
		for d.lifecycle.Phase() == lifecycle.Draining {
			during(d)
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
		}
		lasts, class = d.lifecycle.Summary().Duration, d.classOf("192.0.2.1")
	})
	return lasts, class
}

func idles(*drain) {}

// Other clients cannot shorten a hold: neither with health checks that stop, nor with headers.
func TestHealthCheck_CountsOnlyForItsAddress(t *testing.T) {
	slow := func(d *drain) {
		for range 8 {
			d.calls("192.0.2.1", get, 0)
			time.Sleep(20 * time.Second)
		}
		d.calls("192.0.2.1", get, 0)
	}
	alone, _ := holdOf(t, rule, slow, idles)
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
		hold, class := holdOf(t, rule, func(d *drain) { other(d); slow(d) }, idles)
		if class != silence.Direct {
			t.Errorf("%s of others: the caller is %v", name, class)
		}
		if hold < alone {
			t.Errorf("%s of others: the hold lasted %v, and alone %v", name, hold, alone)
		}
	}
	_, class := holdOf(t, rule, func(d *drain) {
		d.checks("192.0.2.1", "ELB-HealthChecker/2.0", 20, 5*time.Second)
		slow(d)
	}, idles)
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

// Checks that stop show that the load balancer has removed the pod.
func TestHealthCheck_ThatStopsLetsItsSourceGoSooner(t *testing.T) {
	proxied := getWith("Via: 1.1 a")
	before := func(d *drain) {
		for range 8 {
			d.calls("192.0.2.1", proxied, 0)
			d.checks("192.0.2.1", "ELB-HealthChecker/2.0", 4, 5*time.Second)
		}
		d.calls("192.0.2.1", proxied, 0)
	}
	stops, _ := holdOf(t, rule, before, idles)
	goesOn, _ := holdOf(t, rule, before, func(d *drain) {
		d.checks("192.0.2.1", "ELB-HealthChecker/2.0", 1, 4900*time.Millisecond)
	})
	if stops < 10*time.Second || stops >= goesOn { // the last check came 5 s before the drain
		t.Errorf("the hold lasted %v when the checks stopped, and %v when they went on; want three periods after the last, and less",
			stops, goesOn)
	}
}

func TestHealthCheck_HoldsAnIdlePodUntilItStops(t *testing.T) {
	hold := rule
	hold.LBDelay = time.Minute
	for name, test := range map[string]struct {
		agent    string
		before   int // checks, one in 2 s
		after    int
		from, to time.Duration
	}{
		"none":                    {"ELB-HealthChecker/2.0", 0, 0, 5 * time.Second, 5 * time.Second},
		"they stop at once":       {"ELB-HealthChecker/2.0", 20, 0, 5 * time.Second, 7 * time.Second},
		"they stop after 20 s":    {"ELB-HealthChecker/2.0", 20, 10, 22 * time.Second, 28 * time.Second},
		"they go on":              {"GoogleHC/1.0", 20, 100, time.Minute, 62 * time.Second},
		"the kubelet's go on":     {kubelet, 20, 100, 5 * time.Second, 5 * time.Second},
		"they begin in the drain": {"ELB-HealthChecker/2.0", 0, 100, 5 * time.Second, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			before := func(d *drain) { d.checks("192.0.2.7", test.agent, test.before, 2*time.Second) }
			left := test.after
			lasts, _ := holdOf(t, hold, before, func(d *drain) {
				if left--; left >= 0 {
					d.checks("192.0.2.7", test.agent, 1, 1900*time.Millisecond)
				}
			})
			if lasts < test.from || lasts > test.to {
				t.Errorf("the hold lasted %v, want %v to %v", lasts, test.from, test.to)
			}
		})
	}
}
