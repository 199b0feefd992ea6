package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"lameduck/bench/load"
	"lameduck/bench/rollout"
	"lameduck/bench/trial"
)

// result returns a trial of n requests. The first ones were lost with the given causes, and the
// pods took the given time to terminate.
func result(strategy string, n int, took time.Duration, lost ...load.Cause) *trial.Result {
	start := time.Unix(1000, 0)
	r := &trial.Result{Strategy: strategy, Load: &load.Result{Start: start}}
	for i := range n {
		s := load.Sample{Due: time.Duration(i) * time.Second, Took: 50 * time.Millisecond, Request: load.Request{Method: "POST"}}
		if i < len(lost) {
			s.Cause, s.Err = lost[i], errors.New("gone")
		}
		r.Load.Samples = append(r.Load.Samples, s)
	}
	t0 := start.Add(time.Second)
	r.Rollout = rollout.Report{Began: start, Ended: t0.Add(took), Replaced: []rollout.Replaced{{
		Addr: "127.0.0.1:1", Termination: rollout.Termination{T0: t0, Took: took},
	}}}
	return r
}

// silent is a display without output.
type silent struct{}

func (silent) Show(string, time.Duration, time.Duration) {}
func (silent) Print(string)                              {}
func (silent) Finish()                                   {}

func TestFailedRunKeepsTheOutputOfThePods(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	err := run(t.Context(), options{lag: time.Second, rate: 1, app: "/missing", lameduck: "/missing"}, nil, silent{})
	if err == nil || !strings.Contains(err.Error(), "strategy bare: start pod pod0") {
		t.Fatalf("got %v, want the strategy and the pod named", err)
	}
	_, dir, _ := strings.Cut(strings.TrimSuffix(err.Error(), ")"), "the output of the pods is in ")
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("the directory that it names is not there: %v", err)
	}
}

func TestInterruptedRunLeavesNothing(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, options{lag: time.Second, rate: 1, replicas: 1}, nil, silent{}); err == nil {
		t.Error("an interrupted run succeeded")
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}

func TestShowEndsInTheVerdict(t *testing.T) {
	var out strings.Builder
	trials := []*trial.Result{result("bare", 9, 0, load.Reset), result("lameduck", 9, 0, load.Reset)}
	if err := (options{}).show(&out, trials); err == nil {
		t.Error("lameduck lost a request, but the demo succeeded")
	}
	if !strings.Contains(out.String(), "lameduck") {
		t.Error("no table")
	}
}
