package lint

import "fmt"

// webhookRules are about admission webhooks, anybody's: one that does not answer takes more than its own service down.
var webhookRules = []Rule{
	{
		ID: "webhook-for-everything", Severity: Error,
		needs: []string{"mutatingwebhookconfigurations", "validatingwebhookconfigurations"},
		Title: "a webhook with failurePolicy Fail is asked about everything",
		Explanation: `When it does not answer, the API server refuses every write: leases, status, endpoints, and what would repair the webhook itself. API servers that
start wait for their own writes and do not become ready. Say the groups and resources that it is for, and failurePolicy: Ignore.`,
		check: eachWebhook(webhookForEverything),
	},
	{
		ID: "webhook-for-leases", Severity: Error,
		needs: []string{"namespaces", "mutatingwebhookconfigurations", "validatingwebhookconfigurations"},
		Title: "a webhook with failurePolicy Fail is asked about Leases",
		Explanation: `Leases are the heartbeats of kubelets and what controllers elect their leaders with. When the webhook does not answer, every node counts as lost in
less than a minute, its pods are evicted after five, and the scheduler and the controllers stop.`,
		check: eachWebhook(webhookForLeases),
	},
	{
		ID: "webhook-for-kube-system", Severity: Error,
		needs: []string{"namespaces", "mutatingwebhookconfigurations", "validatingwebhookconfigurations"},
		Title: "a webhook with failurePolicy Fail is asked about kube-system",
		Explanation: `When it does not answer, nothing in kube-system can be made or changed: the cluster's DNS, network and proxies do not come back on a new or repaired
node, and with them the webhook does not either. Leave the namespace out by its label kubernetes.io/metadata.name. Match conditions that name the
namespace or the resource are taken to leave it out, and labels that objects are selected by.`,
		check: eachWebhook(webhookForKubeSystem),
	},
	{
		ID: "webhook-for-its-own-pods", Severity: Error,
		needs: []string{"namespaces", "mutatingwebhookconfigurations", "validatingwebhookconfigurations"},
		Title: "a webhook with failurePolicy Fail is asked about its own pods",
		Explanation: `Once all its pods have ended, for a node's repair or an upgrade, none can be made, since nobody answers for it. Leave its own namespace out by its
label kubernetes.io/metadata.name.`,
		check: eachWebhook(webhookForItsOwnPods),
	},
	{
		ID: "webhook-timeout", Severity: Warning,
		needs: []string{"mutatingwebhookconfigurations", "validatingwebhookconfigurations"},
		Title: "a webhook may take long to answer",
		Explanation: `Every request that it is asked about waits for it, 10 s where timeoutSeconds is left out, and webhooks are asked one after the other; controllers give
up and try anew, which makes more of them. With failurePolicy Ignore too, a webhook that hangs makes an API server crawl. What answers at all answers
in milliseconds: 2 to 5 s are plenty. Webhooks for kinds of their own alone are not looked at.`,
		check: eachWebhook(webhookTimeout),
	},
}

// longTimeout is the longest that a request may wait for a webhook. Leaders are elected anew when a write takes 10 s.
const longTimeout = 5

// asksForEverything, asksForLeases and asksForKubeSystem are worse in this order, and only the worst is told.
func (h *webhook) asksForEverything() bool {
	return h.matches("any.example", "anything", kubeSystem)
}

func (h *webhook) asksForLeases() bool {
	return h.matches("coordination.k8s.io", "leases", kubeSystem) || h.matches("coordination.k8s.io", "leases", kubeNodeLease)
}

// kubeSystemNeeds are what a node needs to be written in kube-system, one of each kind of writer.
var kubeSystemNeeds = []struct{ group, resource string }{
	{"", "pods"}, {"", "configmaps"}, {"", "secrets"}, {"", "services"}, {"", "endpoints"}, {"", "serviceaccounts"},
	{"apps", "deployments"}, {"apps", "daemonsets"}, {"apps", "replicasets"}, {"discovery.k8s.io", "endpointslices"},
}

func (h *webhook) asksForKubeSystem() (resource string, asks bool) {
	for _, n := range kubeSystemNeeds {
		if h.matches(n.group, n.resource, kubeSystem) {
			return n.resource, true
		}
	}
	return "", false
}

func webhookForEverything(h *webhook, say say) {
	if h.fails() && h.asksForEverything() {
		say(h.path.Child("rules"), fmt.Sprintf("when webhook %s does not answer, every write in the cluster is refused, so that nothing can be repaired, not even it", h.name),
			"say the groups and resources that it is for, and failurePolicy: Ignore")
	}
}

func webhookForLeases(h *webhook, say say) {
	if h.fails() && h.asksForLeases() && !h.asksForEverything() {
		say(h.path.Child("rules"), fmt.Sprintf("when webhook %s does not answer, heartbeats and elections of leaders are refused, so that nodes count as lost and their pods are evicted",
			h.name),
			"leave coordination.k8s.io out, and the namespaces kube-system and kube-node-lease")
	}
}

func webhookForKubeSystem(h *webhook, say say) {
	if !h.fails() || h.asksForEverything() || h.asksForLeases() {
		return
	}
	if resource, asks := h.asksForKubeSystem(); asks {
		say(h.path.Child("namespaceSelector"), fmt.Sprintf("when webhook %s does not answer, %s of kube-system are refused, so that DNS and network do not come back on a node",
			h.name, resource),
			"add namespaceSelector: { matchExpressions: [{ key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system] }] }, or failurePolicy: Ignore")
	}
}

func webhookForItsOwnPods(h *webhook, say say) {
	s := h.client.Service
	if s == nil || s.Namespace == kubeSystem || !h.fails() || h.asksForEverything() {
		return
	}
	if h.matches("", "pods", s.Namespace) {
		say(h.path.Child("namespaceSelector"), fmt.Sprintf("webhook %s is asked about the pods of its own namespace %s, so that none can be made once all have ended", h.name, s.Namespace),
			fmt.Sprintf("leave the namespace out: { key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system, %s] }", s.Namespace))
	}
}

func webhookTimeout(h *webhook, say say) {
	seconds := int32(10) // what the API has where it is left out
	if h.timeout != nil {
		seconds = *h.timeout
	}
	if seconds > longTimeout && h.forBuiltIn() {
		say(h.path.Child("timeoutSeconds"), fmt.Sprintf("every request that webhook %s is asked about waits for it up to %d s, so that a webhook that hangs stops controllers and rollouts",
			h.name, seconds),
			"set timeoutSeconds to 2, or 5 at the most")
	}
}
