package mode

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Selects reports whether a Service selects pods with the given labels. Labels that pods get from their
// controller do not count. A Service without a selector selects none: somebody else writes its endpoints.
func Selects(s *corev1.Service, pod labels.Set) bool {
	if s.Spec.Type == corev1.ServiceTypeExternalName {
		return false // it is a name only
	}
	some := false
	for key, value := range s.Spec.Selector {
		if IsOfController(key) {
			continue
		}
		if own, is := pod[key]; !is || own != value {
			return false
		}
		some = true
	}
	return some
}

// maySelectLater reports whether a Service may select pods when they run.
func maySelectLater(s *corev1.Service, pod labels.Set) bool {
	return s.Spec.Type != corev1.ServiceTypeExternalName && len(s.Spec.Selector) > 0 &&
		maySelect(&metav1.LabelSelector{MatchLabels: s.Spec.Selector}, pod)
}

// Target returns the target port of a Service's port. It defaults to the number of the port.
func Target(p corev1.ServicePort) intstr.IntOrString {
	if p.TargetPort == (intstr.IntOrString{}) {
		return intstr.FromInt32(p.Port)
	}
	return p.TargetPort
}

// serviceObstacles returns the references by Services that are not names.
func (a *Around) serviceObstacles(p Pod) obstacles {
	var found obstacles
	named := false
	for _, s := range a.Services {
		selects := Selects(s, p.labels())
		if !selects && !maySelectLater(s, p.labels()) {
			continue
		}
		if s.Spec.ClusterIP == corev1.ClusterIPNone {
			found = append(found, obstacle{"Service " + s.Name + " is headless, so clients use the port's number", ""})
			continue
		}
		for _, sp := range s.Spec.Ports {
			if !isTCP(sp.Protocol) {
				continue
			}
			target := Target(sp)
			named = named || selects && target.Type == intstr.String && p.hasName(target.StrVal)
			if target.Type == intstr.Int && p.hasNumber(target.IntVal) {
				found = append(found, p.numericTarget(s.Name, sp, target.IntVal))
			}
		}
	}
	if !named && len(found) == 0 {
		return obstacles{{"no Service is known that uses the name of a port of the pods", noNamedService}}
	}
	return found
}

const noNamedService = "let a Service use the port's name, and pass its manifest to inject too"

// numericTarget returns the obstacle for a Service's port that refers to the pod's port by number.
func (p Pod) numericTarget(service string, sp corev1.ServicePort, number int32) obstacle {
	why := fmt.Sprintf("Service %s has targetPort %d, a number", service, number)
	if sp.TargetPort == (intstr.IntOrString{}) {
		why = fmt.Sprintf("Service %s has no targetPort, which means the number %d", service, number)
	}
	name := p.nameOf(number)
	if name == "" {
		return obstacle{why, fmt.Sprintf("give port %d a name and use it as targetPort of Service %s",
			number, service)}
	}
	return obstacle{why, fmt.Sprintf("use targetPort: %s in Service %s", name, service)}
}

// NumericTargets returns the ports of Services that refer to the pods by a number.
func (a *Around) NumericTargets(pod labels.Set) []corev1.ServicePort {
	return a.portsTo(pod, func(sp corev1.ServicePort) bool {
		return isTCP(sp.Protocol) && sp.TargetPort.Type == intstr.Int
	})
}

// References returns the ports of Services that refer to a port of the pods, by its number or its name.
func (a *Around) References(pod labels.Set, port Port) []corev1.ServicePort {
	return a.portsTo(pod, func(sp corev1.ServicePort) bool {
		return sp.TargetPort == intstr.FromInt32(port.Number) ||
			port.Name != "" && sp.TargetPort == intstr.FromString(port.Name)
	})
}

// portsTo returns the ports of the pods' Services for which is reports true, with their target ports.
func (a *Around) portsTo(pod labels.Set, is func(corev1.ServicePort) bool) (found []corev1.ServicePort) {
	if a == nil {
		return nil
	}
	for _, s := range a.Services {
		if !Selects(s, pod) {
			continue
		}
		for _, sp := range s.Spec.Ports {
			if sp.TargetPort = Target(sp); is(sp) {
				found = append(found, sp)
			}
		}
	}
	return found
}

func isTCP(p corev1.Protocol) bool { return p == "" || p == corev1.ProtocolTCP }

func (p Pod) hasNumber(n int32) bool {
	return slices.ContainsFunc(p.Ports, func(port Port) bool { return port.Number == n })
}

func (p Pod) hasName(name string) bool {
	return slices.ContainsFunc(p.Ports, func(port Port) bool { return port.Name == name })
}

// nameOf returns the name of a port, or an empty string.
func (p Pod) nameOf(number int32) string {
	for _, port := range p.Ports {
		if port.Number == number && port.Name != "" {
			return port.Name
		}
	}
	return ""
}

// numberIn returns the first of the pod's ports that a text has as a number or in a range, such as
// 8080, 8000-9000 or 8000:9000, in a list.
func (p Pod) numberIn(list string) (int32, bool) {
	for member := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		for _, port := range p.Ports {
			if rangeHas(member, port.Number) {
				return port.Number, true
			}
		}
	}
	return 0, false
}
