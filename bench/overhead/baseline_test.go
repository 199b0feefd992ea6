package main

import (
	"path/filepath"
	"strings"
	"testing"

	"lameduck/bench/overhead/record"
)

// ratiosOf returns a report with ratios of lameduck to peers, by case/peer/metric.
func ratiosOf(ratios map[string]float64) report {
	r := report{Cases: []record.Case{{Name: "keepalive"}, {Name: "newconn"}}}
	for name, ratio := range ratios {
		parts := strings.Split(name, "/")
		r.Series = append(r.Series, record.Series{Case: parts[0], Peer: parts[1], Metric: parts[2], Ratio: ratio})
	}
	return r
}

func TestACostHasGrownOnlyIfItHasBesideEveryPeer(t *testing.T) {
	base := newBaseline(ratiosOf(map[string]float64{"keepalive/nginx/cpu": 0.9, "keepalive/haproxy-tcp/cpu": 1.0}))
	for _, c := range []struct {
		nginx, haproxy float64
		holds          bool
	}{
		{0.9, 1.0, true},
		{0.98, 1.09, true},  // 9 % more
		{1.2, 1.05, true},   // nginx was measured in a fast phase
		{1.0, 1.12, false},  // 11 % more beside both
		{0.45, 0.5, true},   // less is not a regression
		{1.8, 2.0, false},   // twice as much
		{0.991, 1.2, false}, // at least 10.1 %
	} {
		verdicts := base.regressions(ratiosOf(map[string]float64{
			"keepalive/nginx/cpu": c.nginx, "keepalive/haproxy-tcp/cpu": c.haproxy,
		}))
		if len(verdicts) != 1 || verdicts[0].Holds != c.holds {
			t.Errorf("%v of nginx and %v of haproxy: %+v, want %v", c.nginx, c.haproxy, verdicts, c.holds)
		}
	}
}

func TestInstructionsAreComparedBeforeTime(t *testing.T) {
	base := newBaseline(ratiosOf(map[string]float64{"keepalive/nginx/cpu": 1, "keepalive/nginx/instructions": 1}))
	for instructions, want := range map[float64]string{
		0:    "keepalive: CPU per request of lameduck is 1.05 of nginx (baseline 1.00)", // cannot be counted here
		1.02: "keepalive: instructions per request of lameduck is 1.02 of nginx (baseline 1.00): at least 1.02 of the baseline, must be at most 1.03",
		1.04: "keepalive: instructions per request of lameduck is 1.04",
	} {
		verdicts := base.regressions(ratiosOf(map[string]float64{
			"keepalive/nginx/cpu": 1.05, "keepalive/nginx/instructions": instructions,
		}))
		if len(verdicts) != 1 || !strings.HasPrefix(verdicts[0].Sentence, want) || verdicts[0].Holds != (instructions < 1.03) {
			t.Errorf("with %v of the instructions: %+v, want %q", instructions, verdicts, want)
		}
	}
}

func TestBaselineIsWrittenAndRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "baseline.json")
	now := ratiosOf(map[string]float64{"newconn/nginx/cpu": 1.5, "newconn/nginx/rate": 3, "newconn/caddy/cpu": 0})
	if _, err := checkBaseline(now, path, false); err == nil || !strings.Contains(err.Error(), "read the baseline") {
		t.Errorf("without a baseline the error is %v", err)
	}
	if _, err := checkBaseline(now, path, true); err != nil {
		t.Fatal(err)
	}
	verdicts, err := checkBaseline(now, path, false)
	if err != nil || len(verdicts) != 1 || !verdicts[0].Holds {
		t.Errorf("beside its own baseline: %+v, %v", verdicts, err)
	}
	grown := ratiosOf(map[string]float64{"newconn/nginx/cpu": 3})
	if _, err := checkBaseline(grown, path, false); err == nil || err.Error() != "1 of 1 costs have grown" {
		t.Errorf("a cost that has doubled: %v", err)
	}
	other := ratiosOf(map[string]float64{"keepalive/nginx/cpu": 1})
	if _, err := checkBaseline(other, path, false); err == nil || !strings.Contains(err.Error(), "-regress: none of") {
		t.Errorf("nothing to compare: %v", err)
	}
}

func TestTheCommittedBaselineHasItsPreset(t *testing.T) {
	opts := optionsOf(t, "-regress")
	r := report{}
	for _, c := range opts.Cases {
		r.Cases = append(r.Cases, record.Case{Name: c.Name})
		for _, p := range opts.Peers {
			r.Series = append(r.Series, record.Series{Case: c.Name, Peer: p.Name, Metric: "cpu", Ratio: 0.001})
		}
	}
	verdicts, err := checkBaseline(r, filepath.Join("..", "..", baselinePath), false)
	if err != nil || len(verdicts) != len(opts.Cases) {
		t.Errorf("%d of %d cases are in the baseline, %v", len(verdicts), len(opts.Cases), err)
	}
}

func TestCPUTimesOfABusyMachineAreNotCompared(t *testing.T) {
	path := filepath.Join(t.TempDir(), "baseline.json")
	r := ratiosOf(map[string]float64{"keepalive/nginx/cpu": 1})
	r.Series = append(r.Series, record.Series{Metric: "foreign", Values: []float64{2, 40, 50}})
	for _, update := range []bool{true, false} {
		if _, err := checkBaseline(r, path, update); err == nil || !strings.Contains(err.Error(), "used 40 % of the proxy's core") {
			t.Errorf("update %t on a busy machine: %v", update, err)
		}
	}
	r.Series = append(r.Series, record.Series{Metric: "instructions", Values: []float64{1000}})
	if _, err := checkBaseline(r, path, true); err != nil {
		t.Errorf("instructions of a busy machine: %v", err)
	}
}
