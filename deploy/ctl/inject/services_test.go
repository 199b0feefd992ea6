package inject

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func TestAffectedServicesAreNamed(t *testing.T) {
	number, name, moved := intstr.FromInt32(3000), intstr.FromString("http"),
		intstr.FromInt32(18080)
	for what, tc := range map[string]struct {
		ports   string
		service *corev1.Service
		want    string // empty if there is no note
	}{
		"a name": {
			"[{ name: http, containerPort: 3000 }]", service("s", "",
				corev1.ServicePort{Port: 80, TargetPort: name}), "",
		},
		"a number that has a name": {
			"[{ name: http, containerPort: 3000 }]", service("s", "",
				corev1.ServicePort{Port: 80, TargetPort: number}),
			"Service s: targetPort 3000 bypasses Lameduck: change it to http after the rollout",
		},
		"a number without a name": {
			"[{ containerPort: 3000 }]", service("s", "", corev1.ServicePort{Port: 80,
				TargetPort: number}), "Service s: targetPort 3000 bypasses Lameduck: change it " +
				"to 18080 after the rollout",
		},
		"none, which is the port": {
			"[{ containerPort: 3000 }]", service("s", "", corev1.ServicePort{Port: 3000}),
			"change it to 18080 after the rollout",
		},
		"Lameduck's": {
			"[{ containerPort: 3000 }]", service("s", "", corev1.ServicePort{Port: 80,
				TargetPort: moved}), "",
		},
		"of another app": {
			"[{ containerPort: 3000 }]", service("s", "", corev1.ServicePort{Port: 80,
				TargetPort: intstr.FromInt32(9999)}), "",
		},
		"headless": {
			"[{ name: http, containerPort: 3000 }]", service("s", "None",
				corev1.ServicePort{Port: 3000, TargetPort: name}),
			"Service s: headless: clients that connect to port 3000 of a pod bypass Lameduck, " +
				"which listens on 18080",
		},
	} {
		before := edited(t, "[{ name: http, containerPort: 3000 }]", tc.ports)
		_, p := injected(t, before, defaults())
		got := notes(p.ForServices(before.Labels, []*corev1.Service{tc.service}))
		if tc.want == "" && got != "" || !strings.Contains(got, tc.want) ||
			strings.Contains(got, "a Service with") {
			t.Errorf("%s: notes %q, want %q", what, got, tc.want)
		}
	}
}

func TestServicesOfOtherPodsAreIgnored(t *testing.T) {
	before := template(t, web)
	_, p := injected(t, before, defaults())
	other := service("s", "", corev1.ServicePort{Port: 80, TargetPort: intstr.FromInt32(3000)})
	for _, selector := range []map[string]string{nil, {"app": "other"}} {
		other.Spec.Selector = selector
		got := notes(p.ForServices(before.Labels, []*corev1.Service{other}))
		if strings.Contains(got, "Service s") ||
			!strings.Contains(got, "a Service with targetPort http needs no change") {
			t.Errorf("notes %s", got)
		}
	}
}

// Uninject has the reverse order: the Service first.
func TestBeforeUninjectAServiceReturnsToTheApp(t *testing.T) {
	before := template(t, web)
	after, _ := injected(t, before, defaults())
	p, err := Uninject(Workload{Kind: "Deployment", Template: after})
	if err != nil ||
		!strings.Contains(notes(p), "port 18080 will refuse connections after the rollout: "+
			"change a Service with that targetPort to 3000 before") {
		t.Errorf("notes %s, error %v", notes(p), err)
	}
	for target, want := range map[intstr.IntOrString]string{
		intstr.FromInt32(18080): "Service s: targetPort 18080 will refuse connections after the " +
			"rollout: change it to 3000 before",
		intstr.FromString("http"): "",
		intstr.FromInt32(3000):    "",
	} {
		s := service("s", "", corev1.ServicePort{Port: 80, TargetPort: target})
		got := notes(p.ForServices(before.Labels, []*corev1.Service{s}))
		if !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("targetPort %s: the notes are %q", target.String(), got)
		}
	}
}
