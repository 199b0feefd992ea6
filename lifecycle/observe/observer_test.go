package observe

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"lameduck/lifecycle/silence"
	"lameduck/lifecycle/sockdiag"
)

// A fakeKernel has the sockets that a test sets.
type fakeKernel struct {
	mu          sync.Mutex
	connections func() []*sockdiag.Connection
	queue       int
	err         error
	dumps       []time.Time
	opened      uint64 // passive opens, at all ports
	openedErr   error
}

func (k *fakeKernel) PassiveOpens() (uint64, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.opened, k.openedErr
}

func (k *fakeKernel) EachListener(_ []uint16, f func(sockdiag.Listener)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.dumps = append(k.dumps, time.Now())
	f(sockdiag.Listener{Address: appAddress, Queue: k.queue})
	return k.err
}

func (k *fakeKernel) EachConnection(_ []uint16, f func(*sockdiag.Connection)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.connections != nil {
		for _, c := range k.connections() {
			f(c)
		}
	}
	return k.err
}

// change changes the kernel while the observer waits, so that no dump sees half of the change.
func (k *fakeKernel) change(change func()) {
	synctest.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	change()
}

// fakeEnds reports the ends that a test sends.
type fakeEnds struct {
	*alarm
	waits    atomic.Int64 // calls of Wait
	mu       sync.Mutex
	list     []*sockdiag.Connection
	err      error
	paused   bool
	changes  int   // calls of Pause and Resume
	failsAt  int   // one of these calls
	pauseErr error // with this
}

func (e *fakeEnds) Pause() error  { return e.setPaused(true) }
func (e *fakeEnds) Resume() error { return e.setPaused(false) }

func (e *fakeEnds) setPaused(paused bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.changes++
	e.paused = paused
	if e.changes == e.failsAt {
		return e.pauseErr
	}
	return nil
}

func (e *fakeEnds) isPaused() bool {
	synctest.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.paused
}

// failPause makes a call of Pause or Resume fail, 1 for the first of them.
func (e *fakeEnds) failPause(call int, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.failsAt, e.pauseErr = call, err
}

func (e *fakeEnds) Wait() error {
	e.waits.Add(1)
	return e.alarm.Wait()
}

// report reports ends while the observer waits, so that it does not set another deadline.
func (e *fakeEnds) report(err error, all ...*sockdiag.Connection) {
	synctest.Wait()
	e.mu.Lock()
	paused := e.paused
	if !paused {
		e.list, e.err = append(e.list, all...), err
	}
	e.mu.Unlock()
	if !paused {
		e.SetDeadline(time.Now())
	}
}

// fail makes the next Drain fail.
func (e *fakeEnds) fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.err = err
}

func (e *fakeEnds) Drain(f func(*sockdiag.Connection)) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	n, err := len(e.list), e.err
	for _, c := range e.list {
		f(c)
	}
	e.list, e.err = nil, nil
	return n, err
}

// A rig is an observer of a fake kernel, in a synctest bubble.
type rig struct {
	*Observer
	kernel *fakeKernel
	ends   *fakeEnds
	logs   *observer.ObservedLogs
}

const lbDelay = time.Minute

// watch runs a test with an observer whose dumps take cost.
func watch(t *testing.T, cost time.Duration, test func(t *testing.T, r *rig), ports ...Port) {
	t.Helper()
	if ports == nil {
		ports = []Port{{Number: 8080}}
	}
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.DebugLevel)
		r := &rig{kernel: new(fakeKernel), ends: &fakeEnds{alarm: newAlarm()}, logs: logs}
		r.Observer = newObserver(Config{
			Ports: ports, Probes: []Probe{{8080, 10 * second}}, LBDelay: lbDelay, Log: zap.New(core),
		}, r.kernel)
		r.cpu = func(work func()) time.Duration { work(); return cost }
		r.Observer.ends, r.reported = r.ends, true
		r.lookLocked(0)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { r.Run(ctx) })
		test(t, r)
		cancel()
		running.Wait()
	})
}

// dumpsIn returns the number of dumps in a period.
func (r *rig) dumpsIn(d time.Duration) int {
	synctest.Wait()
	r.kernel.change(func() { r.kernel.dumps = nil })
	time.Sleep(d)
	synctest.Wait()
	r.kernel.mu.Lock()
	defer r.kernel.mu.Unlock()
	return len(r.kernel.dumps)
}

