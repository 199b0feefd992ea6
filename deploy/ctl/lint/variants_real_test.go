package lint

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	claimVolume = "    spec:\n      volumes: [{ name: data, persistentVolumeClaim: { claimName: data } }]\n"
	aClaim      = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: { name: data }\n" +
		"spec: { accessModes: [MODE] }\n---\napiVersion: policy/v1"
	oldScaler = "apiVersion: autoscaling/v1\nkind: HorizontalPodAutoscaler\n" +
		"metadata: { name: web }\nspec:\n  minReplicas: 1\n  maxReplicas: 9\n" +
		"  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web }\n" +
		"---\napiVersion: policy/v1"
)

// headless makes the Service headless.
const headless = "metadata: { name: web }\nspec:\n  selector: { app: web }\n  ports"

func TestFindingsOfServicesWithoutAnAddress(t *testing.T) {
	none := "metadata: { name: web }\nspec:\n  clusterIP: None\n  selector: { app: web }\n  ports"
	expectFindings(t, map[string]variant{
		"headless, the app's port, by name": {
			manifest: nativeManifest,
			edits:    edits{headless, none, "port: 80, targetPort: http", "port: 8080, targetPort: http"},
			want:     []string{"service-bypasses-lameduck"},
		},
		"headless, the app's port, by number": {
			manifest: nativeManifest,
			edits:    edits{headless, none, "port: 80, targetPort: http", "port: 8080"},
			want:     []string{"service-bypasses-lameduck"},
		},
		"headless, Lameduck's port": {
			manifest: nativeManifest,
			edits:    edits{headless, none, "port: 80, targetPort: http", "port: 18080, targetPort: 8080"},
		},
	})
}

func TestFindingsOfVolumesAndAutoscalers(t *testing.T) {
	expectFindings(t, map[string]variant{
		"autoscaling/v1": {
			manifest: nativeManifest,
			edits:    edits{"  replicas: 3\n", "", "apiVersion: policy/v1", oldScaler},
			want:     []string{"one-replica"},
		},
		"autoscaling/v1 with a minimum of two": {
			manifest: nativeManifest,
			edits: edits{
				"  replicas: 3\n", "", "apiVersion: policy/v1", oldScaler, "minReplicas: 1", "minReplicas: 2",
			},
		},
		"an exec probe of a container that gets SIGTERM at once": {
			manifest: sleepManifest,
			options:  Options{Releases: Releases{execReadiness}},
			edits: edits{
				"httpGet: { path: /, port: http }", "exec: { command: [/app] }", sleepHook, "{}",
			},
			want: []string{"unprotected"},
		},
		"an exec probe of a container that sleeps": {
			manifest: sleepManifest,
			options:  Options{Releases: Releases{execReadiness}},
			edits:    edits{"httpGet: { path: /, port: http }", "exec: { command: [/app] }"},
			want:     []string{"exec-readiness-probe"},
		},
	})
}

