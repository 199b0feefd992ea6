package lint

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// nodeRules check what happens when nodes fail or are drained.
var nodeRules = []Rule{
	{
		ID: "no-disruption-budget", Severity: Warning,
		needs: []string{"poddisruptionbudgets", "horizontalpodautoscalers"},
		Title: "no PodDisruptionBudget for a service with several replicas",
		Explanation: `A node drain evicts pods as fast as it can, even all replicas at once if they are on the
drained nodes. With a PodDisruptionBudget, it waits until a replacement is ready.`,
		check: eachReplicated(noBudget),
	},
	{
		ID: "budget-blocks-drain", Severity: Error,
		needs: []string{"poddisruptionbudgets"},
		Title: "a PodDisruptionBudget that never allows an eviction",
		Explanation: `With maxUnavailable: 0, or a minAvailable of all replicas (a percentage is rounded up),
every eviction is refused. Node drains hang, and so do cluster upgrades and node repairs, until the pods are
deleted by force.`,
		check: eachBudget(budgetBlocks),
	},
	{
		ID: "several-disruption-budgets", Severity: Error,
		needs: []string{"poddisruptionbudgets"},
		Title: "several PodDisruptionBudgets select the same pods",
		Explanation: `The eviction API returns an error for such pods. They cannot be evicted, and drains of
their nodes hang.`,
		check: eachWorkload(severalBudgets),
	},
	{
		ID: "replicas-not-spread", Severity: Warning,
		needs: []string{"horizontalpodautoscalers"},
		Title: "nothing spreads the replicas over nodes",
		Explanation: `All replicas may run on one node and fail with it. A topologySpreadConstraint or a
podAntiAffinity over kubernetes.io/hostname that selects the pods themselves spreads them; one over zones
spreads over nodes too. The scheduler's own preference is weak.`,
		check: eachReplicated(notSpread),
	},
	{
		ID: "replicas-on-one-node", Severity: Error,
		needs: []string{"pods", "nodes"},
		Title: "all replicas run on one node",
		Explanation: `All replicas run on one node at the moment: if it fails, so does the service.
Constraints apply only when a pod is scheduled, so pods stay together if there was no other node when they
started. A rollout restart moves them. In a cluster with only one node for them this is not reported.`,
		check: eachReplicated(onOneNode),
	},
}

func noBudget(w *workload, report objectReporter) {
	if w.minReplicas() < 2 || len(w.budgets) > 0 || !w.in.isComplete("poddisruptionbudgets") && w.in.cluster {
		return
	}
	report(nil, "node drains may evict all replicas at once, so the service is down until new ones are ready",
		"add a PodDisruptionBudget with maxUnavailable: 1 that selects the pods")
}

func budgetBlocks(b *budget, report objectReporter) {
	n := b.replicas()
	if n == 0 {
		return
	}
	if allowed, at := b.allows(n); allowed <= 0 {
		report(at, fmt.Sprintf("no pod of %s may be evicted, so node drains and cluster upgrades hang",
			strings.Join(names(b.workloads), ", ")),
			"set maxUnavailable: 1, with two replicas or more")
	}
}

func severalBudgets(w *workload, report objectReporter) {
	if len(w.budgets) < 2 {
		return
	}
	var found []string
	for _, b := range w.budgets {
		found = append(found, b.object.Name)
	}
	report(w.meta.Child("labels"),
		fmt.Sprintf("PodDisruptionBudgets %s select the same pods, so every eviction fails and node drains "+
			"hang",
			strings.Join(found, " and ")),
		"keep one of them, or make their selectors disjoint")
}

func notSpread(w *workload, report objectReporter) {
	if w.minReplicas() < 2 || w.isSpread() {
		return
	}
	report(w.spec.Child("topologySpreadConstraints"), "all replicas may run on one node, so they fail with "+
		"it", fmt.Sprintf(
		"add { topologyKey: %s, maxSkew: 1, whenUnsatisfiable: ScheduleAnyway, labelSelector: ... } with "+
			"the labels of the pods",
		corev1.LabelHostname))
}

// isSpread reports whether a constraint, strict or not, spreads the replicas over nodes or zones.
func (w *workload) isSpread() bool {
	for _, c := range w.template.Spec.TopologySpreadConstraints {
		if isApart(c.TopologyKey) && w.selectsItself(c.LabelSelector) && int(c.MaxSkew) < w.minReplicas() {
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

func onOneNode(w *workload, report objectReporter) {
	nodes := make(map[string]int)
	running := 0
	for _, p := range w.in.podsOf(w) {
		if p.Spec.NodeName != "" && p.DeletionTimestamp == nil && p.Status.Phase == corev1.PodRunning {
			nodes[p.Spec.NodeName]++
			running++
		}
	}
	if running < 2 || len(nodes) > 1 || w.nodesForPods() == 1 {
		return
	}
	for node := range nodes {
		report(specOf("replicas"), fmt.Sprintf("all %d pods run on node %s, so the service fails with it",
			running, node),
			fmt.Sprintf("spread them (rule replicas-not-spread), then kubectl rollout restart %s/%s",
				strings.ToLower(w.Kind), w.Name))
	}
}
