package lint

import (
	"cmp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lameduck/deploy/ctl/mode"
)

// around returns what the webhook knows of the namespace of a workload.
func (w *workload) around() *mode.Around {
	a := &mode.Around{Namespace: w.namespace()}
	a.Labels, a.Annotations = w.in.namespaces[a.Namespace], w.in.annotations[a.Namespace]
	for _, s := range w.in.services {
		if s.object.namespace() == a.Namespace {
			a.Services = append(a.Services, s.Service)
		}
	}
	for _, p := range w.in.policies {
		policy := *p.NetworkPolicy
		policy.Namespace = p.object.namespace()
		a.Policies = append(a.Policies, &policy)
	}
	a.Others = w.in.others
	a.Ingresses = ofNamespace(w.in.ingresses, a.Namespace)
	a.LimitRanges = ofNamespace(w.in.ranges, a.Namespace)
	a.Quotas = ofNamespace(w.in.quotas, a.Namespace)
	return a
}

// ofNamespace returns the objects of a namespace. Manifests without one are of the default namespace.
func ofNamespace[T metav1.Object](all []T, namespace string) (found []T) {
	for _, o := range all {
		if cmp.Or(o.GetNamespace(), metav1.NamespaceDefault) == namespace {
			found = append(found, o)
		}
	}
	return found
}
