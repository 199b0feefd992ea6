package inject

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"lameduck/deploy/ctl/mode"
)

// redirecting returns the default settings with mode redirect.
func redirecting(shape Shape) Settings {
	s := in(shape)
	s.Mode = mode.Redirect
	return s
}

func TestRedirectMovesNothingButProbesOfListeners(t *testing.T) {
	for _, shape := range []Shape{Native, Plain, Wrapper} {
		before := template(t, watched)
		after, p := injected(t, before, redirecting(shape))
		if strings.Contains(notes(p), "Service") {
			t.Errorf("%s: a Service has to change: %s", shape, notes(p))
		}
		rules := find(&after.Spec, redirectName)
		want := []string{"redirect", "3000=18080", "3001=18083", "--direct", "18084=3000", "--direct", "18085=3001"}
		if rules == nil || !slices.Equal(rules.Args, want) {
			t.Fatalf("%s: the init container is %v, want the arguments %v", shape, rules, want)
		}
		web, other := find(&after.Spec, "web"), find(&after.Spec, "other")
		if ports := web.Ports[:3]; !reflect.DeepEqual(ports, before.Spec.Containers[0].Ports) {
			t.Errorf("%s: the ports are %v", shape, ports)
		}
		if web.ReadinessProbe.HTTPGet.Port != intstr.FromString("http") ||
			web.LivenessProbe.TCPSocket.Port != intstr.FromInt32(18084) ||
			other.ReadinessProbe.GRPC.Port != 18085 || other.LivenessProbe.HTTPGet.Port != intstr.FromInt32(9100) {
			t.Errorf("%s: the probes are %v, %v", shape, web, other)
		}
		lameduck := find(&after.Spec, sidecarName)
		if shape == Wrapper {
			lameduck = web
		}
		if routes := variable(*lameduck, routesVariable); routes != "18080=3000,18083=3001" {
			t.Errorf("%s: the routes are %s", shape, routes)
		}
		twice, err := Inject(Workload{Kind: "Deployment", Template: after}, redirecting(shape))
		if err != nil || len(twice.Patch) > 0 {
			t.Errorf("%s: the second time it plans %v, error %v", shape, twice.Patch, err)
		}
		expectEqual(t, "uninject", uninjected(t, after), before)
	}
}

// The rules that a native sidecar's startup probe would need are only made after it has succeeded.
func TestRedirectLeavesTheStartOfANativeSidecarAlone(t *testing.T) {
	before := edited(t, "spec:\n", "spec:\n  initContainers: [{name: proxy, image: proxy:1, restartPolicy: Always, "+
		"ports: [{name: front, containerPort: 4180}], startupProbe: {tcpSocket: {port: 4180}}, "+
		"livenessProbe: {grpc: {port: 4180}}, readinessProbe: {tcpSocket: {port: front}}}]\n")
	before.Spec.Containers[0].Ports = nil
	after, _ := injected(t, before, redirecting(Native))
	proxy := find(&after.Spec, "proxy")
	if proxy.StartupProbe.TCPSocket.Port != intstr.FromInt32(4180) || proxy.LivenessProbe.GRPC.Port != 4180 ||
		probedPort(proxy, proxy.ReadinessProbe) == 4180 {
		t.Errorf("it becomes %v", proxy)
	}
	expectEqual(t, "uninject", uninjected(t, after), before)
}

// The rules are in place before Lameduck and the app start.
func TestRedirectRunsBeforeTheSidecar(t *testing.T) {
	after, _ := injected(t, template(t, web), redirecting(Native))
	var names []string
	for _, c := range after.Spec.InitContainers {
		names = append(names, c.Name)
	}
	if !slices.Equal(names, []string{redirectName, sidecarName}) {
		t.Errorf("init containers %v", names)
	}
}

// Except for this capability, the Pod Security level restricted admits it.
func TestRedirectHasOnlyTheCapabilityThatItNeeds(t *testing.T) {
	after, _ := injected(t, template(t, web), redirecting(Native))
	c := find(&after.Spec, redirectName).SecurityContext
	if *c.RunAsUser != 0 || *c.RunAsNonRoot || *c.AllowPrivilegeEscalation || !*c.ReadOnlyRootFilesystem ||
		!reflect.DeepEqual(c.Capabilities.Drop, []corev1.Capability{"ALL"}) ||
		!reflect.DeepEqual(c.Capabilities.Add, []corev1.Capability{"NET_ADMIN"}) ||
		c.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault || c.Privileged != nil {
		t.Errorf("security context %v", c)
	}
	if s := find(&after.Spec, sidecarName).SecurityContext; len(s.Capabilities.Add) > 0 || *s.RunAsUser == 0 {
		t.Errorf("that of the sidecar is %v", s)
	}
}

