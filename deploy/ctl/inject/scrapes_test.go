package inject

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"lameduck/deploy/ctl/mode"
)

// What reads metrics does not stop during a drain, so a worker that serves nothing else would hold
// until the maximum in each rollout.
func TestAPodThatServesOnlyMetricsIsLeftAlone(t *testing.T) {
	number, name := intstr.FromInt32(9090), intstr.FromString("metrics")
	for title, tc := range map[string]struct {
		ports, want string // observed ports; none if the pod is left alone
		services    []corev1.ServicePort
	}{
		"no Service":                    {"{name: metrics, containerPort: 9090}", "", nil},
		"metrics and health":            {"{name: http-prom, containerPort: 9090}, {name: healthz, containerPort: 9091}", "", nil},
		"http-metrics and health":       {"{name: http-metrics, containerPort: 9090}, {name: http-healthz, containerPort: 9091}", "", nil},
		"a Service for metrics":         {"{name: metrics, containerPort: 9090}", "", []corev1.ServicePort{{Name: "http-metrics", Port: 80, TargetPort: name}}},
		"only the Service has names":    {"{containerPort: 9090}", "", []corev1.ServicePort{{Name: "metrics", Port: 80, TargetPort: number}}},
		"only the Service has the port": {"", "", []corev1.ServicePort{{Name: "metrics", Port: 80, TargetPort: number}}},
		"a Service for clients":         {"{name: metrics, containerPort: 9090}", "9090", []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: name}}},
		"a Service without names":       {"{name: metrics, containerPort: 9090}", "9090", []corev1.ServicePort{{Port: 9090}}},
		"two Services, one for clients": {"{containerPort: 9090}", "9090", []corev1.ServicePort{{Name: "metrics", Port: 9090}, {Port: 80, TargetPort: number}}},
		"another port by number":        {"{name: metrics, containerPort: 9090}", "8080", []corev1.ServicePort{{Name: "http", Port: 8080}}},
		"beside a port for clients":     {"{containerPort: 9090}, {containerPort: 80}", "80", []corev1.ServicePort{{Name: "metrics", Port: 9090}, {Port: 80}}},
	} {
		before := edited(t, "{ name: http, containerPort: 3000 }", tc.ports)
		around := &mode.Around{Services: []*corev1.Service{service("s", "", tc.services...)}}
		p, err := Inject(Workload{Kind: "Deployment", Template: before, Around: around}, observing(Native))
		if err != nil {
			t.Errorf("%s: %v", title, err)
			continue
		}
		got := ""
		if sidecar := find(&p.Template.Spec, sidecarName); sidecar != nil {
			got = variable(*sidecar, observeVariable)
		}
		if got != tc.want || (p.Skipped == "") != (tc.want != "") {
			t.Errorf("%s: observed are %q, notes\n%s", title, got, notes(p))
		}
		if ports := "its only ports are for metrics"; tc.want == "" && tc.ports != "" && !strings.Contains(p.Skipped, ports) {
			t.Errorf("%s: skipped because %s", title, p.Skipped)
		}
	}
}

// Prometheus would be a client that bypasses Lameduck until the pod has ended.
func TestPrometheusFollowsAPortThatMoves(t *testing.T) {
	for title, tc := range map[string]struct{ scrape, port, want string }{
		"the port that moves": {"true", "3000", "18080"},
		"another port":        {"true", "9090", "9090"},
		"switched off":        {"false", "3000", "3000"},
	} {
		before := template(t, web)
		before.Annotations = map[string]string{scrape: tc.scrape, scrapePort: tc.port}
		w := Workload{Kind: "Deployment", Template: before, Around: &mode.Around{Services: []*corev1.Service{
			{ObjectMeta: metav1.ObjectMeta{Name: "s", Annotations: before.Annotations},
				Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "web"}}},
		}}}
		p, err := Inject(w, defaults())
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Template.Annotations[scrapePort]; got != tc.want {
			t.Errorf("%s: the annotation becomes %s, want %s", title, got, tc.want)
		}
		if noted := strings.Contains(notes(p), "Service s has the annotation"); noted != (tc.want == "18080") {
			t.Errorf("%s: notes\n%s", title, notes(p))
		}
		expectEqual(t, title, uninjected(t, p.Template), before)
	}
}

func TestWhatScrapesAnObservedPortIsNoted(t *testing.T) {
	for title, tc := range map[string]struct {
		annotations map[string]string
		ports       string
		want        string
	}{
		"nothing":       {map[string]string{"prometheus.io/port": "3000"}, "", ""},
		"its number":    {map[string]string{"prometheus.io/scrape": "true", "prometheus.io/port": "3000"}, "", "port 3000 (annotation prometheus.io/port)"},
		"every port":    {map[string]string{"prometheus.io/scrape": "true"}, "", "port 3000 (annotation prometheus.io/scrape)"},
		"another port":  {map[string]string{"prometheus.io/scrape": "true", "prometheus.io/port": "9090"}, "", ""},
		"switched off":  {map[string]string{"prometheus.io/scrape": "false", "prometheus.io/port": "3000"}, "", ""},
		"chosen anyway": {map[string]string{"lameduck.dev/ports": "metrics"}, "{ name: metrics, containerPort: 9090 }", "port 9090 (its name is metrics)"},
	} {
		before := edited(t, "{ name: http, containerPort: 3000 }", "{ name: http, containerPort: 3000 }, "+tc.ports)
		before.Annotations = tc.annotations
		_, p := injected(t, before, observing(Native))
		if got := strings.Contains(notes(p), "does not stop during a drain"); got != (tc.want != "") ||
			!strings.Contains(notes(p), tc.want) {
			t.Errorf("%s: notes\n%s", title, notes(p))
		}
		if _, relayed := injected(t, before, defaults()); strings.Contains(notes(relayed), "what reads metrics") {
			t.Errorf("%s: notes on a port that is relayed\n%s", title, notes(relayed))
		}
	}
}

