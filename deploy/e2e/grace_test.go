//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"lameduck/deploy/deploytest"
)

// shortGrace is shorter than any hold of these tests.
const shortGrace = 5 * time.Second

// With a grace period shorter than the hold, the kubelet sends SIGTERM to the app and to a native
// sidecar at its end, and SIGKILL two seconds later. The requests in flight are lost, and Lameduck
// logs them. A plain container and a wrapper have had their SIGTERM at the beginning and get no
// second one: they can log the loss only if the app's exit shows it.
func Test4AGracePeriodShorterThanTheHoldIsLogged(t *testing.T) {
	for _, tc := range []struct {
		shape, app string
		command    []string
		reason     string // of the end of the hold, if it is logged
	}{
		{"native", "an app that dies at once", []string{"/app"}, "app_gone"},
		{"plain", "an app that dies at once", []string{"/app"}, "app_gone"},
		{"wrapper", "an app that dies at once", []string{"/app"}, ""},
		{"native", "an app that takes a minute", []string{"/app", "-stop-after=60s"}, "stop_signal"},
		{"plain", "an app that takes a minute", []string{"/app", "-stop-after=60s"}, ""},
	} {
		t.Run(tc.shape+"/"+tc.app, func(t *testing.T) {
			s := newStage(t)
			s.deploy(t, team{shape: tc.shape, command: tc.command, app: restricted})
			l := s.expectCutShort(t, "--grace-period=5")
			if tc.reason == "" {
				return
			}
			d, message := l.drain(), l.message(duckContainer(l.last))
			if !d.complete || !strings.Contains(message, "drained in") {
				t.Errorf("Lameduck was killed before it had logged the drain: message %q, log %q", message,
					l.log)
			}
			if d.reason != tc.reason {
				t.Errorf("the hold ended by %s, want %s", d.reason, tc.reason)
			}
			if lost := d.cutExchanges + d.unanswered; lost != 1 {
				t.Errorf("the one request that is lost is logged %d times: %s", lost, d)
			}
		})
	}
}

// expectCutShort deletes the pod while a request is in flight that takes longer than its grace
// period.
func (s *stage) expectCutShort(t *testing.T, flags ...string) podLife {
	t.Helper()
	pod := s.onlyPod(t)
	pause(t, settling)
	began, answered := time.Now(), make(chan error, 1)
	go func() {
		_, _, err := call(t.Context(), http.MethodGet, s.url(pod, routePort)+"/?wait=60s")
		answered <- err
	}()
	pause(t, time.Second) // the request has arrived by then
	s.kubectl(t, append([]string{"delete", "pod", pod, "--wait=false"}, flags...)...)
	l := s.pods.awaitGone(t, waitTimeout, pod)
	err := <-answered
	took := l.gone.Sub(l.deleted)
	t.Logf("gone after %.1f s; the request ended after %.1f s with %v; %s; termination message: %q",
		took.Seconds(), time.Since(began).Seconds(), err, l.drain(), l.message(duckContainer(l.last)))
	if err == nil {
		t.Error("the request was answered, so nothing was cut")
	}
	if most := shortGrace + 2*time.Second + slack; took > most {
		t.Errorf("the pod was there for %v, more than %v", took, most)
	}
	return l
}

// With --force the object is deleted at once, and the kubelet stops the containers afterwards with
// a grace period of one second. Only the log shows the drain. A wrapper is killed without a second
// signal.
func Test4AForcedDeletionStillCallsTheHook(t *testing.T) {
	for _, shape := range sidecars {
		t.Run(shape, func(t *testing.T) {
			s := newStage(t)
			s.deploy(t, team{shape: shape, app: restricted})
			pod := s.onlyPod(t)
			pause(t, settling)
			s.pods.followLog(s.pods.live(pod))
			deploytest.Await(t, waitTimeout, "the "+
				"log", func() error { // which cannot be read after the object is gone
				if len(s.pods.life(pod).log) == 0 {
					return fmt.Errorf("it is empty")
				}
				return nil
			})
			s.kubectl(t, "delete", "pod", pod, "--force", "--grace-period=0")
			deploytest.Await(t, waitTimeout, "the end of the drain",
				func() error { return s.pods.life(pod).drainLogged() })
			t.Logf("%s", s.pods.life(pod).drain())
		})
	}
}
