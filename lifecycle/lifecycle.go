package lifecycle

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"lameduck/lifecycle/silence"
	"lameduck/lifecycle/waitroom"
)

// A Config is what a [Lifecycle] needs to know. The zero value drains without a hold.
type Config struct {
	Hold Hold
	// Grace is the time from the drain's start after which the process is killed. Zero: it is not.
	Grace time.Duration
	// HookWindow is how long /hold waits for a drain to begin.
	HookWindow time.Duration
	// MaxWaiters bounds the callers of /hold that wait since before the drain began, and those that came
	// later. Zero means 1,024.
	MaxWaiters int
	// UnreadyAfter is when readiness fails in a drain. Zero: not before Drained.
	UnreadyAfter time.Duration
	// TerminationLog is the file that gets the story of the drain. Empty: none.
	TerminationLog string
	// Log takes what an operator should know. Nil: nothing is logged.
	Log *zap.Logger
}

// A Lifecycle takes one process from Serving to Stopped.
type Lifecycle struct {
	config Config
	log    *zap.Logger
	relay  Relay
	app    App
	policy Policy // of app

	request  chan struct{} // holds a value when a drain has been requested
	draining chan struct{} // closed when the phase is Draining or later
	drained  chan struct{} // closed when it is Drained or later

	hooks        *waitroom.Room // callers of /hold
	drainWaiters *waitroom.Room // callers of POST /drain?wait

	mu     sync.Mutex
	phase  Phase
	since  time.Time // when the drain began
	story  Story
	native bool // a stop signal in the drain says that the app has gone or the time is over
	bereft bool // the app has ended while draining

	// Owned by Run.
	stopSignalSeen bool
	interrupts     int
	stalled        time.Time // when the process last went on after it had stood still; zero: it has not
}

// New returns a Lifecycle in the phase Serving.
func New(config Config, relay Relay, app App) *Lifecycle {
	if config.Log == nil {
		config.Log = zap.NewNop()
	}
	if config.MaxWaiters == 0 {
		config.MaxWaiters = defaultMaxWaiters
	}
	l := &Lifecycle{
		config:   config,
		log:      config.Log,
		relay:    relay,
		app:      app,
		policy:   app.Policy(),
		request:  make(chan struct{}, 1),
		draining: make(chan struct{}),
		drained:  make(chan struct{}),
	}
	l.hooks, l.drainWaiters = l.newHooks(), l.newDrainWaiters()
	return l
}

// Run takes the process through its phases and returns when it is Stopped. The first event begins the
// drain, and the second interrupt ends it at once.
func (l *Lifecycle) Run(ctx context.Context, events <-chan Event) {
	trigger := l.serve(events)
	if trigger == triggerAppGone {
		l.stop()
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	var watch sync.WaitGroup
	defer watch.Wait()
	defer cancel()
	l.beginDrain(trigger)
	watch.Go(func() { l.app.Watch(ctx) })
	reason := l.hold(events)
	l.endHold(reason)
	l.awaitApp(events)
	l.stop()
}

// A trigger is what leads out of Serving.
type trigger string

const (
	triggerSignal    trigger = "stop signal"
	triggerInterrupt trigger = "interrupt"
	triggerRequest   trigger = "drain request"
	triggerAppGone   trigger = "app gone"
)

// serve waits for the end of Serving.
func (l *Lifecycle) serve(events <-chan Event) trigger {
	for {
		select {
		case e := <-events:
			switch {
			case e == StopSignal:
				l.note(e)
				return triggerSignal
			case !l.policy.KeepsInterrupts:
				l.note(e)
				return triggerInterrupt
			}
		case <-l.request:
			return triggerRequest
		case <-l.app.Exited():
			return triggerAppGone
		}
	}
}

// note remembers an event.
func (l *Lifecycle) note(e Event) {
	if e == Interrupt {
		l.interrupts++
		return
	}
	l.stopSignalSeen = true
}

func (l *Lifecycle) beginDrain(t trigger) {
	l.relay.Drain()
	l.mu.Lock()
	l.since = time.Now()
	l.story.Trigger = string(t)
	l.mu.Unlock()
	l.enter(Draining)
	l.hooks.Drain()
	l.drainWaiters.Drain()
	close(l.draining)
	l.log.Info("draining", zap.String("trigger", string(t)), zap.Duration("max", l.config.Hold.Max))
}

// hold waits for the end of the hold. A further stop signal does not shorten it: a kubelet sends one to a sidecar in
// the middle of a drain, and what it would mean, that the app has gone, is looked for anyway.
func (l *Lifecycle) hold(events <-chan Event) Reason {
	timer := time.NewTimer(0)
	defer timer.Stop()
	limit := l.config.Hold
	gone := l.app.Exited()
	appGone := false
	var required time.Duration // of the source that was waited for last
	due := l.begun()           // when this goroutine is to run again at the latest
	for {
		now := time.Now()
		l.noteStall(now, due)
		outlook := l.outlook()
		reason, wait := limit.Next(l.facts(outlook, appGone))
		if reason != NotEnded {
			l.noteRequired(max(required, outlook.Required))
			return reason
		}
		if outlook.SilentIn > 0 {
			required = outlook.Required // meanwhile the gap that it follows from may be forgotten
		}
		due = now.Add(wait)
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-gone:
			gone = nil
			appGone = !l.endApp()
			limit = l.config.Hold // the signal that a native sidecar gets then shortens nothing
		case e := <-events:
			l.note(e)
			if gone != nil && e == StopSignal && l.isNative() {
				limit.Max = min(limit.Max, l.elapsed()+lastMoment)
			}
		}
	}
}

