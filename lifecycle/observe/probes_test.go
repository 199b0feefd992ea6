package observe

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"lameduck/lifecycle/sockdiag"
)

func probed() *record { return newRecord([]Port{{Number: 8080}}, Probe{8080, 10 * time.Second}) }

const prober = "10.0.0.1:40000"

func TestProbes_TheKubeletsProbesAreNotTraffic(t *testing.T) {
	r := probed()
	for i := range 20 {
		late := time.Duration(i%3) * 800 * ms // some are answered later than others
		r.at(time.Duration(i)*10*second+late).end(conn(prober, 100, 0, 1, 0), r.now)
	}
	r.want(t, 0, 0)
	if r.counts.probes != 20 {
		t.Errorf("%d probes, want 20", r.counts.probes)
	}
}

// The kubelet does not probe more often if the app answers some probes late.
func TestProbes_AnAppMayAnswerThemLate(t *testing.T) {
	for name, late := range map[string]time.Duration{"at once": 0, "half a second late": 500 * ms, "at the timeout": 950 * ms} {
		t.Run(name, func(t *testing.T) {
			r := newRecord([]Port{{Number: 8080}}, Probe{8080, second})
			for i := range 40 {
				answered := time.Duration(i%2) * late
				r.at(time.Duration(i)*second+answered).end(conn(prober, 100, answered, 1, 0), r.now)
			}
			r.want(t, 0, 0)
			if r.counts.probes != 40 {
				t.Errorf("%d probes, want 40", r.counts.probes)
			}
		})
	}
}

// The same for connections that a dump sees before they end.
func TestProbes_ADumpMaySeeThemBeforeTheirLateAnswer(t *testing.T) {
	const late = 900 * ms
	r := newRecord([]Port{{Number: 8080}}, Probe{8080, second})
	for i := range 40 {
		sent, answered := time.Duration(i)*second, time.Duration(i%2)*late
		if answered > 0 {
			r.at(sent + late/2).dump(conn(prober, 100, late/2, 0, late/2))
		}
		r.at(sent+answered).end(conn(prober, 100, answered, 1, 0), r.now)
	}
	r.want(t, 0, 0)
	if r.counts.probes != 40 {
		t.Errorf("%d probes, want 40", r.counts.probes)
	}
}

// Traffic from the node uses up tokens of the probes. After it, at most one probe may count as
// traffic, and it must be the first.
func TestProbes_AfterTrafficOfTheNodeTheyAreNotTraffic(t *testing.T) {
	for _, test := range []struct{ period, late time.Duration }{
		{second, 0}, {second, 100 * ms}, {second, 390 * ms}, {2 * second, 490 * ms}, {10 * second, 2 * second},
	} {
		for seed := range uint64(100) {
			random := rand.New(rand.NewPCG(seed, 0))
			upTo := func(d time.Duration) time.Duration { return time.Duration(random.Float64() * float64(d)) }
			r := newRecord([]Port{{Number: 8080}}, Probe{8080, test.period})
			end, phase := 30*second, upTo(test.period)
			var visits []time.Duration
			for at := time.Duration(0); at < end; at += upTo(80 * ms) {
				visits = append(visits, at)
			}
			for at := phase; at < end+100*test.period; at += test.period {
				visits = append(visits, at+upTo(test.late))
			}
			slices.Sort(visits)
			for _, at := range visits {
				r.at(at).end(conn(prober, 100, 0, 1, 0), at)
			}
			if last := r.traffic.last; last > end+test.period+test.late {
				t.Errorf("period %v, up to %v late, seed %d: a probe counts as traffic %v after the last request",
					test.period, test.late, seed, last-end)
			}
		}
	}
}

func TestProbes_OneThatADumpSeesIsNotTraffic(t *testing.T) {
	r := probed()
	r.at(3 * second).dump(conn(prober, 100, 100*ms, 0, 100*ms))
	if r.undecided != 1 {
		t.Error("a connection that may be a probe was classified while it was open")
	}
	r.at(4*second).end(conn(prober, 101, 0, 1, 0), r.now)
	r.want(t, 0, 0)
	r.wantInFlight(t, 0)
}

