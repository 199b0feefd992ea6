package main

import (
	"cmp"
	"context"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/manifest"
	"lameduck/deploy/ctl/mode"
)

// surroundings are the objects of the manifests and of a cluster that determine how clients reach
// pods and what their namespaces require.
type surroundings struct {
	home string // the namespace of manifests without one; empty without a cluster

	namespaces map[string]*corev1.Namespace
	services   []*corev1.Service
	policies   []*networkingv1.NetworkPolicy
	others     []mode.Policy
	ingresses  []*networkingv1.Ingress
	ranges     []*corev1.LimitRange
	quotas     []*corev1.ResourceQuota

	openShift bool // there is an object of a kind that only OpenShift has

	cluster map[string]*mode.Around // by namespace; empty without a cluster
}

// readSurroundings reads the surroundings in manifests.
func readSurroundings(files []*manifest.File, home string) (*surroundings, error) {
	s := &surroundings{home: home, namespaces: make(map[string]*corev1.Namespace)}
	for _, f := range files {
		for _, o := range f.Objects() {
			if err := s.add(o); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

// readCluster adds the surroundings in a cluster. It returns the reasons for what it cannot read.
func (s *surroundings) readCluster(
	ctx context.Context, files []*manifest.File,
	read func(ctx context.Context, namespace string) (*mode.Around, []string, error),
) (unread []string, err error) {
	s.cluster = make(map[string]*mode.Around)
	for _, f := range files {
		for _, o := range f.Objects() {
			namespace := s.namespace(o.Namespace)
			if w, err := o.Workload(); err != nil || w == nil || s.cluster[namespace] != nil {
				continue
			}
			around, missing, err := read(ctx, namespace)
			if err != nil {
				return nil, err
			}
			s.cluster[namespace] = around
			unread = append(unread, missing...)
		}
	}
	slices.Sort(unread)
	return slices.Compact(unread), nil
}

// namespace returns the namespace of an object.
func (s *surroundings) namespace(own string) string { return cmp.Or(own, s.home) }

func (s *surroundings) add(o *manifest.Object) error {
	s.openShift = s.openShift || isOpenShift(o)
	switch o.APIVersion + " " + o.Kind {
	case "v1 Service":
		return decodeInto(s, o, &s.services)
	case "networking.k8s.io/v1 NetworkPolicy":
		return decodeInto(s, o, &s.policies)
	case "networking.k8s.io/v1 Ingress":
		return decodeInto(s, o, &s.ingresses)
	case "v1 LimitRange":
		return decodeInto(s, o, &s.ranges)
	case "v1 ResourceQuota":
		return decodeInto(s, o, &s.quotas)
	case "v1 Namespace":
		namespace := new(corev1.Namespace)
		s.namespaces[o.Name] = namespace
		return o.Decode("", namespace)
	}
	if group, _, _ := strings.Cut(o.APIVersion, "/"); mode.IsPolicy(group, o.Kind) {
		var object map[string]any
		err := o.Decode("", &object)
		s.others = append(s.others, mode.NewPolicy(o.Kind, o.Namespace, o.Name, object))
		return err
	}
	return nil
}

// isOpenShift reports whether only OpenShift has the kind of an object.
func isOpenShift(o *manifest.Object) bool {
	group, _, _ := strings.Cut(o.APIVersion, "/")
	return group == "openshift.io" || strings.HasSuffix(group, ".openshift.io") || o.Kind == "DeploymentConfig"
}

// decodeInto appends an object to a list.
func decodeInto[T any, P interface {
	*T
	metav1.Object
}](s *surroundings, o *manifest.Object, list *[]P) error {
	into := P(new(T))
	err := o.Decode("", into)
	into.SetNamespace(s.namespace(o.Namespace))
	*list = append(*list, into)
	return err
}

// around returns what surrounds the pods of a namespace. An object of the manifests replaces the one
// of the cluster.
func (s *surroundings) around(namespace string) *mode.Around {
	a := &mode.Around{Namespace: s.namespace(namespace)}
	if c := s.cluster[a.Namespace]; c != nil {
		*a = *c
	}
	a.OpenShift = a.OpenShift || s.openShift
	a.Services = overlay(a.Services, perhapsWithin(s.services, a))
	a.Policies = overlay(a.Policies, s.policies)
	a.Ingresses = overlay(a.Ingresses, perhapsWithin(s.ingresses, a))
	a.LimitRanges = overlay(a.LimitRanges, within(s.ranges, a.Namespace))
	a.Quotas = overlay(a.Quotas, within(s.quotas, a.Namespace))
	a.Others = slices.Concat(slices.DeleteFunc(slices.Clone(a.Others), s.replaces), s.others)
	if n := s.namespaces[a.Namespace]; n != nil {
		a.Annotations = n.Annotations
		if a.Labels = n.Labels; a.Labels == nil {
			a.Labels = map[string]string{}
		}
	}
	return a
}

// replaces reports whether the manifests have a policy of the cluster.
func (s *surroundings) replaces(old mode.Policy) bool {
	return slices.ContainsFunc(s.others, func(p mode.Policy) bool {
		namespace := p.Namespace
		if old.Namespace != "" {
			namespace = s.namespace(namespace)
		}
		return p.Kind == old.Kind && p.Name == old.Name && namespace == old.Namespace
	})
}

// within returns the objects of a namespace.
func within[T metav1.Object](all []T, namespace string) []T {
	return slices.DeleteFunc(slices.Clone(all), func(o T) bool { return o.GetNamespace() != namespace })
}

// perhapsWithin returns the objects that may be in the namespace of pods. A chart may name its
// namespace in some of its objects only.
func perhapsWithin[T metav1.Object](all []T, a *mode.Around) []T {
	return slices.DeleteFunc(slices.Clone(all), func(o T) bool { return !a.MayBe(o.GetNamespace()) })
}

// overlay returns the objects of two lists. Those of the second list replace those of the first.
func overlay[T metav1.Object](old, replacing []T) []T {
	replaced := func(o T) bool {
		return slices.ContainsFunc(replacing, func(r T) bool {
			return r.GetNamespace() == o.GetNamespace() && r.GetName() == o.GetName()
		})
	}
	return slices.Concat(slices.DeleteFunc(slices.Clone(old), replaced), replacing)
}

// notes returns the notes of a plan for a workload.
func (s *surroundings) notes(w *manifest.Workload, p inject.Plan) []inject.Note {
	a := s.around(w.Namespace)
	return p.ForServices(w.Template.Labels, a.Services).
		ForPolicies(w.Template.Labels, perhapsWithin(a.Policies, a)).Notes
}
