package main

import (
	"runtime/debug"

	"lameduck/cmd/lameduck/cgroup"
)

// limitHeap has Go's runtime collect garbage more often when its memory comes near the limit of the
// control group, so that the kernel does not kill the process for memory that is not in use. An explicit
// GOMEMLIMIT counts instead. shared says that the app is in the same control group.
func limitHeap(variables map[string]string, shared bool) {
	limit, ok := cgroup.MemoryLimit()
	if !ok || variables["GOMEMLIMIT"] != "" {
		return
	}
	debug.SetMemoryLimit(heapLimit(limit, shared))
}

// heapLimit returns the part of a limit that is for Go's runtime. A third is left for what the kernel
// counts too: buffers of sockets and pipes, and the sockets themselves. An app in the same group has
// another third.
func heapLimit(limit int64, shared bool) int64 {
	if shared {
		return limit / 3
	}
	return limit / 3 * 2
}
