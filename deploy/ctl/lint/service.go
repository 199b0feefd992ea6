package lint

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"lameduck/deploy/ctl/mode"
)

// A service is a Service that selects pods.
type service struct {
	object
	*corev1.Service
	in        *Inventory
	selector  labels.Selector
	workloads []*workload // that it selects
}

// newService returns a Service. The templates of pods lack the labels of their controllers, so the
// selector does without them.
func newService(in *Inventory, s *corev1.Service, locate Locator) *service {
	set := maps.Clone(s.Spec.Selector)
	maps.DeleteFunc(set, func(key, _ string) bool { return mode.IsOfController(key) })
	selector := labels.Nothing() // without a selector, endpoints are written by others
	if len(set) > 0 && s.Spec.Type != corev1.ServiceTypeExternalName {
		selector = labels.SelectorFromSet(set)
	}
	return &service{
		object: newObject("Service", s.ObjectMeta, locate), Service: s, in: in, selector: selector,
	}
}

func (s *service) selects(w *workload) bool {
	return s.object.namespace() == w.namespace() && w.isSelectedBy(s.selector)
}

// target returns the target port of a port of the Service, and its path. It defaults to the port
// itself.
func (s *service) target(i int) (intstr.IntOrString, *field.Path) {
	p, at := s.Spec.Ports[i], field.NewPath("spec", "ports").Index(i)
	if p.TargetPort == (intstr.IntOrString{}) {
		return intstr.FromInt32(p.Port), at.Child("port")
	}
	return p.TargetPort, at.Child("targetPort")
}

// targets reports whether clients connect to a port of the workload through the Service.
func (s *service) targets(w *workload, p corev1.ContainerPort) bool {
	for i := range s.Spec.Ports {
		if target, _ := s.target(i); w.port(target) == p.ContainerPort && !isMetrics(p.Name) && !s.isForMetrics(i) {
			return true
		}
	}
	return false
}

// isForMetrics reports whether a port of the Service is for metrics, by its name or that of its target.
func (s *service) isForMetrics(i int) bool {
	target, _ := s.target(i)
	return isMetrics(s.Spec.Ports[i].Name) || target.Type == intstr.String && isMetrics(target.StrVal)
}

// hasClients reports whether the Service has clients that Lameduck could protect: those of a TCP port
// that is not for metrics.
func (s *service) hasClients() bool {
	if slices.ContainsFunc(s.tcpPorts(), func(i int) bool { return !s.isForMetrics(i) }) {
		return true
	}
	return len(s.Spec.Ports) == 0 // clients of a headless Service need none
}

// isHeadless reports whether DNS returns the addresses of the pods.
func (s *service) isHeadless() bool { return s.Spec.ClusterIP == corev1.ClusterIPNone }

// tcpPorts returns the indices of the TCP ports.
func (s *service) tcpPorts() []int {
	var found []int
	for i, p := range s.Spec.Ports {
		if isTCP(p.Protocol) {
			found = append(found, i)
		}
	}
	return found
}

// names returns the kinds and names of workloads.
func names(workloads []*workload) []string {
	var found []string
	for _, w := range workloads {
		found = append(found, w.Kind+" "+w.Name)
	}
	slices.Sort(found)
	return found
}
