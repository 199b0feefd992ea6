package inject

import (
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"lameduck/deploy/ctl/mode"
)

// ForPolicies returns the plan with notes on network policies that would block clients: those that
// allow the app's port by number, and not Lameduck's.
func (p Plan) ForPolicies(pod labels.Set, policies []*networkingv1.NetworkPolicy) Plan {
	for _, policy := range policies {
		selector, err := metav1.LabelSelectorAsSelector(&policy.Spec.PodSelector)
		if err != nil || !selector.Matches(pod) {
			continue // the API server rejects malformed selectors
		}
		for _, r := range p.Routes {
			if p.Choice.Mode == mode.Redirect { // clients connect to the same port
				continue
			}
			now, then := r.App, r.Listen
			if p.uninject {
				now, then = then, now
			}
			if allows(policy, now, r.Name) && !allows(policy, then, r.Name) {
				p.Notes = append(p.Notes, Note{r.field(), fmt.Sprintf(
					"NetworkPolicy %s allows port %d and not %d: allow both before the rollout", policy.Name,
					now, then)})
			}
		}
	}
	return p
}

// allows reports whether a policy allows any client to connect to a port.
func allows(policy *networkingv1.NetworkPolicy, number int32, name string) bool {
	for _, rule := range policy.Spec.Ingress {
		if len(rule.Ports) == 0 {
			return true
		}
		for _, port := range rule.Ports {
			if port.Protocol != nil && !tcp(*port.Protocol) {
				continue
			}
			if port.Port == nil || *port.Port == intstr.FromString(name) ||
				port.Port.Type == intstr.Int && within(number, port) {
				return true
			}
		}
	}
	return false
}

// within reports whether a port number is in the range of an entry.
func within(number int32, entry networkingv1.NetworkPolicyPort) bool {
	last := entry.Port.IntVal
	if entry.EndPort != nil {
		last = *entry.EndPort
	}
	return entry.Port.IntVal <= number && number <= last
}
