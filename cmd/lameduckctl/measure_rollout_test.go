package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"lameduck/deploy/ctl/measure"
	"lameduck/deploy/ctl/measure/rollout"
)

// kubeconfig writes a kubeconfig for a server, whose current context is prod.
func kubeconfig(t *testing.T, server string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	text := fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: prod\n"+
		"clusters: [{name: c, cluster: {server: %q}}]\n"+
		"contexts: [{name: prod, context: {cluster: c, user: u, namespace: shops}}]\nusers: [{name: u, user: {}}]\n", server)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAContextThatIsNotNamedIsRefused(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("the API server is asked for %s %s", r.Method, r.URL)
	}))
	defer api.Close()
	_, stderr, code := ctl(t, "", "measure", service(t, 0), "--deployment", "shop", "--kubeconfig", kubeconfig(t, api.URL))
	const want = `this would restart all pods of deployment/shop in namespace shops, in the context "prod": name it ` +
		`with --context prod, or pass --yes`
	if code != exitError || !strings.Contains(stderr, want) {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestRightsThatAreMissingAreNamed(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" {
			t.Errorf("the API server is asked for %s %s", r.Method, r.URL)
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1","status":{"allowed":false}}`)
	}))
	defer api.Close()
	for _, context := range []string{"--context=prod", "--yes", "--watch-only"} {
		_, stderr, code := ctl(t, "", "measure", service(t, 0), "--deployment", "shop", "--kubeconfig",
			kubeconfig(t, api.URL), context)
		if code != exitError || !strings.Contains(stderr, "list endpointslices.discovery.k8s.io") ||
			strings.Contains(stderr, "patch deployments.apps shop") == (context == "--watch-only") {
			t.Errorf("%s: exit code %d: %s", context, code, stderr)
		}
	}
}

func TestFlagsOfWorkloadsThatContradictAreRefused(t *testing.T) {
	for _, tc := range []struct{ args, want string }{
		{"--deployment a --daemonset b", "use one of --deployment"},
		{"--watch-only", "need --deployment"},
		{"--scale 0", "need --deployment"},
		{"--deployment a --scale 2 --watch-only", "use one of --delete-pod"},
		{"--deployment a --kubeconfig none", "read the kubeconfig"},
	} {
		_, stderr, code := ctl(t, "", append([]string{"measure", "http://127.0.0.1:1/"}, strings.Fields(tc.args)...)...)
		if code != exitError || !strings.Contains(stderr, tc.want) {
			t.Errorf("%s: exit code %d: %s", tc.args, code, stderr)
		}
	}
}

func TestTheQuestionNeedsAYes(t *testing.T) {
	for answer, want := range map[string]bool{"y\n": true, "Yes\n": true, "yes": true, "\n": false, "": false, "no\n": false} {
		var asked strings.Builder
		if err := ask(strings.NewReader(answer), &asked, "restart? "); (err == nil) != want || asked.String() != "restart? " {
			t.Errorf("%q: %v after %q", answer, err, asked.String())
		}
	}
}

func shopPod(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shops",
			Labels: map[string]string{"app": "shop"}},
		Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}},
	}
}

// A shopCluster is a fake cluster with a Deployment of one pod, which the measurement deletes.
func shopCluster(t *testing.T, target string) (*fake.Clientset, *measure.Measurement, *rollout.Operation) {
	t.Helper()
	one := int32(1)
	old := shopPod("old")
	old.UID = "old"
	client := fake.NewClientset(old, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "shops"},
		Spec: appsv1.DeploymentSpec{Replicas: &one,
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "shop"}}},
	})
	w := rollout.Workload{Kind: rollout.Deployment, Namespace: "shops", Name: "shop"}
	watcher, err := rollout.Watch(t.Context(), client, w, new(rollout.Clock))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(watcher.Stop)
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	m, err := measure.New(t.Context(), measure.Config{URL: u, Rate: 100, Timeout: time.Minute, Connections: 2,
		Expect: measure.Statuses{{200, 299}}})
	if err != nil {
		t.Fatal(err)
	}
	return client, m, rollout.NewOperation(watcher, rollout.Action{Kind: rollout.DeletePods, N: 1})
}

