package silence

import (
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"
	"unsafe"
)

const quiet = 5 * time.Second

// calls begins and ends an exchange of a source at each of these times.
func calls(s *Source, at ...time.Duration) {
	for _, t := range at {
		raise(&s.opened, t)
		s.Begin(t)
		s.End(t)
	}
}

// every returns the times from first to last, one for each step.
func every(step, first, last time.Duration) (at []time.Duration) {
	for t := first; t <= last; t += step {
		at = append(at, t)
	}
	return at
}

func source(t *Tracker, address string, class Class) *Source {
	s := t.Acquire(netip.MustParseAddr(address), 0)
	s.Classify(class)
	t.Release(s)
	return s
}

func longestGap(s *Source, now time.Duration) time.Duration {
	longest, _ := s.memory(now)
	return longest
}

var rule = Rule{Quiet: quiet, Risk: 0.01}

func TestLongestGap(t *testing.T) {
	const s, m = time.Second, time.Minute
	for name, test := range map[string]struct {
		calls []time.Duration
		now   time.Duration
		want  time.Duration
	}{
		"none before the second exchange":     {[]time.Duration{s}, m, 0},
		"the longest of several":              {[]time.Duration{0, 3 * s, 10 * s, 12 * s}, m, 7 * s},
		"kept for a window":                   {[]time.Duration{0, 9 * s, 10 * s}, 9*s + 2*Window, 9 * s},
		"forgotten after another":             {[]time.Duration{0, 9 * s, 10 * s}, 9*s + 4*Window, 0},
		"longer than a window is no rhythm":   {[]time.Duration{0, Window + s}, Window + 2*s, 0},
		"counted from the end of an exchange": {[]time.Duration{0, 0, 4 * s}, m, 4 * s},
	} {
		t.Run(name, func(t *testing.T) {
			var tracker Tracker
			source := source(&tracker, "192.0.2.1", Direct)
			calls(source, test.calls...)
			if got := longestGap(source, test.now); got != test.want {
				t.Errorf("longest gap %v, want %v", got, test.want)
			}
		})
	}
}

func TestAnExchangeBesideALongOneIsNotAGap(t *testing.T) {
	var tracker Tracker
	s := source(&tracker, "192.0.2.1", Direct)
	calls(s, 0)
	s.Begin(time.Second)
	s.Begin(20 * time.Second)
	s.End(21 * time.Second)
	s.End(22 * time.Second)
	if got := longestGap(s, 22*time.Second); got != time.Second {
		t.Errorf("longest gap %v, want 1s: an exchange was in flight after that", got)
	}
}

func TestMemoryOfSources(t *testing.T) {
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	tracker := new(Tracker)
	for i := range 4 * MaxSources {
		addr := netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1})
		calls(tracker.Acquire(addr, 0), time.Second)
	}
	used := heap() - before
	if n := tracker.Len(); n != MaxSources || used > MaxSources*512 {
		t.Errorf("%d sources take %d bytes, want %d of at most 512 bytes each", n, used, MaxSources)
	}
	runtime.KeepAlive(tracker)
}

func TestASourceOnlyMovesToAMoreCautiousClass(t *testing.T) {
	var tracker Tracker
	s := source(&tracker, "192.0.2.1", Proxy)
	s.Classify(Direct)
	if s.Class() != Proxy {
		t.Errorf("class %v, want proxy", s.Class())
	}
}

func TestSourcesBeyondTheLimitAreMerged(t *testing.T) {
	var tracker Tracker
	address := func(i int) netip.Addr {
		return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
	}
	for i := range maxAddresses {
		tracker.Acquire(address(i), 0)
	}
	first := tracker.Acquire(address(1<<16+1), 0)
	if second := tracker.Acquire(address(1<<16+2), 0); second != first {
		t.Error("beyond the limit, two addresses of one /24 are two sources")
	}
	if other := tracker.Acquire(address(2<<16+1), 0); other == first {
		t.Error("addresses of two /24 are one source")
	}
	if known := tracker.Acquire(address(7), 0); known == first {
		t.Error("a known address lost its own source")
	}
	for i := range 2 * MaxSources {
		calls(tracker.Acquire(address(1<<20+i<<8), 0), time.Second)
	}
	if n := tracker.Len(); n != MaxSources {
		t.Errorf("%d sources, want %d", n, MaxSources)
	}
	if f := tracker.Forecast(rule, 2*time.Second); f.SilentIn != 4*time.Second {
		t.Errorf("forecast %+v, want quiet in 4s: merged sources count", f)
	}
}

