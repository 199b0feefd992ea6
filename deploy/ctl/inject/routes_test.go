package inject

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// routesOf returns the routes for a list of ports, as a container declares them in YAML, and the
// notes.
func routesOf(t *testing.T, ports, annotations string) (routes string, p Plan) {
	t.Helper()
	before := edited(t, "[{ name: http, containerPort: 3000 }]", ports)
	before.Annotations = map[string]string{"lameduck.dev/ports": annotations}
	if annotations == "" {
		before.Annotations = nil
	}
	after, p := injected(t, before, defaults())
	return variable(sidecarOf(t, after), routesVariable), p
}

func TestEveryPortThatServesHasARoute(t *testing.T) {
	for name, tc := range map[string]struct{ ports, annotation, want string }{
		"one": {"[{containerPort: 80}]", "", "18080=80"},
		"several": {
			"[{containerPort: 80}, {containerPort: 443}, {containerPort: 9090}]", "",
			"18080=80,18083=443,18084=9090",
		},
		"UDP is none": {"[{containerPort: 80}, {containerPort: 443, protocol: UDP}]", "", "18080=80"},
		"metrics are not for clients": {
			"[{containerPort: 80}, {name: metrics, containerPort: 9090}]", "", "18080=80",
		},
		"an exporter's neither": {
			"[{containerPort: 80}, {name: redis-metrics, containerPort: 9121}]", "", "18080=80",
		},
		"unless they are chosen": {"[{name: metrics, containerPort: 9090}]", "metrics", "18080=9090"},
		"with a protocol in front": {
			"[{containerPort: 80}, {name: http-prom, containerPort: 8080}, {name: http-healthz, containerPort: 9440}]", "", "18080=80",
		},
		"everything at http-metrics": {
			"[{name: http-metrics, containerPort: 3100}, {name: grpc, containerPort: 9095}]", "",
			"18080=3100,18083=9095",
		},
		"the app has one of ours": {
			"[{containerPort: 18080}, {containerPort: 18083}]", "", "18084=18080,18085=18083",
		},
		"one that is not protected has": {
			"[{containerPort: 80}, {name: metrics, containerPort: 18080}]", "", "18083=80",
		},
		"a server that greets first": {
			"[{name: mysql, containerPort: 3307}, {containerPort: 25}, {name: tcp-x, " +
				"containerPort: " +
				"7}]", "", "18080=3307;proto=tcp,18083=25;proto=tcp,18084=7;proto=tcp",
		},
		"chosen by name": {
			"[{name: a, containerPort: 80}, {name: b, containerPort: 81}]", "b", "18080=81",
		},
		"chosen by number": {
			"[{name: a, containerPort: 80}, {name: b, containerPort: 81}]", "81,80",
			"18080=81,18083=80",
		},
		"chosen with options": {
			"[{name: a, containerPort: 80}]", "a;proto=http1;proxy", "18080=80;proto=http1;proxy",
		},
		"chosen, of those that greet": {
			"[{name: mysql, containerPort: 3306}]", "mysql;proto=auto", "18080=3306;proto=auto",
		},
		"chosen and nowhere declared": {
			"[{name: a, containerPort: 80}]", "a,18080", "18083=80,18084=18080",
		},
		"two names of one port": {
			"[{name: a, containerPort: 80}, {name: b, containerPort: 80}]", "", "18080=80",
		},
	} {
		if got, _ := routesOf(t, tc.ports, tc.annotation); got != tc.want {
			t.Errorf("%s: got %s, want %s", name, got, tc.want)
		}
	}
}

func TestAPortThatIsNotRelayedIsReported(t *testing.T) {
	_, p := routesOf(t, "[{containerPort: 80}, {name: metrics, containerPort: 9090}]", "")
	if !strings.Contains(notes(p), "spec.containers[0].ports[1]: metrics is not protected") {
		t.Errorf("notes:\n%s", notes(p))
	}
}

// A Service resolves the name of a port in each pod.
func TestANameMeansLameducksPort(t *testing.T) {
	after, p := injected(t, edited(t, "[{ name: http, containerPort: 3000 }]",
		"[{ name: http, containerPort: 3000 }, { name: quic, containerPort: 3000, protocol: UDP "+
			"}]"),
		defaults())
	ports := after.Spec.Containers[0].Ports
	if ports[0].ContainerPort != 18080 || ports[1].ContainerPort != 3000 {
		t.Errorf("got %v", ports)
	}
	if len(p.Routes) != 1 || p.Routes[0].Listen != 18080 || p.Routes[0].App != 3000 ||
		p.Routes[0].Name != "http" || p.Routes[0].Field != "spec.containers[0].ports[0]" {
		t.Errorf("routes %v", p.Routes)
	}
	if after.Spec.Containers[0].ReadinessProbe.HTTPGet.Port.String() != "http" {
		t.Error("a probe by name does not go through Lameduck")
	}
}

