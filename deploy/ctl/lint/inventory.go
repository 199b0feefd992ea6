package lint

import (
	"slices"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"lameduck/deploy/ctl/mode"
)

// Options are settings that neither manifests nor a cluster have.
type Options struct {
	LB       string        // name of the load balancer's preset; empty if unknown
	LBDelay  time.Duration // until load balancers stop routing to a terminating pod; 0 means that of LB
	AppStop  time.Duration // that apps without Lameduck need to stop; 0 means 5 s
	Releases Releases      // of the kubelets; if empty, those of the cluster or the supported ones
	Ignore   []string      // rules to ignore
}

// An Inventory has the objects to check, from manifests or from a cluster.
type Inventory struct {
	options       Options
	workloads     []*workload
	services      []*service
	budgets       []*budget
	policies      []*policy
	others        []mode.Policy // of the kinds of Cilium, Calico and others
	scalers       []*scaler
	ingresses     []*networkingv1.Ingress
	ranges        []*corev1.LimitRange
	quotas        []*corev1.ResourceQuota
	claims        []*corev1.PersistentVolumeClaim
	nodes         []*corev1.Node
	webhooks      []*webhook
	pods          []*corev1.Pod // that a workload has made
	namespaces    map[string]labels.Set
	annotations   map[string]map[string]string // of namespaces
	spaces        []object                     // the namespaces
	kubelets      Releases
	unread        []unreadResource
	unknownFields []unknownField
	objects       int
	cluster       bool // objects that are not here do not exist, unless their resource is unread
}

// NewInventory returns an empty inventory.
func NewInventory(o Options) *Inventory {
	if o.AppStop == 0 {
		o.AppStop = defaultAppStop
	}
	return &Inventory{
		options: o, namespaces: map[string]labels.Set{kubeSystem: nil, kubeNodeLease: nil},
		annotations: make(map[string]map[string]string),
	}
}

// Objects returns the number of objects of kinds that rules check.
func (in *Inventory) Objects() int { return in.objects }

// A Locator returns the position of a field of an object, or of the nearest field around it if it
// is not set.
type Locator func(field string) (file string, line int)

