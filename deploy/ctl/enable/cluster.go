package enable

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/kube"
	"lameduck/deploy/ctl/mode"
)

// Apply changes the labels of the namespace.
func (p *Plan) Apply(ctx context.Context, c *kube.Client) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": p.Labels}})
	if err != nil {
		return err
	}
	_, err = c.CoreV1().Namespaces().Patch(ctx, p.Namespace, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		return fmt.Errorf("label namespace %s: %w", p.Namespace, err)
	}
	return nil
}

// askForRedirect asks the API server whether it would admit a pod that redirects its port. Without
// a clear answer the redirect is not allowed, since a refused pod would be an outage.
func askForRedirect(ctx context.Context, c *kube.Client, namespace string, s inject.Settings) *Redirect {
	pod, err := redirectingPod(s)
	if err != nil {
		return &Redirect{Reason: "unknown: " + err.Error()}
	}
	_, err = c.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	switch {
	case err == nil:
		return &Redirect{Admitted: true, Reason: "the API server admits a pod with NET_ADMIN in an init container"}
	case strings.Contains(err.Error(), "cannot create resource"):
		return &Redirect{Reason: "unknown, as you may not create pods: " + err.Error()}
	case apierrors.IsForbidden(err), apierrors.IsInvalid(err):
		return &Redirect{Reason: "refused: " + err.Error()}
	}
	return &Redirect{Reason: "unknown: " + err.Error()}
}

// redirectingPod returns a pod as the webhook makes it in mode redirect. But for the redirect it is
// as the Pod Security level restricted requires.
func redirectingPod(s inject.Settings) (*corev1.Pod, error) {
	s.Shape, s.Mode, s.Ports = inject.Native, mode.Redirect, nil
	plan, err := inject.Inject(inject.Workload{Kind: "Pod", Template: &corev1.PodTemplateSpec{
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "app", Image: s.Image, Command: []string{"/app"},
			Ports: []corev1.ContainerPort{{ContainerPort: 8080}},
		}}},
	}}, s)
	if err != nil {
		return nil, err
	}
	spec := plan.Template.Spec
	for i := range spec.Containers {
		for _, ours := range spec.InitContainers {
			if ours.Name == "lameduck" {
				spec.Containers[i].SecurityContext = ours.SecurityContext
				spec.Containers[i].Resources = ours.Resources
			}
		}
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			GenerateName: "lameduck-dry-run-", Labels: map[string]string{inject.InjectLabel: "disabled"},
		},
		Spec: spec,
	}, nil
}
