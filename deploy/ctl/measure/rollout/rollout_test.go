package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	ktesting "k8s.io/client-go/testing"

	"lameduck/deploy/deploytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const namespace = "prod"

var shop = Workload{Deployment, namespace, "shop"}

// A cluster plays the controllers and the kubelet.
type cluster struct {
	*fake.Clientset
	t       *testing.T
	n       int
	watcher *Watcher // nil before watch
}

func deployment(replicas int32) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: namespace},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "shop"}},
		},
	}
}

// newCluster returns a cluster with a Deployment and its pods.
func newCluster(t *testing.T, pods int) *cluster {
	c := &cluster{Clientset: fake.NewClientset(deployment(int32(pods))), t: t}
	for range pods {
		c.add()
	}
	return c
}

// replicas changes the number of replicas of the Deployment.
func (c *cluster) replicas(n int32) {
	c.t.Helper()
	_, err := c.AppsV1().Deployments(namespace).Update(c.t.Context(), deployment(n), metav1.UpdateOptions{})
	c.check(err)
}

func (c *cluster) check(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// add adds a pod that is ready, and its endpoint.
func (c *cluster) add() string {
	c.t.Helper()
	name := fmt.Sprintf("shop-%d", c.n)
	c.n++
	grace := int64(30)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: namespace, UID: types.UID("uid-" + name), Labels: map[string]string{"app": "shop"},
		},
		Spec: corev1.PodSpec{NodeName: "node-1", TerminationGracePeriodSeconds: &grace},
		Status: corev1.PodStatus{Conditions: []corev1.PodCondition{
			{Type: corev1.PodReady, Status: corev1.ConditionTrue},
		}},
	}
	_, err := c.CoreV1().Pods(namespace).Create(c.t.Context(), pod, metav1.CreateOptions{})
	c.check(err)
	slice := &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}}
	slice.Endpoints = []discoveryv1.Endpoint{{TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: name}}}
	_, err = c.DiscoveryV1().EndpointSlices(namespace).Create(c.t.Context(), slice, metav1.CreateOptions{})
	c.check(err)
	return name
}

// terminate begins to terminate a pod, removes its endpoint and ends its containers.
func (c *cluster) terminate(name, message string) {
	c.t.Helper()
	c.begin(name)
	c.end(name, message)
}

// begin begins to terminate a pod and removes its endpoint.
func (c *cluster) begin(name string) {
	c.t.Helper()
	ctx, pods := c.t.Context(), c.CoreV1().Pods(namespace)
	object, err := pods.Get(ctx, name, metav1.GetOptions{})
	c.check(err)
	grace, at := int64(30), metav1.NewTime(time.Now().Add(30*time.Second).Truncate(time.Second))
	object.DeletionTimestamp, object.DeletionGracePeriodSeconds = &at, &grace
	_, err = pods.Update(ctx, object, metav1.UpdateOptions{})
	c.check(err)
	c.await(name, "is terminating", func(p *pod) bool { return !p.t0.IsZero() })
	no := false
	slices := c.DiscoveryV1().EndpointSlices(namespace)
	slice, err := slices.Get(ctx, name, metav1.GetOptions{})
	c.check(err)
	slice.Endpoints[0].Conditions.Ready = &no
	_, err = slices.Update(ctx, slice, metav1.UpdateOptions{})
	c.check(err)
	c.await(name, "has no endpoint", func(p *pod) bool { return !p.unrouted.IsZero() })
}

// end terminates the containers of a pod.
func (c *cluster) end(name, message string) {
	c.t.Helper()
	ctx, pods := c.t.Context(), c.CoreV1().Pods(namespace)
	pod, err := pods.Get(ctx, name, metav1.GetOptions{})
	c.check(err)
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{
		{Name: "app", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 143, Reason: "Error"}}},
		{Name: "lameduck", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Message: message}}},
	}
	_, err = pods.Update(ctx, pod, metav1.UpdateOptions{})
	c.check(err)
}

func (c *cluster) remove(name string) {
	c.t.Helper()
	c.check(c.CoreV1().Pods(namespace).Delete(c.t.Context(), name, metav1.DeleteOptions{}))
	c.check(c.DiscoveryV1().EndpointSlices(namespace).Delete(c.t.Context(), name, metav1.DeleteOptions{}))
}

