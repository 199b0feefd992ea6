package main

import (
	"fmt"
	"regexp"
	"time"

	"lameduck/bench/load"
	"lameduck/bench/matrix/record"
	"lameduck/bench/trial"
)

const (
	// before is the time of the first bin before the first t0.
	before = 5 * time.Second
	// mostFailures is how many failures of a cell, and how many resets, are recorded individually.
	// The bins count all of them.
	mostFailures = 10
)

// summary returns the record of the cell's trial.
func (c cell) summary(r *trial.Result) record.Cell {
	t0 := firstT0(r)
	s := record.Cell{
		Name: c.name(), Group: c.group, Expect: c.expect(), Setup: c.setup(),
		Requests: r.Load.Requests(), ByCause: map[string]int{},
		Bins: bins(r.Load, t0), Pods: pods(r, t0),
		Calm:    latency(r.Load.Between(0, t0)),
		Rollout: latency(r.Load.Between(t0, 1<<62)),
	}
	for _, f := range r.Load.Failures() {
		s.Lost++
		s.ByCause[string(f.Cause)]++
		if f.Ended() < t0 {
			s.LostInCalm++
		}
		if s.Lost <= mostFailures {
			s.Failures = append(s.Failures, failure(f, t0))
		}
	}
	for _, f := range r.Load.Changeovers() {
		s.Changeovers++
		if s.Changeovers <= mostFailures {
			s.Resets = append(s.Resets, failure(f, t0))
		}
	}
	for _, e := range r.FailedHooks() {
		s.Hooks = append(s.Hooks, fmt.Sprintf("container %s: %s: %s", e.Container, e.Step, e.Detail))
	}
	return s
}

// firstT0 returns when the first termination began, counted from the load's start. It is the load's
// end if there was none.
func firstT0(r *trial.Result) time.Duration {
	if pods := r.Pods(); len(pods) > 0 {
		return pods[0].T0
	}
	return end(r.Load)
}

// end returns when the last request was sent, answered or failed.
func end(l *load.Result) time.Duration {
	var last time.Duration
	for _, s := range l.Samples {
		last = max(last, s.Ended())
	}
	return last
}

// bins counts requests by when they were sent and when they were lost.
func bins(l *load.Result, t0 time.Duration) []record.Bin {
	index := func(at time.Duration) int {
		since := at - t0 + before
		if since < 0 {
			return -1
		}
		return int(since / record.BinWidth)
	}
	all := make([]record.Bin, index(max(end(l), t0))+1)
	for i := range all {
		all[i].At = record.Seconds(time.Duration(i)*record.BinWidth - before)
	}
	for _, s := range l.Samples {
		if i := index(s.Due); i >= 0 {
			all[i].Sent++
		}
		if i := index(s.Ended()); s.Lost() && i >= 0 {
			all[i].Lost++
		}
	}
	return all
}

func failure(s load.Sample, t0 time.Duration) record.Failure {
	return record.Failure{
		Sent: record.Seconds(s.Due - t0), Lost: record.Seconds(s.Ended() - t0),
		Request: s.Request.String(), Cause: string(s.Cause), Error: s.Err.Error(),
	}
}

func latency(l *load.Result) record.Latency {
	q := record.Each(l.Latency(0.5, 0.99, 0.999, 1))
	answered := l.Requests() - len(l.Failures()) - len(l.Changeovers())
	return record.Latency{Requests: answered, P50: q[0], P99: q[1], P999: q[2], Max: q[3]}
}

func pods(r *trial.Result, first time.Duration) []record.Pod {
	var all []record.Pod
	for _, p := range r.Pods() {
		all = append(all, record.Pod{
			Addr: p.Addr, T0: record.Seconds(p.T0 - first), Took: record.Seconds(p.Took),
			Lag: record.Seconds(p.Lag), Answered: record.Seconds(lastAnswer(r.Load, p.T0+p.Lag) - p.T0),
			Required: requiredSilence(r.Messages[p.Addr]), Message: r.Messages[p.Addr],
		})
	}
	return all
}

// lastAnswer returns the time of the last answer to a request that was sent up to the given time.
func lastAnswer(l *load.Result, sent time.Duration) time.Duration {
	var last time.Duration
	for _, s := range l.Samples {
		if s.Due <= sent && s.Cause == "" {
			last = max(last, s.Ended())
		}
	}
	return last
}

var silencePattern = regexp.MustCompile(`silence required: ([0-9a-zµ.]+)`)

// requiredSilence returns the required silence in a termination message, or nil if there is none.
func requiredSilence(message string) *record.Seconds {
	m := silencePattern.FindStringSubmatch(message)
	if m == nil {
		return nil
	}
	d, err := time.ParseDuration(m[1])
	if err != nil {
		return nil
	}
	return (*record.Seconds)(&d)
}
