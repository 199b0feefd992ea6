package enable

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/kube"
	"lameduck/deploy/ctl/mode"
	"lameduck/deploy/ctl/webhook"
)

// A cluster is an API server with one namespace, which admits pods or refuses them.
type cluster struct {
	*fake.Clientset
	asked []*corev1.Pod // pods of dry runs
}

func newCluster(t *testing.T, refusal error, more ...runtime.Object) *cluster {
	t.Helper()
	c := &cluster{Clientset: fake.NewClientset(append([]runtime.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{"team": "a"}}},
		&corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop"},
			Spec: corev1.ServiceSpec{
				Selector: map[string]string{"app": "web"}, Ports: []corev1.ServicePort{{Port: 8080}},
			},
		},
		&appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop"},
			Spec:       appsv1.DeploymentSpec{Template: template("web", 8080)},
		},
		&appsv1.StatefulSet{
			ObjectMeta: metav1.ObjectMeta{Name: "worker", Namespace: "shop"},
			Spec:       appsv1.StatefulSetSpec{Template: template("worker", 0)},
		},
		&batchv1.CronJob{
			ObjectMeta: metav1.ObjectMeta{Name: "report", Namespace: "shop"},
			Spec: batchv1.CronJobSpec{JobTemplate: batchv1.JobTemplateSpec{
				Spec: batchv1.JobSpec{Template: template("report", 80)},
			}},
		},
	}, more...)...)}
	c.PrependReactor("create", "pods", func(a clienttesting.Action) (bool, runtime.Object, error) {
		create := a.(clienttesting.CreateActionImpl)
		if !slices.Equal(create.CreateOptions.DryRun, []string{metav1.DryRunAll}) {
			t.Error("a pod was created without dry run")
		}
		pod := create.GetObject().(*corev1.Pod)
		c.asked = append(c.asked, pod)
		return true, pod, refusal
	})
	return c
}

func (c *cluster) client() *kube.Client { return &kube.Client{Interface: c} }

func template(app string, port int32) corev1.PodTemplateSpec {
	t := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": app}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: app, Image: app}}},
	}
	if port != 0 {
		t.Spec.Containers[0].Ports = []corev1.ContainerPort{{Name: "http", ContainerPort: port}}
	}
	return t
}

