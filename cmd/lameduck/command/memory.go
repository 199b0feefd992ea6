package command

import (
	"cmp"
	"runtime/debug"

	"lameduck/cmd/lameduck/cgroup"
)

// memoryShares divides the memory limit of the control group.
type memoryShares struct {
	limit  int64 // bytes, or 0 if there is none
	shared bool  // the app is in the same control group
}

// memoryLimits returns the shares of the current limit. shared is true if the app is in the same
// control group.
func memoryLimits(shared bool) memoryShares {
	limit, ok := cgroup.MemoryLimit()
	if !ok {
		limit = 0
	}
	return memoryShares{limit, shared}
}

// limitHeap sets the memory limit of Go's runtime, which collects garbage more often near it. So
// the kernel does not kill the process for unused memory. An explicit GOMEMLIMIT has priority.
func (m memoryShares) limitHeap(variables map[string]string) {
	if m.limit == 0 || variables["GOMEMLIMIT"] != "" {
		return
	}
	debug.SetMemoryLimit(m.heap())
}

// heap returns the share of Go's runtime. A third is left for kernel memory that the limit
// includes: sockets, and the buffers of sockets and pipes. An app in the same group gets another
// third.
func (m memoryShares) heap() int64 {
	if m.shared {
		return m.limit / 3
	}
	return m.limit / 3 * 2
}

// defaultSlowClients is the memory for slow clients if there is no limit.
const defaultSlowClients = 256 << 20

// slowClients returns the memory for slow clients: the configured bytes, or a part of the heap if
// that is 0. The rest of the heap is mainly for goroutines, two for each connection.
func (m memoryShares) slowClients(wanted int) int64 {
	if wanted > 0 {
		return int64(wanted)
	}
	return cmp.Or(m.heap()/8*3, defaultSlowClients)
}
