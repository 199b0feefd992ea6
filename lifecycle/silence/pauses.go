package silence

import (
	"sync/atomic"
	"time"
)

// pauses are times in which no exchange could be recorded. The methods may be called by any
// goroutine.
type pauses struct {
	sum     atomic.Int64 // of their lengths, in nanoseconds
	longest atomic.Int64 // in nanoseconds
	end     atomic.Int64 // of the last one, in nanoseconds since the epoch
}

// Paused records that no exchange could be recorded for d until now. Sources then send more requests
// than are recorded. A gap that is not much longer than the longest pause is not recorded if there
// was a pause in it. Longer ones count as they were seen: if they were shorter in truth, a hold lasts
// longer than necessary, but it does not end too early.
func (t *Tracker) Paused(d, now time.Duration) {
	t.pauses.sum.Add(int64(d))
	raise(&t.pauses.longest, d)
	raise(&t.pauses.end, now)
}

// total returns how long all pauses together have lasted.
func (p *pauses) total() time.Duration { return time.Duration(p.sum.Load()) }

// explain reports whether a gap may be a pause and little else.
func (p *pauses) explain(from, to time.Duration) bool {
	return from < time.Duration(p.end.Load()) && to-from < 2*time.Duration(p.longest.Load())
}
