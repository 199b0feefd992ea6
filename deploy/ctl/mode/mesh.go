package mode

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// meshPrefixes are those of annotations and labels of service meshes, with their names.
var meshPrefixes = map[string]string{
	"sidecar.istio.io/": "Istio", "traffic.sidecar.istio.io/": "Istio", "proxy.istio.io/": "Istio",
	"istio.io/rev": "Istio", "linkerd.io/inject": "Linkerd", "config.linkerd.io/": "Linkerd",
}

// meshOf returns the name of the mesh that annotations or labels add a pod to, or an empty string.
func meshOf(t *corev1.PodTemplateSpec) string {
	for _, set := range []map[string]string{t.Labels, t.Annotations} {
		if set["sidecar.istio.io/inject"] == "false" || set["linkerd.io/inject"] == "disabled" {
			return ""
		}
	}
	for _, set := range []map[string]string{t.Labels, t.Annotations} {
		for _, key := range slices.Sorted(maps.Keys(set)) {
			for _, prefix := range slices.Sorted(maps.Keys(meshPrefixes)) {
				if strings.HasPrefix(key, prefix) {
					return meshPrefixes[prefix]
				}
			}
		}
	}
	return ""
}

// meshObstacles returns the annotations of meshes that have a port's number, of the pod, its
// namespace and its Services. In those of a Service a number may also be that of the Service.
func (a *Around) meshObstacles(p Pod) obstacles {
	found := p.meshAnnotations(p.Template.Annotations, "")
	found = append(found, p.meshAnnotations(a.Annotations, " of the namespace")...)
	for _, s := range a.Services {
		if Selects(s, p.labels()) {
			found = append(found, p.meshAnnotations(s.Annotations, " of Service "+s.Name)...)
		}
	}
	return found
}

func (p Pod) meshAnnotations(annotations map[string]string, of string) obstacles {
	var found obstacles
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		if !strings.HasPrefix(key, "config.linkerd.io/") && !strings.Contains(key, "istio.io/") {
			continue
		}
		if n, has := p.numberIn(annotations[key]); has && strings.Contains(strings.ToLower(key), "ports") {
			found = append(found, obstacle{fmt.Sprintf("annotation %s%s has port %d as a number", key, of, n), ""})
		}
	}
	return found
}
