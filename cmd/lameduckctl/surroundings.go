package main

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/manifest"
	"lameduck/deploy/ctl/mode"
)

// surroundings are the objects that determine how clients reach pods. The namespace of manifests
// without one is empty.
type surroundings struct {
	namespaces map[string]*corev1.Namespace
	services   map[string][]*corev1.Service // by namespace
	policies   []*networkingv1.NetworkPolicy
	others     []mode.Policy
}

func readSurroundings(files []*manifest.File) (*surroundings, error) {
	s := &surroundings{
		namespaces: make(map[string]*corev1.Namespace), services: make(map[string][]*corev1.Service),
	}
	for _, f := range files {
		for _, o := range f.Objects() {
			if err := s.add(o); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

func (s *surroundings) add(o *manifest.Object) error {
	switch o.APIVersion + " " + o.Kind {
	case "v1 Service":
		service := new(corev1.Service)
		s.services[o.Namespace] = append(s.services[o.Namespace], service)
		return o.Decode("", service)
	case "networking.k8s.io/v1 NetworkPolicy":
		policy := new(networkingv1.NetworkPolicy)
		s.policies = append(s.policies, policy)
		return o.Decode("", policy)
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

// around returns what surrounds the pods of a namespace.
func (s *surroundings) around(namespace string) *mode.Around {
	a := &mode.Around{
		Namespace: namespace, Services: s.services[namespace], Policies: s.policies, Others: s.others,
	}
	if n := s.namespaces[namespace]; n != nil {
		a.Annotations = n.Annotations
		if a.Labels = n.Labels; a.Labels == nil {
			a.Labels = map[string]string{}
		}
	}
	return a
}

// notes returns the notes of a plan for a workload.
func (s *surroundings) notes(w *manifest.Workload, p inject.Plan) []inject.Note {
	var policies []*networkingv1.NetworkPolicy
	for _, policy := range s.policies {
		if policy.Namespace == w.Namespace {
			policies = append(policies, policy)
		}
	}
	return p.ForServices(w.Template.Labels, s.services[w.Namespace]).
		ForPolicies(w.Template.Labels, policies).Notes
}
