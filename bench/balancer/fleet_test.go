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

// recordingNode is a node that records the time of each change, counted from the start.
type recordingNode struct {
	start time.Time
	takes time.Duration // to remove an endpoint
	err   error

	mu             sync.Mutex
	added, removed map[string]time.Duration
	closed         int
}

func newNode() *recordingNode {
	return &recordingNode{
		start: time.Now(), added: make(map[string]time.Duration), removed: make(map[string]time.Duration),
	}
}

func (t *recordingNode) Addr() string { return "" }

func (t *recordingNode) Close() error {
	t.closed++
	return t.err
}

func (t *recordingNode) Add(_ context.Context, addr string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.added[addr] = time.Since(t.start)
	return t.err
}

func (t *recordingNode) Remove(_ context.Context, addr string) error {
	t.mu.Lock()
	t.removed[addr] = time.Since(t.start)
	t.mu.Unlock()
	time.Sleep(t.takes)
	return t.err
}

// fleetOf returns a fleet of the given nodes with the given lags.
func fleetOf(lags []time.Duration, nodes ...*recordingNode) *Fleet {
	f := newFleet(lags)
	for _, n := range nodes {
		f.nodes = append(f.nodes, n)
	}
	return f
}

func TestEachNodeRemovesAnEndpointAfterItsLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lags := []time.Duration{0, time.Millisecond, 2 * time.Second, 3 * time.Minute}
		nodes := []*recordingNode{newNode(), newNode(), newNode(), newNode()}
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
				t.Errorf("node %d with lag %v: removals requested at 0s and 1s were made at %v", i, lags[i], n.removed)
			}
			if n.added["b"] != time.Second {
				t.Errorf("node %d: an addition at 1s was made at %v", i, n.added["b"])
			}
		}
	})
}

func TestRemovalIsDoneWhenItsNodeHasMadeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, quick := newNode(), newNode()
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

func TestFleetWithoutLagsIsOneNodeWithoutDelay(t *testing.T) {
	f, err := StartFleet(t.Context(), FleetConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if n := len(f.Addrs()); n != 1 {
		t.Errorf("%d nodes, want 1", n)
	}
	if f.lags[0] != 0 {
		t.Errorf("lag %v, want none", f.lags[0])
	}
}

func TestRefusedChangesAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode()
		n.err = errors.New("no such endpoint")
		f := fleetOf([]time.Duration{time.Second, 0}, newNode(), n)
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
		n := newNode()
		f := fleetOf([]time.Duration{time.Hour}, n)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		f.Remove(ctx, "a")
		if _, err := f.Wait(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's error", err)
		}
		if len(n.removed) != 0 {
			t.Errorf("the node was changed nevertheless: %v", n.removed)
		}
	})
}

func TestClosingDropsPendingRemovals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode()
		f := fleetOf([]time.Duration{time.Hour}, n)
		f.Remove(t.Context(), "a")
		f.Close()
		f.Close()
		if n.closed != 1 {
			t.Errorf("the node was closed %d times, want once", n.closed)
		}
		if _, err := f.Wait(); err == nil || len(n.removed) != 0 {
			t.Errorf("the dropped removal is reported as %v and was made as %v", err, n.removed)
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

func TestInvalidFleetConfigIsRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		c    FleetConfig
		want string
	}{
		"unknown kind":   {FleetConfig{Kind: "pound"}, `unknown load balancer "pound": want one of [built-in`},
		"too many nodes": {FleetConfig{Lags: make([]time.Duration, 255)}, "255 lags: at most 254 nodes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := StartFleet(t.Context(), tc.c)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want it to contain %s", err, tc.want)
			}
		})
	}
}

func TestFleetIsUnsettledDuringAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := newNode()
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

func TestFleetIsUnsettledFromBeforeAChangeUntilAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode()
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
			t.Errorf("added after %v (%v), want %v", n.added["a"], err, f.settle)
		}
		f.Remove(t.Context(), "a") // at 100 ms
		expect(true, 199)
		expect(false, 201, 999)
		expect(true, 1001, 1399)
		expect(false, 1401)
		removals, err := f.Wait()
		done := began.Add(1300 * time.Millisecond)
		if err != nil || n.removed["a"] != 1100*time.Millisecond || removals[0].Done != done {
			t.Errorf("the removal was made at %v, want 1.1s, and done 200ms later: %v, %v",
				n.removed["a"], removals, err)
		}
	})
}

func TestAChangeIsNotMadeWhenItsContextEndsBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode()
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
			t.Errorf("the node was changed nevertheless: %v, %v", n.added, n.removed)
		}
	})
}

// A rollout that is given up removes endpoints while the fleet is being closed.
func TestRemovalsWhileTheFleetClosesAreDropped(t *testing.T) {
	for range 200 { // the two meet in some of them
		f := fleetOf([]time.Duration{time.Hour}, newNode())
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