func wrote(client *fake.Clientset) bool {
	for _, a := range client.Actions() {
		if a.GetVerb() == "delete" || a.GetVerb() == "patch" {
			return true
		}
	}
	return false
}

func command(ctx context.Context) *cobra.Command {
	cmd := new(cobra.Command)
	cmd.SetContext(ctx)
	return cmd
}

func TestARolloutIsMeasuredBetweenCalmPhases(t *testing.T) {
	client, m, o := shopCluster(t, service(t, 0))
	f := measureFlags{duration: time.Minute, quiet: true, rollout: rolloutFlags{calm: 100 * time.Millisecond}}
	go func() {
		for !wrote(client) && t.Context().Err() == nil {
			time.Sleep(5 * time.Millisecond)
		}
		next := shopPod("next")
		next.UID = "next"
		client.CoreV1().Pods("shops").Create(context.Background(), next, metav1.CreateOptions{})
	}()
	r, err := f.rolloutLoad(command(t.Context()), &localLoad{Measurement: m}, o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Ended != "rollout" || !r.Rollout.Complete || len(r.Rollout.Pods) != 2 || r.Lost != 0 || r.Requests < 10 {
		t.Errorf("%+v, rollout %+v", r, r.Rollout)
	}
	if r.Rollout.Began == nil || time.Duration(*r.Rollout.Began) < 100*time.Millisecond {
		t.Errorf("rollout %+v, want its start after the calm phase", r.Rollout)
	}
}

// The calm phase begins with the load.
func TestALoadStartsWhenItRuns(t *testing.T) {
	_, m, _ := shopCluster(t, service(t, 0))
	l := &localLoad{Measurement: m}
	select {
	case <-l.Started():
		t.Error("the load has started before it runs")
	default:
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	<-l.Started()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestAServiceThatFailsInTheCalmPhaseIsNotTouched(t *testing.T) {
	client, m, o := shopCluster(t, service(t, 4))
	f := measureFlags{duration: time.Minute, quiet: true, rollout: rolloutFlags{calm: 2 * time.Second}}
	_, err := f.rolloutLoad(command(t.Context()), &localLoad{Measurement: m}, o)
	if err == nil || !strings.Contains(err.Error(), "before the rollout, the service lost") || wrote(client) {
		t.Errorf("%v, changed %t", err, wrote(client))
	}
}

// Ctrl-C changes nothing in the calm phase, and later prints what continues by itself.
func TestAnInterruptedRolloutReportsWhatWasDone(t *testing.T) {
	for name, calm := range map[string]time.Duration{"calm": time.Hour, "rollout": 20 * time.Millisecond} {
		client, m, o := shopCluster(t, service(t, 0))
		f := measureFlags{duration: 2 * time.Hour, quiet: true, rollout: rolloutFlags{calm: calm}}
		ctx, interrupt := context.WithCancel(t.Context())
		go func() {
			for n, _ := m.Counts(); n < 5 || name == "rollout" && !wrote(client); n, _ = m.Counts() {
				time.Sleep(5 * time.Millisecond)
			}
			interrupt()
		}()
		r, err := f.rolloutLoad(command(ctx), &localLoad{Measurement: m}, o)
		interrupt()
		if err != nil {
			t.Fatal(err)
		}
		notes := strings.Join(r.AllNotes(), " ")
		if r.Ended != "interrupted" || r.Rollout.Complete || wrote(client) != (name == "rollout") ||
			strings.Contains(notes, "1 pod of deployment/shop was deleted") != (name == "rollout") {
			t.Errorf("%s: ended by %s, complete %t, %s", name, r.Ended, r.Rollout.Complete, notes)
		}
	}
}
