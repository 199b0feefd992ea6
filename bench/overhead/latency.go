package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"lameduck/bench/internal/table"
)

// latencyCase measures latencies at a rate that leaves the proxy idle between requests.
func latencyCase(name string, rate int, share float64) benchCase {
	return benchCase{
		Name: name,
		Title: fmt.Sprintf("%s requests a second over %d keep-alive connections, each sent when it is due; "+
			"added: the difference from direct in the same round", table.Number(float64(rate), 0), latencyConnections),
		Share:     share,
		Extra:     settleTime + startTime,
		RoundStep: 1,
		Direct:    true,
		Rate:      rate,
		Program:   pacerProgram,
		Metrics: append([]metric{
			{Name: "p50", Title: "latency, median", Unit: "µs", Alone: true},
			{Name: "added_p50", Title: "added latency, median", Unit: "µs", Beyond: "p50"},
			{Name: "p99", Title: "latency, 99th percentile", Unit: "µs", Alone: true},
			{Name: "added_p99", Title: "added latency, 99th percentile", Unit: "µs", Beyond: "p99"},
			{Name: "late_p50", Title: "lateness of the load itself, median", Unit: "µs", Hidden: true},
			{Name: "late_p99", Title: "lateness of the load itself, 99th percentile", Unit: "µs", Hidden: true},
		}, cpuMetrics(microseconds)...),
		measure: ofInstance(func(
			ctx context.Context, b *bench, in *instance, d time.Duration,
		) (measurement, error) {
			return b.measureLatency(ctx, in, rate, d)
		}),
	}
}

// latencyConnections is enough to have a free connection for each request when it is due, even with
// the slowest peer.
const latencyConnections = 32

func (b *bench) measureLatency(ctx context.Context, in *instance, rate int, d time.Duration) (measurement, error) {
	var paced pacerSummary
	m, err := b.metered(ctx, groups(in), microseconds, func() (outcome, error) {
		var err error
		paced, err = b.pace(ctx, in.paths.Listen, rate, d)
		return outcome{Answers: paced.Requests, Seconds: paced.Seconds}, err
	})
	if err != nil {
		return measurement{}, err
	}
	m.Values["p50"], m.Values["p99"] = paced.P50, paced.P99
	m.Values["late_p50"], m.Values["late_p99"] = paced.LateP50, paced.LateP99
	return m, nil
}

// A pacerSummary is the output of the pacer. Times are in microseconds.
type pacerSummary struct {
	Requests float64 `json:"requests"`
	Seconds  float64 `json:"seconds"`
	P50      float64 `json:"p50"`
	P99      float64 `json:"p99"`
	LateP50  float64 `json:"late_p50"`
	LateP99  float64 `json:"late_p99"`
}

// pacerProgram is the load generator with a constant rate, which wrk does not support.
const pacerProgram = "lameduck/bench/overhead/pacer"

// pace runs the pacer against address, on the load's cores.
func (b *bench) pace(ctx context.Context, address string, rate int, d time.Duration) (pacerSummary, error) {
	// The preemption signals of Go's scheduler would interrupt ppoll(2).
	env := []string{"GODEBUG=asyncpreemptoff=1"}
	text, err := runOn(ctx, b.cores.Others, env, b.paths.built(pacerProgram),
		"-rate", fmt.Sprint(rate), "-duration", d.String(),
		"-connections", fmt.Sprint(latencyConnections), "http://"+address+"/small")
	if err != nil {
		return pacerSummary{}, err
	}
	return parsePacer(text)
}

func parsePacer(text []byte) (pacerSummary, error) {
	var s pacerSummary
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("read the output of pacer: %w", err)
	}
	if s.Requests == 0 || s.P99 == 0 {
		return s, fmt.Errorf("read the output of pacer: no latencies in %q", text)
	}
	return s, nil
}
