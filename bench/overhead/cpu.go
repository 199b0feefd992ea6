package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"lameduck/bench/internal/procfs"
)

// tick is the unit of CPU times in /proc/stat.
const tick = procfs.Tick

// A usage is the CPU time that a group of processes has used since its start.
type usage struct {
	// Precise is the sum over living threads, in nanoseconds.
	Precise time.Duration
	// Whole includes threads that have ended, in ticks of 10 ms per process.
	Whole time.Duration
}

// groupUsage sums the CPU time of every process in the group.
func groupUsage(group int) (usage, error) {
	pids, err := groupMembers(group)
	if err != nil {
		return usage{}, err
	}
	return sumUsage(pids)
}

// sumUsage sums over processes, without those that have ended since they were listed.
func sumUsage(pids []int) (usage, error) {
	var sum usage
	err := forRunning(pids, func(pid int) error {
		u, err := processUsage(pid)
		sum.Precise += u.Precise
		sum.Whole += u.Whole
		return err
	})
	return sum, err
}

// forRunning calls read for every process. It skips those that have ended since they were listed,
// and returns an error if all have.
func forRunning(pids []int, read func(pid int) error) error {
	running := 0
	for _, pid := range pids {
		err := read(pid)
		if errors.Is(err, procfs.ErrEnded) {
			continue
		}
		if err != nil {
			return fmt.Errorf("process %d: %w", pid, err)
		}
		running++
	}
	if running == 0 {
		return fmt.Errorf("processes %v: %w", pids, procfs.ErrEnded)
	}
	return nil
}

func processUsage(pid int) (usage, error) {
	stat, err := procfs.ReadStat(pid)
	if err != nil {
		return usage{}, err
	}
	u := usage{Whole: stat.CPU} // with threads that have ended
	u.Precise, err = procfs.ThreadTime(pid)
	return u, err
}

// groupMembers returns the processes of a group.
func groupMembers(group int) ([]int, error) {
	all, err := procfs.List()
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, pid := range all {
		stat, err := procfs.ReadStat(pid)
		if errors.Is(err, procfs.ErrEnded) {
			continue // since the processes were listed
		}
		if err != nil {
			return nil, err
		}
		if stat.Group == group {
			pids = append(pids, pid)
		}
	}
	if len(pids) == 0 {
		return nil, fmt.Errorf("find process group %d: %w", group, procfs.ErrEnded)
	}
	return pids, nil
}

// coreUsage returns the time that a core was not idle since boot.
func coreUsage(id int) (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	return parseCore(string(text), id)
}

// parseCore reads the line of one core in /proc/stat: user, nice, system,
// idle, iowait, irq, softirq, steal, and guest times that user includes.
func parseCore(text string, id int) (time.Duration, error) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 9 || fields[0] != fmt.Sprintf("cpu%d", id) {
			continue
		}
		var ticks int64
		for _, column := range []int{1, 2, 3, 6, 7, 8} { // all but idle and iowait
			n, err := strconv.ParseInt(fields[column], 10, 64)
			if err != nil {
				return 0, fmt.Errorf("stat of core %d: %w", id, err)
			}
			ticks += n
		}
		return time.Duration(ticks) * tick, nil
	}
	return 0, fmt.Errorf("stat of core %d: no such line", id)
}
