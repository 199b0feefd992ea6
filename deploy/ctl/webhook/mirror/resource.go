package mirror

import (
	"context"
	"sync/atomic"

	"github.com/go-logr/logr"
	"go.uber.org/zap"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
)

// A resource is the copy of all objects of a resource.
type resource struct {
	id         schema.GroupVersionResource
	store      cache.Indexer
	controller cache.Controller
	log        *zap.Logger
	readable   atomic.Bool // the latest list or watch has succeeded
	failing    atomic.Bool // and this has been logged
	stopped    chan struct{}
}

// trim returns the part of an object that a Mirror needs.
type trim = cache.TransformFunc

func newResource(client dynamic.Interface, id schema.GroupVersionResource, trim trim, log *zap.Logger) *resource {
	r := &resource{id: id, log: log, stopped: make(chan struct{})}
	silent := logr.Discard()
	store, controller := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: listWatch{r.listWatch(client.Resource(id))},
		ObjectType:    &unstructured.Unstructured{},
		Handler:       cache.ResourceEventHandlerFuncs{},
		Indexers:      cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc},
		Transform:     trim,
		Logger:        &silent, // failures are logged here
	})
	r.store, r.controller = store.(cache.Indexer), controller
	return r
}

// listWatch begins with a list. A watch that begins with all objects would save memory in the API
// server only for large lists, and can fail in other ways.
type listWatch struct{ *cache.ListWatch }

func (listWatch) IsWatchListSemanticsUnSupported() bool { return true }

func (r *resource) listWatch(client dynamic.ResourceInterface) *cache.ListWatch {
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			found, err := client.List(ctx, o)
			r.note(ctx, err)
			return found, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			w, err := client.Watch(ctx, o)
			r.note(ctx, err)
			return w, err
		},
	}
}

// note records whether a request has succeeded.
func (r *resource) note(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	r.readable.Store(err == nil)
	if failing := err != nil; r.failing.Swap(failing) != failing {
		if failing {
			r.log.Warn("resource cannot be read; retrying", zap.Stringer("resource", r.id), zap.Error(err))
		} else {
			r.log.Info("resource can be read again", zap.Stringer("resource", r.id))
		}
	}
}

// run keeps the copy current until ctx is done or stop is called.
func (r *resource) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-r.stopped:
			cancel()
		case <-ctx.Done():
		}
	}()
	r.controller.RunWithContext(ctx)
}

func (r *resource) stop() { close(r.stopped) }

// current reports whether the copy is complete and follows the changes.
func (r *resource) current() bool { return r.readable.Load() && r.controller.HasSynced() }

func get[T any](r *resource, key string) (found T, is bool) {
	o, exists, err := r.store.GetByKey(key)
	if err != nil || !exists {
		return found, false
	}
	found, is = o.(T)
	return found, is
}

func list[T any](r *resource) []T { return typed[T](r.store.List()) }

func inNamespace[T any](r *resource, namespace string) []T {
	objects, err := r.store.ByIndex(cache.NamespaceIndex, namespace)
	if err != nil {
		return nil // there is such an index
	}
	return typed[T](objects)
}

func typed[T any](objects []any) []T {
	var all []T
	for _, o := range objects {
		if o, is := o.(T); is {
			all = append(all, o)
		}
	}
	return all
}
