package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"lameduck/bench/internal/procfs"
	"lameduck/bench/internal/wait"
)

// tick is the unit of times in /proc, USER_HZ.
const tick = 10 * time.Millisecond

// The columns of /proc/PID/stat behind the name of the program, which may have spaces.
const (
	columnUser   = 11
	columnSystem = 12
)

// processTime returns the CPU time that a process has used.
func processTime(pid int) (time.Duration, error) {
	stat, err := procfs.Read(pid, "stat")
	if err != nil {
		return 0, err
	}
	columns := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(columns) <= columnSystem {
		return 0, fmt.Errorf("/proc/%d/stat: %d columns", pid, len(columns))
	}
	return sumTicks(columns[columnUser : columnSystem+1])
}

// busy returns how busy the machine is for a time, in percent of a core.
func busy(ctx context.Context, d time.Duration) (float64, error) {
	before, err := machineTime()
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	if err := wait.For(ctx, d); err != nil {
		return 0, err
	}
	after, err := machineTime()
	return 100 * (after - before).Seconds() / time.Since(begun).Seconds(), err
}

// machineTime returns the CPU time that was used on all cores.
func machineTime() (time.Duration, error) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	return parseMachineTime(string(stat))
}

// parseMachineTime reads the first line of /proc/stat: cpu, user, nice, system, idle, iowait, irq,
// softirq and more, of which the guests' times are a part of the user's.
func parseMachineTime(stat string) (time.Duration, error) {
	line, _, _ := strings.Cut(stat, "\n")
	columns := strings.Fields(line)
	if len(columns) < 8 || columns[0] != "cpu" {
		return 0, fmt.Errorf("/proc/stat begins with %q", line)
	}
	return sumTicks(append(columns[1:4:4], columns[6:8]...))
}

func sumTicks(columns []string) (sum time.Duration, err error) {
	for _, c := range columns {
		n, err := strconv.ParseInt(c, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}
