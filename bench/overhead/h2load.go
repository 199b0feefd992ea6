package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

func h2loadTool() tool { return tool{"h2load", "nghttp2-client"} }

// A streamLoad is a load of h2load over h2c.
type streamLoad struct {
	Connections int
	Streams     int  // open at a time on each connection
	Calls       bool // gRPC calls, instead of requests for the small file
}

// send runs h2load.
func (l streamLoad) send(ctx context.Context, at paths, d time.Duration, set unix.CPUSet) (outcome, error) {
	path, err := h2loadTool().path()
	if err != nil {
		return outcome{}, err
	}
	text, err := runOn(ctx, set, nil, path, l.args(at, d)...)
	if err != nil {
		return outcome{}, err
	}
	return parseH2load(string(text))
}

func (l streamLoad) args(at paths, d time.Duration) []string {
	args := []string{
		"--duration=" + strconv.FormatInt(d.Milliseconds(), 10) + "ms",
		"--clients=" + strconv.Itoa(l.Connections), "--max-concurrent-streams=" + strconv.Itoa(l.Streams),
	}
	if !l.Calls {
		return append(args, "http://"+at.Listen+"/small")
	}
	for name, values := range grpcFields() {
		args = append(args, "--header="+name+": "+values[0])
	}
	// The app's response is the same message.
	return append(args, "--data="+filepath.Join(at.Files, callPath), "http://"+at.Listen+callPath)
}

var (
	h2loadTime     = regexp.MustCompile(`(?m)^finished in ([\d.]+[a-z]+), `)
	h2loadRequests = regexp.MustCompile(
		`(?m)^requests: .* (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout$`)
)

// parseH2load parses the summary of h2load. Streams that are open at its end are neither answered
// nor failed.
func parseH2load(text string) (outcome, error) {
	end := h2loadTime.FindStringSubmatch(text)
	sums := h2loadRequests.FindStringSubmatch(text)
	if end == nil || sums == nil {
		return outcome{}, fmt.Errorf("read the output of h2load: no summary in %q", text)
	}
	took, err := time.ParseDuration(end[1])
	errs := []error{err}
	var counts []int64
	for _, digits := range sums[1:] {
		n, err := strconv.ParseInt(digits, 10, 64)
		counts, errs = append(counts, n), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return outcome{}, fmt.Errorf("read the output of h2load: %w", err)
	}
	// Requests with an error or a timeout count as failed, too.
	return outcome{Answers: float64(counts[0]), Seconds: took.Seconds(), Failed: counts[1]}, nil
}