func TestObserver_DumpsAreSpacedByTheirCost(t *testing.T) {
	for _, test := range []struct {
		cost              time.Duration
		serving, draining int // in 100 s
	}{
		{time.Microsecond, 50, 400},
		{10 * ms, 12, 50},
		{50 * ms, 3, 50},
	} {
		watch(t, test.cost, func(t *testing.T, r *rig) {
			if n := r.dumpsIn(100 * second); n > test.serving || n < test.serving-5 {
				t.Errorf("%d dumps of %v in 100 s, want %d", n, test.cost, test.serving)
			}
			r.Drain()
			if n := r.dumpsIn(100 * second); n > test.draining || n < test.draining*9/10 {
				t.Errorf("%d dumps of %v in 100 s of a drain, want %d", n, test.cost, test.draining)
			}
		})
	}
}

func TestObserver_ADrainBeginsWithADump(t *testing.T) {
	watch(t, 50*ms, func(t *testing.T, r *rig) {
		time.Sleep(3 * second)
		r.kernel.change(func() { r.kernel.queue = 2 })
		r.Drain()
		if f := r.Forecast(rule); f.InFlight != 2 {
			t.Errorf("%d in flight at the drain's start, want the 2 that wait to be accepted", f.InFlight)
		}
	})
}

// The last dump may be two seconds old. Events since then must count.
func TestObserver_AHoldEndsOnAFreshDump(t *testing.T) {
	watch(t, 10*ms, func(t *testing.T, r *rig) {
		r.Drain()
		r.ends.report(nil, conn(client, 100, 0, 1, 0))
		time.Sleep(4900 * ms)
		r.kernel.change(func() {
			begun := time.Now()
			r.kernel.connections = func() []*sockdiag.Connection {
				return []*sockdiag.Connection{conn("192.0.2.1:40001", 100, time.Since(begun), 0, time.Since(begun))}
			}
		})
		time.Sleep(200 * ms)
		if f := r.Forecast(rule); f.InFlight != 1 {
			t.Errorf("forecast %+v, want the new exchange in flight", f)
		}
	})
}

func TestObserver_SilenceEndsTheHold(t *testing.T) {
	watch(t, 10*ms, func(t *testing.T, r *rig) {
		r.Drain()
		if f := r.Forecast(rule); f.InFlight != 0 || f.SilentIn != 0 {
			t.Errorf("forecast %+v without traffic, want none", f)
		}
		time.Sleep(second)
		r.ends.report(nil, conn(client, 100, 0, 1, 0))
		time.Sleep(second)
		f := r.Forecast(rule)
		if f.SilentIn < 3900*ms || f.SilentIn > 4100*ms {
			t.Errorf("silent in %v one second after an event, want 4s", f.SilentIn)
		}
		if f.LastConnection.Round(second) != second || f.LastRequest.Round(second) != second {
			t.Errorf("forecast %+v, want the last connection one second after the drain's start", f)
		}
		time.Sleep(4100 * ms)
		if f := r.Forecast(rule); f.InFlight != 0 || f.SilentIn != 0 {
			t.Errorf("forecast %+v after five seconds of silence, want none", f)
		}
	})
}

// A load balancer on the node has the kubelet's address, and the kubelet's probes continue in a
// drain.
func TestObserver_WhatIsRequiredAfterTheTrafficOfTheNode(t *testing.T) {
	for name, test := range map[string]struct {
		early    bool          // requests at the start
		paused   time.Duration // pause after these requests
		from, to time.Duration // required silence
	}{
		"steady traffic":                                 {true, 0, 5 * second, 6 * second},
		"traffic that paused shortly":                    {true, second, 5 * second, 15 * second},
		"traffic that paused for long":                   {true, 17 * second, 30 * second, 60 * second},
		"steady traffic some time after the first probe": {false, 17 * second, 5 * second, 6 * second},
	} {
		t.Run(name, func(t *testing.T) {
			watch(t, 10*ms, func(t *testing.T, r *rig) {
				r.flows.probes = newProbes([]Probe{{8080, second}})
				r.play(100*ms, test.early)
				r.NoteKubelet(node)
				r.play(test.paused, false)
				r.play(20*second, true)
				r.Drain()
				r.play(5*second, true)
				last, rule := time.Now(), silence.Rule{Quiet: 5 * second, Risk: 0.01}
				for time.Since(last) < 2*test.to {
					if f := r.Forecast(rule); f.InFlight == 0 && f.SilentIn <= 0 {
						break
					}
					r.play(100*ms, false)
				}
				if silent := time.Since(last); silent < test.from || silent > test.to {
					t.Errorf("the hold ended %v after the last request, want %v to %v", silent, test.from, test.to)
				}
			})
		})
	}
}

