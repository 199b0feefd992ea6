package lifecycle

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"lameduck/lifecycle/silence"
)

// A fakeRelay is a data plane that the test plays.
type fakeRelay struct {
	mu          sync.Mutex
	calls       []string
	fallback    bool
	inFlight    int
	required    time.Duration // zero: Quiet
	undelivered int           // as many calls and one more find something
	silentAt    time.Time
}

func (r *fakeRelay) called(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, name)
}

// did tells whether a method has been called.
func (r *fakeRelay) did(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Contains(r.calls, name)
}

func (r *fakeRelay) Undelivered() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.undelivered--
	return max(r.undelivered, 0)
}

func (r *fakeRelay) Drain()     { r.called("drain") }
func (r *fakeRelay) CloseIdle() { r.called("close idle") }
func (r *fakeRelay) AppEnded() bool {
	r.called("app ended")
	return r.fallback
}

func (r *fakeRelay) Cut() (connections, exchanges int) {
	r.called("cut")
	n := r.busy(0)
	return n, n
}

func (r *fakeRelay) Close(context.Context) (connections, exchanges int) {
	r.called("close")
	return 0, 0
}

func (r *fakeRelay) Outlook(rule silence.Rule) silence.Outlook {
	r.mu.Lock()
	defer r.mu.Unlock()
	return silence.Outlook{InFlight: r.inFlight, SilentIn: time.Until(r.silentAt), Required: max(rule.Quiet, r.required)}
}

func (r *fakeRelay) DrainStats() DrainStats {
	return DrainStats{
		Exchanges: 7, LastExchange: 1500 * time.Millisecond, Unanswered: 3,
		Ended: map[string]map[string]uint64{"http1": {"drain": 3, "client": 1}, "tcp": {"cut": 2}},
	}
}

// busy sets the exchanges in flight and returns how many there were.
func (r *fakeRelay) busy(n int) (before int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before, r.inFlight = r.inFlight, n
	return before
}

// A fakeApp is an app that the test plays.
type fakeApp struct {
	exited chan struct{}
	policy Policy

	mu    sync.Mutex
	stops int
}

func (a *fakeApp) Watch(ctx context.Context) { <-ctx.Done() }
func (a *fakeApp) Exited() <-chan struct{}   { return a.exited }
func (a *fakeApp) Policy() Policy            { return a.policy }

func (a *fakeApp) Release() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stops++
}

func (a *fakeApp) stopped() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.stops
}

// A stage is a lifecycle in a bubble of fake time, with what it plays with.
type stage struct {
	*Lifecycle
	t      *testing.T
	relay  *fakeRelay
	app    *fakeApp
	events chan Event
	ended  chan struct{}
	start  time.Time
	logs   *observer.ObservedLogs
}

// hold is what the stages use: Min 5 s, Quiet 5 s, Max 60 s, and a grace period of 70 s.
var testConfig = Config{
	Hold:       Hold{Min: 5 * time.Second, Quiet: 5 * time.Second, Max: 60 * time.Second, Factor: 1.5},
	Grace:      70 * time.Second,
	HookWindow: 5 * time.Second,
}

// The policies of the two kinds of app.
var external, child = Policy{}, Policy{KeepsInterrupts: true, AwaitExit: true}

func onStage(t *testing.T, config Config, policy Policy, play func(*stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.InfoLevel)
		config.Log = zap.New(core)
		s := &stage{
			t: t, relay: &fakeRelay{}, app: &fakeApp{exited: make(chan struct{}), policy: policy},
			events: make(chan Event, 8), ended: make(chan struct{}), start: time.Now(), logs: logs,
		}
		s.Lifecycle = New(config, s.relay, s.app)
		go func() {
			defer close(s.ended)
			s.Run(t.Context(), s.events)
		}()
		synctest.Wait()
		play(s)
		s.events <- Interrupt
		s.events <- Interrupt
		if policy.AwaitExit {
			select {
			case <-s.app.exited:
			default:
				close(s.app.exited)
			}
		}
		<-s.ended
	})
}

