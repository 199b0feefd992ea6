package lint

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestOurOwnExamplesAreClean lints the golden files of deploy/examples, as kustomize builds them.
func TestOurOwnExamplesAreClean(t *testing.T) {
	for _, name := range []string{"nginx", "http", "grpc", "websocket", "statefulset", "redirect"} {
		in := NewInventory(Options{})
		err := in.ReadFiles([]string{filepath.Join("..", "..", "kustomize", "testdata",
			name+".yaml")}, false, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range in.Lint() {
			t.Errorf("%s: %v: %s [%s]", name, f.Object, f.Why, f.Rule)
		}
		if in.Objects() < 3 {
			t.Errorf("%s: %d objects", name, in.Objects())
		}
	}
}

// inFiles writes files to a directory and returns it.
func inFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const aDeployment = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  template:
    spec:
      containers:
        - name: app
          ports: [{ containerPort: 80 }]
`

// placesOf returns the positions at which a rule reports a problem.
func placesOf(t *testing.T, in *Inventory, rule string) []string {
	t.Helper()
	var places []string
	for _, f := range in.Lint() {
		if f.Rule == rule {
			line := strings.TrimSuffix(strings.TrimPrefix(f.where(), f.File+":"), ": ")
			places = append(places, strings.TrimSuffix(filepath.Base(f.File)+":"+line, ":"))
		}
	}
	return places
}

func TestFindingsHaveTheLineOfTheField(t *testing.T) {
	dir := inFiles(t, map[string]string{
		"a.yaml": aDeployment,
		"b.yaml": "\n---\n# nothing\n---\n" + aDeployment, // after an empty document
		"c.yml": "apiVersion: v1\nkind: List\nitems:\n  - apiVersion: apps/v1\n    kind: " +
			"Deployment\n    metadata: { name: other }\n    spec: { template: { spec: { " +
			"containers: [\n      { name: app, image: a, ports: [{ containerPort: 80 }] } ] } } }\n",
		"d.json": `{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "json"},
			"spec": {"template": {"spec": {"containers": [
				{"name": "app", "image": "a", "ports": [{"containerPort": 80}]}]}}}}`,
		"e.txt": "this is not a manifest: {",
	})
	in := NewInventory(Options{})
	if err := in.ReadFiles([]string{dir}, false, nil); err != nil {
		t.Fatal(err)
	}
	got := placesOf(t, in, "unprotected")
	want := []string{"a.yaml:9", "b.yaml:13", "c.yml:8", "d.json:3"}
	if !slices.Equal(got, want) {
		t.Errorf("found at %v, want %v", got, want)
	}
}

// The position of an alias is that of its anchor. The position of a missing field is that of the
// nearest field around it.
func TestAFieldBehindAnAliasHasALine(t *testing.T) {
	text := strings.Replace(aDeployment, "ports: [{ containerPort: 80 }]",
		"ports: &p [{ containerPort: 80 }]\n        - name: second\n          ports: *p", 1)
	in := NewInventory(Options{})
	if err := in.ReadFiles([]string{"-"}, false, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	got, want := placesOf(t, in, "readiness-probe-missing"), []string{"<stdin>:9", "<stdin>:11"}
	if !slices.Equal(got, want) {
		t.Errorf("found at %v, want %v", got, want)
	}
}

func TestADirectoryIsReadRecursivelyOnRequest(t *testing.T) {
	dir := inFiles(t, map[string]string{"a.yaml": aDeployment, "below/b.yaml": aDeployment,
		".hidden/c.yaml": aDeployment})
	for recursive, want := range map[bool][]string{false: {"a.yaml:9"},
		true: {"a.yaml:9", "b.yaml:9"}} {
		in := NewInventory(Options{})
		if err := in.ReadFiles([]string{dir}, recursive, nil); err != nil {
			t.Fatal(err)
		}
		if got := placesOf(t, in, "unprotected"); !slices.Equal(got, want) {
			t.Errorf("recursive %v: found at %v, want %v", recursive, got, want)
		}
	}
}

func TestFilesWithoutObjectsInADirectoryAreSkipped(t *testing.T) {
	dir := inFiles(t, map[string]string{"values.yaml": "replicas: 3\n",
		"kustomization.yaml": "kind: Kustomization\nresources: []\n", "empty.yaml": "",
		"a.yaml": aDeployment})
	in := NewInventory(Options{})
	if err := in.ReadFiles([]string{dir}, false, nil); err != nil {
		t.Fatal(err)
	}
	if in.Objects() != 1 {
		t.Errorf("%d objects", in.Objects())
	}
}

func TestUnreadableInputIsAnErrorWithItsPosition(t *testing.T) {
	for text, want := range map[string]string{
		"replicas: 3\n": "values.yaml:1:1: must be a Kubernetes object",
		"a: [":          "values.yaml",
		"apiVersion: apps/v1\nkind: Deployment\nspec: { replicas: many }\n": "values.yaml:3:9: " +
			"Deployment : spec.replicas: must be an integer",
	} {
		dir := inFiles(t, map[string]string{"values.yaml": text})
		err := NewInventory(Options{}).ReadFiles([]string{filepath.Join(dir, "values.yaml")}, false,
			nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
	err := NewInventory(Options{}).ReadFiles([]string{"there/is/none.yaml"}, false, nil)
	if !os.IsNotExist(err) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestOlderVersionsOfKindsAreReported(t *testing.T) {
	for version, want := range map[string]int{
		"policy/v1beta1 PodDisruptionBudget": 1, "extensions/v1beta1 Deployment": 1,
		"autoscaling/v2beta2 HorizontalPodAutoscaler": 1, "batch/v1beta1 CronJob": 1,
		"autoscaling/v1 HorizontalPodAutoscaler": 0, "extensions/v1beta1 Ingress": 1,
		"policy/v1 PodDisruptionBudget": 0, "autoscaling/v2 HorizontalPodAutoscaler": 0,
		"serving.knative.dev/v1 Service": 0, "example.com/v1 Thing": 0, "v1 ConfigMap": 0,
	} {
		apiVersion, kind, _ := strings.Cut(version, " ")
		in := NewInventory(Options{})
		err := in.ReadFiles([]string{"-"}, false, strings.NewReader("apiVersion: "+
			""+apiVersion+"\nkind: "+kind+"\nmetadata: { name: a }\n"))
		if err != nil {
			t.Fatal(err)
		}
		if got := findingsOf(in.Lint(), "not-checked"); len(got) != want {
			t.Errorf("%s: %v", version, got)
		}
	}
}

// Every kind of workload that inject supports is checked too, in any API group.
func TestAWorkloadOfAnotherKindIsChecked(t *testing.T) {
	text := edited(t, nativeManifest, edits{"apiVersion: apps/v1\nkind: Deployment",
		"apiVersion: argoproj.io/v1alpha1\nkind: Rollout", strategy, "", "120s", "90s",
		"replicas: 3",
		"replicas: 1"})
	got, want := rulesIn(t, Options{}, text), []string{"grace-period-differs", "one-replica"}
	if !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}

func TestPodsOfUnknownWorkloadsAreReported(t *testing.T) {
	pod := "apiVersion: v1\nkind: Pod\nmetadata: { name: a, ownerReferences: [{ apiVersion: v1, " +
		"kind: KIND, name: b, uid: u, controller: true }] }\nspec: { containers: [{ name: app }] " +
		"}\n---\n"
	in := NewInventory(Options{})
	text := strings.ReplaceAll(pod, "KIND", "CloneSet") + strings.ReplaceAll(pod, "KIND",
		"CloneSet") + strings.ReplaceAll(pod, "KIND", "Node") + strings.ReplaceAll(pod, "KIND",
		"ReplicaSet")
	if err := in.ReadFiles([]string{"-"}, false, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	got := findingsOf(in.Lint(), "not-checked")
	if len(got) != 1 || !strings.Contains(got[0].Why, "CloneSet") {
		t.Errorf("found %v", got)
	}
}

func TestVersionsOfKubernetes(t *testing.T) {
	for version, want := range map[string]Release{"1.34": 34, "v1.34.4": 34,
		"v1.33.5-gke.1080000": 33,
		"1.29.9-eks-1":        29} {
		if got, err := ParseRelease(version); err != nil || got != want {
			t.Errorf("%s is %v, %v", version, got, err)
		}
	}
	for _, version := range []string{"", "34", "2.0", "latest"} {
		if r, err := ParseRelease(version); err == nil {
			t.Errorf("%q is %v", version, r)
		}
	}
}

func TestImagesThatAreKnownToHaveNoShell(t *testing.T) {
	for image, want := range map[string]bool{
		"gcr.io/distroless/static-debian12:nonroot": true, "gcr.io/distroless/static:debug": false,
		"registry.k8s.io/pause:3.10":                                   true,
		"registry.k8s.io/ingress-nginx/controller:v1.13.0@sha256:0123": false,
		"registry.of.yours:5000/lameduck":                              true, "nginx:1.29": false,
		"envoyproxy/envoy:distroless-v1.35.0": true, "cgr.dev/chainguard/static:latest-dev": false,
		"scratch-like/app": false,
	} {
		if got := withoutShell(image); got != want {
			t.Errorf("%s: %v, want %v", image, got, want)
		}
	}
}

// The examples of ingress-nginx have ports as keys.
func TestWhatKubectlReadsIsRead(t *testing.T) {
	text := edited(t, nativeManifest, edits{"apiVersion: policy/v1", "apiVersion: v1\nkind: ConfigMap\n" +
		"metadata: { name: tcp-services }\ndata:\n  9000: default/example-go:8080\n---\napiVersion: policy/v1",
		"    spec:\n", "    spec:\n      automountServiceAccountToken: no\n"})
	if got := rulesIn(t, Options{}, text); len(got) > 0 {
		t.Errorf("found %v", got)
	}
}

func TestWhatReadsMetricsAtAnObservedPortIsFound(t *testing.T) {
	in := NewInventory(Options{})
	text := edited(t, nativeManifest, edits{
		`{ name: LAMEDUCK_ROUTES, value: "18080=8080" }`, `{ name: LAMEDUCK_OBSERVE, value: "8080" }`,
		"targetPort: http", "targetPort: 8080", appPort, "ports: [{ name: http, containerPort: 8080 }]",
		podLabels, podLabels + "      annotations: { prometheus.io/scrape: 'true', prometheus.io/port: '8080' }\n",
	})
	if err := in.ReadFiles([]string{"-"}, false, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(in.Lint(), func(f Finding) bool {
		return strings.Contains(f.Why, "what reads metrics at port 8080 (annotation prometheus.io/port) does not stop")
	}) {
		t.Errorf("found %v", in.Lint())
	}
}
