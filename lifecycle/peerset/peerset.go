// Package peerset orders connections by client address and by age, to choose the one to close when
// there are too many.
//
// An address that opens many connections displaces only its own: the choice is the oldest
// connection of the address with the most.
package peerset

import (
	"iter"
	"net"
	"net/netip"
)

// A Set holds members of type T by the address of their client. The zero value is empty. Its methods
// must not be called concurrently.
type Set[T any] struct {
	groups map[netip.Prefix]*group[T]
	length int
	serial uint64
}

// A Member is a value in a set.
type Member[T any] struct {
	Value T

	serial     uint64 // counts additions: a smaller one is older
	group      *group[T]
	prev, next *Member[T] // in the group, from old to new
}

// A group has the members of one client address.
type group[T any] struct {
	client      netip.Prefix
	length      int
	first, last *Member[T]
}

// Len returns the number of members.
func (s *Set[T]) Len() int { return s.length }

// Add adds a value as the newest member of a client address.
func (s *Set[T]) Add(client net.Addr, value T) *Member[T] {
	if s.groups == nil {
		s.groups = make(map[netip.Prefix]*group[T])
	}
	key := clientPrefix(client)
	g := s.groups[key]
	if g == nil {
		g = &group[T]{client: key}
		s.groups[key] = g
	}
	s.serial++
	s.length++
	m := &Member[T]{Value: value, serial: s.serial, group: g, prev: g.last}
	if g.last == nil {
		g.first = m
	} else {
		g.last.next = m
	}
	g.last = m
	g.length++
	return m
}

// Remove removes a member of the set. It reports false if the member has been removed before.
func (s *Set[T]) Remove(m *Member[T]) bool {
	g := m.group
	if g == nil {
		return false
	}
	if m.prev == nil {
		g.first = m.next
	} else {
		m.prev.next = m.next
	}
	if m.next == nil {
		g.last = m.prev
	} else {
		m.next.prev = m.prev
	}
	m.group, m.prev, m.next = nil, nil, nil
	s.length--
	if g.length--; g.length == 0 {
		delete(s.groups, g.client)
	}
	return true
}

// Busiest returns the oldest member of the client address with the most members, or nil if the set is
// empty. Of several such addresses, it takes the one with the oldest member.
func (s *Set[T]) Busiest() *Member[T] {
	var busiest *group[T]
	for _, g := range s.groups {
		if busiest == nil || g.length > busiest.length ||
			g.length == busiest.length && g.first.serial < busiest.first.serial {
			busiest = g
		}
	}
	if busiest == nil {
		return nil
	}
	return busiest.first
}

// All returns the members in no particular order. The current member may be removed meanwhile.
func (s *Set[T]) All() iter.Seq[*Member[T]] {
	return func(yield func(*Member[T]) bool) {
		for _, g := range s.groups {
			for m := g.first; m != nil; {
				next := m.next
				if !yield(m) {
					return
				}
				m = next
			}
		}
	}
}

// networkBits is the size of the IPv6 network that one client can take its addresses from.
const networkBits = 64

// clientPrefix returns what counts as one client address: an IPv4 address or an IPv6 network. All
// other kinds of addresses count as one.
func clientPrefix(a net.Addr) netip.Prefix {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	bits := ip.BitLen()
	if ip.Is6() {
		bits = networkBits
	}
	p, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // no address at all
	}
	return p
}
