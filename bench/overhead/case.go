package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// A benchCase is one measurement that is made of every peer.
type benchCase struct {
	Name  string
	Title string
	// Protocol is the protocol on both sides of the peer.
	Protocol protocol
	// Load is the load generator if it is a Debian package. Program is its import path if it is in
	// this module.
	Load    tool
	Program string
	// Share is the part of the -duration that one measurement takes. Extra is added for each peer,
	// and Wait once for peers that are measured together.
	Share float64
	Extra time.Duration
	Wait  time.Duration
	// RoundStep selects the rounds: 1 all, 3 the first, the fourth and so on, 0 only the first.
	RoundStep int
	// Standalone cases need no running peer. They are measured before any load, with their own
	// processes.
	Standalone bool
	// Batch is how many peers are measured at the same time. Zero means one.
	Batch int
	// Warm adds a measurement before the first round that is discarded.
	Warm bool
	// Check means that the case is a check that nothing fails, rather than a measurement.
	Check bool
	// Only are the names of the peers that are measured. Nil means all.
	Only []string
	// Direct means that the case can be measured without any proxy.
	Direct bool
	// Rate is the number of requests per second. Zero means as fast as they are answered.
	Rate int
	// Connections is the number of idle connections.
	Connections int
	// Metrics are the values that measure returns, in the order of the table.
	Metrics []metric

	// measure returns one measurement for each of the step's peers.
	measure func(ctx context.Context, b *bench, s step) ([]measurement, error)
}

// A metric is one row of the table.
type metric struct {
	Name   string
	Title  string
	Unit   string
	Digits int // after the decimal point
	// Hidden metrics are written to the JSON file only.
	Hidden bool
	// Alone metrics have no ratio row, since more or less of them is neither better nor worse.
	Alone bool
	// Beyond names another metric of the case. This metric is not measured: it is the difference of
	// the other metric from that of direct in the same round.
	Beyond string
	// AtLeast names another metric of the case, the share of the proxy's core in use. If the core
	// is not fully used, this metric is a lower bound.
	AtLeast string
}

// A measurement is the result of one case for one peer in one round.
type measurement struct {
	Values map[string]float64 // by metric
	Notes  []string           // for the reader
}

// note adds a sentence for the reader.
func (m *measurement) note(format string, args ...any) {
	m.Notes = append(m.Notes, fmt.Sprintf(format, args...))
}

// throughputConnections is the largest number of busy connections in any case.
const throughputConnections = 64

// allCases returns all cases in the order of the table.
func allCases() []benchCase {
	return slices.Concat(loadCases(), tlsCases(), tunnelCases(), latencyCases(), standaloneCases())
}

// loadCases are those of HTTP/1.1, h2c and gRPC without TLS.
func loadCases() []benchCase {
	return []benchCase{
		loadCase("keepalive", "64-byte answers over 32 keep-alive connections", 1,
			load{Path: "/small", Connections: 32}, microseconds).warmed(),
		loadCase("large", "1 MiB answers over 32 keep-alive connections", 1.0/3,
			load{Path: "/large", Connections: 32, Body: largeBody}, milliseconds).warmed(),
		loadCase("huge", "64 MiB answers over 4 keep-alive connections", 2.0/3,
			load{Path: "/huge", Connections: 4, Body: hugeBody}, wholeMilliseconds),
		loadCase("newconn", "64-byte answers, 32 clients, a new connection for each request", 1.0/3,
			load{Path: "/small", Connections: 32, Close: true}, microseconds).warmed(),
		loadCase("heads", "request heads of 1 KB over 32 keep-alive connections", 1.0/3,
			load{Path: "/small", Connections: 32, HeadBytes: 1024}, microseconds),
		throughputCase(),
		streamCase("h2c", h2c, streamLoad{Connections: 8, Streams: 8}).warmed(),
		streamCase("h2c-single", h2c, streamLoad{Connections: 32, Streams: 1}),
		streamCase("grpc", grpc, streamLoad{Connections: 8, Streams: 8, Calls: true}).warmed(),
		streamCase("grpc-single", grpc, streamLoad{Connections: 32, Streams: 1, Calls: true}),
		callerCase(),
	}
}

