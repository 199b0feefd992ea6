package main

import (
	"strings"
	"testing"
	"time"

	"lameduck/bench/load"
	"lameduck/bench/matrix/record"
	"lameduck/bench/rollout"
)

func TestSummary(t *testing.T) {
	r := played(3*time.Second, 4*time.Second)
	r.Rollout.Replaced[0].Events = []rollout.Event{{Container: "app", Step: rollout.HookFailed, Detail: "EOF"}}
	s := newCell("g", "w", native(hold)).summary(r)
	if s.Requests != 100 || s.Lost != 10 || s.ByCause["502"] != 10 || s.LostInCalm != 0 || len(s.Failures) != 10 {
		t.Errorf("summary is %+v", s)
	}
	first := record.Failure{Sent: seconds(1), Lost: seconds(1.01), Request: "POST keep-alive", Cause: "502", Error: "502: gone"}
	if s.Failures[0] != first {
		t.Errorf("first failure %+v, want %+v", s.Failures[0], first)
	}
	if s.Calm.Requests != 20 || s.Rollout.Requests != 70 || s.Calm.P50 != seconds(0.02) {
		t.Errorf("latencies are %+v and %+v", s.Calm, s.Rollout)
	}
	if len(s.Hooks) != 1 || s.Hooks[0] != "container app: preStop failed: EOF" {
		t.Errorf("failed hooks are %q", s.Hooks)
	}
}

func TestPods(t *testing.T) {
	r := played(none, none)
	// The last request that can have reached the second pod is out for longer than the load
	// balancer needs, a later one for longer still, and one before them is never answered.
	r.Load.Samples[69].Took = 5 * time.Second
	r.Load.Samples[71].Took = 9 * time.Second
	r.Load.Samples[50].Took, r.Load.Samples[50].Cause, r.Load.Samples[50].Err = 30*time.Second, load.Timeout, errTest
	pods := newCell("g", "w", native(hold)).summary(r).Pods
	want := record.Pod{
		Addr: "127.0.0.1:2", T0: seconds(1), Took: seconds(6), Lag: seconds(4), Answered: seconds(6.9 + 5 - 3), Message: r.Messages["127.0.0.1:2"],
	}
	if len(pods) != 2 || pods[1].Required == nil || *pods[1].Required != seconds(2) {
		t.Fatalf("pods are %+v", pods)
	}
	pods[1].Required = nil
	if pods[1] != want {
		t.Errorf("pod is\n%+v, want\n%+v", pods[1], want)
	}
}

func TestBins(t *testing.T) {
	b := newCell("g", "w", native(hold)).summary(played(3*time.Second, 4*time.Second)).Bins
	// The load's start is 2 s before t0, and bins begin 5 s before it.
	if len(b) != 26 || b[0] != (record.Bin{At: seconds(-5)}) || b[5] != (record.Bin{At: seconds(-2.5)}) || b[6] != (record.Bin{At: seconds(-2), Sent: 5}) {
		t.Fatalf("bins are %+v", b)
	}
	if b[12] != (record.Bin{At: seconds(1), Sent: 5, Lost: 5}) || b[13].Lost != 5 || b[14].Lost != 0 {
		t.Errorf("losses are %+v", b[12:15])
	}
}

func TestLossInTheCalmIsSeen(t *testing.T) {
	s := newCell("g", "w", bare()).summary(played(0, time.Second))
	if s.LostInCalm != 10 {
		t.Errorf("%d were lost in the calm, want 10", s.LostInCalm)
	}
}

func TestChangeoversAreRecordedByThemselves(t *testing.T) {
	r := played(3*time.Second, 4*time.Second)
	for i, s := range r.Load.Samples {
		if s.Cause != "" && i%2 == 0 {
			r.Load.Samples[i].Cause = load.Changeover
		}
	}
	s := newCell("g", "w", native(hold)).summary(r)
	if s.Lost != 5 || len(s.ByCause) != 1 || s.ByCause["502"] != 5 || len(s.Failures) != 5 || s.LostInCalm != 0 {
		t.Errorf("losses are %d, %v, %v", s.Lost, s.ByCause, s.Failures)
	}
	first := record.Failure{Sent: seconds(1), Lost: seconds(1.01), Request: "POST keep-alive", Cause: "changeover", Error: "502: gone"}
	if s.Changeovers != 5 || len(s.Resets) != 5 || s.Resets[0] != first {
		t.Errorf("changeovers are %d, %v; want 5, the first %v", s.Changeovers, s.Resets, first)
	}
	if s.Rollout.Requests != 70 {
		t.Errorf("%d are counted as answered in the rollout, want 70", s.Rollout.Requests)
	}
	if b := s.Bins[12:14]; b[0].Lost+b[1].Lost != 5 {
		t.Errorf("bins are %+v, want 5 lost", b)
	}
	if said := line(s); !strings.Contains(said, ": 5 of 100 requests lost,") || !strings.Contains(said, ", 5 reset by the load balancer's changeover") {
		t.Errorf("got %q", said)
	}
}

func TestTrialWithoutAPod(t *testing.T) {
	r := played(none, none)
	r.Rollout.Replaced = nil
	if s := newCell("g", "w", bare()).summary(r); s.Requests != 100 || len(s.Pods) != 0 || s.Rollout.Requests != 0 {
		t.Errorf("summary is %+v", s)
	}
}

func TestRequiredSilence(t *testing.T) {
	for message, want := range map[string]float64{
		"drained in 7.1s (quiet; triggered by hook): 1234 exchanges after its start, the last one 5.01s after it; silence required: 2s; cut: 0 exchanges on 0 connections": 2,
		"silence required: 1m30.5s; cut: 0": 90.5,
		"silence required: 250ms":           0.25,
		"silence required: 0s; cut: 0":      0,
		"drained in 7.1s (quiet)":           -1,
		"silence required: soon":            -1,
		"":                                  -1,
	} {
		got := requiredSilence(message)
		if (got == nil) != (want < 0) || got != nil && *got != seconds(want) {
			t.Errorf("%q requires %v, want %v", message, got, want)
		}
	}
}

type testError string

func (e testError) Error() string { return string(e) }

const errTest = testError("test")

func seconds(v float64) record.Seconds {
	return record.Seconds(time.Duration(v * float64(time.Second)).Round(time.Microsecond))
}
