package main

import (
	"context"

	"lameduck/bench/internal/machine"
	"lameduck/bench/peers"
)

// describeMachine describes this machine with the versions of the peers, the load generators and
// the apps.
func describeMachine(measured []peer, binaries map[string]string) machine.Description {
	m := machine.Describe()
	ctx := context.Background()
	flags := map[tool]string{wrkTool(): "-v", h2loadTool(): "--version", grpcApp().Tool: "--version"}
	for program, flag := range flags {
		if path, err := program.path(); err == nil {
			m.Versions[program.Program] = machine.Version(ctx, path, flag)
		}
	}
	for _, p := range measured {
		if version := p.version(binaries[p.Name]); version != "" {
			m.Versions[p.program()] = version
		}
	}
	return m
}

// program returns the name of the peer's program, which is the same for peers that differ only in
// their configuration.
func (p peer) program() string {
	if p.Tool != (tool{}) {
		return p.Tool.Program
	}
	return p.Name
}

// version returns the version of the peer's program, or "" if it has none.
func (p peer) version(path string) string {
	switch {
	case p.Module != "":
		return peers.Version(p.Module)
	case len(p.Version) > 0:
		return machine.Version(context.Background(), path, p.Version...)
	}
	return ""
}
