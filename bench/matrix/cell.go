package main

import (
	"fmt"
	"slices"
	"time"

	"lameduck/bench/balancer"
	"lameduck/bench/load"
	"lameduck/bench/matrix/record"
	"lameduck/bench/trial"
)

// A cell is a trial with a name.
type cell struct {
	group, where string
	strategy     strategy
	config       trial.Config
	// settling is added to the estimated time of the trial.
	settling time.Duration
}

const (
	// inFlight is how long the app takes for a request by default.
	inFlight = 20 * time.Millisecond
	// postSize is the size of a POST's body in bytes.
	postSize = 1000
	// calm is long enough to measure the latency without a rollout.
	calm = 2 * time.Second
	// light is the highest rate, in requests per second, of a cell that runs at the same time as a
	// few others, and rare is that of one that runs at the same time as many.
	light, rare = 20, 2
)

// An option changes a default of a cell.
type option func(*cell)

// newCell returns a cell. By default it has three pods that get requests of every kind, behind the
// built-in load balancer with a lag of five seconds and without retries.
func newCell(group, where string, w strategy, with ...option) cell {
	c := cell{group: group, where: where, strategy: w, config: trial.Config{
		Strategy: w.trial,
		App:      w.app,
		Replicas: 3,
		Balancer: balancer.BuiltIn,
		Lags:     []time.Duration{5 * time.Second},
		Rate:     400,
		Requests: mixed(inFlight),
		Calm:     calm,
		MinReady: 500 * time.Millisecond,
	}}
	for _, o := range with {
		o(&c)
	}
	if c.config.Grace == 0 {
		c.config.Grace = c.grace()
	}
	c.config.Timeout = max(10*time.Second, 2*c.longest())
	return c
}

func behind(k balancer.Kind) option     { return func(c *cell) { c.config.Balancer = k } }
func lags(ls ...time.Duration) option   { return func(c *cell) { c.config.Lags = ls } }
func rate(r float64) option             { return func(c *cell) { c.config.Rate = r } }
func replicas(n int) option             { return func(c *cell) { c.config.Replicas = n } }
func retries(n int) option              { return func(c *cell) { c.config.Retries = n } }
func keepalive(n int) option            { return func(c *cell) { c.config.Keepalive = n } }
func app(a trial.App) option            { return func(c *cell) { c.config.App = a } }
func requests(rs []load.Request) option { return func(c *cell) { c.config.Requests = rs } }
func quietFor(d time.Duration) option   { return func(c *cell) { c.config.Calm = d } }
func available(d time.Duration) option  { return func(c *cell) { c.config.MinReady = d } }
func settling(d time.Duration) option   { return func(c *cell) { c.settling = d } }
func within(grace time.Duration) option { return func(c *cell) { c.config.Grace = grace } }
func poisson(seed uint64) option {
	return func(c *cell) { c.config.Random, c.config.Seed = true, seed }
}

// mixed returns GET and POST, each on kept and on new connections, in equal parts.
func mixed(inFlight time.Duration) []load.Request {
	return append(kept(inFlight), onConnections(true, inFlight)...)
}

// kept returns GET and POST on kept connections.
func kept(inFlight time.Duration) []load.Request { return onConnections(false, inFlight) }

func onConnections(fresh bool, inFlight time.Duration) []load.Request {
	var all []load.Request
	for _, method := range []string{"GET", "POST"} {
		all = append(all, load.Request{
			Method: method, Target: target(inFlight), Body: postSize, NewConn: fresh,
		})
	}
	return all
}

func target(inFlight time.Duration) string { return "/?wait=" + inFlight.String() }

// longest returns the longest time in flight of the cell's requests.
func (c cell) longest() time.Duration {
	var longest time.Duration
	for _, r := range c.config.Requests {
		longest = max(longest, waitOf(r))
	}
	return longest
}

func waitOf(r load.Request) time.Duration {
	var wait string
	if n, _ := fmt.Sscanf(r.Target, "/?wait=%s", &wait); n == 0 {
		return 0
	}
	d, _ := time.ParseDuration(wait) // made by target
	return d
}

func (c cell) name() string {
	return fmt.Sprintf("%s/%s/%s", c.group, c.where, c.strategy.slug)
}

func (c cell) lag() time.Duration { return slices.Max(append(slices.Clone(c.config.Lags), 0)) }

// grace returns a termination grace period that is long enough for everything that a pod of the
// cell may wait for, including Lameduck's reserve for the app. It is never shorter than Kubernetes'
// default.
func (c cell) grace() time.Duration {
	const reserve = 15 * time.Second
	waits := max(c.strategy.delay, c.lag()+c.strategy.hold.Quiet) + c.longest()
	return max(30*time.Second, (waits + reserve).Round(time.Second))
}

// expect returns the expected result of the cell.
func (c cell) expect() record.Expectation {
	switch c.strategy.family {
	case record.Lameduck:
		return record.NoLoss
	case record.Fixed:
		return record.LossAmong
	case record.Bare, record.Graceful, record.Sleep:
		if c.mustLose() {
			return record.Loss
		}
	}
	return ""
}

// mustLose reports whether so many requests are sent to terminated pods that some are certainly
// lost. If the load balancer retries, it may save all of them.
func (c cell) mustLose() bool {
	const certain = 20 // about half of them go to running pods
	blind := c.lag() - c.strategy.delay
	return c.config.Retries == 0 && c.config.Rate*blind.Seconds() >= certain
}

func (c cell) takes() time.Duration { return c.config.Expected() + c.settling }

// requests estimates how many requests the cell sends.
func (c cell) requests() int { return int(c.config.Rate * c.takes().Seconds()) }

// setup describes the cell for the record.
func (c cell) setup() record.Setup {
	g := c.config
	s := record.Setup{
		Strategy: c.strategyName(), Family: c.strategy.family, Delay: record.Seconds(c.strategy.delay),
		HoldMin: record.Seconds(c.strategy.hold.Min), HoldQuiet: record.Seconds(c.strategy.hold.Quiet),
		App: g.App.Name, Balancer: string(g.Balancer), Lags: record.Each(g.Lags),
		Keepalive: g.Keepalive, Retries: g.Retries, Replicas: g.Replicas,
		Rate: g.Rate, Random: g.Random, Seed: g.Seed,
		Calm: record.Seconds(g.Calm), MinReady: record.Seconds(g.MinReady), Grace: record.Seconds(g.Grace),
	}
	if c.strategy.family == record.Lameduck {
		s.Settings = g.App.Settings
	}
	for _, r := range g.Requests {
		s.Requests = append(s.Requests, r.String())
		s.InFlight = append(s.InFlight, waitOf(r).String())
	}
	return s
}

func (c cell) strategyName() string {
	if c.strategy.name != "" {
		return c.strategy.name
	}
	return c.strategy.trial.Name
}

// missing returns the program that the cell needs and that is not installed, or "".
func (c cell) missing(p trial.Programs) string {
	for _, m := range []string{
		c.config.Balancer.Missing(), c.config.App.Missing(), c.strategy.trial.Missing(p),
	} {
		if m != "" {
			return m
		}
	}
	return ""
}
