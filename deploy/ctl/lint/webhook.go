package lint

import (
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

const (
	kubeSystem    = "kube-system"
	kubeNodeLease = "kube-node-lease" // of the heartbeats of kubelets
)

// A webhook is a mutating or validating webhook of a configuration.
type webhook struct {
	object
	in         *Inventory
	path       *field.Path
	name       string
	rules      []admissionv1.RuleWithOperations
	policy     *admissionv1.FailurePolicyType
	timeout    *int32
	namespaces *metav1.LabelSelector
	objects    *metav1.LabelSelector
	conditions []admissionv1.MatchCondition
	client     admissionv1.WebhookClientConfig
}

func mutatingWebhooks(c *admissionv1.MutatingWebhookConfiguration, locate Locator) []*webhook {
	var found []*webhook
	for i, w := range c.Webhooks {
		found = append(found, &webhook{
			newObject("MutatingWebhookConfiguration", c.ObjectMeta, locate), nil,
			field.NewPath("webhooks").Index(i),
			w.Name, w.Rules, w.FailurePolicy, w.TimeoutSeconds,
			w.NamespaceSelector, w.ObjectSelector, w.MatchConditions, w.ClientConfig,
		})
	}
	return found
}

func validatingWebhooks(c *admissionv1.ValidatingWebhookConfiguration, locate Locator) []*webhook {
	var found []*webhook
	for i, w := range c.Webhooks {
		found = append(found, &webhook{
			newObject("ValidatingWebhookConfiguration", c.ObjectMeta, locate), nil,
			field.NewPath("webhooks").Index(i),
			w.Name, w.Rules, w.FailurePolicy, w.TimeoutSeconds,
			w.NamespaceSelector, w.ObjectSelector, w.MatchConditions, w.ClientConfig,
		})
	}
	return found
}

// fails reports whether requests are rejected when the webhook does not answer, which is the
// default.
func (h *webhook) fails() bool {
	return h.policy == nil || *h.policy == admissionv1.Fail
}

// matches reports whether a request for a resource in a namespace goes to the webhook. An object
// selector excludes objects without labels. A match condition that contains the namespace or the
// resource counts as an exclusion.
func (h *webhook) matches(group, resource, namespace string) bool {
	return h.hasRule(group, resource) && h.selectsNamespace(namespace) && matchesUnlabelled(h.objects) &&
		!h.conditionNames(namespace) && !h.conditionNames(resource)
}

func (h *webhook) hasRule(group, resource string) bool {
	return slices.ContainsFunc(h.rules, func(r admissionv1.RuleWithOperations) bool {
		return writes(r) && has(r.APIGroups, group) && hasResource(r.Resources, resource) && inNamespaces(r)
	})
}

// writes reports whether a rule is for creation or updates.
func writes(r admissionv1.RuleWithOperations) bool {
	return slices.ContainsFunc(r.Operations, func(o admissionv1.OperationType) bool {
		return o == admissionv1.OperationAll || o == admissionv1.Create || o == admissionv1.Update
	})
}

func inNamespaces(r admissionv1.RuleWithOperations) bool {
	return r.Scope == nil || *r.Scope != admissionv1.ClusterScope
}

func has(list []string, what string) bool {
	return slices.Contains(list, "*") || slices.Contains(list, what)
}

func hasResource(list []string, what string) bool {
	return has(list, what) || slices.Contains(list, "*/*")
}

// selectsNamespace reports whether the namespace selector matches the known labels of a namespace.
// Every namespace has its name as a label.
func (h *webhook) selectsNamespace(name string) bool {
	set := labels.Merge(h.in.namespaces[name], labels.Set{"kubernetes.io/metadata.name": name})
	return h.namespaces == nil || selectorOf(h.namespaces).Matches(set)
}

func matchesUnlabelled(s *metav1.LabelSelector) bool {
	return s == nil || selectorOf(s).Matches(labels.Set{})
}

func (h *webhook) conditionNames(what string) bool {
	return slices.ContainsFunc(h.conditions, func(c admissionv1.MatchCondition) bool {
		return strings.Contains(c.Expression, what)
	})
}

// builtIn are the API groups that a cluster needs to repair itself.
var builtIn = []string{"", "apps", "batch", "coordination.k8s.io", "discovery.k8s.io", "policy"}

// forBuiltIn reports whether the webhook matches resources of Kubernetes, and not only custom ones.
func (h *webhook) forBuiltIn() bool {
	return slices.ContainsFunc(h.rules, func(r admissionv1.RuleWithOperations) bool {
		return slices.ContainsFunc(builtIn, func(g string) bool { return has(r.APIGroups, g) })
	})
}
