package lint

import "lameduck/deploy/ctl/mode"

// around returns what the webhook knows of the namespace of a workload.
func (w *workload) around() *mode.Around {
	a := &mode.Around{Namespace: w.namespace()}
	a.Labels, a.Annotations = w.in.namespaces[a.Namespace], w.in.annotations[a.Namespace]
	for _, s := range w.in.services {
		if s.object.namespace() == a.Namespace {
			a.Services = append(a.Services, s.Service)
		}
	}
	for _, p := range w.in.policies {
		policy := *p.NetworkPolicy
		policy.Namespace = p.object.namespace()
		a.Policies = append(a.Policies, &policy)
	}
	a.Others = w.in.others
	return a
}
