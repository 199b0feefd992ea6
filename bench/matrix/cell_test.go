package main

import (
	"strings"
	"testing"
	"time"

	"lameduck/bench/balancer"
	"lameduck/bench/load"
	"lameduck/bench/matrix/record"
	"lameduck/bench/trial"
)

func matrices() map[string][]cell {
	return map[string][]cell{"small": options{}.everything(), "full": options{full: true}.everything()}
}

// everything returns all cells of the matrix.
func (o options) everything() []cell { return o.all() }

func TestEveryCellHasANameOfItsOwn(t *testing.T) {
	for name, cells := range matrices() {
		seen := map[string]bool{}
		for _, c := range cells {
			if seen[c.name()] {
				t.Errorf("%s: two cells are named %s", name, c.name())
			}
			seen[c.name()] = true
			if strings.Count(c.name(), "/") != 2 {
				t.Errorf("%s: %s is not GROUP/WHERE/STRATEGY", name, c.name())
			}
		}
	}
}

// A hold that ends at its maximum measures nothing.
func TestEveryPodHasTheTimeThatItNeeds(t *testing.T) {
	for name, cells := range matrices() {
		for _, c := range cells {
			silence := c.strategy.hold.Quiet
			if c.group == "rhythm" { // three gaps of a pod that shares the requests with as many new ones
				silence = time.Duration(3 * 2 * float64(c.config.Replicas) / c.config.Rate * float64(time.Second))
			}
			needs := max(c.strategy.delay, c.lag()+silence) + c.longest() + 8*time.Second // the app's stop, and Lameduck's margin
			if c.config.Grace < needs {
				t.Errorf("%s: %s has %v of grace and needs %v", name, c.name(), c.config.Grace, needs)
			}
		}
	}
}

func TestMatricesFitTheirTime(t *testing.T) {
	for name, bounds := range map[string]struct{ least, most time.Duration }{
		"small": {time.Minute, 160 * time.Second},
		"full":  {20 * time.Minute, 50 * time.Minute},
	} {
		var m matrix
		var total time.Duration
		for _, s := range m.plan(matrices()[name]) {
			total += s.Takes
		}
		if total < bounds.least || total > bounds.most {
			t.Errorf("the %s matrix takes %v, want %v to %v", name, total, bounds.least, bounds.most)
		}
	}
}

func TestFullMatrixSendsAMillionRequestsThroughLameduck(t *testing.T) {
	requests := 0
	for _, c := range matrices()["full"] {
		if c.strategy.family == record.Lameduck {
			requests += c.requests()
		}
	}
	if requests < 1_100_000 {
		t.Errorf("about %d requests are sent: a few more than a million are wanted, since that is a guess", requests)
	}
}

func TestFullMatrixHasEverything(t *testing.T) {
	has := map[string]bool{}
	for _, c := range matrices()["full"] {
		has["balancer "+string(c.config.Balancer)] = true
		has["app "+c.config.App.Name] = true
		has["family "+string(c.strategy.family)] = true
	}
	for _, k := range balancer.Kinds() {
		if !has["balancer "+string(k)] {
			t.Errorf("no cell has the load balancer %s", k)
		}
	}
	for _, a := range apps() {
		if !has["app "+a.Name] {
			t.Errorf("no cell has the app %s", a.Name)
		}
	}
	for _, f := range []record.Family{record.Bare, record.Graceful, record.Sleep, record.Peer, record.Fixed, record.Lameduck} {
		if !has["family "+string(f)] {
			t.Errorf("no cell is of the family %s", f)
		}
	}
}

// A cell with many requests in flight by design must not be taken for one that this machine is
// too slow for.
func TestEveryLoadStaysFarBelowWhatMayBeOut(t *testing.T) {
	for name, cells := range matrices() {
		for _, c := range cells {
			if out := c.config.Rate * c.longest().Seconds(); out > load.MostInFlight/8 {
				t.Errorf("%s: %s has about %.0f requests out at a time: the load is given up at %d", name, c.name(), out, load.MostInFlight)
			}
		}
	}
}

func TestExpectations(t *testing.T) {
	second := time.Second
	for name, tc := range map[string]struct {
		cell cell
		want record.Expectation
	}{
		"Lameduck loses nothing":                 {newCell("g", "w", native(hold)), record.NoLoss},
		"nor as a wrapper":                       {newCell("g", "w", wrapper(hold)), record.NoLoss},
		"bare pods lose":                         {newCell("g", "w", bare()), record.Loss},
		"a graceful app loses too":               {newCell("g", "w", graceful()), record.Loss},
		"but not where the balancer is in time":  {newCell("g", "w", bare(), lags(0)), ""},
		"a short sleep loses":                    {newCell("g", "w", sleep(2*second)), record.Loss},
		"one node that is late is enough":        {newCell("g", "w", sleep(2*second), lags(second, 9*second)), record.Loss},
		"a sleep as long as the lag may":         {newCell("g", "w", sleep(5*second)), ""},
		"a long one need not":                    {newCell("g", "w", sleep(9*second)), ""},
		"retries may save all":                   {newCell("g", "w", bare(), retries(1)), ""},
		"few requests may all be lucky":          {newCell("g", "w", bare(), rate(1)), ""},
		"a fixed quiet time loses now and then":  {newCell("g", "w", fixed(hold)), record.LossAmong},
		"nothing is claimed of others' products": {newCell("g", "w", caddy(2*second)), ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.cell.expect(); got != tc.want {
				t.Errorf("%s should show %q, want %q", tc.cell.name(), got, tc.want)
			}
		})
	}
}

func TestSetupDescribesTheCell(t *testing.T) {
	c := newCell("g", "w", native(trial.Hold{Min: time.Second, Quiet: 2 * time.Second}),
		behind(balancer.Nginx), lags(time.Second, 3*time.Second), rate(0.2), poisson(7), retries(1), requests(mixed(20*time.Second)))
	s := c.setup()
	if s.Strategy != "lameduck" || s.Family != record.Lameduck || s.App != "abrupt" || s.Balancer != "nginx" || s.Lag() != 3*time.Second ||
		s.Rate != 0.2 || !s.Random || s.Seed != 7 || s.Retries != 1 || time.Duration(s.HoldQuiet) != 2*time.Second {
		t.Errorf("setup is %+v", s)
	}
	if got := strings.Join(s.Requests, ", ") + "; " + s.InFlight[3]; got != "GET keep-alive, POST keep-alive, GET new connection, POST new connection; 20s" {
		t.Errorf("requests are %s", got)
	}
	if c.config.Timeout != 40*time.Second {
		t.Errorf("a request of 20s is given up after %v", c.config.Timeout)
	}
}
