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

// A list is a resource of which everything is listed.
type list struct {
	api, resource string // as in apis/apps/v1 and deployments
	namespaced    bool
}

// lists are all that is asked for: reads of a resource, and no more.
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
	{"apis/networking.k8s.io/v1", "networkpolicies", true},
	{"apis/policy/v1", "poddisruptionbudgets", true},
	{"apis/autoscaling/v2", "horizontalpodautoscalers", true},
	{"api/v1", "namespaces", false},
	{"api/v1", "nodes", false},
	{"apis/admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations", false},
	{"apis/admissionregistration.k8s.io/v1", "validatingwebhookconfigurations", false},
}

// pageSize is how many objects are listed at a time: what an API server reads at once is bounded so, and 500 is what kubectl asks for.
const pageSize = 500

// ReadCluster adds what is in a namespace of a cluster, or in all of them where it is empty, and what is in none. It gets and lists, and
// nothing else. What it may not list is noted, and is a finding.
func (in *Inventory) ReadCluster(ctx context.Context, config *rest.Config, namespace string) error {
	client, err := newClient(config)
	if err != nil {
		return err
	}
	in.cluster = true
	answers := make([]answer, len(lists))
	var wg sync.WaitGroup
	for i, l := range lists {
		wg.Go(func() { answers[i] = l.all(ctx, client, namespace) })
	}
	wg.Wait()
	for i, a := range answers {
		if err := in.take(lists[i], a); err != nil {
			return err
		}
	}
	return nil
}

// newClient talks protobuf, which is a third of JSON to read, and is not throttled by itself: there are a few requests for each list.
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

// An answer is what a list has brought.
type answer struct {
	objects []runtime.Object
	err     error
}

// all lists page by page. A list that has expired meanwhile is begun again, in one piece.
func (l list) all(ctx context.Context, client rest.Interface, namespace string) answer {
	options := metav1.ListOptions{Limit: pageSize}
	var objects []runtime.Object
	for {
		page, err := l.page(ctx, client, namespace, options)
		if apierrors.IsResourceExpired(err) && options.Limit != 0 {
			options, objects = metav1.ListOptions{}, nil
			continue
		}
		if err != nil {
			return answer{err: err}
		}
		if err := meta.EachListItem(page, func(o runtime.Object) error { objects = append(objects, o); return nil }); err != nil {
			return answer{err: err}
		}
		m, err := meta.ListAccessor(page)
		if err != nil || m.GetContinue() == "" {
			return answer{objects, err}
		}
		options.Continue = m.GetContinue()
	}
}

func (l list) page(ctx context.Context, client rest.Interface, namespace string, options metav1.ListOptions) (runtime.Object, error) {
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

// take adds what a list has brought. What one may not see, or what the cluster does not have, is a gap; anything else is an error.
func (in *Inventory) take(l list, a answer) error {
	switch {
	case apierrors.IsForbidden(a.err):
		in.gaps = append(in.gaps, gap{resource: l.resource, why: "the cluster does not let you list them",
			fix: "lint with a role that may get and list them; the ClusterRole view has those of namespaces"})
	case apierrors.IsNotFound(a.err):
		in.gaps = append(in.gaps, gap{resource: l.resource, why: "the cluster does not have " + l.api, fix: "upgrade to a release of Kubernetes that is supported"})
	case a.err != nil:
		return fmt.Errorf("list %s: %w", l.resource, explained(a.err))
	}
	for _, o := range a.objects {
		in.Add(o, nil)
	}
	return nil
}

// explained adds what to do about an error that is common.
func explained(err error) error {
	switch {
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("%w: the credentials in the kubeconfig are not valid, or have expired", err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: the API server did not answer in time", err)
	}
	return err
}
