package silence

import (
	"net/netip"
	"testing"
	"time"
)

// checked simulates health checks from an address, once in each period until a time.
func checked(tr *Tracker, address string, period, until time.Duration) {
	for at := time.Duration(0); at <= until; at += period {
		tr.HealthCheck(netip.MustParseAddr(address), ELB, at)
	}
}

func TestHealthChecksThatHaveStopped(t *testing.T) {
	slow := func(tr *Tracker) { calls(source(tr, "192.0.2.1", Proxy), every(20*time.Second, 0, start)...) }
	alone := waits(slow)
	for name, test := range map[string]struct {
		checks func(*Tracker)
		same   bool // the hold must be as long as without checks
		want   time.Duration
	}{
		"let their source go after three periods": {
			func(tr *Tracker) { checked(tr, "192.0.2.1", 3*time.Second, start) }, false, 9 * time.Second},
		"never below Quiet": {
			func(tr *Tracker) { checked(tr, "192.0.2.1", 100*time.Millisecond, start) }, false, quiet},
		"of another address change nothing": {
			func(tr *Tracker) { checked(tr, "192.0.2.9", 100*time.Millisecond, start) }, true, 0},
		"change nothing if their period is not known": {
			func(tr *Tracker) {
				tr.HealthCheck(netip.MustParseAddr("192.0.2.1"), ELB, start-3*time.Second)
				tr.HealthCheck(netip.MustParseAddr("192.0.2.1"), ELB, start)
			}, true, 0},
		"change nothing while they go on": {
			func(tr *Tracker) { checked(tr, "192.0.2.1", 3*time.Second, start+5*time.Minute) }, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := waits(func(tr *Tracker) { slow(tr); test.checks(tr) })
			if test.same {
				if got < alone-time.Second || got > alone+time.Second {
					t.Errorf("the hold lasted %v, want %v as without checks", got, alone)
				}
			} else if got < test.want || got > test.want+time.Second/4 {
				t.Errorf("the hold lasted %v, want %v; %v without checks", got, test.want, alone)
			}
		})
	}
}

func TestChecksOfAnIdlePod(t *testing.T) {
	var tracker Tracker
	checked(&tracker, "192.0.2.1", 10*time.Second, start)
	tracker.Drain(start + time.Second)
	tracker.HealthCheck(netip.MustParseAddr("192.0.2.1"), ELB, start+10*time.Second)
	for i := range 9 { // an address that was not known before the drain
		tracker.HealthCheck(netip.MustParseAddr("198.51.100.1"), Envoy, start+time.Duration(i+10)*time.Second)
	}
	f := tracker.Forecast(rule, start+20*time.Second)
	if !f.Idle || f.ChecksIn != 20*time.Second {
		t.Errorf("forecast %+v, want the checks to stop 3 periods of 10s after the last one, in 20s", f)
	}
	if f.Checks[ELB] != 9*time.Second || f.Checks[Envoy] != 17*time.Second {
		t.Errorf("last checks %v, want those of elb at 9s and of envoy at 17s", f.Checks)
	}
	if f := tracker.Forecast(rule, start+41*time.Second); f.ChecksIn != 0 {
		t.Errorf("forecast %+v after three periods, want the checks to have stopped", f)
	}
}

func TestAddressesOfHealthChecksAreBounded(t *testing.T) {
	var tracker Tracker
	for i := range 4 * maxCheckAddresses {
		addr := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
		tracker.HealthCheck(addr, Google, time.Duration(i)*time.Millisecond)
	}
	if n := len(tracker.checks); n != maxCheckAddresses {
		t.Errorf("checks of %d addresses tracked, want %d", n, maxCheckAddresses)
	}
	tracker.HealthCheck(netip.MustParseAddr("192.0.2.1"), Google, 2*Window)
	if n := len(tracker.checks); n != 1 {
		t.Errorf("checks of %d addresses tracked, want only the one that still checks", n)
	}
}

func TestTheSourceOfHealthChecksIsAProxy(t *testing.T) {
	var tracker Tracker
	before, after := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	none := netip.MustParseAddr("192.0.2.3")
	known := tracker.Acquire(before, 0)
	for _, addr := range []netip.Addr{before, after} {
		tracker.HealthCheck(addr, ELB, time.Second)
	}
	if known.Class() != Proxy {
		t.Errorf("class of a known source %v, want proxy", known.Class())
	}
	for addr, want := range map[netip.Addr]Class{before: Proxy, after: Proxy, none: Direct} {
		if got := tracker.Acquire(addr, time.Second).Class(); got != want {
			t.Errorf("class of the source %v is %v, want %v", addr, got, want)
		}
	}
}

func TestChecksFromAnUnknownAddressDoNotCountInADrain(t *testing.T) {
	var tracker Tracker
	tracker.Drain(start)
	for i := range 10 {
		tracker.HealthCheck(netip.MustParseAddr("198.51.100.1"), ELB, start+time.Duration(i)*time.Second)
	}
	if f := tracker.Forecast(rule, start+9*time.Second); f.ChecksIn != 0 || f.Checks[ELB] != 9*time.Second {
		t.Errorf("forecast %+v, want the checks reported, and no other change", f)
	}
}