// outlook is the relay's. When nothing else is to be expected, what is still on its way to clients is in flight.
func (l *Lifecycle) outlook() silence.Outlook {
	o := l.relay.Outlook(l.config.Hold.Rule())
	if o.InFlight == 0 && o.SilentIn <= 0 {
		o.InFlight = l.relay.Undelivered()
	}
	return o
}

// endApp takes up that the app has ended, and tells whether anything is still served.
func (l *Lifecycle) endApp() (served bool) {
	served = l.relay.AppEnded()
	l.mu.Lock()
	l.bereft = true
	l.mu.Unlock()
	l.log.Info("app has ended", zap.Bool("fallback", served))
	return served
}

// lastMoment is how long a native sidecar that gets a stop signal in a hold looks whether its app has gone. If it has not,
// the grace period is over, and there are two seconds left in all (kuberuntime_container.go, minimumGracePeriodInSeconds).
const lastMoment = 300 * time.Millisecond

func (l *Lifecycle) isNative() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.native
}

// stallTolerance is how late the lifecycle may run before the process is taken to have stood still, for want of CPU or
// because it was stopped: what has come meanwhile waits in the kernel, unseen.
const stallTolerance = 100 * time.Millisecond

// noteStall notes that the process has stood still if it is now much later than it was to run again.
func (l *Lifecycle) noteStall(now, due time.Time) {
	if now.Sub(due) > stallTolerance {
		l.stalled = now
	}
}

// noteRequired notes the silence that was required when the hold ended.
func (l *Lifecycle) noteRequired(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.story.Required = d
}

// facts are what the hold depends on now. Silence that was not watched is none: after a stall Quiet begins anew.
func (l *Lifecycle) facts(o silence.Outlook, appGone bool) Facts {
	silentIn := o.SilentIn
	if !l.stalled.IsZero() {
		silentIn = max(silentIn, l.config.Hold.Quiet-time.Since(l.stalled))
	}
	return Facts{
		Elapsed:  l.elapsed(),
		InFlight: o.InFlight,
		SilentIn: silentIn,
		AppGone:  appGone,
		Ordered:  l.interrupts > 1,
	}
}

// begun is when the drain began.
func (l *Lifecycle) begun() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.since
}

// elapsed is the time since the drain's start.
func (l *Lifecycle) elapsed() time.Duration { return time.Since(l.begun()) }

