package main

import (
	"context"
	"fmt"
	"time"
)

// A cpuUnit is what CPU time is shown in.
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

// loadCase measures what requests cost while they are sent as fast as they are
// answered.
func loadCase(name, title string, share float64, l generator, unit cpuUnit) benchCase {
	return benchCase{
		Name:   name,
		Title:  title,
		Share:  share,
		Extra:  settleTime + startTime,
		Every:  1,
		Direct: true,
		Metrics: append(cpuMetrics(unit),
			metric{Name: "rate", Title: "requests per second", Digits: rateDigits(unit)},
			metric{Name: "busy", Title: "proxy's core in use", Unit: "%", Alone: true},
		),
		measure: ofInstance(func(ctx context.Context, b *bench, in *instance, d time.Duration) (measurement, error) {
			return b.measureLoad(ctx, in, l, d, unit)
		}),
	}
}

// throughputCase measures how much one core passes on. It is a load case with
// more connections, so that the proxy is the limit wherever the load can be
// faster than it.
func throughputCase() benchCase {
	c := loadCase("throughput", fmt.Sprintf("64-byte answers over %d keep-alive connections; ≥: the proxy's core was not in full use, the load was the limit", throughputConnections),
		1.0/3, load{Path: "/small", Connections: throughputConnections}, microseconds)
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

// cpuMetrics are those of every case with a load.
func cpuMetrics(unit cpuUnit) []metric {
	return []metric{
		{Name: "cpu", Title: "CPU per request", Unit: unit.Name, Digits: unit.Digits},
		{Name: "cpu_whole", Title: "CPU per request, by /proc/PID/stat", Unit: unit.Name, Digits: unit.Digits, Hidden: true},
		{Name: "foreign", Title: "proxy's core in use by others", Unit: "%", Hidden: true},
	}
}

// rateDigits is 1 where there are only some answers a second.
func rateDigits(unit cpuUnit) int {
	if unit == wholeMilliseconds {
		return 1
	}
	return 0
}

// settleTime is how long the proxy is left alone after the load, so that the
// closing of its connections is counted too.
const settleTime = 50 * time.Millisecond

// startTime is what starting and ending a load takes, by experience; for the
// progress line only.
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
	c := loadCase(name, fmt.Sprintf("%s, %d connections with %s at a time", what, l.Connections, streams), 1.0/5, l, microseconds)
	c.Protocol, c.Load = spoken, h2loadTool()
	return c
}

func (b *bench) measureLoad(ctx context.Context, in *instance, l generator, d time.Duration, unit cpuUnit) (measurement, error) {
	return b.metered(ctx, in, unit, func() (outcome, error) {
		return l.send(ctx, in.place, d, b.cores.Others)
	})
}

// metered reads the meters before and after a load.
func (b *bench) metered(ctx context.Context, in *instance, unit cpuUnit, send func() (outcome, error)) (measurement, error) {
	before, err := b.readMeters(in)
	if err != nil {
		return measurement{}, err
	}
	o, err := send()
	if err != nil {
		return measurement{}, err
	}
	if err := pause(ctx, settleTime); err != nil {
		return measurement{}, err
	}
	after, err := b.readMeters(in)
	if err != nil {
		return measurement{}, err
	}
	if float64(o.Failed)*100 > o.Answers || o.Answers == 0 {
		return measurement{}, fmt.Errorf("%d requests failed next to %.0f that were answered", o.Failed, o.Answers)
	}
	return evaluate(o, after.sub(before), in.process != nil, unit), nil
}

// meters are the clocks that run while there is load.
type meters struct {
	Proxy usage
	Core  time.Duration // in use by anybody
	Wall  time.Duration // since any fixed moment
}

func (m meters) sub(earlier meters) meters {
	m.Proxy.Precise -= earlier.Proxy.Precise
	m.Proxy.Whole -= earlier.Proxy.Whole
	m.Core -= earlier.Core
	m.Wall -= earlier.Wall
	return m
}

func (b *bench) readMeters(in *instance) (meters, error) {
	m := meters{Wall: time.Since(b.began)}
	var err error
	if m.Core, err = coreUsage(b.cores.ProxyID); err != nil || in.process == nil {
		return m, err
	}
	m.Proxy, err = groupUsage(in.process.PID())
	return m, err
}

// evaluate turns what was read into the values of a load case. Without a proxy
// only the rate is left.
func evaluate(o outcome, m meters, proxied bool, unit cpuUnit) measurement {
	result := measurement{Values: map[string]float64{"rate": o.Answers / o.Seconds}}
	if o.Failed > 0 {
		result.note("%d requests failed next to %.0f that were answered", o.Failed, o.Answers)
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
		result.note("/proc/PID/stat tells %s more CPU time than the living threads: some have ended", gap)
	}
	return result
}

// disagree allows for four ticks, two for each of two processes read twice,
// and for 2 % of drift between the two ways that the kernel counts.
func disagree(gap, whole time.Duration) bool {
	return gap > 4*tick+whole/50
}

// pause waits, unless ctx ends first.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
