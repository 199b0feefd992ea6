package inject

import (
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// ForPolicies returns the plan with notes on the network policies that would keep clients out: those that let them in to the app's port by its number, and
// not to Lameduck's.
func (p Plan) ForPolicies(pod labels.Set, policies []*networkingv1.NetworkPolicy) Plan {
	for _, policy := range policies {
		selector, err := metav1.LabelSelectorAsSelector(&policy.Spec.PodSelector)
		if err != nil || !selector.Matches(pod) {
			continue // the API server refuses one that cannot be read
		}
		for _, r := range p.Routes {
			now, then := r.App, r.Listen
			if p.ejects {
				now, then = then, now
			}
			if admits(policy, now, r.Name) && !admits(policy, then, r.Name) {
				p.Notes = append(p.Notes, Note{Field: r.field(), Text: fmt.Sprintf("NetworkPolicy %s lets clients in to %d and not to %d: let it say both before the rollout",
					policy.Name, now, then)})
			}
		}
	}
	return p
}

// admits says whether a policy lets anybody in to a port.
func admits(policy *networkingv1.NetworkPolicy, number int32, name string) bool {
	for _, rule := range policy.Spec.Ingress {
		if len(rule.Ports) == 0 {
			return true
		}
		for _, port := range rule.Ports {
			if port.Port == nil || *port.Port == intstr.FromString(name) || port.Port.Type == intstr.Int && within(number, port) {
				return true
			}
		}
	}
	return false
}

// within says whether a number is that of an entry, or of its range.
func within(number int32, entry networkingv1.NetworkPolicyPort) bool {
	last := entry.Port.IntVal
	if entry.EndPort != nil {
		last = *entry.EndPort
	}
	return entry.Port.IntVal <= number && number <= last
}