func (c *cluster) labels(t *testing.T) map[string]string {
	t.Helper()
	ns, err := c.CoreV1().Namespaces().Get(t.Context(), "shop", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return ns.Labels
}

// enabledIn plans and applies the plan.
func enabledIn(t *testing.T, c *cluster) *Plan {
	t.Helper()
	p, err := ForEnable(t.Context(), c.client(), "shop", webhook.Config{Settings: inject.Defaults()}, Watch{On: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Apply(t.Context(), c.client()); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *Plan) workload(t *testing.T, name string) Workload {
	t.Helper()
	for _, w := range p.Workloads {
		if w.Name == name {
			return w
		}
	}
	t.Fatalf("no workload %s in %+v", name, p.Workloads)
	return Workload{}
}

func refused(reason string) error {
	return apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "lameduck-dry-run-x",
		&problem{reason})
}

type problem struct{ text string }

func (p *problem) Error() string { return p.text }

func TestEnable_AllowsTheRedirectWhereThePodIsAdmitted(t *testing.T) {
	c := newCluster(t, nil)
	p := enabledIn(t, c)
	want := map[string]string{"team": "a", inject.InjectLabel: "enabled", mode.RedirectLabel: mode.Allowed}
	if got := c.labels(t); !maps.Equal(got, want) {
		t.Errorf("labels %v, want %v", got, want)
	}
	if w := p.workload(t, "web"); w.Mode != "redirect" || !strings.Contains(w.Reason, "Service web") ||
		len(w.Changes) == 0 || len(w.Stays) == 0 {
		t.Errorf("planned is %+v", w)
	}
	if w := p.workload(t, "worker"); w.Mode != "" || w.Unprotected || !strings.Contains(w.Reason, "no container declares a TCP port") {
		t.Errorf("planned is %+v", w)
	}
	if w := p.workload(t, "report"); w.Mode != "" || w.Unprotected || !strings.Contains(w.Reason, "runs to completion") {
		t.Errorf("planned is %+v", w)
	}
	for _, pod := range c.asked {
		i := slices.IndexFunc(pod.Spec.InitContainers, func(c corev1.Container) bool {
			s := c.SecurityContext
			return s != nil && s.Capabilities != nil && slices.Contains(s.Capabilities.Add, "NET_ADMIN")
		})
		if i < 0 || pod.Labels[inject.InjectLabel] != "disabled" {
			t.Errorf("asked for %+v, want an init container with NET_ADMIN that the webhook does not change", pod)
		}
	}
	if again := enabledIn(t, c); again.workload(t, "web").Mode != "redirect" || len(c.asked) != 2 {
		t.Errorf("second time the plan %+v, after %d dry runs", again, len(c.asked))
	}
}

func TestEnable_ObservesWhereThePodIsRefused(t *testing.T) {
	for name, refusal := range map[string]error{
		"Pod Security":    refused(`violates PodSecurity "restricted:latest": unrestricted capabilities`),
		"no right to ask": refused(`User "u" cannot create resource "pods" in API group ""`),
		"no answer":       context.DeadlineExceeded,
	} {
		c := newCluster(t, refusal)
		_, err := c.CoreV1().Namespaces().Update(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
			Name: "shop", Labels: map[string]string{mode.RedirectLabel: mode.Allowed}, // of an earlier time
		}}, metav1.UpdateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		p := enabledIn(t, c)
		if got := c.labels(t); !maps.Equal(got, map[string]string{
			inject.InjectLabel: "enabled", mode.RedirectLabel: mode.Refused,
		}) {
			t.Errorf("%s: the labels are %v", name, got)
		}
		if w := p.workload(t, "web"); w.Mode != "observe" {
			t.Errorf("%s: planned is %+v", name, w)
		}
		if p.Redirect.Admitted || !strings.Contains(p.Redirect.Reason, refusal.Error()) {
			t.Errorf("%s: the redirect is %+v", name, p.Redirect)
		}
	}
}

func TestDisable_LeavesNoLabel(t *testing.T) {
	c := newCluster(t, nil)
	enabledIn(t, c)
	p, err := ForDisable(t.Context(), c.client(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Apply(t.Context(), c.client()); err != nil {
		t.Fatal(err)
	}
	if got := c.labels(t); !maps.Equal(got, map[string]string{"team": "a"}) {
		t.Errorf("labels %v", got)
	}
}

func TestStatus_HasTheReasonOfEachPodThatIsNotInjected(t *testing.T) {
	pod := func(name string, labels, annotations map[string]string) *corev1.Pod {
		spec := template(name, 8080).Spec
		return &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop", Labels: labels, Annotations: annotations},
			Spec:       spec,
		}
	}
	c := newCluster(t, nil,
		pod("old", nil, nil),
		pod("out", map[string]string{inject.InjectLabel: "disabled"}, nil),
		pod("redirected", nil, map[string]string{
			inject.InjectedAnnotation: "{}", inject.ModeAnnotation: "redirect: Service web is headless",
		}))
	for _, enable := range []bool{false, true} {
		if enable {
			enabledIn(t, c)
		}
		s, err := ReadStatus(t.Context(), c.client(), "shop")
		if err != nil {
			t.Fatal(err)
		}
		old := "the namespace is not enabled"
		if enable {
			old = "restart its workload"
		}
		if s.Enabled != enable || s.Redirect != enable || len(s.Pods) != 3 ||
			!strings.Contains(s.Pods[0].Reason, old) || !strings.Contains(s.Pods[1].Reason, "disabled") ||
			s.Pods[2].Mode != "redirect: Service web is headless" {
			t.Errorf("enabled %t: the status is %+v", enable, s)
		}
	}
}
