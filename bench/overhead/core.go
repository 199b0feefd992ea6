package main

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// cores say who runs where: the proxy alone on one core, the load and the app
// together on all others.
type cores struct {
	Proxy  unix.CPUSet
	Others unix.CPUSet
	// ProxyID is the number of the proxy's core.
	ProxyID int
}

// shareCores gives the last core that this process may use to the proxy.
func shareCores() (cores, error) {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return cores{}, fmt.Errorf("read allowed cores: %w", err)
	}
	return splitCores(allowed)
}

func splitCores(allowed unix.CPUSet) (cores, error) {
	if allowed.Count() < 2 {
		return cores{}, errors.New("one core is allowed: two are needed, one for the proxy and one for load and app")
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

// startOn starts the command bound to the cores in set. A child inherits the
// binding of the thread that forks it, so this thread takes it for a moment;
// bound before exec, Go programs size GOMAXPROCS by it.
func startOn(set unix.CPUSet, cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var own unix.CPUSet
	if err := unix.SchedGetaffinity(0, &own); err != nil {
		return fmt.Errorf("read own cores: %w", err)
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("bind to cores: %w", err)
	}
	err := cmd.Start()
	return errors.Join(err, unix.SchedSetaffinity(0, &own))
}
