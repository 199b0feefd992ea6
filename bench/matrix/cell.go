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

// cell is a trial with a name.
type cell struct {
	group, where string
	way          way
	config       trial.Config
	// settling comes on top of what the trial expects to take.
	settling time.Duration
}

const (
	// inFlight is how long the app works on a request where a cell says nothing else.
	inFlight = 20 * time.Millisecond
	// postSize is the size of a POST's body in bytes.
	postSize = 1000
	// calm is long enough for a latency without a rollout.
	calm = 2 * time.Second
	// light is the most requests per second of a cell that can be run beside others, and rare of one that can be run
	// beside many.
	light, rare = 20, 2
)

// option changes a cell from what most are.
type option func(*cell)

// newCell returns a cell with the built-in load balancer, five seconds late and without retries, in front of three pods
// that get requests of every kind.
func newCell(group, where string, w way, with ...option) cell {
	c := cell{group: group, where: where, way: w, config: trial.Config{
		Strategy: w.strategy,
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

// mixed are GET and POST, each on kept and on new connections, in equal parts.
func mixed(inFlight time.Duration) []load.Request {
	return append(kept(inFlight), onConnections(true, inFlight)...)
}

// kept are GET and POST on kept connections.
func kept(inFlight time.Duration) []load.Request { return onConnections(false, inFlight) }

func onConnections(fresh bool, inFlight time.Duration) []load.Request {
	var all []load.Request
	for _, method := range []string{"GET", "POST"} {
		all = append(all, load.Request{Method: method, Target: target(inFlight), Body: postSize, NewConn: fresh})
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
	d, _ := time.ParseDuration(wait) // it was a Duration's String
	return d
}

func (c cell) name() string {
	return fmt.Sprintf("%s/%s/%s", c.group, c.where, c.way.slug)
}

func (c cell) lag() time.Duration { return slices.Max(append(slices.Clone(c.config.Lags), 0)) }

// grace is long enough for everything that a pod of the cell may have to wait for, with Lameduck's reserve for the app,
// and never shorter than Kubernetes' default.
func (c cell) grace() time.Duration {
	const reserve = 15 * time.Second
	waits := max(c.way.delay, c.lag()+c.way.hold.Quiet) + c.longest()
	return max(30*time.Second, (waits + reserve).Round(time.Second))
}

// expect says what the cell must show.
func (c cell) expect() record.Expectation {
	switch c.way.family {
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

// mustLose says whether so many requests are sent to pods that have ended that some are lost for certain. A load
// balancer that tries again may save all of them.
func (c cell) mustLose() bool {
	const certain = 20 // of which about half go to pods that are there
	blind := c.lag() - c.way.delay
	return c.config.Retries == 0 && c.config.Rate*blind.Seconds() >= certain
}

func (c cell) takes() time.Duration { return c.config.Expected() + c.settling }

// requests returns about how many requests the cell sends.
func (c cell) requests() int { return int(c.config.Rate * c.takes().Seconds()) }

// setup describes the cell for the record.
func (c cell) setup() record.Setup {
	g := c.config
	s := record.Setup{
		Strategy: c.strategyName(), Family: c.way.family, Delay: record.Seconds(c.way.delay),
		HoldMin: record.Seconds(c.way.hold.Min), HoldQuiet: record.Seconds(c.way.hold.Quiet),
		App: g.App.Name, Balancer: string(g.Balancer), Lags: record.Each(g.Lags),
		Keepalive: g.Keepalive, Retries: g.Retries, Replicas: g.Replicas,
		Rate: g.Rate, Random: g.Random, Seed: g.Seed,
		Calm: record.Seconds(g.Calm), MinReady: record.Seconds(g.MinReady), Grace: record.Seconds(g.Grace),
	}
	if c.way.family == record.Lameduck {
		s.Settings = g.App.Settings
	}
	for _, r := range g.Requests {
		s.Requests = append(s.Requests, r.String())
		s.InFlight = append(s.InFlight, waitOf(r).String())
	}
	return s
}

func (c cell) strategyName() string {
	if c.way.name != "" {
		return c.way.name
	}
	return c.way.strategy.Name
}

// missing returns what the cell needs and this machine does not have, and nothing where it can be tried.
func (c cell) missing(p trial.Programs) string {
	for _, m := range []string{c.config.Balancer.Missing(), c.config.App.Missing(), c.way.strategy.Missing(p)} {
		if m != "" {
			return m
		}
	}
	return ""
}