// play makes the kubelet probe the app once a second and, if busy, a client on the node send a
// request every 20 ms.
func (r *rig) play(d time.Duration, busy bool) {
	const step = 20 * ms
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(step) {
		if r.now()%second < step {
			r.ends.report(nil, conn(prober, 100, 0, 1, 0))
		}
		if busy {
			r.ends.report(nil, conn(prober, 100, 0, 1, 0))
		}
	}
}

func TestObserver_LostEndsAreTrafficAndLeadToADump(t *testing.T) {
	watch(t, 50*ms, func(t *testing.T, r *rig) {
		time.Sleep(3 * second)
		r.Drain()
		time.Sleep(10 * second)
		r.ends.report(sockdiag.ErrLost)
		synctest.Wait()
		if f := r.Forecast(rule); f.SilentIn < 4*second {
			t.Errorf("silent in %v after ends were lost, want 5s", f.SilentIn)
		}
	})
	watch(t, 5*ms, func(t *testing.T, r *rig) {
		r.dumpsIn(3 * share * 5 * ms) // the last dump was just before
		r.ends.report(sockdiag.ErrLost)
		if n := r.dumpsIn(400 * ms); n != 1 {
			t.Errorf("%d dumps soon after ends were lost, want 1", n)
		}
		if err := testutil.CollectAndCompare(r.Metrics(), strings.NewReader(`
# HELP lameduck_observe_lost_total Times that the kernel reported closed connections faster than they were read. Each counts as traffic and triggers a dump of all connections.
# TYPE lameduck_observe_lost_total counter
lameduck_observe_lost_total 1
`), "lameduck_observe_lost_total"); err != nil {
			t.Error(err)
		}
	})
}

func TestObserver_WithoutTheKernelItHoldsForTheLoadBalancersDelay(t *testing.T) {
	watch(t, ms, func(t *testing.T, r *rig) {
		r.kernel.change(func() { r.kernel.err = errors.New("refused") })
		time.Sleep(3 * second)
		r.Drain()
		for _, at := range []time.Duration{0, lbDelay - second} {
			time.Sleep(at)
			if f := r.Forecast(rule); f.SilentIn != lbDelay-at {
				t.Errorf("silent in %v at %v, want the rest of %v", f.SilentIn, at, lbDelay)
			}
		}
		time.Sleep(second)
		if f := r.Forecast(rule); f.SilentIn != 0 || f.InFlight != 0 {
			t.Errorf("forecast %+v after %v, want none", f, lbDelay)
		}
		if n := r.logs.FilterMessageSnippet("cannot be watched").Len(); n != 1 {
			t.Errorf("%d warnings, want 1", n)
		}
		r.kernel.change(func() { r.kernel.err = nil })
		time.Sleep(3 * second)
		if f := r.Forecast(rule); f.SilentIn == 0 {
			t.Error("time that was not watched counts as silence")
		}
	})
}

func TestObserver_ConnectionsThatAreNotMeasuredHoldForTheLoadBalancersDelay(t *testing.T) {
	watch(t, ms, func(t *testing.T, r *rig) {
		c := conn(client, 0, 0, 0, 0)
		c.Measured = false
		r.kernel.change(func() { r.kernel.connections = func() []*sockdiag.Connection { return []*sockdiag.Connection{c} } })
		time.Sleep(3 * second)
		r.Drain()
		time.Sleep(30 * second)
		if f := r.Forecast(rule); f.SilentIn != lbDelay-30*second {
			t.Errorf("silent in %v, want the rest of %v", f.SilentIn, lbDelay)
		}
	})
}

func TestObserver_GoesOnWithDumpsWhenEndsAreNotReported(t *testing.T) {
	failure := errors.New("an I/O error")
	for name, fail := range map[string]func(*rig){
		"waiting fails": func(r *rig) { synctest.Wait(); r.ends.Close() },
		"reading fails": func(r *rig) { r.ends.report(failure) },
		"reading fails for a forecast": func(r *rig) {
			synctest.Wait()
			r.ends.fail(failure)
			r.Forecast(rule)
		},
	} {
		t.Run(name, func(t *testing.T) {
			watch(t, ms, func(t *testing.T, r *rig) {
				fail(r)
				if n := r.dumpsIn(100 * second); n < 45 {
					t.Errorf("%d dumps in 100s after the reader of ends has failed, want 50", n)
				}
				if r.logs.FilterMessageSnippet("can no longer be read").Len() != 1 {
					t.Error("no warning was logged")
				}
			})
		})
	}
}

