package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"lameduck/bench/internal/procfs"

	"golang.org/x/sys/unix"
)

// A tally is what wrk says it got.
type tally struct {
	Requests int64         // answers that came whole
	Rate     float64       // of them per second
	Bytes    float64       // of all answers, to three digits
	Time     time.Duration // to three digits
	Failed   int64         // answers other than 2xx and 3xx, and socket errors
}

// seconds is how long wrk ran: told by the rate, which has more digits than
// the time, unless no answer came whole.
func (t tally) seconds() float64 {
	if t.Requests == 0 {
		return t.Time.Seconds()
	}
	return float64(t.Requests) / t.Rate
}

// send runs wrk.
func (l load) send(ctx context.Context, at place, d time.Duration, set unix.CPUSet) (outcome, error) {
	path, err := wrkTool().path()
	if err != nil {
		return outcome{}, err
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, path, l.args(at.Listen)...)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us alone
	if err := startOn(set, cmd); err != nil {
		return outcome{}, fmt.Errorf("start wrk: %w", err)
	}
	early := interruptAfter(ctx, cmd.Process, d)
	if err := cmd.Wait(); err != nil {
		return outcome{}, fmt.Errorf("run wrk: %w: %s", errors.Join(early, err), out.String())
	}
	t, err := parseWrk(out.String())
	return l.outcome(t), err
}

// interruptAfter lets wrk run for d and then interrupts it.
//
// wrk takes its time in whole seconds only. It is asked for a long one; when
// interrupted it ends as usual and tells the time that really passed. Before
// it catches the signal, which is when its load begins, it would just die.
func interruptAfter(ctx context.Context, wrk *os.Process, d time.Duration) error {
	for !catchesInterrupt(wrk.Pid) {
		if err := pause(ctx, time.Millisecond); err != nil {
			return err
		}
	}
	if err := pause(ctx, d); err != nil {
		return err
	}
	return wrk.Signal(syscall.SIGINT)
}

// catchesInterrupt reports true for a process that has ended, too: there is
// nothing left to wait for.
func catchesInterrupt(pid int) bool {
	text, err := procfs.Read(pid, "status")
	if err != nil {
		return true
	}
	mask, ok := parseCaught(text)
	return !ok || mask&(1<<(syscall.SIGINT-1)) != 0
}

// parseCaught returns the mask of signals that have a handler, of which a
// process that has ended and was not waited for has none.
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

// parseWrk reads the summary that wrk prints at its end.
func parseWrk(text string) (tally, error) {
	sums := regexp.MustCompile(`(?m)^\s*(\d+) requests in ([\d.]+[a-z]+), ([\d.]+)([KMGTP]?)B read$`).FindStringSubmatch(text)
	rate := regexp.MustCompile(`(?m)^Requests/sec:\s*([\d.]+)$`).FindStringSubmatch(text)
	if sums == nil || rate == nil {
		return tally{}, fmt.Errorf("read what wrk printed: no summary in %q", text)
	}
	var errs [4]error
	t := tally{Failed: countFailures(text)}
	t.Requests, errs[0] = strconv.ParseInt(sums[1], 10, 64)
	t.Time, errs[1] = time.ParseDuration(sums[2])
	t.Bytes, errs[2] = parseBytes(sums[3], sums[4])
	t.Rate, errs[3] = strconv.ParseFloat(rate[1], 64)
	if err := errors.Join(errs[:]...); err != nil {
		return tally{}, fmt.Errorf("read what wrk printed: %w", err)
	}
	return t, nil
}

// parseBytes reads a number with one of wrk's prefixes, which are powers of
// 1024, or none.
func parseBytes(digits, prefix string) (float64, error) {
	n, err := strconv.ParseFloat(digits, 64)
	if prefix != "" {
		n *= math.Pow(1024, 1+float64(strings.Index("KMGTP", prefix)))
	}
	return n, err
}

// countFailures sums the two lines that wrk prints only when something failed.
func countFailures(text string) int64 {
	var sum int64
	lines := regexp.MustCompile(`(?m)^\s*(Socket errors:|Non-2xx or 3xx responses:).*$`)
	for _, line := range lines.FindAllString(text, -1) {
		_, counts, _ := strings.Cut(line, "responses") // "2xx" and "3xx" are no counts
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
