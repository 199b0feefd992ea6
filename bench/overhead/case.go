package main

import (
	"context"
	"fmt"
	"time"
)

// A benchCase is one thing that is measured of every peer.
type benchCase struct {
	Name  string
	Title string
	// Share is the part of the -duration that one measurement takes; Extra
	// comes on top of it.
	Share float64
	Extra time.Duration
	// Every tells in which rounds it is measured: 1 in all, 3 in the first,
	// the fourth and so on, 0 in the first only.
	Every int
	// Warm asks for a measurement that is thrown away, before the first round.
	Warm bool
	// Direct says whether it can be measured without any proxy.
	Direct bool
	// Metrics are the values that measure returns, in the order of the table.
	Metrics []metric

	measure func(ctx context.Context, b *bench, in *instance, d time.Duration) (measurement, error)
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

// allCases returns everything that can be measured, in the order of the table.
func allCases() []benchCase {
	return []benchCase{
		loadCase("keepalive", "64-byte answers over 32 keep-alive connections", 1,
			load{Path: "/small", Connections: 32}, microseconds),
		loadCase("large", "1 MiB answers over 32 keep-alive connections", 1.0/3,
			load{Path: "/large", Connections: 32}, milliseconds),
		loadCase("newconn", "64-byte answers, 32 clients, a new connection for each request", 1.0/3,
			load{Path: "/small", Connections: 32, Close: true}, microseconds),
		loadCase("heads", "request heads of 1 KB over 32 keep-alive connections", 1.0/3,
			load{Path: "/small", Connections: 32, HeadBytes: 1024}, microseconds),
		idleCase(),
		binaryCase(),
	}
}

func caseNames(cases []benchCase) []string {
	var names []string
	for _, c := range cases {
		names = append(names, c.Name)
	}
	return names
}

// due says whether the case is measured in a round, counted from 0.
func (c benchCase) due(round int) bool {
	if c.Every == 0 {
		return round == 0
	}
	return round%c.Every == 0
}

// fits says whether the case can be measured of the peer.
func (c benchCase) fits(p peer) bool {
	return c.Direct || len(p.Command) > 0
}

// loadTime is how long the case keeps a peer under load.
func (c benchCase) loadTime(opts options) time.Duration {
	return time.Duration(c.Share * float64(opts.Duration))
}