func (c *cluster) watch() *Watcher {
	c.t.Helper()
	x, err := Watch(c.t.Context(), c, shop, new(Clock))
	c.check(err)
	c.t.Cleanup(x.Stop)
	c.watcher = x
	// The fake reports no deletions from before its watches began.
	deploytest.Await(c.t, deploytest.WaitTimeout, "the watches", func() error {
		if !c.watches("pods") || !c.watches("endpointslices") {
			return errors.New("they have not begun")
		}
		return nil
	})
	return x
}

func (c *cluster) watches(resource string) bool {
	return slices.ContainsFunc(c.Actions(), func(a ktesting.Action) bool { return a.Matches("watch", resource) })
}

// await waits until the watcher has seen a change of a pod: pods and endpoints are two streams,
// whose events may come in any order.
func (c *cluster) await(name, what string, seen func(*pod) bool) {
	c.t.Helper()
	if c.watcher == nil {
		return
	}
	for deadline := time.After(deploytest.WaitTimeout); ; {
		c.watcher.mu.Lock()
		changed, found := c.watcher.changed, false
		for _, p := range c.watcher.pods {
			found = found || p.name == name && seen(p)
		}
		c.watcher.mu.Unlock()
		if found {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			c.t.Fatalf("the watcher has not seen that %s %s", name, what)
		}
	}
}

// patches waits for n patches of the Deployment and returns the last.
func (c *cluster) patches(n int) ktesting.PatchAction {
	c.t.Helper()
	for deadline := time.Now().Add(deploytest.WaitTimeout); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		var all []ktesting.PatchAction
		for _, a := range c.Actions() {
			if p, ok := a.(ktesting.PatchAction); ok {
				all = append(all, p)
			}
		}
		if len(all) >= n {
			return all[n-1]
		}
	}
	c.t.Fatalf("fewer than %d patches", n)
	return nil
}

// run runs an operation in the background. The channel has its error.
func run(ctx context.Context, o *Operation) <-chan error {
	done := make(chan error, 1)
	go func() { done <- o.Run(ctx) }()
	return done
}

func expectRunning(t *testing.T, done <-chan error, why string) {
	t.Helper()
	select {
	case err := <-done:
		t.Fatalf("the operation has ended (%v), and %s", err, why)
	case <-time.After(50 * time.Millisecond):
	}
}

func expectEnd(t *testing.T, done <-chan error) {
	t.Helper()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(deploytest.WaitTimeout):
		t.Fatal("the operation does not end")
	}
}

const drained = "drained in 4.2s (quiet; triggered by drain request): 12 exchanges after its start, the last one " +
	"2.5s after it; silence required: 1.2s; cut: 0 exchanges on 0 connections; not answered by the app: 0\n"

func TestARestartIsFollowedToItsEnd(t *testing.T) {
	c := newCluster(t, 2)
	x := c.watch()
	o := NewOperation(x, Action{Kind: Restart})
	if err := o.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	done := run(t.Context(), o)
	patch := c.patches(1)
	if got := string(patch.GetPatch()); patch.GetSubresource() != "" || !strings.Contains(got, "kubectl.kubernetes.io/restartedAt") {
		t.Errorf("patch %s", got)
	}
	for i := range 2 {
		old := fmt.Sprintf("shop-%d", i)
		c.add()
		c.terminate(old, drained)
		expectRunning(t, done, "a pod is terminating")
		c.remove(old)
	}
	expectEnd(t, done)
	r := o.Report(t.Context(), start)
	if !r.Complete || len(r.Pods) != 4 || r.Workload != "deployment/shop" {
		t.Fatalf("%+v: want a complete rollout with two old and two new pods", r)
	}
	first, last := r.Pods[0], r.Pods[3]
	if first.Name != "shop-0" || first.T0 == nil || first.Unrouted == nil || first.Stopped == nil || first.Gone == nil ||
		*first.T0 > *first.Unrouted || *first.Unrouted > *first.Stopped || *first.Stopped > *first.Gone {
		t.Errorf("first pod %+v, want t0, unrouted, stopped and gone in this order", first)
	}
	if first.Containers[0].ExitCode != 143 || first.LastExchange == nil || time.Duration(*first.LastExchange) != 2500*time.Millisecond {
		t.Errorf("first pod %+v, want the exit code and the report of its Lameduck", first)
	}
	if last.Name != "shop-3" || last.Ready == nil || last.T0 != nil {
		t.Errorf("last pod %+v, want a new one", last)
	}
	if lines, err := o.Undo(t.Context()); err != nil || lines != nil {
		t.Errorf("after a complete restart: %v, %v; want nothing to undo", lines, err)
	}
}

