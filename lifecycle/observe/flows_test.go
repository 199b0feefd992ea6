package observe

import (
	"net/netip"
	"testing"
	"time"

	"lameduck/lifecycle/silence"
	"lameduck/lifecycle/sockdiag"
)

const (
	second = time.Second
	ms     = time.Millisecond
)

var (
	appAddress = netip.MustParseAddrPort("10.0.0.2:8080")
	node       = netip.MustParseAddr("10.0.0.1")
	rule       = silence.Rule{Quiet: 5 * time.Second, Risk: 1}
)

// A record feeds flows with dumps and ends, in place of the kernel.
type record struct {
	*flows
	now time.Duration
}

func newRecord(ports []Port, probes ...Probe) *record {
	r := &record{flows: newFlows(ports, probes)}
	r.nodes = []netip.Addr{node}
	r.dump()
	return r
}

func observed() *record { return newRecord([]Port{{Number: 8080}}) }

// conn is a connection from an address, with its times relative to now: received bytes, then
// segments sent, then how long ago each happened last.
func conn(from string, received uint64, lastReceived time.Duration, sent uint32, lastSent time.Duration) *sockdiag.Connection {
	segments := uint32(0)
	if received > 0 {
		segments = 1
	}
	return &sockdiag.Connection{
		State: sockdiag.Established, Local: appAddress, Remote: netip.MustParseAddrPort(from),
		Accepted: true, Measured: true,
		Info: sockdiag.Info{
			BytesReceived: received, DataSegmentsReceived: segments, LastDataReceived: lastReceived,
			DataSegmentsSent: sent, LastDataSent: lastSent,
		},
	}
}

func (r *record) at(now time.Duration) *record { r.now = now; return r }

// dump makes a dump of connections.
func (r *record) dump(all ...*sockdiag.Connection) {
	r.beginDump()
	for _, c := range all {
		r.see(c, r.now)
	}
	r.endDump(r.now, true)
}

// want expects this number of connections that are traffic, and the last event at a time.
func (r *record) want(t *testing.T, connections uint64, last time.Duration) {
	t.Helper()
	var n uint64
	for _, p := range r.ports {
		n += p.connections
	}
	if n != connections || r.traffic.last != last {
		t.Errorf("%d connections, the last event at %v; want %d, %v", n, r.traffic.last, connections, last)
	}
}

func (r *record) wantInFlight(t *testing.T, n int) {
	t.Helper()
	if got := r.traffic.tracker.Forecast(rule, r.now).InFlight; got != n {
		t.Errorf("%d exchanges are in flight at %v, want %d", got, r.now, n)
	}
}

const client = "192.0.2.1:40000"

func TestFlows_AConnectionThatComesAndGoesBetweenTwoDumpsIsTraffic(t *testing.T) {
	r := observed()
	r.at(3*second).end(conn(client, 100, 0, 1, 0), r.now)
	r.want(t, 1, 3*second)
	r.at(4 * second).dump()
	r.want(t, 1, 3*second)
	r.wantInFlight(t, 0)
}

func TestFlows_AConnectionIsCountedOnce(t *testing.T) {
	r := observed()
	r.at(2 * second).dump(conn(client, 100, 500*ms, 1, 500*ms))
	r.want(t, 1, 1500*ms)
	r.at(3 * second).dump(conn(client, 100, 1500*ms, 1, 1500*ms))
	r.want(t, 1, 1500*ms)
	r.at(4*second).end(conn(client, 101, 0, 1, 0), r.now)
	r.want(t, 1, 4*second)
	if len(r.open) != 0 {
		t.Errorf("%d connections are open, want none", len(r.open))
	}
}

func TestFlows_AChangeOfReceivedBytesIsAnEvent(t *testing.T) {
	r := observed()
	r.at(2 * second).dump(conn(client, 100, 500*ms, 1, 490*ms))
	r.at(4 * second).dump(conn(client, 200, 300*ms, 2, 200*ms))
	r.want(t, 1, 3800*ms)
	r.at(6 * second).dump(conn(client, 200, 2300*ms, 2, 2200*ms))
	r.want(t, 1, 3800*ms)
}