// wantsPhase expects the phase, and that it has not changed for the given time.
func (s *stage) wantsPhase(p Phase) {
	s.t.Helper()
	synctest.Wait()
	if got := s.Phase(); got != p {
		s.t.Fatalf("the phase is %v after %v, want %v", got, time.Since(s.start), p)
	}
}

func (s *stage) wantsEnd() {
	s.t.Helper()
	synctest.Wait()
	select {
	case <-s.ended:
	default:
		s.t.Fatalf("Run has not ended after %v: the phase is %v", time.Since(s.start), s.Phase())
	}
}

// hook calls /hold and returns what ends with its answer.
func (s *stage) hook() (answered <-chan string) {
	c := make(chan string, 1)
	go func() {
		w := httptest.NewRecorder()
		s.Admin(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequestWithContext(s.t.Context(), "GET", "/hold", nil))
		c <- w.Body.String()
	}()
	synctest.Wait()
	return c
}

func waits(c <-chan string) bool {
	synctest.Wait()
	select {
	case <-c:
		return false
	default:
		return true
	}
}

func TestTheDoorsIntoDraining(t *testing.T) {
	for name, open := range map[string]func(*stage){
		"the stop signal": func(s *stage) { s.events <- StopSignal },
		"an interrupt":    func(s *stage) { s.events <- Interrupt },
		"a drain request": func(s *stage) { s.RequestDrain(false) },
		"POST /drain": func(s *stage) {
			s.Control().ServeHTTP(httptest.NewRecorder(), controlRequest("POST", "/drain"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			onStage(t, testConfig, external, func(s *stage) {
				time.Sleep(time.Hour)
				s.wantsPhase(Serving)
				open(s)
				s.wantsPhase(Draining)
				if !s.relay.did("drain") {
					t.Error("the relay does not drain")
				}
			})
		})
	}
}

func TestTheAdminAddressHasNoDoor(t *testing.T) {
	onStage(t, testConfig, external, func(s *stage) {
		for _, method := range []string{"GET", "POST", "PUT"} {
			for _, path := range []string{"/drain", "/hold", "/livez", "/readyz", "/status"} {
				w := httptest.NewRecorder()
				s.Admin(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequestWithContext(s.t.Context(), method, path, nil))
			}
		}
		s.wantsPhase(Serving)
	})
}

func TestHold(t *testing.T) {
	t.Run("alone is let go after the hook window, and the phase is Serving", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			hook := s.hook()
			time.Sleep(5*time.Second - 1)
			if !waits(hook) {
				t.Error("the hook is let go before the window is over")
			}
			time.Sleep(1)
			if waits(hook) {
				t.Error("the hook waits after the window is over")
			}
			time.Sleep(time.Hour)
			s.wantsPhase(Serving)
		})
	})
	t.Run("that comes before the drain waits for its end", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			hook := s.hook()
			time.Sleep(time.Second)
			s.RequestDrain(false)
			time.Sleep(5*time.Second - 1)
			if !waits(hook) {
				t.Error("the app is let go before the end of the hold")
			}
			time.Sleep(1)
			if waits(hook) {
				t.Error("the app is held after the end of the hold")
			}
		})
	})
	t.Run("that comes twice in a drain waits twice", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.RequestDrain(false)
			first, second := s.hook(), s.hook()
			if !waits(first) || !waits(second) {
				t.Error("a hook does not wait")
			}
			time.Sleep(5 * time.Second)
			if waits(first) || waits(second) {
				t.Error("a hook waits on")
			}
			if waits(s.hook()) {
				t.Error("a hook waits after the end of the hold")
			}
		})
	})
	t.Run("has no time limit of its own", func(t *testing.T) {
		config := testConfig
		config.Hold.Max, config.Grace = 24*time.Hour, 25*time.Hour
		onStage(t, config, external, func(s *stage) {
			s.relay.busy(1)
			s.RequestDrain(false)
			hook := s.hook()
			time.Sleep(23 * time.Hour)
			if !waits(hook) {
				t.Error("the app is let go in the middle of the hold")
			}
		})
	})
	t.Run("never answers because it is busy", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			var hooks []<-chan string
			for range defaultMaxWaiters {
				hooks = append(hooks, s.hook())
			}
			s.RequestDrain(false)
			s.wantsPhase(Draining)
			hooks = append(hooks, s.hook())
			time.Sleep(5*time.Second - 1)
			for i, hook := range hooks {
				if !waits(hook) {
					t.Fatalf("caller %d of %d does not wait", i, len(hooks))
				}
			}
		})
	})
}