func TestPodsAreDeletedOneAfterTheOther(t *testing.T) {
	c := newCluster(t, 3)
	x := c.watch()
	o := NewOperation(x, Action{Kind: DeletePods, N: 2})
	done := run(t.Context(), o)
	deleted := func() (names []string) {
		for _, a := range c.Actions() {
			if d, ok := a.(ktesting.DeleteAction); ok && a.GetResource().Resource == "pods" {
				names = append(names, d.GetName())
			}
		}
		return names
	}
	for n, which := range []string{"first", "second"} {
		for deadline := time.Now().Add(deploytest.WaitTimeout); len(deleted()) <= n; time.Sleep(2 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("the %s pod is not deleted", which)
			}
		}
		expectRunning(t, done, "the "+which+" pod has no successor")
		if got := deleted(); len(got) != n+1 {
			t.Fatalf("deleted %v before the %s has a successor", got, which)
		}
		c.add()
	}
	expectEnd(t, done)
}

func TestScaleGoesBack(t *testing.T) {
	c := newCluster(t, 2)
	x := c.watch()
	o := NewOperation(x, Action{Kind: Scale, N: 1})
	done := run(t.Context(), o)
	if p := c.patches(1); p.GetSubresource() != "scale" || string(p.GetPatch()) != `{"spec":{"replicas":1}}` {
		t.Errorf("patch %s of %q", p.GetPatch(), p.GetSubresource())
	}
	c.terminate("shop-1", "")
	c.remove("shop-1")
	if p := c.patches(2); string(p.GetPatch()) != `{"spec":{"replicas":2}}` {
		t.Errorf("it is not scaled back, but %s", p.GetPatch())
	}
	c.add()
	expectEnd(t, done)
	if lines, err := o.Undo(t.Context()); err != nil || lines != nil {
		t.Errorf("%v, %v: it is scaled back already", lines, err)
	}
}

// After Ctrl-C the number of replicas is restored, and for everything else the remedy is
// named.
func TestAnInterruptedActionIsUndone(t *testing.T) {
	for _, tc := range []struct {
		action  Action
		patches int
		want    string
	}{
		{Action{Kind: Scale, N: 1}, 2, "deployment/shop was scaled back to 2 replicas"},
		{Action{Kind: Restart}, 1, "kubectl -n prod rollout undo deployment/shop"},
		{Action{Kind: DeletePods, N: 1}, 0, "1 pod of deployment/shop was deleted"},
		{Action{Kind: Watching}, 0, ""},
	} {
		c := newCluster(t, 2)
		o := NewOperation(c.watch(), tc.action)
		ctx, interrupt := context.WithCancel(t.Context())
		done := run(ctx, o)
		expectRunning(t, done, "no pod has been replaced")
		interrupt()
		expectEnd(t, done)
		lines, err := o.Undo(ctx)
		if text := strings.Join(lines, "\n"); err != nil || !strings.Contains(text, tc.want) || (tc.want == "") != (text == "") {
			t.Errorf("%v: %q, %v; want %q", tc.action, lines, err, tc.want)
		}
		if tc.patches > 0 {
			c.patches(tc.patches)
		}
		if r := o.Report(ctx, time.Now()); r.Complete {
			t.Errorf("%v: an interrupted rollout is reported as complete", tc.action)
		}
	}
}

func TestWatchingChangesNothing(t *testing.T) {
	c := newCluster(t, 1)
	o := NewOperation(c.watch(), Action{Kind: Watching})
	c.ClearActions()
	done := run(t.Context(), o)
	expectRunning(t, done, "nothing has happened")
	c.add()
	c.terminate("shop-0", "")
	for _, a := range c.Actions() {
		if v := a.GetVerb(); v == "patch" || v == "delete" {
			t.Errorf("it made %s %s", v, a.GetResource().Resource)
		}
	}
	c.remove("shop-0")
	expectEnd(t, done)
}

