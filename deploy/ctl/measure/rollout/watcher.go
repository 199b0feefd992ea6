package rollout

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// A Watcher records what happens to the pods of a workload.
type Watcher struct {
	workload Workload
	client   kubernetes.Interface
	clock    *Clock
	stop     func()
	replicas int // that the workload had at the start

	mu      sync.Mutex
	pods    map[string]*pod            // by UID
	slices  map[string]map[string]bool // EndpointSlice, then pod name: whether it is ready
	started bool                       // the first list has been seen
	changed chan struct{}              // closed and replaced at each change
}

// Watch begins to watch a workload. It returns when it has seen the present pods.
func Watch(ctx context.Context, client kubernetes.Interface, w Workload, clock *Clock) (*Watcher, error) {
	s, err := w.get(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("get %s in namespace %s: %w", w, w.Namespace, err)
	}
	watching, cancel := context.WithCancel(context.WithoutCancel(ctx))
	x := &Watcher{
		workload: w, client: client, clock: clock, replicas: s.replicas, pods: map[string]*pod{},
		slices: map[string]map[string]bool{}, changed: make(chan struct{}),
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(w.Namespace))
	selected := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(w.Namespace),
		informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = s.selector.String() }))
	pods, endpoints := selected.Core().V1().Pods().Informer(), factory.Discovery().V1().EndpointSlices().Informer()
	podHandler, err := pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: x.sawPod, UpdateFunc: func(_, o any) { x.sawPod(o) }, DeleteFunc: x.lostPod,
	})
	sliceHandler, err2 := endpoints.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: x.sawSlice, UpdateFunc: func(_, o any) { x.sawSlice(o) }, DeleteFunc: x.lostSlice,
	})
	if err := errors.Join(err, err2); err != nil {
		cancel()
		return nil, err
	}
	selected.Start(watching.Done())
	factory.Start(watching.Done())
	x.stop = func() { cancel(); selected.Shutdown(); factory.Shutdown() }
	if !cache.WaitForCacheSync(ctx.Done(), podHandler.HasSynced, sliceHandler.HasSynced) {
		x.stop()
		return nil, fmt.Errorf("watch the pods of %s: %w", w, context.Cause(ctx))
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.started = true
	return x, nil
}

// Stop ends the watching.
func (x *Watcher) Stop() { x.stop() }

// Replicas returns how many pods the workload should have had at the start.
func (x *Watcher) Replicas() int { return x.replicas }

// notifyLocked wakes the callers of wait.
func (x *Watcher) notifyLocked() {
	close(x.changed)
	x.changed = make(chan struct{})
}

func (x *Watcher) sawPod(o any) {
	seen, ok := o.(*corev1.Pod)
	if !ok {
		return
	}
	now := time.Now()
	x.mu.Lock()
	defer x.mu.Unlock()
	p := x.pods[string(seen.UID)]
	if p == nil {
		p = &pod{name: seen.Name, old: !x.started}
		x.pods[string(seen.UID)] = p
	}
	p.update(seen, now, x.clock)
	p.route(x.routedLocked(p.name), now)
	x.notifyLocked()
}

func (x *Watcher) lostPod(o any) {
	if unknown, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = unknown.Obj
	}
	seen, ok := o.(*corev1.Pod)
	if !ok {
		return
	}
	now := time.Now()
	x.mu.Lock()
	defer x.mu.Unlock()
	if p := x.pods[string(seen.UID)]; p != nil {
		p.update(seen, now, x.clock)
		p.gone = now
	}
	x.notifyLocked()
}

func (x *Watcher) sawSlice(o any) {
	slice, ok := o.(*discoveryv1.EndpointSlice)
	if !ok {
		return
	}
	ready := map[string]bool{}
	for _, e := range slice.Endpoints {
		if e.TargetRef != nil && e.TargetRef.Kind == "Pod" {
			is := e.Conditions.Ready == nil || *e.Conditions.Ready
			ready[e.TargetRef.Name] = ready[e.TargetRef.Name] || is
		}
	}
	x.setSlice(slice.Name, ready)
}

func (x *Watcher) lostSlice(o any) {
	if unknown, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = unknown.Obj
	}
	if slice, ok := o.(*discoveryv1.EndpointSlice); ok {
		x.setSlice(slice.Name, nil)
	}
}

// setSlice records which pods an EndpointSlice has as ready.
func (x *Watcher) setSlice(name string, ready map[string]bool) {
	now := time.Now()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.slices[name] = ready
	for _, p := range x.pods {
		p.route(x.routedLocked(p.name), now)
	}
	x.notifyLocked()
}

// routedLocked reports whether an EndpointSlice has a pod as ready.
func (x *Watcher) routedLocked(name string) bool {
	for _, ready := range x.slices {
		if ready[name] {
			return true
		}
	}
	return false
}
