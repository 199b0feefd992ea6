package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"lameduck/bench/internal/proc"
	"lameduck/bench/internal/procfs"
	"lameduck/bench/internal/wait"
)

// A memory is what a process has in memory, in bytes.
type memory struct {
	Resident  float64 // VmRSS
	Anonymous float64 // RssAnon
}

// settle is the time between the start of the last program and the reading.
const settle = 2 * time.Second

// measureAll starts all programs and returns the memory of each.
func measureAll(ctx context.Context, all []candidate, dir string, set unix.CPUSet) (read []memory, err error) {
	var running []*proc.Process
	defer func() {
		for _, p := range running {
			p.Stop()
		}
	}()
	for _, c := range all {
		p, err := c.start(ctx, dir, set)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Title, err)
		}
		running = append(running, p)
	}
	if err := wait.For(ctx, settle); err != nil {
		return nil, err
	}
	for i, p := range running {
		text, err := procfs.Read(p.PID(), "status")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", all[i].Title, err)
		}
		m, err := parseStatus(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", all[i].Title, err)
		}
		read = append(read, m)
	}
	return read, nil
}

// parseStatus reads /proc/PID/status. Its kB are 1024 bytes.
func parseStatus(text string) (memory, error) {
	var m memory
	found := 0
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, ":")
		field := map[string]*float64{"VmRSS": &m.Resident, "RssAnon": &m.Anonymous}[name]
		if field == nil {
			continue
		}
		kb, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
		if err != nil {
			return memory{}, fmt.Errorf("status: %s is %q", name, value)
		}
		*field = kb * 1024
		found++
	}
	if found != 2 {
		return memory{}, errors.New("status: want VmRSS and RssAnon")
	}
	return m, nil
}

// medians returns the median of each program over the rounds.
func medians(rounds [][]memory) []memory {
	var all []memory
	for i := range rounds[0] {
		var resident, anonymous []float64
		for _, round := range rounds {
			resident = append(resident, round[i].Resident)
			anonymous = append(anonymous, round[i].Anonymous)
		}
		all = append(all, memory{median(resident), median(anonymous)})
	}
	return all
}

// median returns the middle value, the lower one of two.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)/2]
}
