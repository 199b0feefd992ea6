package lint

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"lameduck/deploy/ctl/inject"
)

// A workload makes pods, or is a pod without a controller.
type workload struct {
	object
	in       *Inventory
	source   runtime.Object
	own      metav1.ObjectMeta
	template *corev1.PodTemplateSpec
	meta     *field.Path // of the template's metadata
	spec     *field.Path // of the pod's specification
	desired  *int32      // replicas; nil if not set
	selector labels.Selector

	// Set by resolve.
	sidecar   *sidecar // nil if there is none
	redirects []redirect
	services  []*service
	budgets   []*budget
	policies  []*policy
	scaler    *scaler // nil if there is none
	refused   error   // why the webhook cannot inject its pods
	skipped   bool    // the webhook does not inject its pods, because they need no Lameduck
}

func (in *Inventory) addWorkload(
	kind string, m metav1.ObjectMeta, template *corev1.PodTemplateSpec, source runtime.Object, locate Locator,
) *workload {
	at := templatePath(kind)
	o := newObject(kind, m, locate)
	o.ignore = append(o.ignore, ignoredRules(template.Annotations)...)
	w := &workload{
		object: o, in: in, source: source, own: m, template: template, selector: labels.Nothing(),
		meta: at.Child("metadata"), spec: at.Child("spec"),
	}
	in.workloads = append(in.workloads, w)
	return w
}

// templatePath returns the path of the pod template in an object of a kind.
func templatePath(kind string) *field.Path {
	switch kind {
	case "Pod":
		return nil
	case "CronJob":
		return field.NewPath("spec", "jobTemplate", "spec", "template")
	}
	return field.NewPath("spec", "template")
}

func (w *workload) setReplicas(desired *int32, s *metav1.LabelSelector) {
	w.desired, w.selector = desired, selectorOf(s)
}

// resolve finds the objects that refer to the workload.
func (w *workload) resolve() {
	w.sidecar = findSidecar(w.containers())
	if w.inject(); w.sidecar == nil {
		w.sidecar = findSidecar(w.containers())
	}
	if w.redirects = findRedirects(&w.template.Spec, w.spec); w.sidecar != nil {
		w.sidecar.redirect(w.redirects)
	}
	for _, s := range w.in.services {
		if s.selects(w) {
			w.services = append(w.services, s)
			s.workloads = append(s.workloads, w)
		}
	}
	for _, b := range w.in.budgets {
		if b.selects(w) {
			w.budgets = append(w.budgets, b)
			b.workloads = append(b.workloads, w)
		}
	}
	for _, p := range w.in.policies {
		if p.selects(w) {
			w.policies = append(w.policies, p)
		}
	}
	for _, s := range w.in.scalers {
		if s.scales(w) {
			w.scaler = s
		}
	}
}

func (w *workload) containers() []container { return containersOf(&w.template.Spec, w.spec) }

// apps returns the containers without Lameduck's sidecar and mesh proxies.
func (w *workload) apps() []container {
	return slices.DeleteFunc(w.containers(), func(c container) bool {
		return c.isMeshProxy() || w.sidecar != nil && w.sidecar.shape != inject.Wrapper && c.Name == w.sidecar.Name
	})
}

// isJob reports whether the pods run to completion. Such pods have no clients.
func (w *workload) isJob() bool {
	policy := w.template.Spec.RestartPolicy
	completes := policy == corev1.RestartPolicyNever || policy == corev1.RestartPolicyOnFailure
	return w.Kind == "Job" || w.Kind == "CronJob" || completes
}

// serves reports whether the workload has clients: a Service selects it that is not for metrics only
// or, if not all Services are known, it declares a port for clients.
func (w *workload) serves() bool {
	switch {
	case w.isJob():
		return false
	case w.hasService():
		return true
	case w.in.isComplete("services"):
		return false
	}
	return slices.ContainsFunc(w.apps(), func(c container) bool {
		return slices.ContainsFunc(c.Ports, w.isForClients)
	})
}

// hasService reports whether clients connect to the workload through a known Service.
func (w *workload) hasService() bool { return slices.ContainsFunc(w.services, (*service).hasClients) }

// isForClients reports whether a declared port is for clients, as far as names say: its own, and those
// of the Services' ports that refer to it.
func (w *workload) isForClients(p corev1.ContainerPort) bool {
	return isTCP(p.Protocol) && !isMetrics(p.Name) && !slices.ContainsFunc(w.services, func(s *service) bool {
		return slices.ContainsFunc(s.tcpPorts(), func(i int) bool {
			target, _ := s.target(i)
			return s.isForMetrics(i) && w.port(target) == p.ContainerPort
		})
	})
}

// serving returns the containers that clients connect to, directly or through Lameduck.
func (w *workload) serving() []container {
	if !w.serves() {
		return nil
	}
	apps := w.apps()
	serving := slices.DeleteFunc(slices.Clone(apps), func(c container) bool { return !w.isServing(c) })
	if len(serving) == 0 && len(apps) > 0 {
		// No container declares the port, so the first one counts as the app.
		return apps[:1]
	}
	return serving
}

// isServing reports whether a container declares a port that clients connect to.
func (w *workload) isServing(c container) bool {
	return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool {
		if !w.hasService() {
			return w.isForClients(p)
		}
		return isTCP(p.Protocol) && slices.ContainsFunc(w.services,
			func(s *service) bool { return s.targets(w, p) })
	})
}

// port returns the number of a Service's target port in the pod, or 0 if no container declares it.
// Names are looked up in the containers, and then in the native sidecars.
func (w *workload) port(target intstr.IntOrString) int32 {
	for _, c := range w.containers() {
		if n := c.port(target); n != 0 {
			return n
		}
	}
	return 0
}

// minReplicas returns the least number of replicas. A DaemonSet may have any number.
func (w *workload) minReplicas() int {
	switch {
	case w.Kind == "DaemonSet":
		return 1000 // more than any number in a strategy or a budget
	case w.scaler != nil:
		return w.scaler.least
	case w.desired != nil:
		return int(*w.desired)
	}
	return 1
}

// isReplicated reports whether the replicas can be counted, and there are any.
func (w *workload) isReplicated() bool {
	kinds := []string{
		"Deployment", "StatefulSet", "Rollout", "ReplicaSet", "ReplicationController",
		"DeploymentConfig", "CloneSet",
	}
	return slices.Contains(kinds, w.Kind) && w.minReplicas() > 0
}

// grace returns the grace period of the pod, and its path.
func (w *workload) grace() (seconds int64, at *field.Path) {
	at = w.spec.Child("terminationGracePeriodSeconds")
	if s := w.template.Spec.TerminationGracePeriodSeconds; s != nil {
		return *s, at
	}
	return int64(defaultGrace.Seconds()), at
}

// isSelectedBy reports whether a selector matches the pods.
func (w *workload) isSelectedBy(s labels.Selector) bool {
	return s.Matches(labels.Set(w.template.Labels))
}
