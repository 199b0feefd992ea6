package incluster

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	ktesting "k8s.io/client-go/testing"

	"lameduck/deploy/ctl/measure"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var spec = Spec{Namespace: "prod", Image: "registry.example/lameduckctl:v1", Duration: time.Minute,
	Args: []string{"measure", "http://shop/", "--header=$(HEADER_1)"}, Secrets: map[string]string{"HEADER_1": "X-Key: s3cret"},
	Files: map[string][]byte{"BODY": {0, 1, 0xff}}}

// A jobs plays the controller of Jobs and the kubelet.
type jobs struct {
	*fake.Clientset
	t    *testing.T
	log  *io.PipeWriter // output of the pod
	read *io.PipeReader
}

// newJobs starts the pod of each Job in a phase, and calls ended when its Job is deleted.
func newJobs(t *testing.T, pod corev1.PodStatus, ended func(c *jobs)) *jobs {
	c := &jobs{Clientset: fake.NewClientset(), t: t}
	c.read, c.log = io.Pipe()
	watching := make(chan string, 1)
	c.PrependReactor("create", "jobs", func(a ktesting.Action) (bool, runtime.Object, error) {
		watching <- a.(ktesting.CreateAction).GetObject().(*batchv1.Job).Name
		return false, nil, nil
	})
	c.PrependReactor("delete", "jobs", func(ktesting.Action) (bool, runtime.Object, error) {
		go ended(c)
		return false, nil, nil
	})
	go func() {
		var name string
		select {
		case name = <-watching:
		case <-t.Context().Done():
			return
		}
		for !c.watches() && t.Context().Err() == nil {
			time.Sleep(time.Millisecond)
		}
		c.Tracker().Add(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name + "-abcde", Namespace: "prod",
			Labels: map[string]string{batchv1.JobNameLabel: name}}, Status: pod})
	}()
	return c
}

func (c *jobs) watches() bool {
	for _, a := range c.Actions() {
		if a.GetVerb() == "watch" {
			return true
		}
	}
	return false
}

// load returns a load whose log is that of the pod.
func (c *jobs) load() *Load {
	l := New(c, spec)
	l.logs = func(context.Context, string) (io.ReadCloser, error) { return c.read, nil }
	return l
}

func (c *jobs) event(e Event) {
	if err := WriteEvent(c.log, e); err != nil {
		c.t.Error(err)
	}
}

// expectNothingLeft checks that the Job was deleted with the objects that it owns.
func (c *jobs) expectNothingLeft() {
	c.t.Helper()
	list, err := c.BatchV1().Jobs("prod").List(context.Background(), metav1.ListOptions{})
	if err != nil || len(list.Items) > 0 {
		c.t.Errorf("%d Jobs are left, %v; want none", len(list.Items), err)
	}
	for _, a := range c.Actions() {
		if d, ok := a.(ktesting.DeleteActionImpl); ok && (d.DeleteOptions.PropagationPolicy == nil ||
			*d.DeleteOptions.PropagationPolicy != metav1.DeletePropagationBackground) {
			c.t.Error("the Job is deleted without its pods")
		}
	}
}

var running = corev1.PodStatus{Phase: corev1.PodRunning}

func finish(c *jobs) {
	c.event(Event{Requests: 40, Lost: 1, Report: &measure.Report{Requests: 40, Lost: 1, Ended: "interrupted"}})
	c.log.Close()
}

func TestALoadInTheClusterReportsWhenItIsEnded(t *testing.T) {
	c := newJobs(t, running, finish)
	l := c.load()
	ctx, interrupt := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	c.event(Event{Began: true})
	<-l.Started()
	c.event(Event{Requests: 20})
	c.event(Event{Requests: 30, Lost: 1})
	c.log.Write([]byte("\n")) // returns when the line before it has been read
	if requests, lost := l.Counts(); requests != 30 || lost != 1 || l.Began().IsZero() {
		t.Errorf("%d requests, %d lost, began %v", requests, lost, l.Began())
	}
	interrupt() // as after a rollout, or Ctrl-C
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if r := l.Report("rollout"); r.Requests != 40 || r.Ended != "rollout" {
		t.Errorf("%+v", r)
	}
	c.expectNothingLeft()
}

func TestALoadThatEndsByItselfLeavesNothing(t *testing.T) {
	c := newJobs(t, running, func(*jobs) {})
	l := c.load()
	go func() {
		c.event(Event{Began: true})
		c.event(Event{Report: &measure.Report{Ended: "requests"}})
		c.log.Close()
	}()
	if err := l.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := l.Report("time"); r.Ended != "requests" {
		t.Errorf("ended by %s", r.Ended)
	}
	c.expectNothingLeft()
}

