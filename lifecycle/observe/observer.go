package observe

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"lameduck/lifecycle/sockdiag"
)

// A Config configures an [Observer].
type Config struct {
	Ports  []Port
	Probes []Probe // the kubelet's
	// LBDelay is how long load balancers may route to the pod after the start of a drain. It counts
	// where the kernel's sockets cannot be read.
	LBDelay time.Duration
	Sockets *sockdiag.Conn
	// Accepted returns how many connections Lameduck itself has accepted in the namespace, and
	// opened to listeners in it. It is nil if that is not known.
	Accepted func() uint64
	// Relayed returns how many connections of clients Lameduck has relayed that have ended. It is nil
	// if it relays none.
	Relayed func() uint64
	Log     *zap.Logger
}

// A kernel is the source of sockets.
type kernel interface {
	EachListener(ports []uint16, f func(sockdiag.Listener)) error
	EachConnection(ports []uint16, f func(*sockdiag.Connection)) error
	PassiveOpens() (uint64, error)
}

// An endReader reports the ends of connections, see [sockdiag.Ends].
type endReader interface {
	SetDeadline(time.Time)
	Wait() error
	Drain(func(*sockdiag.Connection)) (int, error)
	Pause() error
	Resume() error
	Close()
}

// An Observer watches ports. Its methods may be called by any goroutine.
type Observer struct {
	config  Config
	numbers []uint16
	only    bool // some port has no relay: its traffic is seen by the observer only
	log     *zap.Logger
	kernel  kernel
	cpu     func(work func()) time.Duration // runs work and returns the CPU time that it took
	epoch   time.Time

	mu       sync.Mutex
	flows    *flows
	ends     endReader
	reported bool // ends are reported by the kernel
	unseen   unseen
	next     time.Duration
	cost     time.Duration // CPU time of the last dump
	tried    time.Duration // when the last dump was tried
	blind    bool          // it has failed
	draining bool
	start    time.Duration // of the drain
	before   counts        // what had been counted then
	seen     uint64        // connections that had been counted then
	kept     int           // connections that were open when the hold ended
	peers    int           // addresses from which they came
	dumps    uint64
	failures uint64
	bypassed bool // a bypass has been logged
	closed   bool
	pauses   pauses
}

