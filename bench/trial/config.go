package trial

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"lameduck/bench/balancer"
	"lameduck/bench/load"
)

const (
	// defaultCalm is enough for the load to become steady and to measure the latency without a
	// rollout.
	defaultCalm = time.Second
	// defaultMinReady gives each new pod some time to serve. It is short compared with common lags,
	// so that several old pods terminate at a time, as in a Kubernetes rollout with its default of
	// 0.
	defaultMinReady = 500 * time.Millisecond
	// defaultKeepalive is the number in nginx's own examples for a busy site, and more than the
	// demo's load has in flight.
	defaultKeepalive = 32
	// defaultGrace is Kubernetes' default.
	defaultGrace = 30 * time.Second
	// tail is how long the load goes on after the load balancers have acted on the last removal.
	tail = 500 * time.Millisecond
	// startup estimates how long a pod takes to become ready.
	startup = 100 * time.Millisecond
)

// Config configures a trial.
type Config struct {
	// Strategy is how pods terminate. It is required.
	Strategy Strategy
	// App is the app in the pods. The default is Abrupt.
	App App
	// Programs are the programs in the pods. Those that the strategy and the app need are required.
	Programs Programs
	// Replicas is the number of pods, all of which are replaced. Zero or less means 3.
	Replicas int
	// Balancer is the kind of load balancer. The default is the built-in one.
	Balancer balancer.Kind
	// Lags has the delay of each node of the load balancer, from the start of a pod's termination
	// until the node removes its endpoint. Zero or less means no delay, and an empty list means one
	// node without delay.
	Lags []time.Duration
	// Keepalive is the number of idle connections that each node keeps to each pod. Zero means 32,
	// and less than zero means none.
	Keepalive int
	// Retries is how many further endpoints a node may send a request to, under the rules in
	// package balancer. Zero or less means no retries.
	Retries int
	// Rate is the number of requests per second, all kinds together. It is required.
	Rate float64
	// Random makes requests arrive like those of independent clients (a Poisson process), instead
	// of evenly spaced.
	Random bool
	// Seed selects the random arrivals. The same seed gives the same arrivals.
	Seed uint64
	// Requests are sent in turn. At least one is required.
	Requests []load.Request
	// Timeout bounds each request. Zero or less means the default of package load.
	Timeout time.Duration
	// MostInFlight is how many requests may be in flight at a time. If one more is due, the machine
	// is too slow and the trial is given up. Zero or less means the default of package load.
	MostInFlight int
	// Calm is the time of the load before the rollout. Zero or less means 1 s.
	Calm time.Duration
	// MinReady is how long a new pod serves before the next old pod is stopped. Zero or less means
	// 500 ms.
	MinReady time.Duration
	// Grace is the termination grace period of the pods. Zero or less means 30 s.
	Grace time.Duration
	// Logs is a directory for the output of the pods and the load balancers. If it is empty, output
	// is discarded.
	Logs string
}

// positive returns v if it is above zero, and def otherwise.
func positive[T cmp.Ordered](v, def T) T {
	var zero T
	if v > zero {
		return v
	}
	return def
}

func (c Config) withDefaults() Config {
	c.Replicas = positive(c.Replicas, 3)
	c.Calm = positive(c.Calm, defaultCalm)
	c.MinReady = positive(c.MinReady, defaultMinReady)
	c.Grace = positive(c.Grace, defaultGrace)
	if c.Keepalive == 0 {
		c.Keepalive = defaultKeepalive
	}
	return c
}

func (c Config) check() error {
	switch {
	case c.Strategy.pod == nil:
		return errors.New("the trial has no strategy: set Strategy, for example to Bare()")
	case c.Rate <= 0:
		return fmt.Errorf("the trial has no load: Rate must be above zero, got %v", c.Rate)
	case len(c.Requests) == 0:
		return errors.New("the trial has no requests: set Requests")
	}
	return nil
}

// fleet returns the configuration of the load balancers, which keep their files in dir.
func (c Config) fleet(dir string) balancer.FleetConfig {
	return balancer.FleetConfig{Kind: c.Balancer, Lags: c.Lags, Keepalive: c.Keepalive, Retries: c.Retries, Dir: dir}
}

// load returns the configuration of the load on the given load balancers.
func (c Config) load(f *balancer.Fleet) load.Config {
	arrivals := load.Constant(c.Rate)
	if c.Random {
		arrivals = load.Poisson(c.Rate, c.Seed)
	}
	return load.Config{
		Addrs: f.Addrs(), Unsettled: f.Unsettled, Arrivals: arrivals, Requests: c.Requests,
		Timeout: c.Timeout, MostInFlight: c.MostInFlight,
	}
}

// longestLag returns the longest delay of a node.
func (c Config) longestLag() time.Duration {
	return slices.Max(append([]time.Duration{0}, c.Lags...))
}

// Expected estimates how long the trial takes.
func (c Config) Expected() time.Duration {
	c = c.withDefaults()
	starting := time.Duration(2*c.Replicas) * startup // the old ones and the new ones
	rolling := time.Duration(c.Replicas) * c.MinReady
	lag := c.longestLag()
	return starting + c.Calm + rolling + max(lag, c.Strategy.Ending(lag)) + tail
}