func TestALoadThatFailsReportsWhyAndLeavesNothingBehind(t *testing.T) {
	waiting := func(reason string) corev1.PodStatus {
		return corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{{
			Image: spec.Image, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: "no such host"}}}}}
	}
	for name, tc := range map[string]struct {
		pod  corev1.PodStatus
		log  string
		want string
	}{
		"the image": {waiting("ErrImagePull"), "", "does not start: ErrImagePull: no such host (--image registry.example/lameduckctl:v1)"},
		"service":   {running, "lameduckctl: connect to 10.0.0.1:80: connection refused\n", "connect to 10.0.0.1:80: connection refused"},
		"no report": {running, `{"began":true}` + "\n", "ended without a report"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newJobs(t, tc.pod, func(*jobs) {})
			l := c.load()
			l.logs = func(context.Context, string) (io.ReadCloser, error) {
				return io.NopCloser(strings.NewReader(tc.log)), nil
			}
			if err := l.Run(t.Context()); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
			c.expectNothingLeft()
		})
	}
}

// Ctrl-C before the pod runs deletes the Job at once.
func TestAnInterruptionBeforeTheLoadLeavesNothing(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	c := newJobs(t, corev1.PodStatus{Phase: corev1.PodPending}, func(*jobs) {})
	l := c.load()
	go func() {
		for !c.watches() && t.Context().Err() == nil {
			time.Sleep(time.Millisecond)
		}
		interrupt()
	}()
	if err := l.Run(ctx); err == nil || !strings.Contains(err.Error(), "interrupted before the load began") {
		t.Errorf("%v", err)
	}
	c.expectNothingLeft()
}

func TestADeletionThatFailsNamesTheRemedy(t *testing.T) {
	c := newJobs(t, running, func(*jobs) {})
	c.PrependReactor("delete", "jobs", func(ktesting.Action) (bool, runtime.Object, error) {
		return true, nil, errors.New("no connection")
	})
	l := c.load()
	go finish(c)
	if err := l.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "kubectl -n prod delete job lameduck-measure-") {
		t.Errorf("%v", err)
	}
}

func TestTheJobIsRestrictedAndHasNoSecrets(t *testing.T) {
	c := fake.NewClientset()
	l := New(c, spec)
	job, err := l.create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text, err := job.Marshal()
	if err != nil || bytes.Contains(text, []byte("s3cret")) {
		t.Errorf("%v, or the Job has the value of a header", err)
	}
	p := job.Spec.Template.Spec
	x, s := p.Containers[0].SecurityContext, p.SecurityContext
	if !*s.RunAsNonRoot || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault || *x.AllowPrivilegeEscalation ||
		x.Capabilities.Drop[0] != "ALL" || !*x.ReadOnlyRootFilesystem || *p.AutomountServiceAccountToken ||
		p.RestartPolicy != corev1.RestartPolicyNever || *job.Spec.BackoffLimit != 0 || job.Spec.TTLSecondsAfterFinished == nil {
		t.Errorf("the pod is not confined, or repeats the load: %+v", job.Spec)
	}
	if s.RunAsUser != nil || s.RunAsGroup != nil || s.FSGroup != nil || x.RunAsUser != nil {
		t.Errorf("OpenShift refuses a fixed user: %+v", s)
	}
	if job.Spec.Template.Labels["lameduck.dev/inject"] != "disabled" {
		t.Error("the pod of the load gets a Lameduck")
	}
	secret, err := c.CoreV1().Secrets("prod").Get(t.Context(), job.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if o := secret.OwnerReferences; len(o) != 1 || o[0].Kind != "Job" || o[0].Name != job.Name ||
		string(secret.Data["HEADER_1"]) != "X-Key: s3cret" || !bytes.Equal(secret.Data["BODY"], spec.Files["BODY"]) {
		t.Errorf("%+v: want the Secret that the Job refers to, owned by it", secret)
	}
	if e := p.Containers[0].Env; len(e) != 1 || e[0].Name != "HEADER_1" || e[0].ValueFrom.SecretKeyRef.Name != job.Name {
		t.Errorf("environment %+v", e)
	}
	if got := Literal("a$(B)$C"); got != "a$$(B)$C" {
		t.Errorf("Literal returns %s", got)
	}
}
