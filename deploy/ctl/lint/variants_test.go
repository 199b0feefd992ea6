package lint

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Manifests without a finding.
const (
	nativeManifest  = "grace-period-differs/good.yaml"
	plainManifest   = "drain-hook-of-another-shape/good.yaml"
	wrapperManifest = "wrapper.yaml"
	sleepManifest   = "unprotected/good.yaml"
	webhookManifest = "webhook-for-kube-system/good.yaml"
)

// edits maps texts of a manifest to their replacements.
type edits []string

const (
	holdHook     = "preStop: { httpGet: { path: /hold, port: 18081 } }"
	sleepHook    = "preStop: { sleep: { seconds: 20 } }"
	appPort      = "ports: [{ name: http, containerPort: 18080 }]"
	appPortSleep = "ports: [{ name: http, containerPort: 8080 }]"
	appProbe     = "readinessProbe: { httpGet: { path: /, port: http } }"
	servicePort  = "ports: [{ port: 80, targetPort: http }]"
	strategy     = "strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } }"
	graceSetting = "- { name: LAMEDUCK_GRACE_PERIOD, value: 120s }"
	budgetOne    = "  maxUnavailable: 1\n"
	noCalls      = "[kube-system, policy]"
	onDeploys    = "apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: " +
		"[deployments]"
	podLabels = "      labels: { app: web }\n"
	aScaler   = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\n" +
		"metadata: { name: web }\nspec:\n  minReplicas: 2\n  maxReplicas: 9\n" +
		"  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web }\n" +
		"---\napiVersion: policy/v1"
	aScaledObject = "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: { name: web }\nspec:\n" +
		"  minReplicaCount: 2\n  scaleTargetRef: { name: web }\n---\napiVersion: policy/v1"
	inMesh = "apiVersion: v1\nkind: Namespace\n" +
		"metadata: { name: default, labels: { istio-injection: enabled } }\n"
)

// A variant is a manifest with edits, and the rules that report a problem in it.
type variant struct {
	manifest string
	edits    edits
	options  Options
	want     []string
}

func expectFindings(t *testing.T, variants map[string]variant) {
	t.Helper()
	for name, tc := range variants {
		t.Run(name, func(t *testing.T) {
			got := rulesIn(t, tc.options, edited(t, tc.manifest, tc.edits))
			if !slices.Equal(got, tc.want) {
				t.Errorf("found %v, want %v", got, tc.want)
			}
		})
	}
}

// besideAWrapper is a second container.
const (
	besideAWrapper = `
        - name: api
          image: registry.example/api:1
          ports: [{ name: api, containerPort: 9090 }]
          readinessProbe: { httpGet: { path: /, port: api } }`
	twoPorts = "ports: [{ name: http, port: 80, targetPort: http }, { name: api, port: 9090, " +
		"targetPort: api }]"
)

const antiAffinity = `      affinity:
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
            - weight: 1
              podAffinityTerm:
                topologyKey: kubernetes.io/hostname
                labelSelector: { matchLabels: { app: web } }`

// edited returns a manifest with some edits. Each must apply.
func edited(t *testing.T, manifest string, e edits) string {
	t.Helper()
	read, err := os.ReadFile(filepath.Join("testdata", manifest))
	if err != nil {
		t.Fatal(err)
	}
	text := string(read)
	for i := 0; i < len(e); i += 2 {
		if !strings.Contains(text, e[i]) {
			t.Fatalf("the manifest has no %q", e[i])
		}
		text = strings.ReplaceAll(text, e[i], e[i+1])
	}
	return text
}

// rulesIn returns the sorted names of the rules that report a problem in a manifest.
func rulesIn(t *testing.T, o Options, text string) []string {
	t.Helper()
	in := NewInventory(o)
	if err := in.ReadFiles([]string{"-"}, false, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, f := range in.Lint() {
		found = append(found, f.Rule)
	}
	slices.Sort(found)
	return slices.Compact(found)
}
