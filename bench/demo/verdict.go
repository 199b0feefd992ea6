package main

import (
	"errors"
	"fmt"

	"lameduck/bench/trial"
)

// verdict returns what is wrong with the results, and nil where they show what the demo is to show: bare pods lose
// requests, and pods behind Lameduck none, while the built-in load balancer keeps its socket. The trials are in the order
// of options.strategies.
func verdict(trials []*trial.Result) error {
	var errs []error
	bare, lameduck := trials[0], trials[len(trials)-1]
	if bare.Lost() == 0 {
		errs = append(errs, errors.New("bare pods lost no request: there was nothing to save, try a longer -lag or a higher -rate"))
	}
	if n := lameduck.Lost(); n > 0 {
		first := lameduck.Load.Failures()[0]
		errs = append(errs, fmt.Errorf("lameduck lost %d requests, the first a %s: %w", n, first.Request, first.Err))
	}
	for _, t := range trials {
		if n := t.Changeovers(); n > 0 {
			errs = append(errs, fmt.Errorf("%s: %d requests were reset by a load balancer that never changes over: suspect the harness", t.Strategy, n))
		}
		for _, e := range t.FailedHooks() {
			errs = append(errs, fmt.Errorf("%s: container %s: %s: %s", t.Strategy, e.Container, e.What, e.Detail))
		}
	}
	return errors.Join(errs...)
}
