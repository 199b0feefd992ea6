package lint

import (
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lameduck/deploy/ctl/inject"
)

// stickyRules check for clients that are bound to a pod.
var stickyRules = []Rule{
	{
		ID: "sticky-sessions", Severity: Warning,
		needs: []string{"services", "ingresses"},
		Title: "sticky sessions keep clients at a terminating pod",
		Explanation: `An annotation of Traefik, ingress-nginx or HAProxy binds clients to a pod by a cookie.
Such a controller may route their requests to a terminating pod for as long as the pod is ready, so the
drain sees no silence. Lameduck fails readiness by itself only when a third of the maximum of the hold has
passed. Set LAMEDUCK_UNREADY_AFTER to a few seconds; lameduckctl inject does so if it gets the Service and
the Ingress too.`,
		check: eachProtected(stickySessions),
	},
}

func stickySessions(w *workload, d *sidecar, report objectReporter) {
	source, annotation := w.stickySource()
	if source == "" || d.unknown || d.config.UnreadyAfter > 0 {
		return
	}
	report(d.setting(inject.UnreadyVariable),
		fmt.Sprintf("%s has sticky sessions (%s), so their requests may arrive for as long as the pod is "+
			"ready", source, annotation),
		fmt.Sprintf("set %s to %s", inject.UnreadyVariable, inject.UnreadyAfter))
}

// stickySource returns the Service or the Ingress that binds clients to the pods of a workload, and
// the annotation.
func (w *workload) stickySource() (source, annotation string) {
	for _, s := range w.services {
		if key := inject.Sticky(s.Service.Annotations); key != "" {
			return "Service " + s.object.Name, key
		}
	}
	for _, i := range w.in.ingresses {
		if key := inject.Sticky(i.Annotations); key != "" && w.isBehind(i) {
			return "Ingress " + i.Name, key
		}
	}
	return "", ""
}

// isBehind reports whether an Ingress routes to a Service of the workload.
func (w *workload) isBehind(i *networkingv1.Ingress) bool {
	o := newObject("Ingress", metav1.ObjectMeta{Namespace: i.Namespace}, nil)
	if o.namespace() != w.namespace() {
		return false
	}
	for _, s := range w.services {
		if inject.RoutesTo(i, s.object.Name) {
			return true
		}
	}
	return false
}
