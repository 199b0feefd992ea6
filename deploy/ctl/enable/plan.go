package enable

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/kube"
	"lameduck/deploy/ctl/mode"
	"lameduck/deploy/ctl/webhook"
)

// A Plan is what happens to a namespace.
type Plan struct {
	Namespace string             `json:"namespace"`
	Labels    map[string]*string `json:"labels,omitempty"`   // to set; those with null are removed
	Inactive  string             `json:"inactive,omitempty"` // why the webhook injects nothing here now
	Redirect  *Redirect          `json:"redirect,omitempty"`
	Unread    []string           `json:"unread,omitempty"` // what is unknown, and why
	Workloads []Workload         `json:"workloads"`
}

// Redirect is whether pods of the namespace may redirect their ports.
type Redirect struct {
	Admitted bool   `json:"admitted"`
	Reason   string `json:"reason"`
}

// A Workload is a workload of the namespace with what happens to its pods.
type Workload struct {
	Kind        string   `json:"kind"`
	Name        string   `json:"name"`
	Mode        string   `json:"mode,omitempty"` // empty if it is not injected
	Reason      string   `json:"reason"`         // of the mode, or why it is not injected
	More        string   `json:"more,omitempty"` // what would give more
	Changes     []string `json:"changes,omitempty"`
	Stays       []string `json:"stays,omitempty"`
	Unprotected bool     `json:"unprotected,omitempty"` // it should be injected, and cannot be
}

// enabled is the value of the label of namespaces whose pods are injected.
const enabled = "enabled"

// ForEnable plans to add Lameduck to the pods of a namespace, by a webhook with a configuration.
func ForEnable(
	ctx context.Context, c *kube.Client, namespace string, config webhook.Config, watch Watch,
) (*Plan, error) {
	ns, err := c.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("get namespace %s: %w", namespace, err)
	}
	p := &Plan{
		Namespace: namespace, Labels: map[string]*string{inject.InjectLabel: ptr(enabled)},
		Inactive: config.Refuses(namespace),
	}
	p.Redirect = askForRedirect(ctx, c, namespace, config.Settings)
	if p.Labels[mode.RedirectLabel] = ptr(mode.Refused); p.Redirect.Admitted {
		p.Labels[mode.RedirectLabel] = ptr(mode.Allowed)
	}
	ns = ns.DeepCopy()
	if ns.Labels == nil {
		ns.Labels = make(map[string]string)
	}
	p.apply(ns.Labels)
	around, err := p.around(ctx, c, watch)
	if err != nil {
		return nil, err
	}
	if watch.On {
		around.Labels = ns.Labels
	}
	p.Workloads, err = planWorkloads(ctx, c, around, config.Images, config.Settings)
	return p, err
}

// ForDisable plans to remove Lameduck from the pods of a namespace.
func ForDisable(ctx context.Context, c *kube.Client, namespace string) (*Plan, error) {
	if _, err := c.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{}); err != nil {
		return nil, fmt.Errorf("get namespace %s: %w", namespace, err)
	}
	p := &Plan{Namespace: namespace, Labels: map[string]*string{inject.InjectLabel: nil, mode.RedirectLabel: nil}}
	all, err := listWorkloads(ctx, c, namespace)
	if err != nil {
		return nil, err
	}
	for _, w := range all {
		p.Workloads = append(p.Workloads, Workload{
			Kind: w.kind, Name: w.name, Reason: "the namespace is not enabled",
			Changes: []string{"the next rollout removes Lameduck, if it was added by the webhook"},
		})
	}
	return p, nil
}

func ptr(s string) *string { return &s }

// apply sets and removes the labels of the plan.
func (p *Plan) apply(labels map[string]string) {
	for name, value := range p.Labels {
		if delete(labels, name); value != nil {
			labels[name] = *value
		}
	}
}

// planWorkloads plans for each workload what the webhook will do with its pods.
func planWorkloads(
	ctx context.Context, c *kube.Client, around *mode.Around, images inject.Images, s inject.Settings,
) ([]Workload, error) {
	all, err := listWorkloads(ctx, c, around.Namespace)
	var planned []Workload
	for _, w := range all {
		planned = append(planned, planWorkload(ctx, w, around, images, s))
	}
	return planned, err
}

func planWorkload(
	ctx context.Context, w workload, around *mode.Around, images inject.Images, s inject.Settings,
) Workload {
	planned := Workload{Kind: w.kind, Name: w.name}
	if reason := webhook.Leaves(w.Template.Annotations); reason != "" {
		planned.Mode, planned.Reason = injectedMode(w.Template.Annotations), reason
		return planned
	}
	plan, err := inject.Ask(ctx, images,
		inject.Workload{Kind: w.Kind, Template: w.Template, Around: around}, s)
	switch {
	case err != nil:
		planned.Unprotected = true
		planned.Reason = strings.ReplaceAll(err.Error(), "\n", "; ")
	case plan.Skipped != "":
		planned.Reason = plan.Skipped
	default:
		planned.Mode, planned.Reason, planned.More = string(plan.Choice.Mode), plan.Choice.Reason, plan.Choice.More
		planned.Changes, planned.Stays = changes(plan, w.Template)
	}
	return planned
}

// injectedMode returns the mode of a pod that is injected, or an empty string.
func injectedMode(annotations map[string]string) string {
	if _, is := annotations[inject.InjectedAnnotation]; !is {
		return ""
	}
	chosen, _, _ := strings.Cut(annotations[inject.ModeAnnotation], ":")
	return cmp.Or(chosen, string(mode.Move)) // the first version had no other mode
}

// changes describes a plan for a pod template.
func changes(p inject.Plan, before *corev1.PodTemplateSpec) (changes, stays []string) {
	for _, c := range slices.Concat(p.Template.Spec.InitContainers, p.Template.Spec.Containers) {
		added := func(old corev1.Container) bool { return old.Name == c.Name }
		if !slices.ContainsFunc(slices.Concat(before.Spec.InitContainers, before.Spec.Containers), added) {
			changes = append(changes, "container "+c.Name+" is added")
		}
	}
	was, is := before.Spec.TerminationGracePeriodSeconds, p.Template.Spec.TerminationGracePeriodSeconds
	if is != nil && (was == nil || *was != *is) {
		changes = append(changes, fmt.Sprintf("terminationGracePeriodSeconds becomes %d", *is))
	}
	for _, n := range p.Notes {
		changes = append(changes, n.Text)
	}
	switch p.Choice.Mode {
	case mode.Redirect:
		stays = []string{"the app's ports, Services and NetworkPolicies"}
	case mode.Observe:
		stays = []string{"the app's ports, Services and NetworkPolicies", "connections of clients, until they or the app end them"}
	case mode.Move:
		stays = []string{"Services and NetworkPolicies, which use the names of the ports"}
	}
	return changes, stays
}
