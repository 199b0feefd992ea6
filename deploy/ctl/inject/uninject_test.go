package inject

import (
	"reflect"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// uninjected returns a template after Uninject.
func uninjected(t *testing.T, now *corev1.PodTemplateSpec) *corev1.PodTemplateSpec {
	t.Helper()
	p, err := Uninject(Workload{Kind: "Deployment", Template: now})
	if err != nil {
		t.Fatal(err)
	}
	return patched(t, now, p)
}

func TestUninjectOfWhatIsNotInjectedDoesNothing(t *testing.T) {
	p, err := Uninject(Workload{Kind: "Deployment", Template: template(t, web)})
	if err != nil || len(p.Patch) > 0 || len(p.Notes) > 0 {
		t.Errorf("it plans %v, error %v", p, err)
	}
}

func TestUninjectRefusesARecordThatItCannotRead(t *testing.T) {
	for _, text := range []string{"", "{", `{"v":2}`, `[]`} {
		now := template(t, web)
		now.Annotations = map[string]string{InjectedAnnotation: text}
		if p, err := Uninject(Workload{Kind: "Deployment", Template: now}); err == nil {
			t.Errorf("%q: it plans %v", text, p)
		}
	}
}

// A field that was changed after Inject stays, and everything else is removed.
func TestUninjectLeavesWhatOthersHaveChanged(t *testing.T) {
	for name, change := range map[string]func(*corev1.PodTemplateSpec){
		"another image": func(p *corev1.PodTemplateSpec) { app(p).Image = "web:2" },
		"another container": func(p *corev1.PodTemplateSpec) {
			p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "new"})
		},
		"another annotation": func(p *corev1.PodTemplateSpec) { annotations(p)["a"] = "b" },
		"another variable": func(p *corev1.PodTemplateSpec) {
			app(p).Env = append(app(p).Env,
				corev1.EnvVar{Name: "A"})
		},
		"another volume": func(p *corev1.PodTemplateSpec) {
			p.Spec.Volumes = append(p.Spec.Volumes,
				corev1.Volume{Name: "v"})
		},
		"a port without moved": func(p *corev1.PodTemplateSpec) {
			app(p).Ports = append(app(p).Ports, corev1.ContainerPort{ContainerPort: 9})
		},
	} {
		for _, shape := range []Shape{Native, Plain, Wrapper} {
			before := edited(t, "image: web:1", "image: web:1\n      command: [/web]")
			after, _ := injected(t, before, in(shape))
			change(before)
			change(after)
			// Only the order of the elements may differ.
			if got := uninjected(t, after); !reflect.DeepEqual(got, before) {
				t.Errorf("%s, %s: restored %v", name, shape, got)
			}
		}
	}
}

func app(p *corev1.PodTemplateSpec) *corev1.Container { return find(&p.Spec, "web") }

func annotations(p *corev1.PodTemplateSpec) map[string]string {
	if p.Annotations == nil {
		p.Annotations = make(map[string]string)
	}
	return p.Annotations
}

func TestUninjectKeepsLaterChanges(t *testing.T) {
	grace := int64(77)
	now, _ := injected(t, template(t, web), defaults())
	now.Spec.TerminationGracePeriodSeconds = &grace
	app(now).Lifecycle.PreStop = &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 5}}
	app(now).Ports[0].ContainerPort = 4000
	got := uninjected(t, now)
	if *got.Spec.TerminationGracePeriodSeconds != 77 || app(got).Lifecycle.PreStop.Sleep == nil ||
		app(got).Ports[0].ContainerPort != 4000 {
		t.Errorf("restored %v", got.Spec)
	}
	if len(got.Spec.InitContainers) > 0 || got.Annotations != nil {
		t.Errorf("restored with %v and %v", got.Spec.InitContainers, got.Annotations)
	}
}

func TestUninjectToleratesAMissingContainer(t *testing.T) {
	now, _ := injected(t, webAndLogs(t), in(Wrapper))
	now.Spec.Containers = now.Spec.Containers[1:]
	got := uninjected(t, now)
	if len(got.Spec.Containers) != 1 || got.Spec.Containers[0].Lifecycle != nil ||
		len(got.Spec.InitContainers) > 0 || len(got.Spec.Volumes) > 0 {
		t.Errorf("restored %v", got.Spec)
	}
}
