package enable

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/kube"
	"lameduck/deploy/ctl/mode"
)

// A Status is what runs in a namespace.
type Status struct {
	Namespace string `json:"namespace"`
	Enabled   bool   `json:"enabled"`
	Redirect  bool   `json:"redirect_allowed"`
	Pods      []Pod  `json:"pods"`
}

// A Pod is a running pod.
type Pod struct {
	Name   string `json:"name"`
	Mode   string `json:"mode,omitempty"` // with why it was chosen; empty if it is not injected
	Reason string `json:"not_injected,omitempty"`
}

// ReadStatus returns what runs in a namespace.
func ReadStatus(ctx context.Context, c *kube.Client, namespace string) (*Status, error) {
	ns, err := c.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("get namespace %s: %w", namespace, err)
	}
	s := &Status{
		Namespace: namespace, Enabled: ns.Labels[inject.InjectLabel] == enabled,
		Redirect: ns.Labels[mode.RedirectLabel] == mode.Allowed,
	}
	pods, err := c.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list pods: %w", err)
	}
	around, _, err := c.Around(ctx, namespace)
	if err != nil {
		return nil, err
	}
	for i := range pods.Items {
		s.Pods = append(s.Pods, s.pod(&pods.Items[i], around))
	}
	return s, nil
}

func (s *Status) pod(p *corev1.Pod, around *mode.Around) Pod {
	is := Pod{Name: p.Name, Mode: p.Annotations[inject.ModeAnnotation]}
	if _, injected := p.Annotations[inject.InjectedAnnotation]; injected {
		if is.Mode == "" {
			is.Mode = string(mode.Move)
		}
		return is
	}
	is.Mode = ""
	plan, err := inject.Inject(inject.Workload{
		Kind:     "Pod",
		Template: &corev1.PodTemplateSpec{ObjectMeta: p.ObjectMeta, Spec: p.Spec}, Around: around,
	}, inject.Defaults())
	switch {
	case err != nil:
		is.Reason = err.Error()
	case plan.Skipped != "":
		is.Reason = plan.Skipped
	case !s.Enabled:
		is.Reason = "the namespace is not enabled"
	default:
		is.Reason = "it is older than the label of the namespace, or the webhook did not answer: restart its workload"
	}
	return is
}
