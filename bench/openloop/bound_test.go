package openloop

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// unanswered waits until the load is given up.
func unanswered(ctx context.Context, _ string, _ int) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestLoadThatPilesUpIsGivenUpAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Config[string]{Requests: []string{""}, Arrivals: Constant(1000), MostInFlight: 50}
		began := time.Now()
		res, err := Run(t.Context(), cfg, unanswered)
		if !errors.Is(err, ErrTooSlow) || res != nil {
			t.Fatalf("got %v, %v; want %v", res, err, ErrTooSlow)
		}
		const want = "this machine is too slow for the load: 50 requests were in flight 50ms after its start"
		if err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
		if took := time.Since(began); took != 50*time.Millisecond {
			t.Errorf("it took %v, want 50ms: until the first request that exceeds the limit", took)
		}
	})
}

func TestLoadWithAsManyRequestsInFlightAsAllowedIsNotGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(context.Context, string, int) error {
			time.Sleep(49500 * time.Microsecond) // one is answered just before the 51st is due
			return nil
		}
		cfg := config(1000, 1000)
		cfg.MostInFlight = 50
		if _, err := Run(t.Context(), cfg, slow); err != nil {
			t.Error(err)
		}
	})
}

// Most trials send 400 requests each second. All losses of such a load must be counted.
func TestLoadOfWhichNothingIsAnsweredIsStillMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never := func(context.Context, string, int) error {
			time.Sleep(10 * time.Second)
			return Fail(Timeout, context.DeadlineExceeded)
		}
		cfg := config(10_000, 400)
		cfg.MostInFlight = 4096 // the default of bench/load
		res, err := Run(t.Context(), cfg, never)
		if err != nil {
			t.Fatal(err)
		}
		if n := res.ByCause()[Timeout]; n != 10_000 {
			t.Errorf("%d are counted as lost, want all", n)
		}
	})
}