func TestIPv6PastTheLimitIsGroupedBy64(t *testing.T) {
	var tracker Tracker
	for i := range maxAddresses {
		tracker.Acquire(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 0)
	}
	a := tracker.Acquire(netip.MustParseAddr("2001:db8::1"), 0)
	b := tracker.Acquire(netip.MustParseAddr("2001:db8::ffff:2%eth0"), 0)
	c := tracker.Acquire(netip.MustParseAddr("2001:db8:0:1::1"), 0)
	if a != b || a == c {
		t.Error("beyond the limit, each /64 must be one source")
	}
}

func TestAnIPv4AddressIsOneSourceInBothNotations(t *testing.T) {
	var tracker Tracker
	if source(&tracker, "192.0.2.1", Direct) != source(&tracker, "::ffff:192.0.2.1", Direct) {
		t.Error("192.0.2.1 and ::ffff:192.0.2.1 are two sources")
	}
}

func TestSilentSourcesMakeRoom(t *testing.T) {
	var tracker Tracker
	address := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}) }
	for i := range maxAddresses {
		s := tracker.Acquire(address(i), 0)
		calls(s, 0)
		if i > 0 { // the first one has an open connection
			tracker.Release(s)
		}
	}
	held := tracker.Acquire(address(0), 0)
	late := 2*Window + time.Second
	a := tracker.Acquire(netip.MustParseAddr("192.0.2.1"), late)
	b := tracker.Acquire(netip.MustParseAddr("192.0.2.2"), late)
	if a == b {
		t.Error("new addresses were merged although idle sources could be dropped")
	}
	if tracker.Acquire(address(0), late) != held {
		t.Error("a source with an open connection was dropped")
	}
}

func TestASourceIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Source{}); size > 512 {
		t.Errorf("a source takes %d bytes, want at most 512", size)
	}
}

func TestAnExchangeAllocatesNothing(t *testing.T) {
	var tracker Tracker
	s := source(&tracker, "192.0.2.1", Direct)
	now := time.Duration(0)
	if n := testing.AllocsPerRun(1000, func() { now += time.Millisecond; calls(s, now) }); n != 0 {
		t.Errorf("an exchange allocates %v times, want 0", n)
	}
}

func TestSourcesAreSafeForConcurrentUse(t *testing.T) {
	var tracker Tracker
	var users sync.WaitGroup
	for i := range 8 {
		users.Go(func() {
			for n := range 100 {
				now := time.Duration(n) * time.Second
				s := tracker.Acquire(netip.MustParseAddr(fmt.Sprintf("192.0.2.%d", i%3)), now)
				s.Begin(now)
				tracker.Forecast(rule, now)
				s.End(now)
				tracker.Release(s)
			}
		})
	}
	users.Wait()
	if inFlight := tracker.Forecast(rule, time.Hour).InFlight; inFlight != 0 {
		t.Errorf("%d exchanges in flight after all have ended", inFlight)
	}
}

func TestMergedSourcesCount(t *testing.T) {
	var tracker Tracker
	address := func(i int) netip.Addr {
		return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
	}
	for i := range 2 * MaxSources {
		tracker.Acquire(address(i<<8), 0) // more than the limits of addresses and of groups
	}
	group := tracker.Acquire(address(maxAddresses<<8+1), 0)
	others := tracker.Acquire(address(9*MaxSources<<8), 0)
	if group == others {
		t.Fatal("a group and the rest are one source")
	}
	for n, s := range []*Source{group, others} {
		s.Begin(time.Second)
		if inFlight := tracker.Forecast(rule, time.Second).InFlight; inFlight != n+1 {
			t.Errorf("%d exchanges in flight, want %d", inFlight, n+1)
		}
	}
	for n, s := range []*Source{group, others} {
		end := time.Duration(n+2) * time.Second
		s.End(end)
		if in := tracker.Forecast(rule, end).SilentIn; in != quiet {
			t.Errorf("silent in %v, want %v", in, quiet)
		}
	}
}
