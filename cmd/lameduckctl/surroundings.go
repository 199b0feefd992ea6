package main

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/manifest"
)

// surroundings are the objects of a namespace that determine how clients reach its pods.
type surroundings struct {
	services []*corev1.Service
	policies []*networkingv1.NetworkPolicy
}

// readSurroundings returns them by namespace, which is empty for manifests without one.
func readSurroundings(files []*manifest.File) (map[string]*surroundings, error) {
	around := make(map[string]*surroundings)
	for _, f := range files {
		for _, o := range f.Objects() {
			if around[o.Namespace] == nil {
				around[o.Namespace] = &surroundings{}
			}
			if err := around[o.Namespace].add(o); err != nil {
				return nil, err
			}
		}
	}
	return around, nil
}

func (s *surroundings) add(o *manifest.Object) error {
	switch o.APIVersion + " " + o.Kind {
	case "v1 Service":
		service := new(corev1.Service)
		s.services = append(s.services, service)
		return o.Decode("", service)
	case "networking.k8s.io/v1 NetworkPolicy":
		policy := new(networkingv1.NetworkPolicy)
		s.policies = append(s.policies, policy)
		return o.Decode("", policy)
	}
	return nil
}

// notes returns the notes of a plan for a workload.
func (s *surroundings) notes(w *manifest.Workload, p inject.Plan) []inject.Note {
	return p.ForServices(w.Template.Labels, s.services).ForPolicies(w.Template.Labels, s.policies).Notes
}
