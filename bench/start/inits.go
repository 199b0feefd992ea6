package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"lameduck/bench/internal/proc"
)

// An allocation is what the initialization of a package allocates on the heap.
type allocation struct {
	Package string
	Bytes   int
}

// smallest is the smallest allocation in the table.
const smallest = 8_000

// traceInits starts Lameduck with the runtime's trace of initializations, and returns the packages
// that allocate most.
func traceInits(ctx context.Context, dir string, set unix.CPUSet) ([]allocation, error) {
	path := filepath.Join(dir, "trace")
	trace, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	defer trace.Close()
	p, err := startLameduck(ctx, proc.Command{
		Path: candidate{Path: lameduckPath}.binary(dir), Cores: &set,
		Env: []string{"GODEBUG=inittrace=1"}, Output: trace,
	})
	if err != nil {
		return nil, fmt.Errorf("trace the initialization: %w", err)
	}
	p.Stop()
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	all := parseInits(string(text))
	return slices.DeleteFunc(all, func(a allocation) bool { return a.Bytes < smallest }), nil
}

// initLine is a line of the trace: init PACKAGE @0.1 ms, 0.02 ms clock, 4096 bytes, 3 allocs.
// https://pkg.go.dev/runtime#hdr-Environment_Variables
var initLine = regexp.MustCompile(`(?m)^init (\S+) @.*, (\d+) bytes, \d+ allocs$`)

// parseInits returns the packages of a trace, the largest first.
func parseInits(text string) []allocation {
	var all []allocation
	for _, m := range initLine.FindAllStringSubmatch(text, -1) {
		n, err := strconv.Atoi(m[2])
		if err == nil {
			all = append(all, allocation{m[1], n})
		}
	}
	slices.SortFunc(all, func(a, b allocation) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Package, b.Package))
	})
	return all
}
