package main

import (
	"path/filepath"
	"strings"
	"testing"

	"lameduck/deploy/deploytest"
)

// moved are the flags with which ports move, which changes most.
var moved = []string{"inject", "-f", "-", "--mode", "move"}

const (
	head = "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n" +
		"  selector: { matchLabels: { app: web } }\n  template:\n"
	labelled = "    metadata:\n      labels: { app: web }\n"
	podSpec  = "    spec:\n      containers:\n        - name: web\n          image: web:1\n" +
		"          ports: [{ name: http, containerPort: 3000 }]\n"
	aPod = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"NAME"},"spec":{"containers":[` +
		`{"name":"web","image":"web:1","ports":[{"name":"http","containerPort":3000}]}]}}`
)

// TestRealLayoutsComeBack injects layouts that templates and programs print. Twice is once, and
// uninject gives back the bytes.
func TestRealLayoutsComeBack(t *testing.T) {
	for name, text := range map[string]string{
		"no metadata":           head + podSpec,
		"empty metadata":        head + "    metadata: {}\n" + podSpec,
		"empty metadata below":  head + "    metadata:\n      {}\n" + podSpec,
		"empty annotations":     head + "    metadata:\n      annotations: {}\n" + podSpec,
		"annotations below":     head + "    metadata:\n      annotations:\n        {}\n      labels:\n        app: web\n" + podSpec,
		"quoted port of probe":  head + labelled + podSpec + "          livenessProbe:\n            tcpSocket: { port: \"http\" }\n",
		"quoted in a block":     head + labelled + podSpec + "          livenessProbe:\n            tcpSocket:\n              port: 'http' # by name\n",
		"a port without quotes": head + labelled + podSpec + "          livenessProbe:\n            tcpSocket: { port: http }\n",
		"lists below":           head + labelled + strings.Replace(podSpec, "containers:", "initContainers:\n        []\n      volumes:\n        []\n      containers:", 1),
		"nothing behind keys": head + "    metadata:\n      annotations: # none\n      labels:\n" +
			strings.Replace(podSpec, "containers:", "initContainers:\n      terminationGracePeriodSeconds:\n      containers:", 1) +
			"          lifecycle:\n",
		"nulls": head + "    metadata: ~\n" +
			strings.Replace(podSpec, "containers:", "initContainers: null\n      terminationGracePeriodSeconds: ~ # 30\n      containers:", 1) +
			"          lifecycle: { preStop: null, postStart: ~ }\n",
		"nothing behind metadata": head + "    metadata:\n" + podSpec,
		"a hook that is null":     head + labelled + podSpec + "          lifecycle:\n            preStop:\n",
		"nulls of JSON": strings.Replace(aPod, `"metadata":{"name":"NAME"},"spec":{`,
			`"metadata": {"name": "a", "annotations": null},`+"\n"+` "spec": {"initContainers": null, `, 1),
		"trailing commas": head + "    metadata: {\n      labels: { app: web },\n    }\n    spec: {\n      containers: [\n" +
			"        { name: web, image: 'web:1', ports: [{ name: http, containerPort: 3000 }], },\n      ],\n    }\n",
		"directives": "%YAML 1.1\n---\n" + head + labelled + podSpec + "...\n%YAML 1.1\n---\n" + head + labelled + podSpec,
		"words of YAML 1.1": head + labelled + strings.Replace(podSpec, "containers:", "automountServiceAccountToken: no\n      containers:", 1) +
			"          securityContext: { readOnlyRootFilesystem: on }\n",
		"keys that are numbers, and a date": strings.Replace(head+labelled, "app: web }\n", "app: web, 1: a, true: b, 2024-01-01: c }\n      "+
			"annotations:\n        released: 2024-01-01\n", 1) + podSpec,
		"objects of JSON":  strings.Replace(aPod, "NAME", "a", 1) + "\n" + strings.Replace(aPod, "NAME", "b", 1) + "\n",
		"JSON on one line": strings.Replace(aPod, "NAME", "a", 1) + strings.Replace(aPod, "NAME", "b", 1),
		"a Template":       "apiVersion: template.openshift.io/v1\nkind: Template\nobjects:\n- " + strings.ReplaceAll(strings.TrimSpace(head+labelled+podSpec), "\n", "\n  ") + "\n",
		"an old DeploymentConfig": strings.Replace(strings.Replace(head+labelled+podSpec, "apps/v1", "v1", 1),
			"kind: Deployment", "kind: DeploymentConfig", 1),
		"a CloneSet": strings.Replace(strings.Replace(head+labelled+podSpec, "apps/v1", "apps.kruise.io/v1alpha1", 1),
			"kind: Deployment", "kind: CloneSet", 1),
		"a Rollout": strings.Replace(strings.Replace(head+labelled+podSpec, "apps/v1", "argoproj.io/v1alpha1", 1),
			"kind: Deployment", "kind: Rollout", 1),
	} {
		once, stderr, code := ctl(t, text, moved...)
		if code != exitOK || strings.Count(once, "lameduck.dev/injected") < 1 {
			t.Errorf("%s: exit code %d: %s\n%s", name, code, stderr, once)
			continue
		}
		if twice, _, _ := ctl(t, once, moved...); twice != once {
			t.Errorf("%s: the second time it becomes\n%s", name, twice)
		}
		redirected, _, _ := ctl(t, text, "inject", "-f", "-", "--mode", "redirect")
		if back, _, _ := ctl(t, redirected, "inject", "-f", "-", "--uninject"); back != text {
			t.Errorf("%s: restored from mode redirect\n%s\nwant\n%s", name, back, text)
		}
		if back, _, _ := ctl(t, once, "inject", "-f", "-", "--uninject"); back != text {
			t.Errorf("%s: restored\n%s\nwant\n%s", name, back, text)
		}
	}
}

// TestNoPodsAreSkippedSilently passes objects with pods that inject does not change.
func TestNoPodsAreSkippedSilently(t *testing.T) {
	other := func(apiVersion, kind string) string {
		return strings.Replace(strings.Replace(head+labelled+podSpec, "apps/v1", apiVersion, 1),
			"kind: Deployment", "kind: "+kind, 1)
	}
	worker := strings.Replace(podSpec, "[{ name: http, containerPort: 3000 }]", "[]", 1)
	for name, tc := range map[string]struct {
		text, want string
		code       int
	}{
		"an unknown kind":   {other("example.com/v1", "Thing"), "<stdin>:9:5: Thing web: not injected: inject does not know", exitProblems},
		"Knative":           {other("serving.knative.dev/v1", "Service"), "queue-proxy of Knative", exitOK},
		"an unknown worker": {strings.Replace(other("example.com/v1", "Thing"), podSpec, worker, 1), "not injected: inject does not know", exitOK},
		"an unknown kind that opts out": {
			strings.Replace(other("example.com/v1", "Thing"), "app: web }\n    spec", "app: web, lameduck.dev/inject: disabled }\n    spec", 1), "", exitOK,
		},
		"an unknown job": {
			strings.Replace(other("keda.sh/v1alpha1", "ScaledJob"), "    spec:\n", "    spec:\n      restartPolicy: Never\n", 1),
			"not injected: its pods run to completion", exitOK,
		},
		"a policy": {other("kyverno.io/v1", "ClusterPolicy"), "", exitOK},
		"a worker": {head + labelled + worker, "no container declares a TCP port", exitOK},
		"a patch":  {strings.Replace(head+labelled+podSpec, "  selector: { matchLabels: { app: web } }\n", "", 1), "", exitOK},
		"no apiVersion": {strings.Replace(head+labelled+podSpec, "apiVersion: apps/v1\n", "", 1),
			"it has no apiVersion: set it, such as apps/v1", exitProblems},
		"a bare port": {strings.Replace(head+labelled+podSpec, ", containerPort: 3000", "", 1), "containerPort: not injected: must be a number", exitProblems},
	} {
		if name == "a patch" {
			tc.text, tc.want = strings.Replace(tc.text, "          image: web:1\n", "", 1), "this is a patch of kustomize"
		}
		stdout, stderr, code := ctl(t, tc.text, moved...)
		if code != tc.code || !strings.Contains(stderr, tc.want) || tc.want == "" && stderr != "" || stdout != tc.text {
			t.Errorf("%s: exit code %d, stderr %q, stdout\n%s", name, code, stderr, stdout)
		}
	}
}

// TestPatchesOfAKustomizationAreNotInjected passes a directory with a kustomization.
func TestPatchesOfAKustomizationAreNotInjected(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) { deploytest.WriteFile(t, filepath.Join(dir, name), text) }
	write("kustomization.yaml", "kind: Kustomization\nresources: [a.yaml]\npatches: [{ path: b.yaml }]\n")
	write("a.yaml", head+labelled+podSpec)
	write("b.yaml", head+labelled+podSpec)
	stdout, stderr, code := ctl(t, "", "inject", "-f", dir)
	if code != exitOK || strings.Count(stdout, "lameduck.dev/injected:") != 1 ||
		!strings.Contains(stderr, "b.yaml:1:1: Deployment web: not injected: this is a patch") {
		t.Errorf("exit code %d, stderr %s, stdout\n%s", code, stderr, stdout)
	}
}

// TestNamespacesDetermineWhatIsInjected passes the objects that admission reads.
func TestNamespacesDetermineWhatIsInjected(t *testing.T) {
	const around = "---\napiVersion: v1\nkind: LimitRange\nmetadata: { name: l }\n" +
		"spec: { limits: [{ type: Container, max: { memory: 100Mi } }] }\n" +
		"---\napiVersion: v1\nkind: ResourceQuota\nmetadata: { name: q }\nspec: { hard: { limits.cpu: 10 } }\n" +
		"---\napiVersion: v1\nkind: Service\nmetadata: { name: web }\n" +
		"spec: { selector: { app: web }, ports: [{ port: 80, targetPort: http }] }\n" +
		"---\napiVersion: networking.k8s.io/v1\nkind: Ingress\n" +
		"metadata: { name: web, annotations: { nginx.ingress.kubernetes.io/affinity: cookie } }\n" +
		"spec: { defaultBackend: { service: { name: web, port: { number: 80 } } } }\n"
	stdout, stderr, code := ctl(t, head+labelled+podSpec+around, moved...)
	for _, want := range []string{"memory: 100Mi", "cpu: 250m", "LAMEDUCK_UNREADY_AFTER"} {
		if code != exitOK || !strings.Contains(stdout, want) {
			t.Errorf("exit code %d, %s; no %q in\n%s", code, stderr, want, stdout)
		}
	}
	text := strings.Replace(head, "{ name: web }", "{ name: web, namespace: shop }", 1) + labelled + podSpec +
		"---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n" +
		"  annotations: { openshift.io/sa.scc.uid-range: 1000650000/10000 }\n"
	config := strings.Replace(strings.Replace(head+labelled+podSpec, "apps/v1", "apps.openshift.io/v1", 1),
		"kind: Deployment", "kind: DeploymentConfig", 1)
	route := head + labelled + podSpec + "---\napiVersion: route.openshift.io/v1\nkind: Route\nmetadata: { name: web }\n"
	for _, text := range []string{text, config, route} {
		if stdout, _, _ := ctl(t, text, moved...); !strings.Contains(stdout, "runAsNonRoot") || strings.Contains(stdout, "65532") {
			t.Errorf("a fixed user is set\n%s", stdout)
		}
	}
}

// TestAChartMayNameItsNamespaceInSomeObjectsOnly has a policy by number that would shut the clients
// out.
func TestAChartMayNameItsNamespaceInSomeObjectsOnly(t *testing.T) {
	const policy = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: { name: p, namespace: shop }\n" +
		"spec: { podSelector: {}, ingress: [{ ports: [{ port: 3000 }] }] }\n"
	shop := func(text string) string {
		return strings.ReplaceAll(text, "metadata: { name: web }\nspec:", "metadata: { name: web, namespace: shop }\nspec:")
	}
	service := "---\napiVersion: v1\nkind: Service\nmetadata: { name: web }\n" +
		"spec: { selector: { app: web }, ports: [{ port: 80, targetPort: http }] }\n"
	anonymous := strings.Replace(policy, ", namespace: shop", "", 1)
	for name, tc := range map[string]struct{ text, want string }{
		"in the policy only":         {head + labelled + podSpec + service + policy, "observe: NetworkPolicy p"},
		"in all but the policy":      {shop(head+labelled+podSpec+service) + anonymous, "observe: NetworkPolicy p"},
		"in the Deployment only":     {shop(head) + labelled + podSpec + service + anonymous, "observe: NetworkPolicy p"},
		"of the Service is unknown":  {shop(head) + labelled + podSpec + service, "move: every Service"},
		"another, all of them known": {shop(head+labelled+podSpec+service) + strings.Replace(policy, "shop", "till", 1), "move: every Service"},
	} {
		if _, stderr, code := ctl(t, tc.text, "inject", "-f", "-"); code != exitOK || !strings.Contains(stderr, "injected, mode "+tc.want) {
			t.Errorf("%s: exit code %d: %s", name, code, stderr)
		}
	}
}

// TestSettingsOfAWorkloadInTheWrongPlaceAreReported has them in the metadata of the Deployment.
func TestSettingsOfAWorkloadInTheWrongPlaceAreReported(t *testing.T) {
	misplaced := strings.Replace(head, "{ name: web }", "{ name: web, labels: { lameduck.dev/inject: disabled }, "+
		"annotations: { lameduck.dev/lb: alb, other: x } }", 1)
	_, stderr, code := ctl(t, misplaced+labelled+podSpec, "inject", "-f", "-")
	for _, want := range []string{
		"<stdin>:3:34: Deployment web: metadata.labels[lameduck.dev/inject]: has no effect: set it in the metadata of the pod",
		"Deployment web: metadata.annotations[lameduck.dev/lb]: has no effect",
	} {
		if code != exitOK || !strings.Contains(stderr, want) || strings.Contains(stderr, "other") {
			t.Errorf("exit code %d, no %q in %s", code, want, stderr)
		}
	}
	both := strings.Replace(labelled, "labels: {", "annotations: { lameduck.dev/lb: alb }\n      labels: {", 1)
	if _, stderr, _ := ctl(t, misplaced+both+podSpec, "inject", "-f", "-"); strings.Contains(stderr, "annotations[lameduck.dev/lb]: has no") {
		t.Errorf("it is in both places: %s", stderr)
	}
}

func TestInputWithoutObjectsIsReported(t *testing.T) {
	for text, reported := range map[string]bool{
		"": true, "# c\n": true, "image:\n  tag: 1\n": true, "- a\n": true, "kind: ConfigMap\napiVersion: v1\n": false,
	} {
		stdout, stderr, code := ctl(t, text, "inject", "-f", "-")
		if code != exitOK || stdout != text || strings.Contains(stderr, "no object of Kubernetes") != reported {
			t.Errorf("%q: exit code %d, %s", text, code, stderr)
		}
	}
}

func TestUninjectReportsWhatItCannotRemove(t *testing.T) {
	text := head + labelled + strings.Replace(podSpec, "containers:", "initContainers: [{ name: lameduck, image: lameduck:1, "+
		"restartPolicy: Always }]\n      containers:", 1)
	stdout, stderr, code := ctl(t, text, "inject", "-f", "-", "--uninject")
	if code != exitProblems || stdout != text ||
		!strings.Contains(stderr, "Deployment web: spec.initContainers[0]: not removed: the pod has a container lameduck") {
		t.Errorf("exit code %d: %s\n%s", code, stderr, stdout)
	}
}

func TestTheImageOfTheExamplesIsRefused(t *testing.T) {
	text := head + labelled + podSpec
	stdout, stderr, code := ctl(t, text, "inject", "-f", "-", "--image", "registry.example/lameduck:0.1")
	if code != exitProblems || stdout != text || !strings.Contains(stderr, "not injected: the image must be") {
		t.Errorf("exit code %d, %s\n%s", code, stderr, stdout)
	}
	job := strings.Replace(strings.Replace(text, "apps/v1", "batch/v1", 1), "kind: Deployment", "kind: Job", 1)
	if _, stderr, code := ctl(t, job, "inject", "-f", "-", "--image", "registry.example/lameduck:0.1"); code != exitOK {
		t.Errorf("without a pod to inject: exit code %d, %s", code, stderr)
	}
}
