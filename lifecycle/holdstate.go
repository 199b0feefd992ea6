package lifecycle

import (
	"time"

	"go.uber.org/zap"

	"lameduck/lifecycle/silence"
)

// A holdEvent is an event of a hold that does not come from the relay.
type holdEvent uint8

const (
	holdNothing     holdEvent = iota
	holdInterrupted           // by the second interrupt
	holdLastMoment            // a stop signal says that the app has exited or the grace period is over
	holdAppGone               // the app has exited, and nothing can be served
	holdAppReplaced           // the app has exited, and a fallback serves
)

// A holdState is the progress of a hold. It reads no clock: the time is an argument.
type holdState struct {
	hold        Hold // Max is shorter in the last moment
	max         time.Duration
	start       time.Time // of the drain
	interrupted bool
	appExited   bool
	appGone     bool          // exited, and nothing can be served
	seen        time.Time     // when the process was last seen to run
	due         time.Time     // when it was to be seen again at the latest
	watched     time.Time     // until then the silence is not believed, because of a stall
	required    time.Duration // silence that was waited for last
	escalated   time.Duration // when readiness failed after the drain's start; zero if it did not
	envoyChecks bool          // Envoy goes on checking, see envoyTolerance
	every       time.Duration // longest time between two looks; zero means any
}

func newHoldState(h Hold, start time.Time) *holdState {
	return &holdState{hold: h, max: h.Max, start: start, seen: start, due: start}
}

// lastMoment is how long the hold goes on after a stop signal that means that the app has exited or
// the grace period is over. If the app's exit is not seen in this time, it is the grace period, and
// two seconds are left in all (kuberuntime_container.go, minimumGracePeriodInSeconds).
const lastMoment = 300 * time.Millisecond

// pulse is the interval at which a hold checks that the process runs. If a check is later than
// that, the process was stalled: it was stopped or got no CPU. Requests that arrived meanwhile wait
// in the kernel, unseen.
const pulse = 250 * time.Millisecond

// advance records an event.
func (h *holdState) advance(now time.Time, e holdEvent) {
	switch e {
	case holdNothing:
	case holdInterrupted:
		h.interrupted = true
	case holdLastMoment:
		if !h.appExited {
			h.hold.Max = min(h.hold.Max, now.Sub(h.start)+lastMoment)
		}
	case holdAppGone, holdAppReplaced:
		h.appExited, h.appGone = true, e == holdAppGone
		h.hold.Max = h.max // the stop signal meant this, and the grace period is not over
	}
}

// look returns why the hold has ended or, if it has not, when to look again at the latest.
func (h *holdState) look(now time.Time, f silence.Forecast) (Reason, time.Duration) {
	h.see(now)
	elapsed := now.Sub(h.start)
	if h.escalated == 0 && h.hold.Escalates(elapsed, f.LastConnection) {
		h.escalated = elapsed
	}
	h.envoyChecks = f.Checks[silence.Envoy] > envoyTolerance
	reason, wait := h.hold.Next(h.facts(now, f))
	if reason == EndedMax && h.hold.Max < h.max {
		reason = EndedStopSignal
	}
	if reason != NotEnded {
		h.required = max(h.required, f.Required)
		return reason, 0
	}
	if f.SilentIn > 0 {
		h.required = f.Required // the gap that it follows from may be forgotten before the hold ends
	}
	if left := h.hold.Escalate - elapsed; left > 0 {
		wait = min(wait, left)
	}
	if h.every > 0 {
		wait = min(wait, h.every)
	}
	h.due = now.Add(wait)
	return NotEnded, wait
}

// untilPulse returns the time until the next check that the process runs, in a wait that lasts
// until end.
func (h *holdState) untilPulse(now, end time.Time) time.Duration {
	wait := min(pulse, end.Sub(now))
	h.due = now.Add(wait)
	return wait
}

// see records that the process runs. If it is late, the process was stalled: then as much silence
// has to be watched again, but at most Quiet.
func (h *holdState) see(now time.Time) {
	if now.Sub(h.due) > pulse {
		owed := now.Sub(h.seen) + max(0, h.watched.Sub(h.seen))
		h.watched = now.Add(min(owed, h.hold.Quiet))
	}
	h.seen = now
}

// envoyTolerance is how long Envoy may continue to check a pod. If it still does after that, it
// keeps the endpoint because the checks pass, and routes to it.
const envoyTolerance = 10 * time.Second

// facts are what the hold depends on. Silence during a stall was not watched and does not count.
func (h *holdState) facts(now time.Time, f silence.Forecast) Facts {
	checksIn := time.Duration(0)
	if f.Idle {
		checksIn = f.ChecksIn
	}
	return Facts{
		Elapsed:     now.Sub(h.start),
		ChecksIn:    checksIn,
		InFlight:    f.InFlight,
		SilentIn:    max(f.SilentIn, h.watched.Sub(now)),
		AppGone:     h.appGone,
		Interrupted: h.interrupted,
	}
}

// hold waits for the end of the hold.
func (l *Lifecycle) hold(events <-chan Event) Reason {
	state := newHoldState(l.config.Hold, l.begun())
	if l.log.Core().Enabled(zap.DebugLevel) {
		state.every = time.Second
	}
	exited := l.app.Exited()
	for {
		f := l.forecast()
		reason, wait := state.look(time.Now(), f)
		l.noteForecast(state, f)
		if reason != NotEnded {
			return reason
		}
		l.log.Debug("the hold goes on", append(evidenceFields(f), zap.Duration("look_again_in", wait))...)
		event := l.await(state, wait, exited, events)
		state.advance(time.Now(), event)
		if state.appExited {
			exited = nil
		}
	}
}

// await waits for the next event, for no longer than wait, and returns what it means for the hold.
func (l *Lifecycle) await(state *holdState, wait time.Duration, exited <-chan struct{}, events <-chan Event) holdEvent {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for end := time.Now().Add(wait); ; {
		timer.Reset(state.untilPulse(time.Now(), end))
		select {
		case <-timer.C:
			now := time.Now()
			if !now.Before(end) {
				return holdNothing
			}
			state.see(now)
		case <-exited:
			return l.endApp()
		case event := <-events:
			l.note(event)
			return l.meaning(event)
		}
	}
}

// meaning returns what an event means during the hold. A stop signal means nothing by itself: a
// kubelet sends one to a sidecar in the middle of a drain, and the app's exit is seen without it.
func (l *Lifecycle) meaning(e Event) holdEvent {
	switch {
	case e == Interrupt && l.interrupts > 1:
		return holdInterrupted
	case e == StopSignal && l.isNative():
		l.app.LookAgain()
		return holdLastMoment
	}
	return holdNothing
}

// forecast returns the relay's forecast. If it expects nothing more, responses that clients are
// still receiving count as in flight.
func (l *Lifecycle) forecast() silence.Forecast {
	f := l.relay.Forecast(l.config.Hold.Rule())
	if f.InFlight == 0 && f.SilentIn <= 0 {
		f.InFlight = l.relay.Undelivered()
	}
	return f
}

// endApp notes that the app has exited.
func (l *Lifecycle) endApp() holdEvent {
	served := l.relay.AppEnded()
	l.mu.Lock()
	l.appGone = true
	l.mu.Unlock()
	l.log.Info("app has exited", zap.Bool("fallback", served))
	if l.policy.AwaitExit && l.interrupts == 0 { // this process has sent it no signal
		l.log.Warn("the app has exited before the end of the hold: if something else has sent it " +
			"the stop signal, let it send that to lameduck alone (systemd: KillMode=mixed)")
	}
	if served {
		return holdAppReplaced
	}
	return holdAppGone
}