// Add adds an object if rules check its kind. locate is nil for objects of a cluster.
func (in *Inventory) Add(o runtime.Object, locate Locator) {
	in.objects++
	switch o := o.(type) {
	case *appsv1.Deployment:
		in.addWorkload("Deployment", o.ObjectMeta, &o.Spec.Template, o, locate).
			setReplicas(o.Spec.Replicas, o.Spec.Selector)
	case *appsv1.StatefulSet:
		in.addWorkload("StatefulSet", o.ObjectMeta, &o.Spec.Template, o, locate).
			setReplicas(o.Spec.Replicas, o.Spec.Selector)
	case *appsv1.DaemonSet:
		in.addWorkload("DaemonSet", o.ObjectMeta, &o.Spec.Template, o,
			locate).selector = selectorOf(o.Spec.Selector)
	case *appsv1.ReplicaSet:
		if !isMadeBy(o, "Deployment") && !isPast(o, o.Spec.Replicas) {
			in.addWorkload("ReplicaSet", o.ObjectMeta, &o.Spec.Template, o, locate).
				setReplicas(o.Spec.Replicas, o.Spec.Selector)
		}
	case *corev1.ReplicationController:
		if o.Spec.Template != nil && !isPast(o, o.Spec.Replicas) {
			in.addWorkload("ReplicationController", o.ObjectMeta, o.Spec.Template, o, locate).
				setReplicas(o.Spec.Replicas, metav1.SetAsLabelSelector(o.Spec.Selector))
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

// isMadeBy reports whether the controller of an object is of a kind.
func isMadeBy(o metav1.Object, kind string) bool {
	maker := metav1.GetControllerOf(o)
	return maker != nil && maker.Kind == kind
}

// isPast reports whether a rollout has replaced a ReplicaSet of a Deployment, or a
// ReplicationController of an OpenShift DeploymentConfig.
func isPast(o metav1.Object, replicas *int32) bool {
	return metav1.GetControllerOf(o) != nil && replicas != nil && *replicas == 0
}

// addOther adds an object that makes no pods.
func (in *Inventory) addOther(o runtime.Object, locate Locator) {
	switch o := o.(type) {
	case *corev1.Service:
		in.services = append(in.services, newService(in, o, locate))
	case *policyv1.PodDisruptionBudget:
		in.budgets = append(in.budgets, newBudget(o, locate))
	case *networkingv1.NetworkPolicy:
		in.policies = append(in.policies, newPolicy(o, locate))
	case *autoscalingv2.HorizontalPodAutoscaler:
		in.scalers = append(in.scalers, newScaler(o.ObjectMeta, o.Spec.MinReplicas,
			o.Spec.ScaleTargetRef.Kind, o.Spec.ScaleTargetRef.Name))
	case *autoscalingv1.HorizontalPodAutoscaler:
		in.scalers = append(in.scalers, newScaler(o.ObjectMeta, o.Spec.MinReplicas,
			o.Spec.ScaleTargetRef.Kind, o.Spec.ScaleTargetRef.Name))
	case *networkingv1.Ingress:
		in.ingresses = append(in.ingresses, o)
	case *corev1.LimitRange:
		in.ranges = append(in.ranges, o)
	case *corev1.ResourceQuota:
		in.quotas = append(in.quotas, o)
	case *corev1.PersistentVolumeClaim:
		in.claims = append(in.claims, o)
	case *admissionv1.MutatingWebhookConfiguration:
		in.webhooks = append(in.webhooks, mutatingWebhooks(o, locate)...)
	case *admissionv1.ValidatingWebhookConfiguration:
		in.webhooks = append(in.webhooks, validatingWebhooks(o, locate)...)
	case *corev1.Namespace:
		in.namespaces[o.Name], in.annotations[o.Name] = o.Labels, o.Annotations
		in.spaces = append(in.spaces, newObject("Namespace", o.ObjectMeta, locate))
	case *corev1.Node:
		in.nodes = append(in.nodes, o)
		in.addKubelet(o.Status.NodeInfo.KubeletVersion)
	default:
		in.objects--
	}
}

// addPod adds a pod. One without a controller is a workload.
func (in *Inventory) addPod(p *corev1.Pod, locate Locator) {
	if maker := metav1.GetControllerOf(p); maker != nil {
		in.pods = append(in.pods, p)
		in.noteMaker(maker.Kind)
		return
	}
	template := &corev1.PodTemplateSpec{ObjectMeta: p.ObjectMeta, Spec: p.Spec}
	in.addWorkload("Pod", p.ObjectMeta, template, p, locate)
}

// noteMaker records a kind of controller that no rule checks. The controller of a static pod is its
// node.
func (in *Inventory) noteMaker(kind string) {
	resource := "pods of kind " + kind
	known := func(g unreadResource) bool { return g.resource == resource }
	if _, supported := kinds[kind]; supported || kind == "Node" || slices.ContainsFunc(in.unread, known) {
		return
	}
	in.unread = append(in.unread, unreadResource{
		resource: resource, why: "this kind is not supported, so no rule checks what makes them",
		fix: "lint a Deployment with the same pod template",
	})
}

func (in *Inventory) addKubelet(version string) {
	if r, err := ParseRelease(version); err == nil && !slices.Contains(in.kubelets, r) {
		in.kubelets = append(in.kubelets, r)
	}
}

// releases returns the releases of the kubelets that pods may run on.
func (in *Inventory) releases() Releases {
	switch {
	case len(in.options.Releases) > 0:
		return in.options.Releases
	case len(in.kubelets) > 0:
		return in.kubelets
	}
	return supported
}

// An object is the subject of findings.
type object struct {
	Object
	ignore []string // rules to ignore for it
	locate Locator
}

func newObject(kind string, m metav1.ObjectMeta, locate Locator) object {
	return object{Object{kind, m.Namespace, m.Name}, ignoredRules(m.Annotations), locate}
}

// place returns the position of a field.
func (o *object) place(at *field.Path) (file string, line int) {
	if o.locate == nil {
		return "", 0
	}
	if at == nil {
		return o.locate("")
	}
	return o.locate(at.String())
}

// namespace returns the namespace of the object. All manifests without one go to the same
// namespace.
func (o *object) namespace() string {
	if o.Namespace == "" {
		return metav1.NamespaceDefault
	}
	return o.Namespace
}

// selectorOf returns the selector of an object. A missing or malformed one selects nothing.
func selectorOf(s *metav1.LabelSelector) labels.Selector {
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		return labels.Nothing()
	}
	return selector
}
