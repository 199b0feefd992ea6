package lint

import (
	"strings"
	"testing"
)

func TestFindingsOfRollouts(t *testing.T) {
	expectFindings(t, map[string]variant{
		"Recreate": {
			manifest: nativeManifest,
			edits:    edits{strategy, "strategy: { type: Recreate }"},
			want:     []string{"rollout-empties-service"},
		},
		"maxUnavailable 100%": {
			manifest: nativeManifest,
			edits:    edits{"maxUnavailable: 0, maxSurge: 1", "maxUnavailable: 100%"},
			want:     []string{"rollout-empties-service"},
		},
		"the default of maxUnavailable rounds down to 0": {
			manifest: nativeManifest,
			edits:    edits{strategy, "", "replicas: 3", "replicas: 1"},
			want:     []string{"one-replica"},
		},
		"neither surge nor unavailable": {
			manifest: nativeManifest,
			edits: edits{
				"maxUnavailable: 0, maxSurge: 1", "maxUnavailable: 0, maxSurge: 0",
				"replicas: 3", "replicas: 1",
			},
			want: []string{"one-replica", "rollout-empties-service"},
		},
		"no replicas": {
			manifest: nativeManifest,
			edits:    edits{"replicas: 3", "replicas: 0", strategy, "strategy: { type: Recreate }"},
		},
		"an autoscaler's minimum": {
			manifest: nativeManifest,
			edits:    edits{"  replicas: 3\n", "", "apiVersion: policy/v1", aScaler},
		},
		"an autoscaler with a minimum of one": {
			manifest: nativeManifest,
			edits: edits{
				"  replicas: 3\n", "",
				"apiVersion: policy/v1", aScaler,
				"minReplicas: 2", "minReplicas: 1",
			},
			want: []string{"one-replica"},
		},
		"a ScaledObject of KEDA": {
			manifest: nativeManifest,
			edits:    edits{"  replicas: 3\n", "", "apiVersion: policy/v1", aScaledObject},
		},
		"a ScaledObject with a minimum of one": {
			manifest: nativeManifest,
			edits: edits{
				"  replicas: 3\n", "", "apiVersion: policy/v1", aScaledObject, "minReplicaCount: 2", "minReplicaCount: 1",
			},
			want: []string{"one-replica"},
		},
		"a DaemonSet": {
			manifest: nativeManifest,
			edits: edits{
				"kind: Deployment", "kind: DaemonSet",
				"  replicas: 3\n", "",
				strategy, "updateStrategy: { rollingUpdate: { maxUnavailable: 99% } }",
			},
		},
		"a DaemonSet all at once": {
			manifest: nativeManifest,
			edits: edits{
				"kind: Deployment", "kind: DaemonSet",
				"  replicas: 3\n", "",
				strategy, "updateStrategy: { rollingUpdate: { maxUnavailable: 100% } }",
			},
			want: []string{"rollout-empties-service"},
		},
		"a StatefulSet": {
			manifest: nativeManifest,
			edits:    edits{"kind: Deployment", "kind: StatefulSet", strategy, ""},
		},
		"a StatefulSet of one": {
			manifest: nativeManifest,
			edits: edits{
				"kind: Deployment", "kind: StatefulSet",
				strategy, "",
				"replicas: 3", "replicas: 1",
			},
			want: []string{"one-replica"},
		},
		"a StatefulSet all at once": {
			manifest: nativeManifest,
			edits: edits{
				"kind: Deployment", "kind: StatefulSet",
				strategy, "updateStrategy: { rollingUpdate: { maxUnavailable: 100% } }",
			},
			want: []string{"rollout-empties-service"},
		},
		"a StatefulSet that is restarted by hand": {
			manifest: nativeManifest,
			edits: edits{
				"kind: Deployment", "kind: StatefulSet",
				strategy, "updateStrategy: { type: OnDelete }",
				"replicas: 3", "replicas: 1",
			},
			want: []string{"one-replica"},
		},
		"a budget for all": {
			manifest: nativeManifest,
			edits:    edits{budgetOne, "  minAvailable: 3\n"},
			want:     []string{"budget-blocks-drain"},
		},
		"a budget for all but one": {
			manifest: nativeManifest,
			edits:    edits{budgetOne, "  minAvailable: 2\n"},
		},
		"a budget that allows none": {
			manifest: nativeManifest,
			edits:    edits{budgetOne, "  maxUnavailable: 0%\n"},
			want:     []string{"budget-blocks-drain"},
		},
		"a budget that rounds up": {
			manifest: nativeManifest,
			edits:    edits{budgetOne, "  maxUnavailable: 1%\n"},
		},
		"an empty budget": {
			manifest: nativeManifest,
			edits:    edits{budgetOne, ""},
		},
		"a budget for every pod": {
			manifest: nativeManifest,
			edits: edits{
				budgetOne + "  selector: { matchLabels: { app: web } }",
				budgetOne + "  selector: {}",
			},
		},
		"a budget for no pod": {
			manifest: nativeManifest,
			edits:    edits{budgetOne + "  selector: { matchLabels: { app: web } }", budgetOne},
			want:     []string{"no-disruption-budget"},
		},
		"zones": {
			manifest: nativeManifest,
			edits:    edits{"kubernetes.io/hostname", "topology.kubernetes.io/zone"},
		},
		"regions": {
			manifest: nativeManifest,
			edits:    edits{"kubernetes.io/hostname", "topology.kubernetes.io/region"},
			want:     []string{"replicas-not-spread"},
		},
		"a skew that allows all on one node": {
			manifest: nativeManifest,
			edits:    edits{"maxSkew: 1", "maxSkew: 3"},
			want:     []string{"replicas-not-spread"},
		},
		"anti-affinity": {
			manifest: nativeManifest,
			edits: edits{
				"      topologySpreadConstraints:\n" +
					"        - { topologyKey: kubernetes.io/hostname, maxSkew: 1, " +
					"whenUnsatisfiable: ScheduleAnyway, labelSelector: { matchLabels: { app: " +
					"web } } }",
				antiAffinity,
			},
		},
		"anti-affinity to other pods": {
			manifest: nativeManifest,
			edits: edits{
				"      topologySpreadConstraints:\n" +
					"        - { topologyKey: kubernetes.io/hostname, maxSkew: 1, " +
					"whenUnsatisfiable: ScheduleAnyway, labelSelector: { matchLabels: { app: " +
					"web } } }",
				strings.Replace(antiAffinity, "app: web", "app: other", 1),
			},
			want: []string{"replicas-not-spread"},
		},
	})
}
