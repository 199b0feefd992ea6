package inject

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	evanphx "gopkg.in/evanphx/json-patch.v4"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/yaml"

	"lameduck/deploy/ctl/mode"
)

// patched applies a plan to the template's JSON, as the API server does.
func patched(t *testing.T, template *corev1.PodTemplateSpec, p Plan) *corev1.PodTemplateSpec {
	t.Helper()
	text, err := json.Marshal(template)
	if err != nil {
		t.Fatal(err)
	}
	if template.Annotations != nil && len(template.Annotations) == 0 { // Marshal omits it, and a manifest may have it
		text = bytes.Replace(text, []byte(`"metadata":{`), []byte(`"metadata":{"annotations":{},`),
			1)
	}
	if len(p.Patch) > 0 {
		operations, err := json.Marshal(p.Patch)
		if err != nil {
			t.Fatal(err)
		}
		patch, err := evanphx.DecodePatch(operations)
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

// template decodes a pod template as strictly as the API server does.
func template(t *testing.T, text string) *corev1.PodTemplateSpec {
	t.Helper()
	read := new(corev1.PodTemplateSpec)
	if err := yaml.UnmarshalStrict([]byte(text), read); err != nil {
		t.Fatal(err)
	}
	return read
}

// injected returns a Deployment's template after Inject, and the plan.
func injected(t *testing.T, before *corev1.PodTemplateSpec, s Settings) (*corev1.PodTemplateSpec,
	Plan) {
	t.Helper()
	p, err := Inject(Workload{Kind: "Deployment", Template: before}, s)
	if err != nil {
		t.Fatal(err)
	}
	after := patched(t, before, p)
	_, again := before.Annotations[InjectedAnnotation]
	if !again && !apiequality.Semantic.DeepEqual(after, p.Template) {
		t.Errorf("the plan's template is %v, and patched it is %v", p.Template, after)
	}
	return after, p
}

// web is a typical Deployment.
const web = `
metadata: { labels: { app: web } }
spec:
  containers:
    - name: web
      image: web:1
      ports: [{ name: http, containerPort: 3000 }]
      readinessProbe: { httpGet: { path: /, port: http } }
`

// edited returns web after a change of its text.
func edited(t *testing.T, from, to string) *corev1.PodTemplateSpec {
	t.Helper()
	if strings.Count(web, from) != 1 {
		t.Fatalf("web has this %d times: %s", strings.Count(web, from), from)
	}
	return template(t, strings.Replace(web, from, to, 1))
}

// defaults returns the default settings, but with mode move, since the tests' pods have no
// Services.
func defaults() Settings {
	s := Defaults()
	s.Mode = mode.Move
	return s
}

// in returns the settings of defaults with another shape.
func in(shape Shape) Settings {
	s := defaults()
	s.Shape = shape
	return s
}

// notes returns the texts of a plan's notes.
func notes(p Plan) string {
	var all []string
	for _, n := range p.Notes {
		all = append(all, n.Field+": "+n.Text)
	}
	return strings.Join(all, "\n")
}

func variable(c corev1.Container, name string) string {
	for _, v := range c.Env {
		if v.Name == name {
			return v.Value
		}
	}
	return ""
}

// sidecarOf returns the container that Lameduck runs in.
func sidecarOf(t *testing.T, pod *corev1.PodTemplateSpec) corev1.Container {
	t.Helper()
	for _, c := range allContainers(&pod.Spec) {
		if variable(*c.Container, routesVariable) != "" {
			return *c.Container
		}
	}
	t.Fatal("no container has routes")
	return corev1.Container{}
}

func TestInjectDoesNotChangeItsArguments(t *testing.T) {
	for _, shape := range []Shape{Native, Plain, Wrapper} {
		before := edited(t, "image: web:1", "command: [/web]\n      image: web:1\n      env: "+
			"[{name: A, value: B}]")
		kept := before.DeepCopy()
		after, _ := injected(t, before, in(shape))
		if !reflect.DeepEqual(before, kept) {
			t.Errorf("%s: the template has been changed", shape)
		}
		kept = after.DeepCopy()
		_, err := Uninject(Workload{Kind: "Deployment", Template: after})
		if err != nil || !reflect.DeepEqual(after, kept) {
			t.Errorf("%s: Uninject has changed its template, error %v", shape, err)
		}
	}
}

func TestASidecarComesAfterTheInitContainersOfAPod(t *testing.T) {
	after, _ := injected(t, edited(t, "spec:\n", "spec:\n  initContainers: [{name: migrate, "+
		"image: web:1}]\n"), defaults())
	if init := after.Spec.InitContainers; len(init) != 2 || init[1].Name != sidecarName {
		t.Errorf("got %v", init)
	}
	native := after.Spec.InitContainers[1].RestartPolicy
	if native == nil || *native != corev1.ContainerRestartPolicyAlways {
		t.Errorf("restart policy %v", native)
	}
}

// The API server sets defaults and other webhooks add fields. Neither must cause another injection.
func TestChangesByOthersCauseNoNewInjection(t *testing.T) {
	for _, shape := range []Shape{Native, Plain} {
		after, _ := injected(t, template(t, web), in(shape))
		for _, c := range allContainers(&after.Spec) {
			c.ImagePullPolicy, c.TerminationMessagePath = corev1.PullIfNotPresent,
				"/dev/termination-log"
			c.Env = append(c.Env, corev1.EnvVar{Name: "ADDED", Value: "by another webhook"})
			c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: "kube-api-access",
				MountPath: "/var/run/secrets"})
			c.Ports[0].Protocol = corev1.ProtocolTCP
			if h := c.Lifecycle.PreStop.HTTPGet; h != nil {
				h.Scheme = corev1.URISchemeHTTP
			}
			c.ReadinessProbe.TimeoutSeconds, c.ReadinessProbe.SuccessThreshold = 1, 1
		}
		after.Spec.Containers = append([]corev1.Container{{Name: "mesh-proxy"}},
			after.Spec.Containers...)
		p, err := Inject(Workload{Kind: "Pod", Template: after}, in(shape))
		expectOnlyHook(t, string(shape), p, err)
	}
}

