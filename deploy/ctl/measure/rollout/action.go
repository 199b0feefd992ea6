package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lameduck/lifecycle/plural"
)

// The kinds of actions.
const (
	Restart    = "restart"     // replace all pods, like `kubectl rollout restart`
	DeletePods = "delete-pods" // delete pods one after the other
	Scale      = "scale"       // to another number of replicas, and back
	Watching   = "watch"       // change nothing
)

// An Action is what ends pods.
type Action struct {
	Kind string
	// N is how many pods DeletePods deletes, or the number of replicas of Scale.
	N int
}

// Describe describes what the action does to a workload.
func (a Action) Describe(w Workload) string {
	switch a.Kind {
	case Restart:
		return fmt.Sprintf("restart all pods of %s in namespace %s", w, w.Namespace)
	case DeletePods:
		return fmt.Sprintf("delete %s of %s in namespace %s%s", plural.Count(a.N, "pod"), w, w.Namespace,
			plural.Pick(a.N, "", ", one after the other"))
	case Scale:
		return fmt.Sprintf("scale %s in namespace %s to %s, and back", w, w.Namespace, plural.Count(a.N, "replica"))
	}
	return fmt.Sprintf("watch %s in namespace %s", w, w.Namespace)
}

// An Operation is an action in progress.
type Operation struct {
	action   Action
	watcher  *Watcher
	now      func() time.Time
	began    time.Time // zero before it has changed anything
	deleted  []string
	scaled   bool // away from the original number of replicas
	complete bool
}

// NewOperation returns an operation that has not begun.
func NewOperation(x *Watcher, a Action) *Operation {
	return &Operation{action: a, watcher: x, now: time.Now}
}

// Check returns an error if the action would not end pods.
func (o *Operation) Check(ctx context.Context) error {
	w := o.watcher.workload
	s, err := w.get(ctx, o.watcher.client)
	switch {
	case err != nil:
		return fmt.Errorf("get %s: %w", w, err)
	case o.action.Kind == Watching:
		return nil
	case s.replicas == 0:
		return fmt.Errorf("%s has no replicas: there is nothing to measure", w)
	case o.action.Kind == Restart && s.paused:
		return fmt.Errorf("%s is paused: a restart would not replace its pods (kubectl rollout resume)", w)
	case o.action.Kind == Restart && s.onDelete:
		return fmt.Errorf("%s has the update strategy OnDelete: use --delete-pod %d", w, s.replicas)
	case o.action.Kind == DeletePods && (o.action.N < 1 || o.action.N > s.replicas):
		return fmt.Errorf("--delete-pod: must be between 1 and %d, the replicas of %s", s.replicas, w)
	case o.action.Kind == Scale && w.Kind == DaemonSet:
		return fmt.Errorf("--scale: a DaemonSet has no number of replicas")
	case o.action.Kind == Scale && (o.action.N < 0 || o.action.N == s.replicas):
		return fmt.Errorf("--scale: must differ from the current number of replicas, %d", s.replicas)
	}
	return nil
}

// Progress returns how many pods have been replaced, and how many there are to replace.
func (o *Operation) Progress() (gone, total int) {
	x := o.watcher
	x.mu.Lock()
	defer x.mu.Unlock()
	gone, total = x.goneLocked(), x.replicas
	if o.action.Kind == DeletePods {
		total = o.action.N
	}
	return min(gone, total), total
}

// Run performs the action and waits until its pods have been replaced, or ctx is done.
func (o *Operation) Run(ctx context.Context) error {
	err := o.run(ctx)
	o.complete = err == nil
	if err != nil && ctx.Err() != nil {
		return nil //nolint:nilerr // an interruption: the report says that it is not complete
	}
	return err
}

func (o *Operation) run(ctx context.Context) error {
	x, w := o.watcher, o.watcher.workload
	switch o.action.Kind {
	case Restart:
		o.began = o.now()
		if err := w.restart(ctx, x.client, o.began); err != nil {
			return fmt.Errorf("restart %s: %w", w, err)
		}
		return x.wait(ctx, func() bool { return x.replacedLocked() && x.readyLocked() >= x.replicas })
	case DeletePods:
		return o.deletePods(ctx)
	case Scale:
		return o.scaleAndBack(ctx)
	}
	// Somebody else ends pods: wait for the first to end, and until the last has ended.
	if err := x.wait(ctx, func() bool { return x.terminatingLocked() > 0 || x.goneLocked() > 0 }); err != nil {
		return err
	}
	return x.wait(ctx, func() bool {
		return x.terminatingLocked() == 0 && x.readyLocked() >= x.replicas && x.replacedLocked()
	})
}

