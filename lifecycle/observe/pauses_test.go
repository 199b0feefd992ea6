package observe

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"lameduck/lifecycle/silence"
	"lameduck/lifecycle/sockdiag"
)

// stream reports ends at a rate per second, and returns how many the observer has received.
func (r *rig) stream(rate int, d time.Duration) (received uint64) {
	const step = 5 * ms
	before, sent := r.connections(), 0
	c := conn(client, 100, 0, 1, 0)
	for begun := time.Now(); time.Since(begun) < d; time.Sleep(step) {
		var all []*sockdiag.Connection
		for due := int(float64(rate) * (time.Since(begun) + step).Seconds()); sent < due; sent++ {
			all = append(all, c)
		}
		r.ends.report(nil, all...)
	}
	return r.connections() - before
}

func (r *rig) connections() uint64 {
	time.Sleep(longestBatch)
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.connectionsLocked()
}

func (r *rig) pausedFor() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pauses.total(r.now())
}

func TestObserver_PausesKeepTheCostOfReportsLow(t *testing.T) {
	for _, test := range []struct {
		rate   int // ends per second
		pauses bool
		atMost uint64 // received in 40 s
	}{
		{rate: reportsPerSecond - 50, atMost: 40 * (reportsPerSecond - 50)},
		{rate: 1000, pauses: true, atMost: 40*reportsPerSecond + reportsAtOnce + 1000},
		{rate: 20_000, pauses: true, atMost: 40*reportsPerSecond + reportsAtOnce + 1000},
	} {
		watch(t, ms, func(t *testing.T, r *rig) {
			r.NoteKubelet(node)
			n := r.stream(test.rate, 40*second)
			if n > test.atMost || n < 35*reportsPerSecond && test.pauses || n < test.atMost && !test.pauses {
				t.Errorf("%d of %d ends received in 40 s, want %d", n, 40*test.rate, test.atMost)
			}
			if paused := r.pausedFor(); paused > 0 != test.pauses {
				t.Errorf("paused for %v at %d ends a second", paused, test.rate)
			}
		})
	}
}

func TestObserver_ABurstIsReceivedWhole(t *testing.T) {
	watch(t, ms, func(t *testing.T, r *rig) {
		r.NoteKubelet(node)
		for range 5 {
			if n := r.stream(3000, second); n != 3000 {
				t.Errorf("%d of 3000 ends received", n)
			}
			time.Sleep(20 * second)
		}
	})
}

// While clients of a relay open many connections, the kernel prepares reports that the filter drops.
func TestObserver_RelayedConnectionsCauseReportsToo(t *testing.T) {
	watch(t, ms, func(t *testing.T, r *rig) {
		var relayed atomic.Uint64
		r.mu.Lock()
		r.config.Relayed = relayed.Load
		r.mu.Unlock()
		for range 5000 {
			relayed.Add(200)
			time.Sleep(20 * ms)
		}
		if paused := r.pausedFor(); paused < 85*second {
			t.Errorf("paused for %v of 100 s with 10,000 relayed connections a second, want 85 s", paused)
		}
		time.Sleep(20 * second)
		before := r.pausedFor()
		time.Sleep(20 * second)
		if paused := r.pausedFor() - before; paused > 0 {
			t.Errorf("paused for %v without connections", paused)
		}
	}, Port{Number: 8080, Relay: 18080})
}

func TestObserver_ADrainHasNoPauses(t *testing.T) {
	watch(t, ms, func(t *testing.T, r *rig) {
		r.stream(20_000, 10*second)
		for !r.ends.isPaused() {
			r.stream(20_000, 20*ms)
		}
		before := r.pausedFor()
		r.Drain()
		if f := r.Forecast(rule); f.SilentIn < 4900*ms {
			t.Errorf("silent in %v, want 5 s from the drain's start: nothing was watched before", f.SilentIn)
		}
		if n := r.stream(5000, 10*second); n != 50_000 {
			t.Errorf("%d of 50000 ends received in a drain", n)
		}
		if paused := r.pausedFor() - before; paused > pause {
			t.Errorf("paused for %v in a drain", paused)
		}
		if err := testutil.CollectAndCompare(r.Metrics(), strings.NewReader(""), "lameduck_observe_paused_seconds_total"); err == nil {
			t.Error("no metric has the time of the pauses")
		}
	})
}

// The end of a connection in a pause is not reported, and must not look like traffic in the drain.
func TestObserver_AConnectionThatEndedInAPauseIsNoTrafficOfTheDrain(t *testing.T) {
	watch(t, ms, func(t *testing.T, r *rig) {
		r.stream(20_000, 10*second)
		r.kernel.change(func() {
			begun := time.Now()
			r.kernel.connections = func() []*sockdiag.Connection {
				return []*sockdiag.Connection{conn("192.0.2.9:1", 100, time.Since(begun), 1, time.Since(begun))}
			}
		})
		for before := r.dumped(); r.dumped() == before || !r.ends.isPaused(); {
			r.stream(20_000, 20*ms)
		}
		r.kernel.change(func() { r.kernel.connections = nil })
		r.Drain()
		time.Sleep(4 * second)
		if f := r.Forecast(rule); f.SilentIn > second {
			t.Errorf("silent in %v, 4 s after the drain's start, want one second", f.SilentIn)
		}
	})
}

func (r *rig) dumped() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dumps
}

func TestObserver_GoesOnWithDumpsIfAPauseFails(t *testing.T) {
	for _, from := range []int{1, 2} { // it begins, or it ends
		watch(t, ms, func(t *testing.T, r *rig) {
			r.ends.failPause(from, errors.New("refused"))
			r.stream(20_000, 10*second)
			if r.logs.FilterMessageSnippet("can no longer be read").Len() != 1 {
				t.Error("no warning was logged")
			}
			if n := r.dumpsIn(100 * second); n < 45 {
				t.Errorf("%d dumps in 100 s, want 50", n)
			}
		})
	}
}

func TestObserver_PausesDoNotChangeTheHoldMuch(t *testing.T) {
	required := func(rate int) (d time.Duration) {
		watch(t, ms, func(t *testing.T, r *rig) {
			r.stream(rate, 40*second)
			r.Drain()
			r.stream(rate, second)
			d = r.Forecast(silence.Rule{Quiet: 5 * second, Risk: 0.01}).SilentIn
		})
		return d
	}
	some, all := required(20_000), required(300)
	if d := some - all; max(d, -d) > 1500*ms {
		t.Errorf("a silence of %v is required after pauses, and %v without", some, all)
	}
}
