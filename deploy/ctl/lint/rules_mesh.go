package lint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lameduck/deploy/ctl/inject"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// meshRules check for mesh proxies between the kubelet and the hook.
var meshRules = []Rule{
	{
		ID: "istio-rewrites-hook", Severity: Error,
		needs: []string{"namespaces"},
		Title: "Istio's agent proxies the hook and may exit before it is answered",
		Explanation: `Istio rewrites httpGet hooks to go through its agent. In a pod with Lameduck as a plain
container the agent is a plain container too, which gets SIGTERM at the same time and may exit during the
hold. Then the hook fails and the app gets SIGTERM. Use the shape native with Istio's native sidecars, or
disable rewriting (sidecar.istio.io/rewriteAppHTTPProbers: "false") and exclude the admin port from the mesh
(traffic.sidecar.istio.io/excludeInboundPorts).`,
		check: eachProtected(istioRewrites),
	},
	{
		ID: "mesh-captures-hook", Severity: Warning,
		needs: []string{"namespaces"},
		Title: "a service mesh intercepts the kubelet's hook",
		Explanation: `The kubelet is not in the mesh. If a mesh proxy intercepts connections to Lameduck's
admin port, mutual TLS rejects the hook, or the proxy exits during it, and the app gets SIGTERM at once.
Exclude the port from the mesh with traffic.sidecar.istio.io/excludeInboundPorts or
config.linkerd.io/skip-inbound-ports.`,
		check: eachProtected(meshCaptures),
	},
}

// A mesh is detected by annotations and labels of the pod or its namespace, or by its container.
type mesh struct {
	name      string
	proxy     string            // name of its container
	pod       map[string]string // annotations or labels of pods in the mesh
	namespace map[string]string // labels or annotations of namespaces in the mesh; an empty value matches any
	off       map[string]string // annotations or labels of pods that opt out
	exclude   string            // annotation with the excluded ports
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
	case hasAny(t.Annotations, m.off) || hasAny(t.Labels, m.off):
		return false
	case hasAny(t.Annotations, m.pod) || hasAny(t.Labels, m.pod) || m.hasNamespace(w.in, w.namespace()):
		return true
	}
	isProxy := func(c corev1.Container) bool { return c.Name == m.proxy }
	return slices.ContainsFunc(t.Spec.Containers, isProxy) || slices.ContainsFunc(t.Spec.InitContainers,
		isProxy)
}

// hasNamespace reports whether the mesh has the pods of a namespace. Istio reads a label of it, and
// Linkerd an annotation.
func (m *mesh) hasNamespace(in *Inventory, name string) bool {
	return hasAny(in.namespaces[name], m.namespace) || hasAny(in.annotations[name], m.namespace)
}

// hasAny reports whether labels or annotations have any of the wanted ones.
func hasAny(have, want map[string]string) bool {
	for key, value := range want {
		if v, ok := have[key]; ok && (value == "" || v == value) {
			return true
		}
	}
	return false
}

// excludes reports whether the mesh does not intercept a port.
func (m *mesh) excludes(w *workload, port int32) bool {
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

// callsHold reports whether a container has the hook that calls Lameduck over the network.
func (w *workload) callsHold() bool {
	return slices.ContainsFunc(w.apps(), func(c container) bool { return w.sidecar.holds(c) && !w.sidecar.wraps(c) })
}

const rewriteAnnotation = "sidecar.istio.io/rewriteAppHTTPProbers"

func (w *workload) annotation(name string) *field.Path { return w.meta.Child("annotations").Key(name) }

func istioRewrites(w *workload, d *sidecar, report objectReporter) {
	rewrites := w.template.Annotations[rewriteAnnotation] != "false"
	if d.shape != inject.Plain || !istio.has(w) || !w.callsHold() || !rewrites {
		return
	}
	report(w.annotation(rewriteAnnotation),
		"the hook goes through Istio's agent, which gets SIGTERM with Lameduck, so the app may be stopped "+
			"during the hold",
		fmt.Sprintf(`use the shape native, or set %s: "false" and %s: "%d"`, rewriteAnnotation, istio.exclude, d.admin))
}

func meshCaptures(w *workload, d *sidecar, report objectReporter) {
	for _, m := range []*mesh{&istio, &linkerd} {
		if m.has(w) && w.callsHold() && !m.excludes(w, d.admin) {
			report(w.annotation(m.exclude),
				fmt.Sprintf("%s intercepts the kubelet's connection to port %d, so the hook may fail and "+
					"the app may get SIGTERM at once",
					m.name, d.admin),
				fmt.Sprintf(`add the annotation %s: "%d" to the pod`, m.exclude, d.admin))
		}
	}
}

// portNumber returns a port as a number, or 0 if the text is not a number.
func portNumber(text string) int32 {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0
	}
	return int32(n)
}