func TestTheEndOfTheHold(t *testing.T) {
	t.Run("comes at Min when nobody calls", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.RequestDrain(false)
			time.Sleep(5*time.Second - 1)
			s.wantsPhase(Draining)
			if s.relay.did("close idle") {
				t.Error("idle connections are closed before the end of the hold")
			}
			time.Sleep(1)
			s.wantsPhase(Drained)
			if !s.relay.did("close idle") {
				t.Error("idle connections are not closed at the end of the hold")
			}
		})
	})
	t.Run("is put off by what comes meanwhile", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.relay.silentAt = time.Now().Add(20 * time.Second)
			s.RequestDrain(false)
			time.Sleep(19 * time.Second)
			s.relay.busy(1)
			time.Sleep(20 * time.Second)
			s.wantsPhase(Draining)
			s.relay.mu.Lock()
			s.relay.inFlight, s.relay.silentAt = 0, time.Now().Add(5*time.Second)
			s.relay.mu.Unlock()
			time.Sleep(5*time.Second + 1)
			s.wantsPhase(Drained)
		})
	})
	t.Run("comes at Max, and what is left is cut and told", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.relay.busy(3)
			s.RequestDrain(false)
			time.Sleep(60*time.Second - 1)
			s.wantsPhase(Draining)
			time.Sleep(1)
			s.wantsPhase(Drained)
			if summary := s.Summary(); summary.End != EndedMax || summary.CutExchanges != 3 || summary.CutConnections != 3 {
				t.Errorf("the summary is %+v, want 3 exchanges cut at Max", summary)
			}
		})
	})
	t.Run("is not brought forward by further stop signals", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.relay.busy(1)
			for range 5 {
				s.events <- StopSignal
				time.Sleep(time.Second)
			}
			time.Sleep(30 * time.Second)
			s.wantsPhase(Draining)
		})
	})
	t.Run("comes at once with the second interrupt", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.relay.busy(2)
			s.events <- Interrupt
			time.Sleep(time.Second)
			s.wantsPhase(Draining)
			s.events <- Interrupt
			s.wantsEnd()
			if summary := s.Summary(); summary.End != EndedInterrupted || summary.CutExchanges != 2 {
				t.Errorf("the summary is %+v, want the order and 2 exchanges cut", summary)
			}
		})
	})
	t.Run("does not come with the first interrupt if something else began the drain", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.relay.busy(1)
			s.RequestDrain(false)
			time.Sleep(time.Second)
			s.events <- Interrupt
			s.wantsPhase(Draining)
			s.events <- Interrupt
			s.wantsEnd()
		})
	})
	t.Run("comes at once when the app has gone, and new connections are refused", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.relay.busy(1)
			s.events <- StopSignal
			time.Sleep(time.Second)
			close(s.app.exited)
			s.wantsEnd()
			if summary := s.Summary(); summary.End != EndedAppGone {
				t.Errorf("the summary is %+v, want the app gone", summary)
			}
			if !s.relay.did("app ended") {
				t.Error("connections are still accepted")
			}
		})
	})
	t.Run("tells the silence that was waited for, though the gap behind it is forgotten then", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.relay.silentAt, s.relay.required = time.Now().Add(30*time.Second), 30*time.Second
			s.events <- StopSignal
			time.Sleep(10 * time.Second)
			s.relay.mu.Lock()
			s.relay.required = 10 * time.Second
			s.relay.mu.Unlock()
			time.Sleep(21 * time.Second)
			s.wantsEnd()
			if summary := s.Summary(); summary.Required != 30*time.Second {
				t.Errorf("the summary is %+v, want a required silence of 30s", summary)
			}
		})
	})
	t.Run("does not come while something is on its way to a client", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.relay.undelivered = 5 // seen at once, after Min, and twice more, Quiet apart
			s.events <- StopSignal
			time.Sleep(19 * time.Second)
			s.wantsPhase(Draining)
			time.Sleep(2 * time.Second)
			s.wantsEnd()
			if summary := s.Summary(); summary.End != EndedQuiet {
				t.Errorf("the summary is %+v, want quiet", summary)
			}
		})
	})
	t.Run("comes soon after the stop signal of a native sidecar, whose grace period is over then", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.hook()
			s.relay.busy(2)
			s.RequestDrain(true)
			time.Sleep(10 * time.Second)
			s.wantsPhase(Draining)
			s.events <- StopSignal
			time.Sleep(lastMoment)
			s.wantsEnd() // without waiting for the app
			if summary := s.Summary(); summary.End != EndedMax || summary.CutExchanges != 2 {
				t.Errorf("the summary is %+v, want Max and 2 exchanges cut", summary)
			}
		})
	})
	t.Run("comes as ever when a native sidecar's stop signal says that the app has gone and a fallback serves", func(t *testing.T) {
		for name, signalFirst := range map[string]bool{"signal first": true, "app first": false} {
			t.Run(name, func(t *testing.T) {
				onStage(t, testConfig, external, func(s *stage) {
					s.relay.fallback = true
					s.relay.busy(1)
					s.RequestDrain(true)
					time.Sleep(time.Second)
					if signalFirst {
						s.events <- StopSignal
						time.Sleep(100 * time.Millisecond)
						close(s.app.exited)
					} else {
						close(s.app.exited)
						time.Sleep(100 * time.Millisecond)
						s.events <- StopSignal
					}
					time.Sleep(30 * time.Second)
					s.wantsPhase(Draining)
					s.relay.busy(0)
					time.Sleep(10 * time.Second)
					s.wantsEnd()
				})
			})
		}
	})
	t.Run("comes with quiet when the app has gone and a fallback serves", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.relay.fallback = true
			s.relay.busy(1)
			s.events <- StopSignal
			time.Sleep(time.Second)
			if !s.Ready() {
				t.Error("not ready although the app is there")
			}
			close(s.app.exited)
			time.Sleep(time.Second)
			s.wantsPhase(Draining)
			if s.Ready() {
				t.Error("ready without an app: a cluster that has no other pod would send to this one")
			}
			s.relay.busy(0)
			time.Sleep(10 * time.Second)
			s.wantsEnd()
			if summary := s.Summary(); summary.End != EndedQuiet {
				t.Errorf("the summary is %+v, want quiet", summary)
			}
		})
	})
}

