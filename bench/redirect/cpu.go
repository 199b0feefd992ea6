package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"lameduck/bench/internal/procfs"
)

// loads are the arguments of wrk.
var loads = []struct {
	name string
	args []string
}{
	{"kept connections", []string{"-c", "32"}},
	{"new connections", []string{"-c", "32", "-H", "Connection: close"}},
}

// A sample is the CPU time of one request.
type sample struct {
	process  time.Duration // of Lameduck
	programs time.Duration // of Lameduck, the app and the clients
	machine  time.Duration
}

// measureCPU prints the CPU per request of both ways.
func (o options) measureCPU(ctx context.Context, dir string, stdout io.Writer) error {
	ways := []string{"move", "redirect"}
	return o.withPods(ctx, dir, ways, func(pods []*pod) error {
		fmt.Fprintln(stdout, "| µs of CPU per request | way | Lameduck | with app and clients | whole machine |\n"+
			"| --- | --- | ---: | ---: | ---: |")
		for _, l := range loads {
			samples := make([][]sample, len(pods))
			for round := range o.rounds + 1 {
				for i := range pods {
					at := (i + round) % len(pods) // in turns
					s, err := pods[at].measure(ctx, l.args, o.load)
					if err != nil {
						return err
					}
					if round > 0 { // the first one warms up
						samples[at] = append(samples[at], s)
					}
				}
			}
			for i, way := range ways {
				fmt.Fprintf(stdout, "| %s | %s | %s | %s | %s |\n", l.name, way,
					spread(samples[i], func(s sample) time.Duration { return s.process }),
					spread(samples[i], func(s sample) time.Duration { return s.programs }),
					spread(samples[i], func(s sample) time.Duration { return s.machine }))
			}
		}
		return nil
	})
}

// spread formats the median, the lowest and the highest value in microseconds.
func spread(samples []sample, of func(sample) time.Duration) string {
	var values []float64
	for _, s := range samples {
		values = append(values, float64(of(s))/float64(time.Microsecond))
	}
	slices.Sort(values)
	return fmt.Sprintf("%.1f (%.1f to %.1f)", values[len(values)/2], values[0], values[len(values)-1])
}

// measure puts a pod under load.
func (p *pod) measure(ctx context.Context, args []string, d time.Duration) (sample, error) {
	before, err := p.usage()
	if err != nil {
		return sample{}, err
	}
	seconds := strconv.Itoa(int(math.Ceil(d.Seconds())))
	wrk := exec.CommandContext(ctx, "wrk", append(args, "-t", "1", "-d", seconds, "http://"+p.host+"/")...)
	out, err := wrk.CombinedOutput()
	if err != nil {
		return sample{}, fmt.Errorf("wrk: %w: %s", err, out)
	}
	requests, err := parseWrk(string(out))
	if err != nil {
		return sample{}, err
	}
	after, err := p.usage()
	clients := wrk.ProcessState.UserTime() + wrk.ProcessState.SystemTime()
	return sample{
		process:  (after.process - before.process) / requests,
		programs: (after.programs - before.programs + clients) / requests,
		machine:  (after.machine - before.machine) / requests,
	}, err
}

// usage returns the CPU time so far, without that of clients.
func (p *pod) usage() (u sample, err error) {
	if u.process, err = processCPU(p.lameduck.PID()); err != nil {
		return u, err
	}
	app, err := processCPU(p.app.PID())
	if err != nil {
		return u, err
	}
	u.programs = u.process + app
	u.machine, err = machineCPU()
	return u, err
}

var requestsLine = regexp.MustCompile(`(?m)^\s*(\d+) requests in`)

// parseWrk returns the number of requests. It is an error if one has failed.
func parseWrk(out string) (time.Duration, error) {
	found := requestsLine.FindStringSubmatch(out)
	if found == nil || found[1] == "0" || strings.Contains(out, "Socket errors") || strings.Contains(out, "Non-2xx") {
		return 0, fmt.Errorf("wrk has failed: %s", out)
	}
	n, err := strconv.ParseInt(found[1], 10, 64)
	return time.Duration(n), err
}

// processCPU returns the CPU time of the threads of a process.
func processCPU(pid int) (time.Duration, error) {
	sum, err := procfs.ThreadTime(pid)
	if err == nil && sum == 0 {
		err = errors.New("lameduck or its app has ended")
	}
	return sum, err
}

// machineCPU returns the time in which the cores of the machine were not idle.
func machineCPU() (busy time.Duration, err error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	return parseStat(string(text))
}

// parseStat reads the first line of /proc/stat. Its fields 4 and 5 are idle time, and those from 8
// on are in the first two or of other machines.
func parseStat(text string) (busy time.Duration, err error) {
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	if len(fields) < 8 || fields[0] != "cpu" {
		return 0, fmt.Errorf("/proc/stat begins with %q", line)
	}
	for i, field := range fields[1:8] {
		if i == 3 || i == 4 {
			continue
		}
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		busy += time.Duration(n) * procfs.Tick
	}
	return busy, nil
}
