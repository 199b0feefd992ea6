package balancer

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// told is a node that records when it was told of which change, counted from the start.
type told struct {
	start time.Time
	takes time.Duration // to act on a removal
	err   error

	mu             sync.Mutex
	added, removed map[string]time.Duration
	closed         int
}

func newTold() *told {
	return &told{start: time.Now(), added: map[string]time.Duration{}, removed: map[string]time.Duration{}}
}

func (t *told) Addr() string { return "" }

func (t *told) Close() error {
	t.closed++
	return t.err
}

func (t *told) Add(_ context.Context, addr string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.added[addr] = time.Since(t.start)
	return t.err
}

func (t *told) Remove(_ context.Context, addr string) error {
	t.mu.Lock()
	t.removed[addr] = time.Since(t.start)
	t.mu.Unlock()
	time.Sleep(t.takes)
	return t.err
}

// fleetOf returns a fleet of the given nodes with the given lags.
func fleetOf(lags []time.Duration, nodes ...*told) *Fleet {
	f := newFleet(lags)
	for _, n := range nodes {
		f.nodes = append(f.nodes, n)
	}
	return f
}

func TestEachNodeLearnsOfAnEndAfterItsLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lags := []time.Duration{0, time.Millisecond, 2 * time.Second, 3 * time.Minute}
		nodes := []*told{newTold(), newTold(), newTold(), newTold()}
		f := fleetOf(lags, nodes...)
		f.Remove(t.Context(), "a")
		time.Sleep(time.Second)
		f.Add(t.Context(), "b")
		f.Remove(t.Context(), "c")
		if _, err := f.Wait(); err != nil {
			t.Fatal(err)
		}
		for i, n := range nodes {
			if n.removed["a"] != lags[i] || n.removed["c"] != time.Second+lags[i] {
				t.Errorf("node %d with lag %v: removals told at 0s and 1s were passed on at %v", i, lags[i], n.removed)
			}
			if n.added["b"] != time.Second {
				t.Errorf("node %d: an addition told at 1s was passed on at %v", i, n.added["b"])
			}
		}
	})
}

func TestRemovalIsDoneWhenItsNodeHasActed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, quick := newTold(), newTold()
		slow.takes = 300 * time.Millisecond
		f := fleetOf([]time.Duration{time.Second, 2 * time.Second}, slow, quick)
		began := time.Now()
		f.Remove(t.Context(), "a")
		got, err := f.Wait()
		if err != nil {
			t.Fatal(err)
		}
		want := []Removal{
			{0, "a", began, began.Add(1300 * time.Millisecond)},
			{1, "a", began, began.Add(2 * time.Second)},
		}
		if !slices.Equal(got, want) {
			t.Errorf("removals are\n%v, want\n%v", got, want)
		}
	})
}

func TestFleetWithoutLagsIsOneNodeThatLearnsAtOnce(t *testing.T) {
	f, err := StartFleet(t.Context(), FleetConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if n := len(f.Addrs()); n != 1 {
		t.Errorf("%d nodes, want 1", n)
	}
	if f.lags[0] != 0 {
		t.Errorf("the lag is %v, want none", f.lags[0])
	}
}

func TestRefusedChangesAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTold()
		n.err = errors.New("no such endpoint")
		f := fleetOf([]time.Duration{time.Second, 0}, newTold(), n)
		if err := f.Add(t.Context(), "a"); !errors.Is(err, n.err) || !strings.Contains(err.Error(), "load balancer 2") {
			t.Errorf("adding: got %v, want the second node's error", err)
		}
		f.Remove(t.Context(), "a")
		if removals, err := f.Wait(); !errors.Is(err, n.err) || len(removals) != 1 {
			t.Errorf("removing: got %v, %v; want the other node's removal and the error", removals, err)
		}
	})
}

func TestRemovalIsDroppedWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTold()
		f := fleetOf([]time.Duration{time.Hour}, n)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		f.Remove(ctx, "a")
		if _, err := f.Wait(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's error", err)
		}
		if len(n.removed) != 0 {
			t.Errorf("told the node all the same: %v", n.removed)
		}
	})
}

func TestClosingDropsWhatIsToCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTold()
		f := fleetOf([]time.Duration{time.Hour}, n)
		f.Remove(t.Context(), "a")
		f.Close()
		f.Close()
		if n.closed != 1 {
			t.Errorf("the node was closed %d times, want once", n.closed)
		}
		if _, err := f.Wait(); err == nil || len(n.removed) != 0 {
			t.Errorf("the dropped removal is reported as %v and was passed on as %v", err, n.removed)
		}
	})
}

func TestFleetEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f, err := StartFleet(ctx, FleetConfig{})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	<-f.closing // or the test never ends
	f.Close()
}

func TestFleetWithoutSenseIsRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		c    FleetConfig
		want string
	}{
		"unknown kind":   {FleetConfig{Kind: "pound"}, `load balancer "pound" is unknown: there are [built-in`},
		"too many nodes": {FleetConfig{Lags: make([]time.Duration, 255)}, "255 lags: at most 254 nodes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := StartFleet(t.Context(), tc.c)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want it to say %s", err, tc.want)
			}
		})
	}
}

func TestFleetIsUnsettledWhileANodeActs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := newTold()
		slow.takes = 2 * time.Second
		f := fleetOf([]time.Duration{time.Second}, slow)
		f.Remove(t.Context(), "a")
		for at, want := range []bool{false, true, true, false} { // looked at half a second later
			time.Sleep(time.Duration(min(at, 1))*time.Second + time.Duration(1-min(at, 1))*500*time.Millisecond)
			if f.Unsettled() != want {
				t.Errorf("%d.5s after the removal it is unsettled: %v, want %v", at, !want, want)
			}
		}
	})
}

func TestClientsAreToldAMomentBeforeANodeActsAndUntilAMomentAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTold()
		n.takes = 200 * time.Millisecond // to remove
		f := fleetOf([]time.Duration{time.Second}, n)
		f.settle = 100 * time.Millisecond
		began := time.Now()
		added := make(chan error)
		go func() { added <- f.Add(t.Context(), "a") }()
		expect := func(unsettled bool, ms ...time.Duration) {
			t.Helper()
			for _, at := range ms {
				time.Sleep(time.Until(began.Add(at * time.Millisecond)))
				synctest.Wait()
				if f.Unsettled() != unsettled {
					t.Errorf("unsettled at %d ms: %v", at, !unsettled)
				}
			}
		}
		expect(true, 1, 99)
		if err := <-added; err != nil || n.added["a"] != f.settle {
			t.Errorf("passed on after %v (%v), want %v", n.added["a"], err, f.settle)
		}
		f.Remove(t.Context(), "a") // at 100 ms
		expect(true, 199)
		expect(false, 201, 999)
		expect(true, 1001, 1399)
		expect(false, 1401)
		removals, err := f.Wait()
		if err != nil || n.removed["a"] != 1100*time.Millisecond || removals[0].Done != began.Add(1300*time.Millisecond) {
			t.Errorf("the removal was passed on at %v, want 1.1s, and done 200ms later: %v, %v", n.removed["a"], removals, err)
		}
	})
}

func TestAChangeIsNotMadeWhenItsContextEndsBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTold()
		f := fleetOf(nil, n)
		f.settle = time.Second
		ctx, cancel := context.WithTimeout(t.Context(), f.settle/2)
		defer cancel()
		f.Remove(ctx, "a")
		if err := f.Add(ctx, "b"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("adding: got %v, want the context's error", err)
		}
		if _, err := f.Wait(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("removing: got %v, want the context's error", err)
		}
		if len(n.added)+len(n.removed) != 0 {
			t.Errorf("told the node all the same: %v, %v", n.added, n.removed)
		}
	})
}

// A rollout that is given up tells of an end while the fleet is being closed.
func TestRemovalsWhileTheFleetIsClosedAreDropped(t *testing.T) {
	for range 200 { // the two meet in some of them
		f := fleetOf([]time.Duration{time.Hour}, newTold())
		var both sync.WaitGroup
		both.Go(func() { f.Remove(t.Context(), "a") })
		both.Go(func() { f.Close() })
		both.Wait()
		removals, err := f.Wait()
		if len(removals) != 0 || !errors.Is(err, errClosed) {
			t.Fatalf("got %v, %v; want %v", removals, err, errClosed)
		}
	}
}
