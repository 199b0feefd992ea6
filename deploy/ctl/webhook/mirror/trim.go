package mirror

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"lameduck/deploy/ctl/mode"
)

// trimmed converts an object and keeps what identifies it, its labels and its annotations.
func trimmed[T any](o any, into *T, meta func(*T) *metav1.ObjectMeta) (any, error) {
	object, is := o.(*unstructured.Unstructured)
	if !is {
		return o, nil // it has been converted already, or is the tombstone of a deletion
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, into); err != nil {
		return nil, fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
	}
	m := meta(into)
	*m = metav1.ObjectMeta{
		Name: m.Name, Namespace: m.Namespace, Labels: m.Labels, Annotations: m.Annotations,
		UID: m.UID, ResourceVersion: m.ResourceVersion,
	}
	return into, nil
}

func trimService(o any) (any, error) {
	return trimmed(o, new(corev1.Service), func(s *corev1.Service) *metav1.ObjectMeta {
		s.Status = corev1.ServiceStatus{}
		return &s.ObjectMeta
	})
}

func trimNamespace(o any) (any, error) {
	return trimmed(o, new(corev1.Namespace), func(n *corev1.Namespace) *metav1.ObjectMeta { return &n.ObjectMeta })
}

func trimPolicy(o any) (any, error) {
	return trimmed(o, new(networkingv1.NetworkPolicy), func(p *networkingv1.NetworkPolicy) *metav1.ObjectMeta {
		return &p.ObjectMeta
	})
}

func trimIngress(o any) (any, error) {
	return trimmed(o, new(networkingv1.Ingress), func(i *networkingv1.Ingress) *metav1.ObjectMeta {
		i.Status = networkingv1.IngressStatus{}
		return &i.ObjectMeta
	})
}

func trimLimitRange(o any) (any, error) {
	return trimmed(o, new(corev1.LimitRange), func(l *corev1.LimitRange) *metav1.ObjectMeta { return &l.ObjectMeta })
}

func trimQuota(o any) (any, error) {
	return trimmed(o, new(corev1.ResourceQuota), func(q *corev1.ResourceQuota) *metav1.ObjectMeta { return &q.ObjectMeta })
}

// other is a policy of another kind, with what identifies it in a store.
type other struct {
	metav1.ObjectMeta
	policy mode.Policy
}

func trimOther(kind string) trim {
	return func(o any) (any, error) {
		object, is := o.(*unstructured.Unstructured)
		if !is {
			return o, nil
		}
		return &other{
			metav1.ObjectMeta{
				Name: object.GetName(), Namespace: object.GetNamespace(), UID: object.GetUID(),
				ResourceVersion: object.GetResourceVersion(),
			},
			mode.NewPolicy(kind, object.GetNamespace(), object.GetName(), object.Object),
		}, nil
	}
}
