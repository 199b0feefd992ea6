package inject

import (
	"reflect"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// Somebody renames a container or a port of an injected manifest. Its port is Lameduck's, where the
// app does not listen, and must be the app's again.
func TestARenamedContainerIsFollowed(t *testing.T) {
	const probed = "ports: [{ name: http, containerPort: 3000 }]\n      livenessProbe: { tcpSocket: { port: http } }"
	before := webAndLogs(t)
	app(before).LivenessProbe = edited(t, "ports: [{ name: http, containerPort: 3000 }]", probed).Spec.Containers[0].LivenessProbe
	app(before).Command = []string{"/web"}
	rename := func(p *corev1.PodTemplateSpec) {
		for i := range p.Spec.Containers {
			p.Spec.Containers[i].Name = "new-" + p.Spec.Containers[i].Name
		}
	}
	want := before.DeepCopy()
	rename(want)
	for name, s := range map[string]Settings{
		"move": defaults(), "redirect": redirecting(Native), "observe": observing(Plain), "wrapper": in(Wrapper),
	} {
		now, _ := injected(t, before, s)
		for i := range now.Spec.Containers {
			if c := &now.Spec.Containers[i]; c.Name != ContainerName {
				c.Name = "new-" + c.Name
			}
		}
		expectEqual(t, name+": uninject", uninjected(t, now), want)
		fresh, _ := injected(t, want, s)
		if again, _ := injected(t, now, s); !reflect.DeepEqual(again, fresh) {
			t.Errorf("%s: injected again it is\n%s\nand afresh\n%s", name, asJSON(t, again), asJSON(t, fresh))
		}
	}
}

func TestARenamedPortIsTheAppsAgain(t *testing.T) {
	const probed = "ports: [{ name: http, containerPort: 3000 }]\n      livenessProbe: { tcpSocket: { port: http } }"
	now, _ := injected(t, edited(t, "ports: [{ name: http, containerPort: 3000 }]", probed), defaults())
	app(now).Ports[0].Name = "web"
	got := app(uninjected(t, now))
	if p := got.Ports[0]; p.Name != "web" || p.ContainerPort != 3000 {
		t.Errorf("restored port %v", p)
	}
	if p := got.LivenessProbe.TCPSocket.Port.String(); p != "3000" {
		t.Errorf("the probe of a port that has another name has %s, want its number", p)
	}
}

// A removed container is not treated as a renamed one.
func TestAHookOfItsOwnIsNotTakenForOurs(t *testing.T) {
	now, _ := injected(t, webAndLogs(t), defaults())
	now.Spec.Containers[1].Name, now.Spec.Containers[1].Lifecycle = "new", &corev1.Lifecycle{
		PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 5}},
	}
	if got := uninjected(t, now).Spec.Containers[1]; got.Lifecycle == nil || got.Lifecycle.PreStop.Sleep == nil {
		t.Errorf("restored %v", got)
	}
}

func TestUninjectReportsALameduckWithoutARecord(t *testing.T) {
	now, _ := injected(t, template(t, web), defaults())
	delete(now.Annotations, InjectedAnnotation)
	p, err := Uninject(Workload{Kind: "Deployment", Template: now})
	refusals := Refusals(err)
	if len(refusals) != 1 || refusals[0].Field != "spec.initContainers[0]" || len(p.Patch) > 0 {
		t.Errorf("it plans %v, error %v", p.Patch, err)
	}
	now.Labels[InjectLabel] = "disabled"
	if p, err := Inject(Workload{Kind: "Deployment", Template: now}, defaults()); err != nil || p.Skipped == "" {
		t.Errorf("a pod that opts out: skipped %q, error %v", p.Skipped, err)
	}
}
