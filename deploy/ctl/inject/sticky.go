package inject

import (
	"maps"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"

	"lameduck/deploy/ctl/mode"
)

// Sticky returns the annotation of an Ingress or a Service that binds clients to a pod by a cookie,
// or an empty string. A controller may route the requests of such clients to a pod that terminates,
// for as long as the pod is ready.
func Sticky(annotations map[string]string) string {
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		if isSticky(key, annotations[key]) {
			return key
		}
	}
	return ""
}

func isSticky(key, value string) bool {
	controller, name, _ := strings.Cut(key, "/")
	switch controller {
	case "nginx.ingress.kubernetes.io", "haproxy-ingress.github.io", "ingress.kubernetes.io":
		return name == "affinity" && value == "cookie"
	case "haproxy.org", "haproxy.com":
		return strings.HasPrefix(name, "cookie-persistence") && value != ""
	case "traefik.ingress.kubernetes.io":
		const cookie = "service.sticky.cookie"
		return name == "affinity" && value == "true" || name == cookie && value == "true" ||
			strings.HasPrefix(name, cookie+".")
	}
	return false
}

// UnreadyVariable makes readiness fail in a drain. UnreadyAfter is its value where sessions are
// sticky: by then the other clients have left.
const (
	UnreadyVariable = "LAMEDUCK_UNREADY_AFTER"
	UnreadyAfter    = "5s"
)

// RoutesTo reports whether an Ingress routes to a Service of its namespace.
func RoutesTo(i *networkingv1.Ingress, service string) bool {
	is := func(b *networkingv1.IngressBackend) bool {
		return b != nil && b.Service != nil && b.Service.Name == service
	}
	if is(i.Spec.DefaultBackend) {
		return true
	}
	for _, rule := range i.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		if slices.ContainsFunc(rule.HTTP.Paths, func(p networkingv1.HTTPIngressPath) bool {
			return is(&p.Backend)
		}) {
			return true
		}
	}
	return false
}

// stickyAround returns the Service or the Ingress that binds clients to a pod with given labels, such
// as "Ingress web", or an empty string.
func stickyAround(a *mode.Around, pod labels.Set) string {
	if a == nil {
		return ""
	}
	for _, s := range a.Services {
		if !mode.Selects(s, pod) {
			continue
		}
		if Sticky(s.Annotations) != "" {
			return "Service " + s.Name
		}
		for _, i := range a.Ingresses {
			if Sticky(i.Annotations) != "" && RoutesTo(i, s.Name) {
				return "Ingress " + i.Name
			}
		}
	}
	return ""
}

// releaseSessions makes a controller move the sticky sessions of a terminating pod.
func (j *injection) releaseSessions() error {
	sticky := stickyAround(j.around, j.pod.Labels)
	if sticky == "" || j.sets(UnreadyVariable) {
		return nil
	}
	j.setDefault(UnreadyVariable, UnreadyAfter)
	j.note("spec.containers", "%s has sticky sessions, and a controller keeps routing their requests to a "+
		"terminating pod that is ready: readiness fails %s after the beginning of a drain (%s)", sticky,
		UnreadyAfter, UnreadyVariable)
	return nil
}
