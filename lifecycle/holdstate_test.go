package lifecycle

import (
	"testing"
	"testing/synctest"
	"time"

	"lameduck/lifecycle/silence"
)

// A holdTest is a hold of Min 5 s, Quiet 5 s and Max 60 s with a clock of its own.
type holdTest struct {
	*testing.T
	*holdState
	now time.Time
}

func newHoldTest(t *testing.T) *holdTest {
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	return &holdTest{t, newHoldState(testConfig.Hold, start), start}
}

// wants advances the clock and expects a decision.
func (h *holdTest) wants(after time.Duration, o silence.Forecast, reason Reason, wait time.Duration) {
	h.Helper()
	h.now = h.now.Add(after)
	gotReason, gotWait := h.look(h.now, o)
	if gotReason != reason || gotWait != wait {
		h.Fatalf("%v after the start: %v, next look after %v; want %v and %v", h.now.Sub(h.start), gotReason, gotWait, reason, wait)
	}
}

func (h *holdTest) happens(after time.Duration, e holdEvent) {
	h.now = h.now.Add(after)
	h.advance(h.now, e)
}

var (
	silent = silence.Forecast{}
	busy   = silence.Forecast{InFlight: 1}
)

// Requests that arrive during a stall wait in the kernel, so silence in a stall does not count.
func TestHoldState_AStallIsNotSilence(t *testing.T) {
	for name, test := range map[string]struct {
		seen time.Duration // how long before the look
		late time.Duration
		want time.Duration // until the sources count as silent
	}{
		"a look in time":            {0, 0, 0},
		"a look hardly late":        {0, pulse, 0},
		"a late look":               {0, pulse + 1, 5 * time.Second},
		"a late look after a pulse": {pulse, time.Second, time.Second + pulse},
		"a look that is very late":  {pulse, time.Minute / 4, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHoldTest(t)
			h.wants(0, silent, NotEnded, 5*time.Second)
			if test.seen > 0 {
				h.seen = h.start.Add(5*time.Second - test.seen)
			}
			reason := EndedQuiet
			if test.want > 0 {
				reason = NotEnded
			}
			h.wants(5*time.Second+test.late, silent, reason, test.want)
		})
	}
}

func TestHoldState_AStallIsForgottenAfterQuiet(t *testing.T) {
	h := newHoldTest(t)
	h.wants(0, silent, NotEnded, 5*time.Second)
	h.wants(8*time.Second, silent, NotEnded, 5*time.Second)
	h.wants(3*time.Second, silent, NotEnded, 2*time.Second)
	h.wants(2*time.Second, silent, EndedQuiet, 0)
}

// Each stall requires silence of its own.
func TestHoldState_StallsAddUpToQuiet(t *testing.T) {
	h := newHoldTest(t)
	h.wants(0, silent, NotEnded, 5*time.Second)
	end := h.start.Add(20 * time.Second)
	stall := func(want time.Duration) {
		t.Helper()
		h.now = h.now.Add(h.untilPulse(h.now, end) + time.Second)
		h.see(h.now)
		if got := h.watched.Sub(h.now); got != want {
			t.Errorf("%v of silence still required, want %v", got, want)
		}
	}
	stall(pulse + time.Second)
	stall(2 * (pulse + time.Second))
	stall(3 * (pulse + time.Second))
	stall(5 * time.Second)
	h.now = h.now.Add(h.untilPulse(h.now, end))
	h.see(h.now)
	if got := h.watched.Sub(h.now); got != 5*time.Second-pulse {
		t.Errorf("after a timely pulse %v of silence still required, want %v", got, 5*time.Second-pulse)
	}
}

// The process notes that it runs while it waits, so a stall costs little more than its own length.
func TestHold_AShortStallIsWatchedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHoldTest(t)
		h.holdState = newHoldState(testConfig.Hold, time.Now())
		l := &Lifecycle{}
		h.look(time.Now(), silent)
		if e := l.await(h.holdState, 5*time.Second, nil, nil); e != holdNothing {
			t.Fatalf("event %v", e)
		}
		if since := time.Since(h.seen); since != pulse {
			t.Errorf("the process last noted that it runs %v before the look, want %v", since, pulse)
		}
	})
}

func TestHoldState_TheSecondInterruptEndsIt(t *testing.T) {
	h := newHoldTest(t)
	h.happens(time.Second, holdNothing)
	h.wants(0, busy, NotEnded, 4*time.Second)
	h.happens(time.Second, holdInterrupted)
	h.wants(0, busy, EndedInterrupted, 0)
}

func TestHoldState_TheLastMoment(t *testing.T) {
	h := newHoldTest(t)
	h.wants(0, busy, NotEnded, 5*time.Second)
	h.happens(2*time.Second, holdLastMoment)
	h.wants(0, busy, NotEnded, lastMoment)
	h.happens(lastMoment/2, holdLastMoment) // a second one does not delay it
	h.wants(0, busy, NotEnded, lastMoment/2)
	h.wants(lastMoment/2, busy, EndedStopSignal, 0)
}

// The stop signal comes when the hold is about to reach Max.
func TestHoldState_TheLastMomentEndsAtMaxAtTheLatest(t *testing.T) {
	h := newHoldTest(t)
	h.wants(0, busy, NotEnded, 5*time.Second)
	h.happens(60*time.Second-lastMoment/2, holdLastMoment)
	h.wants(0, busy, NotEnded, lastMoment/2)
	h.wants(lastMoment/2, busy, EndedMax, 0)
}

func TestHoldState_TheLastMomentIsOverIfAFallbackServes(t *testing.T) {
	h := newHoldTest(t)
	h.happens(2*time.Second, holdLastMoment)
	h.happens(lastMoment/2, holdAppReplaced)
	h.happens(0, holdLastMoment) // the app has exited by then
	h.wants(lastMoment, silent, NotEnded, 5*time.Second-2*time.Second-lastMoment*3/2)
}

func TestHoldState_EndsWithTheApp(t *testing.T) {
	h := newHoldTest(t)
	h.happens(time.Second, holdAppGone)
	h.wants(0, busy, EndedAppGone, 0)
}

func TestHoldState_RequiredSilence(t *testing.T) {
	h := newHoldTest(t)
	h.wants(0, silence.Forecast{SilentIn: 9 * time.Second, Required: 9 * time.Second}, NotEnded, 5*time.Second)
	h.wants(5*time.Second, silence.Forecast{SilentIn: 4 * time.Second, Required: 8 * time.Second}, NotEnded, 4*time.Second)
	h.wants(4*time.Second, silence.Forecast{Required: 5 * time.Second}, EndedQuiet, 0)
	if h.required != 8*time.Second {
		t.Errorf("required silence %v, want the 8s that it has lasted", h.required)
	}
}
