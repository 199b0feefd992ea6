package mode

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Around has the known objects that affect the pods of a namespace. All of it is read-only.
type Around struct {
	Namespace   string            // its name; empty in manifests without one
	Labels      map[string]string // of the namespace; nil if unknown
	Annotations map[string]string // of the namespace; nil if unknown

	Services []*corev1.Service // of the namespace, or of one that may be it
	Policies []*networkingv1.NetworkPolicy
	Others   []Policy // of other kinds

	// AllowRedirect reports whether namespaces without RedirectLabel admit NET_ADMIN, unless their Pod
	// Security level forbids it.
	AllowRedirect bool

	// OpenShift reports whether the cluster is known to be OpenShift, whose namespaces assign user ids.
	OpenShift bool

	// Unknown is the reason why some of these are unknown. It is empty if all are known.
	Unknown string

	// These are empty if they are unknown. The mode does not depend on them.
	Ingresses   []*networkingv1.Ingress // of the namespace
	LimitRanges []*corev1.LimitRange    // of the namespace
	Quotas      []*corev1.ResourceQuota // of the namespace
}

// Name returns the name of the namespace. It is empty if nothing is known.
func (a *Around) Name() string {
	if a == nil {
		return ""
	}
	return a.Namespace
}

// MayBe reports whether an object of a namespace may be in that of the pods. Manifests without one
// are applied to any.
func (a *Around) MayBe(namespace string) bool {
	return namespace == a.Namespace || namespace == "" || a.Namespace == ""
}

// annotation returns an annotation of the namespace.
func (a *Around) annotation(name string) (value string, is bool) {
	if a == nil {
		return "", false
	}
	value, is = a.Annotations[name]
	return value, is
}

// obstacles returns why the ports of a pod cannot move: references by number, and unknown objects.
func (a *Around) obstacles(p Pod) obstacles {
	switch {
	case a == nil:
		return obstacles{{"its Services and NetworkPolicies are unknown", ""}}
	case a.Unknown != "":
		return obstacles{{a.Unknown, ""}}
	}
	found := a.serviceObstacles(p)
	found = append(found, a.policyObstacles(p)...)
	found = append(found, a.otherObstacles(p)...)
	return append(found, a.meshObstacles(p)...)
}

// refusesRedirect returns what has to change before a pod may have the init container of mode
// redirect, or an empty string. A pod that the API server refuses would be an outage, so the
// permission is never guessed.
func (a *Around) refusesRedirect(p Pod) string {
	switch {
	case p.Template.Spec.HostNetwork:
		return "do without hostNetwork"
	case a == nil:
		return "allow it with the label " + RedirectLabel + "=" + Allowed + " on the namespace"
	}
	if why := a.ForbidsRedirect(); why != "" {
		return "the namespace would have to admit NET_ADMIN, and it " + why
	}
	if !a.allowsRedirect() {
		return "allow it with the label " + RedirectLabel + "=" + Allowed + " on the namespace"
	}
	if name := a.Mesh(p.Template); name != "" {
		return "do without " + name + ", which has rules at the same hook"
	}
	return ""
}

// allowsRedirect reports whether the namespace is known to admit NET_ADMIN.
func (a *Around) allowsRedirect() bool {
	value, labelled := a.Labels[RedirectLabel]
	return value == Allowed || !labelled && a.Labels != nil && a.AllowRedirect
}

// ForbidsRedirect returns why the namespace does not admit NET_ADMIN, or an empty string.
func (a *Around) ForbidsRedirect() string {
	if a == nil {
		return ""
	}
	switch level := a.Labels[enforceLabel]; level {
	case "baseline", "restricted":
		return "enforces the Pod Security level " + level
	}
	if a.Labels[RedirectLabel] == Refused {
		return "has the label " + RedirectLabel + "=" + Refused
	}
	return ""
}

// labels returns the labels of a pod.
func (p Pod) labels() labels.Set { return p.Template.Labels }
