package main

import (
	"errors"
	"fmt"

	"lameduck/bench/trial"
)

// verdict returns nil if the results are as expected: bare pods lost requests, pods behind Lameduck
// lost none, and there were no changeovers, since the built-in load balancer keeps its socket. The
// trials are in the order of options.strategies.
func verdict(trials []*trial.Result) error {
	var errs []error
	bare, lameduck := trials[0], trials[len(trials)-1]
	if bare.Lost() == 0 {
		errs = append(errs, errors.New("bare pods lost no request: try a longer -lag or a higher -rate"))
	}
	if n := lameduck.Lost(); n > 0 {
		first := lameduck.Load.Failures()[0]
		errs = append(errs, fmt.Errorf("lameduck lost %d requests, the first a %s: %w", n, first.Request, first.Err))
	}
	for _, t := range trials {
		if n := t.Changeovers(); n > 0 {
			const text = "%s: the load balancer reset %d requests without a reload: suspect the harness"
			errs = append(errs, fmt.Errorf(text, t.Strategy, n))
		}
		for _, e := range t.FailedHooks() {
			errs = append(errs, fmt.Errorf("%s: container %s: %s: %s", t.Strategy, e.Container, e.Step, e.Detail))
		}
	}
	return errors.Join(errs...)
}
