package helm_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"lameduck/deploy/ctl/mode"
	"lameduck/deploy/ctl/webhook/mirror"
	"lameduck/deploy/deploytest/manifests"
)

// TestChartAndKustomizeAgree compares all objects except the namespace, without the labels of Helm.
func TestChartAndKustomizeAgree(t *testing.T) {
	for values := range manifests.WebhookComponents {
		t.Run(values, func(t *testing.T) {
			chart, built := byName(t, chart(t, values)), byName(t, buildWebhook(t, values))
			delete(built, "Namespace lameduck")
			c, k := slices.Sorted(maps.Keys(chart)), slices.Sorted(maps.Keys(built))
			if !slices.Equal(c, k) {
				t.Errorf("the chart has   %v\nKustomize has %v", c, k)
			}
			for name := range built {
				if chart[name] != "" && chart[name] != built[name] {
					t.Errorf("%s\nof the chart: %s\nof Kustomize: %s", name, chart[name],
						built[name])
				}
			}
		})
	}
}

// eachInstallation runs a test with the objects of each way to install the webhook.
func eachInstallation(t *testing.T, test func(t *testing.T, objects []runtime.Object)) {
	for values := range manifests.WebhookComponents {
		t.Run("kustomize "+values, func(t *testing.T) { test(t, buildWebhook(t, values)) })
	}
	for _, values := range chartValues {
		t.Run("chart "+values, func(t *testing.T) { test(t, chart(t, values)) })
	}
}

// Requests that do not go to the webhook cannot be delayed by it.
func TestTheWebhookMatchesOnlyNewPodsOfLabelledNamespaces(t *testing.T) {
	eachInstallation(t, func(t *testing.T, objects []runtime.Object) {
		hook := webhook(t, objects)
		rule := admissionv1.RuleWithOperations{
			Operations: []admissionv1.OperationType{admissionv1.Create},
			Rule: admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"},
				Resources: []string{"pods"}, Scope: new(admissionv1.NamespacedScope)},
		}
		got, want := jsonOf(t, hook.Rules), jsonOf(t, []admissionv1.RuleWithOperations{rule})
		if got != want {
			t.Errorf("its rules are %s", got)
		}
		for namespace, asked := range map[string]bool{"team": true, "kube-system": false,
			"kube-public": false, "kube-node-lease": false, "lameduck": false} {
			own := labels.Set{"kubernetes.io/metadata.name": namespace,
				"lameduck.dev/inject": "enabled"}
			if got := matches(t, hook.NamespaceSelector, own); got != asked {
				t.Errorf("with the label, it matches pods of %s: %v", namespace, got)
			}
			own["lameduck.dev/inject"] = "disabled"
			if matches(t, hook.NamespaceSelector, own) {
				t.Errorf("without the label, it matches pods of %s", namespace)
			}
		}
		expectMatch(t, hook, labels.Set{"app": "x"}, true)
		expectMatch(t, hook, labels.Set{"app": "x", "lameduck.dev/inject": "disabled"}, false)
		expectMatch(t, hook, templateLabels(objects), false)
	})
}

func expectMatch(t *testing.T, hook admissionv1.MutatingWebhook, pod labels.Set, want bool) {
	t.Helper()
	if got := matches(t, hook.ObjectSelector, pod); got != want {
		t.Errorf("it matches a pod with %v: %v", pod, got)
	}
}

// Any other policy, or a longer timeout, would turn a failure of the webhook into one of the
// cluster.
func TestAWebhookThatDoesNotAnswerBlocksNothing(t *testing.T) {
	eachInstallation(t, func(t *testing.T, objects []runtime.Object) {
		hook := webhook(t, objects)
		if *hook.FailurePolicy != admissionv1.Ignore || *hook.TimeoutSeconds > 2 {
			t.Errorf("timeout %d s and the failure policy %s", *hook.TimeoutSeconds,
				*hook.FailurePolicy)
		}
		if *hook.SideEffects != admissionv1.SideEffectClassNone ||
			*hook.MatchPolicy != admissionv1.Equivalent ||
			*hook.ReinvocationPolicy != admissionv1.IfNeededReinvocationPolicy ||
			!slices.Equal(hook.AdmissionReviewVersions, []string{"v1"}) {
			t.Errorf("side effects %s, match policy %s, reinvocation %s, versions %v",
				*hook.SideEffects,
				*hook.MatchPolicy, *hook.ReinvocationPolicy, hook.AdmissionReviewVersions)
		}
	})
}

