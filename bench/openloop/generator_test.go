package openloop

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// first limits arrivals to the first n.
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

func config(n int, perSecond float64) Config[string] {
	return Config[string]{Requests: []string{"GET"}, Arrivals: first(n, Constant(perSecond))}
}

// play runs a load that is not given up.
func play(t *testing.T, cfg Config[string], exchange Exchange[string]) *Result[string] {
	t.Helper()
	res, err := Run(t.Context(), cfg, exchange)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

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
		stall := func(_ context.Context, _ string, seq int) error {
			if seq == 0 {
				time.Sleep(time.Second)
			}
			return nil
		}
		res := play(t, config(10, 100), stall)
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
		answered := func(context.Context, string, int) error { return nil }
		res := play(t, Config[string]{Requests: []string{""}, Arrivals: late}, answered)
		if got, want := res.Samples[1].Took, 90*time.Millisecond; got != want {
			t.Errorf("a request sent 90 ms late took %v, want %v", got, want)
		}
	})
}

func TestLoadEndsWithItsContextAndFinishesRequestsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 95*time.Millisecond)
		defer cancel()
		slow := func(ctx context.Context, _ string, _ int) error {
			time.Sleep(time.Second)
			return ctx.Err()
		}
		res, err := Run(ctx, Config[string]{Requests: []string{""}, Arrivals: Constant(100)}, slow)
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
		cfg.Requests = []string{"GET", "POST"}
		res := play(t, cfg, func(context.Context, string, int) error { return nil })
		for i, s := range res.Samples {
			if want := cfg.Requests[i%2]; s.Request != want {
				t.Errorf("request %d is a %s, want %s", i, s.Request, want)
			}
		}
	})
}

func TestUnknownErrorIsCountedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		res := play(t, config(1, 1), func(context.Context, string, int) error { return errors.New("?") })
		if got := res.ByCause()[Local]; got != 1 {
			t.Errorf("counted %d times as %q, want once", got, Local)
		}
	})
}

func TestConfigWithoutArrivalsOrRequestsIsRefused(t *testing.T) {
	for name, cfg := range map[string]Config[string]{
		"arrivals": {Requests: []string{"GET"}},
		"requests": {Arrivals: Constant(1)},
	} {
		if _, err := Run(t.Context(), cfg, nil); err == nil {
			t.Errorf("a load without %s was run", name)
		}
	}
}
