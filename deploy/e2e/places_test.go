//go:build e2e

package e2e

import (
	"net/http"
	"testing"
	"time"
)

// expectServesAndDrains sends a request to the only pod and deletes it.
func (s *stage) expectServesAndDrains(t *testing.T) {
	t.Helper()
	pod := s.onlyPod(t)
	pause(t, settling)
	expectOK(t, http.MethodGet, s.url(pod, routePort))
	// Scale down instead of deleting: with hostNetwork a replacement would need the same port.
	s.kubectl(t, "scale", "deployment/app", "--replicas=0")
	l := s.pods.awaitGone(t, waitTimeout, pod)
	expectSignalledAfter(t, l, expectQuiet(t, l))
	s.expectNoHookFailed(t)
}

// The root file systems of the app and of Lameduck are read-only, and the images have a single
// program.
func Test7ARestrictedNamespaceAllowsEveryShape(t *testing.T) {
	for _, shape := range shapes {
		t.Run(shape, func(t *testing.T) {
			s := newStage(t, "pod-security.kubernetes.io/enforce=restricted")
			s.deploy(t, team{shape: shape, app: restricted})
			s.expectServesAndDrains(t)
		})
	}
}

// With hostNetwork the kubelet knows no address of the pod, so the hook needs a host. A wrapper
// needs no hook.
func Test7HostNetwork(t *testing.T) {
	host := `{ op: add, path: /spec/template/spec/containers/0/lifecycle/preStop/httpGet/host, value: 127.0.0.1 }`
	for shape, patches := range map[string][]string{"native": {host}, "plain": {host}, "wrapper": nil} {
		t.Run(shape, func(t *testing.T) {
			s := newStage(t)
			s.deploy(t, team{shape: shape, app: restricted, pod: "hostNetwork: true", patches: patches})
			s.expectServesAndDrains(t)
		})
	}
}

// The stop signal of the nginx image is SIGQUIT, for a graceful exit. The wrapper needs
// LAMEDUCK_STOP_SIGNAL for that.
func Test7AnUnmodifiedNginxWithAStopSignalOfItsOwn(t *testing.T) {
	for _, w := range []team{
		{shape: "native"}, {shape: "plain"}, {shape: "wrapper",
			env: []string{"LAMEDUCK_STOP_SIGNAL=SIGQUIT"}},
	} {
		t.Run(w.shape, func(t *testing.T) {
			s := newStage(t)
			w.replicas, w.image, w.port, w.command = 2, nginxImage, 80, []string{"/nginx"}
			w.app = "readinessProbe: { httpGet: { path: /, port: http }, periodSeconds: 1 }"
			s.deploy(t, w)
			in := s.startIngress(t, ingressConfig{lag: 5 * time.Second}, 2)
			l := in.startLoad(t, rate, everyKind[0], everyKind[2]) // nginx rejects a POST to a file
			pause(t, settling)
			ended := s.restart(t, waitTimeout)
			expectNoneLost(t, l.end(t))
			for _, life := range ended {
				expectQuiet(t, life)
				if c := life.container("app").State.Terminated; c == nil || c.ExitCode != 0 {
					t.Errorf("%s: nginx ended with %+v, not gracefully", life.name, c)
				}
			}
			s.expectNoHookFailed(t)
		})
	}
}
