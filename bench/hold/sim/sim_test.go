package sim

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"
)

// enoughMixes is a number of rollouts that takes seconds and shows the figures of a shape.
func enoughMixes(shape string) int {
	if shape == "cloud-quiet" {
		return 1000 // the share of early ends is close to its limit
	}
	return 400
}

func run(t *testing.T, shapes []Shape, rollouts, workers int) []Result {
	t.Helper()
	p := Plan{Shapes: shapes, Rollouts: rollouts, Seed: 1, Workers: workers, Progress: func(int) {}}
	results, err := p.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// outcome returns the outcome of a shape under a rule.
func (r *Result) outcome(rule string) *Outcome {
	i := slices.IndexFunc(Rules(), func(x Rule) bool { return x.Name == rule })
	return &r.Outcomes[i]
}

func TestTheHoldEndsWithTheTraffic(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes the arithmetic of one goroutine take minutes")
	}
	for _, shape := range Shapes() {
		if shape.Limits == (Limits{}) {
			continue
		}
		t.Run(shape.Name, func(t *testing.T) {
			t.Parallel()
			o := run(t, []Shape{shape}, enoughMixes(shape.Name), 1)[0].outcome("lameduck")
			p50, p90, early := o.After.Quantile(0.5), o.After.Quantile(0.9), o.Share(o.Early)
			t.Logf("%v and %v after the last request, %.2f %% early", p50, p90, 100*early)
			if l := shape.Limits; p50 > l.AfterP50 || p90 > l.AfterP90 {
				t.Errorf("the hold ended %v (p50) and %v (p90) after the last request, want at most %v and %v",
					p50, p90, l.AfterP50, l.AfterP90)
			}
			if early > shape.Limits.Early {
				t.Errorf("%.2f %% of rollouts have a request after the end, want at most %.2f %%",
					100*early, 100*shape.Limits.Early)
			}
		})
	}
}

// The simulation must detect rules that are known to be bad.
func TestOtherRulesEndTooEarlyOrTooLate(t *testing.T) {
	if raceEnabled {
		t.Skip("as above")
	}
	for shape, rules := range map[string]struct{ early, late []string }{
		"clusterip":   {late: []string{"longest-gap"}},
		"cloud":       {early: []string{"quiet-5", "sleep-15", "sleep-60"}, late: []string{"longest-gap"}},
		"cloud-quiet": {early: []string{"quiet-5", "quiet-15", "quiet-30"}},
		"slow-proxy":  {early: []string{"quiet-30", "sleep-15"}},
	} {
		s, err := Find(shape)
		if err != nil {
			t.Fatal(err)
		}
		r := run(t, []Shape{s}, 200, 1)[0]
		for _, rule := range rules.early {
			if o := r.outcome(rule); o.Share(o.Early) < 0.02 || o.Lost < o.Early {
				t.Errorf("%s, %s: %d rollouts of %d with %d requests after the end, want more", shape, rule,
					o.Early, o.Rollouts, o.Lost)
			}
		}
		for _, rule := range rules.late {
			if o := r.outcome(rule); o.After.Quantile(0.5) < 40*time.Second {
				t.Errorf("%s, %s: the hold ended %v after the last request, want more", shape, rule,
					o.After.Quantile(0.5))
			}
		}
	}
}

func TestResultsDoNotDependOnTheWorkers(t *testing.T) {
	shapes := measured()
	one := run(t, shapes, 150, 1)
	if four := run(t, shapes, 150, 4); !reflect.DeepEqual(one, four) {
		t.Error("four workers have other results than one")
	}
	for _, r := range one {
		for _, o := range r.Outcomes {
			if o.Rollouts != 150 {
				t.Errorf("%s: %d rollouts, want 150", r.Shape.Name, o.Rollouts)
			}
		}
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := Plan{Shapes: Shapes(), Rollouts: 1 << 30, Workers: 2, Progress: func(int) { cancel() }}
	if _, err := p.Run(ctx); err == nil {
		t.Error("no error, want one")
	}
}
