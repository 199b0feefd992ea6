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
	}
}

// isProbed reports whether a connection may be one of the kubelet's probes. Behind a relay the probes
// need not be known: short connections from the node are not taken for a bypass.
func (f *flows) isProbed(p *port, c *sockdiag.Connection) bool {
	return slices.Contains(f.nodes, c.Remote.Addr().Unmap()) && (p.Relay != 0 || f.probes.expects(p.Number))
}

// explain reports whether a probe explains a connection from the node whose request came at a time.
func (f *flows) explain(p *port, at time.Duration) bool {
	if p.Relay != 0 && !f.probes.expects(p.Number) {
		return true
	}
	return f.probes.explain(p.Number, at)
}

// requested returns when the last data of a connection that has ended at now came.
func requested(c *sockdiag.Connection, now time.Duration) time.Duration {
	if !c.Measured {
		return now
	}
	return now - c.Info.LastDataReceived
}
