package silence

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"
)

var rule = Rule{Quiet: 5 * time.Second, Factor: 1.5}

// called is a source that was called at these times, for no time each.
func called(at ...time.Duration) *Source {
	s := newSource()
	for _, t := range at {
		s.Begin(t)
		s.End(t)
	}
	return s
}

func TestRequired(t *testing.T) {
	for name, test := range map[string]struct {
		rule Rule
		gap  time.Duration
		want time.Duration
	}{
		"a busy source is believed after Quiet": {rule, 10 * time.Millisecond, 5 * time.Second},
		"a slow one after 1.5 of its gaps":      {rule, 20 * time.Second, 30 * time.Second},
		"without a factor Quiet alone counts":   {Rule{Quiet: time.Second}, time.Hour, time.Second},
		"without Quiet the rhythm alone counts": {Rule{Factor: 2}, time.Second, 2 * time.Second},
		"a source without a gap needs Quiet":    {rule, 0, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.rule.Required(test.gap); got != test.want {
				t.Errorf("required %v, want %v", got, test.want)
			}
		})
	}
}

func TestLongestGap(t *testing.T) {
	const s, m = time.Second, time.Minute
	for name, test := range map[string]struct {
		calls []time.Duration
		now   time.Duration
		want  time.Duration
	}{
		"none before the second exchange":         {[]time.Duration{s}, m, 0},
		"the longest of several":                  {[]time.Duration{0, 3 * s, 10 * s, 12 * s}, m, 7 * s},
		"one that began before the clock's epoch": {[]time.Duration{0, 0, 4 * s}, m, 4 * s},
		"is kept for ten minutes":                 {[]time.Duration{0, 9 * s, 10 * s}, 9*s + Window, 9 * s},
		"and forgotten after twenty":              {[]time.Duration{0, 9 * s, 10 * s}, 9*s + 2*Window + s, 0},
		"of more than ten minutes is no rhythm":   {[]time.Duration{0, Window + s}, Window + 2*s, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := called(test.calls...).longestGap(test.now); got != test.want {
				t.Errorf("the longest gap is %v, want %v", got, test.want)
			}
		})
	}
}

func TestAGapIsCountedFromTheEndOfTheLastExchange(t *testing.T) {
	s := newSource()
	s.Begin(0)
	s.Begin(time.Second) // at the same time as the first
	s.End(2 * time.Second)
	s.End(20 * time.Second)
	s.Begin(23 * time.Second)
	if got := s.longestGap(23 * time.Second); got != 3*time.Second {
		t.Errorf("the longest gap is %v, want 3s: from 20s to 23s, and none while an exchange is in flight", got)
	}
}

func TestOutlook(t *testing.T) {
	var tracker Tracker
	busy := tracker.Acquire(netip.MustParseAddr("192.0.2.1"), 0)
	slow := tracker.Acquire(netip.MustParseAddr("192.0.2.2"), 0)
	for at := time.Duration(0); at <= 40*time.Second; at += time.Second {
		busy.Begin(at)
		busy.End(at)
	}
	for _, at := range []time.Duration{0, 20 * time.Second} {
		slow.Begin(at)
		slow.End(at)
	}
	if o := tracker.Outlook(rule, 40*time.Second); o != (Outlook{0, 10 * time.Second, 30 * time.Second}) {
		t.Errorf("the outlook is %+v, want 10s: 1.5 gaps of the slow source after its last exchange", o)
	}
	busy.Begin(48 * time.Second)
	if o := tracker.Outlook(rule, 49*time.Second); o.InFlight != 1 {
		t.Errorf("%d in flight, want 1", o.InFlight)
	}
	busy.End(49 * time.Second)
	if o := tracker.Outlook(rule, 49*time.Second); o != (Outlook{0, 12 * time.Second, 12 * time.Second}) {
		t.Errorf("the outlook is %+v, want 12s: 1.5 gaps of 8s after the end at 49s", o)
	}
	if o := tracker.Outlook(rule, 2*time.Minute); o != (Outlook{0, 61*time.Second - 2*time.Minute, 12 * time.Second}) {
		t.Errorf("the outlook is %+v, want a silence that was complete at 1m1s", o)
	}
	if o := new(Tracker).Outlook(rule, time.Minute); o != (Outlook{}) {
		t.Errorf("the outlook without a source is %+v", o)
	}
}

func TestPastTheLimitSourcesAreGrouped(t *testing.T) {
	var tracker Tracker
	address := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }
	for i := range MaxSources {
		tracker.Acquire(address(i), 0)
	}
	first := tracker.Acquire(address(1<<8+1), 0)
	if second := tracker.Acquire(address(1<<8+2), 0); second != first {
		t.Error("two addresses of one /24 past the limit are two sources")
	}
	if other := tracker.Acquire(address(2<<8+1), 0); other == first {
		t.Error("addresses of two /24 are one source")
	}
	if known := tracker.Acquire(address(7), 0); known == first {
		t.Error("an address that is known loses its own source")
	}
	for i := range 2 * MaxSources {
		tracker.Acquire(address(i<<8+5), 0)
	}
	if n := tracker.Len(); n != 2*MaxSources+1 {
		t.Errorf("%d sources, want the two limits and one for all the rest", n)
	}
}