func TestProbes_TheExcessIsTraffic(t *testing.T) {
	r := probed()
	for i := range 20 { // twice as many as the probe explains
		r.at(time.Duration(i)*5*second).end(conn(prober, 100, 0, 1, 0), r.now)
	}
	if r.counts.probes != 10 {
		t.Errorf("%d of 20 connections are explained, want 10", r.counts.probes)
	}
}

func TestProbes_ALongConnectionIsTraffic(t *testing.T) {
	r := probed()
	r.at(3 * second).dump(conn(prober, 100, 100*ms, 1, 100*ms))
	r.at(6 * second).dump(conn(prober, 200, 100*ms, 2, 100*ms))
	r.want(t, 1, 5900*ms)
}

func TestProbes_AnotherAddressOrPortIsTraffic(t *testing.T) {
	r := newRecord([]Port{{Number: 8080}, {Number: 9090}}, Probe{9090, 10 * second})
	r.at(3*second).end(conn(prober, 100, 0, 1, 0), r.now)
	r.want(t, 1, 3*second)
	r = probed()
	r.at(3*second).end(conn(client, 100, 0, 1, 0), r.now)
	r.want(t, 1, 3*second)
}

func TestProbes_TwoOfOnePortExplainTheirOwn(t *testing.T) {
	for _, test := range []struct {
		every       time.Duration // period of further connections, if not zero
		least, most int           // connections that are explained in 100 s
	}{
		{0, 30, 30},
		{10 * second, 30, 33},
		{2 * second, 30, 40},
	} {
		p := newProbes([]Probe{{8080, 10 * second}, {8080, 5 * second}})
		var visits []time.Duration
		visit := func(first, period time.Duration) {
			for at := first; period > 0 && at < 100*second; at += period {
				visits = append(visits, at)
			}
		}
		visit(second, 10*second)
		visit(3*second, 5*second)
		visit(4500*ms, test.every)
		slices.Sort(visits)
		explained := 0
		for _, at := range visits {
			if p.explain(8080, at) {
				explained++
			}
		}
		if explained < test.least || explained > test.most {
			t.Errorf("another connection every %v: %d of %d are explained, want %d to %d", test.every, explained, len(visits),
				test.least, test.most)
		}
	}
}

// A client on the node that sends one request between two probes does not hide behind them.
func TestProbes_OneConnectionBetweenTwoOfThemIsTraffic(t *testing.T) {
	for _, period := range []time.Duration{second, 2 * second, 10 * second} {
		for offset := period / 10; offset < period; offset += period / 10 {
			r := newRecord([]Port{{Number: 8080}}, Probe{8080, period})
			for i := range time.Duration(50) {
				r.at(i*period).end(conn(prober, 100, 0, 1, 0), r.now)
				r.at(i*period+offset).end(conn(prober, 100, 0, 1, 0), r.now)
			}
			if n := r.counts.probes; n > 51 {
				t.Errorf("period %v, offset %v: %d of 100 connections are explained, want 50", period, offset, n)
			}
		}
	}
}

func TestProbes_AnEmptyOneIsAHealthCheck(t *testing.T) {
	r := probed()
	for i := range 5 {
		r.at(time.Duration(i)*second).end(conn(prober, 0, 0, 0, 0), r.now)
	}
	r.want(t, 0, 0)
}

// No sequence of dumps and ends may corrupt the counts of exchanges.
func FuzzFlows(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Fuzz(func(t *testing.T, script []byte) {
		r := probed()
		for i, b := range script {
			r.at(time.Duration(i) * second)
			from := []string{client, prober, "192.0.2.1:0", "10.0.0.1:0"}[b>>1&3]
			c := conn(from, uint64(b>>3&7), time.Duration(b>>5)*second, uint32(b>>6), time.Duration(b>>4&3)*second)
			c.State = []sockdiag.State{sockdiag.Established, sockdiag.CloseWait, sockdiag.FinWait2, sockdiag.LastAck}[b>>5&3]
			if b&1 == 0 || c.Remote.Port() == 0 {
				r.end(c, r.now)
			} else {
				r.dump(c)
			}
		}
		r.at(r.now + second).dump()
		r.at(r.now + second).dump()
		r.wantInFlight(t, 0)
		if len(r.open) != 0 {
			t.Errorf("%d connections are open after two empty dumps", len(r.open))
		}
	})
}
