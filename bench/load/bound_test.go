package load

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// unanswered waits until the load is given up.
func unanswered(ctx context.Context, _ Request, _ int) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestLoadThatPilesUpIsGivenUpAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{Requests: []Request{{}}, Arrivals: Constant(1000), MostInFlight: 50}
		began := time.Now()
		res, err := generate(t.Context(), cfg, until, unanswered)
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
		slow := func(context.Context, Request, int) error {
			time.Sleep(49500 * time.Microsecond) // one is answered just before the 51st is due
			return nil
		}
		cfg := config(1000, 1000)
		cfg.MostInFlight = 50
		if _, err := generate(t.Context(), cfg, until, slow); err != nil {
			t.Error(err)
		}
	})
}

func TestAnswersAreNotWaitedForWhenTheLoadIsGivenUp(t *testing.T) {
	s := serve(t, answer("")) // never answers
	cfg := Config{
		Addrs: []string{s.addr}, Requests: []Request{{}, {NewConn: true}},
		Arrivals: Constant(1000), Timeout: time.Hour, MostInFlight: 20,
	}
	if _, err := Run(t.Context(), cfg); !errors.Is(err, ErrTooSlow) {
		t.Errorf("got %v, want %v", err, ErrTooSlow)
	}
}

func TestMostInFlightLeavesFilesToOpen(t *testing.T) {
	for files, want := range map[uint64]int{0: 1, 1024: 256, 16_384: 4096, 20_000: 4096, 1 << 20: 4096, unix.RLIM_INFINITY: 4096} {
		if got := mostInFlight(files); got != want {
			t.Errorf("with %d files %d requests may be in flight, want %d", files, got, want)
		}
	}
	if got := (Config{}).withDefaults().MostInFlight; got != mostInFlight(openFiles()) {
		t.Errorf("by default %d requests may be in flight, want %d", got, mostInFlight(openFiles()))
	}
}

// Most trials send 400 requests each second. All losses of such a load must be counted.
func TestLoadOfWhichNothingIsAnsweredIsStillMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never := func(context.Context, Request, int) error {
			time.Sleep(defaultTimeout)
			return &failure{Timeout, context.DeadlineExceeded}
		}
		cfg := config(10_000, 400)
		cfg.MostInFlight = MostInFlight
		res, err := generate(t.Context(), cfg, until, never)
		if err != nil {
			t.Fatal(err)
		}
		if n := res.ByCause()[Timeout]; n != 10_000 {
			t.Errorf("%d are counted as lost, want all", n)
		}
	})
}

func TestIdleConnectionsAreBounded(t *testing.T) {
	for name, tc := range map[string]struct {
		cfg  Config
		want int
	}{
		"a quarter of those in flight": {Config{MostInFlight: 400, Addrs: []string{"a"}}, 100},
		"over all addresses":           {Config{MostInFlight: 400, Addrs: strings.Fields("a b c d")}, 25},
		"at least one":                 {Config{MostInFlight: 1, Addrs: []string{"a"}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.cfg.idle(); got != tc.want {
				t.Errorf("%d are kept, want %d", got, tc.want)
			}
		})
	}
}
