package mode

import (
	"fmt"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// policyObstacles returns the NetworkPolicies that have a port's number: those of the pods, and those
// of clients that may connect to the pods.
func (a *Around) policyObstacles(p Pod) obstacles {
	var found obstacles
	for _, policy := range a.Policies {
		number, has := a.ingressNumber(policy, p)
		if !has {
			number, has = a.egressNumber(policy, p)
		}
		if has {
			found = append(found, policyObstacle("NetworkPolicy "+policy.Name, number))
		}
	}
	return found
}

func policyObstacle(policy string, number int32) obstacle {
	return obstacle{fmt.Sprintf("%s has port %d as a number", policy, number),
		"use the name of the port in " + policy}
}

// ingressNumber returns a port of the pod that a policy of the pod has as a number.
func (a *Around) ingressNumber(policy *networkingv1.NetworkPolicy, p Pod) (int32, bool) {
	if !a.MayBe(policy.Namespace) || !hasType(policy, networkingv1.PolicyTypeIngress) ||
		!maySelect(&policy.Spec.PodSelector, p.labels()) {
		return 0, false
	}
	for _, rule := range policy.Spec.Ingress {
		if n, has := p.numberOf(rule.Ports); has {
			return n, true
		}
	}
	return 0, false
}

// egressNumber returns a port of the pod that a policy has as a number for connections to the pod.
func (a *Around) egressNumber(policy *networkingv1.NetworkPolicy, p Pod) (int32, bool) {
	for _, rule := range policy.Spec.Egress {
		if n, has := p.numberOf(rule.Ports); has && a.reaches(policy.Namespace, rule.To, p) {
			return n, true
		}
	}
	return 0, false
}

// hasType reports whether a policy is for a direction. Every policy is for ingress unless it lists
// its types.
func hasType(policy *networkingv1.NetworkPolicy, t networkingv1.PolicyType) bool {
	return len(policy.Spec.PolicyTypes) == 0 || slices.Contains(policy.Spec.PolicyTypes, t)
}

// reaches reports whether peers of an egress rule may be the pod. The addresses of pods may be in a
// block of addresses.
func (a *Around) reaches(from string, to []networkingv1.NetworkPolicyPeer, p Pod) bool {
	return len(to) == 0 || slices.ContainsFunc(to, func(peer networkingv1.NetworkPolicyPeer) bool {
		switch {
		case peer.IPBlock != nil:
			return true
		case peer.PodSelector != nil && !maySelect(peer.PodSelector, p.labels()):
			return false
		case peer.NamespaceSelector == nil:
			return a.MayBe(from)
		}
		return a.Labels == nil || selects(peer.NamespaceSelector, a.Labels)
	})
}

// numberOf returns a port of the pod that is in a list as a number or within a range.
func (p Pod) numberOf(ports []networkingv1.NetworkPolicyPort) (int32, bool) {
	for _, entry := range ports {
		if entry.Port == nil || entry.Port.Type != intstr.Int || entry.Protocol != nil && !isTCP(*entry.Protocol) {
			continue
		}
		last := entry.Port.IntVal
		if entry.EndPort != nil {
			last = *entry.EndPort
		}
		for _, port := range p.Ports {
			if entry.Port.IntVal <= port.Number && port.Number <= last {
				return port.Number, true
			}
		}
	}
	return 0, false
}