func TestAfterTheHold(t *testing.T) {
	t.Run("a plain container serves on until the app that its hook has held is gone", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.hook()
			s.events <- StopSignal
			time.Sleep(10 * time.Second)
			s.wantsPhase(Drained)
			close(s.app.exited)
			s.wantsEnd()
		})
	})
	t.Run("a native sidecar serves on until it is told", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.RequestDrain(false)
			time.Sleep(30 * time.Second)
			s.wantsPhase(Drained)
			s.events <- StopSignal
			s.wantsEnd()
		})
	})
	t.Run("there is nothing to wait for when we are told and hold nobody", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.events <- StopSignal
			time.Sleep(5 * time.Second)
			s.wantsEnd()
		})
	})
	t.Run("the story is told before the grace period ends", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.hook()
			s.events <- StopSignal
			time.Sleep(69*time.Second - 1)
			s.wantsPhase(Drained)
			time.Sleep(1)
			s.wantsEnd()
		})
	})
	t.Run("a child gets its stop signal, again with every further one, and its end is ours", func(t *testing.T) {
		onStage(t, testConfig, child, func(s *stage) {
			s.events <- StopSignal
			time.Sleep(5*time.Second - 1)
			if n := s.app.stopped(); n != 0 {
				t.Error("the child is stopped before the end of the hold")
			}
			time.Sleep(1)
			s.wantsPhase(Drained)
			s.events <- StopSignal
			time.Sleep(time.Hour)
			s.wantsPhase(Drained)
			if n := s.app.stopped(); n != 2 {
				t.Errorf("the child is stopped %d times, want at the hold's end and with the signal after it", n)
			}
			close(s.app.exited)
			s.wantsEnd()
		})
	})
}

