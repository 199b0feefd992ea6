package command

import (
	"fmt"
	"syscall"
)

// descriptorShares divides the descriptors of the process. The relay must leave enough for /livez,
// /hold and /drain, which the app's life depends on.
type descriptorShares struct {
	connections  int // of clients; each needs two descriptors, its own and the app's
	pipes        int // of the relay; each has two descriptors
	adminConns   int // connections to the admin address
	controlConns int // connections to the control address
	waiters      int // callers of /hold, before the drain and as many again in it
}

// ownDescriptors is the number of other descriptors: standard streams, epoll sets, certificates,
// /proc, the reserves of the admin and the control address, callers of POST /drain?wait, and DNS
// lookups of the fallback.
const ownDescriptors = 96

// shareDescriptors divides a limit between the routes' connections and the rest. The rest has a
// fixed size, and less if the limit is low.
func shareDescriptors(limit uint64, routes int) descriptorShares {
	total := int(min(limit, 1<<30))
	share := func(most, divisor int) int { return max(1, min(most, total/divisor)) }
	d := descriptorShares{
		pipes:        share(512, 32),
		controlConns: share(64, 32),
		waiters:      share(1024, 16),
	}
	d.adminConns = d.waiters + share(256, 16) // callers of /hold may come all at once
	own := min(ownDescriptors+routes, total/4)
	taken := own + 2*d.pipes + d.adminConns + d.controlConns + 2*d.waiters
	d.connections = max(1, (total-taken)/2)
	return d
}

// fewestDescriptors is the lowest limit with which everything works that begins with the process.
const fewestDescriptors = 64

// checkDescriptors returns an error if the limit is too low. With fewer the process would start, and
// then accept nothing.
func checkDescriptors(limit uint64) error {
	if limit < fewestDescriptors {
		return fmt.Errorf("the limit of open files is %d, and must be at least %d (ulimit -n)",
			limit, fewestDescriptors)
	}
	return nil
}

// limitConnections returns the number of connections that the relay may serve. wanted is the
// configured number, or 0 for as many as possible.
func (d descriptorShares) limitConnections(wanted int) int {
	if wanted == 0 {
		return d.connections
	}
	return min(wanted, d.connections)
}

// descriptorLimit returns the number of descriptors that the process may open. The runtime has
// raised it to the hard limit.
func descriptorLimit() uint64 {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 1024 // the usual limit
	}
	return uint64(l.Cur) //nolint:unconvert // it is an int64 on FreeBSD
}
