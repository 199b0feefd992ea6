package main

import (
	"slices"
	"strings"
	"testing"
)

// everyone has asked for every peer.
func everyone() []string { return peerNames(allPeers()) }

// fill gives lameduck 10 and every other peer others in each metric that has a
// target.
func fill(r *results, others float64) {
	for _, t := range targets() {
		r.find(t.Case, lameduck, t.Metric).Values = []float64{10}
		for _, p := range t.Peers {
			r.find(t.Case, p, t.Metric).Values = []float64{others}
		}
	}
}

func TestTargetsHold(t *testing.T) {
	r := &results{}
	fill(r, 30) // 10 is 0.33 of it
	verdicts := judge(r, allCases(), everyone())
	if len(verdicts) != len(targets()) {
		t.Errorf("%d targets were judged, want %d", len(verdicts), len(targets()))
	}
	if err := missed(verdicts); err != nil {
		t.Errorf("%v:\n%s", err, verdictList(verdicts))
	}
}

func TestTargetsMissed(t *testing.T) {
	r := &results{}
	fill(r, 9.5) // and 10 is the limit of memory per connection, and below the others
	verdicts := judge(r, allCases(), everyone())
	if err := missed(verdicts); err == nil || err.Error() != "37 of 44 targets are missed" {
		t.Errorf("guard: %v, want 37 of 44 missed:\n%s", err, verdictList(verdicts))
	}
	const want = "- missed: keepalive: CPU per request of lameduck is 1.05 of nginx (10.0 and 9.5 µs), must be at most 1.00 of nginx\n"
	if got := verdictList(verdicts); !strings.Contains(got, want) {
		t.Errorf("the list has no %q:\n%s", want, got)
	}
}

func TestTargetAgainstTheBetterOfTwo(t *testing.T) {
	latency := slices.DeleteFunc(targets(), func(t target) bool { return t.Case != "latency" })
	latency = slices.DeleteFunc(latency, func(t target) bool { return t.Metric != "added_p99" })
	if len(latency) != 1 {
		t.Fatalf("%d targets for latency", len(latency))
	}
	for ours, want := range map[float64]string{
		104: "latency: added latency, 99th percentile of lameduck is 1.04 of haproxy-http (104 and 100 µs), must be at most 1.05 of the better of nginx and haproxy-http",
		106: "latency: added latency, 99th percentile of lameduck is 1.06 of haproxy-http (106 and 100 µs), must be at most 1.05 of the better of nginx and haproxy-http",
	} {
		r := &results{}
		for peer, v := range map[string]float64{lameduck: ours, "nginx": 300, "haproxy-http": 100} {
			r.find("latency", peer, "added_p99").Values = []float64{v}
		}
		if got := latency[0].judge(r, findMetric(allCases(), "latency", "added_p99")); got.Sentence != want || got.Holds != (ours < 105) {
			t.Errorf("verdict %+v, want %q", got, want)
		}
	}
}

func TestTheBetterOfTwoNeedsBoth(t *testing.T) {
	r := &results{}
	for peer, v := range map[string]float64{lameduck: 10, "nginx": 300} {
		r.find("latency", peer, "added_p99").Values = []float64{v}
	}
	for _, v := range judge(r, []benchCase{latencyCase("latency", 2000, 1)}, everyone()) {
		if v.Holds || v.Measured {
			t.Errorf("haproxy was not measured, and still: %+v", v)
		}
	}
}

func TestTargetsThatWereNotMeasuredAreMissed(t *testing.T) {
	verdicts := judge(&results{}, allCases(), everyone())
	for _, v := range verdicts {
		if v.Holds || v.Measured || !strings.Contains(v.Sentence, "not measured") {
			t.Errorf("verdicts without a measurement: %+v", v)
		}
	}
	if missed(verdicts) == nil {
		t.Error("the guard accepts an empty run")
	}
}

func TestTargetsOfOtherCasesAndPeersAreLeftOut(t *testing.T) {
	r := &results{}
	fill(r, 100)
	verdicts := judge(r, []benchCase{binaryCase()}, everyone())
	if len(verdicts) != 1 || missed(verdicts) != nil {
		t.Errorf("verdicts for the binary alone: %+v", verdicts)
	}
	verdicts = judge(r, allCases(), []string{"nginx", lameduck})
	if len(verdicts) != 18 || strings.Contains(verdictList(verdicts), "caddy") {
		t.Errorf("verdicts beside nginx only: %s", verdictList(verdicts))
	}
	if missed(nil) == nil {
		t.Error("a guard without targets succeeds")
	}
}

func TestEveryTargetNamesWhatIsMeasured(t *testing.T) {
	for _, target := range targets() {
		if findMetric(allCases(), target.Case, target.Metric) == (metric{}) {
			t.Errorf("no case measures %s of %s", target.Metric, target.Case)
		}
		if !target.concerns(everyone()) {
			t.Errorf("not all of %v are peers", target.Peers)
		}
	}
}
