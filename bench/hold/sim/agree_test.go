package sim

import (
	"context"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"lameduck/lifecycle"
	"lameduck/lifecycle/silence"
)

// A relay is a data plane on which a rollout is played.
type relay struct {
	lifecycle.Relay // nil: its other methods are not called
	pod             *pod
	start           time.Time
}

func (r *relay) Drain()                                             {}
func (r *relay) Undelivered() int                                   { return 0 }
func (r *relay) Answering() int                                     { return 0 }
func (r *relay) CloseIdle()                                         {}
func (r *relay) AppEnded() bool                                     { return false }
func (r *relay) Cut() (connections, exchanges int)                  { return 0, 0 }
func (r *relay) Close(context.Context) (connections, exchanges int) { return 0, 0 }
func (r *relay) DrainStats() lifecycle.DrainStats                   { return lifecycle.DrainStats{} }
func (r *relay) Forecast(rule silence.Rule) silence.Forecast {
	now := time.Since(r.start)
	r.pod.checkUntil(now)
	return r.pod.tracker.Forecast(rule, r.pod.now(now))
}

// play plays a rollout with a whole Lifecycle, and returns when the hold ended.
func (r *relay) play(t *testing.T, requests []request) (end time.Duration) {
	app := lifecycle.NewExternalApp(func(context.Context) (present bool, pause time.Duration) {
		return true, time.Second
	})
	l := lifecycle.New(lifecycle.Config{Hold: hold}, r, app)
	events, stopped := make(chan lifecycle.Event, 2), make(chan struct{})
	go func() {
		defer close(stopped)
		l.Run(t.Context(), events)
	}()
	synctest.Wait()
	r.start = time.Now()
	go func() {
		for _, q := range requests {
			time.Sleep(time.Until(r.start.Add(q.at)))
			r.pod.exchange(q.source, q.at, false)
		}
	}()
	l.RequestDrain(false)
	<-l.Drained()
	end = time.Since(r.start)
	events <- lifecycle.Interrupt
	events <- lifecycle.Interrupt
	<-stopped
	time.Sleep(maxHold) // the requests end
	return end
}

func TestTheSimulationEndsHoldsAsALifecycleDoes(t *testing.T) {
	seeds := uint64(1)
	if os.Getenv("TEST_LONG") != "" && !raceEnabled {
		seeds = 3
	}
	for i, shape := range Shapes() {
		if shape.Stall > 0 {
			continue // a bubble cannot be stalled
		}
		if raceEnabled && i%4 != 0 {
			continue // each takes tens of seconds then
		}
		for seed := range seeds {
			r := newRollout(&shape, seed, time.Minute)
			p := newPod(r)
			requests := r.requests()
			want := p.drain(requests)
			synctest.Test(t, func(t *testing.T) {
				r := newRollout(&shape, seed, time.Minute)
				played := &relay{pod: newPod(r)}
				got := played.play(t, r.requests())
				if (got - want).Abs() > time.Millisecond {
					t.Errorf("%s, seed %d: the hold of the simulation ended after %v, that of a lifecycle "+
						"after %v", shape.Name, seed, want, got)
				}
			})
		}
	}
}