// A steady stream of ends needs no system calls to wait for the next one.
func TestObserver_DoesNotWaitForEndsThatKeepComing(t *testing.T) {
	watch(t, ms, func(t *testing.T, r *rig) {
		for range 100 {
			r.ends.report(nil, conn(client, 0, 0, 0, 0))
			time.Sleep(longestBatch / 2)
		}
		if n := r.ends.waits.Load(); n > 3 {
			t.Errorf("%d waits for 100 ends, want at most 3", n)
		}
	})
}

// watchUnreported runs a test with an observer to which no ends are reported, and that has accepted
// own connections itself.
func watchUnreported(t *testing.T, own *atomic.Uint64, test func(t *testing.T, r *rig)) {
	t.Helper()
	watch(t, ms, func(t *testing.T, r *rig) {
		r.mu.Lock()
		r.reported, r.config.Accepted = false, own.Load
		r.mu.Unlock()
		r.kernel.change(func() { r.kernel.opened = 100 })
		time.Sleep(3 * second)
		test(t, r)
	})
}

func TestObserver_ConnectionsThatNoDumpHasAreTraffic(t *testing.T) {
	for name, test := range map[string]struct {
		opened, own uint64
		open        int // in the dump
		probed      bool
		traffic     bool
	}{
		"nothing":                           {},
		"one that came and went":            {opened: 1, traffic: true},
		"lameduck's own":                    {opened: 3, own: 3},
		"one beside lameduck's own":         {opened: 4, own: 3, traffic: true},
		"one that the dump has too":         {opened: 1, open: 1},
		"one of two":                        {opened: 2, open: 1, traffic: true},
		"a probe":                           {opened: 1, probed: true},
		"more than the probes explain":      {opened: 2, probed: true, traffic: true},
		"one that lameduck has just missed": {opened: 3, own: 2, traffic: true},
	} {
		t.Run(name, func(t *testing.T) {
			var own atomic.Uint64
			watchUnreported(t, &own, func(t *testing.T, r *rig) {
				if test.probed {
					r.NoteKubelet(node)
				}
				r.Drain()
				time.Sleep(10 * second)
				r.kernel.change(func() {
					own.Store(test.own)
					r.kernel.opened += test.opened
					var all []*sockdiag.Connection
					for range test.open {
						all = append(all, conn("192.0.2.1:40001", 0, 0, 0, 0))
					}
					r.kernel.connections = func() []*sockdiag.Connection { return all }
				})
				time.Sleep(300 * ms)
				r.Forecast(rule)
				if got := r.Stats().Connections > 0; got != test.traffic {
					t.Errorf("%+v, want traffic: %v", r.Stats(), test.traffic)
				}
				if f := r.Forecast(rule); test.traffic && f.SilentIn < 4*second {
					t.Errorf("silent in %v, want 5s", f.SilentIn)
				}
			})
		})
	}
}

// Without reports and without a counter, a connection between two dumps is not noticed.
func TestObserver_WithoutACounterItHoldsForTheLoadBalancersDelay(t *testing.T) {
	for name, change := range map[string]func(r *rig){
		"that can be read": func(r *rig) { r.kernel.openedErr = sockdiag.ErrUnavailable },
		"that counts": func(r *rig) {
			r.kernel.opened = 0
			r.kernel.connections = func() []*sockdiag.Connection {
				return []*sockdiag.Connection{conn(client, 100, time.Hour, 1, time.Minute)}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			watchUnreported(t, new(atomic.Uint64), func(t *testing.T, r *rig) {
				r.kernel.change(func() { change(r) })
				time.Sleep(3 * second)
				r.Drain()
				time.Sleep(30 * second)
				if f := r.Forecast(rule); f.SilentIn != lbDelay-30*second {
					t.Errorf("silent in %v, want the rest of %v", f.SilentIn, lbDelay)
				}
			})
		})
	}
	watch(t, ms, func(t *testing.T, r *rig) { // and unknown connections of a relay
		r.mu.Lock()
		r.reported = false
		r.mu.Unlock()
		r.Drain()
		time.Sleep(30 * second)
		if f := r.Forecast(rule); f.SilentIn != lbDelay-30*second {
			t.Errorf("silent in %v beside a relay, want the rest of %v", f.SilentIn, lbDelay)
		}
	})
}

