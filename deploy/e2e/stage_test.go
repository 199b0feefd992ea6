//go:build e2e

package e2e

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"lameduck/deploy/deploytest"
)

// shapes are the components, and sidecars those without the wrapper.
var (
	shapes   = []string{"native", "plain", "wrapper"}
	sidecars = []string{"native", "plain"}
)

// settling is the least age of pods before a test acts on them. The hooks of a pod with a native
// sidecar are up to a second late if it is deleted within three seconds of becoming Ready.
const settling = 15 * time.Second

// A stage is a namespace with watches.
type stage struct {
	namespace string
	pods      *pods
}

// newStage creates a namespace that is deleted when the test ends.
func newStage(t *testing.T, labels ...string) *stage {
	t.Helper()
	name := "e2e-" + strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))
	name = strings.TrimRight(name[:min(len(name), 50)], "-") + fmt.Sprintf("-%d",
		time.Now().UnixMilli()%1e6)
	kubectl(t, "create", "namespace", name)
	t.Cleanup(func() {
		// The context of the test is done.
		_, err := tryKubectl(context.Background(), "", "delete", "namespace", name, "--wait=false")
		if err != nil {
			t.Log(err)
		}
	})
	if len(labels) > 0 {
		kubectl(t, append([]string{"label", "namespace", name}, labels...)...)
	}
	deploytest.Await(t, waitTimeout, "the service account", func() error {
		_, err := tryKubectl(t.Context(), "", "get", "serviceaccount", "default", "-n", name)
		return err
	})
	return &stage{namespace: name, pods: watchPods(t.Context(), t, name)}
}

// kubectl runs a command in the namespace.
func (s *stage) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return kubectl(t, append([]string{"-n", s.namespace}, args...)...)
}

// apply applies manifests.
func (s *stage) apply(t *testing.T, manifests string) {
	t.Helper()
	said, err := tryKubectl(t.Context(), manifests, "apply", "-n", s.namespace, "-f", "-")
	if err != nil {
		t.Fatal(said, err)
	}
}

// A team has a Deployment or a StatefulSet, and a kustomization that adds Lameduck.
type team struct {
	shape    string   // the component, or empty
	replicas int      // default 1
	image    string   // of the app; by default that of the tests
	command  []string // by default /app
	port     int      // default 8080
	env      []string // NAME=VALUE, of Lameduck
	grace    int      // by default that of the component
	patches  []string // JSON patches of the workload
	pod      string   // more lines of the pod specification
	app      string   // more lines of the app's container
	stateful bool     // a StatefulSet
}

