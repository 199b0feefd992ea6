package incluster

import "lameduck/deploy/ctl/measure/rollout"

// Rights returns what the load needs in its namespace.
func (s Spec) Rights() []rollout.Right {
	rights := []rollout.Right{
		{Verb: "create", Group: "batch", Resource: "jobs"}, {Verb: "delete", Group: "batch", Resource: "jobs"},
		{Verb: "watch", Resource: "pods"}, {Verb: "get", Resource: "pods", Subresource: "log"},
	}
	if s.hasSecret() {
		rights = append(rights, rollout.Right{Verb: "create", Resource: "secrets"})
	}
	return rights
}
