package load

import (
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

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
				t.Errorf("%d kept, want %d", got, tc.want)
			}
		})
	}
}
