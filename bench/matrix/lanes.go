package main

import (
	"context"
	"slices"
	"sync"
	"time"
)

// The numbers of lanes, that is, of cells that run at the same time. Light cells need little CPU
// time, and rare ones almost none.
const (
	lightLanes = 8
	rareLanes  = 40
)

// alone reports whether no other cell may run at the same time.
func (c cell) alone() bool { return c.config.Rate > light }

// split returns the cells that run alone, and those that run in lanes.
func split(cells []cell) (alone, together []cell) {
	for _, c := range cells {
		if c.alone() {
			alone = append(alone, c)
		} else {
			together = append(together, c)
		}
	}
	return alone, together
}

// A pool is a number of lanes, each of which takes the next cell when it is free.
type pool struct {
	lanes int
	cells []cell
}

// pools distributes the cells over the lanes for light and for rare ones. The longest cells are
// first, so that none is still running at the end.
func pools(cells []cell) []pool {
	light, seldom := pool{lanes: lightLanes}, pool{lanes: rareLanes}
	for _, c := range longestFirst(cells) {
		if c.config.Rate > rare {
			light.cells = append(light.cells, c)
		} else {
			seldom.cells = append(seldom.cells, c)
		}
	}
	return []pool{light, seldom}
}

func longestFirst(cells []cell) []cell {
	sorted := slices.Clone(cells)
	slices.SortStableFunc(sorted, func(a, b cell) int { return int(b.takes() - a.takes()) })
	return sorted
}

// takes estimates how long the pool's cells take.
func (p pool) takes() time.Duration {
	free := make([]time.Duration, p.lanes) // when each lane is
	for _, c := range p.cells {
		next := slices.Index(free, slices.Min(free))
		free[next] += c.takes()
	}
	return slices.Max(free)
}

// runPools runs the cells of all pools at the same time and returns when the last one is done. It
// starts no further cell once ctx is done or do has returned false.
func runPools(ctx context.Context, pools []pool, do func(context.Context, cell) bool) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var lanes sync.WaitGroup
	for _, p := range pools {
		next := feed(ctx, p.cells)
		for range p.lanes {
			lanes.Go(func() {
				for c := range next {
					if !do(ctx, c) {
						stop()
					}
				}
			})
		}
	}
	lanes.Wait()
}

// feed returns a channel that yields the cells one by one, closed after the last one or when ctx is
// done.
func feed(ctx context.Context, cells []cell) <-chan cell {
	next := make(chan cell)
	go func() {
		defer close(next)
		for _, c := range cells {
			select {
			case next <- c:
			case <-ctx.Done():
				return
			}
		}
	}()
	return next
}