// A connection from before is not new, but may be busy.
func TestFlows_TheFirstDumpHasOldConnections(t *testing.T) {
	r := &record{flows: newFlows([]Port{{Number: 8080}}, nil)}
	r.dump(conn(client, 100, 30*second, 1, 29*second), conn("192.0.2.1:40001", 100, ms, 0, 0))
	r.want(t, 0, 0)
	r.wantInFlight(t, 1)
}

func TestIsBusy(t *testing.T) {
	with := func(c *sockdiag.Connection, change func(c *sockdiag.Connection)) *sockdiag.Connection {
		change(c)
		return c
	}
	idle := func() *sockdiag.Connection { return conn(client, 100, 2*second, 1, 1900*ms) }
	for name, test := range map[string]struct {
		c    *sockdiag.Connection
		want bool
	}{
		"answered":                      {idle(), false},
		"answered in the same step":     {conn(client, 100, second, 1, second), false},
		"asked again":                   {conn(client, 100, 100*ms, 1, second), true},
		"never answered":                {conn(client, 100, second, 0, 2*second), true},
		"nothing asked":                 {conn(client, 0, second, 0, second), false},
		"nothing asked, a greeting":     {conn(client, 0, second, 1, 900*ms), false},
		"unread":                        {with(idle(), func(c *sockdiag.Connection) { c.Unread = 1 }), true},
		"not acknowledged":              {with(idle(), func(c *sockdiag.Connection) { c.Unacknowledged = 1 }), true},
		"not accepted":                  {with(idle(), func(c *sockdiag.Connection) { c.Accepted = false }), true},
		"half-closed, answered":         {with(idle(), func(c *sockdiag.Connection) { c.State, c.Unread = sockdiag.CloseWait, 1 }), false},
		"half-closed, unread":           {with(idle(), func(c *sockdiag.Connection) { c.State, c.Unread = sockdiag.CloseWait, 2 }), true},
		"half-closed, to be answered":   {with(conn(client, 100, ms, 0, 0), func(c *sockdiag.Connection) { c.State = sockdiag.CloseWait }), true},
		"closed by the app, FIN sent":   {with(idle(), func(c *sockdiag.Connection) { c.State, c.Unacknowledged = sockdiag.FinWait1, 1 }), false},
		"closed by the app, data sent":  {with(idle(), func(c *sockdiag.Connection) { c.State, c.Unacknowledged = sockdiag.FinWait1, 9 }), true},
		"closed by both, data sent":     {with(idle(), func(c *sockdiag.Connection) { c.State, c.Unacknowledged = sockdiag.LastAck, 9 }), true},
		"closed by the app, it has all": {with(conn(client, 100, ms, 0, 0), func(c *sockdiag.Connection) { c.State = sockdiag.FinWait2 }), false},
		"not measured":                  {with(conn(client, 100, ms, 0, 0), func(c *sockdiag.Connection) { c.Measured = false }), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := isBusy(test.c); got != test.want {
				t.Errorf("busy: %v, want %v", got, test.want)
			}
		})
	}
}

func TestFlows_AnExchangeIsInFlightUntilItsResponseIsSent(t *testing.T) {
	r := observed()
	r.at(2 * second).dump(conn(client, 100, 500*ms, 0, 2*second))
	r.wantInFlight(t, 1)
	r.at(4 * second).dump(conn(client, 100, 2500*ms, 0, 4*second))
	r.wantInFlight(t, 1)
	r.at(6 * second).dump(conn(client, 100, 4500*ms, 3, 1200*ms))
	r.wantInFlight(t, 0)
	r.want(t, 1, 4800*ms)
}

