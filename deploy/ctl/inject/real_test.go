package inject

import (
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lameduck/deploy/ctl/mode"
)

// If a port moves, a mesh treats Lameduck's port like the app's before.
func TestAnnotationsOfAMeshFollowAPort(t *testing.T) {
	const opaque, include = "config.linkerd.io/opaque-ports", "traffic.sidecar.istio.io/includeInboundPorts"
	for name, tc := range map[string]struct {
		port, key, was, more, want string
	}{
		"a number":           {"3000", opaque, "3000", "", "3000,18080"},
		"a range":            {"3000", opaque, "22, 2999-3001", "", "22,2999-3001,18080"},
		"a name follows":     {"3000", opaque, "http", "", "http"},
		"another number":     {"3000", opaque, "3001", "", "3001"},
		"all ports":          {"3000", include, "*", "", "*"},
		"included":           {"3000", include, "3000,9090", "", "3000,9090,18080"},
		"excluded":           {"3000", "traffic.sidecar.istio.io/excludeInboundPorts", "3000", "", "3000,18081,18080"},
		"skipped":            {"3000", "config.linkerd.io/skip-inbound-ports", "3000", "", "3000,18081,18080"},
		"excluded from Kuma": {"3000", "traffic.kuma.io/exclude-inbound-ports", "3000", "", "3000,18080"},
		"opaque by default":  {"3306", opaque, "", "linkerd.io/inject", opaqueByDefault + ",18080"},
		"not in the mesh":    {"3306", opaque, "", "", ""},
	} {
		before := edited(t, "containerPort: 3000", "containerPort: "+tc.port)
		before.Annotations = map[string]string{}
		if tc.was != "" {
			before.Annotations[tc.key] = tc.was
		}
		if tc.more != "" {
			before.Annotations[tc.more] = "enabled"
		}
		after, _ := injected(t, before, defaults())
		if got := after.Annotations[tc.key]; got != tc.want {
			t.Errorf("%s: the list is %q, want %q", name, got, tc.want)
		}
		if again, p := injected(t, after, defaults()); !reflect.DeepEqual(again, after) || len(p.Patch) > 0 {
			t.Errorf("%s: the second time it becomes %v", name, again.Annotations)
		}
		if back := uninjected(t, after); !reflect.DeepEqual(back, before) {
			t.Errorf("%s: restored %v", name, back.Annotations)
		}
		if tc.was == "" {
			continue
		}
		after.Annotations[tc.key] += ",5555" // by another user
		if got := uninjected(t, after).Annotations[tc.key]; strings.Contains(got, "1808") || !strings.HasSuffix(got, "5555") {
			t.Errorf("%s: the list with a later change becomes %q", name, got)
		}
	}
}

// The containers of a mesh are not in the manifest, so the probes and lists must not need them.
func TestAPortWithoutANumberIsRefused(t *testing.T) {
	for _, port := range []string{"{ name: http }", "{ name: http, containerPort: 0 }", "{ containerPort: 70000 }"} {
		before := edited(t, "{ name: http, containerPort: 3000 }", port)
		_, err := Inject(Workload{Kind: "Deployment", Template: before}, defaults())
		refusals := Refusals(err)
		if len(refusals) != 1 || refusals[0].Field != "spec.containers[0].ports[0].containerPort" {
			t.Errorf("%s: error %v", port, err)
		}
	}
}

// A worker has no clients. It is an error only if a port was named that does not exist.
func TestAWorkerWithoutPortsIsLeftAlone(t *testing.T) {
	for port, want := range map[string]string{
		"": "not injected: no container declares a TCP port",
		"{ name: dns, containerPort: 53, protocol: UDP }": "port 53/UDP cannot be protected",
	} {
		before := edited(t, "{ name: http, containerPort: 3000 }", port)
		p, err := Inject(Workload{Kind: "Deployment", Template: before}, defaults())
		if err != nil || len(p.Patch) > 0 || !strings.Contains(notes(p), want) {
			t.Errorf("%s: %d operations, notes %q, error %v", port, len(p.Patch), notes(p), err)
		}
		s := defaults()
		s.Ports = []string{"http"}
		if _, err := Inject(Workload{Kind: "Deployment", Template: before}, s); len(Refusals(err)) != 1 {
			t.Errorf("%s: a port that was named is not there, and the error is %v", port, err)
		}
	}
}