// Ten clients connect all the time, and each dump sees only one of them. The chance by which each
// was seen must not look like a long pause.
func TestObserver_SilenceWithoutReportsIsThatOfAllClientsTogether(t *testing.T) {
	watchUnreported(t, new(atomic.Uint64), func(t *testing.T, r *rig) {
		for i := range 100 {
			r.kernel.change(func() {
				r.kernel.opened += 4
				c := conn(fmt.Sprintf("192.0.2.%d:%d", 1+i%10, 40000+i), 0, 0, 0, 0)
				c.Measured = false
				r.kernel.connections = func() []*sockdiag.Connection { return []*sockdiag.Connection{c} }
			})
			if time.Sleep(second); i == 90 {
				r.Drain()
			}
		}
		r.kernel.change(func() { r.kernel.connections = nil })
		time.Sleep(7 * second)
		if f := r.Forecast(silence.Rule{Quiet: 5 * second, Risk: 0.05}); f.SilentIn > 0 {
			t.Errorf("silent in %v after seven seconds without a client, want silence", f.SilentIn)
		}
	})
}

func TestIsOlder(t *testing.T) {
	for release, want := range map[string]bool{
		"3.10.0-1160.el7.x86_64": true, "4.4.0": true, "4.5.7-generic": true, "4.6": false, "4.14.200": false,
		"5.4.0-1-cloud": false, "10.0": false, "unknown": false, "": false,
	} {
		if got := isOlder(release); got != want {
			t.Errorf("%q is older than %s: %v, want %v", release, minimumKernel, got, want)
		}
	}
}

func TestObserver_ABypassIsCountedAndLoggedOnce(t *testing.T) {
	watch(t, ms, func(t *testing.T, r *rig) {
		r.NoteKubelet(node)
		for range 3 {
			r.ends.report(nil, conn(client, 100, 0, 1, 0))
			time.Sleep(second)
		}
		if n := r.logs.FilterMessageSnippet("bypass lameduck").Len(); n != 1 {
			t.Errorf("%d warnings, want 1", n)
		}
		if err := testutil.CollectAndCompare(r.Metrics(), strings.NewReader(`
# HELP lameduck_bypassed_connections_total Connections of clients that bypassed the relay.
# TYPE lameduck_bypassed_connections_total counter
lameduck_bypassed_connections_total{port="8080"} 3
`), "lameduck_bypassed_connections_total", "lameduck_observed_connections_total"); err != nil {
			t.Error(err)
		}
		if n := r.Bypassed(); n != 3 {
			t.Errorf("%d connections bypassed the relay, want 3", n)
		}
		r.Drain()
		if f := r.Forecast(rule); f.SilentIn == 0 {
			t.Error("the hold does not wait for traffic that bypasses the relay")
		}
	}, Port{Number: 8080, Relay: 18080})
}

func TestObserver_AnUndecidedConnectionIsWaitedFor(t *testing.T) {
	watch(t, ms, func(t *testing.T, r *rig) {
		r.Drain()
		time.Sleep(10 * second)
		r.kernel.change(func() {
			begun := time.Now()
			r.kernel.connections = func() []*sockdiag.Connection {
				return []*sockdiag.Connection{conn(client, 0, time.Since(begun), 0, time.Since(begun))}
			}
		})
		time.Sleep(second)
		if f := r.Forecast(rule); f.SilentIn == 0 {
			t.Error("the hold ends although a connection was just opened")
		}
		time.Sleep(2 * second)
		if f := r.Forecast(rule); f.SilentIn < second {
			t.Errorf("silent in %v with a connection that lasts, want five seconds after its opening", f.SilentIn)
		}
	})
}

func TestObserver_StatsAreThoseOfTheDrain(t *testing.T) {
	watch(t, ms, func(t *testing.T, r *rig) {
		r.ends.report(nil, conn(client, 100, 0, 1, 0), conn(client, 0, 0, 0, 0))
		time.Sleep(3 * second)
		r.Drain()
		if s := r.Stats(); s != (Stats{}) {
			t.Errorf("%+v at the drain's start, want nothing", s)
		}
		time.Sleep(2 * second)
		r.ends.report(nil, conn(client, 100, 0, 1, 0), conn(client, 0, 0, 0, 0))
		time.Sleep(2 * second)
		if s := r.Stats(); s.Connections != 1 || s.Empty != 1 || s.LastEvent.Round(second) != 2*second {
			t.Errorf("%+v, want one connection and one without data, the last event at 2s", s)
		}
	})
}

func TestMetrics_AreWellFormed(t *testing.T) {
	o := newObserver(Config{Ports: []Port{{Number: 8080}, {Number: 9090, Relay: 1}}, Log: zap.NewNop()}, new(fakeKernel))
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(o.Metrics())
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("problems %v, %v", problems, err)
	}
}
