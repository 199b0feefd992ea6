package incluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"

	"lameduck/deploy/ctl/measure"
)

// A Load is a load that runs as a Job.
type Load struct {
	spec    Spec
	client  kubernetes.Interface
	logs    func(ctx context.Context, pod string) (io.ReadCloser, error)
	started chan struct{} // closed when the load has begun

	mu     sync.Mutex
	last   Event
	began  time.Time
	report *measure.Report
}

// New returns a load that has changed nothing yet.
func New(client kubernetes.Interface, spec Spec) *Load {
	l := &Load{spec: spec, client: client, started: make(chan struct{})}
	l.logs = func(ctx context.Context, pod string) (io.ReadCloser, error) {
		return client.CoreV1().Pods(spec.Namespace).GetLogs(pod, &corev1.PodLogOptions{
			Container: container, Follow: true}).Stream(ctx)
	}
	return l
}

// Started is closed when the load has begun.
func (l *Load) Started() <-chan struct{} { return l.started }

// Began returns when the load began, on the clock of this machine.
func (l *Load) Began() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.began
}

// Counts returns how many requests have ended so far, and how many of them were lost.
func (l *Load) Counts() (requests, lost int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last.Requests, l.last.Lost
}

// Report returns the report of a load that has ended. ended is why, unless a limit of the load did.
func (l *Load) Report(ended string) *measure.Report {
	if l.report.Ended == "interrupted" { // by the deletion of the Job
		l.report.Ended = ended
	}
	return l.report
}

// endLimit bounds the time from the deletion of the Job until the report has arrived: that of the
// garbage collector, the requests in flight and the log.
const endLimit = time.Minute

// Run creates the Job, and returns when its report has arrived. It deletes the Job when ctx is done,
// and in any case before it returns.
func (l *Load) Run(ctx context.Context) (err error) {
	job, err := l.create(ctx)
	if err != nil {
		return err
	}
	remove := sync.OnceValue(func() error { return l.remove(ctx, job.Name) })
	defer func() { err = errors.Join(err, remove()) }()
	// The log goes on after ctx is done, as the report comes last.
	reading, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() {
		_ = remove() // its error is returned at the end
		time.AfterFunc(endLimit, stop)
	})()
	pod, err := l.awaitPod(ctx, job.Name)
	if err != nil {
		return err
	}
	log, err := l.logs(reading, pod)
	if err != nil {
		return fmt.Errorf("read the log of pod %s: %w", pod, err)
	}
	defer log.Close()
	other, err := readEvents(log, l.see)
	switch {
	case l.report != nil:
		return nil
	case other != "":
		return fmt.Errorf("the load in pod %s: %s", pod, other)
	case err != nil:
		return fmt.Errorf("read the log of pod %s: %w", pod, err)
	}
	return fmt.Errorf("the log of pod %s ended without a report", pod)
}

func (l *Load) see(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.Began && l.began.IsZero() {
		l.began = time.Now()
		close(l.started)
	}
	if e.Report != nil {
		l.report = e.Report
	} else {
		l.last = e
	}
}

// create creates the Job and its Secret.
func (l *Load) create(ctx context.Context) (*batchv1.Job, error) {
	name := fmt.Sprintf("lameduck-measure-%06x", rand.IntN(1<<24))
	job, err := l.client.BatchV1().Jobs(l.spec.Namespace).Create(ctx, l.spec.job(name), metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("create the Job %s: %w", name, err)
	}
	if !l.spec.hasSecret() {
		return job, nil
	}
	// The pod starts when the Secret exists.
	_, err = l.client.CoreV1().Secrets(l.spec.Namespace).Create(ctx, l.spec.secret(job), metav1.CreateOptions{})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("create the Secret %s: %w", name, err), l.remove(ctx, name))
	}
	return job, nil
}

// removeLimit bounds a deletion, which is also made after Ctrl-C.
const removeLimit = 20 * time.Second

// remove deletes the Job, and with it its pod and its Secret.
func (l *Load) remove(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeLimit)
	defer cancel()
	err := l.client.BatchV1().Jobs(l.spec.Namespace).Delete(ctx, name, metav1.DeleteOptions{
		PropagationPolicy: new(metav1.DeletePropagationBackground)})
	if err == nil || apierrors.IsNotFound(err) {
		return nil
	}
	return fmt.Errorf("delete the Job %s: %w; do it with: kubectl -n %s delete job %s", name, err, l.spec.Namespace, name)
}

// awaitPod returns the name of the pod when its container has started.
func (l *Load) awaitPod(ctx context.Context, job string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	reason := "it has no pod: kubectl -n " + l.spec.Namespace + " describe job " + job
	for ctx.Err() == nil {
		w, err := l.client.CoreV1().Pods(l.spec.Namespace).Watch(ctx, metav1.ListOptions{
			LabelSelector: batchv1.JobNameLabel + "=" + job})
		if err != nil && ctx.Err() == nil {
			return "", fmt.Errorf("watch the pod of the Job %s: %w", job, err)
		}
		if err == nil {
			name, err := seePods(ctx, w, &reason)
			if name != "" || err != nil {
				return name, err
			}
		}
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return "", fmt.Errorf("the Job %s has not started within %v: %s", job, startLimit, reason)
	}
	return "", errors.New("interrupted before the load began")
}

// seePods returns the name of a pod that has started, or "" at the end of the watch. It sets why a
// pod has not.
func seePods(ctx context.Context, w watch.Interface, reason *string) (string, error) {
	defer w.Stop()
	for {
		select {
		case <-ctx.Done():
			return "", nil
		case e, more := <-w.ResultChan():
			p, ok := e.Object.(*corev1.Pod)
			switch {
			case !more:
				return "", nil
			case !ok:
			case p.Status.Phase != corev1.PodPending && p.Status.Phase != "":
				return p.Name, nil
			default:
				why, hopeless := waitingFor(p)
				if hopeless {
					return "", fmt.Errorf("pod %s does not start: %s", p.Name, why)
				}
				*reason = why
			}
		}
	}
}
