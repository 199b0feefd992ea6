package main

import (
	"testing"

	"lameduck/bench/peers"
)

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
