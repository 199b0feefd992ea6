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
	// defaultCalm is enough for the load to find its pace and for a latency without any rollout.
	defaultCalm = time.Second
	// defaultMinReady leaves each new pod some time to serve, and is short against common lags, so that several
	// old pods are on their way out at a time, as in a Kubernetes rollout with its default of 0.
	defaultMinReady = 500 * time.Millisecond
	// defaultKeepalive is the number in nginx' own examples of a busy site, and more than the demo's load has in flight.
	defaultKeepalive = 32
	// defaultGrace is Kubernetes' default.
	defaultGrace = 30 * time.Second
	// tail is how long the load goes on after the load balancers have acted on the last removal.
	tail = 500 * time.Millisecond
	// startup is about how long a pod takes to become ready.
	startup = 100 * time.Millisecond
)

// Config describes a trial.
type Config struct {
	// Strategy is how pods end. It must be set.
	Strategy Strategy
	// App is what the pods serve with. The zero value is Abrupt.
	App App
	// Programs are what the pods run. Those that the strategy and the app need must be set.
	Programs Programs
	// Replicas is how many pods there are, and are replaced. Zero or less means 3.
	Replicas int
	// Balancer is what stands in front of the pods. Empty means the built-in load balancer.
	Balancer balancer.Kind
	// Lags says for each node of the load balancer how long after the kubelet it learns of an endpoint's end. Empty
	// means one node that learns at once; so does zero or less.
	Lags []time.Duration
	// Keepalive is how many idle connections each node keeps to each pod. Zero means 32, less than zero none.
	Keepalive int
	// Retries is how many further endpoints a node may send a request to, under the rules that package balancer
	// states. Zero or less: none.
	Retries int
	// Rate is the number of requests per second, all kinds together. It must be above zero.
	Rate float64
	// Random lets requests arrive as those of clients that know nothing of each other (a Poisson process). False:
	// evenly spaced.
	Random bool
	// Seed tells one random sequence of arrivals from another. The same seed gives the same arrivals.
	Seed uint64
	// Requests are sent in turn. At least one is needed.
	Requests []load.Request
	// Timeout bounds each request. Zero or less means the default of package load.
	Timeout time.Duration
	// MostOut is how many requests may be out at a time before the trial is given up, since the machine is too slow for it.
	// Zero or less means the default of package load.
	MostOut int
	// Calm is how long the load goes on before the rollout. Zero or less means 1 s.
	Calm time.Duration
	// MinReady is how long a new pod serves before the next old one is ended. Zero or less means 500 ms.
	MinReady time.Duration
	// Grace is the termination grace period of the pods. Zero or less means 30 s.
	Grace time.Duration
	// Logs is a directory for what the pods and the load balancers write. Empty: it is thrown away.
	Logs string
}

// positive returns v, or the default where v is not above zero.
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
		return errors.New("trial has no strategy: set Strategy, for instance to Bare()")
	case c.Rate <= 0:
		return fmt.Errorf("trial has no load: Rate is %v: set it to the requests per second", c.Rate)
	case len(c.Requests) == 0:
		return errors.New("trial has nothing to send: set Requests")
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
		Timeout: c.Timeout, MostOut: c.MostOut,
	}
}

// longestLag returns how long after the kubelet the last node learns of an endpoint's end.
func (c Config) longestLag() time.Duration {
	return slices.Max(append([]time.Duration{0}, c.Lags...))
}

// Expected returns about how long the trial takes.
func (c Config) Expected() time.Duration {
	c = c.withDefaults()
	starting := time.Duration(2*c.Replicas) * startup // the old ones and the new ones
	rolling := time.Duration(c.Replicas) * c.MinReady
	lag := c.longestLag()
	return starting + c.Calm + rolling + max(lag, c.Strategy.Ending(lag)) + tail
}
