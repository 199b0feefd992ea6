package observe

import (
	"math"
	"net/netip"
	"slices"
	"time"

	"lameduck/lifecycle/sockdiag"
)

// A Probe is a probe of the kubelet, which opens a short connection to a port once in each period.
type Probe struct {
	Port   uint16
	Period time.Duration
}

// probes decides which connections from the node are the kubelet's probes: on each port, one for
// every period of a probe that has passed since the last one. The others are traffic.
type probes []*schedule

// A schedule is when a probe came.
type schedule struct {
	Probe
	last  time.Duration // when the last connection that it explains came
	began bool          // there was one
}

func newProbes(all []Probe) (p probes) {
	for _, probe := range all {
		p = append(p, &schedule{Probe: probe})
	}
	return p
}

// explain reports whether a connection to port is a probe, and if so marks that probe as done. at
// is when its request arrived: requests arrive with the period, whereas responses may be late.
//
// Other traffic from the node may be mistaken for a probe. The next probe then counts as traffic,
// but no later one does, since missed periods do not accumulate.
func (p probes) explain(port uint16, at time.Duration) bool {
	var due *schedule
	for _, s := range p {
		if s.Port == port && s.isDue(at) && (due == nil || s.overdue(at) > due.overdue(at)) {
			due = s
		}
	}
	if due == nil {
		return false
	}
	due.last, due.began = at, true
	return true
}

// isDue reports whether the probe may arrive at a time. If the last one was late, this one seems
// early: by up to a quarter of the period, or 0.4 s for a period of one second. The rest of the
// period is always more than half of it, so that of two connections in one period one is traffic.
func (s *schedule) isDue(at time.Duration) bool {
	early := max(s.Period/4, min(2*s.Period/5, time.Second/2))
	return !s.began || at-s.last >= s.Period-early
}

// overdue returns how many periods have passed since the probe came.
func (s *schedule) overdue(at time.Duration) float64 {
	if !s.began {
		return math.Inf(1)
	}
	return (at - s.last).Seconds() / s.Period.Seconds()
}

// expects reports whether the kubelet probes a port.
func (p probes) expects(port uint16) bool {
	return slices.ContainsFunc(p, func(s *schedule) bool { return s.Port == port })
}

// maxNodes bounds the addresses of the node.
const maxNodes = 8

// NoteKubelet records that the kubelet has probed Lameduck itself from addr, so that its other
// probes may come from there. A forged probe can hide only connections from its own address, and on
// a port without a relay only as many as the probes explain.
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

// isProbe reports whether a visit is the kubelet's, or may turn out to be, so that it is not
// traffic yet. It records the visit.
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

// expects reports whether the kubelet may probe a port. Behind a relay the probes need not be
// configured: short connections from the node do not count as bypassing it.
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

// countTraffic records a visit that is traffic.
func (f *flows) countTraffic(v visit) {
	if v.port == nil {
		f.counts.unseen++
	} else {
		v.port.connections++
	}
	f.traffic.passFrom(v.from, v.ended)
}

// requested returns when a connection that has ended at now last received data.
func requested(c *sockdiag.Connection, now time.Duration) time.Duration {
	if !c.Measured {
		return now
	}
	return now - c.Info.LastDataReceived
}
