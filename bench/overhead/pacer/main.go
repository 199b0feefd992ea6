// Command pacer sends requests at a constant rate and prints their latencies as JSON. The load is
// open-loop: a request is due at its time, whatever happened to the requests before it, and its
// latency counts from that time.
//
//	pacer -rate 2000 -duration 3s -connections 32 http://127.0.0.1:8080/small
//
// It shares a core with the app, so it disturbs the measurement as little as possible. It has one
// thread, which sleeps in ppoll(2) until the next request is due or a response arrives. It uses no
// Go timers, which have a resolution of a millisecond there, and no garbage collector. The output
// includes how late that thread woke up.
//
// Before the first request that counts, every connection makes one request. Connections take turns.
// A request that is due while all connections are busy waits for the first idle one.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"time"
)

func main() {
	runtime.LockOSThread()
	debug.SetGCPercent(-1) // a run needs only some megabytes
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "pacer:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	rate        float64 // per second
	duration    time.Duration
	connections int
	url         string
}

func run(args []string, stdout, stderr io.Writer) error {
	opts, err := parseOptions(args, stderr)
	if err != nil {
		return err
	}
	s, err := dial(opts.url, opts.connections)
	if err != nil {
		return err
	}
	defer s.close()
	p := pace{perSecond: opts.rate, total: int(opts.rate * opts.duration.Seconds())}
	l := newLoad(s, p, opts.connections)
	if err := l.run(); err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(l.summary())
}

func parseOptions(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("pacer", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Float64Var(&o.rate, "rate", 1000, "requests per `second`")
	f.DurationVar(&o.duration, "duration", time.Second, "`time` during which requests are due")
	f.IntVar(&o.connections, "connections", 32, "`number` of keep-alive connections")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.url = f.Arg(0)
	switch {
	case f.NArg() != 1:
		return o, fmt.Errorf("arguments %q: want one URL", f.Args())
	case o.rate*o.duration.Seconds() < 1:
		return o, fmt.Errorf("-rate %v for -duration %s: not even one request: raise one of them", o.rate, o.duration)
	case o.connections < 1:
		return o, fmt.Errorf("-connections %d: must be at least 1", o.connections)
	}
	return o, nil
}
