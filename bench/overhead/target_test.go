package main

import (
	"strings"
	"testing"
)

// fill gives lameduck 10 and every other peer others in each metric that has a
// target.
func fill(r *results, others float64) {
	for _, t := range targets() {
		for name, v := range map[string]float64{lameduck: 10, t.Peer: others} {
			if name != "" {
				r.find(t.Case, name, t.Metric).Values = []float64{v}
			}
		}
	}
}

func TestTargetsHold(t *testing.T) {
	r := &results{}
	fill(r, 30) // 10 is 0.33 of it
	verdicts := judge(r, allCases())
	if len(verdicts) != len(targets()) {
		t.Errorf("%d targets were judged, want %d", len(verdicts), len(targets()))
	}
	if err := missed(verdicts); err != nil {
		t.Errorf("%v:\n%s", err, verdictList(verdicts))
	}
}

func TestTargetsMissed(t *testing.T) {
	r := &results{}
	fill(r, 9.9) // and 10 is the limit of memory per connection, and below the others
	verdicts := judge(r, allCases())
	if err := missed(verdicts); err == nil || err.Error() != "5 of 8 targets do not hold" {
		t.Errorf("the guard says %v, want 5 of 8 missed:\n%s", err, verdictList(verdicts))
	}
	const want = "- missed: keepalive: CPU per request of lameduck is 1.01 of nginx (10.0 and 9.9 µs), at most 1.00 is wanted\n"
	if got := verdictList(verdicts); !strings.Contains(got, want) {
		t.Errorf("the list has no %q:\n%s", want, got)
	}
}

func TestTargetsThatWereNotMeasuredAreMissed(t *testing.T) {
	verdicts := judge(&results{}, allCases())
	for _, v := range verdicts {
		if v.Holds || v.Measured || !strings.Contains(v.Sentence, "not measured") {
			t.Errorf("nothing was measured, and still: %+v", v)
		}
	}
	if missed(verdicts) == nil {
		t.Error("the guard lets an empty run pass")
	}
}

func TestTargetsOfOtherCasesAreLeftOut(t *testing.T) {
	r := &results{}
	fill(r, 100)
	verdicts := judge(r, []benchCase{binaryCase()})
	if len(verdicts) != 1 || missed(verdicts) != nil {
		t.Errorf("the verdicts for the binary alone are %+v", verdicts)
	}
	if missed(nil) == nil {
		t.Error("a guard with nothing to guard passes")
	}
}

func TestEveryTargetNamesWhatIsMeasured(t *testing.T) {
	for _, target := range targets() {
		if findMetric(allCases(), target.Case, target.Metric) == (metric{}) {
			t.Errorf("no case measures %s of %s", target.Metric, target.Case)
		}
		if _, err := choose("peer", allPeers(), func(p peer) string { return p.Name }, target.Peer); target.Peer != "" && err != nil {
			t.Error(err)
		}
	}
}
