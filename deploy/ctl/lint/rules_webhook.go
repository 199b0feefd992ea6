package lint

import "fmt"

// webhookRules check all admission webhooks: one that does not answer can take down the cluster.
var webhookRules = []Rule{
	{
		ID: "webhook-for-everything", Severity: Error,
		needs: []string{"mutatingwebhookconfigurations", "validatingwebhookconfigurations"},
		Title: "a webhook with failurePolicy Fail matches everything",
		Explanation: `When the webhook does not answer, the API server rejects every write:
leases, status, endpoints, and what would repair the webhook itself. API servers that start wait for
their own writes and do not become ready. List the groups and resources that it needs, or set
failurePolicy: Ignore.`,
		check: eachWebhook(webhookForEverything),
	},
	{
		ID: "webhook-for-leases", Severity: Error,
		needs: []string{"namespaces", "mutatingwebhookconfigurations", "validatingwebhookconfigurations"},
		Title: "a webhook with failurePolicy Fail matches Leases",
		Explanation: `Leases are the heartbeats of kubelets and elect the leaders of controllers. When the
webhook does not answer, every node counts as lost in less than a minute, its pods are evicted after five,
and the scheduler and the controllers stop.`,
		check: eachWebhook(webhookForLeases),
	},
	{
		ID: "webhook-for-kube-system", Severity: Error,
		needs: []string{"namespaces", "mutatingwebhookconfigurations", "validatingwebhookconfigurations"},
		Title: "a webhook with failurePolicy Fail matches kube-system",
		Explanation: `When the webhook does not answer, nothing in kube-system can be created or
changed: DNS, network and proxies of the cluster do not come up on a new or repaired node, and neither
does the webhook. Exclude the namespace by its label kubernetes.io/metadata.name. Match conditions that
contain the name of the namespace or the resource count as exclusions, and so do object selectors.`,
		check: eachWebhook(webhookForKubeSystem),
	},
	{
		ID: "webhook-for-its-own-pods", Severity: Error,
		needs: []string{"namespaces", "mutatingwebhookconfigurations", "validatingwebhookconfigurations"},
		Title: "a webhook with failurePolicy Fail matches its own pods",
		Explanation: `Once all pods of the webhook have stopped, for example in a node repair or
an upgrade, no new one can be created, because the webhook cannot answer for it. Exclude its own
namespace by its label kubernetes.io/metadata.name.`,
		check: eachWebhook(webhookForItsOwnPods),
	},
	{
		ID: "webhook-timeout", Severity: Warning,
		needs: []string{"mutatingwebhookconfigurations", "validatingwebhookconfigurations"},
		Title: "a webhook has a long timeout",
		Explanation: `Every matching request waits for the webhook, by default up to 10 s, and webhooks are
called one after the other. Controllers give up and retry, which makes more requests. Even with
failurePolicy Ignore, a webhook that hangs slows down the API server. A healthy webhook answers in
milliseconds, so 2 to 5 s are plenty. Webhooks for custom resources only are not checked.`,
		check: eachWebhook(webhookTimeout),
	},
}

// longTimeout is the longest acceptable timeout, in seconds. Leaders lose their lease when a write
// takes 10 s.
const longTimeout = 5

// Of matchesEverything, matchesLeases and matchesKubeSystem, the first is the worst. Only the worst
// is reported.
func (h *webhook) matchesEverything() bool {
	return h.matches("any.example", "anything", kubeSystem)
}

func (h *webhook) matchesLeases() bool {
	const group = "coordination.k8s.io"
	return h.matches(group, "leases", kubeSystem) || h.matches(group, "leases", kubeNodeLease)
}

// kubeSystemNeeds has resources in kube-system that a node needs, one for each kind of writer.
var kubeSystemNeeds = []struct{ group, resource string }{
	{"", "pods"}, {"", "configmaps"}, {"", "secrets"}, {"", "services"}, {"", "endpoints"},
	{"", "serviceaccounts"},
	{"apps", "deployments"}, {"apps", "daemonsets"}, {"apps", "replicasets"},
	{"discovery.k8s.io", "endpointslices"},
}

func (h *webhook) matchesKubeSystem() (resource string, matches bool) {
	for _, n := range kubeSystemNeeds {
		if h.matches(n.group, n.resource, kubeSystem) {
			return n.resource, true
		}
	}
	return "", false
}

func webhookForEverything(h *webhook, report objectReporter) {
	if h.fails() && h.matchesEverything() {
		report(h.path.Child("rules"),
			fmt.Sprintf("when webhook %s does not answer, every write in the cluster is rejected, so "+
				"nothing can be repaired", h.name),
			"list the groups and resources that it needs, or set failurePolicy: Ignore")
	}
}

func webhookForLeases(h *webhook, report objectReporter) {
	if h.fails() && h.matchesLeases() && !h.matchesEverything() {
		report(h.path.Child("rules"),
			fmt.Sprintf("when webhook %s does not answer, heartbeats and leader elections fail, so nodes "+
				"count as lost and pods are evicted",
				h.name),
			"exclude coordination.k8s.io, and the namespaces kube-system and kube-node-lease")
	}
}

func webhookForKubeSystem(h *webhook, report objectReporter) {
	if !h.fails() || h.matchesEverything() || h.matchesLeases() {
		return
	}
	if resource, matches := h.matchesKubeSystem(); matches {
		report(h.path.Child("namespaceSelector"),
			fmt.Sprintf("when webhook %s does not answer, %s of kube-system are rejected, so DNS and "+
				"network do not come up on a new node",
				h.name, resource),
			"add namespaceSelector: { matchExpressions: [{ key: kubernetes.io/metadata.name, operator: "+
				"NotIn, "+
				"values: [kube-system] }] }, or set failurePolicy: Ignore")
	}
}

func webhookForItsOwnPods(h *webhook, report objectReporter) {
	s := h.client.Service
	if s == nil || s.Namespace == kubeSystem || !h.fails() || h.matchesEverything() {
		return
	}
	if h.matches("", "pods", s.Namespace) {
		report(h.path.Child("namespaceSelector"),
			fmt.Sprintf("webhook %s matches the pods of its own namespace %s, so none can be created once "+
				"all have stopped",
				h.name, s.Namespace),
			fmt.Sprintf("exclude the namespace: { key: kubernetes.io/metadata.name, operator: NotIn, "+
				"values: [kube-system, %s] }",
				s.Namespace))
	}
}

func webhookTimeout(h *webhook, report objectReporter) {
	seconds := int32(10) // default of the API
	if h.timeout != nil {
		seconds = *h.timeout
	}
	if seconds > longTimeout && h.forBuiltIn() {
		report(h.path.Child("timeoutSeconds"),
			fmt.Sprintf("every request that webhook %s matches waits for it up to %d s, so it stops "+
				"controllers and rollouts if it hangs",
				h.name, seconds),
			"set timeoutSeconds to 2, and at most to 5")
	}
}
