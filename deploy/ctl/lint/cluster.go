package lint

import (
	"context"
	"errors"
	"fmt"
	"path"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
)

// A list is a resource whose objects are listed.
type list struct {
	api, resource string // such as apis/apps/v1 and deployments
	namespaced    bool
}

// policyResource is the resource of NetworkPolicies.
const policyResource = "networkpolicies"

// lists are the requests to every cluster. Policies of other kinds are listed too where the cluster
// has these kinds.
var lists = []list{
	{"apis/apps/v1", "deployments", true},
	{"apis/apps/v1", "statefulsets", true},
	{"apis/apps/v1", "daemonsets", true},
	{"apis/apps/v1", "replicasets", true},
	{"api/v1", "replicationcontrollers", true},
	{"apis/batch/v1", "jobs", true},
	{"apis/batch/v1", "cronjobs", true},
	{"api/v1", "pods", true},
	{"api/v1", "services", true},
	{"api/v1", "persistentvolumeclaims", true},
	{"api/v1", "limitranges", true},
	{"api/v1", "resourcequotas", true},
	{"apis/networking.k8s.io/v1", policyResource, true},
	{"apis/networking.k8s.io/v1", "ingresses", true},
	{"apis/policy/v1", "poddisruptionbudgets", true},
	{"apis/autoscaling/v2", "horizontalpodautoscalers", true},
	{"api/v1", "namespaces", false},
	{"api/v1", "nodes", false},
	{"apis/admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations", false},
	{"apis/admissionregistration.k8s.io/v1", "validatingwebhookconfigurations", false},
}

// pageSize is the number of objects in one response, to limit the load of the API server. kubectl
// uses 500.
const pageSize = 500

// ReadCluster adds the objects of a namespace of a cluster, or of all namespaces if it is empty,
// and the cluster-scoped objects. It only gets and lists. A resource that it may not list becomes a
// finding.
func (in *Inventory) ReadCluster(ctx context.Context, config *rest.Config, namespace string) error {
	client, err := newClient(config)
	if err != nil {
		return err
	}
	others, err := newOtherPolicies(ctx, config, namespace)
	if err != nil {
		return err
	}
	in.cluster = true
	answers := make([]answer, len(lists))
	var wg sync.WaitGroup
	wg.Go(func() { others.read(ctx) })
	for i, l := range lists {
		wg.Go(func() {
			answers[i] = readPages(func(options metav1.ListOptions) (runtime.Object, error) {
				return l.page(ctx, client, namespace, options)
			})
		})
	}
	wg.Wait()
	for i, a := range answers {
		if err := in.take(lists[i], a); err != nil {
			return err
		}
	}
	return in.takeOthers(others)
}

// newClient returns a client that uses protobuf, which takes a third of the time of JSON, and does
// not throttle itself, as there are only a few requests for each list.
func newClient(config *rest.Config) (*rest.RESTClient, error) {
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = 200, 400
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	config.NegotiatedSerializer = serializer.NewCodecFactory(newScheme()).WithoutConversion()
	client, err := rest.UnversionedRESTClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	return client, nil
}

// An answer has the objects of a list.
type answer struct {
	objects []runtime.Object
	err     error
}

// readPages lists a resource page by page. If the list expires meanwhile, it lists the resource at
// once.
func readPages(get func(metav1.ListOptions) (runtime.Object, error)) answer {
	options := metav1.ListOptions{Limit: pageSize}
	var objects []runtime.Object
	for {
		page, err := get(options)
		if apierrors.IsResourceExpired(err) && options.Limit != 0 {
			options, objects = metav1.ListOptions{}, nil
			continue
		}
		if err != nil {
			return answer{err: err}
		}
		collect := func(o runtime.Object) error { objects = append(objects, o); return nil }
		if err := meta.EachListItem(page, collect); err != nil {
			return answer{err: err}
		}
		m, err := meta.ListAccessor(page)
		if err != nil || m.GetContinue() == "" {
			return answer{objects, err}
		}
		options.Continue = m.GetContinue()
	}
}

func (l list) page(
	ctx context.Context, client rest.Interface, namespace string, options metav1.ListOptions,
) (runtime.Object, error) {
	at := path.Join("/", l.api, l.resource)
	if l.namespaced && namespace != "" {
		at = path.Join("/", l.api, "namespaces", namespace, l.resource)
	}
	request := client.Get().AbsPath(at).Param("limit", fmt.Sprint(options.Limit))
	if options.Continue != "" {
		request = request.Param("continue", options.Continue)
	}
	return request.Do(ctx).Get()
}

// take adds the objects of a list. A resource that is forbidden or does not exist is recorded as
// unread.
func (in *Inventory) take(l list, a answer) error {
	switch {
	case apierrors.IsForbidden(a.err):
		in.unread = append(in.unread, unreadResource{
			resource: l.resource, why: "you are not allowed to list them",
			fix: "use a role that may get and list them; the ClusterRole view covers namespaced resources",
		})
	case apierrors.IsNotFound(a.err):
		in.unread = append(in.unread, unreadResource{
			resource: l.resource, why: "the cluster does not have " + l.api,
			fix: "upgrade to a supported release of Kubernetes",
		})
	case a.err != nil:
		return fmt.Errorf("list %s: %w", l.resource, explained(a.err))
	}
	for _, o := range a.objects {
		in.Add(o, nil)
	}
	return nil
}

// isFatal reports whether an error concerns the whole cluster, and not one resource of it.
func isFatal(err error) bool {
	return apierrors.IsUnauthorized(err) || errors.Is(err, context.Canceled) ||
		errors.Is(err, context.DeadlineExceeded)
}

// explained adds an explanation to common errors.
func explained(err error) error {
	switch {
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("%w: the credentials in the kubeconfig are not valid, or have expired", err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: the API server did not answer in time", err)
	}
	return err
}