func TestIPv6PastTheLimitIsGroupedBy64(t *testing.T) {
	var tracker Tracker
	for i := range MaxSources {
		tracker.Acquire(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 0)
	}
	a := tracker.Acquire(netip.MustParseAddr("2001:db8::1"), 0)
	b := tracker.Acquire(netip.MustParseAddr("2001:db8::ffff:2%eth0"), 0)
	c := tracker.Acquire(netip.MustParseAddr("2001:db8:0:1::1"), 0)
	if a != b || a == c {
		t.Error("past the limit one /64 is one source, and another one another")
	}
}

func TestAnIPv4AddressIsOneSourceInBothNotations(t *testing.T) {
	var tracker Tracker
	if tracker.Acquire(netip.MustParseAddr("192.0.2.1"), 0) != tracker.Acquire(netip.MustParseAddr("::ffff:192.0.2.1"), 0) {
		t.Error("192.0.2.1 and ::ffff:192.0.2.1 are two sources")
	}
}

func TestSourcesThatSayNothingAnyMoreMakeRoom(t *testing.T) {
	var tracker Tracker
	fill := func(from byte) {
		for i := range MaxSources {
			s := tracker.Acquire(netip.AddrFrom4([4]byte{from, 0, byte(i >> 8), byte(i)}), 0)
			s.Begin(0)
			s.End(0)
			if i > 0 { // the first is held
				tracker.Release(s)
			}
		}
	}
	fill(10)
	held := tracker.Acquire(netip.AddrFrom4([4]byte{10, 0, 0, 0}), 0)
	late := 2*Window + time.Second
	a := tracker.Acquire(netip.MustParseAddr("192.0.2.1"), late)
	b := tracker.Acquire(netip.MustParseAddr("192.0.2.2"), late)
	if a == b {
		t.Error("new addresses are grouped although there is room to be made")
	}
	if tracker.Acquire(netip.AddrFrom4([4]byte{10, 0, 0, 0}), late) != held {
		t.Error("a source that a connection holds is forgotten")
	}
}

func TestSourcesAreSafeForConcurrentUse(t *testing.T) {
	var tracker Tracker
	var users sync.WaitGroup
	for i := range 8 {
		users.Go(func() {
			for n := range 2000 {
				now := time.Duration(n) * time.Second
				s := tracker.Acquire(netip.MustParseAddr(fmt.Sprintf("192.0.2.%d", i%3)), now)
				s.Begin(now)
				tracker.Outlook(rule, now)
				s.End(now)
				tracker.Release(s)
			}
		})
	}
	users.Wait()
	if inFlight := tracker.Outlook(rule, 0).InFlight; inFlight != 0 {
		t.Errorf("%d exchanges are in flight after all have ended", inFlight)
	}
}

func TestAnExchangeBesideALongOneIsNoGap(t *testing.T) {
	s := called(0)
	s.Begin(time.Second)
	s.Begin(20 * time.Second)
	s.End(21 * time.Second)
	s.End(22 * time.Second)
	if got := s.longestGap(22 * time.Second); got != time.Second {
		t.Errorf("the longest gap is %v, want 1s: the source was not silent after that", got)
	}
}

func TestAShorterRhythmTakesThePlaceOfALongerOne(t *testing.T) {
	s := called(0, 9*time.Second)
	now := 9 * time.Second
	for ; now < 3*Window; now += 4 * time.Second {
		s.Begin(now)
		s.End(now)
	}
	if got := s.longestGap(now); got != 4*time.Second {
		t.Errorf("the longest gap is %v, want the 4s of the last windows", got)
	}
}

func TestGroupsCount(t *testing.T) {
	var tracker Tracker
	address := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }
	for i := range 3 * MaxSources {
		tracker.Acquire(address(i<<8), 0) // more than there are places for addresses and for groups
	}
	group, others := tracker.Acquire(address(MaxSources<<8+1), 0), tracker.Acquire(address(9*MaxSources<<8), 0)
	if group == others {
		t.Fatal("a group and the rest are one source")
	}
	for n, s := range []*Source{group, others} {
		s.Begin(time.Second)
		if inFlight := tracker.Outlook(rule, time.Second).InFlight; inFlight != n+1 {
			t.Errorf("%d exchanges are in flight, want %d", inFlight, n+1)
		}
	}
	for n, s := range []*Source{group, others} {
		end := time.Duration(n+2) * time.Second
		s.End(end)
		if in := tracker.Outlook(rule, end).SilentIn; in != rule.Quiet {
			t.Errorf("silent in %v, want %v", in, rule.Quiet)
		}
	}
}
