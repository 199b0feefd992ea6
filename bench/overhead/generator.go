package main

import (
	"bytes"
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"lameduck/bench/internal/proc"
)

// A generator sends load for the given time, from the cores in set, to the listener of at.
type generator interface {
	send(ctx context.Context, at paths, d time.Duration, set unix.CPUSet) (outcome, error)
}

// runOn runs a program to its end on the cores in set and returns what it has printed to stdout. If
// env is nil, it inherits the environment.
func runOn(
	ctx context.Context, set unix.CPUSet, env []string, program string, args ...string,
) ([]byte, error) {
	if env == nil {
		env = os.Environ()
	}
	var out bytes.Buffer
	p, err := proc.Start(proc.Command{Path: program, Args: args, Env: env, Stdout: &out, Cores: &set})
	if err != nil {
		return nil, err
	}
	if err := p.Wait(ctx); err != nil {
		return nil, p.Failure("run", err)
	}
	return out.Bytes(), nil
}