func TestRedirectReplacesAnotherModeAndIsReplaced(t *testing.T) {
	before := template(t, watched)
	for _, shape := range []Shape{Native, Plain, Wrapper} {
		for _, other := range []Settings{in(shape), observing(shape)} {
			redirected, _ := injected(t, before, redirecting(shape))
			want, _ := injected(t, before, other)
			if got, _ := injected(t, redirected, other); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: redirect, then %s: got %v, want %v", shape, other.Mode, got, want)
			}
			got, _ := injected(t, want, redirecting(shape))
			if rules := find(&got.Spec, redirectName); rules == nil || len(rules.Args) < 2 {
				t.Errorf("%s: %s, then redirect: got %v", shape, other.Mode, got)
			}
			expectEqual(t, "uninject", uninjected(t, got), before)
		}
	}
}

func TestRedirectComesBehindAMesh(t *testing.T) {
	for annotation, want := range map[string]string{
		"linkerd.io/inject: enabled": "2102", "sidecar.istio.io/inject: 'true'": "1337", "a: b": "",
		"linkerd.io/inject: enabled, config.linkerd.io/proxy-uid: '70'":         "70",
		"linkerd.io/inject: enabled, config.linkerd.io/proxy-uid: root":         "2102",
		"linkerd.io/inject: disabled, config.linkerd.io/proxy-uid: '70'":        "",
		"kuma.io/sidecar-injection: enabled":                                    "5678",
		"kuma.io/sidecar-injection: enabled, kuma.io/sidecar-uid: '71'":         "71",
		"consul.hashicorp.com/connect-inject: 'true'":                           "5995",
		"consul.hashicorp.com/connect-inject: 'true', kuma.io/sidecar-uid: '9'": "5995",
	} {
		before := edited(t, "labels: { app: web }", "labels: { app: web }, annotations: { "+annotation+" }")
		after, _ := injected(t, before, redirecting(Native))
		args := find(&after.Spec, redirectName).Args
		if at := slices.Index(args, "--behind-mesh"); (at < 0) != (want == "") || at >= 0 && args[at+1] != want {
			t.Errorf("%s: the arguments are %v", annotation, args)
		}
	}
}

// If it is allowed, auto chooses it if something refers to the number.
func TestAutoRedirectsWhereItIsAllowed(t *testing.T) {
	number := service("s", "", corev1.ServicePort{Port: 80, TargetPort: intstr.FromInt32(3000)})
	for label, want := range map[string]mode.Mode{mode.Allowed: mode.Redirect, "": mode.Observe} {
		around := &mode.Around{
			Services: []*corev1.Service{number}, Labels: map[string]string{mode.RedirectLabel: label},
		}
		p, err := Inject(Workload{Kind: "Deployment", Template: template(t, web), Around: around}, Defaults())
		if err != nil || p.Choice.Mode != want || (find(&p.Template.Spec, redirectName) != nil) != (want == mode.Redirect) {
			t.Errorf("label %q: got %s, error %v", label, p.Choice, err)
		}
	}
}

// The kubelet connects to the host of a probe, which is not the pod.
func TestAProbeWithAHostIsNotOfThePod(t *testing.T) {
	before := edited(t, "readinessProbe: { httpGet: { path: /, port: http } }",
		"readinessProbe: { tcpSocket: { host: 192.0.2.1, port: 3000 } }\n"+
			"      livenessProbe: { httpGet: { host: a.example, path: /, port: 3000 } }")
	after, _ := injected(t, before, redirecting(Native))
	if p := app(after).ReadinessProbe.TCPSocket.Port; p != intstr.FromInt32(3000) {
		t.Errorf("the probe of another host has port %s", p.String())
	}
	after, _ = injected(t, before, observing(Native))
	if got := variable(*find(&after.Spec, sidecarName), observeProbesVariable); got != "" {
		t.Errorf("it expects the probes %s", got)
	}
	before.Spec.HostNetwork = true // the node may be the host
	after, _ = injected(t, before, observing(Native))
	if got := variable(*find(&after.Spec, sidecarName), observeProbesVariable); got != "3000=10s,3000=10s" {
		t.Errorf("on the network of the node it expects the probes %q", got)
	}
}
