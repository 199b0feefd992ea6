package lint

import (
	"strings"
	"testing"
)

func TestFindingsOfMeshesAndIgnoredRules(t *testing.T) {
	expectFindings(t, map[string]variant{
		"Istio by the namespace's label": {
			manifest: plainManifest,
			edits:    edits{"apiVersion: policy/v1", inMesh + "---\napiVersion: policy/v1"},
			want:     []string{"istio-rewrites-hook", "mesh-captures-hook"},
		},
		"a pod that opts out of Istio": {
			manifest: plainManifest,
			edits: edits{
				"apiVersion: policy/v1", inMesh + "---\napiVersion: policy/v1",
				podLabels, "      labels: { app: web, sidecar.istio.io/inject: \"false\" }\n",
			},
		},
		"Linkerd by the namespace's annotation": {
			manifest: plainManifest,
			edits: edits{"apiVersion: policy/v1", strings.Replace(inMesh, "labels: { istio-injection: enabled }",
				"annotations: { linkerd.io/inject: enabled }", 1) + "---\napiVersion: policy/v1"},
			want: []string{"mesh-captures-hook"},
		},
		"Istio and a wrapper": {
			manifest: wrapperManifest,
			edits:    edits{"apiVersion: policy/v1", inMesh + "---\napiVersion: policy/v1"},
		},
		"rules ignored on the object": {
			manifest: nativeManifest,
			edits: edits{
				"metadata: { name: web }\nspec:\n  replicas: 3",
				"metadata: { name: web, annotations: { lint.lameduck.dev/ignore: \"one-replica: " +
					"there can be only one, no-disruption-budget\" } }\n" +
					"spec:\n" +
					"  replicas: 1",
			},
		},
		"rules ignored on the template": {
			manifest: nativeManifest,
			edits: edits{
				podLabels,
				podLabels + "      annotations: { lint.lameduck.dev/ignore: one-replica }\n",
				"replicas: 3", "replicas: 1",
			},
		},
		"rules ignored by an option": {
			manifest: nativeManifest,
			edits:    edits{"replicas: 3", "replicas: 1"},
			options:  Options{Ignore: []string{"one-replica"}},
		},
	})
}
