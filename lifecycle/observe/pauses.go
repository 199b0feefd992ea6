package observe

import "time"

// Each report of an end costs CPU: 10 µs in a thread of the kernel, which prepares one for every
// connection that ends on the node while somebody receives them, and 6 µs here (bench/observe). So
// while serving, the observer receives reportsPerSecond on average, reportsAtOnce after quieter
// times, and otherwise pauses. The traffic is heavy then, and a sample shows its rhythm. Of slow
// sources it shows longer gaps than there are, which does not shorten a hold. In a drain there are
// no pauses.
const (
	reportsPerSecond = 250
	reportsAtOnce    = 4000
	pause            = 500 * time.Millisecond
)

// reportsOfRelayed is how many reports a relayed connection costs. The kernel prepares three, of the
// client's connection and of both sides of the app's, and the filter drops them.
const reportsOfRelayed = 2

// A budget is how many reports may be received. It grows with time, and goes into debt when more than
// that are received.
type budget struct {
	left  float64
	at    time.Duration // when it was left
	batch time.Duration // how long to collect reports before they are spent
}

func newBudget() budget { return budget{left: reportsAtOnce, batch: longestBatch} }

// grow adds what time has brought.
func (b *budget) grow(now time.Duration) {
	b.left = min(reportsAtOnce, b.left+reportsPerSecond*(now-b.at).Seconds())
	b.at = now
}

// spend takes reports that have been received, or prepared in vain. The debt is limited, so that a
// pause pays it.
func (b *budget) spend(reports int) {
	b.left = max(b.left-float64(reports), -reportsPerSecond*pause.Seconds()/2)
	const enough = 80 // in a batch
	b.batch = b.batch * enough / time.Duration(max(reports, enough/2))
	b.batch = max(shortestBatch, min(longestBatch, b.batch))
}

// isScarce reports whether so much has been spent that batches must be small.
func (b *budget) isScarce() bool { return b.left < reportsAtOnce/2 }

// pauses are the times without reports.
type pauses struct {
	budget       budget
	relayed      uint64        // connections when it was last spent
	begun, until time.Duration // of the current pause; until is zero without one
	sum          time.Duration // of the earlier ones
	missed       bool          // ends may have been missed since the last dump
	atStart      bool          // of the drain, there was one
}

// total returns how long all pauses together have lasted.
func (p *pauses) total(now time.Duration) time.Duration {
	if p.until == 0 {
		return p.sum
	}
	return p.sum + now - p.begun
}

// keepBudgetLocked begins or ends a pause after n reports have been received. It reports whether one
// has ended.
func (o *Observer) keepBudgetLocked(n int, now time.Duration) (resumed bool) {
	p, relayed := &o.pauses, o.relayed()
	p.budget.grow(now)
	if p.until == 0 { // otherwise the kernel has prepared none
		p.budget.spend(n + reportsOfRelayed*int(relayed-p.relayed))
	}
	p.relayed = relayed
	switch {
	case o.closed || !o.reported || o.draining:
	case p.until != 0 && now >= p.until:
		return o.resumeLocked(now)
	case p.until == 0 && p.budget.left <= 0:
		if err := o.ends.Pause(); err != nil {
			o.loseEndsLocked(err)
			return false
		}
		p.begun, p.until, p.missed = now, now+pause, true
	}
	return false
}

// resumeLocked ends a pause, if there is one, and reports whether there was.
func (o *Observer) resumeLocked(now time.Duration) bool {
	p := &o.pauses
	if p.until == 0 {
		return false
	}
	o.flows.traffic.tracker.Paused(now-p.begun, now)
	p.sum, p.until = p.total(now), 0
	if err := o.ends.Resume(); err != nil && !o.closed {
		o.loseEndsLocked(err)
	}
	return true
}

// relayed returns how many connections have been relayed and have ended.
func (o *Observer) relayed() uint64 {
	if o.config.Relayed == nil {
		return 0
	}
	return o.config.Relayed()
}
