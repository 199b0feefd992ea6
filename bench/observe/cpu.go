package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"lameduck/bench/internal/procfs"
	"lameduck/bench/internal/wait"
)

// A usage is CPU time, in percent of a core.
type usage struct {
	machine float64 // of all cores together
	kernel  float64 // of the kernel's threads
}

// busy returns the usage for a time. Idle time is what the kernel measures exactly, while it samples what
// the rest is spent on.
func busy(ctx context.Context, d time.Duration) (u usage, err error) {
	idle, cores, err := idleTime()
	if err != nil {
		return u, err
	}
	threads, err := kernelTimes()
	if err != nil {
		return u, err
	}
	begun := time.Now()
	if err := wait.For(ctx, d); err != nil {
		return u, err
	}
	lasted := time.Since(begun)
	idleAfter, _, err := idleTime()
	if err != nil {
		return u, err
	}
	threadsAfter, err := kernelTimes()
	if err != nil {
		return u, err
	}
	var kernel time.Duration
	for pid, after := range threadsAfter {
		if before, was := threads[pid]; was {
			kernel += after - before
		}
	}
	return usage{
		machine: 100 * (float64(cores) - (idleAfter-idle).Seconds()/lasted.Seconds()),
		kernel:  100 * kernel.Seconds() / lasted.Seconds(),
	}, nil
}

// kthreadd is the parent of the kernel's threads.
const kthreadd = 2

// kernelTimes returns the CPU time of each thread of the kernel.
func kernelTimes() (map[int]time.Duration, error) {
	pids, err := procfs.List()
	if err != nil {
		return nil, err
	}
	times := make(map[int]time.Duration)
	for _, pid := range pids {
		stat, err := procfs.ReadStat(pid)
		if err != nil || stat.Parent != kthreadd {
			continue // it has ended since it was listed, or is a process
		}
		if times[pid], err = procfs.ThreadTime(pid); err != nil {
			return nil, err
		}
	}
	if len(times) == 0 {
		return nil, errors.New("/proc has no threads of the kernel: measure outside of a container")
	}
	return times, nil
}

// idleTime returns for how long all cores together have been idle, and how many they are.
func idleTime() (idle time.Duration, cores int, err error) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, err
	}
	return parseIdleTime(string(stat))
}

// parseIdleTime reads the lines of /proc/stat that begin with cpu: one for the machine and one for
// each core. Their columns are user, nice, system, idle, iowait and more.
func parseIdleTime(stat string) (idle time.Duration, cores int, err error) {
	machine, rest, _ := strings.Cut(stat, "\n")
	columns := strings.Fields(machine)
	if len(columns) < 6 || columns[0] != "cpu" {
		return 0, 0, fmt.Errorf("/proc/stat begins with %q", machine)
	}
	for line := range strings.Lines(rest) {
		if strings.HasPrefix(line, "cpu") {
			cores++
		}
	}
	if cores == 0 {
		return 0, 0, errors.New("/proc/stat has no line of a core")
	}
	idle, err = sumTicks(columns[4:6])
	return idle, cores, err
}

func sumTicks(columns []string) (sum time.Duration, err error) {
	for _, c := range columns {
		n, err := strconv.ParseInt(c, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(n) * procfs.Tick
	}
	return sum, nil
}
