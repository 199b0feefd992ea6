package balancer

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// told records when a load balancer was told of which change, counted from the start.
type told struct {
	start time.Time
	err   error

	mu             sync.Mutex
	added, removed map[string]time.Duration
}

func newTold() *told {
	return &told{start: time.Now(), added: map[string]time.Duration{}, removed: map[string]time.Duration{}}
}

func (t *told) Add(_ context.Context, addr string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.added[addr] = time.Since(t.start)
	return t.err
}

func (t *told) Remove(_ context.Context, addr string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.removed[addr] = time.Since(t.start)
	return t.err
}

func TestLagAskedForIsTheLagThatHappens(t *testing.T) {
	for _, lag := range []time.Duration{0, time.Millisecond, 2 * time.Second, 3 * time.Minute} {
		t.Run(lag.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				lb := newTold()
				late := NewLate(lb, lag)
				late.Remove(t.Context(), "a")
				time.Sleep(time.Second)
				late.Add(t.Context(), "b")
				late.Remove(t.Context(), "c")
				removals, err := late.Wait()
				if err != nil {
					t.Fatal(err)
				}
				if lb.removed["a"] != lag || lb.removed["c"] != time.Second+lag {
					t.Errorf("removals told at 0s and 1s were passed on at %v", lb.removed)
				}
				if lb.added["b"] != time.Second {
					t.Errorf("an addition told at 1s was passed on at %v", lb.added["b"])
				}
				for _, r := range removals {
					if got := r.Done.Sub(r.Told); got != lag {
						t.Errorf("removal of %s is said to have taken %v, want %v", r.Addr, got, lag)
					}
				}
			})
		})
	}
}

func TestRefusedRemovalIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lb := newTold()
		lb.err = errors.New("no such endpoint")
		late := NewLate(lb, time.Second)
		late.Remove(t.Context(), "a")
		if removals, err := late.Wait(); !errors.Is(err, lb.err) || len(removals) != 0 {
			t.Errorf("got %v, %v; want no removal and the load balancer's error", removals, err)
		}
	})
}

func TestRemovalIsDroppedWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lb := newTold()
		late := NewLate(lb, time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		late.Remove(ctx, "a")
		if _, err := late.Wait(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's error", err)
		}
		if len(lb.removed) != 0 {
			t.Errorf("told the load balancer all the same: %v", lb.removed)
		}
	})
}

// TestEndpointIsServedUntilTheLagIsOver does over sockets what the others do in a bubble.
func TestEndpointIsServedUntilTheLagIsOver(t *testing.T) {
	const lag = 150 * time.Millisecond
	b := balance(t, Config{Keepalive: 1}, start(t, answers(fine)))
	late := NewLate(b, lag)
	addr := b.endpoints[0].addr
	began := time.Now()
	late.Remove(t.Context(), addr)
	for status := 200; status == 200; status, _, _ = send(t, b, "GET", "") {
	}
	if got := time.Since(began); got < lag {
		t.Errorf("the endpoint lost its requests after %v, want no sooner than %v", got, lag)
	}
	if _, err := late.Wait(); err != nil {
		t.Error(err)
	}
}
