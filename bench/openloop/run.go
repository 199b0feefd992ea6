package openloop

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// ErrTooSlow means that so many requests were in flight at a time that the result would measure the
// machine.
var ErrTooSlow = errors.New("this machine is too slow for the load")

// A Config configures a load of requests of type R.
type Config[R any] struct {
	// Arrivals yields the times of the requests. It is required.
	Arrivals Arrivals
	// Requests are sent in turn, the first one again after the last. At least one is required.
	Requests []R
	// MostInFlight is how many requests may be in flight at a time. If one more is due, the load is
	// given up with ErrTooSlow. Zero or less means no limit.
	MostInFlight int
	// Until waits until a time, or returns the context's error. If it is nil, a timer is used, which
	// may be a millisecond late.
	Until func(ctx context.Context, at time.Time) error
}

func (c Config[R]) check() error {
	switch {
	case c.Arrivals == nil:
		return errors.New("the load has no arrivals: set Arrivals, for example to Constant(100)")
	case len(c.Requests) == 0:
		return errors.New("the load has no requests: set Requests")
	}
	return nil
}

// An Exchange makes request number seq and returns nil or its failure (see [Fail]). It must not
// repeat the request. It is aborted when ctx is done.
type Exchange[R any] func(ctx context.Context, r R, seq int) error

// Run calls exchange for each request when it is due, until ctx is done or the arrivals end. It
// waits for the requests in flight, which do not end with ctx, and returns the outcome of every
// request. It returns an error if the Config is invalid, and ErrTooSlow, without waiting for
// responses, if the load is given up. Lost requests are not an error.
func Run[R any](ctx context.Context, cfg Config[R], exchange Exchange[R]) (*Result[R], error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	until := cfg.Until
	if until == nil {
		until = untilTimer
	}
	rec := recorder[R]{start: time.Now(), requests: cfg.Requests}
	// Requests in flight are finished, and count, even if the load ends.
	sending, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	var wg sync.WaitGroup
	var inFlight atomic.Int64
	seq := 0
	for due := range cfg.Arrivals {
		if until(ctx, rec.start.Add(due)) != nil {
			break
		}
		if cfg.MostInFlight > 0 && inFlight.Load() >= int64(cfg.MostInFlight) {
			giveUp()
			wg.Wait()
			return nil, fmt.Errorf("%w: %d requests were in flight %v after its start",
				ErrTooSlow, cfg.MostInFlight, due.Round(time.Millisecond))
		}
		kind, n := seq%len(cfg.Requests), seq
		seq++
		inFlight.Add(1)
		wg.Go(func() {
			defer inFlight.Add(-1)
			late := time.Since(rec.start) - due
			rec.add(kind, due, late, exchange(sending, cfg.Requests[kind], n))
		})
	}
	wg.Wait()
	return rec.result(), nil
}

// untilTimer waits until a time with a timer.
func untilTimer(ctx context.Context, at time.Time) error {
	t := time.NewTimer(time.Until(at))
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
