//go:build e2e

package e2e

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"lameduck/deploy/ctl/enable"
	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/mode"
)

// probedByNumber is an app that is ready two seconds after its start, with a probe that a relayed
// port would answer at once.
const probedByNumber = confined + `args: ["-start-after=2s"]
readinessProbe:
  tcpSocket: { port: 8080 }
  periodSeconds: 1
`

func Test15RedirectedPortsLoseNothing(t *testing.T) {
	installWebhook(t)
	s := newStage(t)
	s.apply(t, byNumber)
	if plan := s.enable(t); !plan.Redirect.Admitted {
		t.Fatalf("the redirect is not allowed: %s", plan.Redirect.Reason)
	}
	s.deploy(t, team{replicas: 3, app: probedByNumber})
	s.expectMode(t, mode.Redirect, 3)
	s.expectLosslessOnOwnPort(t)
	t.Run("balanced by clients over the headless Service", func(t *testing.T) {
		clients := s.startBalancing(t, "headless", 10, 2*time.Second)
		pause(t, settling)
		s.expectGoneAfterLast(t, s.restart(t, waitTimeout))
		clients.expectNoneLost(t)
	})
	s.expectNoHookFailed(t)
	s.expectMode(t, mode.Redirect, 3)
}

// expectLosslessOnOwnPort restarts three pods that Lameduck relays on the app's own port: behind an
// ingress, and with callers that keep their connections to the ClusterIP.
func (s *stage) expectLosslessOnOwnPort(t *testing.T) {
	t.Helper()
	s.expectPortsUnmoved(t)
	s.expectReadyAfter(t, 2*time.Second)
	t.Run("through a slow ingress", func(t *testing.T) { s.expectLosslessRestart(t, 5*time.Second) })
	t.Run("through the ClusterIP over kept connections", func(t *testing.T) {
		callers := newStage(t)
		callers.startCallers(t, 30, s.clusterIP(t, "by-number", "80"), ", -keep")
		pause(t, rhythm)
		s.expectGoneAfterLast(t, s.restart(t, waitTimeout))
		callers.expectNoCallLost(t, 30)
	})
}

func Test15ARestrictedNamespaceIsObserved(t *testing.T) {
	installWebhook(t)
	s := newStage(t, "pod-security.kubernetes.io/enforce=restricted")
	s.apply(t, byNumber)
	plan := s.enable(t)
	if plan.Redirect.Admitted || !strings.Contains(plan.Redirect.Reason, `"restricted:latest"`) {
		t.Errorf("the plan does not report the Pod Security level: %+v", plan.Redirect)
	}
	s.deploy(t, team{replicas: 2, app: restricted})
	s.expectMode(t, mode.Observe, 2)
	// Even if a label allows redirect, no pod may be refused.
	kubectl(t, "label", "--overwrite", "namespace", s.namespace, mode.RedirectLabel+"="+mode.Allowed)
	s.restart(t, waitTimeout)
	s.expectMode(t, mode.Observe, 2)
	for _, m := range s.events(t, "FailedCreate") {
		t.Errorf("a pod was refused: %s", m)
	}
}

func Test15DisableAndARolloutLeaveNothing(t *testing.T) {
	installWebhook(t)
	s := newStage(t)
	s.enable(t)
	s.apply(t, byNumber)
	s.deploy(t, team{app: restricted})
	s.expectMode(t, mode.Redirect, 1)
	s.lameduckctl(t, "disable", s.namespace)
	s.restart(t, waitTimeout)
	pod := s.pods.life(s.onlyPod(t)).last
	if len(pod.Spec.InitContainers) > 0 || len(pod.Spec.Containers) != 1 {
		t.Errorf("the pod has %+v", pod.Spec)
	}
	expectNoName(t, "the pod", pod.Annotations)
	expectNoName(t, "the namespace", get[corev1.Namespace](t, "namespace", s.namespace).Labels)
	expectOK(t, "GET", s.url(pod.Name, appPort))
	if status, _, err := call(t.Context(), "GET", s.url(pod.Name, routePort)); err == nil {
		t.Errorf("the relay's port answers with %d", status)
	}
}

