package lifecycle

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// watched returns an app that is watched until the test ends, a switch that makes it absent, and
// the number of looks.
func watched(t *testing.T, pause time.Duration) (n *ExternalApp, absent *atomic.Bool, looks *atomic.Int32) {
	absent, looks = new(atomic.Bool), new(atomic.Int32)
	n = NewExternalApp(func(context.Context) (bool, time.Duration) {
		looks.Add(1)
		return !absent.Load(), pause
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.Watch(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return n, absent, looks
}

func (n *ExternalApp) hasGone() bool {
	synctest.Wait()
	select {
	case <-n.Exited():
		return true
	default:
		return false
	}
}

func TestExternalApp_AnAppThatRestartsHasNotGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, absent, _ := watched(t, absentPause)
		for range 3 {
			time.Sleep(time.Hour + absentPause/2) // between two looks
			absent.Store(true)
			time.Sleep(150 * time.Millisecond)
			absent.Store(false)
			time.Sleep(absentPause / 2)
		}
		time.Sleep(time.Hour)
		if n.hasGone() {
			t.Error("an app without a listener for a moment counts as exited")
		}
	})
}

func TestExternalApp_AnAppThatStaysAwayHasGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, absent, _ := watched(t, absentPause)
		time.Sleep(time.Hour)
		absent.Store(true)
		time.Sleep(absentLooks * absentPause)
		if !n.hasGone() {
			t.Error("an app that is absent in every look does not count as exited")
		}
	})
}

func TestExternalApp_TheNextLookComesWhenTheLastOneHasAskedForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, absent, looks := watched(t, 2*time.Second)
		time.Sleep(9 * time.Second)
		if n := looks.Load(); n != 5 {
			t.Errorf("%d looks in 9s, want 5, 2s apart", n)
		}
		absent.Store(true)
		time.Sleep(time.Second + (absentLooks-1)*absentPause)
		if !n.hasGone() {
			t.Error("after one look without the app, the next look is not sooner")
		}
	})
}

// A stop signal of a native sidecar mostly follows the app's exit.
func TestExternalApp_AnAppThatIsDialedRarelyIsLookedForAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, absent, _ := watched(t, 2*time.Second)
		time.Sleep(time.Second)
		absent.Store(true)
		n.LookAgain()
		if !n.hasGone() {
			t.Error("the requested look did not notice the app's exit")
		}
	})
}

func TestExternalApp_AnAppThatIsThereAgainIsLookedForAsRarelyAsBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _, looks := watched(t, 2*time.Second)
		time.Sleep(time.Second)
		n.LookAgain()
		n.LookAgain() // at the same time
		time.Sleep(3 * time.Second)
		if n := looks.Load(); n < 3 || n > 4 {
			t.Errorf("%d looks in 4s, want two, 2s apart, and one or two that were asked for", n)
		}
		if n.hasGone() {
			t.Error("an app that listens counts as exited")
		}
	})
}