func TestFlows_AnExchangeThatIsInFlightEndsWithItsConnection(t *testing.T) {
	t.Run("as reported", func(t *testing.T) {
		r := observed()
		r.at(2 * second).dump(conn(client, 100, 500*ms, 0, 2*second))
		r.at(3*second).end(conn(client, 101, 0, 0, 0), r.now)
		r.wantInFlight(t, 0)
		r.want(t, 1, 3*second)
	})
	t.Run("as two dumps show", func(t *testing.T) {
		r := observed()
		r.at(2 * second).dump(conn(client, 100, 500*ms, 0, 2*second))
		r.at(3 * second).dump()
		r.wantInFlight(t, 1) // the report of its end may be on its way
		r.at(4 * second).dump()
		r.wantInFlight(t, 0)
		r.want(t, 1, 4*second)
	})
	t.Run("by the app's reset", func(t *testing.T) {
		r := observed()
		r.at(2 * second).dump(conn(client, 100, 500*ms, 0, 2*second))
		r.at(3*second).end(conn("192.0.2.1:0", 0, 0, 0, 0), r.now)
		r.at(4 * second).dump()
		r.wantInFlight(t, 0)
		r.want(t, 1, 4*second)
	})
}

// If the app resets a connection, the kernel reports only the client's address.
func TestFlows_ResetsAreTrafficAndAreCountedOnce(t *testing.T) {
	r := observed()
	r.at(3*second).end(conn("192.0.2.1:0", 0, 0, 0, 0), r.now)
	r.end(conn("192.0.2.2:0", 0, 0, 0, 0), r.now)
	r.at(4 * second).dump()
	r.want(t, 2, 3*second)
	r.at(5 * second).dump()
	r.want(t, 2, 3*second)
}

func TestFlows_AHealthCheckWithoutDataIsNotTraffic(t *testing.T) {
	r := observed()
	r.at(3*second).end(conn(client, 0, ms, 0, ms), r.now)
	fin := conn("192.0.2.1:40001", 0, ms, 0, ms)
	r.at(4 * second).dump(fin)
	if r.undecided != 1 {
		t.Errorf("%d connections are undecided, want the one that may be a health check", r.undecided)
	}
	fin.Info.BytesReceived = 1 // the FIN
	r.at(4500*ms).end(fin, r.now)
	r.want(t, 0, 0)
	if r.counts.empty != 2 {
		t.Errorf("%d connections without data, want 2", r.counts.empty)
	}
}

func TestFlows_AConnectionThatLastsIsTrafficWithoutData(t *testing.T) {
	r := observed()
	r.at(3 * second).dump(conn(client, 0, 500*ms, 0, 500*ms))
	r.want(t, 0, 0)
	r.at(5 * second).dump(conn(client, 0, 2500*ms, 0, 2500*ms))
	r.want(t, 1, 2500*ms)
}

func TestFlows_LostEndsAreTraffic(t *testing.T) {
	r := observed()
	r.lose(3 * second)
	r.want(t, 0, 3*second)
}

func TestFlows_OtherPortsAndOurOwnListenersAreNotObserved(t *testing.T) {
	r := newRecord([]Port{{Number: 8080, Relay: 18080, Ours: []netip.Addr{netip.MustParseAddr("10.0.0.3")}}})
	other := conn(client, 100, 0, 1, 0)
	other.Local = netip.MustParseAddrPort("10.0.0.2:8081")
	ours := conn(client, 100, 0, 1, 0)
	ours.Local = netip.MustParseAddrPort("[::ffff:10.0.0.3]:8080")
	relayed := conn("127.0.0.1:40000", 100, 0, 1, 0)
	relayed.Local = netip.MustParseAddrPort("127.0.0.1:8080")
	own := conn("10.0.0.2:40000", 100, 0, 1, 0)
	second127 := conn("127.0.0.1:40001", 100, 0, 1, 0)
	second127.Local = netip.MustParseAddrPort("127.0.0.2:8080")
	for _, c := range []*sockdiag.Connection{other, ours, relayed, own, second127} {
		r.at(3*second).end(c, r.now)
		r.dump(c)
	}
	r.want(t, 0, 0)
	r.at(4*second).end(conn(client, 100, 0, 1, 0), r.now)
	r.want(t, 1, 4*second)
}

func TestFlows_ClientsOnTheLoopbackInterfaceAreObservedWithoutARelay(t *testing.T) {
	r := observed()
	c := conn("127.0.0.1:40000", 100, 0, 1, 0)
	c.Local = netip.MustParseAddrPort("127.0.0.1:8080")
	r.at(3*second).end(c, r.now)
	r.want(t, 1, 3*second)
}

