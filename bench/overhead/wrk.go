package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lameduck/bench/internal/proc"
	"lameduck/bench/internal/procfs"
	"lameduck/bench/internal/wait"
)

// A tally is the result of wrk.
type tally struct {
	Requests int64         // complete responses
	Rate     float64       // complete responses per second
	Bytes    float64       // of all responses, to three digits
	Time     time.Duration // to three digits
	Failed   int64         // responses other than 2xx and 3xx, and socket errors
}

// seconds returns how long wrk ran. It is computed from the rate, which has more digits than the
// time, unless no response was complete.
func (t tally) seconds() float64 {
	if t.Requests == 0 {
		return t.Time.Seconds()
	}
	return float64(t.Requests) / t.Rate
}

// send runs wrk.
func (l load) send(ctx context.Context, at paths, d time.Duration, set unix.CPUSet) (outcome, error) {
	path, err := wrkTool().path()
	if err != nil {
		return outcome{}, err
	}
	var out bytes.Buffer
	wrk, err := proc.Start(proc.Command{
		Path: path, Args: l.args(at.Listen), Env: os.Environ(), Stdout: &out, Cores: &set,
	})
	if err != nil {
		return outcome{}, err
	}
	early := interruptAfter(ctx, wrk, d)
	if err := wrk.Wait(ctx); err != nil {
		return outcome{}, wrk.Failure("run", errors.Join(early, err))
	}
	t, err := parseWrk(out.String())
	return l.outcome(t), err
}

// interruptAfter lets wrk run for d and then interrupts it.
//
// wrk accepts its time only in whole seconds. So it gets a long one and is interrupted, when it
// ends normally and prints the actual time. It must not be interrupted before it has installed its
// signal handler, at the start of its load.
func interruptAfter(ctx context.Context, wrk *proc.Process, d time.Duration) error {
	for !catchesInterrupt(wrk.PID()) {
		if err := wait.For(ctx, time.Millisecond); err != nil {
			return err
		}
	}
	if err := wait.For(ctx, d); err != nil {
		return err
	}
	return wrk.Signal(syscall.SIGINT)
}

// catchesInterrupt reports whether a process has a handler for SIGINT. It is also true for a
// process that has ended, since then there is nothing to wait for.
func catchesInterrupt(pid int) bool {
	text, err := procfs.Read(pid, "status")
	if err != nil {
		return true
	}
	mask, ok := parseCaught(text)
	return !ok || mask&(1<<(syscall.SIGINT-1)) != 0
}

// parseCaught returns the mask of signals with a handler. It reports false for a zombie.
func parseCaught(status string) (mask uint64, ok bool) {
	if strings.Contains(status, "State:\tZ") {
		return 0, false
	}
	_, rest, found := strings.Cut(status, "SigCgt:\t")
	if !found {
		return 0, false
	}
	digits, _, _ := strings.Cut(rest, "\n")
	mask, err := strconv.ParseUint(digits, 16, 64)
	return mask, err == nil
}

var (
	wrkSums = regexp.MustCompile(`(?m)^\s*(\d+) requests in ([\d.]+[a-z]+), ([\d.]+)([KMGTP]?)B read$`)
	wrkRate = regexp.MustCompile(`(?m)^Requests/sec:\s*([\d.]+)$`)
)

// parseWrk parses the summary of wrk.
func parseWrk(text string) (tally, error) {
	sums := wrkSums.FindStringSubmatch(text)
	rate := wrkRate.FindStringSubmatch(text)
	if sums == nil || rate == nil {
		return tally{}, fmt.Errorf("read the output of wrk: no summary in %q", text)
	}
	var errs [4]error
	t := tally{Failed: countFailures(text)}
	t.Requests, errs[0] = strconv.ParseInt(sums[1], 10, 64)
	t.Time, errs[1] = time.ParseDuration(sums[2])
	t.Bytes, errs[2] = parseBytes(sums[3], sums[4])
	t.Rate, errs[3] = strconv.ParseFloat(rate[1], 64)
	if err := errors.Join(errs[:]...); err != nil {
		return tally{}, fmt.Errorf("read the output of wrk: %w", err)
	}
	return t, nil
}

// parseBytes parses a number with an optional prefix of wrk, which is a power of 1024.
func parseBytes(digits, prefix string) (float64, error) {
	n, err := strconv.ParseFloat(digits, 64)
	if prefix != "" {
		n *= math.Pow(1024, 1+float64(strings.Index("KMGTP", prefix)))
	}
	return n, err
}

// countFailures sums up the two lines that wrk prints only if something failed.
func countFailures(text string) int64 {
	var sum int64
	lines := regexp.MustCompile(`(?m)^\s*(Socket errors:|Non-2xx or 3xx responses:).*$`)
	for _, line := range lines.FindAllString(text, -1) {
		_, counts, _ := strings.Cut(line, "responses") // "2xx" and "3xx" are not counts
		if counts == "" {
			counts = line
		}
		for _, n := range regexp.MustCompile(`\d+`).FindAllString(counts, -1) {
			v, _ := strconv.ParseInt(n, 10, 64) // digits, and wrk counts in 64 bits
			sum += v
		}
	}
	return sum
}
