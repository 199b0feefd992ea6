package peerset

import (
	"fmt"
	"net"
	"testing"
)

func addr(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 1} }

func TestBusiestIsTheOldestOfTheAddressWithTheMostMembers(t *testing.T) {
	for name, test := range map[string]struct {
		clients []string
		want    int // index of the client, or -1
	}{
		"none":                             {nil, -1},
		"one":                              {[]string{"10.0.0.1"}, 0},
		"all alike":                        {[]string{"10.0.0.2", "10.0.0.1", "10.0.0.3"}, 0},
		"a newer address with more":        {[]string{"10.0.0.1", "10.0.0.2", "10.0.0.2"}, 1},
		"two with the most":                {[]string{"10.0.0.3", "10.0.0.1", "10.0.0.2", "10.0.0.2", "10.0.0.1"}, 1},
		"IPv4 in IPv6 is the same address": {[]string{"10.0.0.3", "10.0.0.1", "::ffff:10.0.0.1"}, 1},
		"a network of IPv6 is one client":  {[]string{"10.0.0.3", "2001:db8::1", "2001:db8::ffff:2"}, 1},
		"two networks of IPv6 are two":     {[]string{"2001:db8::1", "2001:db8:0:1::1", "2001:db8:0:2::1"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var s Set[int]
			for i, c := range test.clients {
				s.Add(addr(c), i)
			}
			got := -1
			if m := s.Busiest(); m != nil {
				got = m.Value
			}
			if got != test.want {
				t.Errorf("Busiest is member %d, want %d", got, test.want)
			}
		})
	}
}

func TestMembersLeaveInAnyOrder(t *testing.T) {
	orders := [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}
	for _, order := range orders {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			var s Set[int]
			var members []*Member[int]
			for i := range order {
				members = append(members, s.Add(addr("10.0.0.1"), i))
			}
			for i, n := range order {
				if !s.Remove(members[n]) || s.Remove(members[n]) {
					t.Errorf("member %d was not removed exactly once", n)
				}
				left := 0
				for m := range s.All() {
					if m.group == nil {
						t.Errorf("member %d is still there", m.Value)
					}
					left++
				}
				if want := len(order) - i - 1; left != want || s.Len() != want {
					t.Errorf("%d members, Len %d, want %d", left, s.Len(), want)
				}
			}
			if s.Busiest() != nil || len(s.groups) != 0 {
				t.Error("an empty set has a busiest member or keeps an address")
			}
		})
	}
}

func TestEveryMemberCanBeRemovedDuringAll(t *testing.T) {
	var s Set[int]
	for i := range 10 {
		s.Add(addr(fmt.Sprintf("10.0.0.%d", i%3)), i)
	}
	for m := range s.All() {
		s.Remove(m)
	}
	if s.Len() != 0 {
		t.Errorf("%d members are left, want none", s.Len())
	}
}
