package pump

import (
	"errors"
	"sync"
	"sync/atomic"
)

// ErrOverBudget ends a wait for a slow peer: too many bytes were held for slow peers, and no other
// wait was older.
var ErrOverBudget = errors.New("too many bytes held for slow peers")

// A Budget bounds the bytes that are held while their owners wait for a peer: an incomplete head,
// or a part of a response that the client does not read. If they exceed the limit, the oldest waits
// are ended. Bytes in motion are not counted.
type Budget struct {
	limit int64

	held  atomic.Int64  // bytes; written with mu held
	ended atomic.Uint64 // waits that were ended

	mu             sync.Mutex
	oldest, newest *Claim
}

// NewBudget returns a budget of limit bytes. Zero means no bound.
func NewBudget(limit int64) *Budget { return &Budget{limit: limit} }

// Held returns the number of bytes that are held.
func (b *Budget) Held() int64 { return b.held.Load() }

// Ended returns the number of waits that were ended to stay within the limit.
func (b *Budget) Ended() uint64 { return b.ended.Load() }

// isTight reports whether more than half of the budget is used. Buffers should be small then.
func (b *Budget) isTight() bool { return b.limit > 0 && b.held.Load() > b.limit/2 }

// A Waiter waits for a peer. Its methods are called with the budget's mutex held.
type Waiter interface {
	// Stop ends the wait.
	Stop()
	// Resume allows the next one.
	Resume()
}

// A Claim is the part of a budget that one owner holds. The owner calls its methods.
type Claim struct {
	budget *Budget

	// Guarded by budget.mu.
	waiter       Waiter // nil if nothing is held
	bytes        int64
	stopped      bool
	older, newer *Claim
}

// Charge makes b the budget of the claim. Without one, the other methods do nothing.
func (c *Claim) Charge(b *Budget) { c.budget = b }

// Hold sets the number of bytes that are held. Calls with the same waiter belong to one wait.
func (c *Claim) Hold(bytes int, w Waiter) {
	b := c.budget
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.stopped {
		return
	}
	if c.waiter != w {
		b.unlink(c)
		c.waiter = w
		b.link(c)
	}
	b.held.Add(int64(bytes) - c.bytes)
	c.bytes = int64(bytes)
	for b.limit > 0 && b.held.Load() > b.limit && b.oldest != nil {
		b.stop(b.oldest)
	}
}

// Drop gives back what is held.
func (c *Claim) Drop() {
	b := c.budget
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.stopped {
		c.stopped = false
		c.waiter.Resume()
	} else {
		b.unlink(c)
	}
	c.waiter = nil
}

// IsStopped reports whether the wait was ended to stay within the limit.
func (c *Claim) IsStopped() bool {
	if c.budget == nil {
		return false
	}
	c.budget.mu.Lock()
	defer c.budget.mu.Unlock()
	return c.stopped
}

func (c *Claim) isTight() bool { return c.budget != nil && c.budget.isTight() }

// stop ends the wait of a claim. The owner gives its bytes back soon after. The caller holds mu.
func (b *Budget) stop(c *Claim) {
	b.unlink(c)
	c.stopped = true
	c.waiter.Stop()
	b.ended.Add(1)
}

// link makes a claim the newest. The caller holds mu.
func (b *Budget) link(c *Claim) {
	c.older = b.newest
	if b.newest != nil {
		b.newest.newer = c
	} else {
		b.oldest = c
	}
	b.newest = c
}

// unlink takes a claim out of the list, if it is there, with its bytes. The caller holds mu.
func (b *Budget) unlink(c *Claim) {
	if c.waiter == nil {
		return
	}
	if c.older != nil {
		c.older.newer = c.newer
	} else {
		b.oldest = c.newer
	}
	if c.newer != nil {
		c.newer.older = c.older
	} else {
		b.newest = c.older
	}
	b.held.Add(-c.bytes)
	c.older, c.newer, c.bytes = nil, nil, 0
}
