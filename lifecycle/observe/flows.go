package observe

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"lameduck/lifecycle/silence"
	"lameduck/lifecycle/sockdiag"
)

// A flow names a connection.
type flow struct{ local, remote netip.AddrPort }

// An origin is all that is known of a connection that the app has reset.
type origin struct {
	port   *port
	remote netip.Addr
}

// A connection is open, as far as is known.
type connection struct {
	source *silence.Source
	port   *port
	first  time.Duration // when it was first seen
	bytes  uint64        // received
	round  uint32        // of the last dump that had it
	// undecided means that it may still be a health check, and is not traffic yet.
	undecided bool
	fromNode  bool // as far as is known: the kubelet's probes may explain it
	busy      bool // an exchange is in flight: the source has begun it
	over      bool // one side has ended it, and nothing is lost when the app stops
	missing   bool // the last dump did not have it, and its end has not been reported
}

// An activity is what a dump shows of a connection. Activities are reported in the order of time.
type activity struct {
	source     *silence.Source
	begin, end time.Duration
	kind       activityKind
}

type activityKind uint8

const (
	passed activityKind = iota // an exchange is over
	begun                      // one is in flight
	ended                      // the one that was in flight is over
)

// flows is every connection at the observed ports. It asks no clock.
type flows struct {
	ports   map[uint16]*port
	probes  probes
	nodes   []netip.Addr // from which the kubelet's probes come
	early   early
	traffic traffic

	open       map[flow]*connection
	round      uint32
	looked     time.Duration  // when the last complete dump was made
	started    bool           // there has been one
	activities []activity     // of the current dump
	resets     map[origin]int // connections that the app has reset since the last dump
	excess     int            // connections of the current dump that there is no room for
	fresh      int            // connections that no dump before the current one had

	// Of the last complete dump.
	queue      int  // connections that wait to be accepted
	undecided  int  // connections that may be health checks
	unmeasured bool // connections were seen, and not what happened on them

	counts counts
}

// counts only grow.
type counts struct {
	probes uint64 // connections that the kubelet's probes explain
	empty  uint64 // short connections without data
	lost   uint64 // times that ends of connections were lost
	unseen uint64 // connections that were traffic and that no dump had
}

// maxOpen bounds the connections that are remembered. Any others count as traffic from an unknown
// source.
const maxOpen = 1 << 16

// undecidedFor is the longest life of a connection that counts as a health check.
const undecidedFor = 2 * time.Second

func newFlows(ports []Port, probes []Probe) *flows {
	f := &flows{
		ports:  make(map[uint16]*port),
		probes: newProbes(probes),
		open:   make(map[flow]*connection),
		resets: make(map[origin]int),
	}
	for _, p := range ports {
		f.ports[p.Number] = &port{Port: p}
	}
	f.early.waits = true
	return f
}

// beginDump begins a dump. The caller calls see and listen for each entry, then endDump.
func (f *flows) beginDump() {
	f.round++
	f.activities, f.excess, f.fresh = f.activities[:0], 0, 0
	f.queue, f.undecided, f.unmeasured = 0, 0, false
}

// listen records a listener.
func (f *flows) listen(l sockdiag.Listener) {
	if p := f.ports[l.Address.Port()]; p != nil && !p.isOurs(l.Address.Addr()) {
		f.queue += l.Queue
		p.listened = true
	}
}

// see records a connection that is open at now.
func (f *flows) see(c *sockdiag.Connection, now time.Duration) {
	p := f.portOf(c)
	if p == nil || isLingering(c) {
		return
	}
	f.unmeasured = f.unmeasured || !c.Measured && c.State == sockdiag.Established
	key := flow{c.Local, c.Remote}
	k := f.open[key]
	if k == nil {
		f.fresh++
		if len(f.open) >= maxOpen {
			f.excess++
			return
		}
		k = f.add(key, p, c, now)
	}
	k.round, k.missing = f.round, false
	if k.undecided && !f.decide(k, c, now) {
		f.undecided++
		return
	}
	f.follow(k, c, now)
}

