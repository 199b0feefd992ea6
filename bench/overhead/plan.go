package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// A step is one measurement: one case of one peer, or of several at the same time.
type step struct {
	Round    int // from 0, or warmUp
	Case     benchCase
	Peers    []peer
	Duration time.Duration // of the load
}

// warmUp is the round before the first, whose results are discarded. It fills caches and pools, and
// makes Go programs size their heaps.
const warmUp = -1

// warmTime is the load of a warm-up step: some thousand requests.
const warmTime = 300 * time.Millisecond

func (s step) discarded() bool { return s.Round == warmUp }

// cost estimates how long the step takes, for the progress display.
func (s step) cost() time.Duration {
	return s.Duration + time.Duration(len(s.Peers))*s.Case.Extra + s.Case.Wait
}

func (s step) String() string { return s.of(s.Peers...) }

// of names the step for some of its peers.
func (s step) of(peers ...peer) string {
	names := strings.Join(peerNames(peers), " ")
	if s.discarded() {
		return fmt.Sprintf("warm-up, %s, %s", s.Case.Name, names)
	}
	return fmt.Sprintf("round %d, %s, %s", s.Round+1, s.Case.Name, names)
}

// plan returns the steps: first the standalone cases, then round after round all cases of all
// peers. Peers that are compared are measured within seconds of each other, in an order that
// differs between rounds, so that neither the time nor the order favours one.
func plan(opts options) []step {
	var standalone, loads []benchCase
	for _, c := range opts.Cases {
		if c.Standalone {
			standalone = append(standalone, c)
		} else {
			loads = append(loads, c)
		}
	}
	return append(rounds(opts, standalone, 0), rounds(opts, loads, warmUp)...)
}

// rounds returns the steps of some cases in all rounds from the first one on.
func rounds(opts options, cases []benchCase, first int) []step {
	var steps []step
	for round := first; round < opts.Rounds; round++ {
		order := shuffled(opts.Peers, round)
		for _, c := range cases {
			if c.wanted(round) {
				steps = append(steps, c.steps(opts, order, round)...)
			}
		}
	}
	return steps
}

// steps returns the steps of the case in a round.
func (c benchCase) steps(opts options, order []peer, round int) []step {
	fit := slices.DeleteFunc(slices.Clone(order), func(p peer) bool { return !c.fits(p) })
	var steps []step
	for group := range slices.Chunk(fit, max(1, c.Batch)) {
		steps = append(steps, step{Round: round, Case: c, Peers: group, Duration: c.loadTime(opts, round)})
	}
	return steps
}

// shuffled returns the peers in the order of a round, which is the same in each run.
func shuffled(peers []peer, round int) []peer {
	order := slices.Clone(peers)
	random := rand.New(rand.NewPCG(uint64(round+1), 0))
	random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	return order
}

// timeLeft estimates how long the steps from i on take, from how long the steps before took.
func timeLeft(steps []step, i int, elapsed time.Duration) time.Duration {
	var done, left time.Duration
	for j, s := range steps {
		if j < i {
			done += s.cost()
		} else {
			left += s.cost()
		}
	}
	if done == 0 {
		return left
	}
	return time.Duration(float64(left) * float64(elapsed) / float64(done))
}
