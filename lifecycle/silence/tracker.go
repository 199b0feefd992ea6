package silence

import (
	"net/netip"
	"sync"
	"time"
)

// MaxSources bounds the addresses, and then again the groups of addresses, that are told apart.
const MaxSources = 256

// A group of IPv4 addresses is a /24, one of IPv6 addresses a /64: the sizes of the usual node or zone subnets.
const (
	groupBits4 = 24
	groupBits6 = 64
)

// A Tracker knows every source. The zero value is ready to use.
type Tracker struct {
	mu        sync.Mutex
	addresses map[netip.Addr]*Source
	groups    map[netip.Prefix]*Source
	others    *Source // everything past MaxSources groups
}

// Acquire returns the source that addr belongs to. The caller gives it back with Release; until then it is not
// forgotten. Past MaxSources addresses the source is shared by a subnet, past MaxSources subnets by all the rest.
func (t *Tracker) Acquire(addr netip.Addr, now time.Duration) *Source {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.lookup(addr.Unmap().WithZone(""), now)
	s.users++
	return s
}

// Release tells that the caller will not use s any more.
func (t *Tracker) Release(s *Source) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.users--
}

func (t *Tracker) lookup(addr netip.Addr, now time.Duration) *Source {
	if s, ok := sourceOf(&t.addresses, addr, now); ok {
		return s
	}
	if s, ok := sourceOf(&t.groups, groupOf(addr), now); ok {
		return s
	}
	if t.others == nil {
		t.others = newSource()
	}
	return t.others
}

// sourceOf returns the source under key, a new one if there is room or room can be made.
func sourceOf[K comparable](sources *map[K]*Source, key K, now time.Duration) (*Source, bool) {
	if s, ok := (*sources)[key]; ok {
		return s, true
	}
	if len(*sources) >= MaxSources {
		evict(*sources, now)
	}
	if len(*sources) >= MaxSources {
		return nil, false
	}
	if *sources == nil {
		*sources = make(map[K]*Source)
	}
	s := newSource()
	(*sources)[key] = s
	return s, true
}

// evict forgets the sources that nobody holds and that say nothing any more: silent for longer than gaps are kept.
func evict[K comparable](sources map[K]*Source, now time.Duration) {
	for key, s := range sources {
		if s.users == 0 && now-time.Duration(s.lastEnd.Load()) > 2*Window {
			delete(sources, key)
		}
	}
}

func groupOf(addr netip.Addr) netip.Prefix {
	bits := groupBits6
	if addr.Is4() {
		bits = groupBits4
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // no IP address: all such share one group
	}
	return p
}

// A Rule says how long a source must be silent.
type Rule struct {
	Quiet  time.Duration // at least this long
	Factor float64       // and this many of its longest gaps; 0: Quiet alone
}

// Required is the silence that is required of a source with this longest gap.
func (r Rule) Required(longestGap time.Duration) time.Duration {
	return max(r.Quiet, time.Duration(r.Factor*float64(longestGap)))
}

// An Outlook is what is to be expected of the sources. The zero value: nothing, since there has been nothing.
type Outlook struct {
	// InFlight is how many exchanges are in flight.
	InFlight int
	// SilentIn is the time until every source without an exchange in flight has been silent for as long as the rule
	// requires. Zero or less: each has.
	SilentIn time.Duration
	// Required is the silence that the rule requires of the source for which SilentIn is longest. Zero: there is none.
	Required time.Duration
}

// Outlook returns what the rule makes of the sources at now.
func (t *Tracker) Outlook(rule Rule, now time.Duration) Outlook {
	t.mu.Lock()
	defer t.mu.Unlock()
	var o Outlook
	look := func(s *Source) {
		o.InFlight += int(s.inFlight.Load())
		last := time.Duration(s.lastEnd.Load())
		if last == never {
			return
		}
		required := rule.Required(s.longestGap(now))
		if in := last + required - now; o.Required == 0 || in > o.SilentIn {
			o.SilentIn, o.Required = in, required
		}
	}
	for _, s := range t.addresses {
		look(s)
	}
	for _, s := range t.groups {
		look(s)
	}
	if t.others != nil {
		look(t.others)
	}
	return o
}

// Len returns how many sources are told apart.
func (t *Tracker) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(t.addresses) + len(t.groups)
	if t.others != nil {
		n++
	}
	return n
}