// add records a new connection. Until the first dump is complete, connections are not new, but
// older than the observer.
func (f *flows) add(key flow, p *port, c *sockdiag.Connection, now time.Duration) *connection {
	first, addr := max(f.looked, now-c.Info.LastDataReceived), c.Remote.Addr()
	if !c.Measured { // dumps have few of them: an address that is seen by chance would seem to pause for long
		first, addr = now, unknown
	}
	k := &connection{
		source: f.traffic.acquire(addr, first), port: p, first: first,
		undecided: f.started, fromNode: f.mayBeProbe(p, addr),
	}
	f.open[key] = k
	return k
}

// decide reports whether a connection is traffic. It is once it has data, unless the data may be a
// probe's, and in any case once it has lasted for undecidedFor.
func (f *flows) decide(k *connection, c *sockdiag.Connection, now time.Duration) bool {
	hasData := !c.Measured || c.Info.DataSegmentsReceived > 0
	if now-k.first < undecidedFor && (!hasData || k.fromNode) {
		return false
	}
	k.undecided = false
	k.port.connections++
	if !hasData { // its opening is all that has happened
		f.activities = append(f.activities, activity{k.source, k.first, k.first, passed})
	}
	return true
}

// follow records what has happened on a connection since the last dump.
func (f *flows) follow(k *connection, c *sockdiag.Connection, now time.Duration) {
	changed := c.Measured && c.Info.BytesReceived != k.bytes && c.Info.DataSegmentsReceived > 0
	k.bytes = c.Info.BytesReceived
	received := min(now, max(k.first, now-c.Info.LastDataReceived))
	finished := received
	if c.Info.DataSegmentsSent > 0 {
		finished = min(now, max(received, now-c.Info.LastDataSent))
	}
	busy := isBusy(c)
	switch {
	case busy && !k.busy:
		if !changed {
			received = now
		}
		f.activities = append(f.activities, activity{k.source, received, now, begun})
	case !busy && k.busy:
		f.activities = append(f.activities, activity{k.source, finished, finished, ended})
	case !busy && changed:
		f.activities = append(f.activities, activity{k.source, received, finished, passed})
	}
	k.busy, k.over = busy, isOver(c, busy)
}

// isLingering reports whether the app has closed a connection and the client has everything, but has
// not closed its side. The end has been reported. For a minute, the kernel keeps no more than the
// addresses.
func isLingering(c *sockdiag.Connection) bool { return c.State == sockdiag.FinWait2 && !c.Accepted }

// isOver reports whether the end of the app takes nothing from the client: the app has ended its side,
// or the client has and waits for nothing.
func isOver(c *sockdiag.Connection, busy bool) bool {
	switch c.State {
	case sockdiag.FinWait1, sockdiag.FinWait2, sockdiag.LastAck, sockdiag.Closing:
		return true
	case sockdiag.CloseWait:
		return !busy
	}
	return false
}

// isBusy reports whether an exchange is in flight, as far as the kernel shows.
func isBusy(c *sockdiag.Connection) bool {
	switch c.State {
	case sockdiag.FinWait1, sockdiag.LastAck, sockdiag.Closing:
		return c.Unacknowledged > 1 // the FIN counts as one byte
	case sockdiag.FinWait2:
		return false // the app has ended its side, and the client has everything
	case sockdiag.CloseWait:
		if c.Unread > 1 || c.Unacknowledged > 0 { // the client's FIN counts as one byte
			return true
		}
	default:
		if c.Unread > 0 || c.Unacknowledged > 0 || !c.Accepted {
			return true
		}
	}
	switch {
	case !c.Measured || c.Info.DataSegmentsReceived == 0:
		return false
	case c.Info.DataSegmentsSent == 0:
		return true
	}
	return c.Info.LastDataReceived < c.Info.LastDataSent
}

