package lint

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// nodeRules are about nodes that fail, and nodes that are drained.
var nodeRules = []Rule{
	{
		ID: "no-disruption-budget", Severity: Warning,
		needs: []string{"poddisruptionbudgets", "horizontalpodautoscalers"},
		Title: "no PodDisruptionBudget for a service of several replicas",
		Explanation: `A drain of nodes evicts pods as fast as it can, all replicas at a time if they are on its nodes. A PodDisruptionBudget lets the next one go when a new
one is ready.`,
		check: eachReplicated(noBudget),
	},
	{
		ID: "budget-blocks-drain", Severity: Error,
		needs: []string{"poddisruptionbudgets"},
		Title: "a PodDisruptionBudget that never allows an eviction",
		Explanation: `With maxUnavailable: 0, or a minAvailable of all replicas (a share is rounded up), every eviction is refused: drains of nodes hang, and with them
upgrades of the cluster and repairs of nodes, until somebody deletes the pods by force.`,
		check: eachBudget(budgetBlocks),
	},
	{
		ID: "several-disruption-budgets", Severity: Error,
		needs:       []string{"poddisruptionbudgets"},
		Title:       "several PodDisruptionBudgets select the same pods",
		Explanation: `The eviction API does not know which to go by and answers with an error: such pods cannot be evicted at all, and drains of their nodes hang.`,
		check:       eachWorkload(severalBudgets),
	},
	{
		ID: "replicas-not-spread", Severity: Warning,
		needs: []string{"horizontalpodautoscalers"},
		Title: "nothing spreads the replicas over nodes",
		Explanation: `All replicas may be on one node, and end with it. A topologySpreadConstraint or a podAntiAffinity over kubernetes.io/hostname that selects the pods
themselves keeps them apart; one over zones spreads over nodes too. The scheduler's own preference yields to free room.`,
		check: eachReplicated(notSpread),
	},
	{
		ID: "replicas-on-one-node", Severity: Error,
		needs: []string{"pods"},
		Title: "all replicas run on one node",
		Explanation: `This is how it is in the cluster at the moment: the node's end is the service's. Constraints are looked at only when a pod is scheduled, so that pods
stay where they came up when there was no other node; a restart of the rollout moves them.`,
		check: eachReplicated(onOneNode),
	},
}

func noBudget(w *workload, say say) {
	if w.atLeast() < 2 || len(w.budgets) > 0 || !w.in.knows("poddisruptionbudgets") && w.in.cluster {
		return
	}
	say(nil, "drains of nodes may evict all replicas at a time, so the service has nobody until new ones are ready",
		"add a PodDisruptionBudget with maxUnavailable: 1 that selects the pods")
}

func budgetBlocks(b *budget, say say) {
	n := b.replicas()
	if n == 0 {
		return
	}
	if allowed, at := b.allows(n); allowed <= 0 {
		say(at, fmt.Sprintf("of the pods of %s none may be evicted, so drains of nodes and upgrades of the cluster hang", strings.Join(names(b.workloads), ", ")),
			"say maxUnavailable: 1, with two replicas or more")
	}
}

func severalBudgets(w *workload, say say) {
	if len(w.budgets) < 2 {
		return
	}
	var found []string
	for _, b := range w.budgets {
		found = append(found, b.object.Name)
	}
	say(w.meta.Child("labels"), fmt.Sprintf("PodDisruptionBudgets %s select the same pods, so every eviction is an error and drains of nodes hang", strings.Join(found, " and ")),
		"leave one of them, or let their selectors select different pods")
}

func notSpread(w *workload, say say) {
	if w.atLeast() < 2 || w.isSpread() {
		return
	}
	say(w.spec.Child("topologySpreadConstraints"), "all replicas may be on one node, so that they end with it", fmt.Sprintf(
		"add { topologyKey: %s, maxSkew: 1, whenUnsatisfiable: ScheduleAnyway, labelSelector: ... } with the pods' own labels", corev1.LabelHostname))
}

// isSpread tells whether a constraint, strict or not, keeps replicas on different nodes or in different zones.
func (w *workload) isSpread() bool {
	for _, c := range w.template.Spec.TopologySpreadConstraints {
		if isApart(c.TopologyKey) && w.selectsItself(c.LabelSelector) && int(c.MaxSkew) < w.atLeast() {
			return true
		}
	}
	a := w.template.Spec.Affinity
	if a == nil || a.PodAntiAffinity == nil {
		return false
	}
	terms := a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	for _, p := range a.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution {
		terms = append(terms[:len(terms):len(terms)], p.PodAffinityTerm)
	}
	for _, t := range terms {
		if isApart(t.TopologyKey) && w.selectsItself(t.LabelSelector) {
			return true
		}
	}
	return false
}

func isApart(topologyKey string) bool {
	return topologyKey == corev1.LabelHostname || topologyKey == corev1.LabelTopologyZone
}

func (w *workload) selectsItself(s *metav1.LabelSelector) bool {
	return s != nil && w.isSelectedBy(selectorOf(s))
}

func onOneNode(w *workload, say say) {
	nodes := make(map[string]int)
	running := 0
	for _, p := range w.in.podsOf(w) {
		if p.Spec.NodeName != "" && p.DeletionTimestamp == nil && p.Status.Phase == corev1.PodRunning {
			nodes[p.Spec.NodeName]++
			running++
		}
	}
	if running < 2 || len(nodes) > 1 {
		return
	}
	for node := range nodes {
		say(specOf("replicas"), fmt.Sprintf("all %d pods run on node %s, so the service ends with it", running, node),
			fmt.Sprintf("spread them (rule replicas-not-spread), then kubectl rollout restart %s/%s", strings.ToLower(w.Kind), w.Name))
	}
}
