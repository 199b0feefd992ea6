package sim

import (
	"math"
	"time"
)

// never is the next request of a source that makes no more.
const never = time.Duration(math.MaxInt64)

// A queue is a heap of sources by their next request. It is much faster than container/heap, and
// most of the time of a rollout is spent in it.
type queue struct {
	sources []source
	heap    []int32
}

func newQueue(sources []source) queue {
	q := queue{sources: sources, heap: make([]int32, len(sources))}
	for i := range q.heap {
		q.heap[i] = int32(i)
	}
	for i := len(q.heap)/2 - 1; i >= 0; i-- {
		q.sink(i)
	}
	return q
}

// first returns the index of the source whose request is next.
func (q *queue) first() int { return int(q.heap[0]) }

// fix restores the order when the next request of the first source has become later.
func (q *queue) fix() { q.sink(0) }

func (q *queue) sink(i int) {
	h := q.heap
	moved := h[i]
	next := q.sources[moved].next
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if right := child + 1; right < len(h) && q.next(right) < q.next(child) {
			child = right
		}
		if q.next(child) >= next {
			break
		}
		h[i] = h[child]
		i = child
	}
	h[i] = moved
}

func (q *queue) next(i int) time.Duration { return q.sources[q.heap[i]].next }
