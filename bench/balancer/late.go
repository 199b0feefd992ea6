package balancer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Endpoints is what a load balancer is told to send requests to. Both methods return when the load balancer acts
// accordingly, and both are safe for use by several goroutines.
type Endpoints interface {
	Add(ctx context.Context, addr string) error
	Remove(ctx context.Context, addr string) error
}

// Removal is when a load balancer was told of an endpoint's end, and when it acted on it.
type Removal struct {
	Addr       string
	Told, Done time.Time
}

// Late tells a load balancer of the end of an endpoint only some time after it was told itself, as the way
// through Kubernetes controllers and a cloud's API does. Additions are passed on at once.
type Late struct {
	to  Endpoints
	lag time.Duration
	wg  sync.WaitGroup // removals that are still to be passed on

	mu       sync.Mutex
	removals []Removal
	err      error
}

// NewLate returns a Late that passes removals on to the given load balancer after lag. Zero or less means at once.
func NewLate(to Endpoints, lag time.Duration) *Late {
	return &Late{to: to, lag: lag}
}

// Add passes the endpoint on at once.
func (l *Late) Add(ctx context.Context, addr string) error { return l.to.Add(ctx, addr) }

// Remove returns at once with no error; the load balancer is told after the lag, unless ctx is done before. What it
// then answers, Wait returns.
func (l *Late) Remove(ctx context.Context, addr string) error {
	told := time.Now()
	t := time.NewTimer(l.lag)
	l.wg.Go(func() {
		defer t.Stop()
		select {
		case <-t.C:
			err := l.to.Remove(ctx, addr)
			l.note(Removal{Addr: addr, Told: told, Done: time.Now()}, err)
		case <-ctx.Done():
			l.note(Removal{Addr: addr}, ctx.Err())
		}
	})
	return nil
}

func (l *Late) note(r Removal, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.err = errors.Join(l.err, fmt.Errorf("remove endpoint %s after the lag: %w", r.Addr, err))
		return
	}
	l.removals = append(l.removals, r)
}

// Wait returns when the load balancer has acted on every removal, with the removals in that order. Its error joins
// those of the removals that the load balancer refused or that were dropped.
func (l *Late) Wait() ([]Removal, error) {
	l.wg.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.removals, l.err
}
