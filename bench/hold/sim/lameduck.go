package sim

import (
	"net/netip"
	"time"

	"lameduck/lifecycle"
	"lameduck/lifecycle/silence"
)

// A pod is what Lameduck knows of a rollout: the tracker that its relay calls for each connection
// and each exchange.
type pod struct {
	rollout *rollout
	tracker silence.Tracker
	kept    []*silence.Source // the sources of open connections; nil for sources without one
	checks  []check           // to come
}

// newPod serves the history of a rollout. For speed, each source has one connection in it, which makes
// no difference before the drain.
func newPod(r *rollout) *pod {
	p := &pod{rollout: r, kept: make([]*silence.Source, len(r.sources)), checks: r.checks}
	r.serve(func(i int, at time.Duration) { p.exchange(i, at, true) })
	for i, s := range p.kept {
		if s != nil && !r.sources[i].keeps {
			p.close(i)
		}
	}
	p.checkUntil(0)
	p.tracker.Drain(p.now(0))
	return p
}

// close closes the connection that a source keeps.
func (p *pod) close(i int) {
	p.tracker.Release(p.kept[i])
	p.kept[i] = nil
}

// now is the clock of the tracker, which counts from the beginning of the history.
func (p *pod) now(at time.Duration) time.Duration { return at + p.rollout.history }

// exchange records an exchange that takes no time, on the connection that the source has kept or on
// a new one. The connection is closed afterwards if the source does not keep it.
func (p *pod) exchange(i int, at time.Duration, keep bool) {
	now := p.now(at)
	s := p.kept[i]
	if s == nil {
		address := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
		s = p.tracker.Acquire(address, now)
		s.Classify(classes[p.rollout.sources[i].route])
		p.kept[i] = s
	}
	s.Begin(now)
	s.End(now)
	if !keep {
		p.close(i)
	}
}

// checkUntil records the health checks until a time.
func (p *pod) checkUntil(now time.Duration) {
	for len(p.checks) > 0 && p.checks[0].at < now {
		node := netip.AddrFrom4([4]byte{10, 1, 0, byte(p.checks[0].node)})
		p.tracker.HealthCheck(node, silence.OtherChecker, p.now(p.checks[0].at))
		p.checks = p.checks[1:]
	}
}

// classes are the classes that the relay puts sources into.
var classes = map[Route]silence.Class{
	Direct: silence.Direct, Proxied: silence.Proxy, Opaque: silence.Unknown,
}

// hold is the configuration of Lameduck, which is the default for a grace period of 120 s.
var hold = lifecycle.Hold{
	Min: minHold, Quiet: quiet, Max: maxHold, Risk: 0.01, LBDelay: maxHold / 2, Escalate: maxHold / 3,
}

// epoch is the beginning of the drain. Any time will do.
var epoch = time.Unix(0, 0)

// drain returns when the hold ends. In the drain every connection is closed with its next response.
func (p *pod) drain(requests []request) time.Duration {
	state := lifecycle.NewDecision(hold, epoch)
	for now := time.Duration(0); ; {
		if p.rollout.stall.contains(now) {
			now = p.rollout.stall.end
		} else {
			requests = p.serveUntil(now, requests)
		}
		p.checkUntil(now)
		reason, wait := state.Look(epoch.Add(now), p.tracker.Forecast(hold.Rule(), p.now(now)))
		if reason != lifecycle.NotEnded {
			return now
		}
		requests = p.serveUntil(now, requests)
		now += wait
	}
}

// serveUntil serves the requests until a time, and returns the others. Those of a stall are served
// after it.
func (p *pod) serveUntil(now time.Duration, requests []request) []request {
	for len(requests) > 0 && requests[0].at <= now {
		at := requests[0].at
		if p.rollout.stall.contains(at) {
			if at = p.rollout.stall.end; at > now {
				break
			}
		}
		p.exchange(requests[0].source, at, false)
		requests = requests[1:]
	}
	return requests
}
