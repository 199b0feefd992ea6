package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lameduck/bench/internal/proc"
	"lameduck/bench/internal/program"
	"lameduck/bench/internal/wait"
)

// countedEvents are the events of perf(1): instructions in the program and in the kernel.
const countedEvents = "instructions:u,instructions:k"

// attachTime is long enough for perf to attach to all threads. The proxy is idle then, so its exact
// length does not matter.
const attachTime = 200 * time.Millisecond

// A counter counts the instructions of process groups. The zero counter counts nothing.
type counter struct {
	perf *proc.Process
	out  *bytes.Buffer
}

// canCountInstructions reports whether perf is installed and the processor has a counter. Most
// virtual machines have none.
func canCountInstructions(ctx context.Context, set unix.CPUSet) bool {
	path, err := program.Find("perf")
	if err != nil {
		return false
	}
	text, err := runOn(ctx, set, nil, path, "stat", "--log-fd", "1", "-x,", "-e", countedEvents, "true")
	if err != nil {
		return false
	}
	n, err := parseInstructions(string(text))
	return err == nil && n > 0
}

// countInstructions starts to count the instructions of processes and of the threads that they
// start.
func (b *bench) countInstructions(ctx context.Context, groups []int) (counter, error) {
	if !b.perf || len(groups) == 0 {
		return counter{}, nil
	}
	var pids []string
	for _, group := range groups {
		members, err := groupMembers(group)
		if err != nil {
			return counter{}, err
		}
		for _, pid := range members {
			pids = append(pids, strconv.Itoa(pid))
		}
	}
	path, err := program.Find("perf")
	if err != nil {
		return counter{}, err
	}
	c := counter{out: &bytes.Buffer{}}
	c.perf, err = proc.Start(proc.Command{
		Path: path, Env: os.Environ(), Stdout: c.out, Cores: &b.cores.Others,
		Args: []string{"stat", "--log-fd", "1", "-x,", "-e", countedEvents, "-p", strings.Join(pids, ",")},
	})
	if err != nil {
		return counter{}, err
	}
	return c, wait.For(ctx, attachTime)
}

// stop returns the number of instructions, or 0 if they are not counted.
func (c counter) stop(ctx context.Context) (float64, error) {
	if c.perf == nil {
		return 0, nil
	}
	signalErr := c.perf.Signal(syscall.SIGINT)
	waitErr := c.perf.Wait(ctx) // perf ends with the signal that has stopped it
	n, err := parseInstructions(c.out.String())
	if err != nil {
		return 0, c.perf.Failure("count instructions", errors.Join(err, signalErr, waitErr))
	}
	return n, nil
}

// parseInstructions sums up the output of "perf stat -x,": lines of value, unit, event and more. A
// counter that is shared with other users of perf is scaled by perf.
func parseInstructions(text string) (float64, error) {
	sum, found := 0.0, 0
	for line := range strings.Lines(text) {
		fields := strings.Split(strings.TrimSpace(line), ",")
		if len(fields) < 3 || !strings.HasPrefix(fields[2], "instructions") {
			continue
		}
		n, err := strconv.ParseFloat(fields[0], 64)
		if err != nil {
			return 0, fmt.Errorf("read the output of perf: %s of %s", fields[0], fields[2])
		}
		sum, found = sum+n, found+1
	}
	if found != 2 {
		return 0, fmt.Errorf("read the output of perf: want two counts in %q", text)
	}
	return sum, nil
}
