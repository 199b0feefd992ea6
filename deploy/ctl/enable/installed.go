package enable

import (
	"context"
	"fmt"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"lameduck/deploy/ctl/kube"
)

// webhookName is the name of the webhook in its MutatingWebhookConfiguration.
const webhookName = "inject.lameduck.dev"

// WebhookFlags returns the flags of the webhook that injects the pods of a cluster, and whether one is
// installed. The error is the reason why either is unknown.
func WebhookFlags(ctx context.Context, c *kube.Client) (flags []string, installed bool, err error) {
	configurations, err := c.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, true, fmt.Errorf("list MutatingWebhookConfigurations: %w", err)
	}
	for _, one := range configurations.Items {
		i := slices.IndexFunc(one.Webhooks, func(w admissionv1.MutatingWebhook) bool { return w.Name == webhookName })
		if i < 0 {
			continue
		}
		s := one.Webhooks[i].ClientConfig.Service
		if s == nil {
			return nil, true, fmt.Errorf("MutatingWebhookConfiguration %s has no Service", one.Name)
		}
		flags, err = flagsBehind(ctx, c, s)
		return flags, true, err
	}
	return nil, false, nil
}

// flagsBehind returns the flags of the webhook behind a Service.
func flagsBehind(ctx context.Context, c *kube.Client, of *admissionv1.ServiceReference) ([]string, error) {
	service, err := c.CoreV1().Services(of.Namespace).Get(ctx, of.Name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("get Service %s of namespace %s: %w", of.Name, of.Namespace, err)
	}
	deployments, err := c.AppsV1().Deployments(of.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list Deployments of namespace %s: %w", of.Namespace, err)
	}
	selector := labels.SelectorFromSet(service.Spec.Selector)
	for _, d := range deployments.Items {
		if selector.Empty() || !selector.Matches(labels.Set(d.Spec.Template.Labels)) {
			continue
		}
		for _, c := range d.Spec.Template.Spec.Containers {
			words := slices.Concat(c.Command, c.Args)
			if i := slices.Index(words, "webhook"); i >= 0 {
				return expanded(words[i+1:], of.Namespace), nil
			}
		}
	}
	return nil, fmt.Errorf("no Deployment of namespace %s is behind Service %s", of.Namespace, of.Name)
}

// expanded returns words with the variable that our manifests set to the namespace.
func expanded(words []string, namespace string) []string {
	var all []string
	for _, w := range words {
		all = append(all, strings.ReplaceAll(w, "$(POD_NAMESPACE)", namespace))
	}
	return all
}
