package main

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/manifest"
)

// surroundings are what leads clients to the pods of a namespace, as far as the input has it.
type surroundings struct {
	services []*corev1.Service
	policies []*networkingv1.NetworkPolicy
}

// lookAround returns them by namespace; empty: the one that whoever applies the manifests chooses.
func lookAround(files []*manifest.File) (map[string]*surroundings, error) {
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

// notes returns those of a plan for a workload that is in them.
func (s *surroundings) notes(w *manifest.Workload, p inject.Plan) []inject.Note {
	return p.ForServices(w.Template.Labels, s.services).ForPolicies(w.Template.Labels, s.policies).Notes
}
