package inject

import (
	"slices"
	"strconv"
	"strings"
)

// A mesh takes a pod's connections over, but for the ports of an annotation.
type mesh struct {
	prefixes []string // of annotations and labels that say that a pod is in it
	exclude  string   // annotation with the ports that it leaves alone
}

var meshes = []mesh{
	{[]string{"sidecar.istio.io/", "traffic.sidecar.istio.io/", "proxy.istio.io/", "istio.io/rev"}, "traffic.sidecar.istio.io/excludeInboundPorts"},
	{[]string{"linkerd.io/inject", "config.linkerd.io/"}, "config.linkerd.io/skip-inbound-ports"},
}

// off are the values that keep a pod out of a mesh.
var off = map[string]string{"sidecar.istio.io/inject": "false", "linkerd.io/inject": "disabled"}

// pass leaves the admin port out of the meshes that the pod is in: the kubelet calls the hook there, and is in no mesh.
func (j *injection) pass() error {
	for _, m := range meshes {
		if !m.has(j.pod.Annotations) && !m.has(j.pod.Labels) {
			continue
		}
		was, said := j.pod.Annotations[m.exclude]
		if slices.Contains(list(was), strconv.Itoa(AdminPort)) {
			continue
		}
		excluded := excludedPorts{Annotation: m.exclude}
		if said {
			excluded.Was = &was
		}
		excluded.Is = strings.Join(append(list(was), strconv.Itoa(AdminPort)), ",")
		j.annotate(m.exclude, excluded.Is)
		j.record.Excluded = append(j.record.Excluded, excluded)
		j.note("metadata.annotations["+m.exclude+"]", "says %s too, so that the kubelet reaches the hook", strconv.Itoa(AdminPort))
	}
	return nil
}

// has says whether annotations or labels put a pod into the mesh.
func (m mesh) has(said map[string]string) bool {
	found := false
	for key, value := range said {
		if value == off[key] && value != "" {
			return false
		}
		found = found || slices.ContainsFunc(m.prefixes, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
	}
	return found
}

func (j *injection) annotate(key, value string) {
	if j.pod.Annotations == nil {
		j.pod.Annotations = make(map[string]string)
		j.record.created("annotations")
	}
	j.pod.Annotations[key] = value
}
