package main

import (
	"errors"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kubeversion "k8s.io/apimachinery/pkg/version"
	fakediscovery "k8s.io/client-go/discovery/fake"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/kube"
)

// webhookWith returns the objects of an installed webhook with some flags.
func webhookWith(flags ...string) []runtime.Object {
	labels := map[string]string{"app": "hook"}
	meta := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name, Namespace: "duck"} }
	return []runtime.Object{
		&admissionv1.MutatingWebhookConfiguration{
			ObjectMeta: metav1.ObjectMeta{Name: "hook"},
			Webhooks: []admissionv1.MutatingWebhook{
				{Name: "other.example"},
				{Name: "inject.lameduck.dev", ClientConfig: admissionv1.WebhookClientConfig{
					Service: &admissionv1.ServiceReference{Namespace: "duck", Name: "hook"},
				}},
			},
		},
		&corev1.Service{ObjectMeta: meta("hook"), Spec: corev1.ServiceSpec{Selector: labels}},
		&appsv1.Deployment{ObjectMeta: meta("other")},
		&appsv1.Deployment{ObjectMeta: meta("hook"), Spec: appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{
				Name: "webhook", Args: append([]string{"webhook", "--namespace=$(POD_NAMESPACE)"}, flags...),
			}}},
		}}},
	}
}

// kubernetesOf returns a cluster with some objects.
func kubernetesOf(objects ...runtime.Object) (*kube.Client, *fake.Clientset) {
	c := fake.NewClientset(objects...)
	c.Discovery().(*fakediscovery.FakeDiscovery).FakedServerVersion = &kubeversion.Info{GitVersion: "v1.34.0"}
	return &kube.Client{Interface: c}, c
}

func TestEnable_PlansWithTheFlagsOfTheWebhook(t *testing.T) {
	client, _ := kubernetesOf(webhookWith("--lb=alb", "--entrypoint-registries=docker.io", "--allow-redirect", "--watch")...)
	w, installed, unknown := installedWebhook(t.Context(), client)
	if !installed || unknown != nil || w.Settings.LB != "alb" || len(w.entrypoints.registries) == 0 ||
		!w.watch || !w.allowRedirect || w.Settings.Shape != inject.Native || w.Refuses("duck") == "" {
		t.Errorf("installed %t, unknown %v, webhook %+v", installed, unknown, w)
	}
}

func TestEnable_PlansWithTheDefaultsWhereTheFlagsAreUnknown(t *testing.T) {
	withoutDeployment := webhookWith()
	for name, tc := range map[string]struct {
		objects   []runtime.Object
		forbidden bool
		installed bool
		want      string
	}{
		"no webhook":          {nil, false, false, ""},
		"no Deployment":       {withoutDeployment[:2], false, true, "no Deployment of namespace duck is behind Service hook"},
		"a flag of a new one": {webhookWith("--lb=alb", "--new"), false, true, "unknown flag: --new"},
		"no right to read it": {webhookWith(), true, true, "list MutatingWebhookConfigurations: no"},
	} {
		client, c := kubernetesOf(tc.objects...)
		if tc.forbidden {
			c.PrependReactor("list", "mutatingwebhookconfigurations",
				func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("no") })
		}
		w, installed, unknown := installedWebhook(t.Context(), client)
		if installed != tc.installed || (unknown != nil) != (tc.want != "") ||
			unknown != nil && !strings.Contains(unknown.Error(), tc.want) {
			t.Errorf("%s: installed %t, unknown %v", name, installed, unknown)
		}
		if !w.watch || w.Settings.LB != "" || w.Settings.Shape != inject.Native {
			t.Errorf("%s: the webhook is %+v", name, w)
		}
	}
}