func TestAChild(t *testing.T) {
	t.Run("that ends by itself ends us", func(t *testing.T) {
		onStage(t, testConfig, child, func(s *stage) {
			close(s.app.exited)
			s.wantsEnd()
			if n := s.logs.FilterMessage("stopped").Len(); n != 0 {
				t.Error("the story of a drain is told although there was none")
			}
		})
	})
	t.Run("has interrupts for itself while Serving", func(t *testing.T) {
		onStage(t, testConfig, child, func(s *stage) {
			for range 3 {
				s.events <- Interrupt
				time.Sleep(time.Second)
			}
			s.wantsPhase(Serving)
		})
	})
}

func TestReadiness(t *testing.T) {
	ready := func(s *stage) int {
		synctest.Wait()
		w := httptest.NewRecorder()
		s.Admin(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
		return w.Code
	}
	for name, test := range map[string]struct {
		after time.Duration
		fails time.Duration // after the drain's start
	}{
		"fails at Drained by default":         {0, 5 * time.Second},
		"fails when it is configured to":      {2 * time.Second, 2 * time.Second},
		"fails at Drained whatever it is set": {time.Hour, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			config := testConfig
			config.UnreadyAfter = test.after
			onStage(t, config, external, func(s *stage) {
				time.Sleep(time.Hour)
				if ready(s) != 200 {
					t.Error("not ready while Serving")
				}
				s.RequestDrain(false)
				time.Sleep(test.fails - 1)
				if ready(s) != 200 {
					t.Error("not ready too soon")
				}
				time.Sleep(1)
				if ready(s) != 503 {
					t.Error("ready for too long")
				}
			})
		})
	}
}

func TestTheStoryIsToldOnce(t *testing.T) {
	config := testConfig
	config.TerminationLog = filepath.Join(t.TempDir(), "termination-log")
	onStage(t, config, external, func(s *stage) {
		s.events <- StopSignal
		time.Sleep(5 * time.Second)
		s.wantsEnd()
		told := s.logs.FilterMessage("stopped").All()
		if len(told) != 1 {
			t.Fatalf("the story is told %d times", len(told))
		}
		fields := told[0].ContextMap()
		for field, want := range map[string]any{
			"reason": "quiet", "trigger": "stop signal", "hold": 5 * time.Second, "exchanges": uint64(7),
			"last_exchange_after": 1500 * time.Millisecond, "required_silence": 5 * time.Second, "cut_exchanges": int64(0),
			"unanswered_exchanges": uint64(3),
		} {
			if fields[field] != want {
				t.Errorf("%s is %v, want %v", field, fields[field], want)
			}
		}
	})
	b, err := os.ReadFile(config.TerminationLog)
	want := "drained in 5s (quiet; triggered by stop signal): 7 exchanges after its start, the last one 1.5s after it; silence required: 5s; cut: 0 exchanges on 0 connections; not answered by the app: 3; http1 connections ended: 1 by client, 3 by drain; tcp connections ended: 2 by cut\n"
	if err != nil || string(b) != want {
		t.Errorf("the termination log is\n%q, error %v; want\n%q", b, err, want)
	}
}