// Lameduck accepts before the app does.
func TestAProbeThatOnlyConnectsGoesToTheAppItself(t *testing.T) {
	after, _ := injected(t, edited(t, "httpGet: { path: /, port: http }",
		"tcpSocket: { port: http }"),
		defaults())
	if got := after.Spec.Containers[0].ReadinessProbe.TCPSocket.Port.String(); got != "3000" {
		t.Errorf("the probe uses %s", got)
	}
}

// Lameduck does not see that an HTTPS request is a probe. As traffic, it would extend each hold to its
// maximum.
func TestAProbeOverTLSGoesToTheAppItself(t *testing.T) {
	const seen, unseen = "httpGet: { path: /, port: http }", "httpGet: { path: /, port: http, scheme: HTTPS }"
	before := edited(t, seen, unseen)
	moved, _ := injected(t, before, defaults())
	if got := moved.Spec.Containers[0].ReadinessProbe.HTTPGet.Port.String(); got != "3000" {
		t.Errorf("mode move: the probe uses %s", got)
	}
	redirected, _ := injected(t, before, redirecting(Native))
	if got := redirected.Spec.Containers[0].ReadinessProbe.HTTPGet.Port.String(); got != "18083" {
		t.Errorf("mode redirect: the probe uses %s", got)
	}
	if args := find(&redirected.Spec, redirectName).Args; !slices.Contains(args, "18083=3000") {
		t.Errorf("mode redirect: the arguments are %v, want a port that leads around the relay", args)
	}
	for _, after := range []*corev1.PodTemplateSpec{moved, redirected} {
		if got := uninjected(t, after); !apiequality.Semantic.DeepEqual(got, before) {
			t.Errorf("uninject returns %v, want %v", got, before)
		}
	}
}

// On the node's network, hostPort and containerPort must be equal, and the API server sets both.
func TestAPortOfTheNodesNetworkMovesAsAWhole(t *testing.T) {
	for network, want := range map[string]int32{"true": 18080, "false": 3000} {
		before := edited(t, "containerPort: 3000", "containerPort: 3000, hostPort: 3000")
		before.Spec.HostNetwork = network == "true"
		after, _ := injected(t, before, defaults())
		if p := after.Spec.Containers[0].Ports[0]; p.ContainerPort != 18080 || p.HostPort != want {
			t.Errorf("hostNetwork %s: %v", network, p)
		}
	}
}

func TestANativeSidecarThatServesHasARoute(t *testing.T) {
	before := edited(t, "spec:\n", "spec:\n  initContainers: [{name: proxy, image: proxy:1, "+
		"restartPolicy: Always, ports: [{name: front, containerPort: 4180}]}]\n")
	before.Spec.Containers[0].Ports = nil
	after, _ := injected(t, before, defaults())
	got := variable(sidecarOf(t, after), routesVariable)
	if got != "18080=4180" || after.Spec.InitContainers[0].Ports[0].ContainerPort != 18080 {
		t.Errorf("routes %s, ports %v", got, after.Spec.InitContainers[0].Ports)
	}
}

// The kubelet starts Lameduck's init container only after the startup probe of one before it.
func TestANativeSidecarStartsWithoutLameduck(t *testing.T) {
	for _, action := range []string{"httpGet: {port: PORT}", "tcpSocket: {port: PORT}"} {
		probes := strings.ReplaceAll("startupProbe: {PROBE}, livenessProbe: {PROBE}", "PROBE", action)
		before := edited(t, "spec:\n", "spec:\n  initContainers: [{name: proxy, image: proxy:1, restartPolicy: Always, "+
			"ports: [{name: front, containerPort: 4180}], "+strings.ReplaceAll(probes, "PORT", "front")+
			", readinessProbe: {httpGet: {port: front}}}]\n")
		before.Spec.Containers[0].Ports = nil
		after, _ := injected(t, before, defaults())
		got := after.Spec.InitContainers[0]
		for _, name := range []string{"startupProbe", "livenessProbe"} {
			if number := probedPort(&got, probe(&got, name)); number != 4180 {
				t.Errorf("%s: the %s is of port %d", action, name, number)
			}
		}
		if got.ReadinessProbe.HTTPGet.Port != intstr.FromString("front") {
			t.Errorf("%s: the readiness probe is of port %v", action, got.ReadinessProbe.HTTPGet.Port)
		}
		expectEqual(t, "uninject", uninjected(t, after), before)
	}
}

func TestPortsOfInitContainersDoNotServe(t *testing.T) {
	before := edited(t, "spec:\n", "spec:\n  initContainers: [{name: once, image: once:1, ports: "+
		"[{containerPort: 4180}]}]\n")
	after, _ := injected(t, before, defaults())
	if variable(sidecarOf(t, after), routesVariable) != "18080=3000" {
		t.Errorf("routes %v", sidecarOf(t, after).Env)
	}
}

func service(name string, cluster string, ports ...corev1.ServicePort) *corev1.Service {
	s := &corev1.Service{}
	s.Name, s.Spec.ClusterIP, s.Spec.Selector, s.Spec.Ports = name, cluster,
		map[string]string{"app": "web"}, ports
	return s
}
