package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"lameduck/bench/internal/procfs"
	"lameduck/bench/internal/wait"
)

// A load is what runs in a case, beside the app.
type load struct {
	name    string
	open    int // connections that stay open
	rate    int // new connections a second
	sockets int // in another network namespace
	pods    int // new connections a second in another network namespace
}

var cases = []load{
	{name: "0 connections"},
	{name: "1,000 open connections", open: 1000},
	{name: "10,000 open connections", open: 10_000},
	{name: "1,000 new connections a second", rate: 1000},
	{name: "1,000 new connections a second, 10,000 open", rate: 1000, open: 10_000},
	{name: "0 connections, 36,000 sockets elsewhere", sockets: 36_000},
	{name: "1,000 new connections a second, 36,000 sockets elsewhere", rate: 1000, sockets: 36_000},
	{name: "0 connections, 1,000 new ones a second elsewhere", pods: 1000},
}

// A cost is CPU time, in percent of a core. Those of the kernel and of the machine are differences.
type cost struct{ process, kernel, machine float64 }

// measure returns the medians of the rounds.
func (l load) measure(ctx context.Context, o options) (c cost, err error) {
	s, err := newStage(ctx)
	if err != nil {
		return c, err
	}
	defer s.stop()
	if err := s.startLoad(l); err != nil {
		return c, err
	}
	var process, kernel, machine []float64
	for range o.rounds {
		if err := s.releaseSockets(ctx); err != nil {
			return c, err
		}
		without, err := busy(ctx, o.last)
		if err != nil {
			return c, err
		}
		with, used, err := s.observed(ctx, o)
		if err != nil {
			return c, err
		}
		process = append(process, used)
		kernel = append(kernel, with.kernel-without.kernel)
		machine = append(machine, with.machine-without.machine)
	}
	return cost{median(process), median(kernel), median(machine)}, nil
}

// startLoad starts the programs that make the load, and returns when they have connected.
func (s *stage) startLoad(l load) error {
	if l.sockets > 0 {
		if err := s.startElsewhere("fill", strconv.Itoa(l.sockets/2)); err != nil {
			return fmt.Errorf("sockets in another network namespace, which needs root and unshare: %w", err)
		}
	}
	if l.open > 0 {
		if err := s.start("open", s.app, strconv.Itoa(l.open)); err != nil {
			return err
		}
	}
	first := len(s.processes)
	if l.pods > 0 {
		if err := s.startElsewhere("pod", s.app, strconv.Itoa(l.pods)); err != nil {
			return fmt.Errorf("calls in another network namespace, which needs root and unshare: %w", err)
		}
	}
	if l.rate > 0 {
		if err := s.start("call", s.app, strconv.Itoa(l.rate)); err != nil {
			return err
		}
	}
	s.callers = s.processes[first:]
	return nil
}

// releaseSockets releases the sockets of callers, and returns when that has settled.
func (s *stage) releaseSockets(ctx context.Context) error {
	for _, c := range s.callers {
		if err := c.Signal(release); err != nil {
			return err
		}
	}
	return wait.For(ctx, settle)
}

// settle is the time after a start, and after sockets were released, in which nothing is measured.
const settle = 2 * time.Second

// observed returns the usage with Lameduck, and that of Lameduck itself.
func (s *stage) observed(ctx context.Context, o options) (with usage, process float64, err error) {
	d, err := s.startLameduck(ctx, o.binary)
	if err != nil {
		return with, 0, err
	}
	defer d.Stop()
	for range 2 { // after that, Lameduck pauses under a load that is too much to be watched all the time
		if err := wait.For(ctx, 2*settle); err != nil {
			return with, 0, err
		}
		if err := s.releaseSockets(ctx); err != nil {
			return with, 0, err
		}
	}
	before, err := procfs.ReadStat(d.PID())
	if err != nil {
		return with, 0, err
	}
	begun := time.Now()
	if with, err = busy(ctx, o.last); err != nil {
		return with, 0, err
	}
	lasted := time.Since(begun)
	after, err := procfs.ReadStat(d.PID())
	return with, 100 * (after.CPU - before.CPU).Seconds() / lasted.Seconds(), err
}

func median(values []float64) float64 {
	slices.Sort(values)
	middle := len(values) / 2
	if len(values)%2 == 1 {
		return values[middle]
	}
	return (values[middle-1] + values[middle]) / 2
}
