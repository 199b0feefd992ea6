//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"
)

const (
	rate = 80 // requests a second, so that each load balancer uses every pod several times a second
	// slack is the time for the kubelet and the API server, beyond the hold and the app's stop.
	slack = 3 * time.Second
)

// lags are the delays of load balancers: none, that of an ingress in the cluster, and that of a
// cloud.
var lags = []time.Duration{0, 5 * time.Second, 30 * time.Second}

func Test1ARollingRestartLosesNothingWhateverTheLag(t *testing.T) {
	for _, shape := range shapes {
		t.Run(shape, func(t *testing.T) {
			s := newStage(t)
			s.deploy(t, team{shape: shape, replicas: 3, app: restricted})
			for _, lag := range lags {
				t.Run(lag.String(), func(t *testing.T) { s.expectLosslessRestart(t, lag) })
			}
			s.expectNoHookFailed(t)
		})
	}
}

func (s *stage) expectLosslessRestart(t *testing.T, lag time.Duration) {
	in := s.startIngress(t, ingressConfig{lag: lag}, 3)
	l := in.startLoad(t, rate, everyKind...)
	pause(t, settling)
	ended := s.restart(t, lag+waitTimeout)
	expectNoneLost(t, l.end(t))
	for _, life := range ended {
		expectDrained(t, life, lag)
	}
}

// expectQuiet checks that the drain is logged, ended because the traffic had stopped, and lost
// nothing.
func expectQuiet(t *testing.T, l podLife) drain {
	t.Helper()
	d := l.drain()
	t.Logf("%s was gone after %.1f s: %s", l.name, l.gone.Sub(l.deleted).Seconds(), d)
	if !d.complete || d.reason != "quiet" || d.cutExchanges != 0 || d.unanswered != 0 {
		t.Errorf("%s: unexpected drain: %s\n%q", l.name, d, l.log)
	}
	if message := l.message(duckContainer(l.last)); !strings.Contains(message, "drained in") {
		t.Errorf("%s: the termination message is %q", l.name, message)
	}
	return d
}

// expectDrained checks the times of a drain, as observed and as logged.
func expectDrained(t *testing.T, l podLife, lag time.Duration) {
	t.Helper()
	d, took := expectQuiet(t, l), l.gone.Sub(l.deleted)
	if late := d.last - lag; late < -2*time.Second || late > 2*time.Second {
		t.Errorf("%s: the load balancers stopped routing after %v, but the last request arrived after %v",
			l.name,
			lag, d.last)
	}
	if most := lag + d.required + slack; took > most {
		t.Errorf("%s was there for %v, more than %v; seen to be deleted at %v; Lameduck: %q; "+
			"containers: %+v",
			l.name, took, most,
			l.deleted.UTC().Format(time.StampMilli), l.log, l.last.Status.ContainerStatuses)
	}
	expectSignalledAfter(t, l, d)
}

// expectSignalledAfter checks that the app got its signal after the end of the hold.
func expectSignalledAfter(t *testing.T, l podLife, d drain) {
	t.Helper()
	end, err := l.ending()
	if err != nil {
		t.Error(err)
		return
	}
	t.Logf("%s: the drain began %v after the pod's end was seen, the app got %s %v after the "+
		"hold's end, Lameduck stopped %v after that, the pod was gone %v later", l.name,
		d.begun.Sub(l.deleted).Round(time.Millisecond), end.signal,
		end.at.Sub(d.drained).Round(time.Millisecond), d.stopped.Sub(end.at).Round(time.Millisecond),
		l.gone.Sub(d.stopped).Round(time.Millisecond))
	if early := d.drained.Sub(end.at); early > 10*time.Millisecond { // the line is logged just after the answer to the hook
		t.Errorf("%s: the app got %s %v before the hold's end", l.name, end.signal, early)
	}
}

func Test2WithoutLameduckTheSameLosesRequests(t *testing.T) {
	s := newStage(t)
	s.deploy(t, team{replicas: 3, app: restricted})
	in := s.startIngress(t, ingressConfig{lag: 5 * time.Second}, 3)
	l := in.startLoad(t, rate, everyKind...)
	pause(t, settling)
	s.restart(t, waitTimeout)
	in.awaitEndpoints(t, 3)
	for i, result := range l.end(t) {
		if len(result.Failures()) == 0 {
			t.Errorf("none of %d requests through %s is lost: the tests are blind",
				result.Requests(),
				in.kinds[i])
		}
	}
}
