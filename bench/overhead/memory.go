package main

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"

	"lameduck/bench/internal/procfs"
)

// A memory is the resident memory of a group of processes, in bytes.
type memory struct {
	// RSS counts a page once for every process that maps it.
	RSS float64
	// PSS divides each page among the processes on the machine that map it.
	PSS float64
}

// groupMemory sums over every process of the group.
func groupMemory(group int) (memory, error) {
	pids, err := groupMembers(group)
	if err != nil {
		return memory{}, err
	}
	return sumMemory(pids)
}

// sumMemory sums over processes, without those that have ended since they were listed.
func sumMemory(pids []int) (memory, error) {
	var sum memory
	err := forRunning(pids, func(pid int) error {
		text, err := procfs.Read(pid, "smaps_rollup")
		if err != nil {
			return err
		}
		m, err := parseSmaps(text)
		sum.RSS += m.RSS
		sum.PSS += m.PSS
		return err
	})
	return sum, err
}

// parseSmaps reads the lines "Rss:" and "Pss:" of smaps_rollup. Its kB are 1024 bytes.
func parseSmaps(text string) (memory, error) {
	found := map[string]float64{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) != 3 || fields[2] != "kB" {
			continue // the address line
		}
		kb, err := strconv.ParseFloat(fields[1], 64)
		if err != nil {
			return memory{}, err
		}
		found[fields[0]] = kb * 1024
	}
	rss, hasRSS := found["Rss:"] // zero for a process that is about to end
	pss, hasPSS := found["Pss:"]
	if !hasRSS || !hasPSS {
		return memory{}, fmt.Errorf("smaps_rollup %q: want Rss and Pss", text)
	}
	return memory{RSS: rss, PSS: pss}, nil
}
