package inject

import (
	"encoding/json"
	"testing"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// patched returns the template after a plan, by way of JSON, as the API server does it.
func patched(t *testing.T, template *corev1.PodTemplateSpec, p Plan) *corev1.PodTemplateSpec {
	t.Helper()
	text, err := json.Marshal(template)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Patch) > 0 {
		operations, err := json.Marshal(p.Patch)
		if err != nil {
			t.Fatal(err)
		}
		patch, err := jsonpatch.DecodePatch(operations)
		if err != nil {
			t.Fatal(err)
		}
		if text, err = patch.Apply(text); err != nil {
			t.Fatalf("apply %s: %v", operations, err)
		}
	}
	after := new(corev1.PodTemplateSpec)
	if err := json.Unmarshal(text, after); err != nil {
		t.Fatal(err)
	}
	return after
}

// template reads one, as strictly as the API server does.
func template(t *testing.T, text string) *corev1.PodTemplateSpec {
	t.Helper()
	read := new(corev1.PodTemplateSpec)
	if err := yaml.UnmarshalStrict([]byte(text), read); err != nil {
		t.Fatal(err)
	}
	return read
}

// injected returns a Deployment's template after Inject, and the plan.
func injected(t *testing.T, before *corev1.PodTemplateSpec, s Settings) (*corev1.PodTemplateSpec, Plan) {
	t.Helper()
	p, err := Inject(Workload{Kind: "Deployment", Template: before}, s)
	if err != nil {
		t.Fatal(err)
	}
	return patched(t, before, p), p
}

// web is what teams write most.
const web = `
metadata: { labels: { app: web } }
spec:
  containers:
    - name: web
      image: web:1
      ports: [{ name: http, containerPort: 3000 }]
      readinessProbe: { httpGet: { path: /, port: http } }
`

func TestANativeSidecarComesIn(t *testing.T) {
	after, _ := injected(t, template(t, web), Defaults())
	init := after.Spec.InitContainers
	if len(init) != 1 || init[0].Name != ours || init[0].Env[0].Value != "18080=3000" || after.Spec.Containers[0].Ports[0].ContainerPort != 18080 {
		t.Errorf("got %v", after.Spec)
	}
}
