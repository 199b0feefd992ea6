package main

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// A step is one measurement: one case of one peer.
type step struct {
	Round    int // from 0; warmUp: thrown away
	Case     benchCase
	Peer     peer
	Duration time.Duration // of the load
}

// warmUp is the round before the first. It fills caches and pools, and makes
// Go programs size their heaps.
const warmUp = -1

// warmTime is the load of a warm-up step: some thousand requests.
const warmTime = 300 * time.Millisecond

func (s step) discarded() bool { return s.Round == warmUp }

// cost is the time that the step takes, for the progress line.
func (s step) cost() time.Duration { return s.Duration + s.Case.Extra }

func (s step) String() string {
	if s.discarded() {
		return fmt.Sprintf("warm-up, %s, %s", s.Case.Name, s.Peer.Name)
	}
	return fmt.Sprintf("round %d, %s, %s", s.Round+1, s.Case.Name, s.Peer.Name)
}

// plan lays out the run: round after round, in each case after case, in each
// every peer. Peers that are compared follow one another within seconds, and
// their order differs from round to round, so that neither the hour nor the
// neighbour in the order favours one.
func plan(opts options) []step {
	var steps []step
	for round := warmUp; round < opts.Rounds; round++ {
		order := shuffled(opts.Peers, round)
		for _, c := range opts.Cases {
			for _, p := range order {
				if s := (step{Round: round, Case: c, Peer: p}); s.wanted() {
					s.Duration = s.loadTime(opts)
					steps = append(steps, s)
				}
			}
		}
	}
	return steps
}

func (s step) wanted() bool {
	if !s.Case.fits(s.Peer) {
		return false
	}
	if s.discarded() {
		return s.Case.Warm
	}
	return s.Case.due(s.Round)
}

func (s step) loadTime(opts options) time.Duration {
	if s.discarded() {
		return warmTime
	}
	return s.Case.loadTime(opts)
}

// shuffled returns the peers in the order of a round: the same in each run.
func shuffled(peers []peer, round int) []peer {
	order := append([]peer(nil), peers...)
	random := rand.New(rand.NewPCG(uint64(round+1), 0))
	random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	return order
}
