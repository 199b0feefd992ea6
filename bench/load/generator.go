package load

import (
	"context"
	"errors"
	"time"

	"lameduck/bench/internal/wait"
	"lameduck/bench/openloop"
)

// defaultTimeout is long compared with the response times of a trial, and short enough that an
// unanswered request is known within the run.
const defaultTimeout = 10 * time.Second

// Config configures a load.
type Config struct {
	// Addrs are the host:port to send to, in turn. At least one is required.
	Addrs []string
	// Arrivals yields the times of the requests. It is required.
	Arrivals Arrivals
	// Requests are sent in turn, the first one again after the last. At least one is required.
	Requests []Request
	// Timeout bounds each request, from the time at which it is sent. Zero or less means 10 s.
	Timeout time.Duration
	// MostInFlight is how many requests may be in flight at a time. If one more is due, the load is
	// given up with ErrTooSlow. Zero or less means the constant MostInFlight, or a quarter of the
	// files that this process may open if that is less.
	MostInFlight int
	// Unsettled reports whether connections must not be reused now, because the server that
	// accepted them is being replaced and will close them. It distinguishes a Changeover from a
	// Reset. If it is nil, connections are always reused.
	Unsettled func() bool
}

func (c Config) withDefaults() Config {
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	if c.MostInFlight <= 0 {
		c.MostInFlight = mostInFlight(openFiles())
	}
	if c.Unsettled == nil {
		c.Unsettled = func() bool { return false }
	}
	return c
}

// Run sends requests until ctx is done or the arrivals end, waits for the outstanding responses,
// each at most for Timeout, and returns the outcome of every request. It returns an error if the
// Config is invalid, and ErrTooSlow, without waiting for responses, if the load is given up. Lost
// requests are not an error.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	if len(cfg.Addrs) == 0 {
		return nil, errors.New("the load has no address: set Addrs")
	}
	cfg = cfg.withDefaults()
	clients := make([]*client, len(cfg.Addrs))
	for i, addr := range cfg.Addrs {
		clients[i] = newClient(addr, cfg)
		defer clients[i].pool.Close()
	}
	loop := openloop.Config[Request]{
		Arrivals: cfg.Arrivals, Requests: cfg.Requests,
		MostInFlight: cfg.MostInFlight, Until: wait.Until,
	}
	return openloop.Run(ctx, loop, func(ctx context.Context, r Request, seq int) error {
		return clients[cfg.addr(seq)].exchange(ctx, r, seq)
	})
}

// addr returns the index of the address for request number seq. Each kind of request goes to each
// address in turn, even if there are as many addresses as kinds.
func (c Config) addr(seq int) int {
	kinds := len(c.Requests)
	return (seq/kinds + seq%kinds) % len(c.Addrs)
}
