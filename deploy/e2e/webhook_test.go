//go:build e2e

package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"

	"lameduck/deploy/deploytest"
)

// webhookWait is the timeout of the API server for the webhook.
const webhookWait = 2 * time.Second

// enabled is the label of namespaces for injection.
const enabled = "lameduck.dev/inject=enabled"

func Test10ALabelProtectsANamespaceFromTheRolloutAfterTheNextOn(t *testing.T) {
	installWebhook(t)
	s := newStage(t, "pod-security.kubernetes.io/enforce=restricted")
	s.deploy(t, team{replicas: 3, app: restricted})
	if s.injects(t, "") {
		t.Error("a namespace without the label gets Lameduck")
	}
	kubectl(t, "label", "namespace", s.namespace, enabled)
	if s.injects(t, "lameduck.dev/inject: disabled") {
		t.Error("a pod that has opted out gets Lameduck")
	}
	in := s.startIngress(t, ingressConfig{lag: 5 * time.Second}, 3)
	pause(t, settling)
	s.restart(t, waitTimeout) // the pods that it replaces are not injected
	in.awaitEndpoints(t, 3)
	for _, pod := range get[corev1.PodList](t, "pods", "-n", s.namespace).Items {
		if !injected(pod) {
			t.Errorf("%s has no Lameduck", pod.Name)
		}
	}
	pause(t, settling) // until the load balancers have removed those, too
	l := in.startLoad(t, rate, everyKind...)
	pause(t, 5*time.Second)
	ended := s.restart(t, waitTimeout)
	expectNoneLost(t, l.end(t))
	for _, life := range ended {
		expectDrained(t, life, 5*time.Second)
	}
	s.expectNoHookFailed(t)
}

// A fault of the webhook, and its repair.
type fault struct {
	name        string
	begin, heal func(w *webhook, t *testing.T)
}

var faults = []fault{
	{
		"killed", (*webhook).kill,
		func(w *webhook, t *testing.T) {
			w.kubectl(t, "scale", "deployment", w.name,
				"--replicas=2")
		},
	},
	{
		"hanging", (*webhook).hang,
		func(w *webhook, t *testing.T) {
			w.choose(t, `{"app":null,"app.kubernetes.io/name":"lameduck-webhook","app.kubernetes.io/instance":"`+w.release+`"}`)
		},
	},
	{
		"not trusted",
		func(w *webhook, t *testing.T) { w.trust(t, strangerPEM(t)) },
		func(w *webhook, t *testing.T) { w.trust(t, w.authority) },
	},
	{
		"without its Service",
		func(w *webhook, t *testing.T) {
			w.kubectl(t, "delete", "service",
				w.name)
			w.disconnect(t)
		},
		func(w *webhook, t *testing.T) { w.upgrade(t) },
	},
}

func Test10AWebhookThatFailsBlocksNothing(t *testing.T) {
	w := installWebhook(t, ownCertificate) // so that only the test changes the caBundle
	s := newStage(t, enabled)
	drained := fmt.Sprintf(`{ op: add, path: /spec/template/metadata/labels/drained, value: %s }`,
		s.namespace)
	s.deploy(t, team{app: restricted, patches: []string{drained}})
	elsewhere := newStage(t)
	api := watchAlerts(t)
	started := metric(t, "process_start_time_seconds", "")
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			failures := failedOpen(t)
			f.begin(w, t)
			s.awaitSilence(t)
			s.expectUninjected(t)
			elsewhere.expectUntouched(t)
			s.expectNodeDrains(t)
			if n := failedOpen(t); n <= failures {
				t.Errorf("the API server counts %v failures, before it were %v", n, failures)
			}
			f.heal(w, t)
			s.awaitInjection(t)
		})
	}
	if now := metric(t, "process_start_time_seconds", ""); now != started {
		t.Error("the API server was started again")
	}
	deploytest.Await(t, waitTimeout, "the "+
		"alert", func() error { return api.firing("LameduckWebhookFailsOpen") })
}

