package rollout

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// The kinds of workloads.
const (
	Deployment  = "deployment"
	StatefulSet = "statefulset"
	DaemonSet   = "daemonset"
)

// A Workload identifies the workload of the pods.
type Workload struct {
	Kind, Namespace, Name string
}

func (w Workload) String() string { return w.Kind + "/" + w.Name }

// resource returns the name of the resource, such as deployments.
func (w Workload) resource() string { return w.Kind + "s" }

// A state is what the measurement needs to know of a workload.
type state struct {
	selector labels.Selector
	replicas int // that it should have
	template corev1.PodTemplateSpec
	paused   bool
	onDelete bool // a new template does not replace pods
}

// get reads the workload.
func (w Workload) get(ctx context.Context, client kubernetes.Interface) (state, error) {
	apps := client.AppsV1()
	var selector *metav1.LabelSelector
	var s state
	switch w.Kind {
	case Deployment:
		d, err := apps.Deployments(w.Namespace).Get(ctx, w.Name, metav1.GetOptions{})
		if err != nil {
			return s, err
		}
		selector, s.template, s.replicas = d.Spec.Selector, d.Spec.Template, replicas(d.Spec.Replicas)
		s.paused = d.Spec.Paused
	case StatefulSet:
		d, err := apps.StatefulSets(w.Namespace).Get(ctx, w.Name, metav1.GetOptions{})
		if err != nil {
			return s, err
		}
		selector, s.template, s.replicas = d.Spec.Selector, d.Spec.Template, replicas(d.Spec.Replicas)
		s.onDelete = d.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType
	case DaemonSet:
		d, err := apps.DaemonSets(w.Namespace).Get(ctx, w.Name, metav1.GetOptions{})
		if err != nil {
			return s, err
		}
		selector, s.template = d.Spec.Selector, d.Spec.Template
		s.replicas = int(d.Status.DesiredNumberScheduled)
		s.onDelete = d.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType
	default:
		return s, fmt.Errorf("unknown kind %q", w.Kind)
	}
	var err error
	s.selector, err = metav1.LabelSelectorAsSelector(selector)
	return s, err
}

func replicas(n *int32) int {
	if n == nil {
		return 1
	}
	return int(*n)
}

// restart changes the annotation of the pod template that `kubectl rollout restart` changes.
func (w Workload) restart(ctx context.Context, client kubernetes.Interface, now time.Time) error {
	patch := fmt.Appendf(nil, `{"spec":{"template":{"metadata":{"annotations":{`+
		`"kubectl.kubernetes.io/restartedAt":%q}}}}}`, now.Format(time.RFC3339))
	apps, kind, options := client.AppsV1(), types.StrategicMergePatchType, metav1.PatchOptions{}
	var err error
	switch w.Kind {
	case Deployment:
		_, err = apps.Deployments(w.Namespace).Patch(ctx, w.Name, kind, patch, options)
	case StatefulSet:
		_, err = apps.StatefulSets(w.Namespace).Patch(ctx, w.Name, kind, patch, options)
	case DaemonSet:
		_, err = apps.DaemonSets(w.Namespace).Patch(ctx, w.Name, kind, patch, options)
	}
	return err
}

// scale sets the number of replicas.
func (w Workload) scale(ctx context.Context, client kubernetes.Interface, n int) error {
	patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, n)
	apps, kind, options := client.AppsV1(), types.MergePatchType, metav1.PatchOptions{}
	var err error
	switch w.Kind {
	case Deployment:
		_, err = apps.Deployments(w.Namespace).Patch(ctx, w.Name, kind, patch, options, "scale")
	case StatefulSet:
		_, err = apps.StatefulSets(w.Namespace).Patch(ctx, w.Name, kind, patch, options, "scale")
	}
	return err
}
