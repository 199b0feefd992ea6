package lint

import (
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// A policy is a NetworkPolicy for ingress.
type policy struct {
	object
	*networkingv1.NetworkPolicy
	selector labels.Selector
}

func newPolicy(p *networkingv1.NetworkPolicy, locate Locator) *policy {
	selector := selectorOf(&p.Spec.PodSelector)
	egressOnly := len(p.Spec.PolicyTypes) > 0 && !slices.Contains(p.Spec.PolicyTypes,
		networkingv1.PolicyTypeIngress)
	if egressOnly {
		selector = labels.Nothing()
	}
	return &policy{newObject("NetworkPolicy", p.ObjectMeta, locate), p, selector}
}

func (p *policy) selects(w *workload) bool {
	return p.object.namespace() == w.namespace() && w.isSelectedBy(p.selector)
}

// allows reports whether any client may connect to a port of the workload's pods.
func (p *policy) allows(w *workload, port int32) bool {
	return slices.ContainsFunc(p.Spec.Ingress, func(r networkingv1.NetworkPolicyIngressRule) bool {
		return len(r.Ports) == 0 || slices.ContainsFunc(r.Ports,
			func(entry networkingv1.NetworkPolicyPort) bool {
				return isForTCP(entry) && (entry.Port == nil || covers(w, entry, port))
			})
	})
}

// isForTCP reports whether an entry is for TCP, the default.
func isForTCP(entry networkingv1.NetworkPolicyPort) bool {
	return entry.Protocol == nil || isTCP(*entry.Protocol)
}

// covers reports whether an entry, which may be a range, has a port.
func covers(w *workload, entry networkingv1.NetworkPolicyPort, port int32) bool {
	first := entry.Port.IntVal
	if entry.Port.Type == intstr.String {
		first = w.port(*entry.Port)
	}
	last := first
	if entry.EndPort != nil {
		last = *entry.EndPort
	}
	return first <= port && port <= last
}

// allowing returns the first policy of the workload that allows a port, or nil. Policies are additive.
func (w *workload) allowing(port int32) *policy {
	i := slices.IndexFunc(w.policies, func(p *policy) bool { return p.allows(w, port) })
	if i < 0 {
		return nil
	}
	return w.policies[i]
}