func TestStatus(t *testing.T) {
	onStage(t, testConfig, external, func(s *stage) {
		status := func() (got status) {
			w := httptest.NewRecorder()
			s.Control().ServeHTTP(w, controlRequest("GET", "/status"))
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			return got
		}
		if got := status(); got.Phase != "serving" || got.Drain != nil || got.Hold.Max != 60 {
			t.Errorf("the status is %+v, want serving, with the hold and no drain", got)
		}
		s.relay.busy(2)
		s.RequestDrain(false)
		time.Sleep(3 * time.Second)
		if got := status(); got.Phase != "draining" || got.InFlight != 2 || got.Drain == nil || got.Drain.Seconds != 3 || got.Drain.Exchanges != 7 || got.Drain.Unanswered != 3 {
			t.Errorf("the status is %+v, want 3 s of draining with 2 in flight, 7 seen and 3 not answered", got)
		}
	})
}

func TestDrainAndWait(t *testing.T) {
	onStage(t, testConfig, external, func(s *stage) {
		answered := make(chan string, 1)
		go func() {
			w := httptest.NewRecorder()
			s.Control().ServeHTTP(w, controlRequest("POST", "/drain?wait").WithContext(s.t.Context()))
			answered <- w.Body.String()
		}()
		time.Sleep(5*time.Second - 1)
		if !waits(answered) {
			t.Error("answered before the end of the hold")
		}
		time.Sleep(1)
		synctest.Wait()
		if got := <-answered; !strings.Contains(got, `"phase":"drained"`) {
			t.Errorf("answered %q, want the phase drained", got)
		}
	})
}

func TestMetrics(t *testing.T) {
	onStage(t, testConfig, external, func(s *stage) {
		problems, err := testutil.CollectAndLint(s.Metrics())
		if err != nil || len(problems) > 0 {
			t.Errorf("the metrics have faults: %v, error %v", problems, err)
		}
		s.RequestDrain(false)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		registry := prometheus.NewRegistry()
		registry.MustRegister(s.Metrics())
		want := `
# HELP lameduck_drain_ended Whether the hold has ended for the reason: 1 or 0.
# TYPE lameduck_drain_ended gauge
lameduck_drain_ended{reason="app_gone"} 0
lameduck_drain_ended{reason="interrupted"} 0
lameduck_drain_ended{reason="max"} 0
lameduck_drain_ended{reason="quiet"} 1
# HELP lameduck_drain_duration_seconds Duration of the hold so far, or of the whole hold once it has ended.
# TYPE lameduck_drain_duration_seconds gauge
lameduck_drain_duration_seconds 5
# HELP lameduck_drain_last_exchange_seconds Time from the drain's start to the start of the last exchange: the load balancer's real delay.
# TYPE lameduck_drain_last_exchange_seconds gauge
lameduck_drain_last_exchange_seconds 1.5
# HELP lameduck_drain_unanswered_exchanges_total Exchanges in the drain whose connection the app ended without an answer.
# TYPE lameduck_drain_unanswered_exchanges_total counter
lameduck_drain_unanswered_exchanges_total 3
# HELP lameduck_hold_max_seconds Maximum length of the hold.
# TYPE lameduck_hold_max_seconds gauge
lameduck_hold_max_seconds 60
# HELP lameduck_phase Whether the process is in the phase: 1 for the current one, 0 for the others.
# TYPE lameduck_phase gauge
lameduck_phase{phase="drained"} 1
lameduck_phase{phase="draining"} 0
lameduck_phase{phase="serving"} 0
lameduck_phase{phase="stopped"} 0
`
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "lameduck_drain_ended",
			"lameduck_drain_duration_seconds", "lameduck_drain_last_exchange_seconds", "lameduck_drain_unanswered_exchanges_total",
			"lameduck_hold_max_seconds", "lameduck_phase"); err != nil {
			t.Error(err)
		}
	})
}
