package lint

import (
	"testing"
)

func TestFindingsOfWebhooks(t *testing.T) {
	expectFindings(t, map[string]variant{
		"a condition that names kube-system": {
			manifest: webhookManifest,
			edits: edits{
				noCalls, "[policy]",
				"    rules:",
				"    matchConditions: [{ name: a, expression: request.namespace != 'kube-system' " +
					"}]\n" +
					"    rules:",
			},
		},
		"a condition that does not name kube-system": {
			manifest: webhookManifest,
			edits: edits{
				noCalls, "[policy]",
				"    rules:",
				"    matchConditions: [{ name: a, expression: \"true\" }]\n    rules:",
			},
			want: []string{"webhook-for-kube-system"},
		},
		"objects with a label": {
			manifest: webhookManifest,
			edits: edits{
				noCalls, "[policy]",
				"    rules:", "    objectSelector: { matchLabels: { a: b } }\n    rules:",
			},
		},
		"objects without a label": {
			manifest: webhookManifest,
			edits: edits{
				noCalls, "[policy]",
				"    rules:",
				"    objectSelector: { matchExpressions: [{ key: a, operator: DoesNotExist }] }\n" +
					"    rules:",
			},
			want: []string{"webhook-for-kube-system"},
		},
		"namespaces with a label": {
			manifest: webhookManifest,
			edits: edits{
				"{ key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system, " +
					"policy] }",
				"{ key: a, operator: Exists }",
			},
		},
		"deletions only": {
			manifest: webhookManifest,
			edits:    edits{noCalls, "[policy]", "[CREATE]", "[DELETE]"},
		},
		"custom resources": {
			manifest: webhookManifest,
			edits: edits{
				noCalls, "[policy]",
				onDeploys,
				"apiGroups: [policy.example.com], apiVersions: ['*'], operations: ['*'], " +
					"resources: ['*']",
				"timeoutSeconds: 2", "timeoutSeconds: 30",
			},
		},
		"cluster-scoped objects": {
			manifest: webhookManifest,
			edits: edits{
				noCalls, "[policy]",
				onDeploys,
				"apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*'], " +
					"scope: Cluster",
			},
		},
		"every namespace except one": {
			manifest: webhookManifest,
			edits: edits{
				onDeploys,
				"apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*']",
			},
			want: []string{"webhook-for-leases"},
		},
		"no failure policy": {
			manifest: webhookManifest,
			edits:    edits{noCalls, "[policy]", "    failurePolicy: Fail\n", ""},
			want:     []string{"webhook-for-kube-system"},
		},
		"no timeout": {
			manifest: webhookManifest,
			edits:    edits{"    timeoutSeconds: 2\n", ""},
			want:     []string{"webhook-timeout"},
		},
		"a long timeout with the policy Ignore": {
			manifest: webhookManifest,
			edits: edits{
				"timeoutSeconds: 2", "timeoutSeconds: 30",
				"Policy: Fail", "Policy: Ignore",
			},
			want: []string{"webhook-timeout"},
		},
		"a webhook outside the cluster": {
			manifest: webhookManifest,
			edits: edits{
				noCalls, "[kube-system]",
				onDeploys,
				"apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]",
				"clientConfig: { service: { namespace: policy, name: policy } }",
				"clientConfig: { url: https://policy.example.com }",
			},
		},
	})
}