// New returns an observer that has looked once. [Observer.Run] keeps it looking.
func New(config Config) *Observer {
	o := newObserver(config, config.Sockets)
	ends, err := sockdiag.WatchEnds(splitByRelay(config.Ports))
	if err == nil {
		o.ends, o.reported = ends, true
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lookLocked(o.now())
	o.logStart(err)
	return o
}

func newObserver(config Config, k kernel) *Observer {
	o := &Observer{
		config: config,
		log:    config.Log,
		kernel: k,
		cpu:    cpuTime,
		epoch:  time.Now(),
		flows:  newFlows(config.Ports, config.Probes),
		ends:   newAlarm(),
		pauses: pauses{budget: newBudget()},
	}
	for _, p := range config.Ports {
		o.numbers = append(o.numbers, p.Number)
		o.only = o.only || p.Relay == 0
	}
	return o
}

func (o *Observer) now() time.Duration { return time.Since(o.epoch) }

// A batch is the ends that are collected while the observer sleeps, so that a busy app costs twelve
// wakeups a second and not thousands. The smallest receive buffer has room for 4,000 ends a second
// then. Batches are shorter where longer ones would exceed the budget. After crowded ends the next ones
// are received at once. After none, the observer waits for the next one.
const (
	longestBatch  = 80 * time.Millisecond
	shortestBatch = 5 * time.Millisecond
	crowded       = 150
)

// Run keeps the observer up to date until ctx is done.
func (o *Observer) Run(ctx context.Context) {
	defer context.AfterFunc(ctx, o.close)()
	for ctx.Err() == nil {
		ends, collect, idle := o.turn()
		if !idle {
			wait(ctx, collect)
		} else if err := ends.Wait(); err != nil {
			o.loseEnds(ends, err)
		}
	}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// turn records the ends that have been reported, and dumps the sockets if that is due. It returns for
// how long to collect the next ends, or idle to wait for one, or for the end of a pause.
func (o *Observer) turn() (ends endReader, collect time.Duration, idle bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := o.drainLocked()
	now := o.now()
	resumed := o.keepBudgetLocked(n, now)
	if now >= o.next {
		o.lookLocked(now)
	}
	o.next = min(o.next, o.flows.early.due())
	batch, wake := longestBatch, o.next
	if b := &o.pauses.budget; !o.draining && b.isScarce() {
		batch, wake = b.batch, min(wake, now+b.batch) // the relay may spend it
	}
	switch {
	case o.pauses.until != 0:
		idle, wake = true, min(o.next, o.pauses.until)
	case n == 0 && !resumed:
		idle = true
	case n < crowded:
		collect = batch
	}
	o.ends.SetDeadline(o.epoch.Add(wake))
	return o.ends, collect, idle
}

// drainLocked records the ends that have been reported, and returns how many there were.
func (o *Observer) drainLocked() int {
	if o.closed {
		return 0
	}
	n, err := o.ends.Drain(func(c *sockdiag.Connection) { o.flows.end(c, o.now()) })
	switch {
	case errors.Is(err, sockdiag.ErrLost):
		now := o.now()
		o.flows.lose(now)
		o.next = min(o.next, max(now, o.tried+lostSpacing(o.cost)))
	case err != nil:
		o.loseEndsLocked(err)
	}
	if o.now() >= o.flows.early.due() {
		o.flows.decideEarly()
	}
	o.warnOfBypassLocked()
	return n
}

// lookLocked dumps the sockets.
func (o *Observer) lookLocked(now time.Duration) {
	o.tried = now
	o.flows.beginDump()
	var err error
	o.cost = o.cpu(func() {
		err = o.kernel.EachListener(o.numbers, o.flows.listen)
		if err == nil {
			err = o.kernel.EachConnection(o.numbers, func(c *sockdiag.Connection) { o.flows.see(c, o.now()) })
		}
	})
	o.next = now + spacing(o.cost, o.draining, o.only)
	if err != nil {
		o.failures++
		if !o.blind {
			o.logBlind(err)
		}
		o.blind = true
		return
	}
	o.dumps++
	if o.blind { // what was not watched is not silence
		o.flows.traffic.passFrom(unknown, now)
	}
	o.blind = false
	o.flows.endDump(now, o.reported && !o.pauses.missed)
	o.pauses.missed = o.pauses.until != 0
	o.countUnseenLocked(now)
	o.warnOfBypassLocked()
	o.warnOfMissingListenersLocked(now)
}

// loseEnds handles a reader of ends that has failed, unless that has been done.
func (o *Observer) loseEnds(failed endReader, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed && o.ends == failed {
		o.loseEndsLocked(err)
	}
}

// loseEndsLocked goes on with dumps alone after the reader of ends has failed.
func (o *Observer) loseEndsLocked(err error) {
	o.pauses.until = 0
	o.log.Warn("reports of closed connections can no longer be read: observing with dumps alone", zap.Error(err))
	o.ends.Close()
	o.ends, o.reported = newAlarm(), false
	o.flows.lose(o.now())
}

func (o *Observer) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.ends.Close()
}

// Drain records that a drain begins.
func (o *Observer) Drain() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.drainLocked()
	o.flows.decideEarly()
	o.draining, o.start = true, o.now()
	o.flows.traffic.tracker.Drain(o.start)
	o.pauses.atStart = o.resumeLocked(o.start)
	o.lookLocked(o.start)
	o.before, o.seen = o.flows.counts, o.connectionsLocked()
	if !o.closed {
		o.ends.SetDeadline(o.epoch.Add(o.next))
	}
}
