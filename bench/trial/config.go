package trial

import (
	"cmp"
	"errors"
	"time"

	"lameduck/bench/load"
)

const (
	// defaultCalm is enough for the load to find its pace and for a latency without any rollout.
	defaultCalm = time.Second
	// defaultMinReady leaves each new pod some time to serve, and is short against common lags, so that several
	// old pods are on their way out at a time, as in a Kubernetes rollout with its default of 0.
	defaultMinReady = 500 * time.Millisecond
	// tail is how long the load goes on after the load balancer has acted on the last removal.
	tail = 500 * time.Millisecond
	// startup is about how long a pod takes to become ready.
	startup = 100 * time.Millisecond
)

// Config describes a trial.
type Config struct {
	// Strategy is how pods end. It must be set.
	Strategy Strategy
	// Programs are what the pods run. Those that the strategy needs must be set.
	Programs Programs
	// Replicas is how many pods there are, and are replaced. Zero or less means 3.
	Replicas int
	// Lag is how long after the kubelet the load balancer learns of an endpoint's end. Zero or less: at once.
	Lag time.Duration
	// Retries is how many further endpoints the load balancer may send a request to, under the rules that package
	// balancer states. Zero or less: none.
	Retries int
	// Rate is the number of requests per second, all kinds together. It must be above zero.
	Rate float64
	// Requests are sent in turn. At least one is needed.
	Requests []load.Request
	// Calm is how long the load goes on before the rollout. Zero or less means 1 s.
	Calm time.Duration
	// MinReady is how long a new pod serves before the next old one is ended. Zero or less means 500 ms.
	MinReady time.Duration
	// Logs is a directory for what the pods write. Empty: it is thrown away.
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
	c.Lag = max(c.Lag, 0)
	return c
}

func (c Config) check() error {
	switch {
	case c.Strategy.pod == nil:
		return errors.New("trial has no strategy: set Strategy, for instance to Bare()")
	case c.Rate <= 0:
		return errors.New("trial has no load: set Rate to the requests per second")
	case len(c.Requests) == 0:
		return errors.New("trial has nothing to send: set Requests")
	}
	return nil
}

// Expected returns about how long the trial takes.
func (c Config) Expected() time.Duration {
	c = c.withDefaults()
	starting := time.Duration(2*c.Replicas) * startup // the old ones and the new ones
	rolling := time.Duration(c.Replicas) * c.MinReady
	return starting + c.Calm + rolling + max(c.Lag, c.Strategy.Ending(c.Lag)) + tail
}
