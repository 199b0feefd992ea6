package main

import (
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// coreSet returns the first n cores.
func coreSet(n int) (set unix.CPUSet) {
	for id := range n {
		set.Set(id)
	}
	return set
}

func TestTheProxyGetsHalfOfManyCoresAndAllOfFew(t *testing.T) {
	for cores, want := range map[int]struct {
		counts []int
		load   int
		shared bool
	}{
		2:  {[]int{1, 2}, 2, true},
		3:  {[]int{1, 2}, 3, true},
		4:  {[]int{1, 2}, 2, false},
		7:  {[]int{1, 2}, 4, false},
		16: {[]int{1, 2, 4, 8}, 8, false},
	} {
		s := newScaling(coreSet(cores))
		if !slices.Equal(s.Counts, want.counts) || s.Load.Count() != want.load || s.Shared != want.shared {
			t.Errorf("of %d cores the proxy gets %v, and the load %d, shared %v; want %+v",
				cores, s.Counts, s.Load.Count(), s.Shared, want)
		}
		for _, n := range s.Counts {
			set := s.proxy(n)
			if set.Count() != n {
				t.Errorf("of %d cores a proxy on %d gets %d", cores, n, set.Count())
			}
			for id := range cores {
				if !s.Shared && set.IsSet(id) && s.Load.IsSet(id) {
					t.Errorf("of %d cores, core %d is the proxy's and the load's", cores, id)
				}
			}
		}
	}
}

func TestShareOfLinear(t *testing.T) {
	values := map[string]float64{"cpu_1": 10, "cpu_2": 12.5, "cpu_4": 20}
	addLinear(values, []int{1, 2, 4, 8})
	if values["linear_2"] != 0.8 || values["linear_4"] != 0.5 {
		t.Errorf("shares %v, want 0.8 and 0.5", values)
	}
	for _, name := range []string{"linear_1", "linear_8"} {
		if v, ok := values[name]; ok {
			t.Errorf("%s is %v, want none", name, v)
		}
	}
}

func TestScaleCaseHasARowForEachNumberOfCores(t *testing.T) {
	c := scaleCase(newScaling(coreSet(16)))
	for _, name := range []string{"cpu_1", "rate_1", "cpu_8", "rate_8", "linear_8"} {
		if findMetric([]benchCase{c}, "scale", name) == (metric{}) {
			t.Errorf("no metric %s", name)
		}
	}
}
