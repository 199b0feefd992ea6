//go:build e2e

package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lameduck/bench/load"
)

// noHook takes the hold off the app's container, as where its manifest cannot be changed.
const noHook = `{ op: remove, path: /spec/template/spec/containers/0/lifecycle }`

func Test6WithAFallbackNoNewConnectionFailsThoughTheAppDiesAtOnce(t *testing.T) {
	needFallback(t)
	for _, shape := range []string{"native", "plain"} {
		t.Run(shape, func(t *testing.T) {
			s := newStage(t)
			w := team{shape: shape, replicas: 3, app: restricted, patches: []string{noHook}}
			s.deploy(t, w)
			// By its address: the cluster may have no DNS.
			w.env = []string{"LAMEDUCK_FALLBACK=" + s.service(t)}
			s.deploy(t, w)
			in := startIngress(t.Context(), t, s.namespace, "app", 5*time.Second)
			in.awaitEndpoints(t, 3)
			l := in.startLoad(t, rate, load.Request{Method: "GET", NewConn: true}, load.Request{Method: "POST", Body: 2000, NewConn: true})
			pause(t, settling)
			ended := s.restart(t, patience)
			expectNoneLost(t, l.end(t))
			for _, life := range ended {
				t.Logf("%s was gone after %.1f s: %s", life.name, life.gone.Sub(life.deleted).Seconds(), life.drain())
				if _, at, err := life.signalled(); err != nil || at.Sub(life.deleted) > 2*time.Second {
					t.Errorf("%s: the app got its signal at %v, error %v: something holds it", life.name, at, err)
				}
				if t.Failed() {
					t.Logf("%s was seen to be deleted at %s; Lameduck: %q", life.name, life.deleted.UTC().Format(time.RFC3339Nano), life.log)
				}
			}
		})
	}
}

// needFallback skips the test for a lameduck that has none.
func needFallback(t *testing.T) {
	t.Helper()
	usage, err := exec.Command(filepath.Join(binaries(), "lameduck"), "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(usage), "LAMEDUCK_FALLBACK") {
		t.Skip("this lameduck has no fallback")
	}
}
