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

// allowedScaling returns the cores of the scale case. It is empty if they cannot be read, which shareCores
// reports.
func allowedScaling() scaling {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return scaling{}
	}
	return newScaling(allowed)
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

// maxCores is the size of a CPUSet.
const maxCores = 1024

func lastCore(set unix.CPUSet) int {
	last := 0
	for id := range maxCores {
		if set.IsSet(id) {
			last = id
		}
	}
	return last
}