// fixesOf returns the remedies of a rule.
func fixesOf(t *testing.T, text, rule string) string {
	t.Helper()
	in := NewInventory(Options{})
	if err := in.ReadFiles([]string{"-"}, false, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	var fixes []string
	for _, f := range findingsOf(in.Lint(), rule) {
		fixes = append(fixes, f.Fix)
	}
	return strings.Join(fixes, "; ")
}

// A second pod waits for a volume that only one can mount, so neither more replicas nor a surge
// help.
func TestNoRemedyNeedsAVolumeTwice(t *testing.T) {
	for name, tc := range map[string]struct {
		volume, claim string
		shared        bool // several pods can mount it
	}{
		"no volume":                  {"    spec:\n", "", true},
		"an unknown claim":           {claimVolume, "", false},
		"a claim for one node":       {claimVolume, "ReadWriteOnce", false},
		"a claim for one pod":        {claimVolume, "ReadWriteOncePod", false},
		"a claim for many":           {claimVolume, "ReadWriteMany", true},
		"a claim to read":            {claimVolume, "ReadOnlyMany", true},
		"a disk":                     {strings.Replace(claimVolume, "persistentVolumeClaim: { claimName: data }", "awsElasticBlockStore: { volumeID: a }", 1), "", false},
		"a disk that is only read":   {strings.Replace(claimVolume, "persistentVolumeClaim: { claimName: data }", "gcePersistentDisk: { pdName: a, readOnly: true }", 1), "", true},
		"a directory of the pod":     {strings.Replace(claimVolume, "persistentVolumeClaim: { claimName: data }", "emptyDir: {}", 1), "", true},
		"a claim that each pod gets": {strings.Replace(claimVolume, "persistentVolumeClaim: { claimName: data }", "ephemeral: {}", 1), "", true},
	} {
		e := edits{"replicas: 3", "replicas: 1", strategy, "strategy: { type: Recreate }", "    spec:\n", tc.volume}
		if tc.claim != "" {
			e = append(e, "apiVersion: policy/v1", strings.Replace(aClaim, "MODE", tc.claim, 1))
		}
		text := edited(t, nativeManifest, e)
		for _, rule := range []string{"one-replica", "rollout-empties-service"} {
			fix := fixesOf(t, text, rule)
			if waits := strings.Contains(fix, "volume data"); fix == "" || waits == tc.shared {
				t.Errorf("%s: the fix of %s is %q", name, rule, fix)
			}
		}
	}
}

func TestAHookThatStandsIsReplaced(t *testing.T) {
	fix := fixesOf(t, edited(t, nativeManifest, edits{holdHook, "preStop: { exec: { command: [/stop] } }"}),
		"container-not-held")
	if !strings.HasPrefix(fix, "replace ") {
		t.Errorf("fix with a hook %q", fix)
	}
	fix = fixesOf(t, edited(t, nativeManifest, edits{"          lifecycle:\n            " + holdHook + "\n", ""}),
		"container-not-held")
	if !strings.HasPrefix(fix, "add ") {
		t.Errorf("fix without a hook %q", fix)
	}
}

func TestPatchesOfKustomizeAreNotObjects(t *testing.T) {
	image := strings.Replace(aDeployment, "name: app", "name: app\n          image: app:1", 1)
	dir := inFiles(t, map[string]string{
		"kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n" +
			"resources: [web.yaml]\npatches: [{ path: image.yaml }, { patch: '{}' }]\n" +
			"patchesStrategicMerge: [sub/merge.yaml]\n",
		"web.yaml":       image,
		"image.yaml":     image,
		"sub/merge.yaml": image,
		"replicas.yaml":  "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec: { replicas: 5 }\n",
		"delete.yaml":    "$patch: delete\n" + image,
		"port.yaml":      strings.Replace(aDeployment, "  selector: { matchLabels: { app: web } }\n", "", 1),
	})
	in := NewInventory(Options{})
	if err := in.ReadFiles([]string{dir}, true, nil); err != nil {
		t.Fatal(err)
	}
	if got := placesOf(t, in, "unprotected"); !slices.Equal(got, []string{"web.yaml:9"}) {
		t.Errorf("unprotected at %v", got)
	}
	if got := placesOf(t, in, "not-checked"); len(got) != 5 {
		t.Errorf("reported as patches: %v", got)
	}
}

func TestAKindThatHoldsPodsIsCheckedOrReported(t *testing.T) {
	const pods = "spec:\n  template:\n    metadata: { labels: { app: web } }\n    spec:\n" +
		"      containers: [{ name: app, image: a, ports: [{ containerPort: 80 }] }]\n"
	for header, want := range map[string][]string{
		"apps.openshift.io/v1 DeploymentConfig": {"one-replica", "readiness-probe-missing", "unprotected"},
		"apps.kruise.io/v1alpha1 CloneSet":      {"one-replica", "readiness-probe-missing", "unprotected"},
		"serving.knative.dev/v1 Service":        {"not-checked"},
		"example.com/v1 Thing":                  {"not-checked"},
		"kyverno.io/v1 ClusterPolicy":           nil,
	} {
		apiVersion, kind, _ := strings.Cut(header, " ")
		text := "apiVersion: " + apiVersion + "\nkind: " + kind + "\nmetadata: { name: web }\n" + pods
		if got := rulesIn(t, Options{}, text); !slices.Equal(got, want) {
			t.Errorf("%s: found %v, want %v", header, got, want)
		}
	}
}

func TestNodesForPodsAreCounted(t *testing.T) {
	taint := []corev1.Taint{{Key: "node-role.kubernetes.io/control-plane", Effect: corev1.TaintEffectNoSchedule}}
	node := func(name string, spec corev1.NodeSpec) *corev1.Node {
		return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"disk": name}}, Spec: spec}
	}
	for name, tc := range map[string]struct {
		nodes []*corev1.Node
		pods  corev1.PodSpec
		want  int // findings of replicas-on-one-node
	}{
		"unknown nodes":  {nil, corev1.PodSpec{}, 1},
		"one node":       {[]*corev1.Node{node("a", corev1.NodeSpec{})}, corev1.PodSpec{}, 0},
		"two nodes":      {[]*corev1.Node{node("a", corev1.NodeSpec{}), node("b", corev1.NodeSpec{})}, corev1.PodSpec{}, 1},
		"a cordoned one": {[]*corev1.Node{node("a", corev1.NodeSpec{}), node("b", corev1.NodeSpec{Unschedulable: true})}, corev1.PodSpec{}, 0},
		"a control plane": {
			[]*corev1.Node{node("a", corev1.NodeSpec{}), node("b", corev1.NodeSpec{Taints: taint})}, corev1.PodSpec{}, 0,
		},
		"a tolerated one": {
			[]*corev1.Node{node("a", corev1.NodeSpec{}), node("b", corev1.NodeSpec{Taints: taint})},
			corev1.PodSpec{Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}}}, 1,
		},
		"a selected one": {
			[]*corev1.Node{node("a", corev1.NodeSpec{}), node("b", corev1.NodeSpec{})},
			corev1.PodSpec{NodeSelector: map[string]string{"disk": "a"}}, 0,
		},
	} {
		in := NewInventory(Options{})
		text := edited(t, "replicas-on-one-node/bad.yaml", nil)
		if err := in.ReadFiles([]string{"-"}, false, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		in.nodes = tc.nodes
		in.workloads[0].template.Spec.Tolerations = tc.pods.Tolerations
		in.workloads[0].template.Spec.NodeSelector = tc.pods.NodeSelector
		if got := findingsOf(in.Lint(), "replicas-on-one-node"); len(got) != tc.want {
			t.Errorf("%s: found %v", name, got)
		}
	}
}

