package observe

import (
	"errors"
	"slices"
	"testing"
	"time"
)

const missingListener = "the app does not listen at an observed port"

func TestObserver_APortThatNobodyListensAtIsReportedOnce(t *testing.T) {
	watch(t, time.Millisecond, func(t *testing.T, r *rig) {
		if got := r.WithoutListener(); !slices.Equal(got, []uint16{7070, 9090}) {
			t.Errorf("ports without listener %d, want 7070 and 9090", got)
		}
		time.Sleep(listenWait - time.Second)
		if n := r.logs.FilterMessageSnippet(missingListener).Len(); n != 0 {
			t.Error("the warning came while the app may still start")
		}
		time.Sleep(10 * time.Minute)
		if n := r.logs.FilterMessageSnippet(missingListener).Len(); n != 2 {
			t.Errorf("%d warnings for two ports, want 2", n)
		}
	}, Port{Number: 9090}, Port{Number: 8080}, Port{Number: 7070}, Port{Number: 6060, Relay: 16060})
}

func TestObserver_APortThatWasListenedAtIsNotMissing(t *testing.T) {
	watch(t, time.Millisecond, func(t *testing.T, r *rig) {
		r.kernel.change(func() { r.kernel.err = errors.New("refused") }) // the listeners are unknown
		time.Sleep(10 * time.Minute)
		if got, n := r.WithoutListener(), r.logs.FilterMessageSnippet(missingListener).Len(); len(got) > 0 || n > 0 {
			t.Errorf("%d ports without listener and %d warnings although the sockets cannot be read", got, n)
		}
	}, Port{Number: 9090})
	watch(t, time.Millisecond, func(t *testing.T, r *rig) {
		time.Sleep(10 * time.Minute)
		if got := r.WithoutListener(); len(got) > 0 {
			t.Errorf("%d ports without listener, want none", got)
		}
	})
}
