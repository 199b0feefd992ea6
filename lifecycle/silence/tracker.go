package silence

import (
	"maps"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// MaxSources bounds the number of sources: maxAddresses addresses, then maxGroups groups of
// addresses, then one source for everything else. Past the bounds sources are merged, not
// forgotten.
const (
	MaxSources   = 2048
	maxAddresses = 1536
	maxGroups    = MaxSources - maxAddresses - 1
)

// A group of IPv4 addresses is a /24, a group of IPv6 addresses a /64: common sizes of the subnets
// of nodes and zones.
const (
	groupBits4 = 24
	groupBits6 = 64
)

// A Tracker holds every source. The zero value is ready to use.
type Tracker struct {
	start  atomic.Int64 // of the drain, or 0 without one
	pauses pauses

	mu        sync.Mutex
	started   bool
	evictAt   time.Duration // when to look for old sources again
	addresses map[netip.Addr]*Source
	groups    map[netip.Prefix]*Source
	others    Source          // everything past maxGroups groups
	newcomers [classes]Source // sources without a rhythm of their own, by class

	checks    map[netip.Addr]*checkSeries
	lastCheck [Checkers]time.Duration // 0 without one
}

// Acquire returns the source of a connection that comes from addr and was opened at the given time.
// The caller returns it with Release when the connection ends; until then it is not forgotten.
func (t *Tracker) Acquire(addr netip.Addr, opened time.Duration) *Source {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.initLocked(opened)
	addr = addr.Unmap().WithZone("")
	s := t.lookupLocked(addr, opened)
	if _, checks := t.checks[addr]; checks {
		s.Classify(Proxy)
	}
	s.users++
	raise(&s.opened, opened)
	return s
}

// Release returns a source that the caller does not use any more.
func (t *Tracker) Release(s *Source) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.users--
}

// Drain records that a drain begins at now. Only the first call counts.
func (t *Tracker) Drain(now time.Duration) { t.start.CompareAndSwap(0, max(int64(now), 1)) }

func (t *Tracker) draining() bool { return t.start.Load() != 0 }

func (t *Tracker) initLocked(now time.Duration) {
	if t.started {
		return
	}
	t.started = true
	t.addresses = make(map[netip.Addr]*Source)
	t.groups = make(map[netip.Prefix]*Source)
	t.others.init(now, &t.pauses)
	t.others.Classify(Proxy)
	for c := range t.newcomers {
		t.newcomers[c].init(now, &t.pauses)
		t.newcomers[c].Classify(Class(c))
	}
}

func (t *Tracker) lookupLocked(addr netip.Addr, now time.Duration) *Source {
	if s, ok := t.addresses[addr]; ok {
		return s
	}
	if len(t.addresses) >= maxAddresses {
		t.evictLocked(now)
	}
	if len(t.addresses) < maxAddresses {
		s := t.newSource(now)
		t.addresses[addr] = s
		return s
	}
	group := groupOf(addr)
	if s, ok := t.groups[group]; ok {
		return s
	}
	if len(t.groups) < maxGroups {
		s := t.newSource(now)
		t.groups[group] = s
		return s
	}
	return &t.others
}

func (t *Tracker) newSource(now time.Duration) *Source {
	s := &Source{tracker: t}
	s.init(now, &t.pauses)
	return s
}

// evictLocked removes the sources that no connection holds and that have been silent for longer
// than a rhythm is remembered. It looks for them once a second at most.
func (t *Tracker) evictLocked(now time.Duration) {
	if now < t.evictAt {
		return
	}
	t.evictAt = now + time.Second
	isOld := func(s *Source) bool {
		return s.users == 0 && now-time.Duration(s.lastEnd.Load()) > 2*Window
	}
	maps.DeleteFunc(t.addresses, func(_ netip.Addr, s *Source) bool { return isOld(s) })
	maps.DeleteFunc(t.groups, func(_ netip.Prefix, s *Source) bool { return isOld(s) })
}

func groupOf(addr netip.Addr) netip.Prefix {
	bits := groupBits6
	if addr.Is4() {
		bits = groupBits4
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // not an IP address: all of these share one group
	}
	return p
}

// Len returns the number of sources.
func (t *Tracker) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(t.addresses) + len(t.groups)
	if t.started && t.others.lastBegin.Load() != never {
		n++
	}
	return n
}