// A webhook with its own certificate repairs its Secret and the caBundle.
func Test10TheWebhookRepairsItsCertificate(t *testing.T) {
	w := installWebhook(t)
	s := newStage(t, enabled)
	s.awaitInjection(t)
	for name, spoil := range map[string]func(){
		"another authority is trusted": func() { w.trust(t, strangerPEM(t)) },
		"no CA is trusted":             func() { w.trust(t, nil) },
		"the Secret has been emptied": func() {
			w.kubectl(t, "patch", "secret", w.name, "--type=json", "-p",
				`[{"op":"remove","path":"/data"}]`)
		},
	} {
		spoil()
		began := time.Now()
		s.expectCreatedSoon(t)
		s.awaitInjection(t)
		t.Logf("%s: pods are injected %.1f s later", name, time.Since(began).Seconds())
	}
	w.kubectl(t, "rollout", "restart", "deployment/"+w.name)
	w.kubectl(t, "rollout", "status", "deployment/"+w.name, "--timeout", waitTimeout.String())
	s.awaitInjection(t)
}

func Test10InstallUpgradeAndUninstallLeaveNothingBehind(t *testing.T) {
	w := installWebhook(t)
	s := newStage(t, enabled)
	s.awaitInjection(t)
	secret, trusted := w.secret(t), w.configuration(t).Webhooks[0].ClientConfig.CABundle
	if len(secret.Data) == 0 || len(trusted) == 0 {
		t.Fatalf("the Secret has %d values, and %d bytes of certificates are trusted",
			len(secret.Data),
			len(trusted))
	}
	w.upgrade(t, "--set", "replicas=3", "--set", "timeoutSeconds=1", "--set",
		"podAnnotations.upgraded=yes")
	after := w.secret(t)
	if after.UID != secret.UID || string(after.Data["tls.crt"]) != string(secret.Data["tls.crt"]) {
		t.Error("the upgrade has taken the certificate away")
	}
	c := w.configuration(t)
	if string(c.Webhooks[0].ClientConfig.CABundle) != string(trusted) ||
		*c.Webhooks[0].TimeoutSeconds != 1 {
		t.Errorf("the upgrade has made of the configuration %+v", c.Webhooks[0])
	}
	if !s.injects(t, "") {
		t.Error("no injection after the upgrade")
	}
	w.uninstall(t)
	expectNothingLeft(t, w.release)
	if s.injects(t, "") {
		t.Error("Lameduck is injected after the uninstall")
	}
}

func Test10KustomizeInstallsTheSameAndDeletesIt(t *testing.T) {
	dir := webhookOverlay(t)
	t.Cleanup(func() { deleteOverlay(t, dir) })
	kubectl(t, "apply", "-k", dir)
	kubectl(t, "rollout", "status", "deployment/lameduck-webhook", "-n", "lameduck", "--timeout",
		waitTimeout.String())
	s := newStage(t, enabled)
	s.awaitInjection(t)
	before := get[corev1.Secret](t, "secret", "lameduck-webhook", "-n", "lameduck")
	kubectl(t, "apply", "-k", dir)
	after := get[corev1.Secret](t, "secret", "lameduck-webhook", "-n", "lameduck")
	if len(before.Data) == 0 || string(after.Data["tls.crt"]) != string(before.Data["tls.crt"]) {
		t.Error("applied again, it has taken the certificate away")
	}
	deleteOverlay(t, dir)
	expectNothingLeft(t, "/lameduck-webhook") // other releases contain this name
}

// expectUninjected checks that pods of a labelled namespace are created soon, without Lameduck.
func (s *stage) expectUninjected(t *testing.T) {
	t.Helper()
	if s.expectCreatedSoon(t) {
		t.Error("a pod got Lameduck: the webhook answers")
	}
	began := time.Now()
	s.kubectl(t, "rollout", "restart", "deployment/app")
	s.kubectl(t, "rollout", "status", "deployment/app", "--timeout", waitTimeout.String())
	t.Logf("a rollout took %.1f s", time.Since(began).Seconds())
}