func (o *Operation) deletePods(ctx context.Context) error {
	x := o.watcher
	names := x.oldPods()
	if len(names) < o.action.N {
		return fmt.Errorf("%s has only %s", x.workload, plural.Count(len(names), "pod"))
	}
	o.began = o.now()
	for _, name := range names[:o.action.N] {
		err := x.client.CoreV1().Pods(x.workload.Namespace).Delete(ctx, name, metav1.DeleteOptions{})
		if err != nil {
			return fmt.Errorf("delete pod %s: %w", name, err)
		}
		o.deleted = append(o.deleted, name)
		n := len(o.deleted)
		settled := func() bool { return x.goneLocked() >= n && x.readyLocked() >= x.replicas }
		if err := x.wait(ctx, settled); err != nil {
			return err
		}
	}
	return nil
}

func (o *Operation) scaleAndBack(ctx context.Context) error {
	x, w := o.watcher, o.watcher.workload
	o.began, o.scaled = o.now(), true
	if err := w.scale(ctx, x.client, o.action.N); err != nil {
		return fmt.Errorf("scale %s: %w", w, err)
	}
	has := func(n int) func() bool {
		return func() bool { return x.readyLocked() == n && x.terminatingLocked() == 0 }
	}
	if err := x.wait(ctx, has(o.action.N)); err != nil {
		return err
	}
	if err := o.scaleBack(ctx); err != nil {
		return err
	}
	return x.wait(ctx, has(x.replicas))
}

func (o *Operation) scaleBack(ctx context.Context) error {
	x, w := o.watcher, o.watcher.workload
	if err := w.scale(ctx, x.client, x.replicas); err != nil {
		return fmt.Errorf("scale %s back to %s: %w", w, plural.Count(x.replicas, "replica"), err)
	}
	o.scaled = false
	return nil
}

// undoTimeout bounds an undo, which is made after Ctrl-C.
const undoTimeout = 20 * time.Second

// Undo restores the number of replicas, and returns what was done to the cluster and how to undo the
// rest. It returns nothing if the operation is complete or has changed nothing.
func (o *Operation) Undo(ctx context.Context) ([]string, error) {
	w := o.watcher.workload
	if o.scaled {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
		defer cancel()
		if err := o.scaleBack(ctx); err != nil {
			return nil, fmt.Errorf("%w; do it with: kubectl -n %s scale %s --replicas=%d", err, w.Namespace, w,
				o.watcher.replicas)
		}
		return []string{fmt.Sprintf("%s was scaled back to %s.", w, plural.Count(o.watcher.replicas, "replica"))}, nil
	}
	switch {
	case o.complete || o.began.IsZero():
		return nil, nil
	case o.action.Kind == Restart:
		return []string{fmt.Sprintf("The restart of %s continues by itself. "+
			"To end it: kubectl -n %s rollout undo %s", w, w.Namespace, w)}, nil
	case o.action.Kind == DeletePods:
		return []string{fmt.Sprintf("%s of %s %s deleted. Its controller replaces deleted pods, so there is nothing "+
			"to undo.", plural.Count(len(o.deleted), "pod"), w, plural.Pick(len(o.deleted), "was", "were"))}, nil
	}
	return nil, nil
}

// oldPods returns the names of the pods that were there at the start and are not terminating.
func (x *Watcher) oldPods() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	var names []string
	for _, p := range x.pods {
		if p.old && p.t0.IsZero() && p.gone.IsZero() {
			names = append(names, p.name)
		}
	}
	slices.Sort(names)
	return names
}

// wait returns when done, which it calls with mu held, reports true, or when ctx is done.
func (x *Watcher) wait(ctx context.Context, done func() bool) error {
	for {
		x.mu.Lock()
		changed, ok := x.changed, done()
		x.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx))
		}
	}
}

// replacedLocked reports whether every pod of the start is gone.
func (x *Watcher) replacedLocked() bool {
	for _, p := range x.pods {
		if p.old && p.gone.IsZero() {
			return false
		}
	}
	return true
}

func (x *Watcher) countLocked(is func(*pod) bool) int {
	n := 0
	for _, p := range x.pods {
		if is(p) {
			n++
		}
	}
	return n
}

// readyLocked returns how many pods are ready and not terminating.
func (x *Watcher) readyLocked() int {
	return x.countLocked(func(p *pod) bool { return p.isReady && p.t0.IsZero() && p.gone.IsZero() })
}

func (x *Watcher) terminatingLocked() int {
	return x.countLocked(func(p *pod) bool { return !p.t0.IsZero() && p.gone.IsZero() })
}

func (x *Watcher) goneLocked() int {
	return x.countLocked(func(p *pod) bool { return !p.gone.IsZero() })
}
