package rollout

import (
	"context"
	"fmt"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// A Right is a permission in a namespace.
type Right struct {
	Verb, Group, Resource, Subresource string
	Name                               string // of the only object, or empty for all
}

func (r Right) String() string {
	s := r.Verb + " " + r.Resource
	if r.Subresource != "" {
		s += "/" + r.Subresource
	}
	if r.Group != "" {
		s += "." + r.Group
	}
	if r.Name != "" {
		s += " " + r.Name
	}
	return s
}

// Rights returns what a measurement with an action needs.
func (w Workload) Rights(a Action) []Right {
	rights := []Right{
		{"get", "apps", w.resource(), "", w.Name},
		{"list", "", "pods", "", ""}, {"watch", "", "pods", "", ""},
		{"list", "discovery.k8s.io", "endpointslices", "", ""},
		{"watch", "discovery.k8s.io", "endpointslices", "", ""},
	}
	switch a.Kind {
	case Restart:
		rights = append(rights, Right{"patch", "apps", w.resource(), "", w.Name})
	case DeletePods:
		rights = append(rights, Right{"delete", "", "pods", "", ""})
	case Scale:
		rights = append(rights, Right{"patch", "apps", w.resource(), "scale", w.Name})
	}
	return rights
}

// A MissingError names all rights that are missing.
type MissingError struct {
	Namespace string
	Rights    []Right
}

func (e *MissingError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "you may not, in namespace %s:", e.Namespace)
	for _, r := range e.Rights {
		fmt.Fprintf(&b, "\n  %v", r)
	}
	b.WriteString("\nask for a Role with these rights; nothing was changed")
	return b.String()
}

// CheckRights returns a *MissingError if the user of the client lacks any of the rights.
func (w Workload) CheckRights(ctx context.Context, client kubernetes.Interface, a Action) error {
	return CheckRights(ctx, client, w.Namespace, w.Rights(a))
}

// CheckRights returns a *MissingError if the user of the client lacks any of the rights in a
// namespace.
func CheckRights(ctx context.Context, client kubernetes.Interface, namespace string, rights []Right) error {
	missing := &MissingError{Namespace: namespace}
	for _, r := range rights {
		review := &authorizationv1.SelfSubjectAccessReview{
			Spec: authorizationv1.SelfSubjectAccessReviewSpec{
				ResourceAttributes: &authorizationv1.ResourceAttributes{
					Namespace: namespace, Verb: r.Verb, Group: r.Group, Resource: r.Resource,
					Subresource: r.Subresource, Name: r.Name,
				},
			},
		}
		answer, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review,
			metav1.CreateOptions{})
		if err != nil {
			return fmt.Errorf("ask the API server whether you may %v: %w", r, err)
		}
		if !answer.Status.Allowed {
			missing.Rights = append(missing.Rights, r)
		}
	}
	if len(missing.Rights) > 0 {
		return missing
	}
	return nil
}
