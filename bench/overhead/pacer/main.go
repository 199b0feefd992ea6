// Command pacer sends requests at a constant rate and prints, as JSON, how long the answers took. The load is open:
// a request is due at its time whatever became of those before it, and its latency counts from that time.
//
//	pacer -rate 2000 -duration 3s -connections 32 http://127.0.0.1:8080/small
//
// It is made to disturb what it measures as little as it can, since it shares a core with the app: one thread, which
// sleeps in ppoll(2) until the next request is due or an answer comes, no timer of Go's, which are a millisecond
// coarse there, and no garbage collector. How late that thread was woken itself is in the output, too.
//
// Every connection has made one request before the first one that counts. They take turns; a request that is due
// while all of them are busy waits for the first that is not.
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
	debug.SetGCPercent(-1) // some megabytes are all that a run needs
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
	l := newLoad(s, pace{perSecond: opts.rate, total: int(opts.rate * opts.duration.Seconds())}, opts.connections)
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
		return o, fmt.Errorf("arguments %q: one URL is needed", f.Args())
	case o.rate*o.duration.Seconds() < 1:
		return o, fmt.Errorf("-rate %v for -duration %s: not one request; raise either", o.rate, o.duration)
	case o.connections < 1:
		return o, fmt.Errorf("-connections %d: at least 1 is needed", o.connections)
	}
	return o, nil
}
