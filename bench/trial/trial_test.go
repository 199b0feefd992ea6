package trial

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"lameduck/bench/load"
)

func small(s Strategy) Config {
	return Config{
		Strategy: s,
		Programs: Programs{App: appPath},
		Replicas: 2,
		Lags:     []time.Duration{300 * time.Millisecond},
		Rate:     200,
		Requests: mix(),
		Calm:     100 * time.Millisecond,
		MinReady: 100 * time.Millisecond,
	}
}

func run(t *testing.T, c Config) *Result {
	r, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d requests, lost %v", r.Strategy, r.Load.Requests(), r.Load.ByCause())
	return r
}

func TestBarePods(t *testing.T) {
	c := small(Bare())
	r := run(t, c)
	t.Run("lose requests", func(t *testing.T) {
		if r.Load.ByCause()[load.BadGateway] == 0 {
			t.Error("no request was answered 502 although pods exit 300 ms before their removal")
		}
		for _, s := range r.Load.Failures() {
			if _, after := r.SinceT0(s); !after {
				t.Errorf("a request was lost before any t0: %v", s.Err)
			}
		}
	})
	t.Run("are removed after the lag", func(t *testing.T) {
		if len(r.Removals) != c.Replicas {
			t.Errorf("%d removals, want %d", len(r.Removals), c.Replicas)
		}
		for _, m := range r.Removals {
			// The upper bound leaves room for a busy machine.
			if got := m.Done.Sub(m.Requested); got < c.Lags[0] || got > c.Lags[0]+10*time.Second {
				t.Errorf("the load balancer removed %s after %v, want %v", m.Addr, got, c.Lags[0])
			}
		}
	})
}

// TestSleepLongerThanTheLagLosesNone shows that the trial itself loses no request. The sleep is
// much longer than the lag, in case the machine is busy.
func TestSleepLongerThanTheLagLosesNone(t *testing.T) {
	const sleep = 3 * time.Second
	r := run(t, small(PreStopSleep(sleep)))
	if r.Lost() != 0 {
		t.Errorf("lost %v", r.Load.ByCause())
	}
	if got := r.MedianTermination(); got < sleep {
		t.Errorf("pods ended after %v, want no sooner than their sleep of %v", got, sleep)
	}
}

func TestRunThatIsGivenUpEndsAtOnce(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer cancel()
	c := small(PreStopSleep(20 * time.Second))
	c.Lags = []time.Duration{time.Hour}
	began := time.Now()
	if _, err := Run(ctx, c); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %v to give up", took)
	}
}

func TestTrialIsGivenUpIfTheMachineIsTooSlow(t *testing.T) {
	c := small(Bare())
	c.Lags = []time.Duration{time.Hour}
	c.Requests = []load.Request{{Target: "/?wait=1h"}}
	c.Timeout, c.MostInFlight = time.Hour, 20
	began := time.Now()
	if _, err := Run(t.Context(), c); !errors.Is(err, load.ErrTooSlow) {
		t.Errorf("got %v, want %v", err, load.ErrTooSlow)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %v to give up", took)
	}
}

func TestPodThatDoesNotStartIsNamed(t *testing.T) {
	c := small(Bare())
	c.Programs.App = os.DevNull
	_, err := Run(t.Context(), c)
	const want = "strategy bare: start pod pod0: start container app: fork/exec /dev/null: permission denied"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestInvalidConfigIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"strategy": func(c *Config) { c.Strategy = Strategy{} },
		"rate":     func(c *Config) { c.Rate = 0 },
		"requests": func(c *Config) { c.Requests = nil },
	} {
		t.Run(name, func(t *testing.T) {
			c := small(Bare())
			spoil(&c)
			if _, err := Run(t.Context(), c); err == nil {
				t.Errorf("a trial without %s was run", name)
			}
		})
	}
}
