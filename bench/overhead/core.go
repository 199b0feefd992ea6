package main

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// cores assigns the processes to cores: the proxy alone to one, the load and the app to all others.
type cores struct {
	Proxy  unix.CPUSet
	Others unix.CPUSet
	// ProxyID is the number of the proxy's core.
	ProxyID int
}

// shareCores assigns the last core that this process may use to the proxy.
func shareCores() (cores, error) {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return cores{}, fmt.Errorf("read allowed cores: %w", err)
	}
	return splitCores(allowed)
}

func splitCores(allowed unix.CPUSet) (cores, error) {
	if allowed.Count() < 2 {
		return cores{}, errors.New("two cores are required: one for the proxy, one for load and app")
	}
	c := cores{Others: allowed, ProxyID: lastCore(allowed)}
	c.Proxy.Set(c.ProxyID)
	c.Others.Clear(c.ProxyID)
	return c, nil
}

func lastCore(set unix.CPUSet) int {
	last := 0
	for id := range 1024 { // the size of a CPUSet
		if set.IsSet(id) {
			last = id
		}
	}
	return last
}
