package main

import (
	"slices"
	"strings"
	"testing"
)

func TestObservingIsMeasuredBesideTheAppAlone(t *testing.T) {
	opts := optionsOf(t, "-cases observe")
	var peers []string
	for _, s := range plan(opts) {
		for _, p := range s.Peers {
			if s.Round == 0 {
				peers = append(peers, p.Name)
			}
		}
	}
	slices.Sort(peers)
	if want := []string{direct, lameduck}; !slices.Equal(peers, want) {
		t.Errorf("observing is measured of %v, want %v", peers, want)
	}
}

func TestTheObserverHasNoRoute(t *testing.T) {
	for _, v := range observer().Env {
		if strings.HasPrefix(v, "LAMEDUCK_ROUTES") {
			t.Errorf("the observer relays: %s", v)
		}
	}
}