// expectCreatedSoon creates and deletes a pod, and reports whether it was injected.
func (s *stage) expectCreatedSoon(t *testing.T) bool {
	t.Helper()
	began := time.Now()
	s.apply(t, lonePod("lone", ""))
	took := time.Since(began)
	duck := injected(get[corev1.Pod](t, "pod", "lone", "-n", s.namespace))
	s.kubectl(t, "delete", "pod", "lone", "--grace-period=0", "--force")
	t.Logf("a pod was created after %.1f s, with Lameduck: %v", took.Seconds(), duck)
	if took > webhookWait+slack {
		t.Errorf("a pod was created after %v", took)
	}
	return duck
}

// expectUntouched checks that the rest of the cluster is not affected.
func (s *stage) expectUntouched(t *testing.T) {
	t.Helper()
	for _, namespace := range []string{s.namespace, "kube-system"} {
		began := time.Now()
		_, err := tryKubectl(t.Context(), lonePod("lone", ""), "create", "--dry-run=server", "-n",
			namespace, "-f", "-")
		if err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took >= webhookWait {
			t.Errorf("a pod of %s was taken after %v", namespace, took)
		}
	}
	if said := kubectl(t, "get", "--raw", "/readyz"); said != "ok" {
		t.Errorf("the API server is ready: %s", said)
	}
	leases := get[coordinationv1.LeaseList](t, "leases", "-n", "kube-node-lease").Items
	deploytest.Await(t, waitTimeout, "the nodes' leases to be renewed", func() error {
		for i, l := range get[coordinationv1.LeaseList](t, "leases", "-n",
			"kube-node-lease").Items {
			if i < len(leases) && !l.Spec.RenewTime.After(leases[i].Spec.RenewTime.Time) {
				return fmt.Errorf("%s was renewed at %v", l.Name, l.Spec.RenewTime)
			}
		}
		return nil
	})
}

// expectNodeDrains drains the node of the pods of this namespace.
func (s *stage) expectNodeDrains(t *testing.T) {
	t.Helper()
	node := s.pods.life(s.onlyPod(t)).last.Spec.NodeName
	defer kubectl(t, "uncordon", node)
	began := time.Now()
	kubectl(t, "drain", node, "--pod-selector", "drained="+s.namespace, "--ignore-daemonsets",
		"--delete-emptydir-data", "--timeout", waitTimeout.String())
	t.Logf("the node's drain took %.1f s", time.Since(began).Seconds())
}

// awaitInjection returns when pods are injected.
func (s *stage) awaitInjection(t *testing.T) {
	t.Helper()
	deploytest.Await(t, waitTimeout, "pods to get Lameduck", func() error {
		if !s.injects(t, "") {
			return fmt.Errorf("they get none")
		}
		return nil
	})
}

// awaitSilence returns when the webhook no longer answers. A terminating replica serves for a
// while.
func (s *stage) awaitSilence(t *testing.T) {
	t.Helper()
	deploytest.Await(t, waitTimeout, "the webhook to fall silent", func() error {
		if s.injects(t, "") {
			return fmt.Errorf("pods get Lameduck")
		}
		return nil
	})
}

// injects reports whether a pod with a label would be injected, in a dry run.
func (s *stage) injects(t *testing.T, label string) bool {
	t.Helper()
	said, err := tryKubectl(t.Context(), lonePod("asked", label), "create", "--dry-run=server",
		"-n",
		s.namespace, "-f", "-", "-o", "jsonpath={.spec.initContainers[*].name}")
	if err != nil {
		t.Fatal(err)
	}
	return slices.Contains(strings.Fields(said), "lameduck")
}

func injected(pod corev1.Pod) bool {
	return slices.ContainsFunc(pod.Spec.InitContainers, func(c corev1.Container) bool { return c.Name == "lameduck" })
}

