package sim

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// A Plan says what to simulate.
type Plan struct {
	Shapes   []Shape
	Rollouts int    // of each shape
	Seed     uint64 // of the first rollout of each shape
	Workers  int
	// Progress is called by several goroutines with a number of rollouts that are done.
	Progress func(done int)
}

// Result has the outcomes of a shape, one for each rule.
type Result struct {
	Shape    *Shape
	Outcomes []Outcome // of Rules
}

// chunk is the number of rollouts that a worker takes at a time.
const chunk = 100

// Run simulates a plan. The results are the same whatever the number of workers.
func (p Plan) Run(ctx context.Context) ([]Result, error) {
	results := make([]Result, len(p.Shapes))
	for i := range p.Shapes {
		results[i] = Result{&p.Shapes[i], make([]Outcome, len(Rules()))}
	}
	var next atomic.Int64
	var merging sync.Mutex
	var workers sync.WaitGroup
	for range p.Workers {
		workers.Go(func() {
			for ctx.Err() == nil {
				shape, first, ok := p.chunk(int(next.Add(1) - 1))
				if !ok {
					return
				}
				n := min(chunk, p.Rollouts-first)
				outcomes := simulate(&p.Shapes[shape], p.Seed+uint64(first), n)
				merging.Lock()
				results[shape].merge(outcomes)
				merging.Unlock()
				p.Progress(n)
			}
		})
	}
	workers.Wait()
	return results, ctx.Err()
}

// chunk returns the shape and the first rollout of a chunk, and false after the last one. The
// shapes take turns, so that the time that is left can be estimated.
func (p Plan) chunk(i int) (shape, first int, ok bool) {
	first = i / len(p.Shapes) * chunk
	return i % len(p.Shapes), first, first < p.Rollouts
}

func (r *Result) merge(outcomes []Outcome) {
	for i := range outcomes {
		r.Outcomes[i].merge(&outcomes[i])
	}
}

// simulate plays n rollouts of a shape under every rule.
func simulate(shape *Shape, seed uint64, n int) []Outcome {
	rules := Rules()
	outcomes := make([]Outcome, len(rules))
	for i := range n {
		r := newRollout(shape, seed+uint64(i), 0)
		pod := newPod(r)
		requests := r.requests()
		for j, rule := range rules {
			if rule.end == nil {
				outcomes[j].add(pod.drain(slices.Clip(requests)), requests)
				continue
			}
			outcomes[j].add(rule.end(r, requests), requests)
		}
	}
	return outcomes
}