// deployment returns the manifests without Lameduck.
func (w team) deployment() string {
	command := w.command
	if command == nil {
		command = []string{"/app"}
	}
	kind, own := "Deployment", "strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } }"
	if w.stateful {
		kind, own = "StatefulSet", "serviceName: app"
	}
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: %s
metadata: { name: app }
spec:
  replicas: %d
  %s
  selector: { matchLabels: { app: app } }
  template:
    metadata: { labels: { app: app } }
    spec:
      automountServiceAccountToken: false
      %s
      containers:
        - name: app
          image: %s
          command: [%s]
          ports: [{ name: http, containerPort: %d }]
          %s
---
apiVersion: v1
kind: Service
metadata: { name: app }
spec:
  selector: { app: app }
  ports: [{ name: http, port: 80, targetPort: http }]
`, kind, cmp.Or(w.replicas, 1), own, indent(6, w.pod), cmp.Or(w.image, appImage), strings.Join(command, ", "), cmp.Or(w.port, 8080), indent(10, w.app))
}

func indent(by int, lines string) string {
	return strings.ReplaceAll(strings.TrimSpace(lines), "\n", "\n"+strings.Repeat(" ", by))
}

// confined is a security context for the Pod Security level `restricted`, with a read-only root
// file system.
const confined = `
securityContext:
  allowPrivilegeEscalation: false
  capabilities: { drop: [ALL] }
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  runAsUser: 65532
  seccompProfile: { type: RuntimeDefault }
`

// restricted adds a readiness probe to confined.
const restricted = confined + `readinessProbe:
  httpGet: { path: /, port: http }
  periodSeconds: 1
`

// kustomization returns the kustomization that adds Lameduck, with the changes of the test.
func (w team) kustomization() string {
	var k strings.Builder
	k.WriteString("resources: [deployment.yaml]\n")
	if w.shape != "" {
		fmt.Fprintf(&k, "components: [../deploy/kustomize/%s]\n", w.shape)
	}
	repository, tag, _ := strings.Cut(duckImage, ":")
	fmt.Fprintf(&k, "images: [{ name: registry.example/lameduck, newName: %s, newTag: %s }]\n",
		repository, tag)
	patches := slices.Clone(w.patches)
	at := map[string]string{"native": "initContainers/0", "plain": "containers/1",
		"wrapper": "containers/0"}[w.shape]
	for _, e := range w.env {
		name, value, _ := strings.Cut(e, "=")
		patches = append(patches, fmt.Sprintf(
			`{ op: add, path: /spec/template/spec/%s/env/-, value: { name: %s, value: "%s" } }`,
			at, name, value))
	}
	if w.grace > 0 {
		patches = append(patches, fmt.Sprintf(
			`{ op: replace, path: /spec/template/spec/terminationGracePeriodSeconds, value: %d }`,
			w.grace))
	}
	if len(patches) > 0 {
		k.WriteString("patches:\n  - target: { group: apps, version: v1 }\n    patch: |-\n")
		for _, p := range patches {
			fmt.Fprintf(&k, "      - %s\n", p)
		}
	}
	return k.String()
}

// deploy applies the directory of the team, and returns when every replica is Ready.
func (s *stage) deploy(t *testing.T, w team) {
	t.Helper()
	s.applyTeam(t, w)
	kind := "deployment"
	if w.stateful {
		kind = "statefulset"
	}
	s.kubectl(t, "rollout", "status", kind+"/app", "--timeout", waitTimeout.String())
}

func (s *stage) applyTeam(t *testing.T, w team) {
	t.Helper()
	root := t.TempDir()
	copyDeploy(t, filepath.Join(root, "deploy"))
	dir := filepath.Join(root, "team")
	deploytest.WriteFile(t, filepath.Join(dir, "deployment.yaml"), w.deployment())
	deploytest.WriteFile(t, filepath.Join(dir, "kustomization.yaml"), w.kustomization())
	s.kubectl(t, "apply", "-k", dir)
}

// copyDeploy copies kustomize and other directories of deploy.
func copyDeploy(t *testing.T, to string, others ...string) {
	t.Helper()
	for _, d := range append([]string{"kustomize"}, others...) {
		if err := os.CopyFS(filepath.Join(to, d), os.DirFS(filepath.Join("..", d))); err != nil {
			t.Fatal(err)
		}
	}
}

// restart replaces every pod, and returns when the old pods are gone.
func (s *stage) restart(t *testing.T, within time.Duration) []podLife {
	t.Helper()
	old := s.pods.alive()
	s.kubectl(t, "rollout", "restart", "deployment/app")
	s.kubectl(t, "rollout", "status", "deployment/app", "--timeout", waitTimeout.String())
	var ended []podLife
	for _, name := range old {
		ended = append(ended, s.pods.awaitGone(t, within, name))
	}
	return ended
}

// events returns the messages of all events with a reason.
func (s *stage) events(t *testing.T, reason string) []string {
	t.Helper()
	var messages []string
	for _, e := range get[corev1.EventList](t, "events", "-n", s.namespace).Items {
		if e.Reason == reason {
			messages = append(messages, e.InvolvedObject.Name+": "+e.Message)
		}
	}
	return messages
}

// expectNoHookFailed checks that the kubelet has not reported a failed hook.
func (s *stage) expectNoHookFailed(t *testing.T) {
	t.Helper()
	for _, m := range s.events(t, "FailedPreStopHook") {
		t.Errorf("a hook failed: %s", m)
	}
}

// podIP returns the address of a pod.
func (s *stage) podIP(name string) string { return s.pods.life(name).last.Status.PodIP }

// onlyPod returns the name of the only pod.
func (s *stage) onlyPod(t *testing.T) string {
	t.Helper()
	var alive []string
	deploytest.Await(t, waitTimeout, "the pod", func() error {
		if alive = s.pods.alive(); len(alive) != 1 {
			return fmt.Errorf("found %v", alive)
		}
		return nil
	})
	return alive[0]
}
