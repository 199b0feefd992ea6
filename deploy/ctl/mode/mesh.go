package mode

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// The names of the service meshes.
const (
	Istio        = "Istio"
	IstioAmbient = "Istio's ambient mode"
	Linkerd      = "Linkerd"
	Kuma         = "Kuma"
	Consul       = "Consul"
)

// A mesh is a service mesh, and how pods get into it. Some meshes read labels, some annotations and
// some both, so that both count for all.
type mesh struct {
	name     string
	prefixes []string // of annotations and labels of its pods
	pods     settings // of its pods
	spaces   settings // of namespaces with pods in it, unless they opt out
	off      settings // of pods that opt out
}

// settings are labels or annotations with their values. A key without values may have any.
type settings map[string][]string

var meshes = []mesh{
	{
		name:     Istio,
		prefixes: []string{"sidecar.istio.io/", "traffic.sidecar.istio.io/", "proxy.istio.io/", "istio.io/rev"},
		spaces:   settings{"istio-injection": {"enabled"}, "istio.io/rev": nil},
		off:      settings{"sidecar.istio.io/inject": {"false"}},
	},
	{
		name:   IstioAmbient,
		pods:   settings{"istio.io/dataplane-mode": {"ambient"}},
		spaces: settings{"istio.io/dataplane-mode": {"ambient"}},
		off:    settings{"istio.io/dataplane-mode": {"none"}},
	},
	{
		name:     Linkerd,
		prefixes: []string{"linkerd.io/inject", "config.linkerd.io/"},
		spaces:   settings{"linkerd.io/inject": {"enabled", "ingress"}},
		off:      settings{"linkerd.io/inject": {"disabled"}},
	},
	{
		name:     Kuma,
		prefixes: []string{"kuma.io/sidecar-injection"},
		spaces:   settings{"kuma.io/sidecar-injection": {"enabled", "true"}},
		off:      settings{"kuma.io/sidecar-injection": {"disabled", "false"}},
	},
	{
		name:     Consul,
		prefixes: []string{"consul.hashicorp.com/connect-inject"},
		off:      settings{"consul.hashicorp.com/connect-inject": {"false"}},
	},
}

// Mesh returns the name of the mesh that a pod gets into by its own annotations or labels, or by
// those of its namespace, or an empty string.
func (a *Around) Mesh(t *corev1.PodTemplateSpec) string {
	for _, m := range meshes {
		switch pod := []map[string]string{t.Labels, t.Annotations}; {
		case m.off.in(pod...):
		case m.pods.in(pod...), m.hasPrefix(t.Labels), m.hasPrefix(t.Annotations):
			return m.name
		case a != nil && m.spaces.in(a.Labels, a.Annotations):
			return m.name
		}
	}
	return ""
}

// in reports whether one of the sets has one of the settings.
func (s settings) in(sets ...map[string]string) bool {
	for _, set := range sets {
		for key, values := range s {
			value, is := set[key]
			if is && (values == nil || slices.Contains(values, value)) {
				return true
			}
		}
	}
	return false
}

func (m *mesh) hasPrefix(set map[string]string) bool {
	for key := range set {
		if slices.ContainsFunc(m.prefixes, func(p string) bool { return strings.HasPrefix(key, p) }) {
			return true
		}
	}
	return false
}

// portAnnotations are what the keys of annotations of meshes with ports have in them.
var portAnnotations = []struct{ domain, part string }{
	{"config.linkerd.io/", "ports"}, {"istio.io/", "ports"}, {"kuma.io/", "ports"},
	{"consul.hashicorp.com/", "port"}, // as connect-service-port
}

// meshObstacles returns the annotations of meshes that have a port's number, of the pod, its
// namespace and its Services. In those of a Service a number may also be that of the Service.
func (a *Around) meshObstacles(p Pod) obstacles {
	found := p.meshAnnotations(p.Template.Annotations, "")
	found = append(found, p.meshAnnotations(a.Annotations, " of the namespace")...)
	for _, s := range a.Services {
		if Selects(s, p.labels()) || maySelectLater(s, p.labels()) {
			found = append(found, p.meshAnnotations(s.Annotations, " of Service "+s.Name)...)
		}
	}
	return found
}

func (p Pod) meshAnnotations(annotations map[string]string, of string) obstacles {
	var found obstacles
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		if !isPortAnnotation(key) {
			continue
		}
		if n, has := p.numberIn(annotations[key]); has {
			found = append(found, obstacle{fmt.Sprintf("annotation %s%s has port %d as a number", key, of, n), ""})
		}
	}
	return found
}

func isPortAnnotation(key string) bool {
	for _, a := range portAnnotations {
		if strings.Contains(key, a.domain) && strings.Contains(strings.ToLower(key), a.part) {
			return true
		}
	}
	return false
}
