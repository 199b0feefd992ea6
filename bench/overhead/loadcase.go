package main

import (
	"context"
	"fmt"
	"time"

	"lameduck/bench/internal/wait"
)

// A cpuUnit is the unit of CPU times in the table.
type cpuUnit struct {
	Name   string
	Length time.Duration
	Digits int
}

var (
	microseconds      = cpuUnit{"µs", time.Microsecond, 1}
	milliseconds      = cpuUnit{"ms", time.Millisecond, 3}
	wholeMilliseconds = cpuUnit{"ms", time.Millisecond, 1}
)

// loadCase measures the cost of requests that are sent as fast as they are answered.
func loadCase(name, title string, share float64, l generator, unit cpuUnit) benchCase {
	return benchCase{
		Name:      name,
		Title:     title,
		Share:     share,
		Extra:     settleTime + startTime,
		RoundStep: 1,
		Direct:    true,
		Metrics: append(cpuMetrics(unit),
			metric{Name: "rate", Title: "requests per second", Digits: rateDigits(unit)},
			metric{Name: "busy", Title: "proxy's core in use", Unit: "%", Alone: true},
		),
		measure: ofInstance(func(
			ctx context.Context, b *bench, in *instance, d time.Duration,
		) (measurement, error) {
			return b.measureLoad(ctx, in, l, d, unit)
		}),
	}
}

// throughputCase measures how many requests one core forwards. It is a load case with more
// connections, so that the proxy is the limit if the load can be faster.
func throughputCase() benchCase {
	title := fmt.Sprintf("64-byte answers over %d keep-alive connections; ≥: the proxy's core was not fully used, "+
		"the load was the limit", throughputConnections)
	l := load{Path: "/small", Connections: throughputConnections}
	c := loadCase("throughput", title, 1.0/3, l, microseconds)
	c.Metrics = []metric{
		{Name: "rate", Title: "requests per second on one core", AtLeast: "busy"},
		{Name: "busy", Title: "proxy's core in use", Unit: "%", Alone: true},
	}
	for _, m := range cpuMetrics(microseconds) {
		m.Hidden = true
		c.Metrics = append(c.Metrics, m)
	}
	return c
}

// cpuMetrics returns the metrics of every case with a load.
func cpuMetrics(unit cpuUnit) []metric {
	return []metric{
		{Name: "cpu", Title: "CPU per request", Unit: unit.Name, Digits: unit.Digits},
		{
			Name: "cpu_whole", Title: "CPU per request, by /proc/PID/stat", Unit: unit.Name,
			Digits: unit.Digits, Hidden: true,
		},
		{Name: "instructions", Title: "instructions per request", Hidden: true},
		{Name: "foreign", Title: "proxy's core in use by others", Unit: "%", Hidden: true},
	}
}

// rateDigits returns 1 if there are only a few responses a second.
func rateDigits(unit cpuUnit) int {
	if unit == wholeMilliseconds {
		return 1
	}
	return 0
}

// settleTime is the pause after the load, so that the CPU time of closing connections is counted
// too.
const settleTime = 50 * time.Millisecond

// startTime estimates how long it takes to start and stop a load, for the progress display.
const startTime = 30 * time.Millisecond

// streamCase is a loadCase over h2c.
func streamCase(name string, spoken protocol, l streamLoad) benchCase {
	what := "64-byte answers over h2c"
	if l.Calls {
		what = fmt.Sprintf("unary gRPC calls with %d-byte messages", messageBytes)
	}
	streams := fmt.Sprintf("%d streams", l.Streams)
	if l.Streams == 1 {
		streams = "one stream"
	}
	title := fmt.Sprintf("%s, %d connections with %s at a time", what, l.Connections, streams)
	c := loadCase(name, title, 1.0/5, l, microseconds)
	c.Protocol, c.Load = spoken, h2loadTool()
	return c
}

func (b *bench) measureLoad(
	ctx context.Context, in *instance, l generator, d time.Duration, unit cpuUnit,
) (measurement, error) {
	return b.metered(ctx, groups(in), unit, func() (outcome, error) {
		return l.send(ctx, in.paths, d, b.cores.Others)
	})
}

// metered reads the meters of process groups before and after a load.
func (b *bench) metered(
	ctx context.Context, groups []int, unit cpuUnit, send func() (outcome, error),
) (measurement, error) {
	counter, err := b.countInstructions(ctx, groups)
	if err != nil {
		return measurement{}, err
	}
	before, err := b.readMeters(groups)
	if err != nil {
		return measurement{}, err
	}
	o, err := send()
	if err != nil {
		return measurement{}, err
	}
	if err := wait.For(ctx, settleTime); err != nil {
		return measurement{}, err
	}
	after, err := b.readMeters(groups)
	if err != nil {
		return measurement{}, err
	}
	if float64(o.Failed)*100 > o.Answers || o.Answers == 0 {
		return measurement{}, fmt.Errorf("%d requests failed and %.0f were answered", o.Failed, o.Answers)
	}
	m := evaluate(o, after.sub(before), len(groups) > 0, unit)
	instructions, err := counter.stop(ctx)
	if instructions > 0 {
		m.Values["instructions"] = instructions / o.Answers
	}
	return m, err
}

// meters are the clocks of a measurement.
type meters struct {
	Proxy usage
	Core  time.Duration // in use by any process
	Wall  time.Duration // since an arbitrary fixed moment
}

func (m meters) sub(earlier meters) meters {
	m.Proxy.Precise -= earlier.Proxy.Precise
	m.Proxy.Whole -= earlier.Proxy.Whole
	m.Core -= earlier.Core
	m.Wall -= earlier.Wall
	return m
}

func (b *bench) readMeters(groups []int) (meters, error) {
	m := meters{Wall: time.Since(b.began)}
	var err error
	if m.Core, err = coreUsage(b.cores.ProxyID); err != nil {
		return m, err
	}
	for _, group := range groups {
		u, err := groupUsage(group)
		if err != nil {
			return m, err
		}
		m.Proxy.Precise += u.Precise
		m.Proxy.Whole += u.Whole
	}
	return m, nil
}

// evaluate returns the values of a load case. Without a proxy there is only the rate.
func evaluate(o outcome, m meters, proxied bool, unit cpuUnit) measurement {
	result := measurement{Values: map[string]float64{"rate": o.Answers / o.Seconds}}
	if o.Failed > 0 {
		result.note("%d requests failed and %.0f were answered", o.Failed, o.Answers)
	}
	if !proxied {
		return result
	}
	perRequest := func(d time.Duration) float64 { return d.Seconds() / o.Answers / unit.Length.Seconds() }
	result.Values["cpu"] = perRequest(m.Proxy.Precise)
	result.Values["cpu_whole"] = perRequest(m.Proxy.Whole)
	result.Values["busy"] = 100 * m.Proxy.Precise.Seconds() / o.Seconds
	result.Values["foreign"] = 100 * max(0, m.Core-m.Proxy.Precise).Seconds() / m.Wall.Seconds()
	if gap := m.Proxy.Whole - m.Proxy.Precise; disagree(gap, m.Proxy.Whole) {
		result.note("/proc/PID/stat has %s more CPU time than the running threads: some have ended", gap)
	}
	return result
}

// disagree reports whether a gap exceeds four ticks (two processes, each read twice) and 2 % of
// drift between the two clocks of the kernel.
func disagree(gap, whole time.Duration) bool {
	return gap > 4*tick+whole/50
}
