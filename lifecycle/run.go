package lifecycle

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Run takes the process through its phases and returns when it is Stopped. The first event begins
// the drain, and the second interrupt ends it at once.
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
	l.awaitAnswers(events)
	l.stop()
}

// A trigger is the reason why Serving ends.
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
	l.summary.Trigger = string(t)
	l.mu.Unlock()
	l.enter(Draining)
	l.hooks.Drain()
	l.drainWaiters.Drain()
	close(l.draining)
	l.log.Info("draining", zap.String("trigger", string(t)), zap.Duration("max", l.config.Hold.Max))
}

// endHold releases the app. What is in flight is cut if the time is up. Otherwise only idle
// connections are closed.
func (l *Lifecycle) endHold(reason Reason) {
	l.mu.Lock()
	l.summary.End, l.summary.Duration = reason, time.Since(l.since)
	l.mu.Unlock()
	if reason.cuts() {
		l.countCut(l.relay.Cut())
	} else {
		l.relay.CloseIdle()
	}
	l.reportKept(reason)
	if reason == EndedStopSignal {
		l.log.Warn("the stop signal has ended the hold, and the app still runs: the grace period of the pod is " +
			"shorter than LAMEDUCK_GRACE_PERIOD, or only the container of lameduck is being restarted")
	}
	l.enter(Drained)
	close(l.drained)
	l.app.Release()
	l.release()
	l.log.Info("drained", zap.Stringer("reason", reason), zap.Duration("after", l.elapsed()))
}

// release answers the callers that wait for the end of the hold.
func (l *Lifecycle) release() {
	l.hooks.Release()
	l.drainWaiters.Release()
}

func (l *Lifecycle) countCut(connections, exchanges int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.summary.CutConnections += connections
	l.summary.CutExchanges += exchanges
}

// killMargin is how long before the end of the grace period the process ends by itself, in time to
// write its summary.
const killMargin = time.Second

// awaitApp serves the requests that still arrive until the app has exited, a stop signal arrives,
// or the grace period is nearly over. It returns at once if a stop signal has arrived before and no
// caller of /hold keeps the app alive. A policy may make it wait for the app's exit in any case.
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
			if !l.policy.AwaitExit {
				return
			}
			l.reportRunning()
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

// answersPause is the time between two looks at what an app still answers.
const answersPause = 50 * time.Millisecond

// awaitAnswers waits for what an app still answers although nothing listens at its addresses any more,
// as in a graceful shutdown. It returns when a signal arrives, or the grace period is nearly over. A
// child is known to have exited.
func (l *Lifecycle) awaitAnswers(events <-chan Event) {
	if l.policy.AwaitExit || !l.appExited() {
		return
	}
	l.relay.AppEnded()
	expired, stop := l.graceExpiry()
	defer stop()
	for l.relay.Answering() > 0 {
		select {
		case <-expired:
			return
		case e := <-events:
			l.note(e)
			return
		case <-time.After(answersPause):
		}
	}
}

func (l *Lifecycle) appExited() bool {
	select {
	case <-l.app.Exited():
		return true
	default:
		return false
	}
}

// reportRunning reports an app that still runs shortly before the end of the grace period, because
// both may be killed then.
func (l *Lifecycle) reportRunning() {
	l.log.Warn("the app still runs, and the grace period is nearly over", zap.Duration("after", l.elapsed()))
	l.writeTerminationLog(l.Summary().String() + "; the app still ran when the grace period was nearly over")
}

// graceExpiry returns a channel that fires once, shortly before the grace period ends. It never fires
// if there is no grace period.
func (l *Lifecycle) graceExpiry() (expired <-chan time.Time, stop func() bool) {
	if l.config.Grace == 0 {
		return nil, func() bool { return true }
	}
	t := time.NewTimer(max(0, l.config.Grace-killMargin-l.elapsed()))
	return t.C, t.Stop
}

// released reports whether a caller of /hold has waited for the end of the hold.
func (l *Lifecycle) released() bool { return l.hooks.Held() > 0 }

// stopTimeout is the time that open connections have to end when the process stops.
const stopTimeout = time.Second

// stop ends everything and writes the summary of the drain.
func (l *Lifecycle) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	l.countCut(l.relay.Close(ctx))
	drained := l.Phase() == Drained
	l.enter(Stopped)
	l.release() // callers may wait although no drain has begun: the app has exited
	if drained {
		l.writeSummary()
	}
}