// If a worker loses its ports, the injection is removed.
func TestAWorkerThatWasAServerIsUninjected(t *testing.T) {
	after, _ := injected(t, template(t, web), defaults())
	after.Spec.Containers[0].Ports = nil
	got, _ := injected(t, after, defaults())
	if len(got.Spec.InitContainers) > 0 || got.Annotations[InjectedAnnotation] != "" {
		t.Errorf("it becomes %v", got)
	}
}

func TestPortsOfOtherProtocolsAreNamed(t *testing.T) {
	before := edited(t, "{ name: http, containerPort: 3000 }", "{ name: http, containerPort: 3000 }, "+
		"{ name: quic, containerPort: 3000, protocol: UDP }, { name: dns, containerPort: 53, protocol: UDP }, "+
		"{ name: m3ua, containerPort: 2905, protocol: SCTP }")
	_, p := injected(t, before, defaults())
	for _, want := range []string{
		"ports[1]: port 3000/UDP (QUIC, HTTP/3) is not protected", "port 53/UDP is not", "port 2905/SCTP is not",
	} {
		if !strings.Contains(notes(p), want) {
			t.Errorf("no note has %q: %s", want, notes(p))
		}
	}
}

// stickyIngress returns a namespace in which an Ingress with sticky sessions routes to a Service.
func stickyIngress(service string) *mode.Around {
	i := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{
		Name: "web", Annotations: map[string]string{"nginx.ingress.kubernetes.io/affinity": "cookie"},
	}}
	i.Spec.DefaultBackend = &networkingv1.IngressBackend{
		Service: &networkingv1.IngressServiceBackend{Name: service},
	}
	return &mode.Around{
		Services: []*corev1.Service{{
			ObjectMeta: metav1.ObjectMeta{Name: "web"},
			Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "web"}},
		}},
		Ingresses: []*networkingv1.Ingress{i},
	}
}

func TestSessionsOfOtherPodsAreNotReleased(t *testing.T) {
	others := stickyIngress("web")
	others.Services[0].Spec.Selector = map[string]string{"app": "other"}
	for name, around := range map[string]*mode.Around{
		"no namespace": nil, "an Ingress of another Service": stickyIngress("other"), "a Service of other pods": others,
	} {
		p, err := Inject(Workload{Kind: "Deployment", Template: template(t, web), Around: around}, defaults())
		if err != nil || variable(sidecarOf(t, p.Template), UnreadyVariable) != "" {
			t.Errorf("%s: %s is set, error %v", name, UnreadyVariable, err)
		}
	}
}

func TestStickySessionsMakeTheReadinessFail(t *testing.T) {
	w := Workload{Kind: "Deployment", Template: template(t, web), Around: stickyIngress("web")}
	p, err := Inject(w, defaults())
	if err != nil {
		t.Fatal(err)
	}
	if got := variable(sidecarOf(t, p.Template), UnreadyVariable); got != UnreadyAfter ||
		!strings.Contains(notes(p), "Ingress web has sticky sessions") {
		t.Errorf("%s is %q, notes %s", UnreadyVariable, got, notes(p))
	}
	if got := sidecarOf(t, p.Template).ReadinessProbe; got.FailureThreshold != 1 || got.PeriodSeconds != 1 {
		t.Errorf("readiness probe %+v, want one that fails within a second", got)
	}
	s := defaults()
	s.Env = map[string]string{UnreadyVariable: "0s"}
	if p, err = Inject(w, s); err != nil || variable(sidecarOf(t, p.Template), UnreadyVariable) != "0s" {
		t.Errorf("the user's value is replaced, error %v", err)
	}
	if got := sidecarOf(t, p.Template).ReadinessProbe; got.FailureThreshold != 0 || got.PeriodSeconds != 5 {
		t.Errorf("readiness probe %+v, want one that tolerates failures", got)
	}
}
