package observe

import (
	"net/netip"
	"sync/atomic"
	"testing"
	"time"
)

// waiting returns a record that does not know the kubelet's address yet.
func waiting(port Port, probes ...Probe) *record {
	r := &record{flows: newFlows([]Port{port}, probes)}
	r.dump()
	return r
}

func TestEarly_ProbesFromBeforeTheKubeletsAddressIsKnownAreNotTraffic(t *testing.T) {
	for name, tc := range map[string]struct {
		port   Port
		probes []Probe
	}{
		"of an observed port":              {Port{Number: 8080}, []Probe{{8080, second}}},
		"of a relayed port":                {Port{Number: 8080, Relay: 18080}, nil},
		"of a relayed port that is probed": {Port{Number: 8080, Relay: 18080}, []Probe{{8080, second}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := waiting(tc.port, tc.probes...)
			r.at(500*ms).end(conn(prober, 100, 0, 1, 0), r.now)
			r.at(1400 * ms).dump(conn("10.0.0.1:40001", 100, 0, 0, 0))
			r.at(1500*ms).end(conn("10.0.0.1:40001", 100, 100*ms, 1, 0), r.now)
			r.want(t, 0, 0)
			r.observe(node)
			r.want(t, 0, 0)
			if r.counts.probes != 2 {
				t.Errorf("%d probes, want 2", r.counts.probes)
			}
			r.at(2500*ms).end(conn(prober, 100, 0, 1, 0), r.now)
			r.want(t, 0, 0)
		})
	}
}

// observe notes the kubelet's address, as NoteKubelet does.
func (r *record) observe(kubelet netip.Addr) {
	r.nodes = append(r.nodes, kubelet)
	r.decideEarly()
}

func TestEarly_OtherVisitsAreTraffic(t *testing.T) {
	r := waiting(Port{Number: 8080}, Probe{8080, second})
	r.at(second).end(conn(client, 100, 0, 1, 0), r.now)
	r.at(1200*ms).end(conn(prober, 100, 0, 1, 0), r.now)
	r.at(1400*ms).end(conn(prober, 100, 0, 1, 0), r.now) // one more than the probe explains
	r.observe(node)
	r.want(t, 2, 1400*ms)
	if r.counts.probes != 1 {
		t.Errorf("%d probes, want 1", r.counts.probes)
	}
}

func TestEarly_APortThatIsNotProbedHasTrafficAtOnce(t *testing.T) {
	r := waiting(Port{Number: 8080}, Probe{9090, second})
	r.at(second).end(conn(prober, 100, 0, 1, 0), r.now)
	r.want(t, 1, second)
}

func TestEarly_VisitsBeyondTheLimitAreTraffic(t *testing.T) {
	r := waiting(Port{Number: 8080}, Probe{8080, second})
	for range maxVisits + 2 {
		r.at(second).end(conn(client, 100, 0, 1, 0), r.now)
	}
	r.want(t, 2, second)
	r.observe(node)
	r.want(t, maxVisits+2, second)
}

func TestEarly_WithoutAKubeletVisitsAreTraffic(t *testing.T) {
	for name, test := range map[string]struct {
		wait       time.Duration
		drain      bool
		want, more uint64 // connections, and further ones after another visit
	}{
		"not yet":                   {earlyFor - second, false, 0, 0},
		"after some time":           {earlyFor + 100*ms, false, 2, 1},
		"at the start of the drain": {second, true, 0, 1}, // counted from then on
	} {
		t.Run(name, func(t *testing.T) {
			watch(t, ms, func(t *testing.T, r *rig) {
				r.ends.report(nil, conn(client, 100, 0, 1, 0), conn(prober, 100, 0, 1, 0))
				time.Sleep(test.wait)
				if test.drain {
					r.Drain()
					if f := r.Forecast(rule); f.SilentIn == 0 {
						t.Errorf("forecast %+v one second after two visits, want more silence to be required", f)
					}
				}
				if n := r.Stats().Connections; n != test.want {
					t.Errorf("%d connections, want %d", n, test.want)
				}
				r.ends.report(nil, conn(client, 100, 0, 1, 0))
				time.Sleep(100 * ms)
				if n := r.Stats().Connections - test.want; n != test.more {
					t.Errorf("%d more connections after another visit, want %d", n, test.more)
				}
			})
		})
	}
}

// A probe of the kubelet must not be logged as a client that bypasses the relay.
func TestEarly_AProbeIsNotABypass(t *testing.T) {
	watch(t, ms, func(t *testing.T, r *rig) {
		r.ends.report(nil, conn(prober, 100, 0, 1, 0))
		time.Sleep(second)
		r.NoteKubelet(node)
		time.Sleep(10 * second)
		if n := r.Bypassed(); n != 0 || r.logs.FilterMessageSnippet("bypass lameduck").Len() > 0 {
			t.Errorf("%d connections bypassed the relay, want none", n)
		}
		r.ends.report(nil, conn(client, 100, 0, 1, 0))
		time.Sleep(second)
		if n := r.Bypassed(); n != 1 {
			t.Errorf("%d connections bypassed the relay, want that of the client", n)
		}
	}, Port{Number: 8080, Relay: 18080})
}

func TestEarly_AVisitThatNoDumpHasMayBeAProbe(t *testing.T) {
	for name, test := range map[string]struct {
		kubelet bool
		want    uint64
	}{"a kubelet's": {true, 0}, "nobody's": {false, 1}} {
		t.Run(name, func(t *testing.T) {
			var own atomic.Uint64
			watchUnreported(t, &own, func(t *testing.T, r *rig) {
				r.kernel.change(func() { r.kernel.opened++ })
				time.Sleep(3 * second)
				if test.kubelet {
					r.NoteKubelet(node)
				}
				time.Sleep(earlyFor + 3*second)
				if n := r.Stats().Connections; n != test.want {
					t.Errorf("%d connections, want %d", n, test.want)
				}
			})
		})
	}
}
