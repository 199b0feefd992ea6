package observe

import (
	"net/netip"
	"slices"
	"time"

	"lameduck/lifecycle/sockdiag"
)

// A Probe is one of the kubelet's: it opens a short connection to a port, once in each period.
type Probe struct {
	Port   uint16
	Period time.Duration
}

// probes decides which connections from the node the kubelet's probes explain. Each probe has a
// bucket of tokens that gains one in each period. What finds no token is traffic.
type probes []*bucket

type bucket struct {
	Probe
	tokens float64
	filled time.Duration // when tokens were last added
}

// jitter is how many tokens a bucket holds: one, and a part for probes that come early after one
// that was late.
const jitter = 1.25

func newProbes(all []Probe) (p probes) {
	for _, probe := range all {
		p = append(p, &bucket{Probe: probe, tokens: jitter})
	}
	return p
}

// explain reports whether a connection to port whose request came at a time is a probe, and counts it
// as that one. Requests come with the period, whereas their responses may be late.
func (p probes) explain(port uint16, at time.Duration) bool {
	var fullest *bucket
	for _, b := range p {
		if b.Port != port {
			continue
		}
		if b.fill(at); fullest == nil || b.tokens > fullest.tokens {
			fullest = b
		}
	}
	if fullest == nil || fullest.tokens < 1 {
		return false
	}
	fullest.tokens--
	return true
}

func (b *bucket) fill(now time.Duration) {
	if elapsed := now - b.filled; elapsed > 0 {
		b.tokens = min(jitter, b.tokens+elapsed.Seconds()/b.Period.Seconds())
		b.filled = now
	}
}

// expects reports whether the kubelet probes a port at all.
func (p probes) expects(port uint16) bool {
	return slices.ContainsFunc(p, func(b *bucket) bool { return b.Port == port })
}

// maxNodes bounds the addresses of the node.
const maxNodes = 8

// NoteKubelet takes note that addr has sent a probe of the kubelet to Lameduck itself, so that others
// may come from there. Who forges one can hide nothing but its own connections, and at a port without
// a relay only as many as the probes explain.
func (o *Observer) NoteKubelet(addr netip.Addr) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if addr = addr.Unmap(); len(o.flows.nodes) < maxNodes && !slices.Contains(o.flows.nodes, addr) {
		o.flows.nodes = append(o.flows.nodes, addr)
		o.flows.decideEarly()
		o.warnOfBypassLocked()
	}
}

// A visit is a short connection that is over.
type visit struct {
	port      *port      // nil if it is not known
	from      netip.Addr // unknown without a port
	requested time.Duration
	ended     time.Duration
}

// isProbe reports whether a visit is one of the kubelet's, or may turn out to be: then it is no traffic
// yet. It takes note of it.
func (f *flows) isProbe(v visit) bool {
	switch {
	case f.isFromNode(v) && f.explain(v):
		f.counts.probes++
		return true
	case len(f.nodes) == 0 && (v.port == nil || f.expects(v.port)):
		return f.early.add(v)
	}
	return false
}

// mayBeProbe reports whether a connection may be one of the kubelet's probes, as far as is known.
func (f *flows) mayBeProbe(p *port, from netip.Addr) bool {
	if len(f.nodes) == 0 {
		return f.early.waits && f.expects(p)
	}
	return f.isFromNode(visit{port: p, from: from})
}

// isFromNode reports whether a visit from the node may be a probe.
func (f *flows) isFromNode(v visit) bool {
	if v.port == nil {
		return len(f.nodes) > 0
	}
	return slices.Contains(f.nodes, v.from.Unmap()) && f.expects(v.port)
}

// expects reports whether the kubelet may probe a port. Behind a relay the probes need not be known:
// short connections from the node are not taken for a bypass.
func (f *flows) expects(p *port) bool { return p.Relay != 0 || f.probes.expects(p.Number) }

// explain reports whether a probe explains a visit from the node.
func (f *flows) explain(v visit) bool {
	switch {
	case v.port == nil:
		return f.explainUnseen(v.requested)
	case v.port.Relay != 0 && !f.probes.expects(v.port.Number):
		return true
	}
	return f.probes.explain(v.port.Number, v.requested)
}

// countTraffic takes note of a visit that is traffic.
func (f *flows) countTraffic(v visit) {
	if v.port == nil {
		f.counts.unseen++
	} else {
		v.port.connections++
	}
	f.traffic.passFrom(v.from, v.ended)
}

// requested returns when the last data of a connection that has ended at now came.
func requested(c *sockdiag.Connection, now time.Duration) time.Duration {
	if !c.Measured {
		return now
	}
	return now - c.Info.LastDataReceived
}
