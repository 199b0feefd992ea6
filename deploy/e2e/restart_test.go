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

// hookWindow is Lameduck's default.
const hookWindow = 5 * time.Second

// mortal is an app with a liveness probe that a test can make fail.
const mortal = restricted + `
livenessProbe:
  httpGet: { path: /live, port: 8080 }
  periodSeconds: 1
  failureThreshold: 1
`

const neighbourPort = "9090"

// A container of the same pod that is unrelated to the app.
const neighbour = `
- op: add
  path: /spec/template/spec/containers/-
  value: { name: neighbour, image: ` + appImage + `, args: ["-listen=:` + neighbourPort + `"], lifecycle: { preStop: { httpGet: { path: /hold, port: 18081 } } } }
`

func Test3ALivenessFailureRestartsTheAppAndDrainsNothing(t *testing.T) {
	for _, shape := range sidecars {
		t.Run(shape, func(t *testing.T) {
			s := newStage(t)
			s.deploy(t, team{shape: shape, app: mortal, patches: []string{oneLine(neighbour)}})
			pod := s.onlyPod(t)
			pause(t, settling)
			s.expectRestart(t, pod)
			s.expectNeverDrained(t, pod)
			// A later deletion still drains.
			deploytest.Await(t, waitTimeout, "the pod to be ready again", s.readiness(pod))
			s.kubectl(t, "delete", "pod", pod, "--wait=false")
			expectQuiet(t, s.pods.awaitGone(t, waitTimeout, pod))
			s.expectNoHookFailed(t)
		})
	}
}

// expectRestart makes the liveness probe fail and checks the kubelet's reaction.
func (s *stage) expectRestart(t *testing.T, pod string) {
	t.Helper()
	expectOK(t, http.MethodPost, s.url(pod, routePort)+"/live")
	failed := time.Now()
	asked := 0
	deploytest.Await(t, waitTimeout, "the app's restart", func() error {
		asked++
		expectOK(t, http.MethodGet, s.url(pod, neighbourPort))
		if n := s.pods.life(pod).container("app").RestartCount; n != 1 {
			return fmt.Errorf("%d restarts", n)
		}
		return nil
	})
	took := time.Since(failed)
	l := s.pods.life(pod)
	t.Logf("restarted %.1f s after its liveness began to fail; the other container answered %d "+
		"requests meanwhile; ready lost %d times, first after %v",
		took.Seconds(), asked, len(l.notReady), firstAfter(l.notReady, failed))
	// The probe runs once a second.
	if most := time.Second + hookWindow + 2*time.Second; took > most {
		t.Errorf("the restart took %v, more than %v", took, most)
	}
	if len(l.notReady) > 0 && l.notReady[0].Sub(failed) < hookWindow {
		t.Errorf("the pod was not ready while the app still served, %v after the failure",
			l.notReady[0].Sub(failed))
	}
	if n := l.container("neighbour").RestartCount + l.container("lameduck").RestartCount; n != 0 {
		t.Errorf("the other containers were restarted %d times", n)
	}
}

func firstAfter(times []time.Time, since time.Time) time.Duration {
	if len(times) == 0 {
		return 0
	}
	return times[0].Sub(since).Round(100 * time.Millisecond)
}

// expectNeverDrained checks Lameduck's metrics.
func (s *stage) expectNeverDrained(t *testing.T, pod string) {
	t.Helper()
	if text := s.metrics(t, pod); !strings.Contains(text, `lameduck_phase{phase="serving"} 1`) || !strings.Contains(text, "lameduck_drain_duration_seconds 0") {
		t.Errorf("Lameduck drains:\n%s", text)
	}
}

func (s *stage) readiness(pod string) func() error {
	return func() error {
		if !ready(s.pods.life(pod).last) {
			return fmt.Errorf("it is not ready")
		}
		return nil
	}
}

func Test3ASidecarThatIsKilledServesAgain(t *testing.T) {
	for _, shape := range sidecars {
		t.Run(shape, func(t *testing.T) {
			s := newStage(t)
			s.deploy(t, team{shape: shape, app: restricted, pod: "shareProcessNamespace: true"})
			pod := s.onlyPod(t)
			pause(t, settling)
			expectOK(t, http.MethodPost, s.url(pod, appPort)+"/kill?name=lameduck")
			deploytest.Await(t, waitTimeout, "Lameduck's restart", func() error {
				if c := s.pods.life(pod).container("lameduck"); c.RestartCount != 1 || !c.Ready {
					return fmt.Errorf("%d restarts, ready: %v", c.RestartCount, c.Ready)
				}
				return nil
			})
			s.expectNeverDrained(t, pod)
			expectOK(t, http.MethodGet, s.url(pod, routePort))
			if n := s.pods.life(pod).container("app").RestartCount; n != 0 {
				t.Errorf("the app was restarted %d times", n)
			}
			deploytest.Await(t, waitTimeout, "the pod to be ready again", s.readiness(pod))
			s.kubectl(t, "delete", "pod", pod, "--wait=false")
			expectQuiet(t, s.pods.awaitGone(t, waitTimeout, pod))
		})
	}
}

// oneLine joins the lines of a patch, for use in a list.
func oneLine(patch string) string {
	lines := strings.Split(strings.TrimPrefix(strings.TrimSpace(patch), "- "), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimSpace(l)
	}
	return "{ " + strings.Join(lines, ", ") + " }"
}
