package main

import (
	"context"

	"lameduck/bench/internal/machine"
	"lameduck/bench/peers"
)

// describeMachine describes this machine with the versions of the peers' programs, and of what
// makes the load and answers it.
func describeMachine(measured []peer, binaries map[string]string) machine.Description {
	m := machine.Describe()
	ctx := context.Background()
	for program, flag := range map[tool]string{wrkTool(): "-v", h2loadTool(): "--version", grpcApp().Tool: "--version"} {
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

// program is the name that the peer shares with others which are the same
// program, configured in another way.
func (p peer) program() string {
	if p.Tool != (tool{}) {
		return p.Tool.Program
	}
	return p.Name
}

// version is empty for a peer whose program has none of its own.
func (p peer) version(path string) string {
	switch {
	case p.Module != "":
		return peers.Version(p.Module)
	case len(p.Version) > 0:
		return machine.Version(context.Background(), path, p.Version...)
	}
	return ""
}
