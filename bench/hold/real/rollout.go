package real

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"time"

	"lameduck/bench/hold/sim"
	"lameduck/bench/internal/wait"
)

// A Setup is the environment in which rollouts are played.
type Setup struct {
	Lameduck string        // the program
	History  time.Duration // that the program serves before the drain
	Dir      string        // for the files of the program
}

// A Result is what became of one rollout.
type Result struct {
	Requests int
	Lost     []error
	Late     int           // requests after the end of the hold, each of which is lost
	Last     time.Duration // request, from the drain's start; negative if there was none in the drain
	Hold     time.Duration // how long it lasted
	Summary  string        // of the program
}

// After is the time from the last request, or from the drain's start, to the end of the hold.
func (r Result) After() time.Duration { return r.Hold - max(r.Last, 0) }

// A rollout is one that is being played.
type rollout struct {
	trace   sim.Trace
	callers []*caller
	pod     *pod
	start   time.Time // of the drain

	mu     sync.Mutex
	result Result
	sent   []time.Duration // when requests were sent in the drain
}

// Play plays a rollout of a shape, and returns when all its requests have ended.
func (s Setup) Play(ctx context.Context, shape *sim.Shape, seed uint64) (Result, error) {
	dir, err := os.MkdirTemp(s.Dir, shape.Name)
	if err != nil {
		return Result{}, err
	}
	p, err := startPod(ctx, s.Lameduck, dir)
	if err != nil {
		return Result{}, err
	}
	defer p.close()
	r := &rollout{trace: sim.NewTrace(shape, seed, s.History), pod: p,
		start: time.Now().Add(s.History)}
	for i, source := range r.trace.Sources {
		from := netip.AddrFrom4([4]byte{127, byte(10 + seed%100), byte(1 + i/250), byte(1 + i%250)})
		c := newCaller(source, from, p.addr)
		defer c.pool.Close()
		r.callers = append(r.callers, c)
	}
	return r.play(ctx)
}

func (r *rollout) play(ctx context.Context) (Result, error) {
	var sending sync.WaitGroup
	sending.Go(func() { r.send(ctx) })
	err := wait.Until(ctx, r.start)
	if err == nil {
		err = r.pod.drain(ctx)
	}
	hold := time.Since(r.start)
	sending.Wait()
	if err != nil {
		return Result{}, fmt.Errorf("drain: %w", err)
	}
	r.conclude(hold)
	return r.result, nil
}

// conclude adds what follows from the length of the hold.
func (r *rollout) conclude(hold time.Duration) {
	r.result.Hold, r.result.Last = hold, -1
	for _, at := range r.sent {
		if at > hold {
			r.result.Late++
			continue
		}
		r.result.Last = max(r.result.Last, at)
	}
	r.result.Summary = r.pod.summary()
}

// send sends every request at its time, and returns when all have ended.
func (r *rollout) send(ctx context.Context) {
	var exchanges sync.WaitGroup
	for _, q := range r.trace.Requests {
		if wait.Until(ctx, r.start.Add(q.At)) != nil {
			break
		}
		exchanges.Go(func() { r.exchange(ctx, q) })
	}
	exchanges.Wait()
}

func (r *rollout) exchange(ctx context.Context, q sim.Request) {
	at := time.Now()
	sent, err := r.callers[q.Source].send(ctx, q.Kept)
	if !sent {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Requests++
	if q.At >= 0 {
		r.sent = append(r.sent, at.Sub(r.start))
	}
	if err != nil {
		r.result.Lost = append(r.result.Lost, fmt.Errorf("request at %v: %w", q.At, err))
	}
}