// twice has the redirect's init container a second time, and prints the rules after that.
const twice = `
initContainers:
  - name: again
    image: ` + duckImage + `
    args: [redirect, "8080=18080"]
    securityContext: &netadmin
      runAsUser: 0
      allowPrivilegeEscalation: false
      capabilities: { drop: [ALL], add: [NET_ADMIN] }
  - name: rules
    image: ` + appImage + `
    args: [-rules]
    securityContext: *netadmin
`

func Test15APodThatIsRedirectedTwiceHasOneTable(t *testing.T) {
	installWebhook(t)
	s := newStage(t)
	s.enable(t)
	s.apply(t, byNumber)
	s.deploy(t, team{app: restricted, pod: twice})
	s.expectMode(t, mode.Redirect, 1)
	got := s.kubectl(t, "logs", s.onlyPod(t), "-c", "rules")
	if lines := strings.Fields(got); !slices.Equal(lines, []string{"lameduck/inbound:4", "lameduck/untracked:2"}) {
		t.Errorf("rules %q, want those of one run", lines)
	}
}

// expectNoName expects that no label or annotation is Lameduck's.
func expectNoName(t *testing.T, of string, labels map[string]string) {
	t.Helper()
	for name := range labels {
		if strings.HasPrefix(name, inject.AnnotationPrefix) {
			t.Errorf("%s has %s", of, name)
		}
	}
}

// enable enables Lameduck for the namespace and returns the plan.
func (s *stage) enable(t *testing.T) (plan enable.Plan) {
	t.Helper()
	if err := json.Unmarshal([]byte(s.lameduckctl(t, "enable", s.namespace, "-o", "json")), &plan); err != nil {
		t.Fatal(err)
	}
	t.Logf("redirect: %s", plan.Redirect.Reason)
	return plan
}

// lameduckctl runs a command that must succeed, and returns its output.
func (s *stage) lameduckctl(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(binaries(), "lameduckctl"), args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("lameduckctl %s: %v: %s%s", strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}

// expectMode expects that all pods that are not terminating are injected in a mode, as lameduckctl
// reports it.
func (s *stage) expectMode(t *testing.T, want mode.Mode, pods int) {
	t.Helper()
	var status enable.Status
	if err := json.Unmarshal([]byte(s.lameduckctl(t, "status", s.namespace, "-o", "json")), &status); err != nil {
		t.Fatal(err)
	}
	alive := s.pods.alive()
	if len(alive) != pods {
		t.Errorf("pods %v, want %d", alive, pods)
	}
	for _, p := range status.Pods {
		if slices.Contains(alive, p.Name) && !strings.HasPrefix(p.Mode, string(want)+": ") {
			t.Errorf("%s: mode %q, not injected %q, want %s", p.Name, p.Mode, p.Reason, want)
		}
	}
	t.Logf("%d pods with mode %s", len(status.Pods), want)
}

// expectReadyAfter expects that no pod was ready before its app listened.
func (s *stage) expectReadyAfter(t *testing.T, least time.Duration) {
	t.Helper()
	for _, name := range s.pods.alive() {
		l := s.pods.life(name)
		started := l.container("app").State.Running.StartedAt.Time
		i := slices.IndexFunc(l.last.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.PodReady })
		if took := l.last.Status.Conditions[i].LastTransitionTime.Sub(started); took < least {
			t.Errorf("%s was ready %v after the start of its app, before the app listened", name, took)
		}
	}
}

// expectGoneAfterLast checks the drains of pods.
func (s *stage) expectGoneAfterLast(t *testing.T, ended []podLife) {
	t.Helper()
	for _, l := range ended {
		expectSignalledAfter(t, l, expectQuiet(t, l))
		l.expectGoneWithin(t, afterLast)
	}
}
