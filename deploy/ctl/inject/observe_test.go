package inject

import (
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"lameduck/deploy/ctl/mode"
)

// observing returns the default settings with mode observe.
func observing(shape Shape) Settings {
	s := in(shape)
	s.Mode = mode.Observe
	return s
}

const watched = `
spec:
  containers:
    - name: web
      image: web:1
      command: [/web]
      ports: [{ name: http, containerPort: 3000 }, { name: metrics, containerPort: 9100 }, { containerPort: 3001 }]
      startupProbe: { httpGet: { path: /, port: http }, periodSeconds: 1 }
      readinessProbe: { httpGet: { path: /, port: http }, periodSeconds: 5 }
      livenessProbe: { tcpSocket: { port: 3000 } }
    - name: other
      image: other:1
      readinessProbe: { grpc: { port: 3001 }, periodSeconds: 7 }
      livenessProbe: { httpGet: { path: /, port: 9100 } }
`

func TestObserveMovesNothing(t *testing.T) {
	for _, shape := range []Shape{Native, Plain, Wrapper} {
		before := template(t, watched)
		after, p := injected(t, before, observing(shape))
		if len(p.Routes) > 0 || strings.Contains(notes(p), "Service") {
			t.Errorf("%s: routes %v, notes %s", shape, p.Routes, notes(p))
		}
		for i, c := range before.Spec.Containers {
			now := after.Spec.Containers[i]
			for _, name := range probeNames {
				if !reflect.DeepEqual(probe(&now, name), probe(&c, name)) {
					t.Errorf("%s: the %s of %s is %v", shape, name, c.Name, probe(&now, name))
				}
			}
			if ports := now.Ports; len(c.Ports) > 0 && !reflect.DeepEqual(ports[:len(c.Ports)], c.Ports) {
				t.Errorf("%s: the ports of %s are %v", shape, c.Name, ports)
			}
			if held := isHoldHook(now.Lifecycle); held == (shape == Wrapper && c.Name == "web") {
				t.Errorf("%s: the hook of %s is %v", shape, c.Name, now.Lifecycle)
			}
		}
		lameduck := find(&after.Spec, sidecarName)
		if shape == Wrapper {
			lameduck = find(&after.Spec, "web")
		}
		if ports, probes := variable(*lameduck, observeVariable), variable(*lameduck, observeProbesVariable); ports !=
			"3000,3001" || probes != "3000=5s,3000=10s,3001=7s" || variable(*lameduck, routesVariable) != "" {
			t.Errorf("%s: the environment is %v", shape, lameduck.Env)
		}
		if p.Choice.Mode != mode.Observe || after.Annotations[ModeAnnotation] != p.Choice.String() {
			t.Errorf("%s: the choice is %s, the annotations %v", shape, p.Choice, after.Annotations)
		}
		twice, err := Inject(Workload{Kind: "Deployment", Template: after}, observing(shape))
		if err != nil || len(twice.Patch) > 0 {
			t.Errorf("%s: the second time it plans %v, error %v", shape, twice.Patch, err)
		}
		expectEqual(t, "uninject", uninjected(t, after), before)
	}
}

// In shape wrapper the kubelet does not probe Lameduck itself, which learns its address otherwise.
func TestAWrapperKnowsWhereTheKubeletsProbesComeFrom(t *testing.T) {
	const starting = "spec: { containers: [{ name: web, image: web:1, command: [/web], ports: [{ containerPort: 3000 }], " +
		"startupProbe: { httpGet: { path: /, port: 3000 } } }] }"
	for _, test := range []struct {
		shape Shape
		pod   string
		want  bool
	}{
		{Native, watched, false},
		{Plain, watched, false},
		{Wrapper, watched, true},
		{Wrapper, starting, false},
	} {
		after, _ := injected(t, template(t, test.pod), observing(test.shape))
		got := ""
		for _, c := range allContainers(&after.Spec) {
			for _, v := range c.Env {
				if v.Name == hostIPVariable && v.ValueFrom != nil && v.ValueFrom.FieldRef != nil {
					got = v.ValueFrom.FieldRef.FieldPath
				}
			}
		}
		if (got == "status.hostIP") != test.want {
			t.Errorf("%s: the node's address is from %q", test.shape, got)
		}
	}
}

func TestAnotherModeReplacesTheFirst(t *testing.T) {
	before := template(t, watched)
	for _, shape := range []Shape{Native, Plain, Wrapper} {
		moved, _ := injected(t, before, in(shape))
		observed, _ := injected(t, before, observing(shape))
		if got, _ := injected(t, moved, observing(shape)); !reflect.DeepEqual(got, observed) {
			t.Errorf("%s: move, then observe: got %v, want %v", shape, got, observed)
		}
		if got, _ := injected(t, observed, in(shape)); !reflect.DeepEqual(got, moved) {
			t.Errorf("%s: observe, then move: got %v, want %v", shape, got, moved)
		}
	}
}

// A container need not declare its ports, and then only the Service has the number.
func TestAPortThatOnlyAServiceHasIsObserved(t *testing.T) {
	before := edited(t, "ports: [{ name: http, containerPort: 3000 }]", "ports: []")
	number := service("s", "", corev1.ServicePort{Port: 80, TargetPort: intstr.FromInt32(3000)},
		corev1.ServicePort{Port: 3001}, corev1.ServicePort{Name: "metrics", Port: 9100},
		corev1.ServicePort{Port: AdminPort}, corev1.ServicePort{Port: 53, Protocol: corev1.ProtocolUDP})
	w := Workload{Kind: "Pod", Template: before, Around: &mode.Around{Services: []*corev1.Service{number}}}
	p, err := Inject(w, Defaults())
	if err != nil {
		t.Fatal(err)
	}
	if got := variable(*find(&p.Template.Spec, sidecarName), observeVariable); got != "3000,3001" {
		t.Errorf("observed are %s", got)
	}
	if _, err := Inject(w, defaults()); err == nil {
		t.Error("mode move moves a port that no container declares")
	}
}

func TestEveryModeOfThisVersionCanBeAskedFor(t *testing.T) {
	for _, m := range []mode.Mode{mode.Observe, mode.Redirect, mode.Takeover, mode.Move} {
		s := Defaults()
		s.Mode = m
		p, err := Inject(Workload{Kind: "Deployment", Template: template(t, web)}, s)
		if _, has := ways[m]; has && m != mode.Takeover && (err != nil || p.Choice.Mode != m) ||
			!has && (err == nil || !strings.Contains(err.Error(), "this version has no mode "+string(m))) {
			t.Errorf("mode %s: got %s, error %v", m, p.Choice, err)
		}
	}
}
