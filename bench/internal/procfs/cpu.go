package procfs

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Tick is the unit of CPU times in /proc, USER_HZ.
const Tick = 10 * time.Millisecond

// A Stat is a part of /proc/PID/stat.
type Stat struct {
	Parent int
	Group  int
	CPU    time.Duration // of all threads ever, user and system
}

// ReadStat reads /proc/PID/stat.
func ReadStat(pid int) (Stat, error) {
	text, err := Read(pid, "stat")
	if err != nil {
		return Stat{}, err
	}
	return parseStat(text)
}

// parseStat skips to the last parenthesis, since the process name before it may contain spaces and
// parentheses.
func parseStat(text string) (Stat, error) {
	fields := strings.Fields(text[strings.LastIndex(text, ")")+1:])
	if len(fields) < 13 {
		return Stat{}, fmt.Errorf("stat %q: want at least 15 fields", text)
	}
	// Counted from state, which is field 3 in proc(5).
	parent, errParent := strconv.Atoi(fields[4-3])
	group, errGroup := strconv.Atoi(fields[5-3])
	user, errUser := strconv.ParseInt(fields[14-3], 10, 64)
	system, errSystem := strconv.ParseInt(fields[15-3], 10, 64)
	for _, err := range []error{errParent, errGroup, errUser, errSystem} {
		if err != nil {
			return Stat{}, fmt.Errorf("stat %q: %w", text, err)
		}
	}
	return Stat{Parent: parent, Group: group, CPU: time.Duration(user+system) * Tick}, nil
}

// ThreadTime returns the CPU time of the threads that a process has now, in nanoseconds. Threads that
// have ended do not count.
func ThreadTime(pid int) (sum time.Duration, err error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0, err
	}
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			continue // the thread has ended
		}
		cpu, err := parseSchedstat(string(text))
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", thread, err)
		}
		sum += cpu
	}
	return sum, nil
}

// parseSchedstat returns the first of the three numbers: "time spent on the
// cpu (in nanoseconds)".
// https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat
func parseSchedstat(text string) (time.Duration, error) {
	fields := strings.Fields(text)
	if len(fields) != 3 {
		return 0, fmt.Errorf("schedstat %q: want three numbers", text)
	}
	ns, err := strconv.ParseInt(fields[0], 10, 64)
	return time.Duration(ns), err
}
