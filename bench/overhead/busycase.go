package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"lameduck/bench/internal/table"
	"lameduck/bench/internal/wait"
)

// crowdProgram is the load generator with thousands of busy connections. wrk opens all of them at
// once, which overflows backlogs, so that its latencies include retransmissions.
const crowdProgram = "lameduck/bench/overhead/crowd"

// busyCase measures latency and memory with a request in flight on each of many connections.
func busyCase(name string, connections, roundStep int, share float64) benchCase {
	return benchCase{
		Name: name,
		Title: fmt.Sprintf("64-byte answers, %s connections with a request in flight on each all the time",
			table.Number(float64(connections), 0)),
		Share:       share,
		Extra:       idleStart + time.Duration(connections)*idleTraffic/2,
		RoundStep:   roundStep,
		Standalone:  true,
		Direct:      true,
		Only:        append(mostUsed(), direct),
		Program:     crowdProgram,
		Connections: connections,
		Metrics: append([]metric{
			{Name: "p50", Title: "latency, median", Unit: "ms"},
			{Name: "p99", Title: "latency, 99th percentile", Unit: "ms"},
			{Name: "resident", Title: "resident with busy connections", Unit: "MB", Digits: 1},
			{Name: "perconn", Title: "resident per busy connection", Unit: "KB", Digits: 1},
			{Name: "rate", Title: "requests per second"},
		}, cpuMetrics(microseconds)...),
		measure: func(ctx context.Context, b *bench, s step) ([]measurement, error) {
			m, err := b.measureBusy(ctx, s.Peers[0], s.Case, s.Duration)
			return []measurement{m}, err
		},
	}
}

// measureBusy measures a new instance, since memory depends on what a process has done before.
func (b *bench) measureBusy(ctx context.Context, p peer, c benchCase, d time.Duration) (measurement, error) {
	in, err := b.startInstance(ctx, p, c.Protocol, c.Connections)
	if err != nil {
		return measurement{}, err
	}
	defer in.stop()
	if err := wait.For(ctx, idleStart); err != nil {
		return measurement{}, err
	}
	start, err := instanceMemory(in)
	if err != nil {
		return measurement{}, err
	}
	var s crowdSummary
	var most memory
	m, err := b.metered(ctx, groups(in), microseconds, func() (outcome, error) {
		stop := b.watchMemory(in, &most)
		defer stop()
		var err error
		s, err = b.crowd(ctx, in.paths.Listen, c.Connections, d)
		return outcome{Answers: s.Requests, Seconds: s.Seconds}, err
	})
	if err != nil {
		return measurement{}, err
	}
	m.Values["p50"], m.Values["p99"] = s.P50/1e3, s.P99/1e3
	if in.process != nil {
		m.Values["resident"] = most.RSS / 1e6
		m.Values["perconn"] = (most.RSS - start.RSS) / float64(c.Connections) / 1e3
	}
	return m, nil
}

// watchPeriod is the time between two readings of the memory of a busy proxy.
const watchPeriod = 250 * time.Millisecond

// watchMemory keeps the largest memory of an instance until the returned function is called. A
// reading that fails counts as none.
func (b *bench) watchMemory(in *instance, most *memory) (stop func()) {
	stopc, donec := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(donec)
		for tick := time.NewTicker(watchPeriod); ; {
			select {
			case <-stopc:
				tick.Stop()
				return
			case <-tick.C:
			}
			if m, err := instanceMemory(in); err == nil && m.RSS > most.RSS {
				*most = m
			}
		}
	}()
	return func() {
		close(stopc)
		<-donec
	}
}

// instanceMemory returns no memory if there is no process.
func instanceMemory(in *instance) (memory, error) {
	if in.process == nil {
		return memory{}, nil
	}
	return groupMemory(in.process.PID())
}

// A crowdSummary is the output of the crowd. Latencies are in microseconds.
type crowdSummary struct {
	Requests float64 `json:"requests"`
	Seconds  float64 `json:"seconds"`
	P50      float64 `json:"p50"`
	P99      float64 `json:"p99"`
}

// crowd runs the crowd on the load's cores.
func (b *bench) crowd(ctx context.Context, address string, connections int, d time.Duration) (crowdSummary, error) {
	// The preemption signals of Go's scheduler would interrupt epoll_wait(2).
	env := []string{"GODEBUG=asyncpreemptoff=1"}
	text, err := runOn(ctx, b.cores.Others, env, b.paths.built(crowdProgram),
		"-duration", d.String(), "-connections", strconv.Itoa(connections), address)
	if err != nil {
		return crowdSummary{}, err
	}
	return parseCrowd(text)
}

func parseCrowd(text []byte) (crowdSummary, error) {
	var s crowdSummary
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("read the output of crowd: %w", err)
	}
	if s.Requests == 0 || s.P99 == 0 {
		return s, fmt.Errorf("read the output of crowd: no latencies in %q", text)
	}
	return s, nil
}
