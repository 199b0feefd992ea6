package inject

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestWhatCannotBeProtectedIsRefusedWithTheRemedy(t *testing.T) {
	old := defaults()
	old.Kubernetes = "v1.28.9-gke.1"
	for name, tc := range map[string]struct {
		settings Settings
		change   func(*corev1.PodTemplateSpec)
		field    string
		remedy   string
	}{
		"no container": {
			defaults(), func(p *corev1.PodTemplateSpec) { p.Spec.Containers = nil },
			"spec.containers", "add the app's container",
		},
		"a port that is nowhere": {
			defaults(), func(p *corev1.PodTemplateSpec) {
				p.Annotations = map[string]string{"lameduck.dev/ports": "htpp"}
			}, "spec.containers", "use another name",
		},
		"a number that is no port": {
			defaults(), func(p *corev1.PodTemplateSpec) {
				p.Annotations = map[string]string{"lameduck.dev/ports": "0"}
			}, "spec.containers", "use another name",
		},
		"an old cluster": {
			old, func(*corev1.PodTemplateSpec) {}, "spec.initContainers", "--shape plain",
		},
		"an app at the admin port": {
			defaults(), func(p *corev1.PodTemplateSpec) {
				p.Spec.Containers[0].Ports[0].ContainerPort = 18081
			}, "spec.containers[0].ports[0]", "another port",
		},
		"an app at the control port": {
			in(Plain), func(p *corev1.PodTemplateSpec) {
				p.Spec.Containers[0].Ports[0].ContainerPort = 18082
			}, "spec.containers[0].ports[0]", "another port",
		},
		"Lameduck by hand": {defaults(), func(p *corev1.PodTemplateSpec) {
			p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "lameduck"})
		}, "spec.containers[1]", "remove it"},
		"Windows by its name": {
			defaults(), func(p *corev1.PodTemplateSpec) {
				p.Spec.OS = &corev1.PodOS{Name: corev1.Windows}
			}, "spec.os", "lameduck.dev/inject=disabled",
		},
		"Windows by its node": {defaults(), func(p *corev1.PodTemplateSpec) {
			p.Spec.NodeSelector = map[string]string{"kubernetes.io/os": "windows"}
		}, "spec.nodeSelector[kubernetes.io/os]", "lameduck.dev/inject=disabled"},
		"Lameduck by hand, with another name": {defaults(), func(p *corev1.PodTemplateSpec) {
			p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "drain", Image: "r:5/lameduck:1@sha256:a"})
		}, "spec.containers[1]", "remove one of both"},
		"Lameduck by hand, as the parent": {defaults(), func(p *corev1.PodTemplateSpec) {
			p.Spec.Containers[0].Command = []string{"/usr/bin/lameduck", "exec", "--", "/web"}
		}, "spec.containers[0]", "remove one of both"},
		"Lameduck by hand, as the entrypoint": {defaults(), func(p *corev1.PodTemplateSpec) {
			p.Spec.Containers[0].Command, p.Spec.Containers[0].Args = nil, []string{"exec", "--", "/web"}
		}, "spec.containers[0]", "remove one of both"},
		"a label that means nothing": {defaults(), func(p *corev1.PodTemplateSpec) {
			p.Labels[InjectLabel] = "false"
		}, "metadata.labels[lameduck.dev/inject]", "opt out with disabled"},
		"an annotation that is a label": {defaults(), func(p *corev1.PodTemplateSpec) {
			p.Annotations = map[string]string{InjectLabel: "disabled"}
		}, "metadata.annotations[lameduck.dev/inject]", "it is a label"},
		"another record": {
			defaults(), func(p *corev1.PodTemplateSpec) {
				p.Annotations = map[string]string{InjectedAnnotation: `{"v":99}`}
			}, "metadata.annotations[lameduck.dev/injected]", "by hand",
		},
		"an unknown annotation": {
			defaults(), func(p *corev1.PodTemplateSpec) {
				p.Annotations = map[string]string{"lameduck.dev/x": "y"}
			}, "metadata.annotations[lameduck.dev/x]", "lameduck.dev/shape",
		},
		"wrapped, and configured": {in(Wrapper), func(p *corev1.PodTemplateSpec) {
			p.Spec.Containers[0].Env = []corev1.EnvVar{{Name: routesVariable, Value: "1=2"}}
		}, "spec.containers[0].env", "remove it"},
		"wrapped, and a volume of our name": {
			in(Wrapper), func(p *corev1.PodTemplateSpec) {
				p.Spec.Volumes = []corev1.Volume{{Name: "lameduck"}}
			}, "spec.volumes[0]", "rename it",
		},
	} {
		before := edited(t, "image: web:1", "image: web:1\n      command: [/web]")
		tc.change(before)
		p, err := Inject(Workload{Kind: "Deployment", Template: before}, tc.settings)
		var refusal *Refusal
		if !errors.As(err, &refusal) || refusal.Field != tc.field ||
			!strings.Contains(refusal.Remedy, tc.remedy) || refusal.Why == "" {
			t.Errorf("%s: error %v", name, err)
		}
		if len(p.Patch) > 0 {
			t.Errorf("%s: it is half done", name)
		}
	}
}

func TestOnlyAnOldClusterHasNoNativeSidecars(t *testing.T) {
	for version, want := range map[string]bool{
		"": true, "1.29": true, "v1.29.0": true, "1.30+": true, "v1.36.3-eks-1": true, "2.0": true,
		"latest": true,
		"1.28":   false, "v1.28.15": false, "1.9": false, "1.27+": false, "0.99": false,
	} {
		s := defaults()
		s.Kubernetes = version
		_, err := Inject(Workload{Kind: "Deployment", Template: template(t, web)}, s)
		if (err == nil) != want {
			t.Errorf("%q: error %v", version, err)
		}
		s.Shape = Plain
		_, err = Inject(Workload{Kind: "Deployment", Template: template(t, web)}, s)
		if err != nil {
			t.Errorf("%q, plain: error %v", version, err)
		}
	}
}

func TestRefusalsSplitsJoinedErrors(t *testing.T) {
	a, b, c := &Refusal{Field: "a"}, &Refusal{Field: "b"}, &Refusal{Field: "c"}
	for name, tc := range map[string]struct {
		err  error
		want []*Refusal
	}{
		"none":           {nil, nil},
		"another error":  {errors.New("x"), nil},
		"one":            {a, []*Refusal{a}},
		"one in another": {fmt.Errorf("x: %w", a), []*Refusal{a}},
		"several":        {errors.Join(a, errors.Join(b, c)), []*Refusal{a, b, c}},
	} {
		if got := Refusals(tc.err); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
