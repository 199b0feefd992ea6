//go:build e2e

package e2e

import (
	"testing"
	"time"

	"lameduck/bench/load"
)

// noHook removes the hook of the app's container, as if it could not have one.
const noHook = `{ op: remove, path: /spec/template/spec/containers/0/lifecycle }`

// Requests in flight fail with the app, which Lameduck cannot prevent. Later requests, until the
// load balancers stop routing to the pod, are served by another pod.
func Test6WithAFallbackNoNewConnectionFailsThoughTheAppDiesAtOnce(t *testing.T) {
	for _, shape := range sidecars {
		t.Run(shape, func(t *testing.T) {
			s := newStage(t)
			w := team{shape: shape, replicas: 3, app: restricted, patches: []string{noHook}}
			s.deploy(t, w)
			// By address, as the cluster may have no DNS.
			w.env = []string{"LAMEDUCK_FALLBACK=" + s.service(t)}
			s.deploy(t, w)
			// Without keep-alive to pods, as the promise is about new connections.
			in := s.startIngress(t, ingressConfig{lag: 5 * time.Second, keepNone: true}, 3)
			l := in.startLoad(t, rate, load.Request{Method: "GET", NewConn: true},
				load.Request{Method: "POST", Body: 2000, NewConn: true})
			pause(t, settling)
			ended := s.restart(t, waitTimeout)
			expectOnlyLostInHand(t, l.end(t), ended)
			for _, life := range ended {
				end, err := life.ending()
				if err != nil || end.at.Sub(life.deleted) > 2*time.Second {
					t.Errorf("%s: the app got its signal at %v, error %v: it is held", life.name,
						end.at, err)
				}
				d := life.drain()
				t.Logf("%s was gone after %.1f s; the app ended %v after the deletion was seen with %d in "+
					"hand, the drain began %v after that, in which %d were not answered: %s", life.name,
					life.gone.Sub(life.deleted).Seconds(), end.at.Sub(life.deleted).Round(time.Millisecond),
					end.inHand, d.begun.Sub(end.at).Round(time.Millisecond), d.unanswered, d)
				if t.Failed() {
					t.Logf("%s was seen to be deleted at %s; Lameduck: %q", life.name,
						life.deleted.UTC().Format(time.RFC3339Nano), life.log)
				}
			}
		})
	}
}

// expectOnlyLostInHand reports lost requests that were not in flight in an app when it died.
func expectOnlyLostInHand(t *testing.T, results []*load.Result, ended []podLife) {
	t.Helper()
	var ends []ending
	for _, life := range ended {
		end, err := life.ending()
		if err != nil {
			t.Error(err)
		}
		ends = append(ends, end)
	}
	var losses []loss
	for _, result := range results {
		if result.Requests() == 0 {
			t.Error("there was no load")
		}
		for _, f := range result.Failures() {
			losses = append(losses, loss{
				kind: f.Request.String(), began: result.Start.Add(f.Due + f.Late),
				failed: result.Start.Add(f.Ended()), err: f.Err,
			})
		}
	}
	failed := newcomers(losses, ends)
	t.Logf("%d lost requests were in flight in an app that died, and %d others",
		len(losses)-len(failed), len(failed))
	for _, l := range failed {
		t.Errorf("%s, begun at %s and failed %v later, was not in flight in an app: %v", l.kind,
			l.began.UTC().Format(time.RFC3339Nano), l.failed.Sub(l.began), l.err)
	}
}