// endDump ends a dump that was made at now. If reported is set, the kernel reports ends.
func (f *flows) endDump(now time.Duration, reported bool) {
	for key, k := range f.open {
		if k.round != f.round {
			f.miss(key, k, now, reported)
		}
	}
	for o, n := range f.resets { // they have come and gone since the dump before
		o.port.connections += uint64(n)
	}
	clear(f.resets)
	slices.SortStableFunc(f.activities, func(a, b activity) int { return cmp.Compare(a.begin, b.begin) })
	for _, a := range f.activities {
		f.report(a)
	}
	if f.excess > 0 {
		f.traffic.passFrom(unknown, now)
	}
	f.looked, f.started = now, true
}

// miss records that a dump did not have a connection. If the kernel reports ends, the connection is
// kept until the next dump, because the report may be on its way.
func (f *flows) miss(key flow, k *connection, now time.Duration, reported bool) {
	o := origin{k.port, key.remote.Addr()}
	switch {
	case f.resets[o] > 0:
		f.resets[o]--
		f.forget(key, k, now)
	case reported && !k.missing:
		k.missing = true
	default:
		f.finish(key, k, nil, now)
	}
}

func (f *flows) report(a activity) {
	switch a.kind {
	case passed:
		f.traffic.pass(a.source, a.begin, a.end)
	case begun:
		f.traffic.begin(a.source, a.begin)
	case ended:
		f.traffic.end(a.source, a.end)
	}
}

// end records the end of a connection.
func (f *flows) end(c *sockdiag.Connection, now time.Duration) {
	p := f.portOf(c)
	if p == nil {
		return
	}
	if c.Remote.Port() == 0 { // the app has reset it, and its port is not known
		f.resets[origin{p, c.Remote.Addr()}]++
		f.traffic.passFrom(c.Remote.Addr(), now)
		return
	}
	key := flow{c.Local, c.Remote}
	if k := f.open[key]; k != nil {
		f.finish(key, k, c, now)
		return
	}
	switch { // it has come and gone since the last dump
	case c.Measured && c.Info.DataSegmentsReceived == 0:
		f.counts.empty++
	default:
		if v := (visit{p, c.Remote.Addr(), requested(c, now), now}); !f.isProbe(v) {
			f.countTraffic(v)
		}
	}
}

// finish removes a connection. If c is nil, nothing is known of its end.
func (f *flows) finish(key flow, k *connection, c *sockdiag.Connection, now time.Duration) {
	began := k.first
	if c != nil {
		began = requested(c, now)
	}
	empty := k.bytes == 0 && c != nil && c.Measured && c.Info.DataSegmentsReceived == 0
	switch {
	case k.undecided && empty:
		f.counts.empty++
	case k.undecided && k.fromNode && f.isProbe(visit{k.port, key.remote.Addr(), began, now}):
	case k.undecided:
		k.port.connections++
		f.traffic.pass(k.source, k.first, now)
	case !k.busy && !empty:
		f.traffic.pass(k.source, now, now)
	}
	f.forget(key, k, now)
}

func (f *flows) forget(key flow, k *connection, now time.Duration) {
	if k.busy {
		f.traffic.end(k.source, now)
	}
	f.traffic.release(k.source)
	delete(f.open, key)
}

// lose records that ends were lost: there was traffic from an unknown source.
func (f *flows) lose(now time.Duration) {
	f.counts.lost++
	f.traffic.passFrom(unknown, now)
}

// kept returns how many connections are open and fail when the app stops, and from how many addresses.
func (f *flows) kept() (connections, peers int) {
	addresses := make(map[netip.Addr]bool)
	for key, k := range f.open {
		if !k.missing && !k.undecided && !k.over {
			connections++
			addresses[key.remote.Addr()] = true
		}
	}
	return connections, len(addresses)
}
