package enable

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/mode"
	"lameduck/deploy/ctl/webhook"
)

// reported returns the plan of a webhook for the namespace of a cluster.
func reported(t *testing.T, c *cluster, change func(*webhook.Config), watch Watch) *Plan {
	t.Helper()
	config := webhook.Config{Settings: inject.Defaults(), Namespace: "lameduck"}
	if change != nil {
		change(&config)
	}
	p, err := ForWebhook(t.Context(), c.client(), "shop", config, watch)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range c.Actions() {
		if verb := a.GetVerb(); verb != "get" && verb != "list" {
			t.Errorf("a report does not only read: %s %s", verb, a.GetResource().Resource)
		}
	}
	return p
}

// owned returns a pod that a controller has made.
func owned(name, kind, by string, labels, annotations map[string]string) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop", Labels: labels, Annotations: annotations},
		Spec:       template(name, 8080).Spec,
	}
	if kind != "" {
		isController := true
		p.OwnerReferences = []metav1.OwnerReference{{Kind: kind, Name: by, Controller: &isController}}
	}
	return p
}

func TestReport_HasEveryWorkloadOnce(t *testing.T) {
	isController := true
	set := func(name, kind, by string) *appsv1.ReplicaSet {
		return &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: "shop",
			OwnerReferences: []metav1.OwnerReference{{Kind: kind, Name: by, Controller: &isController}},
		}}
	}
	ended := owned("done", "", "", nil, nil)
	ended.Status.Phase = corev1.PodSucceeded
	c := newCluster(t, nil,
		set("web-1", "Deployment", "web"), owned("web-1-a", "ReplicaSet", "web-1", nil, nil),
		set("argo-1", "Rollout", "argo"), owned("argo-1-a", "ReplicaSet", "argo-1", nil, nil),
		owned("argo-1-b", "ReplicaSet", "argo-1", nil, nil),
		owned("alone", "", "", nil, nil), ended,
		owned("static-node", "Node", "node", nil, map[string]string{corev1.MirrorPodAnnotationKey: "x"}),
		&batchv1.Job{
			ObjectMeta: metav1.ObjectMeta{Name: "migrate", Namespace: "shop"},
			Spec:       batchv1.JobSpec{Template: template("migrate", 80)},
		},
		owned("migrate-a", "Job", "migrate", nil, nil),
	)
	p := reported(t, c, nil, Watch{On: true})
	var all []string
	for _, w := range p.Workloads {
		all = append(all, w.Kind+"/"+w.Name+"="+w.Mode)
	}
	const want = "Deployment/web=observe StatefulSet/worker= CronJob/report= Job/migrate= Pod/alone=observe " +
		"Rollout/argo=observe Node/node="
	if got := strings.Join(all, " "); got != want {
		t.Errorf("reported are %s, want %s", got, want)
	}
}

func TestReport_FollowsTheFlagsOfTheWebhook(t *testing.T) {
	byName := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop"},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "web"}},
	}
	byName.Spec.Ports = []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromString("http")}}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: "shop", Labels: map[string]string{inject.InjectLabel: "enabled"},
	}}
	for name, tc := range map[string]struct {
		change   func(*webhook.Config)
		blind    bool // without --watch
		mode     mode.Mode
		inactive string
	}{
		"as it is":     {nil, false, mode.Move, ""},
		"blind":        {nil, true, mode.Observe, ""},
		"another mode": {func(c *webhook.Config) { c.Settings.Mode = mode.Observe }, false, mode.Observe, ""},
		"paused":       {func(c *webhook.Config) { c.Paused = true }, false, mode.Move, "paused"},
		"never":        {func(c *webhook.Config) { c.Never = []string{"shop"} }, false, mode.Move, "never injected"},
		"its own":      {func(c *webhook.Config) { c.Namespace = "shop" }, false, mode.Move, "of the webhook"},
	} {
		c := newCluster(t, nil)
		_, err := c.CoreV1().Namespaces().Update(t.Context(), namespace, metav1.UpdateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = c.CoreV1().Services("shop").Update(t.Context(), byName, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		c.ClearActions()
		p := reported(t, c, tc.change, Watch{On: !tc.blind})
		if got := p.workload(t, "web"); got.Mode != string(tc.mode) || (p.Inactive != "") != (tc.inactive != "") ||
			!strings.Contains(p.Inactive, tc.inactive) {
			t.Errorf("%s: mode %s, inactive %q, want %s and %q", name, got.Mode, p.Inactive, tc.mode, tc.inactive)
		}
	}
	if p := reported(t, newCluster(t, nil), nil, Watch{On: true}); !strings.Contains(p.Inactive, "no label") {
		t.Errorf("without the label it is inactive for %q", p.Inactive)
	}
	allowed := reported(t, newCluster(t, nil), nil, Watch{On: true, AllowRedirect: true})
	if w := allowed.workload(t, "web"); w.Mode != string(mode.Redirect) {
		t.Errorf("with --allow-redirect it is %+v", w)
	}
}

func TestPlan_LeavesWhatIsInjectedAlready(t *testing.T) {
	injected := template("old", 8080)
	injected.Annotations = map[string]string{
		inject.InjectedAnnotation: "{}", inject.ModeAnnotation: "redirect: Service old is headless",
	}
	c := newCluster(t, nil, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "old", Namespace: "shop"}, Spec: appsv1.DeploymentSpec{Template: injected},
	})
	w := reported(t, c, nil, Watch{On: true}).workload(t, "old")
	if w.Mode != "redirect" || !strings.Contains(w.Reason, "injected before") || len(w.Changes) > 0 || w.Unprotected {
		t.Errorf("planned is %+v", w)
	}
}
