package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"lameduck/bench/internal/command"
	"lameduck/bench/load"
	"lameduck/bench/trial"
)

// options are the flags.
type options struct {
	lag      time.Duration
	rate     float64
	replicas int
	retries  int
	json     string
	app      string
	lameduck string
}

func parseOptions(args []string, out io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("demo", flag.ContinueOnError)
	f.SetOutput(out)
	f.DurationVar(&o.lag, "lag", 2*time.Second, "`delay` of the load balancer in removing a pod")
	f.Float64Var(&o.rate, "rate", 300, "requests per second, all kinds together")
	f.IntVar(&o.replicas, "replicas", 3, "`number` of pods to replace")
	f.IntVar(&o.retries, "retries", 1, "`number` of further pods that the load balancer may try")
	f.StringVar(&o.json, "json", "", "`file` to write all results to")
	f.StringVar(&o.app, "app", "", "`path` of the app (default: build ./bench/app)")
	f.StringVar(&o.lameduck, "lameduck", "", "`path` of lameduck (default: build ./cmd/lameduck)")
	err := command.Parse(f, args, o.check)
	return o, err
}

func (o *options) check() error {
	var errs []error
	if o.lag <= 0 {
		errs = append(errs, fmt.Errorf("-lag %v: must be above zero, since nothing is lost without a lag", o.lag))
	}
	if o.lag > maxLag {
		errs = append(errs, fmt.Errorf("-lag %v: must be at most %v, since pods have a grace period of 30s",
			o.lag, maxLag))
	}
	if o.rate <= 0 {
		errs = append(errs, fmt.Errorf("-rate %v: must be above zero", o.rate))
	}
	if o.replicas < 1 {
		errs = append(errs, fmt.Errorf("-replicas %d: must be at least 1", o.replicas))
	}
	if o.retries < 0 {
		errs = append(errs, fmt.Errorf("-retries %d: must not be negative", o.retries))
	}
	return errors.Join(errs...)
}

const (
	// The hold takes lag + quiet, and Lameduck's maximum is the grace period of 30 s - 5 s for the
	// app - 3 s.
	maxLag = 20 * time.Second
	// Settings of a user who does not know this load balancer. They are shorter than its lag, which
	// Lameduck has to find out.
	holdMin   = time.Second
	holdQuiet = 2 * time.Second
	// inFlight is how long the app takes for each request.
	inFlight = 50 * time.Millisecond
	// postSize is the size of a POST's body in bytes.
	postSize = 1000
)

// strategies returns the strategies in the order of the table.
func (o options) strategies() []trial.Strategy {
	return []trial.Strategy{
		trial.Bare(),
		trial.PreStopSleep(o.lag / 2),
		trial.NativeSidecar(trial.Hold{Min: holdMin, Quiet: holdQuiet}),
	}
}

func (o options) trial(s trial.Strategy, p trial.Programs, logs string) trial.Config {
	return trial.Config{
		Strategy: s,
		Programs: p,
		Replicas: o.replicas,
		Lags:     []time.Duration{o.lag},
		Retries:  o.retries,
		Rate:     o.rate,
		Requests: requests(),
		Logs:     logs,
	}
}

// requests returns GET and POST, each on kept and on new connections, in equal parts.
func requests() []load.Request {
	var rs []load.Request
	for _, method := range []string{"GET", "POST"} {
		for _, newConn := range []bool{false, true} {
			rs = append(rs, load.Request{
				Method: method, Target: "/?wait=" + inFlight.String(), Body: postSize, NewConn: newConn,
			})
		}
	}
	return rs
}
