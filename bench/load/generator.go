package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"lameduck/bench/internal/wait"
)

// defaultTimeout is long against the in-flight times that a rollout is measured with, and short enough that a
// request nobody answers is known within the run.
const defaultTimeout = 10 * time.Second

// Config says what to send, where and how often.
type Config struct {
	// Addrs are the host:port to send to, in turn. At least one is needed.
	Addrs []string
	// Arrivals says when requests are due. It must be set.
	Arrivals Arrivals
	// Requests are sent in turn, the first one again after the last. At least one is needed.
	Requests []Request
	// Timeout bounds each request from the moment it is sent. Zero or less means 10 s.
	Timeout time.Duration
	// MostOut is how many requests may be out at a time. When one more is due the load is given up with ErrTooSlow. Zero or
	// less means the constant MostOut, or a quarter of the files that this process may open if that is less.
	MostOut int
	// Unsettled tells whether connections may not be used again now, since who accepted them is being replaced and will close
	// them. It is what tells a Changeover from a Reset. Nil: they always may.
	Unsettled func() bool
}

func (c Config) check() error {
	switch {
	case len(c.Addrs) == 0:
		return errors.New("load has no address: set Addrs")
	case c.Arrivals == nil:
		return errors.New("load has no arrivals: set Arrivals, for instance to Constant(100)")
	case len(c.Requests) == 0:
		return errors.New("load has nothing to send: set Requests")
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	if c.MostOut <= 0 {
		c.MostOut = mostOut(openFiles())
	}
	if c.Unsettled == nil {
		c.Unsettled = func() bool { return false }
	}
	return c
}

// Run sends requests until ctx is done or the arrivals end, waits for the answers that are still out, each at most
// Timeout, and returns what became of every request. Its error tells of a Config that makes no sense, or it is an ErrTooSlow,
// for which no answer is waited for any more; lost requests are no error.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	clients := make([]*client, len(cfg.Addrs))
	for i, addr := range cfg.Addrs {
		clients[i] = newClient(addr, cfg)
		defer clients[i].pool.Close()
	}
	return generate(ctx, cfg, wait.Until, func(ctx context.Context, r Request, seq int) error {
		return clients[cfg.addr(seq)].exchange(ctx, r, seq)
	})
}

// addr returns which address request number seq goes to. Each kind of request goes to each address in turn, also where
// there are as many addresses as kinds.
func (c Config) addr(seq int) int {
	kinds := len(c.Requests)
	return (seq/kinds + seq%kinds) % len(c.Addrs)
}

// exchanger makes request number seq and returns nil or why it failed. It breaks off when the context is done.
type exchanger func(ctx context.Context, r Request, seq int) error

// waiter waits until a time has come, or returns the context's error.
type waiter func(ctx context.Context, at time.Time) error

// generate starts a goroutine for each arrival when it is due and returns when the last one has ended.
func generate(ctx context.Context, cfg Config, until waiter, exchange exchanger) (*Result, error) {
	rec := recorder{start: time.Now(), requests: cfg.Requests}
	// What was sent is finished even when the load ends meanwhile: it counts.
	sending, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	var wg sync.WaitGroup
	var out atomic.Int64
	seq := 0
	for due := range cfg.Arrivals {
		if until(ctx, rec.start.Add(due)) != nil {
			break
		}
		if out.Load() >= int64(cfg.MostOut) {
			giveUp()
			wg.Wait()
			return nil, fmt.Errorf("%w: %d requests were out at a time %v after its start", ErrTooSlow, cfg.MostOut, due.Round(time.Millisecond))
		}
		kind, n := seq%len(cfg.Requests), seq
		seq++
		out.Add(1)
		wg.Go(func() {
			defer out.Add(-1)
			late := time.Since(rec.start) - due
			rec.add(kind, due, late, exchange(sending, cfg.Requests[kind], n))
		})
	}
	wg.Wait()
	return rec.result(), nil
}
