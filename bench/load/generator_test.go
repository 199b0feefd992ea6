package load

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"lameduck/bench/internal/wait"
)

// first ends arrivals after n of them.
func first(n int, a Arrivals) Arrivals {
	return func(yield func(time.Duration) bool) {
		i := 0
		for due := range a {
			if i == n || !yield(due) {
				return
			}
			i++
		}
	}
}

func config(n int, perSecond float64) Config {
	return Config{Addrs: []string{"x"}, Requests: []Request{{}}, Arrivals: first(n, Constant(perSecond))}
}

// play runs a load that is not given up.
func play(t *testing.T, cfg Config, until waiter, exchange exchanger) *Result {
	t.Helper()
	res, err := generate(t.Context(), cfg.withDefaults(), until, exchange)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// until waits by the fake clock of synctest.
func until(ctx context.Context, at time.Time) error { return wait.For(ctx, time.Until(at)) }

func TestArrivalsAreConstant(t *testing.T) {
	var last time.Duration
	for due := range first(100_001, Constant(3000)) {
		last = due
	}
	if want := 100_000 * time.Second / 3000; last != want {
		t.Errorf("request 100,000 is due at %v, want %v", last, want)
	}
}

func TestStallDelaysNoOtherRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stall := func(_ context.Context, _ Request, seq int) error {
			if seq == 0 {
				time.Sleep(time.Second)
			}
			return nil
		}
		res := play(t, config(10, 100), until, stall)
		for i, s := range res.Samples {
			if want := time.Duration(i) * 10 * time.Millisecond; s.Due != want {
				t.Errorf("request %d was due at %v, want %v", i, s.Due, want)
			}
			if want := time.Second; i == 0 && s.Took != want {
				t.Errorf("the stalled request took %v, want %v", s.Took, want)
			}
			if i > 0 && s.Took != 0 {
				t.Errorf("request %d waited %v for the stalled one", i, s.Took)
			}
		}
	})
}

func TestLatencyCountsFromTheIntendedStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := func(yield func(time.Duration) bool) {
			yield(0)
			time.Sleep(100 * time.Millisecond) // the generator does not get the processor
			yield(10 * time.Millisecond)
		}
		answered := func(context.Context, Request, int) error { return nil }
		res := play(t, Config{Requests: []Request{{}}, Arrivals: late}, until, answered)
		if got, want := res.Samples[1].Took, 90*time.Millisecond; got != want {
			t.Errorf("a request sent 90 ms late took %v, want %v", got, want)
		}
	})
}

func TestLoadEndsWithItsContextAndFinishesRequestsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 95*time.Millisecond)
		defer cancel()
		slow := func(ctx context.Context, _ Request, _ int) error {
			time.Sleep(time.Second)
			return ctx.Err()
		}
		res, err := generate(ctx, Config{Requests: []Request{{}}, Arrivals: Constant(100)}.withDefaults(), until, slow)
		if err != nil {
			t.Fatal(err)
		}
		if n, lost := res.Requests(), len(res.Failures()); n != 10 || lost != 0 {
			t.Errorf("%d requests of which %d were lost, want 10 and 0", n, lost)
		}
	})
}

func TestRequestsAreSentInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config(5, 1)
		cfg.Requests = []Request{{Method: "GET"}, {Method: "POST"}}
		res := play(t, cfg, until, func(context.Context, Request, int) error { return nil })
		for i, s := range res.Samples {
			if want := cfg.Requests[i%2]; s.Request != want {
				t.Errorf("request %d is a %s, want %s", i, s.Request, want)
			}
		}
	})
}

func TestUnknownErrorIsCountedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		res := play(t, config(1, 1), until, func(context.Context, Request, int) error { return errors.New("?") })
		if got := res.ByCause()[Local]; got != 1 {
			t.Errorf("counted %d times as %q, want once", got, Local)
		}
	})
}

func TestRunWithARealServer(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Write(w) // not an echo: the request with its head
	}))
	defer s.Close()
	cfg := config(40, 1000)
	cfg.Addrs = []string{s.Listener.Addr().String()}
	cfg.Requests = []Request{{}, {NewConn: true}, {Method: "POST", Body: 10}}
	res, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if got := res.ByCause(); len(got) != 1 || got[Garbled] != 13 {
		t.Errorf("lost %v of %d, want the 13 POSTs as %q", got, res.Requests(), Garbled)
	}
}

func TestInvalidConfigIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"address":  func(c *Config) { c.Addrs = nil },
		"arrivals": func(c *Config) { c.Arrivals = nil },
		"requests": func(c *Config) { c.Requests = nil },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(1, 1)
			spoil(&cfg)
			if _, err := Run(t.Context(), cfg); err == nil {
				t.Errorf("a load without %s was run", name)
			}
		})
	}
}
