package lifecycle

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"lameduck/lifecycle/silence"
)

// A fakeRelay is a relay that the test controls.
type fakeRelay struct {
	mu          sync.Mutex
	calls       []string
	fallback    bool
	inFlight    int
	answering   int
	required    time.Duration // zero means Quiet
	undelivered int           // calls of Undelivered that return more than zero
	silentAt    time.Time
	forecast    silence.Forecast // except what the other fields determine
}

func (r *fakeRelay) called(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, name)
}

// did reports whether a method was called.
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
func (r *fakeRelay) Answering() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.answering
}

// answers sets the number of connections on which the app still answers.
func (r *fakeRelay) answers(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answering = n
}

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

func (r *fakeRelay) Forecast(rule silence.Rule) silence.Forecast {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.forecast
	f.InFlight, f.SilentIn = r.inFlight, time.Until(r.silentAt)
	f.Required = max(rule.Quiet, r.required)
	return f
}

// expects sets the rest of the forecast.
func (r *fakeRelay) expects(f silence.Forecast) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forecast = f
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

// A fakeApp is an app that the test controls.
type fakeApp struct {
	exited chan struct{}
	policy Policy

	mu    sync.Mutex
	stops int
	exits bool // LookAgain notices the exit
}

func (a *fakeApp) LookAgain() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.exits {
		close(a.exited)
		a.exits = false
	}
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

// A stage is a lifecycle in a synctest bubble, with a fake relay and a fake app.
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

// testConfig has a hold of Min 5 s, Quiet 5 s and Max 60 s, and a grace period of 70 s.
var testConfig = Config{
	Hold:       Hold{Min: 5 * time.Second, Quiet: 5 * time.Second, Max: 60 * time.Second, Risk: 0.01},
	Grace:      70 * time.Second,
	HookWindow: 5 * time.Second,
}

// The policies of the two kinds of app.
var external, child = Policy{}, Policy{KeepsInterrupts: true, AwaitExit: true}

func onStage(t *testing.T, config Config, policy Policy, test func(*stage)) {
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
		test(s)
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

// wantsPhase expects the lifecycle to be in a phase.
func (s *stage) wantsPhase(p Phase) {
	s.t.Helper()
	synctest.Wait()
	if got := s.Phase(); got != p {
		s.t.Fatalf("phase %v after %v, want %v", got, time.Since(s.start), p)
	}
}

func (s *stage) wantsEnd() {
	s.t.Helper()
	synctest.Wait()
	select {
	case <-s.ended:
	default:
		s.t.Fatalf("Run has not returned after %v: phase %v", time.Since(s.start), s.Phase())
	}
}

// hook calls /hold and returns the channel of its answer.
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