// endHold lets the app go. What is in flight when time is up is cut; otherwise only what is idle is closed.
func (l *Lifecycle) endHold(reason Reason) {
	l.mu.Lock()
	l.story.End, l.story.Duration = reason, time.Since(l.since)
	l.mu.Unlock()
	if reason == EndedMax || reason == EndedOrdered {
		l.countCut(l.relay.Cut())
	} else {
		l.relay.CloseIdle()
	}
	l.enter(Drained)
	close(l.drained)
	l.app.Release()
	l.release()
	l.log.Info("drained", zap.Stringer("reason", reason), zap.Duration("after", l.elapsed()))
}

// release replies to everybody who waits for the end of the hold.
func (l *Lifecycle) release() {
	l.hooks.Release()
	l.drainWaiters.Release()
}

func (l *Lifecycle) countCut(connections, exchanges int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.story.CutConnections += connections
	l.story.CutExchanges += exchanges
}

// killMargin is how long before the end of the grace period the process ends by itself, so that its story is told.
const killMargin = time.Second

// awaitApp serves what still comes until the app has gone, until a stop signal says so, or until the grace period
// is over. Where a stop signal has come already and nobody waits for us to let the app go, there is nothing to wait for.
// A child's end is waited for in any case.
func (l *Lifecycle) awaitApp(events <-chan Event) {
	if l.stopSignalSeen && (l.isNative() || !l.released()) && !l.policy.AwaitExit {
		return
	}
	expired, stop := l.graceExpiry()
	defer stop()
	for l.interrupts < 2 || l.policy.AwaitExit {
		select {
		case <-l.app.Exited():
			return
		case <-expired:
			return
		case e := <-events:
			l.note(e)
			if e == Interrupt {
				continue
			}
			if !l.policy.AwaitExit {
				return
			}
			l.app.Release()
		}
	}
}

// graceExpiry fires shortly before the grace period ends; never when there is none, or when the app is our child: its end
// is ours, and whoever set the grace period sees to it.
func (l *Lifecycle) graceExpiry() (expired <-chan time.Time, stop func() bool) {
	if l.config.Grace == 0 || l.policy.AwaitExit {
		return nil, func() bool { return true }
	}
	t := time.NewTimer(max(0, l.config.Grace-killMargin-l.elapsed()))
	return t.C, t.Stop
}

// released reports whether a caller of /hold has waited for the end of the hold.
func (l *Lifecycle) released() bool { return l.hooks.Held() > 0 }

// stopTimeout is what connections that are still open get to end when the process does.
const stopTimeout = time.Second

// stop ends everything and tells the story of the drain.
func (l *Lifecycle) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	l.countCut(l.relay.Close(ctx))
	drained := l.Phase() == Drained
	l.enter(Stopped)
	l.release() // of those that wait although no drain has begun: the app has ended
	if drained {
		l.tell()
	}
}

func (l *Lifecycle) enter(p Phase) {
	l.mu.Lock()
	defer l.mu.Unlock()
	mustFollow(l.phase, p)
	l.phase = p
}

// Phase returns the current phase.
func (l *Lifecycle) Phase() Phase {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.phase
}

// RequestDrain begins the drain. Once it has begun a further request changes nothing. native says that we are a native sidecar: the
// stop signal comes when the app has gone, or when the grace period is over.
func (l *Lifecycle) RequestDrain(native bool) {
	l.mu.Lock()
	l.native = l.native || native
	l.mu.Unlock()
	select {
	case l.request <- struct{}{}:
	default:
	}
}

// Drained is closed when the hold has ended.
func (l *Lifecycle) Drained() <-chan struct{} { return l.drained }

// Ready tells whether readiness is to succeed. Without an app it fails also where a fallback serves: a cluster sends to pods that are
// ready although they end when it has no others.
func (l *Lifecycle) Ready() bool {
	l.mu.Lock()
	phase, bereft := l.phase, l.bereft
	l.mu.Unlock()
	switch phase {
	case Serving:
		return true
	case Draining:
		return !bereft && (l.config.UnreadyAfter == 0 || l.elapsed() < l.config.UnreadyAfter)
	}
	return false
}
