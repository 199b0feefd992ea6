package lint

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Manifests in which nothing is found.
const (
	nativeManifest  = "grace-period-differs/good.yaml"
	plainManifest   = "drain-hook-of-another-shape/good.yaml"
	wrapperManifest = "wrapper.yaml"
	sleepManifest   = "unprotected/good.yaml"
	webhookManifest = "webhook-for-kube-system/good.yaml"
)

// edits are texts of a manifest and what replaces them.
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
	onDeploys    = "apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]"
	podLabels    = "      labels: { app: web }\n"
	aScaler      = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: { name: web }\nspec: { minReplicas: 2, maxReplicas: 9, scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web } }\n---\napiVersion: policy/v1"
	inMesh       = "apiVersion: v1\nkind: Namespace\nmetadata: { name: default, labels: { istio-injection: enabled } }\n"
)

func TestWhatIsFoundInVariantsOfManifests(t *testing.T) {
	for name, tc := range map[string]struct {
		manifest string
		edits    edits
		options  Options
		want     []string // rules; none: nothing is found
	}{
		"native":  {manifest: nativeManifest},
		"plain":   {manifest: plainManifest},
		"wrapper": {manifest: wrapperManifest},
		"a sleep": {manifest: sleepManifest},

		"a hook of the app's own does not hold": {nativeManifest, edits{holdHook, "preStop: { exec: { command: [/app, quit] } }"}, Options{}, []string{"container-not-held"}},
		"nor does one that goes to the app":     {nativeManifest, edits{holdHook, "preStop: { httpGet: { path: /quit, port: 8080 } }"}, Options{}, []string{"container-not-held"}},
		"another path of Lameduck's is no hold": {nativeManifest, edits{"path: /hold", "path: /livez"}, Options{}, []string{"hook-misses-lameduck"}},
		"a container that serves nobody needs no hook": {nativeManifest, edits{holdHook, holdHook + `
        - name: logs
          image: registry.example/logs:1
          ports: [{ name: metrics, containerPort: 9000 }]`}, Options{}, nil},
		"a wrapper needs no hook on the node's network": {wrapperManifest, edits{"terminationGracePeriodSeconds: 120", "hostNetwork: true\n      terminationGracePeriodSeconds: 120"}, Options{}, nil},
		"a native sidecar is stopped after what is held": {nativeManifest, edits{"      containers:\n", `        - name: auth
          image: registry.example/auth:1
          restartPolicy: Always
          ports: [{ name: auth, containerPort: 4180 }]
          readinessProbe: { tcpSocket: { port: auth } }
      containers:
`, "targetPort: http", "targetPort: auth"}, Options{}, nil},
		"a pod that ends by itself serves nobody":      {sleepManifest, edits{sleepHook, "{}", "      terminationGracePeriodSeconds: 30\n", "      terminationGracePeriodSeconds: 30\n      restartPolicy: Never\n"}, Options{}, nil},
		"what is beside a wrapper is held by its hook": {wrapperManifest, edits{appProbe, appProbe + besideAWrapper + "\n          lifecycle: { " + holdHook + " }", servicePort, twoPorts}, Options{}, nil},
		"or by nothing":                  {wrapperManifest, edits{appProbe, appProbe + besideAWrapper, servicePort, twoPorts}, Options{}, []string{"container-not-held"}},
		"--native is missing":            {nativeManifest, edits{", --native", ""}, Options{}, []string{"drain-hook-of-another-shape"}},
		"Lameduck is known by its image": {nativeManifest, edits{"name: lameduck\n", "name: front\n", ", --native", ""}, Options{}, []string{"drain-hook-of-another-shape"}},

		"a sleep in a shell":                          {sleepManifest, edits{sleepHook, `preStop: { exec: { command: [sh, -c, "sleep 26 && nginx -s quit"] } }`}, Options{}, []string{"grace-period-too-short"}},
		"a sleep that fits":                           {sleepManifest, edits{sleepHook, `preStop: { exec: { command: [/bin/sleep, "25"] } }`}, Options{}, nil},
		"an app that stops slowly":                    {sleepManifest, nil, Options{AppStop: 11 * time.Second}, []string{"grace-period-too-short"}},
		"a sleep that is shorter than the LB's delay": {sleepManifest, nil, Options{LBDelay: 21 * time.Second}, []string{"hold-shorter-than-lb-delay"}},
		"a sleep that is as long":                     {sleepManifest, nil, Options{LBDelay: 20 * time.Second}, nil},
		"the annotation says the LB's delay":          {sleepManifest, edits{podLabels, podLabels + "      annotations: { lameduck.dev/lb-delay: 21s }\n"}, Options{LBDelay: time.Second}, []string{"hold-shorter-than-lb-delay"}},
		"a maximum that does not fit":                 {nativeManifest, edits{graceSetting, graceSetting + "\n            - { name: LAMEDUCK_HOLD_MAX, value: 113s }"}, Options{}, []string{"setting-refused"}},
		"a maximum that just does":                    {nativeManifest, edits{graceSetting, graceSetting + "\n            - { name: LAMEDUCK_HOLD_MAX, value: 112s }"}, Options{}, nil},
		"no time to hold":                             {nativeManifest, edits{"Seconds: 120", "Seconds: 12", "120s", "12s"}, Options{}, []string{"setting-refused"}},
		"a hold that the pod has no time for":         {nativeManifest, edits{graceSetting, graceSetting + "\n            - { name: LAMEDUCK_HOLD_MAX, value: 112s }", "Seconds: 120", "Seconds: 119"}, Options{}, []string{"grace-period-differs", "grace-period-too-short"}},
		"just time to hold":                           {nativeManifest, edits{"Seconds: 120", "Seconds: 13", "120s", "13s"}, Options{}, nil},
		"the grace period is not said again":          {nativeManifest, edits{graceSetting, ""}, Options{}, []string{"grace-period-differs"}},
		"it comes from elsewhere":                     {nativeManifest, edits{graceSetting, "- { name: LAMEDUCK_GRACE_PERIOD, valueFrom: { configMapKeyRef: { name: a, key: b } } }"}, Options{}, nil},
		"a duration that is none":                     {nativeManifest, edits{graceSetting, graceSetting + "\n            - { name: LAMEDUCK_APP_STOP, value: 5 s }"}, Options{}, []string{"setting-refused"}},
		"an admin port":                               {nativeManifest, edits{graceSetting, graceSetting + "\n            - { name: LAMEDUCK_ADMIN, value: \"18081\" }"}, Options{}, nil},
		"an address that is none":                     {nativeManifest, edits{graceSetting, graceSetting + "\n            - { name: LAMEDUCK_ADMIN, value: localhost }"}, Options{}, []string{"setting-refused"}},
		"a variable that there is not":                {nativeManifest, edits{graceSetting, graceSetting + "\n            - { name: LAMEDUCK_HOLD_MINIMUM, value: 5s }"}, Options{}, []string{"setting-refused"}},
		"an empty variable":                           {nativeManifest, edits{graceSetting, graceSetting + "\n            - { name: LAMEDUCK_HOLD_MIN }"}, Options{}, nil},
		"a minimum that may fit":                      {nativeManifest, edits{graceSetting, "- { name: LAMEDUCK_GRACE_PERIOD, valueFrom: { configMapKeyRef: { name: a, key: b } } }\n            - { name: LAMEDUCK_HOLD_MIN, value: 60s }"}, Options{}, nil},
		"a signal that is none, beside what may be":   {nativeManifest, edits{graceSetting, "- { name: LAMEDUCK_GRACE_PERIOD, valueFrom: { configMapKeyRef: { name: a, key: b } } }\n            - { name: LAMEDUCK_STOP_SIGNAL, value: FOO }"}, Options{}, []string{"setting-refused"}},
		"an annotation that there is not":             {nativeManifest, edits{podLabels, podLabels + "      annotations: { lameduck.dev/lb-dealy: 21s }\n"}, Options{}, []string{"setting-refused"}},

		"a target port that is left out":        {nativeManifest, edits{servicePort, "ports: [{ port: 8080 }]"}, Options{}, []string{"service-bypasses-lameduck"}},
		"a name that means the app":             {nativeManifest, edits{appPort, "ports: [{ name: http, containerPort: 8080 }]"}, Options{}, []string{"service-bypasses-lameduck"}},
		"a Service for UDP at that number":      {nativeManifest, edits{servicePort, "ports: [{ port: 80, targetPort: http, name: a }, { port: 8080, protocol: UDP, name: b }]"}, Options{}, nil},
		"another port of the app":               {nativeManifest, edits{servicePort, "ports: [{ port: 80, targetPort: http, name: a }, { port: 9090, name: b }]"}, Options{}, nil},
		"a Service of another namespace":        {nativeManifest, edits{"kind: Service\nmetadata: { name: web }", "kind: Service\nmetadata: { name: web, namespace: other }", "targetPort: http", "targetPort: 8080"}, Options{}, nil},
		"not ready but nobody's":                {nativeManifest, edits{"  selector: { app: web }\n", "  selector: { app: other }\n  publishNotReadyAddresses: true\n"}, Options{}, nil},
		"a probe by another container's name":   {nativeManifest, edits{appProbe, "readinessProbe: { httpGet: { path: /readyz, port: lameduck-admin } }"}, Options{}, []string{"readiness-probe-wrong-port"}},
		"a probe of the control port":           {nativeManifest, edits{appProbe, "readinessProbe: { tcpSocket: { port: 18082 } }"}, Options{}, []string{"readiness-probe-wrong-port"}},
		"a probe over gRPC":                     {nativeManifest, edits{appProbe, "readinessProbe: { grpc: { port: 8080 } }"}, Options{}, nil},
		"Lameduck's own probe through the app":  {nativeManifest, edits{"path: /readyz, port: 18081", "path: /, port: 18080"}, Options{}, []string{"readiness-probe-wrong-port"}},
		"a wrapped app's probe of Lameduck":     {wrapperManifest, edits{appProbe, "readinessProbe: { httpGet: { path: /readyz, port: 18081 } }"}, Options{}, []string{"readiness-probe-wrong-port"}},
		"a Service past a wrapper":              {wrapperManifest, edits{"targetPort: http", "targetPort: 8080"}, Options{}, []string{"service-bypasses-lameduck"}},
		"an exec probe where 1.35 is possible":  {nativeManifest, edits{appProbe, "readinessProbe: { exec: { command: [/app, ok] } }"}, Options{}, []string{"exec-readiness-probe"}},
		"a sleep of no seconds on 1.32":         {sleepManifest, edits{"seconds: 20", "seconds: 0"}, Options{Releases: Releases{32}}, []string{"sleep-hook-skipped"}},
		"a sleep of no seconds on 1.33":         {sleepManifest, edits{"seconds: 20", "seconds: 0"}, Options{Releases: Releases{33}}, nil},
		"an exec hook of Lameduck's own":        {nativeManifest, edits{"command: [/lameduck, drain, --native]", "command: [sh, -c, /lameduck drain --native]"}, Options{}, []string{"drain-hook-missing", "exec-hook-without-shell"}},
		"a hook by a name that is declared":     {plainManifest, edits{"port: 18081 } }\n        - name: lameduck", "port: http } }\n        - name: lameduck"}, Options{}, []string{"hook-misses-lameduck"}},
		"a host on the node's network":          {nativeManifest, edits{holdHook, "preStop: { httpGet: { path: /hold, port: 18081, host: 127.0.0.1 } }", "terminationGracePeriodSeconds: 120", "hostNetwork: true\n      terminationGracePeriodSeconds: 120"}, Options{}, nil},
		"no Service, a port":                    {sleepManifest, edits{"  selector: { app: web }\n  ports", "  selector: { app: other }\n  ports", sleepHook, "{}"}, Options{}, []string{"unprotected"}},
		"no Service, a port for metrics":        {sleepManifest, edits{"  selector: { app: web }\n  ports", "  selector: { app: other }\n  ports", sleepHook, "{}", appPortSleep, "ports: [{ name: http-metrics, containerPort: 8080 }]", "port: http }", "port: 8080 }"}, Options{}, nil},
		"no Service, no port":                   {sleepManifest, edits{"  selector: { app: web }\n  ports", "  selector: { app: other }\n  ports", sleepHook, "{}", appPortSleep, "", "port: http }", "port: 8080 }"}, Options{}, nil},
		"a Service by number, no port declared": {sleepManifest, edits{sleepHook, "{}", appPortSleep, "", "port: http }", "port: 8080 }", "targetPort: http", "targetPort: 8080"}, Options{}, []string{"unprotected"}},

		"a policy for a range":       {"network-policy-shuts-out/bad.yaml", edits{"{ port: 18081 }", "{ port: 18000, endPort: 18090 }"}, Options{}, nil},
		"a policy for everything":    {"network-policy-shuts-out/bad.yaml", edits{"{ ports: [{ port: 8080 }, { port: 18081 }] }", "{}"}, Options{}, nil},
		"a policy for what goes out": {"network-policy-shuts-out/bad.yaml", edits{"  ingress", "  policyTypes: [Egress]\n  ingress"}, Options{}, nil},
		"a policy for other pods":    {"network-policy-shuts-out/bad.yaml", edits{"podSelector: { matchLabels: { app: web } }", "podSelector: { matchLabels: { app: other } }"}, Options{}, nil},

		"Recreate":                                 {nativeManifest, edits{strategy, "strategy: { type: Recreate }"}, Options{}, []string{"rollout-empties-service"}},
		"all of them in percent":                   {nativeManifest, edits{"maxUnavailable: 0, maxSurge: 1", "maxUnavailable: 100%"}, Options{}, []string{"rollout-empties-service"}},
		"what is left out rounds down to none":     {nativeManifest, edits{strategy, "", "replicas: 3", "replicas: 1"}, Options{}, []string{"one-replica"}},
		"neither surge nor unavailable":            {nativeManifest, edits{"maxUnavailable: 0, maxSurge: 1", "maxUnavailable: 0, maxSurge: 0", "replicas: 3", "replicas: 1"}, Options{}, []string{"one-replica", "rollout-empties-service"}},
		"no replicas":                              {nativeManifest, edits{"replicas: 3", "replicas: 0", strategy, "strategy: { type: Recreate }"}, Options{}, nil},
		"a scaler's least":                         {nativeManifest, edits{"  replicas: 3\n", "", "apiVersion: policy/v1", aScaler}, Options{}, nil},
		"a scaler of one":                          {nativeManifest, edits{"  replicas: 3\n", "", "apiVersion: policy/v1", aScaler, "minReplicas: 2", "minReplicas: 1"}, Options{}, []string{"one-replica"}},
		"a DaemonSet":                              {nativeManifest, edits{"kind: Deployment", "kind: DaemonSet", "  replicas: 3\n", "", strategy, "updateStrategy: { rollingUpdate: { maxUnavailable: 99% } }"}, Options{}, nil},
		"a DaemonSet all at once":                  {nativeManifest, edits{"kind: Deployment", "kind: DaemonSet", "  replicas: 3\n", "", strategy, "updateStrategy: { rollingUpdate: { maxUnavailable: 100% } }"}, Options{}, []string{"rollout-empties-service"}},
		"a StatefulSet":                            {nativeManifest, edits{"kind: Deployment", "kind: StatefulSet", strategy, ""}, Options{}, nil},
		"a StatefulSet of one":                     {nativeManifest, edits{"kind: Deployment", "kind: StatefulSet", strategy, "", "replicas: 3", "replicas: 1"}, Options{}, []string{"one-replica"}},
		"a StatefulSet all at once":                {nativeManifest, edits{"kind: Deployment", "kind: StatefulSet", strategy, "updateStrategy: { rollingUpdate: { maxUnavailable: 100% } }"}, Options{}, []string{"rollout-empties-service"}},
		"a StatefulSet that somebody restarts":     {nativeManifest, edits{"kind: Deployment", "kind: StatefulSet", strategy, "updateStrategy: { type: OnDelete }", "replicas: 3", "replicas: 1"}, Options{}, []string{"one-replica"}},
		"a budget for all":                         {nativeManifest, edits{budgetOne, "  minAvailable: 3\n"}, Options{}, []string{"budget-blocks-drain"}},
		"a budget for all but one":                 {nativeManifest, edits{budgetOne, "  minAvailable: 2\n"}, Options{}, nil},
		"a budget of none":                         {nativeManifest, edits{budgetOne, "  maxUnavailable: 0%\n"}, Options{}, []string{"budget-blocks-drain"}},
		"a budget that rounds up":                  {nativeManifest, edits{budgetOne, "  maxUnavailable: 1%\n"}, Options{}, nil},
		"a budget that says nothing":               {nativeManifest, edits{budgetOne, ""}, Options{}, nil},
		"a budget for every pod":                   {nativeManifest, edits{budgetOne + "  selector: { matchLabels: { app: web } }", budgetOne + "  selector: {}"}, Options{}, nil},
		"a budget for no pod":                      {nativeManifest, edits{budgetOne + "  selector: { matchLabels: { app: web } }", budgetOne}, Options{}, []string{"no-disruption-budget"}},
		"zones":                                    {nativeManifest, edits{"kubernetes.io/hostname", "topology.kubernetes.io/zone"}, Options{}, nil},
		"regions":                                  {nativeManifest, edits{"kubernetes.io/hostname", "topology.kubernetes.io/region"}, Options{}, []string{"replicas-not-spread"}},
		"a skew that lets all be on one node":      {nativeManifest, edits{"maxSkew: 1", "maxSkew: 3"}, Options{}, []string{"replicas-not-spread"}},
		"anti-affinity":                            {nativeManifest, edits{"      topologySpreadConstraints:\n        - { topologyKey: kubernetes.io/hostname, maxSkew: 1, whenUnsatisfiable: ScheduleAnyway, labelSelector: { matchLabels: { app: web } } }", antiAffinity}, Options{}, nil},
		"anti-affinity of others":                  {nativeManifest, edits{"      topologySpreadConstraints:\n        - { topologyKey: kubernetes.io/hostname, maxSkew: 1, whenUnsatisfiable: ScheduleAnyway, labelSelector: { matchLabels: { app: web } } }", strings.Replace(antiAffinity, "app: web", "app: other", 1)}, Options{}, []string{"replicas-not-spread"}},
		"Istio by the namespace's label":           {plainManifest, edits{"apiVersion: policy/v1", inMesh + "---\napiVersion: policy/v1"}, Options{}, []string{"istio-rewrites-hook", "mesh-captures-hook"}},
		"a pod that keeps out of Istio":            {plainManifest, edits{"apiVersion: policy/v1", inMesh + "---\napiVersion: policy/v1", podLabels, "      labels: { app: web, sidecar.istio.io/inject: \"false\" }\n"}, Options{}, nil},
		"Istio and a wrapper":                      {wrapperManifest, edits{"apiVersion: policy/v1", inMesh + "---\napiVersion: policy/v1"}, Options{}, nil},
		"rules that are left out on the object":    {nativeManifest, edits{"metadata: { name: web }\nspec:\n  replicas: 3", "metadata: { name: web, annotations: { lint.lameduck.dev/ignore: \"one-replica: there can be only one, no-disruption-budget\" } }\nspec:\n  replicas: 1"}, Options{}, nil},
		"rules that are left out on the template":  {nativeManifest, edits{podLabels, podLabels + "      annotations: { lint.lameduck.dev/ignore: one-replica }\n", "replicas: 3", "replicas: 1"}, Options{}, nil},
		"rules that are left out altogether":       {nativeManifest, edits{"replicas: 3", "replicas: 1"}, Options{Ignore: []string{"one-replica"}}, nil},
		"a condition that names kube-system":       {webhookManifest, edits{noCalls, "[policy]", "    rules:", "    matchConditions: [{ name: a, expression: request.namespace != 'kube-system' }]\n    rules:"}, Options{}, nil},
		"a condition that does not":                {webhookManifest, edits{noCalls, "[policy]", "    rules:", "    matchConditions: [{ name: a, expression: \"true\" }]\n    rules:"}, Options{}, []string{"webhook-for-kube-system"}},
		"objects with a label":                     {webhookManifest, edits{noCalls, "[policy]", "    rules:", "    objectSelector: { matchLabels: { a: b } }\n    rules:"}, Options{}, nil},
		"objects without a label":                  {webhookManifest, edits{noCalls, "[policy]", "    rules:", "    objectSelector: { matchExpressions: [{ key: a, operator: DoesNotExist }] }\n    rules:"}, Options{}, []string{"webhook-for-kube-system"}},
		"namespaces with a label":                  {webhookManifest, edits{"{ key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system, policy] }", "{ key: a, operator: Exists }"}, Options{}, nil},
		"deletions alone":                          {webhookManifest, edits{noCalls, "[policy]", "[CREATE]", "[DELETE]"}, Options{}, nil},
		"kinds of its own":                         {webhookManifest, edits{noCalls, "[policy]", onDeploys, "apiGroups: [policy.example.com], apiVersions: ['*'], operations: ['*'], resources: ['*']", "timeoutSeconds: 2", "timeoutSeconds: 30"}, Options{}, nil},
		"objects of no namespace":                  {webhookManifest, edits{noCalls, "[policy]", onDeploys, "apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*'], scope: Cluster"}, Options{}, nil},
		"everything but for one namespace":         {webhookManifest, edits{onDeploys, "apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*']"}, Options{}, []string{"webhook-for-leases"}},
		"a policy that is left out":                {webhookManifest, edits{noCalls, "[policy]", "    failurePolicy: Fail\n", ""}, Options{}, []string{"webhook-for-kube-system"}},
		"a timeout that is left out":               {webhookManifest, edits{"    timeoutSeconds: 2\n", ""}, Options{}, []string{"webhook-timeout"}},
		"a long timeout that is no failure either": {webhookManifest, edits{"timeoutSeconds: 2", "timeoutSeconds: 30", "Policy: Fail", "Policy: Ignore"}, Options{}, []string{"webhook-timeout"}},
		"a webhook outside of the cluster":         {webhookManifest, edits{noCalls, "[kube-system]", onDeploys, "apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]", "clientConfig: { service: { namespace: policy, name: policy } }", "clientConfig: { url: https://policy.example.com }"}, Options{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := rulesIn(t, tc.options, edited(t, tc.manifest, tc.edits)); !slices.Equal(got, tc.want) {
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
	twoPorts = "ports: [{ name: http, port: 80, targetPort: http }, { name: api, port: 9090, targetPort: api }]"
)

const antiAffinity = `      affinity:
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
            - { weight: 1, podAffinityTerm: { topologyKey: kubernetes.io/hostname, labelSelector: { matchLabels: { app: web } } } }`

// edited is a manifest with changes, each of which must be found.
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

// rulesIn are those that find something in a manifest, each once, in the order of their names.
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