func TestActionsThatWouldEndNoPodAreRefused(t *testing.T) {
	ptr := func(n int32) *int32 { return &n }
	for _, tc := range []struct {
		spoil  func(*appsv1.Deployment)
		action Action
		want   string
	}{
		{func(d *appsv1.Deployment) { d.Spec.Paused = true }, Action{Kind: Restart}, "is paused"},
		{func(d *appsv1.Deployment) { d.Spec.Replicas = ptr(0) }, Action{Kind: Restart}, "no replicas"},
		{func(*appsv1.Deployment) {}, Action{Kind: DeletePods, N: 3}, "--delete-pod: must be between 1 and 2"},
		{func(*appsv1.Deployment) {}, Action{Kind: Scale, N: 2}, "must differ from the current number of replicas"},
	} {
		d := deployment(2)
		tc.spoil(d)
		c := &cluster{Clientset: fake.NewClientset(d), t: t}
		err := NewOperation(c.watch(), tc.action).Check(t.Context())
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v: %v, want %q", tc.action, err, tc.want)
		}
	}
}

func TestMissingRightsAreNamedRightByRight(t *testing.T) {
	c := newCluster(t, 1)
	c.PrependReactor("create", "selfsubjectaccessreviews", func(a ktesting.Action) (bool, runtime.Object, error) {
		review := a.(ktesting.CreateAction).GetObject().(*authorizationv1.SelfSubjectAccessReview)
		r := review.Spec.ResourceAttributes
		review.Status.Allowed = r.Verb == "get" || r.Resource == "pods"
		return true, review, nil
	})
	err := shop.CheckRights(t.Context(), c, Action{Kind: Scale, N: 3})
	missing := (*MissingError)(nil)
	if !errors.As(err, &missing) || len(missing.Rights) != 3 {
		t.Fatalf("got %v, want three missing rights", err)
	}
	for _, want := range []string{"namespace prod", "list endpointslices.discovery.k8s.io", "watch endpointslices",
		"patch deployments/scale.apps shop"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %q", err, want)
		}
	}
	for kind, n := range map[string]int{Watching: 5, Restart: 6, DeletePods: 6, Scale: 6} {
		if got := len(shop.Rights(Action{Kind: kind})); got != n {
			t.Errorf("%s needs %d rights, want %d", kind, got, n)
		}
	}
}

func TestTheSkewIsNarrowedByEachResponse(t *testing.T) {
	c := new(Clock)
	if _, _, ok := c.Skew(); ok {
		t.Error("a clock without samples reports a skew")
	}
	// The API server is 5.3 s ahead. Requests take 10 ms.
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 20 {
		sent := start.Add(time.Duration(i) * 70 * time.Millisecond)
		date := sent.Add(5305 * time.Millisecond).Truncate(time.Second)
		c.observe(date.Format("Mon, 02 Jan 2006 15:04:05 GMT"), sent, sent.Add(10*time.Millisecond))
	}
	skew, wrong, ok := c.Skew()
	if off := (skew - 5300*time.Millisecond).Abs(); !ok || off > wrong || wrong > 60*time.Millisecond {
		t.Errorf("skew %v ± %v, want 5.3s", skew, wrong)
	}
	// A deletion stamped 12 (server) was between 6.7 and 7.7 here.
	from, to, _ := c.here(start.Add(12 * time.Second))
	if at := start.Add(6700 * time.Millisecond); from.After(at) || to.Before(at.Add(time.Second)) {
		t.Errorf("12 s on the server is %v to %v here", from.Sub(start), to.Sub(start))
	}
}

// A late event, after a broken watch, does not move t0.
func TestALateEventDoesNotMoveT0(t *testing.T) {
	clock := new(Clock)
	now := time.Now().Truncate(time.Second)
	for i := range 20 {
		at := now.Add(time.Duration(i) * 100 * time.Millisecond)
		clock.observe(at.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"), at, at)
	}
	grace, stamp := int64(30), metav1.NewTime(now.Add(30*time.Second))
	seen := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: &stamp, DeletionGracePeriodSeconds: &grace}}
	for late, want := range map[time.Duration]time.Duration{300 * time.Millisecond: 300 * time.Millisecond, 9 * time.Second: time.Second} {
		got := deletedAt(seen, now.Add(late), clock).Sub(now)
		if (got - want).Abs() > 150*time.Millisecond {
			t.Errorf("an event %v after the second of the deletion: t0 is %v after it, want %v", late, got, want)
		}
	}
}