// withMesh returns a pod to which a mesh has added its proxy, as the first or the last container.
func withMesh(pod *corev1.PodTemplateSpec, first bool) *corev1.PodTemplateSpec {
	proxy := corev1.Container{Name: "istio-proxy", Image: "istio/proxyv2:1.27", Ports: []corev1.ContainerPort{
		{Name: "http-envoy-prom", ContainerPort: 15090}, {Name: "status", ContainerPort: 15021},
	}}
	with := pod.DeepCopy()
	if first {
		with.Spec.Containers = slices.Insert(with.Spec.Containers, 0, proxy)
	} else {
		with.Spec.Containers = append(with.Spec.Containers, proxy)
	}
	return with
}

// The proxy's ports are scraped by Prometheus for as long as the pod lives.
func TestThePortsOfAMeshsProxyAreNotProtected(t *testing.T) {
	for _, first := range []bool{true, false} {
		for name, settings := range map[string]Settings{"move": defaults(), "observe": observing(Native)} {
			after, p := injected(t, withMesh(template(t, web), first), settings)
			if proxy := find(&after.Spec, "istio-proxy"); proxy.Ports[0].ContainerPort != 15090 || proxy.Ports[1].ContainerPort != 15021 {
				t.Errorf("%s: the proxy's ports have moved: %v", name, proxy.Ports)
			}
			for _, v := range []string{routesVariable, observeVariable} {
				if got := variable(*find(&after.Spec, sidecarName), v); strings.Contains(got, "150") {
					t.Errorf("%s: %s is %s, with a port of the proxy", name, v, got)
				}
			}
			if text := fmt.Sprint(p.Notes); strings.Contains(text, "15090") || strings.Contains(text, "envoy") {
				t.Errorf("%s: notes %s, want none of the proxy's ports", name, text)
			}
		}
		worker := edited(t, "ports: [{ name: http, containerPort: 3000 }]", "ports: []")
		worker.Spec.Containers[0].ReadinessProbe = nil
		p, err := Inject(Workload{Kind: "Pod", Template: withMesh(worker, first)}, Defaults())
		if err != nil || p.Skipped == "" || len(p.Patch) > 0 {
			t.Errorf("a pod is injected whose only ports are those of the proxy: %v, %v", p.Patch, err)
		}
		after, _ := injected(t, withMesh(template(t, web), first), in(Wrapper))
		if proxy := find(&after.Spec, "istio-proxy"); len(proxy.Command) > 0 {
			t.Errorf("the proxy is wrapped: %v", proxy.Command)
		}
	}
}

// The pod of a gateway has only the proxy.
func TestAGatewayOfAMeshIsProtected(t *testing.T) {
	gateway := edited(t, "ports: [{ name: http, containerPort: 3000 }]", "ports: [{ name: http2, containerPort: 8443 }]")
	gateway.Spec.Containers[0].Name = "istio-proxy"
	gateway.Spec.Containers[0].ReadinessProbe = nil
	after, _ := injected(t, gateway, observing(Native))
	if got := variable(*find(&after.Spec, sidecarName), observeVariable); got != "8443" {
		t.Errorf("observed is %q, want the gateway's port", got)
	}
}

// The container is the first one if none declares the port.
func TestAMeshsProxyIsNotWrapped(t *testing.T) {
	before := edited(t, "ports: [{ name: http, containerPort: 3000 }]", "command: [/web]")
	before.Spec.Containers[0].ReadinessProbe = nil
	number := service("s", "", corev1.ServicePort{Port: 80, TargetPort: intstr.FromInt32(3000)})
	settings := Defaults()
	settings.Shape = Wrapper
	for _, first := range []bool{true, false} {
		w := Workload{Kind: "Pod", Template: withMesh(before, first), Around: &mode.Around{Services: []*corev1.Service{number}}}
		p, err := Inject(w, settings)
		if err != nil {
			t.Fatal(err)
		}
		app, proxy := find(&p.Template.Spec, "web"), find(&p.Template.Spec, "istio-proxy")
		if !slices.Equal(app.Command, append(slices.Clone(wrapperCommand), "/web")) || len(proxy.Command) > 0 {
			t.Errorf("proxy first: %v: the commands are %v and %v, want the app wrapped", first, app.Command, proxy.Command)
		}
	}
}