// The API server calls webhooks in the order of the names of their configurations, and a mesh does not
// see annotations and probes that are written after its turn.
func TestMeshesAreCalledAfterTheWebhook(t *testing.T) {
	eachInstallation(t, func(t *testing.T, objects []runtime.Object) {
		name := configuration(t, objects).Name
		for _, mesh := range []string{
			"consul-connect-injector", "istio-revision-tag-default", "istio-sidecar-injector",
			"kuma-admission-mutating-webhook-configuration", "linkerd-proxy-injector-webhook-config",
		} {
			if name > mesh {
				t.Errorf("%s is called after %s", name, mesh)
			}
		}
	})
}

func TestTheWebhookMayChangeTwoObjectsAtMost(t *testing.T) {
	eachInstallation(t, func(t *testing.T, objects []runtime.Object) {
		secret := false
		for _, o := range objects {
			switch o := o.(type) {
			case *corev1.Secret:
				secret = true
			case *rbacv1.Role:
				expectAccess(t, o.Rules, "secrets", o.Name)
			case *rbacv1.ClusterRole:
				if strings.HasSuffix(o.Name, "-watch") {
					expectReading(t, o.Rules)
					continue
				}
				if strings.HasSuffix(o.Name, "-pull-secrets") {
					expectNamedSecrets(t, o.Rules)
					continue
				}
				expectAccess(t, o.Rules, "mutatingwebhookconfigurations", configuration(t, objects).Name)
			}
		}
		pod, _ := manifests.Workload(t, objects)
		watches := slices.Contains(pod.Containers[0].Args, "--watch")
		if *pod.AutomountServiceAccountToken != (secret || watches) {
			t.Errorf("rotation: %v; --watch: %v; service account token: %v", secret, watches,
				*pod.AutomountServiceAccountToken)
		}
	})
}

// expectNamedSecrets checks that Secrets can be read one by one, and only those that the values
// name.
func expectNamedSecrets(t *testing.T, rules []rbacv1.PolicyRule) {
	t.Helper()
	if len(rules) != 1 || !slices.Equal(rules[0].Resources, []string{"secrets"}) ||
		!slices.Equal(rules[0].Verbs, []string{"get"}) ||
		!slices.Equal(rules[0].ResourceNames, []string{"registry", "mirror"}) {
		t.Errorf("it may %+v", rules)
	}
}

// expectReading checks that it may read the surroundings of pods, and nothing that may be secret.
func expectReading(t *testing.T, rules []rbacv1.PolicyRule) {
	t.Helper()
	for _, r := range rules {
		if !slices.Equal(r.Verbs, []string{"get", "list", "watch"}) || slices.Contains(r.APIGroups, "*") ||
			slices.ContainsFunc(r.Resources, func(what string) bool {
				return what == "*" || what == "secrets" || what == "configmaps" || what == "pods"
			}) {
			t.Errorf("it may %v %v of %v", r.Verbs, r.Resources, r.APIGroups)
		}
	}
}

// TestTheWebhookMayReadWhatItWatches compares the role with the resources of the mirror and the
// kinds that a mode depends on.
func TestTheWebhookMayReadWhatItWatches(t *testing.T) {
	eachInstallation(t, func(t *testing.T, objects []runtime.Object) {
		may := make(map[string]int) // resources by group
		names := make(map[string]bool)
		for _, o := range objects {
			if role, is := o.(*rbacv1.ClusterRole); is && strings.HasSuffix(role.Name, "-watch") {
				for _, r := range role.Rules {
					for _, group := range r.APIGroups {
						may[group] += len(r.Resources)
						for _, name := range r.Resources {
							names[group+"/"+name] = true
						}
					}
				}
			}
		}
		pod, _ := manifests.Workload(t, objects)
		if watches := slices.Contains(pod.Containers[0].Args, "--watch"); watches != (len(may) > 0) {
			t.Errorf("--watch: %v, and it may read %v", watches, may)
		}
		for _, r := range mirror.Resources() {
			if len(may) > 0 && !names[r.Group+"/"+r.Resource] {
				t.Errorf("it may not read %s", r.GroupResource())
			}
		}
		for group, kinds := range mode.PolicyKinds {
			if len(may) > 0 && may[group] != len(kinds) {
				t.Errorf("it may read %[2]d resources of %[1]s, but a mode depends on %[3]v", group, may[group], kinds)
			}
		}
	})
}

// expectAccess checks that one object of a kind can be read and changed, but not created, listed or
// deleted.
func expectAccess(t *testing.T, rules []rbacv1.PolicyRule, resource, name string) {
	t.Helper()
	for _, r := range rules {
		if !slices.Equal(r.Resources, []string{resource}) ||
			!slices.Equal(r.ResourceNames, []string{name}) {
			t.Errorf("it may %v %v called %v", r.Verbs, r.Resources, r.ResourceNames)
		}
		for _, v := range r.Verbs {
			if !slices.Contains([]string{"get", "update", "patch", "watch"}, v) {
				t.Errorf("it may %s %v", v, r.Resources)
			}
		}
	}
	if len(rules) != 1 {
		t.Errorf("%d rules", len(rules))
	}
}

