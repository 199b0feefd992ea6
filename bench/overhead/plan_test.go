package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// optionsOf returns the options of flags, on a machine with few descriptors
// or many.
func optionsOf(t *testing.T, flags string) options {
	t.Helper()
	opts, err := parseOptions(strings.Fields(flags), &strings.Builder{})
	if err != nil {
		t.Fatal(err)
	}
	return opts
}

func TestPlansStayWithinTheirTime(t *testing.T) {
	// The rest of two, 12 and 35 minutes is for building, and for steps that take longer than
	// planned.
	for flags, limit := range map[string]time.Duration{
		"-quick": 110 * time.Second, "": 32 * time.Minute, "-table cost": 11 * time.Minute, "-regress": time.Minute,
	} {
		var sum time.Duration
		for _, s := range plan(optionsOf(t, flags)) {
			sum += s.cost()
		}
		t.Logf("%q takes %s", flags, sum)
		if sum > limit {
			t.Errorf("the plan of %q takes %s, want at most %s", flags, sum, limit)
		}
	}
}

func TestPlanMeasuresEveryPeerOncePerRound(t *testing.T) {
	opts := optionsOf(t, "")
	count := map[string]int{}
	for _, s := range plan(opts) {
		for _, p := range s.Peers {
			if !s.discarded() {
				count[s.Case.Name+"/"+p.Name]++
			}
		}
	}
	for name, want := range map[string]int{
		"keepalive/direct": 5, "keepalive/nginx": 5, "newconn/lameduck": 5, "latency/direct": 5, "throughput/caddy": 5,
		"h2c/nginx": 5, "h2c/nginx-nopool": 0, "grpc/lameduck": 5, "grpc-go/lameduck": 1, "ws-up/caddy": 5, "tcp-up/caddy": 0, "tcp-up/haproxy-tcp": 5, "keepalive/haproxy-splice": 0, "ws-idle10k/lameduck": 1, "idle/nginx": 3, "idle/direct": 0, "idle10k/lameduck": 1, "binary/nginx": 1, "binary/direct": 0,
	} {
		if count[name] != want {
			t.Errorf("%s is measured %d times, want %d", name, count[name], want)
		}
	}
}

func TestPlanMeasuresApartBeforeAnyLoad(t *testing.T) {
	loaded := false
	for _, s := range plan(optionsOf(t, "")) {
		loaded = loaded || !s.Case.Standalone
		if loaded && s.Case.Standalone {
			t.Errorf("%s is after a load", s)
		}
	}
}

func TestPlanMeasuresIdlePeersTogether(t *testing.T) {
	opts := optionsOf(t, "-cases idle -rounds 1")
	opts.Cases[0].Batch = 4
	var sizes []int
	for _, s := range plan(opts) {
		sizes = append(sizes, len(s.Peers))
		if want := 4*s.Case.Extra + s.Case.Wait; len(s.Peers) == 4 && s.cost() != want {
			t.Errorf("%s takes %s, want %s", s, s.cost(), want)
		}
	}
	if !slices.Equal(sizes, []int{4, 4, 1}) {
		t.Errorf("nine proxies are measured in groups of %v", sizes)
	}
}

func TestPlanTakesPeersInAnotherOrderEachRound(t *testing.T) {
	var orders [][]string
	for round := range 5 {
		order := peerNames(shuffled(allPeers(), round))
		if slices.ContainsFunc(orders, func(o []string) bool { return slices.Equal(o, order) }) {
			t.Errorf("round %d repeats the order %v", round, order)
		}
		orders = append(orders, order)
	}
	if again := peerNames(shuffled(allPeers(), 0)); !slices.Equal(again, orders[0]) {
		t.Errorf("the same round has the orders %v and %v", orders[0], again)
	}
}

func TestPlanThrowsTheWarmUpAway(t *testing.T) {
	steps := plan(optionsOf(t, "-cases keepalive,newconn"))
	if !steps[0].discarded() || steps[len(steps)-1].discarded() {
		t.Error("the run does not begin, or ends, with a warm-up")
	}
	for _, s := range steps {
		if s.discarded() && s.Duration != warmTime {
			t.Errorf("%s takes %s", s, s.Duration)
		}
	}
}

func TestTimeLeftLearnsFromWhatStepsTook(t *testing.T) {
	steps := make([]step, 4)
	for i := range steps {
		steps[i].Duration = time.Second
	}
	for _, c := range []struct {
		i       int
		elapsed time.Duration
		want    time.Duration
	}{
		{0, 0, 4 * time.Second},
		{2, 2 * time.Second, 2 * time.Second},
		{2, 6 * time.Second, 6 * time.Second},
	} {
		if got := timeLeft(steps, c.i, c.elapsed); got != c.want {
			t.Errorf("before step %d, after %s, %s are left, want %s", c.i, c.elapsed, got, c.want)
		}
	}
}
