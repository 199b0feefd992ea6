//go:build e2e

package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"lameduck/deploy/ctl/manifest"
	"lameduck/deploy/deploytest/charts"
)

// demands are what a namespace may demand of its pods. The LimitRange has what the quota counts,
// for containers that lack it.
const demands = `
apiVersion: v1
kind: LimitRange
metadata: { name: limits }
spec:
  limits:
    - type: Container
      min: { cpu: 20m, memory: 48Mi }
      max: { cpu: 2, memory: 512Mi }
      default: { cpu: 200m, memory: 128Mi }
      defaultRequest: { cpu: 100m, memory: 128Mi }
      maxLimitRequestRatio: { cpu: 4 }
    - type: Pod
      max: { cpu: 4, memory: 2Gi }
---
apiVersion: v1
kind: ResourceQuota
metadata: { name: quota }
spec:
  hard: { pods: "50", requests.cpu: "10", limits.cpu: "20", requests.memory: 20Gi, limits.memory: 40Gi }
`

// Test17TheAPIServerAcceptsEveryChart sends the injected objects of each chart to the API server,
// whose own validation, LimitRanges and quotas decide. They decide on pods, so the pod of each
// workload is sent too. Nothing is created.
func Test17TheAPIServerAcceptsEveryChart(t *testing.T) {
	context := strings.TrimSpace(kubectl(t, "config", "current-context"))
	for name, demanded := range map[string]string{"no demands": "", "demands": demands} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			if demanded != "" {
				s.apply(t, demanded)
				awaitQuota(t, s)
			}
			before := make(map[string]string)
			here := strings.NewReplacer("name: apps\n", "name: "+s.namespace+"\n",
				"namespace: apps\n", "namespace: "+s.namespace+"\n")
			for _, c := range charts.All() {
				before[c.Name] = here.Replace(c.Manifests()) // the demands of that namespace count
			}
			refused := s.refusals(t, before)
			if accepted := len(before) - len(refused); accepted < 60 {
				t.Fatalf("without Lameduck only %d charts are accepted: %v", accepted, refused)
			}
			for _, flags := range []string{"--mode auto", "--mode redirect", "--mode auto --shape plain"} {
				t.Run(flags, func(t *testing.T) {
					after, kept := make(map[string]string), 0
					for name, text := range before {
						args := append(strings.Fields(flags), "--context", context, "-n", s.namespace, "--image", duckImage)
						if after[name] = injectChart(t, text, args...); after[name] == text {
							kept++
						}
					}
					t.Logf("%d charts, %d of them unchanged", len(after), kept)
					if kept > 6 { // a chart on the node's network, and those without ports
						t.Errorf("%d charts are not injected", kept)
					}
					for name, why := range s.refusals(t, after) {
						if refused[name] == "" {
							t.Errorf("%s is refused with Lameduck: %s", name, why)
						}
					}
				})
			}
		})
	}
}

// awaitQuota waits until the API server enforces the quota.
func awaitQuota(t *testing.T, s *stage) {
	t.Helper()
	s.kubectl(t, "wait", "--for=jsonpath={.status.hard.pods}=50", "resourcequota/quota", "--timeout", waitTimeout.String())
}

// injectChart returns the output of inject for manifests.
func injectChart(t *testing.T, text string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(binaries(), "lameduckctl"),
		append([]string{"inject", "-f", "-"}, args...)...)
	cmd.Stdin = strings.NewReader(text)
	var errors strings.Builder
	cmd.Stderr = &errors
	after, err := cmd.Output()
	if err != nil && cmd.ProcessState.ExitCode() != 1 { // a chart that cannot be protected passes through
		t.Fatalf("inject: %v: %s", err, errors.String())
	}
	return string(after)
}

// refusedObject has the name of an object that the API server refuses, and why.
var refusedObject = regexp.MustCompile(`"([^"]+)" is (?:invalid|forbidden).*`)

// refusals returns which objects of the charts the API server refuses, and why. The demands of the
// charts are left out: those of the namespace count.
func (s *stage) refusals(t *testing.T, all map[string]string) map[string]string {
	t.Helper()
	var objects []string
	for name, text := range all {
		objects = append(objects, objectsOf(t, name, text))
	}
	refused := make(map[string]string)
	_, err := tryKubectl(t.Context(), strings.Join(objects, "---\n"), "create", "-n", s.namespace, "--dry-run=server",
		"-f", "-")
	if err == nil {
		return refused
	}
	for _, found := range refusedObject.FindAllStringSubmatch(err.Error(), -1) {
		refused[found[1]] = found[0]
	}
	if len(refused) == 0 {
		t.Fatal(err)
	}
	return refused
}

// objectsOf returns the objects of a chart and the pod of its workload.
func objectsOf(t *testing.T, name, text string) string {
	t.Helper()
	file, err := manifest.Parse(name, []byte(text))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var objects []string
	add := func(o any) {
		text, err := yaml.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, string(text))
	}
	for _, o := range file.Objects() {
		switch o.Kind {
		case "Namespace", "LimitRange", "ResourceQuota":
			continue
		}
		var object map[string]any
		if err := o.Decode("", &object); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if metadata, is := object["metadata"].(map[string]any); is {
			delete(metadata, "namespace") // that of the stage counts
		}
		add(object)
		w, err := o.Workload()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if w != nil {
			add(corev1.Pod{
				TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
				ObjectMeta: metav1.ObjectMeta{
					Name: name, Labels: w.Template.Labels, Annotations: w.Template.Annotations,
				},
				Spec: w.Template.Spec,
			})
		}
	}
	if len(objects) < 2 {
		t.Fatal(fmt.Errorf("%s has only %d objects", name, len(objects)))
	}
	return strings.Join(objects, "---\n")
}
