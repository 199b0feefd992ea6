package main

import (
	"fmt"
	"time"

	"lameduck/bench/internal/jsonfile"
	"lameduck/bench/load"
	"lameduck/bench/rollout"
	"lameduck/bench/trial"
)

// report is the JSON form of the results. Names end in their unit: _s is seconds.
type report struct {
	Lag      secs          `json:"lag_s"`
	Rate     float64       `json:"rate_per_s"`
	Replicas int           `json:"replicas"`
	Retries  int           `json:"retries"`
	Trials   []trialReport `json:"trials"`
}

type trialReport struct {
	Strategy     string             `json:"strategy"`
	Requests     int                `json:"requests"`
	Lost         int                `json:"lost"`
	ByCause      map[load.Cause]int `json:"lost_by_cause"`
	Changeovers  int                `json:"changeovers"` // see load.Changeover
	Latency      latencyReport      `json:"latency"`
	Rollout      secs               `json:"rollout_s"`
	Terminations []podReport        `json:"terminations"`
	Failures     []failureReport    `json:"failures"`
}

// latencyReport has the latencies of the answered requests, from the times at which they were due.
type latencyReport struct {
	P50  secs `json:"p50_s"`
	P99  secs `json:"p99_s"`
	P999 secs `json:"p99_9_s"`
}

type podReport struct {
	Addr   string        `json:"addr"`
	T0     secs          `json:"t0_s"` // since the load's start
	Took   secs          `json:"took_s"`
	Events []eventReport `json:"events"`
	// Lag is the true lag of the load balancer for this pod.
	Lag secs `json:"lag_s"`
}

type eventReport struct {
	After     secs   `json:"after_s"`
	Container string `json:"container"`
	Step      string `json:"step"`
	Detail    string `json:"detail,omitempty"`
}

type failureReport struct {
	At      secs   `json:"at_s"`       // since the load's start
	SinceT0 *secs  `json:"since_t0_s"` // since the latest t0 of a pod; null before the first
	Request string `json:"request"`
	Cause   string `json:"cause"`
	Error   string `json:"error"`
}

// secs is a duration that is encoded in seconds.
type secs time.Duration

func (s secs) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "%.6f", time.Duration(s).Seconds()), nil
}

// writeReport writes all measurements to a file.
func writeReport(path string, o options, trials []*trial.Result) error {
	r := report{Lag: secs(o.lag), Rate: o.rate, Replicas: o.replicas, Retries: o.retries}
	for _, t := range trials {
		r.Trials = append(r.Trials, reportTrial(t))
	}
	if err := jsonfile.Write(path, r); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

func reportTrial(t *trial.Result) trialReport {
	q := t.Load.Latency(0.5, 0.99, 0.999)
	r := trialReport{
		Strategy:    t.Strategy,
		Requests:    t.Load.Requests(),
		Lost:        t.Lost(),
		ByCause:     t.Load.ByCause(),
		Changeovers: t.Changeovers(),
		Latency:     latencyReport{secs(q[0]), secs(q[1]), secs(q[2])},
		Rollout:     secs(t.RolloutTook()),
	}
	for _, p := range t.Rollout.Replaced {
		r.Terminations = append(r.Terminations, reportPod(t, p))
	}
	for _, s := range t.Load.Failures() {
		r.Failures = append(r.Failures, reportFailure(t, s))
	}
	return r
}

func reportPod(t *trial.Result, p rollout.Replaced) podReport {
	r := podReport{Addr: p.Addr, T0: secs(p.T0.Sub(t.Load.Start)), Took: secs(p.Took)}
	for _, e := range p.Events {
		r.Events = append(r.Events, eventReport{secs(e.After), e.Container, string(e.Step), e.Detail})
	}
	for _, m := range t.Removals {
		if m.Addr == p.Addr {
			r.Lag = secs(m.Done.Sub(p.T0))
		}
	}
	return r
}

func reportFailure(t *trial.Result, s load.Sample) failureReport {
	r := failureReport{
		At: secs(s.Ended()), Request: s.Request.String(), Cause: string(s.Cause), Error: s.Err.Error(),
	}
	if since, after := t.SinceT0(s); after {
		r.SinceT0 = (*secs)(&since)
	}
	return r
}
