package lint

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// A workload is what makes pods, or a pod that nobody has made.
type workload struct {
	object
	in       *Inventory
	source   runtime.Object
	template *corev1.PodTemplateSpec
	meta     *field.Path // of the template's metadata
	spec     *field.Path // of the pod's specification
	desired  *int32      // replicas; nil: it says none
	selector labels.Selector

	// What follows, once everything is there.
	duck     *duck // nil: there is none
	services []*service
	budgets  []*budget
	policies []*policy
	scaler   *scaler // nil: there is none
	refused  error   // why the webhook does not inject its pods; nil: it does, or there is nothing to inject
}

func (in *Inventory) addWorkload(kind string, m metav1.ObjectMeta, template *corev1.PodTemplateSpec, source runtime.Object, locate Locator) *workload {
	at := templatePath(kind)
	o := newObject(kind, m, locate)
	o.ignore = append(o.ignore, ignoredRules(template.Annotations)...)
	w := &workload{
		object: o, in: in, source: source, template: template, selector: labels.Nothing(),
		meta: at.Child("metadata"), spec: at.Child("spec"),
	}
	in.workloads = append(in.workloads, w)
	return w
}

// templatePath is where the pod's template is in an object of the kind.
func templatePath(kind string) *field.Path {
	switch kind {
	case "Pod":
		return nil
	case "CronJob":
		return field.NewPath("spec", "jobTemplate", "spec", "template")
	}
	return field.NewPath("spec", "template")
}

func (w *workload) replicated(desired *int32, s *metav1.LabelSelector) {
	w.desired, w.selector = desired, selectorOf(s)
}

// resolve looks for what belongs to the workload.
func (w *workload) resolve() {
	w.duck = findDuck(w.containers())
	if w.inject(); w.duck == nil {
		w.duck = findDuck(w.containers())
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

// apps are the containers but Lameduck as a sidecar and those of a mesh.
func (w *workload) apps() []container {
	return slices.DeleteFunc(w.containers(), func(c container) bool {
		return c.isMeshProxy() || w.duck != nil && w.duck.shape != wrapper && c.Name == w.duck.Name
	})
}

// isJob tells whether its pods end by themselves. They serve nobody.
func (w *workload) isJob() bool {
	ends := w.template.Spec.RestartPolicy == corev1.RestartPolicyNever || w.template.Spec.RestartPolicy == corev1.RestartPolicyOnFailure
	return w.Kind == "Job" || w.Kind == "CronJob" || ends
}

// serves tells whether it has clients: a Service that selects it or, where Services may be elsewhere, a port that is for clients.
func (w *workload) serves() bool {
	switch {
	case w.isJob():
		return false
	case len(w.services) > 0:
		return true
	case w.in.knows("services"):
		return false
	}
	return slices.ContainsFunc(w.apps(), func(c container) bool { return slices.ContainsFunc(c.Ports, isForClients) })
}

func isForClients(p corev1.ContainerPort) bool { return isTCP(p.Protocol) && !forCollectors(p) }

// serving are the containers at which the connections of clients end, or would without Lameduck.
func (w *workload) serving() []container {
	if !w.serves() {
		return nil
	}
	apps := w.apps()
	serving := slices.DeleteFunc(slices.Clone(apps), func(c container) bool { return !w.isServing(c) })
	if len(serving) == 0 && len(apps) > 0 {
		// No container declares the port, so the first one is taken for the app, as it is everywhere here.
		return apps[:1]
	}
	return serving
}

// isServing tells whether a container declares a port that clients come to.
func (w *workload) isServing(c container) bool {
	return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool {
		if len(w.services) == 0 {
			return isForClients(p)
		}
		return isTCP(p.Protocol) && slices.ContainsFunc(w.services, func(s *service) bool { return s.comesTo(w, p) })
	})
}

// port is what a Service's target port means in the pod: a name is looked up in the containers, and then in the native sidecars. Zero:
// no container declares it.
func (w *workload) port(target intstr.IntOrString) int32 {
	for _, c := range w.containers() {
		if n := c.port(target); n != 0 {
			return n
		}
	}
	return 0
}

// atLeast is how many replicas there are at the least. A DaemonSet has one on each node: as many as one likes.
func (w *workload) atLeast() int {
	switch {
	case w.Kind == "DaemonSet":
		return 1000 // more than any percentage or number in a strategy or a budget rounds away
	case w.scaler != nil:
		return w.scaler.least
	case w.desired != nil:
		return int(*w.desired)
	}
	return 1
}

// isReplicated tells whether its replicas can be counted, and there are any.
func (w *workload) isReplicated() bool {
	return slices.Contains([]string{"Deployment", "StatefulSet", "Rollout", "ReplicaSet", "ReplicationController"}, w.Kind) && w.atLeast() > 0
}

// grace is the pod's grace period, and where it is set.
func (w *workload) grace() (seconds int64, at *field.Path) {
	at = w.spec.Child("terminationGracePeriodSeconds")
	if s := w.template.Spec.TerminationGracePeriodSeconds; s != nil {
		return *s, at
	}
	return int64(defaultGrace.Seconds()), at
}

// isSelectedBy tells whether the labels that a selector asks for are on the pods.
func (w *workload) isSelectedBy(s labels.Selector) bool {
	return s.Matches(labels.Set(w.template.Labels))
}
