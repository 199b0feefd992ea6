package command

import (
	"cmp"
	"runtime/debug"

	"lameduck/cmd/lameduck/cgroup"
)

// memoryShares is how the process shares out the memory limit of its control group.
type memoryShares struct {
	limit  int64 // bytes, or 0 if there is none
	shared bool  // the app is in the same control group
}

// memoryLimits returns the shares of the limit that there is. shared says that the app is in the
// same control group.
func memoryLimits(shared bool) memoryShares {
	limit, ok := cgroup.MemoryLimit()
	if !ok {
		limit = 0
	}
	return memoryShares{limit, shared}
}

// limitHeap has Go's runtime collect garbage more often when its memory comes near the limit of the
// control group, so that the kernel does not kill the process for memory that is not in use. An
// explicit GOMEMLIMIT counts instead.
func (m memoryShares) limitHeap(variables map[string]string) {
	if m.limit == 0 || variables["GOMEMLIMIT"] != "" {
		return
	}
	debug.SetMemoryLimit(m.heap())
}

// heap returns the part of the limit that is for Go's runtime. A third is left for what the kernel
// counts too: buffers of sockets and pipes, and the sockets themselves. An app in the same group
// has another third.
func (m memoryShares) heap() int64 {
	if m.shared {
		return m.limit / 3
	}
	return m.limit / 3 * 2
}

// defaultSlowClients is the memory for slow clients where there is no limit.
const defaultSlowClients = 256 << 20

// slowClients returns the memory for slow clients, where the configuration wants some, or 0 for a
// part of the heap's. The rest of the heap is for everything else: goroutines above all, two for
// each connection.
func (m memoryShares) slowClients(wanted int) int64 {
	if wanted > 0 {
		return int64(wanted)
	}
	return cmp.Or(m.heap()/8*3, defaultSlowClients)
}