// expectOnlyHook checks that only the new container gets a hook, and that nothing else changes.
func expectOnlyHook(t *testing.T, name string, p Plan, err error) {
	t.Helper()
	for _, op := range p.Patch {
		if op.Path != "/spec/containers/0/lifecycle" &&
			op.Path != "/metadata/annotations/lameduck.dev~1injected" {
			t.Errorf("%s: %s %s", name, op.Op, op.Path)
		}
	}
	if err != nil || len(p.Patch) != 2 {
		t.Errorf("%s: %d operations, error %v", name, len(p.Patch), err)
	}
}

func TestOtherSettingsChangeWhatIsInjected(t *testing.T) {
	after, _ := injected(t, template(t, web), defaults())
	s := defaults()
	s.Image, s.LBDelay, s.Env = "registry.example/lameduck:0.2", 3*time.Minute,
		map[string]string{"LAMEDUCK_HOLD_MIN": "20s"}
	again, _ := injected(t, after, s)
	fresh, _ := injected(t, template(t, web), s)
	if !reflect.DeepEqual(again, fresh) {
		t.Errorf("it becomes %v, and injected at once %v", again, fresh)
	}
	if back, _ := injected(t, again, defaults()); !reflect.DeepEqual(back, after) {
		t.Errorf("with the first settings again it becomes %v", back)
	}
}

func TestAVariableNoLongerSetIsRemoved(t *testing.T) {
	s := defaults()
	s.Env = map[string]string{"LAMEDUCK_HOLD_MIN": "20s"}
	with, _ := injected(t, template(t, web), s)
	without, _ := injected(t, with, defaults())
	if variable(sidecarOf(t, without), "LAMEDUCK_HOLD_MIN") != "" {
		t.Errorf("environment %v", sidecarOf(t, without).Env)
	}
}

func TestAnotherShapeReplacesTheFirst(t *testing.T) {
	before := edited(t, "image: web:1", "image: web:1\n      command: [/web]")
	for _, first := range []Shape{Native, Plain, Wrapper} {
		for _, second := range []Shape{Native, Plain, Wrapper} {
			once, _ := injected(t, before, in(first))
			got, _ := injected(t, once, in(second))
			if want, _ := injected(t, before, in(second)); !reflect.DeepEqual(got, want) {
				t.Errorf("%s, then %s: got %v, want %v", first, second, got, want)
			}
		}
	}
}

func TestPodsThatRunToCompletionAreLeftAlone(t *testing.T) {
	for _, w := range []Workload{
		{Kind: "Job", Template: template(t, web)},
		{Kind: "CronJob", Template: template(t, web)},
		{Kind: "Pod", Template: edited(t, "spec:\n", "spec:\n  restartPolicy: Never\n")},
		{Kind: "Pod", Template: edited(t, "spec:\n", "spec:\n  restartPolicy: OnFailure\n")},
		{Kind: "Deployment", Template: edited(t, "labels: { app: web }",
			"labels: { app: web, lameduck.dev/inject: disabled }")},
	} {
		p, err := Inject(w, defaults())
		if err != nil || len(p.Patch) > 0 || !strings.Contains(notes(p), "not injected: ") {
			t.Errorf("%s: %d operations, notes %q, error %v", w.Kind, len(p.Patch), notes(p), err)
		}
	}
}

// A label that is set after the injection removes Lameduck.
func TestAPodThatOptsOutIsUninjected(t *testing.T) {
	before := template(t, web)
	after, _ := injected(t, before, defaults())
	after.Labels[InjectLabel] = "disabled"
	before.Labels[InjectLabel] = "disabled"
	if got, _ := injected(t, after, defaults()); !reflect.DeepEqual(got, before) {
		t.Errorf("got %v", got)
	}
}