// lonePod is a pod without a controller.
func lonePod(name, label string) string {
	return fmt.Sprintf(`
apiVersion: v1
kind: Pod
metadata:
  name: %s
  labels: { %s }
spec:
  automountServiceAccountToken: false
  containers:
    - name: app
      image: %s
      ports: [{ name: http, containerPort: 8080 }]
      %s
`, name, label, appImage, indent(6, restricted))
}

// failedOpen returns how often the API server has ignored a failure of the webhook.
func failedOpen(t *testing.T) float64 {
	t.Helper()
	return metric(t, "apiserver_admission_webhook_fail_open_count", `name="inject.lameduck.dev"`)
}

// metric returns the sum of a metric of the API server with a label.
func metric(t *testing.T, name, label string) float64 {
	t.Helper()
	sum := 0.0
	line := regexp.MustCompile(`(?m)^` + name + `(\{[^}]*` + label + `[^}]*\})? (\S+)$`)
	for _, m := range line.FindAllStringSubmatch(kubectl(t, "get", "--raw", "/metrics"), -1) {
		if v, err := strconv.ParseFloat(m[2], 64); err == nil {
			sum += v
		}
	}
	return sum
}

// A webhook is an installed release.
type webhook struct {
	namespace, release, name string
	values                   []string // flags of helm
	authority                []byte   // the CA in PEM, if the certificate is from a Secret
}

func (w *webhook) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return kubectl(t, append([]string{"-n", w.namespace}, args...)...)
}

func (w *webhook) secret(t *testing.T) corev1.Secret {
	t.Helper()
	return get[corev1.Secret](t, "secret", w.name, "-n", w.namespace)
}

func (w *webhook) configuration(t *testing.T) admissionv1.MutatingWebhookConfiguration {
	t.Helper()
	return get[admissionv1.MutatingWebhookConfiguration](t, "mutatingwebhookconfiguration", "00-"+w.name)
}

// kill removes all replicas at once.
func (w *webhook) kill(t *testing.T) {
	t.Helper()
	w.kubectl(t, "scale", "deployment", w.name, "--replicas=0")
	w.disconnect(t)
}

// disconnect kills every replica, and so closes the keep-alive connections of the API server.
func (w *webhook) disconnect(t *testing.T) {
	t.Helper()
	w.kubectl(t, "delete", "pods", "-l", "app.kubernetes.io/instance="+w.release,
		"--grace-period=0",
		"--force")
}

// mute is a pod that accepts connections and never answers.
const mute = `
apiVersion: v1
kind: Pod
metadata: { name: mute, labels: { app: mute } }
spec:
  automountServiceAccountToken: false
  containers:
    - name: app
      image: ` + appImage + `
      args: [-mute, "-listen=:8443"]
      ports: [{ name: https, containerPort: 8443 }, { name: metrics, containerPort: 8081 }]
      readinessProbe: { tcpSocket: { port: https }, periodSeconds: 1 }
      %s
`

// hang makes the Service select pods that never answer.
func (w *webhook) hang(t *testing.T) {
	t.Helper()
	_, err := tryKubectl(t.Context(), fmt.Sprintf(mute, indent(6, confined)), "apply", "-n",
		w.namespace, "-f", "-")
	if err != nil {
		t.Fatal(err)
	}
	w.kubectl(t, "wait", "--for=condition=Ready", "pod/mute", "--timeout", waitTimeout.String())
	w.choose(t, `{"app":"mute","app.kubernetes.io/name":null,"app.kubernetes.io/instance":null}`)
	w.disconnect(t)
}

// choose changes the selector of the Service.
func (w *webhook) choose(t *testing.T, selector string) {
	t.Helper()
	w.kubectl(t, "patch", "service", w.name, "--type=merge", "-p",
		`{"spec":{"selector":`+selector+`}}`)
}

// trust changes the caBundle.
func (w *webhook) trust(t *testing.T, authority []byte) {
	t.Helper()
	kubectl(t, "patch", "mutatingwebhookconfiguration", "00-"+w.name, "--type=json", "-p",
		fmt.Sprintf(`[{"op":"add","path":"/webhooks/0/clientConfig/caBundle","value":%q}]`,
			base64Of(authority)))
}
