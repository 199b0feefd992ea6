package inject

import (
	"encoding/json"
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"lameduck/deploy/ctl/mode"
)

// FuzzUninjectOfInject builds pods from the fuzzer's input and checks the promises: Inject is
// idempotent, Uninject restores the original, and an edit in between stays.
func FuzzUninjectOfInject(f *testing.F) {
	for _, seed := range []string{"", "\x01\x02\x03\x04\x05\x06\x07\x08\x09",
		"wrapper with many ports and hooks and volumes and annotations",
		"\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7\xf6\xf5"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &choices{data: data}
		before, settings := c.pod(), c.settings()
		w := Workload{Kind: "Deployment", Template: before}
		p, err := Inject(w, settings)
		if err != nil {
			var refusal *Refusal
			if !errors.As(err, &refusal) || refusal.Remedy == "" {
				t.Fatalf("error %v", err)
			}
			return
		}
		after := patched(t, before, p)
		twice, err := Inject(Workload{Kind: "Deployment", Template: after}, settings)
		if err != nil || len(twice.Patch) > 0 {
			t.Fatalf("the second time it plans %v, error %v, for\n%s", twice.Patch, err,
				asJSON(t, after))
		}
		expectEqual(t, "uninject", uninjected(t, after), before)
		edit := c.edit()
		edit(before)
		edit(after)
		expectEqual(t, "edit, uninject", uninjected(t, after), before)
		again, err := Inject(Workload{Kind: "Deployment", Template: after}, settings)
		if err != nil {
			return // inject refuses the edited pod
		}
		expectEqual(t, "edit, inject, uninject", uninjected(t, patched(t, after, again)), before)
	})
}

func expectEqual(t *testing.T, what string, got, want *corev1.PodTemplateSpec) {
	t.Helper()
	if g, w := asJSON(t, got), asJSON(t, want); g != w {
		t.Fatalf("%s gives\n%s\nwant\n%s", what, g, w)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// choices are the fuzzer's decisions, one byte each. After the last one, every decision is the
// first choice.
type choices struct{ data []byte }

func (c *choices) of(n int) int {
	if len(c.data) == 0 {
		return 0
	}
	b := int(c.data[0])
	c.data = c.data[1:]
	return b % n
}

func (c *choices) yes() bool { return c.of(2) == 1 }

func (c *choices) settings() Settings {
	s := in([]Shape{Native, Plain, Wrapper}[c.of(3)])
	s.Mode = []mode.Mode{mode.Move, mode.Observe, mode.Auto, mode.Takeover, mode.Redirect}[c.of(5)]
	return s
}

func (c *choices) pod() *corev1.PodTemplateSpec {
	p := &corev1.PodTemplateSpec{}
	p.Labels = map[string]string{"app": "x"}
	p.Annotations = []map[string]string{
		nil, {}, {"a": "b"}, {"sidecar.istio.io/inject": "true"},
		{"linkerd.io/inject": "enabled", "config.linkerd.io/skip-inbound-ports": "1, 2"},
		{"lameduck.dev/lb-delay": "200s"}, {"lameduck.dev/ports": "81,http;proto=tcp"},
		{"lameduck.dev/env": "LAMEDUCK_HOLD_MIN=3s"}, {"lameduck.dev/ports": "?"},
	}[c.of(9)]
	p.Spec.HostNetwork = c.yes()
	if c.yes() {
		grace := int64(c.of(256)) * 3
		p.Spec.TerminationGracePeriodSeconds = &grace
	}
	for i := range c.of(3) {
		p.Spec.InitContainers = append(p.Spec.InitContainers, c.container("i"+string(rune('0'+i))))
		if c.yes() {
			always := corev1.ContainerRestartPolicyAlways
			p.Spec.InitContainers[i].RestartPolicy = &always
		}
	}
	for i := range 1 + c.of(3) {
		p.Spec.Containers = append(p.Spec.Containers, c.container("c"+string(rune('0'+i))))
	}
	for i := range c.of(2) {
		p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: "v" + string(rune('0'+i))})
	}
	return p
}

func (c *choices) container(name string) corev1.Container {
	made := corev1.Container{Name: name, Image: name + ":1"}
	if c.yes() {
		made.Command = []string{"/" + name, "-v"}[:1+c.of(2)]
	}
	names := []string{"", "http", "metrics", "mysql", "b"}
	for range c.of(4) {
		p := corev1.ContainerPort{Name: names[c.of(len(names))],
			ContainerPort: []int32{80, 81, 3306, 18080, 18083, 18084, 65535, 18081}[c.of(8)]}
		if c.of(4) == 1 {
			p.Protocol = corev1.ProtocolUDP
		}
		if c.of(4) == 1 {
			p.HostPort = p.ContainerPort
		}
		made.Ports = append(made.Ports, p)
	}
	for i := range c.of(3) {
		made.Env = append(made.Env, corev1.EnvVar{Name: []string{"A", "LAMEDUCK_STOP_SIGNAL",
			"LAMEDUCK_ROUTES"}[(i+c.of(3))%3], Value: "v"})
	}
	for range c.of(2) {
		made.VolumeMounts = append(made.VolumeMounts, corev1.VolumeMount{Name: "v0",
			MountPath: "/v"})
	}
	if c.yes() {
		port := []intstr.IntOrString{intstr.FromString("http"), intstr.FromString("mysql"),
			intstr.FromInt32(80)}[c.of(3)]
		made.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{
			TCPSocket: &corev1.TCPSocketAction{Port: port}}}
		made.LivenessProbe = made.ReadinessProbe.DeepCopy()
	}
	made.Lifecycle = c.lifecycle()
	return made
}

func (c *choices) lifecycle() *corev1.Lifecycle {
	exec := &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{"/bye"}}}
	return []*corev1.Lifecycle{
		nil, {}, {PostStart: exec}, {PreStop: exec},
		{PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 9}}},
		{PreStop: &corev1.LifecycleHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/hold",
			Port: intstr.FromInt32(80)}}},
		{PostStart: exec, PreStop: &corev1.LifecycleHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/hold",
			Port: intstr.FromInt32(AdminPort)}}},
	}[c.of(7)]
}

// edit is a change by another controller, of an injected pod or another.
func (c *choices) edit() func(*corev1.PodTemplateSpec) {
	of := func(p *corev1.PodTemplateSpec) *corev1.Container { return find(&p.Spec, "c0") }
	return []func(*corev1.PodTemplateSpec){
		func(*corev1.PodTemplateSpec) {},
		func(p *corev1.PodTemplateSpec) { of(p).Image = "c0:2" },
		func(p *corev1.PodTemplateSpec) { annotations(p)["by"] = "another" },
		func(p *corev1.PodTemplateSpec) {
			p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "new",
				Image: "n:1"})
		},
		func(p *corev1.PodTemplateSpec) {
			of(p).Env = append(of(p).Env, corev1.EnvVar{Name: "NEW", Value: "1"})
		},
		func(p *corev1.PodTemplateSpec) {
			of(p).Ports = append(of(p).Ports, corev1.ContainerPort{ContainerPort: 9999})
		},
		func(p *corev1.PodTemplateSpec) {
			p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: "new"})
		},
		func(p *corev1.PodTemplateSpec) { of(p).Name = "renamed" },
	}[c.of(8)]
}
