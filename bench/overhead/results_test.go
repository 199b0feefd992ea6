package main

import (
	"slices"
	"strings"
	"testing"
)

// latencies is a case whose p99 is shown beyond direct's.
func latencies() benchCase {
	return benchCase{Name: "latency", Metrics: []metric{{Name: "p99"}, {Name: "added_p99", Title: "added latency", Beyond: "p99"}}}
}

func TestAddedLatencyIsBeyondDirectInTheSameRound(t *testing.T) {
	r := &results{}
	r.find("latency", "nginx", "p99").Values = []float64{150, 900, 160}
	r.find("latency", direct, "p99").Values = []float64{100, 800, 110} // the second round was noisy for both
	r.find("latency", "caddy", "p99").Values = []float64{150}          // without direct in the same rounds
	r.derive([]benchCase{latencies()})
	if got := r.values("latency", "nginx", "added_p99"); !slices.Equal(got, []float64{50, 100, 50}) {
		t.Errorf("nginx adds %v, want 50, 100, 50", got)
	}
	for _, p := range []string{direct, "caddy"} {
		if got := r.values("latency", p, "added_p99"); got != nil {
			t.Errorf("%s adds %v, want no value", p, got)
		}
	}
	if len(r.notes) != 0 {
		t.Errorf("notes %q", r.notes)
	}
}

func TestAddedLatencyNeedsDirect(t *testing.T) {
	r := &results{}
	r.find("latency", "nginx", "p99").Values = []float64{150}
	r.derive([]benchCase{latencies()})
	if r.values("latency", "nginx", "added_p99") != nil || len(r.notes) != 1 || !strings.Contains(r.notes[0], "without the peer direct") {
		t.Errorf("notes %q", r.notes)
	}
}

func TestRatioOfDifferencesIsThatOfMedians(t *testing.T) {
	r := &results{}
	r.find("latency", lameduck, "added_p99").Values = []float64{50, 60, 40}
	r.find("latency", "nginx", "added_p99").Values = []float64{100, 1, 110} // any ratio, by the round
	r.find("latency", "caddy", "added_p99").Values = []float64{-10, -20, 30}
	m := latencies().Metrics[1]
	if got, ok := r.ratio("latency", "nginx", m); !ok || got != 0.5 {
		t.Errorf("ratio %v, %v, want 0.5", got, ok)
	}
	if got, ok := r.ratio("latency", "caddy", m); ok {
		t.Errorf("ratio to a peer that adds nothing: %v", got)
	}
}

func TestResultsKeepWhatWasMeasuredTogetherApart(t *testing.T) {
	r := &results{}
	s := step{Case: benchCase{Name: "idle", Metrics: []metric{{Name: "start"}}}, Peers: []peer{{Name: "nginx"}, {Name: lameduck}}}
	noted := measurement{Values: map[string]float64{"start": 10, "unknown": 1}}
	noted.note("a note")
	r.add(s, []measurement{{Values: map[string]float64{"start": 5}}, noted})
	if a, b := r.values("idle", "nginx", "start"), r.values("idle", lameduck, "start"); !slices.Equal(a, []float64{5}) || !slices.Equal(b, []float64{10}) {
		t.Errorf("values %v and %v, want 5 and 10", a, b)
	}
	if want := []string{"round 1, idle, lameduck: a note"}; !slices.Equal(r.notes, want) {
		t.Errorf("notes %q, want %q", r.notes, want)
	}
	if len(r.series) != 2 {
		t.Errorf("%d series, want 2", len(r.series))
	}
}

func TestAtLeast(t *testing.T) {
	r := &results{}
	r.find("throughput", "nginx", "busy").Values = []float64{90, 96, 97}
	r.find("throughput", lameduck, "busy").Values = []float64{90, 94, 97}
	m := metric{Name: "rate", AtLeast: "busy"}
	if r.atLeast("throughput", "nginx", m) || !r.atLeast("throughput", lameduck, m) {
		t.Error("a core in use for 96 % is the limit, and one for 94 % is not")
	}
	if r.atLeast("throughput", direct, m) || r.atLeast("throughput", lameduck, metric{Name: "cpu"}) {
		t.Error("there is a lower bound without a proxy, or for another metric")
	}
}
