package load

import (
	"context"
	"errors"
	"sync"
	"time"

	"lameduck/bench/internal/wait"
)

// defaultTimeout is long against the in-flight times that a rollout is measured with, and short enough that a
// request nobody answers is known within the run.
const defaultTimeout = 10 * time.Second

// Config says what to send, where and how often.
type Config struct {
	// Addr is the host:port to send to. It must be set.
	Addr string
	// Arrivals says when requests are due. It must be set.
	Arrivals Arrivals
	// Requests are sent in turn, the first one again after the last. At least one is needed.
	Requests []Request
	// Timeout bounds each request from the moment it is sent. Zero or less means 10 s.
	Timeout time.Duration
}

func (c Config) check() error {
	switch {
	case c.Addr == "":
		return errors.New("load has no address: set Addr")
	case c.Arrivals == nil:
		return errors.New("load has no arrivals: set Arrivals, for instance to Constant(100)")
	case len(c.Requests) == 0:
		return errors.New("load has nothing to send: set Requests")
	}
	return nil
}

// Run sends requests until ctx is done or the arrivals end, waits for the answers that are still out, each at most
// Timeout, and returns what became of every request. Its error tells of a Config that makes no sense; lost
// requests are no error.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	c := newClient(cfg.Addr, cfg.Timeout)
	defer c.pool.Close()
	return generate(ctx, cfg, c.exchange), nil
}

// exchanger makes request number seq and returns nil or what it was lost to.
type exchanger func(ctx context.Context, r Request, seq int) error

// generate starts a goroutine for each arrival when it is due and returns when the last one has ended.
func generate(ctx context.Context, cfg Config, exchange exchanger) *Result {
	rec := recorder{start: time.Now()}
	var wg sync.WaitGroup
	seq := 0
	for due := range cfg.Arrivals {
		if wait.For(ctx, time.Until(rec.start.Add(due))) != nil {
			break
		}
		kind, n := seq%len(cfg.Requests), seq
		seq++
		wg.Go(func() {
			// What was sent is finished even when the load ends meanwhile: it counts.
			err := exchange(context.WithoutCancel(ctx), cfg.Requests[kind], n)
			rec.add(due, cfg.Requests[kind], err)
		})
	}
	wg.Wait()
	return rec.result()
}
