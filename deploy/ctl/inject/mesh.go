package inject

import (
	"slices"
	"strconv"
	"strings"
)

// A mesh intercepts all connections of a pod, except those to the ports in an annotation.
type mesh struct {
	prefixes []string // of the annotations and labels of pods in the mesh
	exclude  string   // annotation with the excluded ports
}

var meshes = []mesh{
	{
		[]string{"sidecar.istio.io/", "traffic.sidecar.istio.io/", "proxy.istio.io/", "istio.io/rev"},
		"traffic.sidecar.istio.io/excludeInboundPorts",
	},
	{[]string{"linkerd.io/inject", "config.linkerd.io/"}, "config.linkerd.io/skip-inbound-ports"},
}

// off has the values that opt a pod out of a mesh.
var off = map[string]string{"sidecar.istio.io/inject": "false", "linkerd.io/inject": "disabled"}

// excludeFromMesh excludes the admin port from the meshes of the pod, since the kubelet calls the
// hook from outside of any mesh.
func (j *injection) excludeFromMesh() error {
	for _, m := range meshes {
		if !m.has(j.pod.Annotations) && !m.has(j.pod.Labels) {
			continue
		}
		was, set := j.pod.Annotations[m.exclude]
		if slices.Contains(list(was), strconv.Itoa(AdminPort)) {
			continue
		}
		excluded := excludedPorts{Annotation: m.exclude}
		if set {
			excluded.Was = &was
		}
		excluded.Is = strings.Join(append(list(was), strconv.Itoa(AdminPort)), ",")
		j.annotate(m.exclude, excluded.Is)
		j.record.Excluded = append(j.record.Excluded, excluded)
		j.note("metadata.annotations["+m.exclude+"]", "%d is added, so that the kubelet reaches the hook",
			AdminPort)
	}
	return nil
}

// has reports whether annotations or labels add a pod to the mesh.
func (m mesh) has(labels map[string]string) bool {
	found := false
	for key, value := range labels {
		if value == off[key] && value != "" {
			return false
		}
		found = found || slices.ContainsFunc(m.prefixes, func(p string) bool {
			return strings.HasPrefix(key,
				p)
		})
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
