package lint

import (
	"slices"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Options are what neither manifests nor a cluster say.
type Options struct {
	LBDelay  time.Duration // what load balancers take to let go of a pod; zero: only the annotation lameduck.dev/lb-delay says it
	AppStop  time.Duration // what apps need to stop, where no Lameduck says it; zero: 5 s, which is Lameduck's own default
	Releases Releases      // of the kubelets; empty: those of the cluster, or those that are supported
	Ignore   []string      // rules that are left out
}

// An Inventory is everything that is looked at: what manifests say, or what there is in a cluster.
type Inventory struct {
	options    Options
	workloads  []*workload
	services   []*service
	budgets    []*budget
	policies   []*policy
	scalers    []*scaler
	webhooks   []*webhook
	pods       []*corev1.Pod // those that a workload has made
	namespaces map[string]labels.Set
	kubelets   Releases
	gaps       []gap
	strays     []stray
	objects    int
	cluster    bool // what is not here is nowhere, but for the gaps
}

// NewInventory returns an empty one.
func NewInventory(o Options) *Inventory {
	if o.AppStop == 0 {
		o.AppStop = defaultAppStop
	}
	return &Inventory{options: o, namespaces: map[string]labels.Set{kubeSystem: nil, kubeNodeLease: nil}}
}

// Objects is how many of the kinds that rules look at have been added.
func (in *Inventory) Objects() int { return in.objects }

// A Locator returns where a field of an object is written. A field that is not written is where it belongs: in the nearest one around
// it that is.
type Locator func(field string) (file string, line int)

// Add takes up an object. What no rule looks at is left out; locate is nil for the objects of a cluster.
func (in *Inventory) Add(o runtime.Object, locate Locator) {
	in.objects++
	switch o := o.(type) {
	case *appsv1.Deployment:
		in.addWorkload("Deployment", o.ObjectMeta, &o.Spec.Template, o, locate).replicated(o.Spec.Replicas, o.Spec.Selector)
	case *appsv1.StatefulSet:
		in.addWorkload("StatefulSet", o.ObjectMeta, &o.Spec.Template, o, locate).replicated(o.Spec.Replicas, o.Spec.Selector)
	case *appsv1.DaemonSet:
		in.addWorkload("DaemonSet", o.ObjectMeta, &o.Spec.Template, o, locate).selector = selectorOf(o.Spec.Selector)
	case *appsv1.ReplicaSet:
		if !isMadeBy(o, "Deployment") && !isPast(o) {
			in.addWorkload("ReplicaSet", o.ObjectMeta, &o.Spec.Template, o, locate).replicated(o.Spec.Replicas, o.Spec.Selector)
		}
	case *corev1.ReplicationController:
		if o.Spec.Template != nil {
			in.addWorkload("ReplicationController", o.ObjectMeta, o.Spec.Template, o, locate).replicated(o.Spec.Replicas, metav1.SetAsLabelSelector(o.Spec.Selector))
		}
	case *batchv1.Job:
		if !isMadeBy(o, "CronJob") {
			in.addWorkload("Job", o.ObjectMeta, &o.Spec.Template, o, locate)
		}
	case *batchv1.CronJob:
		in.addWorkload("CronJob", o.ObjectMeta, &o.Spec.JobTemplate.Spec.Template, o, locate)
	case *corev1.Pod:
		in.addPod(o, locate)
	default:
		in.addOther(o, locate)
	}
}

// isMadeBy tells whether an object's controller is of a kind that is looked at itself.
func isMadeBy(o metav1.Object, kind string) bool {
	maker := metav1.GetControllerOf(o)
	return maker != nil && maker.Kind == kind
}

// isPast tells whether it is what a rollout has left behind.
func isPast(o *appsv1.ReplicaSet) bool {
	return metav1.GetControllerOf(o) != nil && o.Spec.Replicas != nil && *o.Spec.Replicas == 0
}

// addOther takes up what runs nothing.
func (in *Inventory) addOther(o runtime.Object, locate Locator) {
	switch o := o.(type) {
	case *corev1.Service:
		in.services = append(in.services, newService(o, locate))
	case *policyv1.PodDisruptionBudget:
		in.budgets = append(in.budgets, newBudget(o, locate))
	case *networkingv1.NetworkPolicy:
		in.policies = append(in.policies, newPolicy(o, locate))
	case *autoscalingv2.HorizontalPodAutoscaler:
		in.scalers = append(in.scalers, newScaler(o))
	case *admissionv1.MutatingWebhookConfiguration:
		in.webhooks = append(in.webhooks, mutatingWebhooks(o, locate)...)
	case *admissionv1.ValidatingWebhookConfiguration:
		in.webhooks = append(in.webhooks, validatingWebhooks(o, locate)...)
	case *corev1.Namespace:
		in.namespaces[o.Name] = o.Labels
	case *corev1.Node:
		in.addKubelet(o.Status.NodeInfo.KubeletVersion)
	default:
		in.objects--
	}
}

// addPod takes up one that nobody else has made as a workload of its own.
func (in *Inventory) addPod(p *corev1.Pod, locate Locator) {
	if maker := metav1.GetControllerOf(p); maker != nil {
		in.pods = append(in.pods, p)
		in.noteMaker(maker.Kind)
		return
	}
	template := &corev1.PodTemplateSpec{ObjectMeta: p.ObjectMeta, Spec: p.Spec}
	in.addWorkload("Pod", p.ObjectMeta, template, p, locate)
}

// noteMaker notes pods of a kind of workload that is not looked at. A static pod's maker is its node.
func (in *Inventory) noteMaker(kind string) {
	resource := "pods of kind " + kind
	known := func(g gap) bool { return g.resource == resource }
	if _, looked := kinds[kind]; looked || kind == "Node" || slices.ContainsFunc(in.gaps, known) {
		return
	}
	in.gaps = append(in.gaps, gap{resource: resource, why: "this kind is not read, so no rule looks at what makes them", fix: "lint a Deployment with the same pod template"})
}

func (in *Inventory) addKubelet(version string) {
	if r, err := ParseRelease(version); err == nil && !slices.Contains(in.kubelets, r) {
		in.kubelets = append(in.kubelets, r)
	}
}

// releases are those of the kubelets that the pods may meet.
func (in *Inventory) releases() Releases {
	switch {
	case len(in.options.Releases) > 0:
		return in.options.Releases
	case len(in.kubelets) > 0:
		return in.kubelets
	}
	return supported
}

// An object is one that findings point at.
type object struct {
	Object
	ignore []string // rules that are not for it
	locate Locator
}

func newObject(kind string, m metav1.ObjectMeta, locate Locator) object {
	return object{Object{kind, m.Namespace, m.Name}, ignoredRules(m.Annotations), locate}
}

// place returns where a field of it is written.
func (o *object) place(at *field.Path) (file string, line int) {
	if o.locate == nil {
		return "", 0
	}
	if at == nil {
		return o.locate("")
	}
	return o.locate(at.String())
}

// namespace is the one that it is in: a manifest that leaves it open goes to default unless somebody says otherwise, and all that leave
// it open go to the same one.
func (o *object) namespace() string {
	if o.Namespace == "" {
		return metav1.NamespaceDefault
	}
	return o.Namespace
}

// selectorOf returns what a selector in an object selects; one that is missing or malformed selects nothing.
func selectorOf(s *metav1.LabelSelector) labels.Selector {
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		return labels.Nothing()
	}
	return selector
}
