package webhook

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"lameduck/deploy/ctl/inject"
)

// Leaves returns why the webhook does not change a pod with annotations, or an empty string: the pod
// was injected before it came here, or is the mirror of a static pod, which the kubelet runs from
// its file.
func Leaves(annotations map[string]string) string {
	_, mirror := annotations[corev1.MirrorPodAnnotationKey]
	_, isInjected := annotations[inject.InjectedAnnotation]
	_, byUs := annotations[InjectedByAnnotation]
	switch {
	case mirror:
		return "it is the mirror of a static pod, which the kubelet runs from its file"
	case isInjected && !byUs:
		return "it was injected before, for example by lameduckctl inject"
	}
	return ""
}

// Refuses returns why the webhook injects no pod of a namespace, or an empty string.
func (c Config) Refuses(namespace string) string {
	switch {
	case c.Paused:
		return "the webhook is paused"
	case namespace == c.Namespace:
		return "this is the namespace of the webhook"
	case slices.Contains(systemNamespaces, namespace), slices.Contains(c.Never, namespace):
		return "namespace " + namespace + " is never injected"
	}
	return ""
}
