package main

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"lameduck/bench/internal/proc"
)

// An instance is a running peer or app.
type instance struct {
	peer    peer
	paths   paths
	process *proc.Process // nil if there is no proxy
}

// startInstance starts p with the given paths and waits until it serves.
func startInstance(ctx context.Context, p peer, at paths, set unix.CPUSet) (*instance, error) {
	if len(p.Command) == 0 {
		at.Listen = at.App
		return &instance{peer: p, paths: at}, nil
	}
	in, err := launch(p, at, set)
	if err != nil {
		return nil, err
	}
	if err := in.awaitReady(ctx); err != nil {
		in.stop()
		return nil, err
	}
	return in, nil
}

// launch creates the directory, addresses and configuration of the instance, and starts its
// process.
func launch(p peer, at paths, set unix.CPUSet) (*instance, error) {
	if err := at.prepare(p); err != nil {
		return nil, fmt.Errorf("prepare %s: %w", p.Name, err)
	}
	command, err := at.renderAll(p.Command)
	if err != nil {
		return nil, err
	}
	env, err := at.renderAll(p.Env)
	if err != nil {
		return nil, err
	}
	process, err := proc.Start(proc.Command{
		Path: command[0], Args: command[1:], Name: p.Name, Cores: &set,
		Env: append([]string{"PATH=" + os.Getenv("PATH")}, env...),
	})
	if err != nil {
		return nil, err
	}
	return &instance{peer: p, paths: at, process: process}, nil
}

func (in *instance) awaitReady(ctx context.Context) error {
	url, err := in.paths.render(in.peer.Ready)
	if err != nil {
		return err
	}
	return in.process.Await(ctx, "serve", func(ctx context.Context) error {
		if url == "" {
			return in.paths.Protocol.greet(ctx, in.paths.Listen)
		}
		_, err := fetch(ctx, overHTTP1(), url)
		return err
	})
}

// groups returns the process groups of the given instances. Those without a process have none.
func groups(instances ...*instance) []int {
	var all []int
	for _, in := range instances {
		if in.process != nil {
			all = append(all, in.process.PID())
		}
	}
	return all
}

// stop stops the process, if there is one.
func (in *instance) stop() {
	if in.process != nil {
		in.process.Stop()
	}
}