func TestFlows_TheAcceptQueueIsCounted(t *testing.T) {
	r := newRecord([]Port{{Number: 8080, Ours: []netip.Addr{netip.MustParseAddr("10.0.0.3")}}})
	r.beginDump()
	r.listen(sockdiag.Listener{Address: netip.MustParseAddrPort("[::]:8080"), Queue: 3})
	r.listen(sockdiag.Listener{Address: netip.MustParseAddrPort("10.0.0.3:8080"), Queue: 5})
	if r.queue != 3 {
		t.Errorf("%d connections wait to be accepted by the app, want 3", r.queue)
	}
}

func TestFlows_ConnectionsBeyondTheLimitAreTraffic(t *testing.T) {
	r := observed()
	for i := range maxOpen {
		r.open[flow{remote: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}), 1)}] =
			&connection{source: r.traffic.acquire(node, 0), port: r.ports[8080], round: r.round + 1}
	}
	r.at(3 * second).dump(conn(client, 100, 0, 1, 0))
	r.want(t, 0, 3*second)
	if len(r.open) != maxOpen {
		t.Errorf("%d connections are tracked, want at most %d", len(r.open), maxOpen)
	}
}

func TestFlows_KeptConnectionsAndTheirPeersAreCounted(t *testing.T) {
	r := observed()
	r.at(3*second).dump(conn(client, 100, second, 1, second), conn("192.0.2.1:40001", 100, second, 1, second),
		conn("192.0.2.2:40000", 100, second, 1, second), conn("192.0.2.3:40000", 0, second, 0, second))
	if connections, peers := r.kept(); connections != 3 || peers != 2 {
		t.Errorf("%d connections of %d peers, want 3 of 2", connections, peers)
	}
}

// lingering is a connection that the app has closed and its client has not.
func lingering(from string) *sockdiag.Connection {
	return &sockdiag.Connection{State: sockdiag.FinWait2, Local: appAddress, Remote: netip.MustParseAddrPort(from)}
}

func TestFlows_AConnectionThatTheAppHasClosedIsNoNewOne(t *testing.T) {
	r := observed()
	r.at(3*second).end(conn(client, 100, 0, 1, 0), r.now)
	for at := 4 * second; at < 60*second; at += 2 * second {
		r.at(at).dump(lingering(client))
	}
	if connections, _ := r.kept(); connections != 0 {
		t.Errorf("%d connections counted as kept, want none", connections)
	}
	r.at(62 * second).dump()
	r.at(64 * second).dump()
	r.want(t, 1, 3*second)
}

func TestFlows_AConnectionThatTheAppHasClosedIsOverIfItsEndWasLost(t *testing.T) {
	r := observed()
	r.at(3 * second).dump(conn(client, 100, 0, 0, 0))
	r.wantInFlight(t, 1)
	r.at(5 * second).dump(lingering(client))
	r.at(7 * second).dump(lingering(client))
	r.wantInFlight(t, 0)
}

func TestFlows_WhatOneSideHasEndedIsNotKept(t *testing.T) {
	for _, test := range []struct {
		state sockdiag.State
		sent  time.Duration // since data was last sent; data was received a second ago
		kept  int
	}{
		{sockdiag.Established, 0, 1},
		{sockdiag.Established, 2 * second, 1},
		{sockdiag.CloseWait, 0, 0},
		{sockdiag.CloseWait, 2 * second, 1}, // the client waits for a response
		{sockdiag.FinWait1, 0, 0},
		{sockdiag.FinWait2, 0, 0},
		{sockdiag.LastAck, 0, 0},
		{sockdiag.Closing, 0, 0},
	} {
		r := observed()
		c := conn(client, 100, second, 1, test.sent)
		c.State = test.state
		r.at(3 * second).dump(c)
		if connections, _ := r.kept(); connections != test.kept {
			t.Errorf("state %d, sent %v ago: %d connections counted as kept, want %d", test.state, test.sent, connections, test.kept)
		}
	}
}
