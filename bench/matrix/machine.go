package main

import (
	"context"
	"os/exec"

	"lameduck/bench/internal/machine"
	"lameduck/bench/peers"
)

// describeMachine describes this machine with the versions of the programs that the cells use.
func describeMachine(ctx context.Context, cells []cell) machine.Description {
	m := machine.Describe()
	for _, c := range cells {
		for _, program := range []string{programOf(c.config.Balancer), c.way.program} {
			if program != "" && m.Versions[program] == "" {
				m.Versions[program] = version(ctx, program)
			}
		}
	}
	return m
}

// version returns the version of a program that is installed or built here, or "" if it is neither.
func version(ctx context.Context, program string) string {
	if built := peers.Version(peers.Name(program)); built != "" {
		return built
	}
	path, err := exec.LookPath(program)
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/" + program); err != nil {
			return ""
		}
	}
	return machine.GuessVersion(ctx, path)
}
