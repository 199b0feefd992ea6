package inject

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"lameduck/cmd/lameduck/config"
)

// failHealthChecks makes the load balancer's health checks fail during the drain.
func (j *injection) failHealthChecks() {
	lb := j.settings.preset().Title
	if !j.choice.Mode.Relays() {
		j.note("spec.containers", "%s stops routing to the pod sooner if its HTTP health check fails, which "+
			"Lameduck cannot do for a port that it observes", lb)
		return
	}
	path, field := j.healthPath()
	if path == "" {
		j.note("spec.containers", "%s stops routing to the pod sooner if its HTTP health check fails: if it "+
			"has one, set %s in %senv to the path of that check", lb, healthVariable, AnnotationPrefix)
		return
	}
	j.setDefault(healthVariable, path)
	j.note(field, "while draining, requests for %s are answered with 503, so that %s stops routing to the "+
		"pod; the kubelet's are not. Set %s in %senv if the load balancer checks another path", path, lb,
		healthVariable, AnnotationPrefix)
}

// healthPath returns the path that the load balancer most likely checks: that of the readiness
// probe of a port that is relayed. It returns an empty path if there is none, or if clients may
// request it too, as they do the root.
func (j *injection) healthPath() (path, field string) {
	for _, r := range j.routes {
		for _, c := range allContainers(&j.pod.Spec) {
			if c.Name != r.container || c.ReadinessProbe == nil {
				continue
			}
			path := pathOf(c.ReadinessProbe.HTTPGet, r)
			if path != "" && config.Check(healthVariable, path) == nil {
				return path, c.field() + ".readinessProbe.httpGet.path"
			}
		}
	}
	return "", ""
}

// pathOf returns the path of a probe of the port of a route, without the query. A comma would
// separate two paths, and a dollar sign may refer to a variable. A path in TLS is not seen.
func pathOf(get *corev1.HTTPGetAction, r Route) string {
	if get == nil || get.Scheme == corev1.URISchemeHTTPS {
		return ""
	}
	if get.Port != intstr.FromInt32(r.App) && (r.Name == "" || get.Port != intstr.FromString(r.Name)) {
		return ""
	}
	path, _, _ := strings.Cut(get.Path, "?")
	if path == "/" || strings.ContainsAny(path, ",$") {
		return ""
	}
	return path
}
