package main

import (
	"context"

	"lameduck/bench/internal/machine"
	"lameduck/bench/internal/program"
	"lameduck/bench/peers"
)

// describeMachine describes this machine with the versions of the programs that the cells use.
func describeMachine(ctx context.Context, cells []cell) machine.Description {
	m := machine.Describe()
	for _, c := range cells {
		for _, name := range []string{programOf(c.config.Balancer), c.strategy.program} {
			if name != "" && m.Versions[name] == "" {
				m.Versions[name] = version(ctx, name)
			}
		}
	}
	return m
}

// version returns the version of a program that is installed or built here, or "" if it is neither.
func version(ctx context.Context, name string) string {
	if built := peers.Version(peers.Name(name)); built != "" {
		return built
	}
	path, err := program.Find(name)
	if err != nil {
		return ""
	}
	return machine.GuessVersion(ctx, path)
}
