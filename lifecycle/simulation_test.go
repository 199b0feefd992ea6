package lifecycle

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"lameduck/lifecycle/silence"
)

// mixesPerClass is how many rollouts are simulated of each class of service.
const mixesPerClass = 1000

// TestSimulatedRollouts rolls services out whose load balancers let go late, over seeded mixes of sources, and counts the
// rollouts in which a request came after the hold had ended. A mix has one to ten sources with a rhythm each: Poisson,
// bursty with heavy tails, or periodic. Each goes on for ten minutes before the drain and then until its own lag is over,
// which is within the load balancer's, of 1 to 110 s, and half as often meanwhile, since the new pods have their share. The
// bounds are those that the rule is known to keep, beside what a fixed time does to the same mixes.
func TestSimulatedRollouts(t *testing.T) {
	if raceEnabled {
		t.Skip("one goroutine's arithmetic: the race detector has nothing to see and takes minutes")
	}
	rule := Hold{Min: 5 * time.Second, Quiet: 5 * time.Second, Max: 10 * time.Minute, Factor: 3}
	blind := rule
	blind.Factor = 0
	for name, class := range map[string]struct {
		slowest, fastest float64 // requests per second of the whole service
		bound            float64 // early ends per rollout
	}{
		"busy":     {10, 100, 0.002},
		"middling": {1, 10, 0.003},
		"quiet":    {0.05, 1, 0.003},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mixes := mixesPerClass
			if testing.Short() {
				mixes /= 10
			}
			var ruled, blinded, fixed10, fixed60 int
			var prices []time.Duration
			for seed := range uint64(mixes) {
				m := newMix(seed, class.slowest, class.fastest)
				end := m.drain(rule)
				last := m.last()
				prices = append(prices, end-last)
				ruled += count(end < last)
				blinded += count(newMix(seed, class.slowest, class.fastest).drain(blind) < last)
				fixed10 += count(10*time.Second < last)
				fixed60 += count(60*time.Second < last)
			}
			percent := func(n int) float64 { return 100 * float64(n) / float64(mixes) }
			slices.Sort(prices)
			t.Logf("ended early: %.2f %% of rollouts, %v after the last request (median); with Quiet alone %.1f %%; fixed 10 s %.1f %%, fixed 60 s %.1f %%",
				percent(ruled), prices[mixes/2].Round(time.Second), percent(blinded), percent(fixed10), percent(fixed60))
			if percent(ruled) > 100*class.bound {
				t.Errorf("%.2f %% of rollouts end too early, want at most %.2f %%", percent(ruled), 100*class.bound)
			}
			if name == "quiet" && percent(blinded) < 5 {
				t.Errorf("%.2f %% of rollouts end too early without the rhythm of the sources: the simulation does not see what it is for", percent(blinded))
			}
		})
	}
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// surge is how many times as many pods share the requests in a rollout, at most, until the load balancer lets go of the old
// ones: each pod's gaps are that much longer than the rhythm that it knows.
const surge = 2

// history is how long sources go on before the drain begins.
const history = 10 * time.Minute

// A mix is the sources of one service. Its times count from the drain's start.
type mix struct {
	tracker silence.Tracker
	sources []*simulated
}

type simulated struct {
	source *silence.Source
	gap    func() time.Duration
	next   time.Duration
	lag    time.Duration
	last   time.Duration // request; before any: far in the past
}

func newMix(seed uint64, slowest, fastest float64) *mix {
	random := rand.New(rand.NewPCG(seed, math.Float64bits(fastest)))
	m := &mix{}
	rate := slowest * math.Pow(fastest/slowest, random.Float64())
	lag := float64(time.Second) * math.Pow(110, random.Float64())
	n := 1 + random.IntN(10)
	for i := range n {
		address := netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
		s := &simulated{
			source: m.tracker.Acquire(address, 0),
			gap:    newRhythm(random, rate/float64(n)),
			lag:    time.Duration(lag * (0.2 + 0.8*random.Float64())),
			last:   -history,
		}
		s.next = -history + s.gap()
		m.sources = append(m.sources, s)
	}
	return m
}

// newRhythm returns the gaps of a source with the given mean rate.
func newRhythm(random *rand.Rand, rate float64) func() time.Duration {
	mean := float64(time.Second) / rate
	switch random.IntN(3) {
	case 0: // Poisson
		return func() time.Duration { return time.Duration(random.ExpFloat64() * mean) }
	case 1: // periodic, with a jitter of a tenth
		return func() time.Duration { return time.Duration(mean * (0.95 + 0.1*random.Float64())) }
	}
	// Bursts of ten on average, a tenth of the mean apart, with Pareto gaps of index 2.5 between them.
	const index, burst = 2.5, 10
	scale := mean * (burst - 0.1*(burst-1)) * (index - 1) / index
	return func() time.Duration {
		if random.Float64() < 1-1.0/burst {
			return time.Duration(random.ExpFloat64() * mean / 10)
		}
		return time.Duration(scale * math.Pow(1-random.Float64(), -1/index))
	}
}

// run lets all sources go on until now.
func (m *mix) run(now time.Duration) {
	for _, s := range m.sources {
		for s.next <= min(now, s.lag) {
			s.source.Begin(s.next + history)
			s.source.End(s.next + history)
			s.last = s.next
			gap := s.gap()
			if s.next > 0 {
				gap *= surge
			}
			s.next += gap
		}
	}
}

// last returns when the last request comes. The mix has gone on until its end then.
func (m *mix) last() (last time.Duration) {
	m.run(math.MaxInt64)
	for _, s := range m.sources {
		last = max(last, s.last)
	}
	return last
}

// drain returns when the hold ends.
func (m *mix) drain(h Hold) time.Duration {
	for now := time.Duration(0); ; {
		m.run(now)
		o := m.tracker.Outlook(h.Rule(), now+history)
		reason, wait := h.Next(Facts{Elapsed: now, InFlight: o.InFlight, SilentIn: o.SilentIn})
		if reason != NotEnded {
			return now
		}
		now += wait
	}
}
