package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"lameduck/deploy/ctl/mode"
)

// Around returns what surrounds the pods of a namespace, which need not exist. What the caller may
// not read is unknown, and unread has a reason for each of these.
func (c *Client) Around(ctx context.Context, namespace string) (a *mode.Around, unread []string, err error) {
	r := new(reader)
	a = &mode.Around{Namespace: namespace}
	a.Labels, a.Annotations = c.namespace(ctx, r, namespace)
	a.Services = read[*corev1.Service](r, "Services", func(o metav1.ListOptions) (runtime.Object, error) {
		return c.CoreV1().Services(namespace).List(ctx, o)
	})
	a.Policies = read[*networkingv1.NetworkPolicy](r, "NetworkPolicies of all namespaces",
		func(o metav1.ListOptions) (runtime.Object, error) {
			return c.NetworkingV1().NetworkPolicies(metav1.NamespaceAll).List(ctx, o)
		})
	a.Others = c.otherPolicies(ctx, r)
	a.Unknown = strings.Join(r.unread, ", ")

	a.Ingresses = read[*networkingv1.Ingress](r, "Ingresses", func(o metav1.ListOptions) (runtime.Object, error) {
		return c.NetworkingV1().Ingresses(namespace).List(ctx, o)
	})
	a.LimitRanges = read[*corev1.LimitRange](r, "LimitRanges", func(o metav1.ListOptions) (runtime.Object, error) {
		return c.CoreV1().LimitRanges(namespace).List(ctx, o)
	})
	a.Quotas = read[*corev1.ResourceQuota](r, "ResourceQuotas", func(o metav1.ListOptions) (runtime.Object, error) {
		return c.CoreV1().ResourceQuotas(namespace).List(ctx, o)
	})
	return a, r.unread, r.err
}

// A reader collects the failures of requests.
type reader struct {
	unread []string
	err    error // the first one that is no missing right
}

// failed records a failure and reports whether there is one.
func (r *reader) failed(what string, err error) bool {
	switch {
	case err == nil:
		return false
	case apierrors.IsForbidden(err):
		r.unread = append(r.unread, what+" are unknown, as you may not read them")
	case r.err == nil:
		r.err = fmt.Errorf("read %s: %w", what, err)
	}
	return true
}

// read returns the objects of a list.
func read[T any](r *reader, what string, list func(metav1.ListOptions) (runtime.Object, error)) (all []T) {
	if r.err != nil {
		return nil
	}
	found, err := list(metav1.ListOptions{})
	if r.failed(what, err) {
		return nil
	}
	err = meta.EachListItem(found, func(o runtime.Object) error {
		all = append(all, o.(T))
		return nil
	})
	r.failed(what, err)
	return all
}

// namespace returns the labels and annotations of a namespace. Those of one that does not exist are
// empty, and not nil.
func (c *Client) namespace(ctx context.Context, r *reader, name string) (labels, annotations map[string]string) {
	n, err := c.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return map[string]string{}, nil
	}
	if r.failed("namespaces", err) {
		return nil, nil
	}
	if n.Labels == nil {
		n.Labels = map[string]string{}
	}
	return n.Labels, n.Annotations
}

// otherPolicies returns the policies of other kinds that the cluster has, of all namespaces.
func (c *Client) otherPolicies(ctx context.Context, r *reader) (all []mode.Policy) {
	if r.err != nil {
		return nil
	}
	kinds, err := PolicyResources(c.Discovery())
	if r.failed("the kinds of policies", err) {
		return nil
	}
	ids := SortedPolicyResources(kinds)
	forbidden := make(map[schema.GroupVersionResource]error)
	for _, id := range ids {
		objects := read[*unstructured.Unstructured](r, id.GroupResource().String(),
			func(o metav1.ListOptions) (runtime.Object, error) {
				found, err := c.Dynamic.Resource(id).List(ctx, o)
				if apierrors.IsForbidden(err) { // a copy may not be
					forbidden[id] = err
					return &unstructured.UnstructuredList{}, nil
				}
				return found, err
			})
		for _, o := range objects {
			all = append(all, mode.NewPolicy(kinds[id].Kind, o.GetNamespace(), o.GetName(), o.Object))
		}
	}
	for _, id := range ids {
		isRead := func(other schema.GroupVersionResource) bool { return AreCopies(id, other) && forbidden[other] == nil }
		if err := forbidden[id]; err != nil && !slices.ContainsFunc(ids, isRead) {
			r.failed(id.GroupResource().String(), err)
		}
	}
	return all
}
