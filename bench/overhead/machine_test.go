package main

import (
	"os"
	"path/filepath"
	"testing"

	"lameduck/bench/peers"
)

func TestProgramVersion(t *testing.T) {
	for text, want := range map[string]string{
		"nginx version: nginx/1.22.1":                                        "1.22.1",
		"HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/": "2.6.12",
		"2.6.2": "2.6.2",
		"wrk debian/4.1.0-3+b2 [epoll] Copyright (C) 2012 Will Glozer": "4.1.0",
		"lameduck devel\nlibrary 1.2.3":                                "devel",
		"lameduck v0.0.0-20261122085300-0123456789ab+dirty":            "v0.0.0-20261122085300-0123456789ab+dirty",
		"": "",
	} {
		program := filepath.Join(t.TempDir(), "program")
		if err := os.WriteFile(program, []byte("#!/bin/sh\ncat <<'END'\n"+text+"\nEND\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		if got := programVersion(program, "-v"); got != want {
			t.Errorf("the version in %q is %q, want %q", text, got, want)
		}
	}
}

func TestEveryPeerHasAVersionOrIsPartOfThisModule(t *testing.T) {
	for _, p := range allPeers() {
		switch {
		case p.Name == direct, p.Build != "":
		case p.Module != "" && peers.Version(p.Module) != "":
		case p.Tool != (tool{}) && len(p.Version) > 0:
		default:
			t.Errorf("%s has no version", p.Name)
		}
		if p.Title == "" {
			t.Errorf("%s has no title", p.Name)
		}
	}
}