func TestStickySessionsOfEveryController(t *testing.T) {
	const ingress = "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\n" +
		"metadata: { name: web, annotations: { KEY: \"VALUE\" } }\n" +
		"spec: { defaultBackend: { service: { name: web, port: { number: 80 } } } }\n"
	const onService = "kind: Service\nmetadata: { name: web, annotations: { KEY: \"VALUE\" } }"
	for annotation, want := range map[string]bool{
		"nginx.ingress.kubernetes.io/affinity cookie":                         true,
		"nginx.ingress.kubernetes.io/affinity none":                           false,
		"haproxy-ingress.github.io/affinity cookie":                           true,
		"haproxy.org/cookie-persistence SRV":                                  true,
		"traefik.ingress.kubernetes.io/service.sticky.cookie true":            true,
		"traefik.ingress.kubernetes.io/service.sticky.cookie false":           false,
		"traefik.ingress.kubernetes.io/service.sticky.cookie.name web":        true,
		"traefik.ingress.kubernetes.io/router.entrypoints service.sticky.web": false,
	} {
		key, value, _ := strings.Cut(annotation, " ")
		filled := strings.NewReplacer("KEY", key, "VALUE", value)
		byIngress := edited(t, nativeManifest, nil) + filled.Replace(ingress)
		byService := edited(t, nativeManifest, edits{"kind: Service\nmetadata: { name: web }", filled.Replace(onService)})
		elsewhere := strings.Replace(byIngress, "service: { name: web", "service: { name: other", 1)
		for text, expected := range map[string]bool{byIngress: want, byService: want, elsewhere: false} {
			found := slices.Contains(rulesIn(t, Options{}, text), "sticky-sessions")
			if found != expected {
				t.Errorf("%s: found %v in\n%s", annotation, found, text[len(text)-400:])
			}
		}
	}
}
