package main

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// allCores are those that the test may use.
func allCores(t *testing.T) unix.CPUSet {
	t.Helper()
	var all unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// sendUntilAnswered sends a load for a second, or for longer on a machine that is too busy to answer
// anything in that time.
func sendUntilAnswered(t *testing.T, g generator, at paths) (o outcome, err error) {
	t.Helper()
	for d := time.Second; d < 30*time.Second; d *= 2 {
		if o, err = g.send(t.Context(), at, d, allCores(t)); err == nil && o.Answers > 0 {
			break
		}
	}
	return o, err
}

func TestSplitCoresNeedsTwo(t *testing.T) {
	var one unix.CPUSet
	one.Set(3)
	if _, err := splitCores(one); err == nil {
		t.Error("one core was shared between proxy and load")
	}
	one.Set(70)
	c, err := splitCores(one)
	if err != nil || c.ProxyID != 70 || c.Proxy.Count() != 1 || !c.Others.IsSet(3) || c.Others.IsSet(70) {
		t.Errorf("splitCores of 3 and 70 = %+v, %v", c, err)
	}
}