func tunnelCases() []benchCase {
	return []benchCase{
		tunnelCase("tcp-down", tcp, tunnelLoad{Connections: 4, Bytes: 64 << 10}).warmed(),
		tunnelCase("tcp-up", tcp, tunnelLoad{Connections: 4, Bytes: 64 << 10, Up: true}),
		tunnelCase("ws-down", webSocket, tunnelLoad{Connections: 4, Bytes: 16 << 10}).warmed(),
		tunnelCase("ws-up", webSocket, tunnelLoad{Connections: 4, Bytes: 16 << 10, Up: true}),
		tunnelCase("ws1m-down", webSocket, tunnelLoad{Connections: 4, Bytes: 1 << 20}),
		tunnelCase("ws1m-up", webSocket, tunnelLoad{Connections: 4, Bytes: 1 << 20, Up: true}),
	}
}

func latencyCases() []benchCase {
	return []benchCase{
		latencyCase("latency", 2000, 1),
		latencyCase("latency500", 500, 4.0/3),
	}
}

// standaloneCases are measured with processes of their own.
func standaloneCases() []benchCase {
	return []benchCase{
		observeCase("observe", "64-byte answers over 32 keep-alive connections",
			load{Path: "/small", Connections: 32}),
		observeCase("observe-newconn", "64-byte answers, 32 clients, a new connection for each request",
			load{Path: "/small", Connections: 32, Close: true}),
		scaleCase(allowedScaling()),
		busyCase("busy10k", 10_000, 2, 1),
		idleCase("idle", http1, 1000, 2),
		idleCase("idle3k", http1, 3000, 2).only(mostUsed()),
		idleCase("idle10k", http1, 10_000, 0),
		idleCase("ws-idle10k", webSocket, 10_000, 0),
		idleCase("tls-idle", https, 1000, 2),
		idleCase("tls-idle3k", https, 3000, 2),
		binaryCase(),
	}
}

// warmed returns the case with a warm-up.
func (c benchCase) warmed() benchCase {
	c.Warm = true
	return c
}

// only returns the case for some of the peers.
func (c benchCase) only(peers []string) benchCase {
	c.Only = peers
	return c
}

func caseNames(cases []benchCase) []string {
	var names []string
	for _, c := range cases {
		names = append(names, c.Name)
	}
	return names
}

// wanted reports whether the case is measured in a round, counted from 0, or in the warm-up.
func (c benchCase) wanted(round int) bool {
	switch {
	case round == warmUp:
		return c.Warm
	case c.RoundStep == 0:
		return round == 0
	}
	return round%c.RoundStep == 0
}

// fits reports whether the case can be measured of the peer.
func (c benchCase) fits(p peer) bool {
	if c.Only != nil && !slices.Contains(c.Only, p.Name) {
		return false
	}
	return slices.Contains(p.Speaks, c.Protocol) && (c.Direct || len(p.Command) > 0)
}

// leastTime is long enough for some responses on a busy machine.
const leastTime = 250 * time.Millisecond

// loadTime returns how long a peer is under load in a round.
func (c benchCase) loadTime(opts options, round int) time.Duration {
	switch {
	case round == warmUp:
		return warmTime
	case c.Share == 0:
		return 0
	}
	return max(leastTime, time.Duration(c.Share*float64(opts.Duration)))
}

// An instanceMeasure measures one instance under a load of the given time.
type instanceMeasure func(ctx context.Context, b *bench, in *instance, d time.Duration) (measurement, error)

// ofInstance returns the measure function of a case with one peer in each step, which is measured
// by the instance that runs for the whole run.
func ofInstance(do instanceMeasure) func(context.Context, *bench, step) ([]measurement, error) {
	return func(ctx context.Context, b *bench, s step) ([]measurement, error) {
		in, err := b.instance(ctx, s.Peers[0], s.Case.Protocol)
		if err != nil {
			return nil, err
		}
		m, err := do(ctx, b, in, s.Duration)
		return []measurement{m}, err
	}
}
