package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// A benchCase is one thing that is measured of every peer.
type benchCase struct {
	Name  string
	Title string
	// Protocol is what is spoken.
	Protocol protocol
	// Load is the program that makes the load, where it is a Debian package's,
	// and Program its import path, where it is this module's.
	Load    tool
	Program string
	// Share is the part of the -duration that one measurement takes; Extra
	// comes on top of it for each peer, Wait once for those that are measured
	// together.
	Share float64
	Extra time.Duration
	Wait  time.Duration
	// Every tells in which rounds it is measured: 1 in all, 3 in the first,
	// the fourth and so on, 0 in the first only.
	Every int
	// Apart cases need no running peer: they are measured before the first
	// load, of processes of their own.
	Apart bool
	// Together is how many peers are measured at a time; 0: one.
	Together int
	// Warm asks for a measurement that is thrown away, before the first round.
	Warm bool
	// Check says that it is there for what may not fail, more than for figures.
	Check bool
	// Direct says whether it can be measured without any proxy.
	Direct bool
	// Rate is how many requests a second are sent; 0: as many as are answered.
	Rate int
	// Connections is how many connections are idle; 0: none is.
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
	Digits int // behind the decimal point
	// Hidden metrics are written to the JSON file only.
	Hidden bool
	// Alone metrics are no matter of more or less: they have no ratio row.
	Alone bool
	// Beyond names another metric of the case: this one is not measured, but
	// what a peer has of that other one beyond direct in the same round.
	Beyond string
	// AtLeast names another metric of the case, the share of the proxy's core
	// in use: where that is not all of it, this one could have been more.
	AtLeast string
}

// A measurement is what one case yields for one peer in one round.
type measurement struct {
	Values map[string]float64 // by metric
	Notes  []string           // what the reader must know about them
}

// note adds a sentence for the reader.
func (m *measurement) note(format string, args ...any) {
	m.Notes = append(m.Notes, fmt.Sprintf(format, args...))
}

// throughputConnections is the most that the load keeps busy in any case.
const throughputConnections = 64

// allCases returns everything that can be measured, in the order of the table.
func allCases() []benchCase {
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
		tunnelCase("tcp-down", tcp, tunnelLoad{Connections: 4, Bytes: 64 << 10}).warmed(),
		tunnelCase("tcp-up", tcp, tunnelLoad{Connections: 4, Bytes: 64 << 10, Up: true}),
		tunnelCase("ws-down", webSocket, tunnelLoad{Connections: 4, Bytes: 16 << 10}).warmed(),
		tunnelCase("ws-up", webSocket, tunnelLoad{Connections: 4, Bytes: 16 << 10, Up: true}),
		tunnelCase("ws1m-down", webSocket, tunnelLoad{Connections: 4, Bytes: 1 << 20}),
		tunnelCase("ws1m-up", webSocket, tunnelLoad{Connections: 4, Bytes: 1 << 20, Up: true}),
		latencyCase("latency", 2000, 1),
		latencyCase("latency500", 500, 4.0/3),
		idleCase("idle", http1, 1000, 2),
		idleCase("idle10k", http1, 10_000, 0),
		idleCase("ws-idle10k", webSocket, 10_000, 0),
		binaryCase(),
	}
}

// warmed returns the case with a warm-up.
func (c benchCase) warmed() benchCase {
	c.Warm = true
	return c
}

func caseNames(cases []benchCase) []string {
	var names []string
	for _, c := range cases {
		names = append(names, c.Name)
	}
	return names
}

// wanted says whether the case is measured in a round, counted from 0, or in
// the warm-up.
func (c benchCase) wanted(round int) bool {
	switch {
	case round == warmUp:
		return c.Warm
	case c.Every == 0:
		return round == 0
	}
	return round%c.Every == 0
}

// fits says whether the case can be measured of the peer.
func (c benchCase) fits(p peer) bool {
	return slices.Contains(p.Speaks, c.Protocol) && (c.Direct || len(p.Command) > 0)
}

// leastTime is long enough for some answers on a busy machine.
const leastTime = 250 * time.Millisecond

// loadTime is how long the case keeps a peer under load in a round.
func (c benchCase) loadTime(opts options, round int) time.Duration {
	switch {
	case round == warmUp:
		return warmTime
	case c.Share == 0:
		return 0
	}
	return max(leastTime, time.Duration(c.Share*float64(opts.Duration)))
}

// ofInstance measures the one peer of a step by the instance of it that stays
// for the whole run.
func ofInstance(do func(ctx context.Context, b *bench, in *instance, d time.Duration) (measurement, error)) func(context.Context, *bench, step) ([]measurement, error) {
	return func(ctx context.Context, b *bench, s step) ([]measurement, error) {
		in, err := b.instance(ctx, s.Peers[0], s.Case.Protocol)
		if err != nil {
			return nil, err
		}
		m, err := do(ctx, b, in, s.Duration)
		return []measurement{m}, err
	}
}
