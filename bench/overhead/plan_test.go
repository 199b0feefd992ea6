package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func defaults(t *testing.T) options {
	t.Helper()
	opts, err := parseOptions(nil, &strings.Builder{})
	if err != nil {
		t.Fatal(err)
	}
	return opts
}

func TestPlanOfADefaultRunStaysUnderFiveMinutes(t *testing.T) {
	var sum time.Duration
	for _, s := range plan(defaults(t)) {
		sum += s.cost()
	}
	// The rest is for building, and for steps that take longer than planned.
	if limit := 4*time.Minute + 20*time.Second; sum > limit {
		t.Errorf("the plan takes %s, want at most %s", sum, limit)
	}
}

func TestPlanMeasuresEveryPeerOncePerRound(t *testing.T) {
	opts := defaults(t)
	count := map[string]int{}
	for _, s := range plan(opts) {
		if !s.discarded() {
			count[s.Case.Name+"/"+s.Peer.Name]++
		}
	}
	for name, want := range map[string]int{
		"keepalive/direct": 5, "keepalive/nginx": 5, "newconn/lameduck": 5,
		"idle/nginx": 1, "idle/direct": 0, "binary/nginx": 1, "binary/direct": 0,
	} {
		if count[name] != want {
			t.Errorf("%s is measured %d times, want %d", name, count[name], want)
		}
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
	steps := plan(defaults(t))
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

func TestProgressWithoutTerminalIsALineForEachRound(t *testing.T) {
	var out strings.Builder
	show := newProgress(&out)
	steps := []step{{Round: warmUp}, {Round: 0}, {Round: 0}, {Round: 1}}
	for i := range steps {
		show.step(steps, i, 0)
	}
	show.clear()
	if got := strings.Count(out.String(), "\n"); got != 3 || strings.Contains(out.String(), "\x1b") {
		t.Errorf("the progress is %q, want three plain lines", out.String())
	}
}