func TestTheWebhookSurvivesANodeAndARollout(t *testing.T) {
	eachInstallation(t, func(t *testing.T, objects []runtime.Object) {
		manifests.ExpectRobust(t, objects)
		pod, _ := manifests.Workload(t, objects)
		manifests.ExpectRestricted(t, pod.Containers[0])
		for _, o := range objects {
			switch o := o.(type) {
			case *appsv1.Deployment:
				expectOwn(t, o.Spec.Template.Labels, o.Spec.Selector)
				if *o.Spec.Replicas < 2 {
					t.Errorf("%d replicas", *o.Spec.Replicas)
				}
			case *policyv1.PodDisruptionBudget:
				expectOwn(t, templateLabels(objects), o.Spec.Selector)
				if *o.Spec.UnhealthyPodEvictionPolicy != policyv1.AlwaysAllow ||
					o.Spec.MaxUnavailable.IntValue() != 1 {
					t.Error("a broken webhook blocks node drains")
				}
			case *networkingv1.NetworkPolicy:
				expectOwn(t, templateLabels(objects), &o.Spec.PodSelector)
			case *corev1.Service:
				expectOwn(t, templateLabels(objects), &metav1.LabelSelector{MatchLabels: o.Spec.Selector})
			}
		}
		for _, c := range pod.TopologySpreadConstraints {
			expectOwn(t, templateLabels(objects), c.LabelSelector)
		}
		expectOwn(t, templateLabels(objects), pod.Affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution[0].PodAffinityTerm.LabelSelector)
	})
}

func expectOwn(t *testing.T, own map[string]string, selector *metav1.LabelSelector) {
	t.Helper()
	if len(selector.MatchLabels) != 2 || !matches(t, selector, own) {
		t.Errorf("%v does not select exactly the pods with %v", selector, own)
	}
}

// Helm and kubectl keep fields that are in neither the old nor the new manifest. The webhook writes
// both fields.
func TestAnUpgradeKeepsWhatTheWebhookHasWritten(t *testing.T) {
	for name, objects := range map[string][]runtime.Object{"chart": chart(t, "default"),
		"kustomize": buildWebhook(t, "default")} {
		found := 0
		for _, o := range objects {
			if s, is := o.(*corev1.Secret); is {
				if found++; s.Data != nil || s.StringData != nil {
					t.Errorf("%s: the Secret has %v, so an upgrade overwrites the certificate",
						name, s)
				}
			}
		}
		if ca := webhook(t, objects).ClientConfig.CABundle; ca != nil {
			t.Errorf("%s: the caBundle is %s", name, ca)
		}
		if found != 1 {
			t.Errorf("%s: %d Secrets, so an uninstall leaves one behind", name, found)
		}
	}
}

func buildWebhook(t *testing.T, values string) []runtime.Object {
	t.Helper()
	return manifests.Decode(t, manifests.BuildWebhook(t, "..", manifests.WebhookComponents[values]))
}

// byName returns the objects as JSON, without the labels of Helm.
func byName(t *testing.T, objects []runtime.Object) map[string]string {
	t.Helper()
	found := make(map[string]string)
	for _, o := range objects {
		m := accessor(t, o)
		own := maps.Clone(m.GetLabels())
		maps.DeleteFunc(own, func(key, _ string) bool {
			return strings.HasPrefix(key, "helm.sh/") || key == "app.kubernetes.io/managed-by" || key == "app.kubernetes.io/version"
		})
		m.SetLabels(own)
		found[fmt.Sprintf("%s %s", o.GetObjectKind().GroupVersionKind().Kind,
			m.GetName())] = jsonOf(t,
			o)
	}
	return found
}

func accessor(t *testing.T, o runtime.Object) metav1.Object {
	t.Helper()
	m, err := meta.Accessor(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// webhook returns the only webhook of the configuration.
func webhook(t *testing.T, objects []runtime.Object) admissionv1.MutatingWebhook {
	t.Helper()
	return configuration(t, objects).Webhooks[0]
}

// configuration returns the only configuration of a webhook.
func configuration(t *testing.T, objects []runtime.Object) *admissionv1.MutatingWebhookConfiguration {
	t.Helper()
	for _, o := range objects {
		if c, is := o.(*admissionv1.MutatingWebhookConfiguration); is && len(c.Webhooks) == 1 {
			return c
		}
	}
	t.Fatal("there must be one webhook")
	return nil
}

func templateLabels(objects []runtime.Object) labels.Set {
	for _, o := range objects {
		if d, is := o.(*appsv1.Deployment); is {
			return d.Spec.Template.Labels
		}
	}
	return nil
}

func matches(t *testing.T, selector *metav1.LabelSelector, set labels.Set) bool {
	t.Helper()
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	return s.Matches(set)
}
