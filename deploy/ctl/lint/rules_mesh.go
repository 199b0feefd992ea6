package lint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// meshRules are about a mesh's proxy between the kubelet and the hook.
var meshRules = []Rule{
	{
		ID: "istio-rewrites-hook", Severity: Error,
		needs: []string{"namespaces"},
		Title: "Istio's agent takes the hook over, and may end before it is answered",
		Explanation: `Istio rewrites httpGet hooks to go through its agent. In a pod whose Lameduck is a plain container the agent is one too, gets SIGTERM with everybody
else and may end in the middle of the hold: the hook fails and the app gets SIGTERM. Use the shape native with Istio's native sidecars, or turn
rewriting off (sidecar.istio.io/rewriteAppHTTPProbers: "false") and leave the admin port out of the mesh
(traffic.sidecar.istio.io/excludeInboundPorts).`,
		check: eachProtected(istioRewrites),
	},
	{
		ID: "mesh-captures-hook", Severity: Warning,
		needs: []string{"namespaces"},
		Title: "a mesh takes over the connection of the kubelet's hook",
		Explanation: `The kubelet is in no mesh. Where a mesh's proxy accepts the connection to Lameduck's admin port, mutual TLS refuses the hook, or the proxy's end cuts
it, and the app gets SIGTERM at once. Leave the port out of the mesh: traffic.sidecar.istio.io/excludeInboundPorts or
config.linkerd.io/skip-inbound-ports.`,
		check: eachProtected(meshCaptures),
	},
}

// A mesh is known by annotations and labels of the pod or its namespace, or by its container.
type mesh struct {
	name      string
	proxy     string            // its container
	pod       map[string]string // annotations or labels of the pod that let it in
	namespace map[string]string // labels of the namespace that do; empty: whatever the value
	off       map[string]string // annotations or labels of the pod that keep it out
	exclude   string            // annotation with the ports that it leaves alone
}

var istio = mesh{
	"Istio", "istio-proxy",
	map[string]string{"sidecar.istio.io/inject": "true"},
	map[string]string{"istio-injection": "enabled", "istio.io/rev": ""},
	map[string]string{"sidecar.istio.io/inject": "false"},
	"traffic.sidecar.istio.io/excludeInboundPorts",
}

var linkerd = mesh{
	"Linkerd", "linkerd-proxy",
	map[string]string{"linkerd.io/inject": "enabled"},
	map[string]string{"linkerd.io/inject": "enabled"},
	map[string]string{"linkerd.io/inject": "disabled"},
	"config.linkerd.io/skip-inbound-ports",
}

func (m *mesh) has(w *workload) bool {
	t := w.template
	switch {
	case says(t.Annotations, m.off) || says(t.Labels, m.off):
		return false
	case says(t.Annotations, m.pod) || says(t.Labels, m.pod) || says(w.in.namespaces[w.namespace()], m.namespace):
		return true
	}
	return slices.ContainsFunc(append(t.Spec.Containers, t.Spec.InitContainers...), func(c corev1.Container) bool { return c.Name == m.proxy })
}

// says tells whether labels or annotations have one of those that are wanted.
func says(have, want map[string]string) bool {
	for key, value := range want {
		if v, ok := have[key]; ok && (value == "" || v == value) {
			return true
		}
	}
	return false
}

// leavesOut tells whether the mesh leaves a port alone.
func (m *mesh) leavesOut(w *workload, port int32) bool {
	for p := range strings.SplitSeq(w.template.Annotations[m.exclude], ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(p), "-")
		if !isRange {
			last = first
		}
		if first == "*" || portNumber(first) != 0 && portNumber(first) <= port && port <= portNumber(last) {
			return true
		}
	}
	return false
}

// callsHold tells whether a container has the hook that goes to Lameduck over the network.
func (w *workload) callsHold() bool {
	return slices.ContainsFunc(w.apps(), func(c container) bool { return w.duck.holds(c) && !w.duck.wraps(c) })
}

const rewriteAnnotation = "sidecar.istio.io/rewriteAppHTTPProbers"

func (w *workload) annotation(name string) *field.Path { return w.meta.Child("annotations").Key(name) }

func istioRewrites(w *workload, d *duck, say say) {
	if d.shape != plain || !istio.has(w) || !w.callsHold() || w.template.Annotations[rewriteAnnotation] == "false" {
		return
	}
	say(w.annotation(rewriteAnnotation), "the hook goes through Istio's agent, which gets SIGTERM with Lameduck, so the app may be let go in the middle of the hold",
		fmt.Sprintf(`use the shape native, or say %s: "false" and %s: "%d"`, rewriteAnnotation, istio.exclude, d.admin))
}

func meshCaptures(w *workload, d *duck, say say) {
	for _, m := range []*mesh{&istio, &linkerd} {
		if m.has(w) && w.callsHold() && !m.leavesOut(w, d.admin) {
			say(w.annotation(m.exclude), fmt.Sprintf("%s takes over the kubelet's connection to port %d, so the hook may fail and the app get SIGTERM at once", m.name, d.admin),
				m.exclude+`: "`+strconv.Itoa(int(d.admin))+`" in the pod's annotations`)
		}
	}
}

// portNumber returns a port as a number, or 0 if the text is none.
func portNumber(text string) int32 {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0
	}
	return int32(n)
}
